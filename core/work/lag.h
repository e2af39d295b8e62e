/* SPDX-License-Identifier: BSD-2-Clause */
/* lag.h - how long the longest turn of a worker was lately, or is.
 *
 * While a turn lasts, everything else on that worker waits.  What it took is
 * told by a clock that costs next to nothing and is up to some milliseconds
 * slow, so short turns count as none: this finds a step that blocks, not one
 * that is busy.  Kept for the window that runs and the one before; a turn that
 * has not ended counts with its age. */
#ifndef WORK_LAG_H
#define WORK_LAG_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/check.h"

#define LAG_MIN_NS 1000000
#define LAG_WINDOW_NS 10000000000u

struct lag {
    _Atomic uint64_t since_ns; /* the begin of the turn; 0: it waits */
    struct {
        _Atomic uint64_t window; /* number of the window; 0: none yet */
        _Atomic uint64_t worst_ns;
    } v[2];
};

/* A turn that began at begin_ns took ns >= LAG_MIN_NS. [worker] */
void lag_note(struct lag *l, uint64_t begin_ns, int64_t ns);
/* The wait is over, a turn begins (monotonic). [worker] */
static inline void
lag_begin_turn(struct lag *l, uint64_t now_ns)
{
    atomic_store_explicit(&l->since_ns, now_ns, memory_order_relaxed);
}
/* The turn that began at begin_ns ends now, a wait begins. [worker] */
static inline void
lag_end_turn(struct lag *l, uint64_t begin_ns, uint64_t now_ns)
{
    const int64_t ns = (int64_t)(now_ns - begin_ns);

    atomic_store_explicit(&l->since_ns, 0, memory_order_relaxed);
    if (UNLIKELY(ns >= LAG_MIN_NS))
        lag_note(l, begin_ns, ns);
}
/* The longest turn of the last one or two windows and of now; 0: none was long.
 * now_ns: monotonic. [any] */
uint64_t lag_worst_ns(const struct lag *l, uint64_t now_ns);

#endif
