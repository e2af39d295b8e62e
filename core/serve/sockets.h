/* SPDX-License-Identifier: BSD-2-Clause */
/* sockets.h - the listening sockets of the process, by address.
 *
 * The one place that opens them: the set is compared with what a configuration
 * wants; what is wanted and not there is opened, what is there and no longer
 * wanted is marked.  A name stands for all its addresses, an entry each.  An
 * entry's index is the listener's id.  All of it [control]. */
#ifndef SERVE_SOCKETS_H
#define SERVE_SOCKETS_H

#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"
#include "conn/env.h"
#include "os/sock.h"

struct channel;
struct conf;
struct contexts;

struct socket_entry {
    struct sock_address wanted; /* as the configuration means it */
    struct sockfile file;       /* of a Unix socket, until it is hidden */
    char shown[SOCK_TEXT_LEN];  /* as bound, the port filled in */
    int *fds;                   /* [n_fds]: one, or one a worker */
    uint32_t *ids;              /* [n_fds]: the supervisor's, 0: none, hidden */
    uint32_t n_fds;             /* 0: the entry is free */
    struct listener_env env;    /* holds its context, also of a free entry: who
                                   was accepted last may not be at work yet */
    uint64_t rules;             /* of the context (contexts.h) */
    struct sock_options options; /* as last wanted */
    uint8_t is_wanted, is_new;
    uint8_t stays;      /* a change is being made: it is wanted as before */
    uint8_t is_changed; /* it stays, with other options, until they are set */
    struct {            /* of one that stays: how it was */
        struct listener_env env;
        uint64_t rules;
        struct sock_options options;
    } before;
};

struct sockets {
    struct channel *channel; /* to the supervisor whose they are, or NULL */
    struct socket_entry v[ENV_MAX_LISTENERS];
    uint32_t next; /* where to look for a free entry: ids are reused late, as
                      connections may be on the way under an old one */
};

/* Of addresses. */
struct sockets_changes {
    uint32_t added, removed, changed;
};

/* Open what conf wants and s has not, to show these contexts of conf, n_fds
 * sockets each (more than one with
 * SO_REUSEPORT).  An address in use is tried again for patience_ms in all, as
 * sock_listen does.  Then is_wanted and is_new say what is to be done.  0; or a
 * negative -errno (the first), with every reason in d and nothing changed. */
MUST_USE int sockets_want(struct sockets *s, const struct conf *conf,
                          const struct contexts *contexts, uint32_t n_fds,
                          uint32_t patience_ms, struct diag *d);
/* What sockets_want has found to do; and what it would find for conf, of which
 * nothing is opened (an address that cannot be told is not counted). */
void sockets_changes(const struct sockets *s, struct sockets_changes *out);
void sockets_foresee(struct sockets *s, const struct conf *conf,
                     struct sockets_changes *out);
/* The change is made: nothing is new any more, sockets that stay have the
 * options now wanted, and what they showed before is let go. */
void sockets_settle(struct sockets *s);
/* The change is not made: close what is new, keep the rest. */
void sockets_revert(struct sockets *s);
/* Remove entry i's file, if it is a Unix socket's and still ours: nobody finds
 * it any more, who is queued can still be accepted. */
void sockets_hide(struct sockets *s, uint32_t i);
/* The supervisor's id of entry i's first socket, 0: there is none; and the
 * entry with that id among its sockets, -1: none has it. */
uint32_t sockets_id(const struct sockets *s, uint32_t i);
int sockets_find(const struct sockets *s, uint32_t id);
/* Let go of what all of them show: no thread serves any more. */
void sockets_drop_contexts(struct sockets *s);
/* Forget entry i, whose sockets are closed by those who accepted from them: it
 * is free, and until it is used again its env says that it is gone. */
void sockets_forget(struct sockets *s, uint32_t i);

#endif
