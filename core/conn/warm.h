/* SPDX-License-Identifier: BSD-2-Clause */
/* warm.h - files that are sent, but not in memory yet: nobody waits for a disk.
 *
 *     [ FILE off,n ]
 *          |
 *     warm_bytes --- some ---> sendfile, pread: of memory only
 *          | none
 *     warm_start ---> a job reads the front of it ---> on_warm
 *                     [ OWN bytes ][ FILE off+k,n-k ]
 *
 * A file is looked at a window at a time, without waiting (RWF_NOWAIT), at some
 * places of it.  What was seen counts for WARM_TRUST_MS: its client may be
 * slow.  Where the file system cannot tell, the pages of a file are counted
 * each time if it is one of this machine; a file elsewhere, or of a program
 * (FUSE), is never there: its pages may be gone in the next moment.
 *
 * A job asks for more than it waits for, and hands over what it has read: so
 * each brings its client on, whatever the file system keeps in memory.  The
 * price of all this is that a hole between two looks is waited for after all.
 */
#ifndef CONN_WARM_H
#define CONN_WARM_H

#include <stdint.h>

#include "base/check.h"

struct env;
struct segment;
struct segment_queue;
struct warm;

/* Of a file, at most this much at once is looked at, and then sent, turn by
 * turn. */
#define WARM_BYTES (1u << 20)
/* For so long what was seen counts. */
#define WARM_TRUST_MS 20u
/* Bits of the clock that are kept of when it was. */
#define WARM_CLOCK 8191u

/* What is known of the file that somebody sends; zeros at first. */
struct warm_state {
    struct warm *job; /* that reads it; NULL: none */
    const struct segment *of;
    uint64_t end : 48;      /* of the file: as far as that it is in memory */
    uint64_t seen_ms : 13;  /* the worker's clock when it was, what fits */
    uint64_t is_lent : 1;   /* some of it was taken, and is asked for again */
    uint64_t is_broken : 1; /* a job could read nothing of it */
};

/* What jobs have seen of file systems: each worker's, zeros at first. */
#define WARM_PLACES 8u
struct warm_places {
    struct warm_place {
        uint64_t number; /* filesys_of; 0: none */
        uint8_t is_local;
    } v[WARM_PLACES];
    uint32_t next; /* to be forgotten */
};

/* How many bytes of the front of s, a FILE, are in memory now: at most what is
 * there to be sent and WARM_BYTES; 0: it is not, or is being read. [worker] */
uint64_t warm_bytes(struct warm_state *w, struct env *env,
                    const struct segment *s);
/* A read has found that it is not there any more. [worker] */
static inline void
warm_doubt(struct warm_state *w, uint64_t now_ms)
{
    w->seen_ms = (now_ms - WARM_TRUST_MS) & WARM_CLOCK;
}
/* Have the front of q's first, a FILE, read: 0, and on_warm(arg) is called,
 * unless warm_forget is before; what was read is q's first then, or nobody was
 * left to read it, and it is to be asked for again.  -EIO: it is shorter than
 * it was, or cannot be read.  -ENOMEM.  q stays where it is meanwhile, and
 * nothing is taken from it. [worker] */
MUST_USE int warm_start(struct warm_state *w, struct env *env,
                        struct segment_queue *q, void (*on_warm)(void *arg),
                        void *arg);
/* Nobody waits for it any more, if anybody does; q is not looked at. [worker]
 */
void warm_forget(struct warm_state *w);

#endif
