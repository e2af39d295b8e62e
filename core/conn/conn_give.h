/* SPDX-License-Identifier: BSD-2-Clause */
/* conn_give.h - giving a connection away: to another worker, to another
 * process.
 *
 *     conn_give / a request boundary           conn_take
 *       -> [the kernel lets go] -> on_given ... -> another's connection
 *             |  a byte came first: it is answered here, without receiving
 *             +-------------- more; then, or at a later boundary, once again
 *
 * Only a connection at its boundary goes: between two requests, nothing of the
 * next one read, nothing of the last one unsent.  All it is then is its socket
 * and a struct handed.  What has been read is answered here; what has not is in
 * the socket and goes along: so each request is answered by exactly one side.
 *
 * What is here does not know where connections go: a giver does, one at a time
 * for each worker. */
#ifndef CONN_CONN_GIVE_H
#define CONN_CONN_GIVE_H

#include <stdint.h>

#include "base/check.h"
#include "proto/addr.h"

struct conn;
struct env;

/* What a connection takes along besides its socket.  Without a pointer, so
 * that it may go to another process (where listener may be another number). */
struct handed {
    struct addr peer;     /* as PROXY named it; ADDR_NONE: ask the socket */
    uint8_t listener;     /* id of the listener it came from */
    uint8_t is_orphan;    /* that is gone: the next answer is the last */
    uint8_t awaits_proxy; /* its PROXY header has not come yet */
    uint32_t n_requests;  /* answered on it so far */
    uint64_t since_ms;    /* idle since, of CLOCK_MONOTONIC */
    uint64_t client;      /* of this process's census; 0: not counted */
    uint8_t is_counted;   /* in this process's census */
};

/* Somebody who wants connections of a worker.  The caller's; in use until
 * conn_give_all or conn_give_some names another or none. */
struct giver {
    /* May c, at its boundary, go?  NULL: every one may. [worker] */
    int (*wants)(struct giver *g, struct conn *c);
    /* It is no connection of env any more, its slot is free and fd is yours,
     * open and blocking; conn_take(env, ...) takes it back. [worker] */
    void (*on_given)(struct giver *g, struct env *env, int fd,
                     const struct handed *h);
};

/* From now on connections that come to their boundary go to g, if it wants
 * them; NULL: none goes any more, those on their way stay.  Called from
 * anywhere but g->wants; on_given is never called from inside. [worker] */
void conn_give_some(struct env *env, struct giver *g);
/* The same, and those that are at it now go at once; of HTTP/2 none ever goes,
 * so the clients of those are told to open another (h2_leave). [worker] */
void conn_give_all(struct env *env, struct giver *g);
/* Give c to env's giver now, if it is at its boundary, whether it is wanted or
 * not; whether that was begun.  It stays here if a byte comes first, or the
 * peer is gone (METRIC_connections_kept). [worker] */
int conn_give(struct conn *c);

/* h leaves the process: its census counts it no longer, and that of the process
 * which takes it does. [worker] */
void conn_give_abroad(struct env *env, struct handed *h);

/* The other half: go on with a connection that was given.  Bytes are tried for
 * at once.  On failure (ERR_LIMIT: no slot) fd stays the caller's. [worker] */
MUST_USE int conn_take(struct env *env, int fd, const struct handed *h);

/* For conn_arm: c has made progress while env has a giver, or c is on its way
 * to one. [worker] */
void conn_give_look(struct conn *c);
/* For the end of c: it is on its way nowhere any more. [worker] */
void conn_give_forget(struct conn *c);

#endif
