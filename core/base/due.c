/* SPDX-License-Identifier: BSD-2-Clause */
/* due.c - see due.h. */
#include "base/due.h"

#include "base/check.h"

static void
put(struct due *d, uint32_t i, struct due_item item)
{
    d->v[i] = item;
    d->place[item.what] = i + 1;
}

/* item goes where i is a hole, or above it. */
static void
rise(struct due *d, uint32_t i, struct due_item item)
{
    while (i > 0 && d->v[(i - 1) / 2].at > item.at) {
        put(d, i, d->v[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(d, i, item);
}

/* The same, or below it. */
static void
sink(struct due *d, uint32_t i, struct due_item item)
{
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= d->n)
            break;
        if (child + 1 < d->n && d->v[child + 1].at < d->v[child].at)
            child++;
        if (d->v[child].at >= item.at)
            break;
        put(d, i, d->v[child]);
        i = child;
    }
    put(d, i, item);
}

static void
settle(struct due *d, uint32_t i, struct due_item item)
{
    if (i > 0 && d->v[(i - 1) / 2].at > item.at)
        rise(d, i, item);
    else
        sink(d, i, item);
}

void
due_init(struct due *d, struct due_item *v, uint32_t *place)
{
    *d = (struct due){.v = v, .place = place};
}

void
due_set(struct due *d, uint32_t what, uint64_t at)
{
    const uint32_t place = d->place[what];

    settle(d, place ? place - 1 : d->n++, (struct due_item){at, what});
}

void
due_drop(struct due *d, uint32_t what)
{
    const uint32_t place = d->place[what];

    if (place == 0)
        return;
    CHECK(d->v[place - 1].what == what);
    d->place[what] = 0;
    d->n--;
    if (place - 1 < d->n)
        settle(d, place - 1, d->v[d->n]);
}

uint32_t
due_first(const struct due *d, uint64_t *at)
{
    if (d->n == 0)
        return DUE_NONE;
    *at = d->v[0].at;
    return d->v[0].what;
}
