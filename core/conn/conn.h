/* SPDX-License-Identifier: BSD-2-Clause */
/* conn.h - one connection: its slot, its deadline, its end.
 *
 * An idle connection holds this slot and nothing else.  in, out and req are
 * attached while bytes are in flight:
 *
 *     bytes -> [in: not yet parsed] -> h1 -> req -> [out: not yet sent] ->
 * bytes
 *
 * conn_close may be called from anywhere; what the connection holds is given
 * back when the kernel has let go of it (on_released), never earlier. */
#ifndef CONN_CONN_H
#define CONN_CONN_H

#include <stdint.h>

#include "base/check.h"
#include "base/wheel.h"
#include "conn/exchange.h"
#include "io/io.h"
#include "proto/addr.h"

struct env;
struct out;
struct transport;

/* Whether it is about to be given away (conn_give.h). */
enum conn_leave {
    CONN_STAYS,
    CONN_LEAVES,       /* the kernel is asked to let go of it */
    CONN_SERVES_FIRST, /* what came before it did; nothing more is received */
};

struct conn {
    struct io_source io;
    struct wheel_timer timer;
    struct env *env;
    const struct transport *transport;
    union { /* of HTTP/1: the one request it is at, and of any its phase */
        struct exchange x;
        struct {
            EXCHANGE_FIELDS
        };
    };
    struct out *out;
    char *in;
    uint32_t in_start, in_end, in_cap;
    union {
        uint32_t unsent;    /* the transport's, when the timer last looked */
        uint32_t n_dropped; /* while lingering: bytes read and dropped */
    };
    uint64_t deadline_ms; /* of the phase; an idle one's may be out of date */
    uint32_t n_requests;  /* begun on it */
    uint16_t moved_s;     /* when it came from another worker; 0: never */
    uint8_t seen_window;  /* the rebalancer's (work/rebalance.h) */
    struct addr peer;     /* as PROXY named it; ADDR_NONE: ask the socket */
    uint8_t is_paused;    /* not receiving, for want of room */
    uint8_t is_demoted;   /* io_idle was called since the last byte */
    uint8_t is_orphan; /* its listener is gone: the next answer is the last */
    uint8_t leave;     /* enum conn_leave */
    uint8_t is_h2;     /* it has h2 (conn/h2.h) */
};

/* Take over an accepted socket that the census has counted; on failure (no
 * slot, or too many of its client, who is told so) the fd is closed and
 * ERR_LIMIT returned.  Bytes are tried for at once. [worker] */
MUST_USE int conn_open(struct env *env, int fd, uint8_t listener);
/* What its transport says: n > 0 bytes of text have come, valid until this
 * returns; no more will come; n bytes that a send stands for are with the
 * kernel; there is room, or something to read, as was asked for. [worker] */
void conn_input(struct conn *c, const char *p, size_t n);
void conn_eof(struct conn *c);
void conn_sent(struct conn *c, size_t n);
void conn_ready(struct conn *c);
/* Go on with what is kept. [worker] */
void conn_resume(struct conn *c);
/* The connection ends now, whatever it is doing. [worker] */
void conn_close(struct conn *c);
/* The same, and the peer sees that it did not end well: a reset. [worker] */
void conn_abort(struct conn *c);
/* Its socket has failed with -errno; the caller closes it.  -EBADF: a plugin
 * has closed the descriptor, which could be another client's by now.  The
 * worker finds env->is_robbed at the end of its turn. [worker] */
void conn_failed(struct conn *c, ssize_t rc);
/* Attach c to fd, which nothing else watches; receiving is another matter.
 * [worker] */
void conn_attach(struct conn *c, int fd);
/* The on_released of its source. [worker] */
void conn_released(struct io_source *s);
/* The kernel holds nothing of c: all it has goes back, its slot too.  Its
 * descriptor is closed, or another's. [worker] */
void conn_free(struct conn *c);
/* True of a slot that holds a connection, which may be on its way to the end.
 * [worker] */
int conn_is_open(const struct conn *c);
/* See that the timer fires by the deadline of the phase, which has begun or
 * made progress; or give it away, if it is time. [worker] */
void conn_arm(struct conn *c);
/* The other end of the socket, or what PROXY said; 0 or -errno: it has gone
 * before it was asked for the first time.  It is not known from accept: one
 * that goes on by itself has a single place for all its addresses, and the
 * record that brings the socket here has none. [worker] */
int conn_peer(struct conn *c, struct addr *out);

/* Bytes that cannot be used yet: kept behind those already kept.  0,
 * ERR_NOMEM, or ERR_LIMIT beyond 16 MiB. [worker] */
MUST_USE int conn_keep(struct conn *c, const char *p, size_t n);
/* There is no memory for what a connection wants next: that is said, once.
 * ERR_NOMEM. [worker] */
int conn_out_of_memory(struct env *env);
/* n of the kept bytes are used; the block goes back when all are. [worker] */
void conn_used(struct conn *c, size_t n);

/* Of the connections of the listeners that are gone each has one more answer,
 * which says so. [worker] */
void conn_orphan(struct env *env);
/* The next answer on each connection of env is its last, and says so; clients
 * of HTTP/2, who may have asked for none, are told. [worker] */
void conn_wind_up(struct env *env);
/* For every open connection of env: begin to close the idle ones and those
 * that only linger, at due_ms. [worker] */
void conn_drain(struct env *env, uint64_t due_ms);
/* What can be given away is on its way to another process: of each of the
 * others the next answer is the last, and those that are idle are closed at
 * due_ms. [worker] */
void conn_stay_behind(struct env *env, uint64_t due_ms);
/* Close every connection, whatever it is doing: how many were in the middle of
 * something. [worker] */
uint32_t conn_close_all(struct env *env);

#endif
