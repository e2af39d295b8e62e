/* SPDX-License-Identifier: BSD-2-Clause */
/* balance.c - which worker gets a connection; see balance.h. */
#include "work/balance.h"

static uint64_t
rank(uint64_t key, uint32_t worker)
{
    uint64_t x = key + (worker + 1) * UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    /* Once more: ranks of one client must not be ranks of another, shifted. */
    x = (x ^ key) * UINT64_C(0xff51afd7ed558ccd);
    return x ^ x >> 33;
}

static int
pick_hash(const struct balance_workers *w, uint64_t key)
{
    uint64_t best = 0;
    int at = -1;

    for (uint32_t i = 0; i < w->n; i++) {
        uint64_t r = rank(key, i);
        if ((at < 0 || r > best) && w->load(w->ctx, i) != BALANCE_FULL) {
            best = r;
            at = (int)i;
        }
    }
    return at;
}

/* Of equal ones the next. */
static int
pick_least(const struct balance_workers *w)
{
    uint64_t least = BALANCE_FULL;
    int at = -1;

    for (uint32_t k = 0; k < w->n; k++) {
        uint32_t i = (w->next + k) % w->n;
        uint64_t load = w->load(w->ctx, i);
        if (load < least) {
            least = load;
            at = (int)i;
        }
    }
    return at;
}

static int
pick_next(const struct balance_workers *w)
{
    for (uint32_t k = 0; k < w->n; k++) {
        uint32_t i = (w->next + k) % w->n;
        if (w->load(w->ctx, i) != BALANCE_FULL)
            return (int)i;
    }
    return -1;
}

int
balance_pick(enum balance kind, const struct balance_workers *w, uint64_t key)
{
    if (kind == BALANCE_LEAST)
        return pick_least(w);
    if (kind == BALANCE_HASH && key != 0)
        return pick_hash(w, key);
    return pick_next(w);
}
