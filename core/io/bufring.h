/* SPDX-License-Identifier: BSD-2-Clause */
/* bufring.h - the buffers the kernel receives into, lent through a ring.
 *
 *     kernel takes ->  [ bid | bid | ... | bid ]  <- tail: we give back
 *
 * The ring is first in, first out, so every buffer in it is walked through: a
 * small hot set is worth 4-5 % of a request (measured: 64 x 2 KB against 256 x
 * 4 KB).  So only n of max buffers are in use, those below bid n; n doubles
 * while receives keep failing for want of one, and halves when none did for a
 * long time: then a buffer from n on is kept back when it comes back.  Memory
 * never used is never touched.  bufring_publish shows the kernel what was
 * given.
 */
#ifndef IO_BUFRING_H
#define IO_BUFRING_H

#include <liburing.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define BUFRING_GROUP 0 /* the ring's buffer group */
#define BUFRING_GROWTH 16
#define BUFRING_REST_TURNS 4096u /* a power of two */

struct bufring {
    struct io_uring_buf_ring *ring;
    char *buffers;
    uint32_t bytes;   /* of one buffer */
    uint32_t n;       /* buffers in use */
    uint32_t n_least; /* it began with */
    uint16_t tail;    /* not published yet */
    uint16_t mask;    /* max - 1 */
    uint64_t starved; /* the last turn in which there were too few */
    uint8_t *is_kept; /* of each buffer: in nobody's hands */
    size_t map_len;
};

/* n buffers (rounded up to a power of two, at most 2048) of bytes each,
 * registered with ring; may grow BUFRING_GROWTH-fold.  0 or -errno. [owner] */
MUST_USE int bufring_open(struct bufring *p, struct io_uring *ring, uint32_t n,
                          uint32_t bytes);
/* Give the memory back; the ring is closed before. [owner] */
void bufring_close(struct bufring *p);
/* Receives failed in this turn (they count up from 1), however many: use more
 * buffers if that happened in one shortly before, too. [owner] */
void bufring_starve(struct bufring *p, uint64_t turn);
/* Called every BUFRING_REST_TURNS: use fewer if none failed since. [owner] */
void bufring_rest(struct bufring *p, uint64_t turn);

static inline char *
bufring_at(const struct bufring *p, unsigned bid)
{
    return p->buffers + (size_t)bid * p->bytes;
}

/* Give a buffer back.  (Field by field: entry 0 shares its last field with the
 * ring's tail.) */
static inline void
bufring_give(struct bufring *p, unsigned bid)
{
    struct io_uring_buf *b = &p->ring->bufs[p->tail & p->mask];

    if (UNLIKELY(bid >= p->n)) {
        p->is_kept[bid] = 1;
        return;
    }
    b->addr = (uintptr_t)bufring_at(p, bid);
    b->len = p->bytes;
    b->bid = (uint16_t)bid;
    p->tail++;
}

/* Let the kernel have what was given back. */
static inline void
bufring_publish(struct bufring *p)
{
    __atomic_store_n(&p->ring->tail, p->tail, __ATOMIC_RELEASE);
}

#endif
