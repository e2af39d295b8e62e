/* SPDX-License-Identifier: BSD-2-Clause */
/* ask.h - what an administrator asks of the server process, and the answer.
 *
 *     admin socket (ctl/admin.h)  --+
 *                                   +-->  a line of JSON  -->  a line of JSON
 *     supervisor (CTL_COMMAND)    --+
 *
 * The same orders by two ways; only a process without a supervisor has a socket
 * of its own.  {"command":NAME, ...}, with "text":true for an answer in words:
 *
 *     status             what serves, workers, plugins, the last reload
 *     routes             of the running generation; "path", "method": what they
 *                        meet (explain.h)
 *     plugins            of the running generation
 *     reload             read the files again; answered when that has an end; a
 *                        supervisor's business, if there is one
 *     reopen             open the log files anew
 *     stop               answered at once; and, by the socket, once more at the
 *                        end if that cuts something off
 *     upgrade            a supervisor's business
 *     command            "plugin", "name", "args": what a plugin offers
 *
 * A reload answers those who asked before it began to read files; who asks
 * later is answered by the next one.  All of it [control]. */
#ifndef SERVE_ASK_H
#define SERVE_ASK_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"

struct admin;
struct answer;
struct errand;
struct server;

/* As many as can be at work: the socket's clients and the supervisor's. */
#define ASK_MAX 96

enum ask_state {
    ASK_FREE,
    ASK_NOW,       /* is being answered */
    ASK_RELOAD,    /* waits for the next reload to begin */
    ASK_RELOADING, /* waits for the end of the one that runs */
    ASK_ERRAND,    /* waits for a plugin's answers (errand.h) */
    ASK_STOP,      /* has been told that it will; waits for the end */
};

struct ask {
    uint64_t client;        /* of the admin socket; or, */
    uint8_t is_supervisors, /* the supervisor's number of it */
        wants_text;
    uint8_t state;   /* enum ask_state */
    uint32_t serial; /* of this use */
    uint64_t due_ns; /* answered by then, however; 0: it may take its time */
};

struct asks {
    struct admin *socket; /* NULL: none of our own */
    struct ask v[ASK_MAX];
    uint32_t serial;
    struct errand *errands;
    uint32_t n_errands;
    uint64_t begin_ns; /* the process serves since then: monotonic */
    /* What became of the last reload, in JSON and in words; NULL: none. */
    char *last_json, *last_text;
    int is_reloading;
};

/* Open the admin socket, if there is to be one and nobody supervises us.
 * 0; or -errno, with the reason in d. [control] */
MUST_USE int ask_open(struct server *s, struct diag *d);
/* No thread is left: free all of it, remove the socket.  code: what the process
 * ends with, as in the next. [control] */
void ask_close(struct server *s, int code);
/* Tell who waits for the end if it is not a good one, and remove the socket's
 * file: the process ends as it is. [control] */
void ask_hide(struct server *s, int code);

/* What to poll for reading, or -1; and for how long, at most timeout_ms (-1:
 * for ever). [control] */
int ask_poll_fd(const struct server *s);
int ask_timeout(const struct server *s, int timeout_ms);
/* Take what was asked, answer what can be answered. [control] */
void ask_turn(struct server *s);

/* k as it is now, to be found again later; 0 is nobody's. [control] */
uint64_t ask_number(const struct server *s, const struct ask *k);
/* Answer who has that number, if that is not done yet, with a, which is freed.
 * [control] */
void ask_answer(struct server *s, uint64_t number, struct answer *a);
/* Whether that one wants words, and still waits. [control] */
int ask_wants_text(const struct server *s, uint64_t number);

/* A reload begins to read files; and has ended: with rc, what it changes (of a
 * good one), and every message; the supervisor is told, too. [control] */
void ask_reload_begins(struct server *s);
void ask_reload_ended(struct server *s, int rc, uint64_t ns,
                      const char *changes, const struct diag *d);
/* The process is to stop: no reload will come. [control] */
void ask_give_up(struct server *s);

#endif
