/* SPDX-License-Identifier: BSD-2-Clause */
/* load.c - how busy a worker is; see load.h. */
#include "work/load.h"

static void
show(_Atomic uint64_t *at, uint64_t value)
{
    atomic_store_explicit(at, value, memory_order_relaxed);
}

void
load_begin(struct load *l, uint64_t now_ns)
{
    uint64_t waited_ns = now_ns - l->ended_ns;

    l->lag_ns = l->lag_ns > waited_ns ? l->lag_ns - waited_ns : 0;
    l->began_ns = now_ns;
    show(&l->works_since_ns, now_ns);
}

static void
end_window(struct load *l, uint64_t now_ns)
{
    uint64_t window_ns = now_ns - l->window_ns;

    l->share = (uint32_t)(l->busy_ns * LOAD_ALL / window_ns);
    l->busy_ns = 0;
    l->window_ns = now_ns;
    atomic_store_explicit(&l->seen_share, l->share, memory_order_relaxed);
    show(&l->seen_ns, now_ns);
}

int
load_end(struct load *l, uint64_t now_ns)
{
    uint64_t work_ns = now_ns - l->began_ns;
    uint64_t before_ns = l->lag_ns - l->lag_ns / 4;

    l->ended_ns = now_ns;
    show(&l->works_since_ns, 0);
    if (l->window_ns == 0) { /* the first turn */
        l->window_ns = now_ns;
        return 0;
    }
    l->busy_ns += work_ns;
    l->lag_ns = work_ns > before_ns ? work_ns : before_ns;
    if (now_ns - l->window_ns < LOAD_WINDOW_NS)
        return 0;
    end_window(l, now_ns);
    return 1;
}

uint32_t
load_seen(const struct load *l, uint64_t now_ns)
{
    uint64_t since =
        atomic_load_explicit(&l->works_since_ns, memory_order_relaxed);
    uint64_t seen = atomic_load_explicit(&l->seen_ns, memory_order_relaxed);

    if (since != 0 && now_ns > since + LOAD_WINDOW_NS)
        return LOAD_ALL;
    if (now_ns > seen + 3 * LOAD_WINDOW_NS)
        return 0;
    return atomic_load_explicit(&l->seen_share, memory_order_relaxed);
}
