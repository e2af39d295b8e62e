/* SPDX-License-Identifier: BSD-2-Clause */
/* channel.h - the server process's end of the channel to its supervisor.
 *
 * Orders are noted when they are read and carried out by whoever looks at the
 * notes (control.c); an answer that is waited for is waited for here, and
 * orders that come in front of it are noted.  When the supervisor is gone the
 * process ends at once: another supervisor may be there already.  Without a
 * supervisor fd is -1, and every call is nothing.  Messages: ctl/ctl.h. */
#ifndef SERVE_CHANNEL_H
#define SERVE_CHANNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/check.h"
#include "base/diag.h"
#include "ctl/ctl.h"
#include "os/sock.h"

struct bundle;
struct gen;
struct handover;
struct quarantine;
struct tickets;

/* What the process was told and has not done yet, by signals or by its
 * supervisor; stops never falls. */
struct orders {
    int hup, usr1, stops;
    uint32_t refused; /* reloads that failed before they came here */
};

/* An administrator's order that came over the channel and is not yet taken. */
struct channel_command {
    uint32_t id;
    int fd; /* its line */
};
#define CHANNEL_COMMANDS 16

#define CHANNEL_NONE                                                           \
    {                                                                          \
        .fd = -1, .bundle_fd = -1, .faults_fd = -1, .answer_fd = -1,           \
        .memory = {                                                            \
            -1,                                                                \
            -1                                                                 \
        }                                                                      \
    }

struct channel {
    int fd;
    ino_t socket;     /* that fd is, unless it was closed by others */
    uint16_t version; /* of ctl.h, that the supervisor speaks */
    int bundle_fd;    /* what to start from or reload, until it is taken; -1 */
    int is_files;     /* and that is the files, without images (CTL_FILES) */
    int memory[CTL_N_MEMORIES]; /* what outlives us, until taken; -1: none */
    uint32_t seat;              /* on them */
    struct tickets *tickets;    /* of the supervisor, until taken; or NULL */
    int faults_fd; /* the block of faults (ctl/faults.h) that the supervisor
                      reads; -1: it has given none */
    struct orders *orders;         /* where they are noted */
    struct handover *handover;     /* ... and those of connections */
    struct quarantine *quarantine; /* ... and builds that may not run */
    /* the answer that is waited for */
    int is_answered, answer_fd;
    struct ctl_message answer;
    struct channel_command commands[CHANNEL_COMMANDS]; /* oldest first */
    uint32_t n_commands;
};

/* The channel of a process that a supervisor has started (else closed), as soon
 * as it has said what to start from.  0, or -errno with the reason in d.
 * [control] */
MUST_USE int channel_open(struct channel *c, int is_supervised,
                          struct orders *orders, struct handover *handover,
                          struct quarantine *quarantine, struct diag *d);
/* The bundle of bundle_fd, which must be there and then is not any more; the
 * caller's.  NULL, with the reasons in d: those too why it could not be read
 * from the files. [control] */
MUST_USE struct bundle *channel_bundle(struct channel *c, struct diag *d);
/* fd is its end. [control] */
void channel_attach(struct channel *c, int fd);
/* Its descriptor is closed, or another file's: what was sent there meanwhile
 * nobody knows. [any] */
int channel_is_lost(const struct channel *c);
/* Note the orders that are there. [control] */
void channel_read(struct channel *c);

/* As sock_listen, but it is the supervisor's socket, and *id names it.
 * [control] */
MUST_USE int channel_listen(struct channel *c, const struct sock_address *a,
                            const struct sock_options *o, uint32_t index,
                            uint32_t *id, char *why, size_t cap);
/* Have the supervisor write [server] pid_file, as pidfile_put does. [control]
 */
MUST_USE int channel_pid_file(struct channel *c, char *why, size_t cap);
/* Have the supervisor open the log file at path: a descriptor or -errno.
 * *is_named is 0 if it does not do so, since no configuration names that.
 * [control] */
MUST_USE int channel_open_log(struct channel *c, const char *path,
                              int *is_named);
/* Nobody is to find that socket any more: the supervisor closes its copy, and
 * its file is gone when this returns. [control] */
void channel_unlisten(struct channel *c, uint32_t id);

/* The supervisor answers for this seccomp listener, which stays the caller's.
 * [control] */
void channel_sandbox(struct channel *c, int listener);
/* A sealed dump of b, the caller's, or -errno. [control] */
MUST_USE int channel_dump(const struct bundle *b);
/* The trial has ended: with fd, which is taken, a dump of what may be served;
 * or with an error in d. [control] */
void channel_probed(struct channel *c, int fd, const struct diag *d);
/* What serves from now on, and what a successor is to start from. [control] */
void channel_committed(struct channel *c, const struct gen *g);
/* It serves for the first time; an order (CTL_RELOAD, CTL_REOPEN) is carried
 * out. [control] */
void channel_ready(struct channel *c);
/* Another process serves, and has what was idle here. [control] */
void channel_given(struct channel *c);
void channel_done(struct channel *c, enum ctl_kind order, int result);
/* Another process should serve; why, a phrase. [control] */
void channel_replace(struct channel *c, const char *why);
/* This process will not serve, for these errors. [control] */
void channel_failed(struct channel *c, const struct diag *d);
/* A reload has ended, with what an administrator is told of it: n bytes; or, if
 * those cannot be handed over, why. [control] */
void channel_reloaded(struct channel *c, int result, const char *why,
                      const char *text, size_t n);
/* A reload cannot be carried out by this process, but by another one: what is
 * needed, a phrase, and what it changes ("": not known). [control] */
void channel_needs(struct channel *c, const char *what, const char *changes);
/* A plugin has crashed: record is its place in the block of faults.  Says it
 * with what a process has that cannot trust its memory any more; a supervisor
 * that is gone is not missed here. [any] */
void channel_fault(const struct channel *c, uint32_t record,
                   enum ctl_fault fault);

/* The oldest command: its line in buf, NUL-terminated; at most cap bytes with
 * that.  Its length; 0: there is none (any more). [control] */
size_t channel_command(struct channel *c, uint32_t *id, char *buf, size_t cap);
/* What became of command id: n bytes. [control] */
void channel_result(struct channel *c, uint32_t id, const char *text, size_t n);

#endif
