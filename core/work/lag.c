/* SPDX-License-Identifier: BSD-2-Clause */
/* lag.c - see lag.h. */
#include "work/lag.h"

static uint64_t
window_of(uint64_t ns)
{
    return ns / LAG_WINDOW_NS + 1;
}

void
lag_note(struct lag *l, uint64_t begin_ns, int64_t ns)
{
    const uint64_t window = window_of(begin_ns + (uint64_t)ns);
    const uint32_t i = window & 1;

    if (atomic_load(&l->v[i].window) != window) {
        atomic_store(&l->v[i].worst_ns, 0);
        atomic_store(&l->v[i].window, window);
    }
    if ((uint64_t)ns > atomic_load(&l->v[i].worst_ns))
        atomic_store(&l->v[i].worst_ns, (uint64_t)ns);
}

/* How long the turn that runs has lasted; 0: it waits, or not for long. */
static uint64_t
age_ns(const struct lag *l, uint64_t now_ns)
{
    const uint64_t since =
        atomic_load_explicit(&l->since_ns, memory_order_relaxed);

    return since != 0 && now_ns >= since + LAG_MIN_NS ? now_ns - since : 0;
}

uint64_t
lag_worst_ns(const struct lag *l, uint64_t now_ns)
{
    const uint64_t now = window_of(now_ns);
    uint64_t worst = age_ns(l, now_ns);

    for (uint32_t i = 0; i < 2; i++) {
        const uint64_t window = atomic_load(&l->v[i].window);
        const uint64_t ns = atomic_load(&l->v[i].worst_ns);
        if (window != 0 && now <= window + 1 && ns > worst)
            worst = ns;
    }
    return worst;
}
