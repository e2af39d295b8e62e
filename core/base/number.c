/* SPDX-License-Identifier: BSD-2-Clause */
/* number.c - see number.h. */
#include "base/number.h"

#include "base/err.h"

/* A number as it was looked at. */
struct looked {
    int is_there; /* an entry, which may be over */
    int64_t value;
    uint64_t ends_ms; /* 0: never, or it has not begun */
    struct shelf_view view;
};

static struct looked
look(const struct shelf *s, const struct shelf_name *name, uint64_t now_ms)
{
    struct looked l = {0};

    l.is_there = shelf_find(s, name, &l.view);
    if (l.is_there && !shelf_is_over(&l.view, now_ms)) {
        l.value = (int64_t)l.view.value;
        l.ends_ms = l.view.ends_ms;
    }
    return l;
}

int64_t
number_get(const struct shelf *s, const struct shelf_name *name,
           uint64_t now_ms)
{
    return look(s, name, now_ms).value;
}

static int
begin(const struct shelf *s, struct shelf_hand *hand,
      const struct shelf_name *name, uint64_t whose, int64_t to,
      uint64_t ends_ms)
{
    const struct shelf_entry e = {.name = *name,
                                  .whose = whose,
                                  .value = (uint64_t)to,
                                  .ends_ms = ends_ms};
    struct shelf_view v;

    return to == 0 ? 1 : shelf_make(s, hand, &e, &v);
}

/* Make what was looked at another: 1; 0: it is no longer that; or ERR_LIMIT. */
static int
change(const struct shelf *s, struct shelf_hand *hand,
       const struct shelf_name *name, uint64_t whose, struct looked *l,
       int64_t to, uint64_t ends_ms)
{
    if (!l->is_there)
        return begin(s, hand, name, whose, to, ends_ms);
    if (to == 0)
        return shelf_remove(s, hand, &l->view);
    return shelf_set(s, &l->view, (uint64_t)to, ends_ms);
}

int
number_swap(const struct shelf *s, struct shelf_hand *hand,
            const struct shelf_name *name, uint64_t whose, int64_t *was,
            int64_t to, uint64_t ttl_ms)
{
    for (int i = 0; i < SHELF_TRIES; i++) {
        struct looked l = look(s, name, hand->now_ms);
        const uint64_t ends_ms = ttl_ms == SHELF_SAME_END
                                     ? l.ends_ms
                                     : shelf_end(hand->now_ms, ttl_ms);
        int rc;

        if (l.value != *was) {
            *was = l.value;
            return 0;
        }
        rc = change(s, hand, name, whose, &l, to, ends_ms);
        if (rc != 0)
            return rc;
    }
    return ERR_LIMIT;
}

static int64_t
sum_of(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : 0;
    return sum > 0 ? sum : 0;
}

/* The nearer of two ends. */
static uint64_t
nearer(uint64_t a_ms, uint64_t b_ms)
{
    if (a_ms == 0 || b_ms == 0)
        return a_ms + b_ms;
    return a_ms < b_ms ? a_ms : b_ms;
}

int
number_add(const struct shelf *s, struct shelf_hand *hand,
           const struct shelf_name *name, uint64_t whose, int64_t delta,
           uint64_t ttl_ms, int64_t *value)
{
    const uint64_t ends_ms = shelf_end(hand->now_ms, ttl_ms);

    for (int i = 0; i < SHELF_TRIES; i++) {
        struct looked l = look(s, name, hand->now_ms);
        const int goes_on = l.value != 0;
        int rc;

        *value = sum_of(l.value, delta);
        rc = change(s, hand, name, whose, &l, *value,
                    goes_on ? nearer(l.ends_ms, ends_ms) : ends_ms);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    return ERR_LIMIT;
}
