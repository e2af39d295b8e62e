/* SPDX-License-Identifier: BSD-2-Clause */
/* rings.h - one io_uring: set up once, then entered once a turn.
 *
 * liburing maps the rings; from there on this file moves the indices itself,
 * because a turn is two loads, two stores and one system call:
 *
 *     submission   *khead <= tail,  tail - *khead <= n_entries
 *     completion   head <= *ktail   (head is published by rings_seen)
 *
 * Slots of the submission ring are used in order (array[i] == i). */
#ifndef IO_RINGS_H
#define IO_RINGS_H

#include <liburing.h>
#include <stdint.h>

#include "base/check.h"

struct rings {
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
MUST_USE int rings_open(struct rings *r, unsigned n_entries);
/* Cancel all that is in flight, wait for that, give all back. [owner] */
void rings_close(struct rings *r);
/* Submit, run what the kernel has deferred, wait until there is one completion
 * if wait is 1: at most timeout_ms, or for ever if that is negative.  0 (also
 * when time ran out or a signal came) or -errno. [owner] */
MUST_USE int rings_enter(struct rings *r, unsigned wait, int64_t timeout_ms);

/* True while rings_sqe may be called. */
static inline int
rings_has_room(const struct rings *r)
{
    return r->tail - __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE) <
           r->n_entries;
}

/* The next submission slot, to be filled whole (user_data too) at once. */
static inline struct io_uring_sqe *
rings_sqe(struct rings *r)
{
    return &r->sqes[r->tail++ & r->sq_mask];
}

/* How many completions wait, and the index of the first. */
static inline unsigned
rings_ready(const struct rings *r, unsigned *head)
{
    *head = *r->cq_head;
    return __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) - *head;
}

static inline const struct io_uring_cqe *
rings_cqe(const struct rings *r, unsigned head)
{
    return &r->cqes[head & r->cq_mask];
}

/* All completions before head are used up. */
static inline void
rings_seen(struct rings *r, unsigned head)
{
    __atomic_store_n(r->cq_head, head, __ATOMIC_RELEASE);
}

/* True while completions wait in the kernel for room in the ring. */
static inline int
rings_is_overflown(const struct rings *r)
{
    return (__atomic_load_n(r->sq_flags, __ATOMIC_RELAXED) &
            IORING_SQ_CQ_OVERFLOW) != 0;
}

#endif
