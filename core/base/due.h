/* SPDX-License-Identifier: BSD-2-Clause */
/* due.h - of numbered things with a time each, which one is due first?
 *
 * A binary heap of (time, number) that knows where each number stands, so a
 * time can be changed and a thing forgotten in O(log n).  For what is asked
 * when room is needed; timers that fire by themselves are wheel.h's.
 *
 * The memory is the caller's.  Invariant: v[(i - 1) / 2].at <= v[i].at, and
 * v[place[x] - 1].what == x for every x with place[x] != 0. */
#ifndef BASE_DUE_H
#define BASE_DUE_H

#include <stdint.h>

#define DUE_NONE UINT32_MAX

struct due_item {
    uint64_t at;
    uint32_t what;
};

struct due {
    struct due_item *v; /* room for as many things as have a time at once */
    uint32_t *place;    /* by thing: where it is in v, plus one; 0: no time */
    uint32_t n;
};

/* Nothing is due; place is zeroed.  v and place are kept. [owner] */
void due_init(struct due *d, struct due_item *v, uint32_t *place);
/* what is due at that time, whatever was said of it before. [owner] */
void due_set(struct due *d, uint32_t what, uint64_t at);
/* what is never due; it need not have had a time. [owner] */
void due_drop(struct due *d, uint32_t what);
/* What is due first and when (*at), or DUE_NONE. [owner] */
uint32_t due_first(const struct due *d, uint64_t *at);

#endif
