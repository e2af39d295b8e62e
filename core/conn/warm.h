/* SPDX-License-Identifier: BSD-2-Clause */
/* warm.h - files that are sent, but not in memory yet: nobody waits for a disk.
 *
 *     warm_bytes --- some ---> sendfile, pread: of memory only
 *          | none
 *     warm_start ---> a job reads it into the page cache ---> on_warm
 *
 * A file is looked at a window at a time, without waiting (RWF_NOWAIT), at some
 * places of it; where a file system cannot tell, it counts as not there.  What
 * was seen counts for WARM_TRUST_MS: its client may be slow, and what is read
 * may be thrown out again, on FUSE by whoever opens the file.  What a job has
 * read is looked at, too, and read again; but what WARM_JOBS of them have read
 * in vain, or one where it cannot be told, counts as there, so that a file
 * system that keeps nothing is sent, too.  The price is that this, and a hole
 * between two looks, is waited for after all. */
#ifndef CONN_WARM_H
#define CONN_WARM_H

#include <stdint.h>

#include "base/check.h"

struct env;
struct segment;
struct warm;

/* Of a file, at most this much at once is looked at, and then sent. */
#define WARM_BYTES (1u << 20)
/* For so long what was seen counts; so many jobs read a window at most. */
#define WARM_TRUST_MS 20u
#define WARM_JOBS 4u
/* Bits of the clock that are kept of when it was. */
#define WARM_CLOCK 8191u

/* What is known of the file that somebody sends; zeros at first. */
struct warm_state {
    struct warm *job; /* that reads it; NULL: none */
    const struct segment *of;
    uint64_t end : 48;     /* of the file: as far as that it is in memory */
    uint64_t seen_ms : 13; /* the worker's clock when it was, what fits */
    uint64_t n_jobs : 3;   /* that have read of it since then */
};

/* How many bytes of the front of s, a FILE, are in memory now, at now_ms of the
 * worker's clock: at most what is there to be sent and WARM_BYTES; 0: it is
 * not. [worker] */
uint64_t warm_bytes(struct warm_state *w, const struct segment *s,
                    uint64_t now_ms);
/* A read has found that it is not there any more. [worker] */
static inline void
warm_doubt(struct warm_state *w, uint64_t now_ms)
{
    w->seen_ms = (now_ms - WARM_TRUST_MS) & WARM_CLOCK;
}
/* Have it read: 0, and on_warm(arg) is called, unless warm_forget is before; or
 * ET_ELIMIT, ET_ENOMEM. [worker] */
MUST_USE int warm_start(struct warm_state *w, struct env *env,
                        const struct segment *s, void (*on_warm)(void *arg),
                        void *arg);
/* Nobody waits for it any more, if anybody does. [worker] */
void warm_forget(struct warm_state *w);

#endif
