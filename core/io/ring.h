/* SPDX-License-Identifier: BSD-2-Clause */
/* ring.h - one io_uring: set up once, then entered once a turn.
 *
 * liburing maps the rings; from there on this file moves the indices itself,
 * because a turn is two loads, two stores and one system call:
 *
 *     submission   *khead <= tail,  tail - *khead <= n_entries
 *     completion   head <= *ktail   (head is published by ring_seen)
 *
 * Slots of the submission ring are used in order (array[i] == i). */
#ifndef IO_RING_H
#define IO_RING_H

#include <liburing.h>
#include <stdint.h>

#include "base/check.h"

struct ring {
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
    unsigned *sq_head, *sq_tail, *sq_flags, *cq_head, *cq_tail;
    unsigned sq_mask, cq_mask, n_entries;
    unsigned tail;        /* of the submission ring, not published yet */
    int enter_fd;         /* registered index, or the descriptor */
    unsigned enter_flags; /* of every io_uring_enter */
    struct io_uring lib;
};

/* A ring with n_entries (rounded up to a power of two) submissions and 4 times
 * as many completions, for the calling thread only.  0 or -errno: -EINVAL when
 * the kernel is older than 6.0. [owner] */
MUST_USE int ring_open(struct ring *r, unsigned n_entries);
/* Cancel all that is in flight, wait for that, give all back. [owner] */
void ring_close(struct ring *r);
/* Submit, run what the kernel has deferred, wait until there is one completion
 * if wait is 1: at most timeout_ms, or for ever if that is negative.  0 (also
 * when time ran out or a signal came) or -errno. [owner] */
MUST_USE int ring_enter(struct ring *r, unsigned wait, int64_t timeout_ms);

/* True while ring_sqe may be called. */
static inline int
ring_has_room(const struct ring *r)
{
    return r->tail - __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE) <
           r->n_entries;
}

/* The next submission slot, to be filled whole (user_data too) at once. */
static inline struct io_uring_sqe *
ring_sqe(struct ring *r)
{
    return &r->sqes[r->tail++ & r->sq_mask];
}

/* How many completions wait, and the index of the first. */
static inline unsigned
ring_ready(const struct ring *r, unsigned *head)
{
    *head = *r->cq_head;
    return __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) - *head;
}

static inline const struct io_uring_cqe *
ring_cqe(const struct ring *r, unsigned head)
{
    return &r->cqes[head & r->cq_mask];
}

/* All completions before head are used up. */
static inline void
ring_seen(struct ring *r, unsigned head)
{
    __atomic_store_n(r->cq_head, head, __ATOMIC_RELEASE);
}

/* True while completions wait in the kernel for room in the ring. */
static inline int
ring_is_overflown(const struct ring *r)
{
    return (__atomic_load_n(r->sq_flags, __ATOMIC_RELAXED) &
            IORING_SQ_CQ_OVERFLOW) != 0;
}

#endif
