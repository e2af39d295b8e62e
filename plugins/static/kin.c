/* SPDX-License-Identifier: BSD-2-Clause */
/* kin.c - see kin.h. */
#include "kin.h"

#include "cache.h"

/* More than a server has. */
#define WORKERS_MAX 1024u

/* By the worker's index; each entry is that worker's alone. */
static struct kin *firsts[WORKERS_MAX];

void
kin_join(struct kin *k, const et_worker *w, struct cache *c)
{
    k->first = w->index < WORKERS_MAX ? &firsts[w->index] : &k->alone;
    k->cache = c;
    k->next = *k->first;
    *k->first = k;
}

void
kin_leave(struct kin *k)
{
    struct kin **at = k->first;
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
}

uint64_t
kin_yield(const struct kin *k)
{
    uint64_t n = 0;
    for (k = *k->first; k; k = k->next)
        n += cache_yield(k->cache);
    return n;
}

uint64_t
kin_max_open(const struct kin *k)
{
    uint64_t n = 0;
    for (k = *k->first; k; k = k->next)
        n += cache_max_open(k->cache);
    return n;
}
