/* SPDX-License-Identifier: BSD-2-Clause */
/* reject.h - a client that cannot be served is told so, by its socket alone.
 *
 *     reject -> told, our side is shut -> [ rejects ] -> closed
 *
 * It is told in what its listener speaks.  A close while something comes is a
 * reset, behind which not every client sees what it was told; and clients of
 * TLS and of HTTP/2 speak first.  So the last few of them are closed after a
 * moment, when they have had the time to. */
#ifndef CONN_REJECT_H
#define CONN_REJECT_H

#include <stdint.h>

#include "base/wheel.h"

enum reject_as {
    REJECT_HTTP1, /* 503 with Retry-After */
    REJECT_H2C,   /* the same; to whom has begun with HTTP/2, GOAWAY: nothing
                     was looked at, it may ask again (RFC 9113 6.8, 8.7) */
    REJECT_TLS,   /* the alert internal_error (RFC 8446 6.2) */
};

#define REJECT_KEPT 16u
#define REJECT_MS 1000u

/* Of one thread: those that have been told and are not closed yet. */
struct rejects {
    struct wheel *wheel;
    struct wheel_timer timer;
    int fds[REJECT_KEPT]; /* a ring; -1: nobody */
    uint32_t next;        /* the oldest */
};

/* Nobody is rejected yet; wheel is the thread's, borrowed. [owner] */
void reject_init(struct rejects *r, struct wheel *wheel);
/* Close who is left. [owner] */
void reject_fini(struct rejects *r);
/* Tell fd, and close it in a moment.  fd is taken. [owner] */
void reject(struct rejects *r, int fd, enum reject_as as, uint64_t now_ms);
/* Tell fd, and shut our side. [any] */
void reject_say(int fd, enum reject_as as);
/* The same, and close it at once: for want of descriptors. [any] */
void reject_now(int fd, enum reject_as as);

#endif
