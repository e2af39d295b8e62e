/* SPDX-License-Identifier: BSD-2-Clause */
/* wheel.c - see wheel.h.
 *
 * The level-0 slot of the current tick holds only what was armed for the past
 * (or for this very tick): advance empties it first. */
#include "base/wheel.h"

#include <stddef.h>

#include "base/check.h"

#define DIGIT_BITS 6
#define TOP (WHEEL_LEVELS - 1)
#define NEVER UINT64_MAX

_Static_assert(1 << DIGIT_BITS == WHEEL_SLOTS, "a digit numbers the slots");

static unsigned
digit_of(uint64_t tick, unsigned level)
{
    return (unsigned)(tick >> (DIGIT_BITS * level)) & (WHEEL_SLOTS - 1);
}

/* Rounded up: a timer is never early. */
static uint64_t
tick_of(uint64_t due_ms)
{
    return due_ms / WHEEL_RESOLUTION_MS + !!(due_ms % WHEEL_RESOLUTION_MS);
}

static void
link_at(struct wheel_timer **at, struct wheel_timer *t)
{
    t->next = *at;
    if (t->next)
        t->next->prev = &t->next;
    t->prev = at;
    *at = t;
}

static void
place(struct wheel *w, struct wheel_timer *t)
{
    uint64_t tick = tick_of(t->due_ms), differ;
    unsigned level, slot;

    if (tick < w->now_tick)
        tick = w->now_tick;
    differ = tick ^ w->now_tick;
    level = differ ? (63u - (unsigned)__builtin_clzll(differ)) / DIGIT_BITS : 0;
    if (UNLIKELY(level > TOP))
        level = TOP;
    slot = digit_of(tick, level);
    link_at(&w->slot[level][slot], t);
    w->occupied[level] |= UINT64_C(1) << slot;
}

void
wheel_init(struct wheel *w, uint64_t now_ms)
{
    *w = (struct wheel){.now_tick = now_ms / WHEEL_RESOLUTION_MS};
}

void
wheel_arm(struct wheel *w, struct wheel_timer *t, uint64_t due_ms)
{
    wheel_cancel(w, t);
    t->due_ms = due_ms;
    place(w, t);
    w->n_armed++;
}

void
wheel_cancel(struct wheel *w, struct wheel_timer *t)
{
    struct wheel_timer **first = &w->slot[0][0];

    if (!t->prev)
        return;
    *t->prev = t->next;
    if (t->next) {
        t->next->prev = t->prev;
    } else {
        /* Perhaps the last of a slot; a list being fired is outside. */
        uintptr_t i = ((uintptr_t)t->prev - (uintptr_t)first) / sizeof *first;

        if (i < WHEEL_LEVELS * WHEEL_SLOTS)
            w->occupied[i / WHEEL_SLOTS] &= ~(UINT64_C(1) << i % WHEEL_SLOTS);
    }
    t->prev = NULL;
    w->n_armed--;
}

/* The next tick at which a slot of this level is reached; NEVER: none.  Below
 * the top only digits after the current one are in use. */
static uint64_t
next_of_level(const struct wheel *w, unsigned level)
{
    unsigned shift = DIGIT_BITS * level, now = digit_of(w->now_tick, level);
    uint64_t bits = w->occupied[level], base = w->now_tick >> shift;
    unsigned turn;

    if (!bits)
        return NEVER;
    /* Rotate so that bit 0 is the slot after the current one. */
    turn = (now + 1) % WHEEL_SLOTS;
    bits = bits >> turn | bits << (WHEEL_SLOTS - turn) % WHEEL_SLOTS;
    return (base + 1 + (unsigned)__builtin_ctzll(bits)) << shift;
}

/* The next tick at which there is something to do.  A lower level is always
 * emptied before the next slot of a higher one is reached. */
static uint64_t
next_tick(const struct wheel *w)
{
    if (w->occupied[0] >> digit_of(w->now_tick, 0) & 1)
        return w->now_tick;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t tick = next_of_level(w, level);

        if (tick != NEVER)
            return tick;
    }
    return NEVER;
}

static struct wheel_timer *
take_slot(struct wheel *w, unsigned level)
{
    unsigned slot = digit_of(w->now_tick, level);
    struct wheel_timer *t = w->slot[level][slot];

    w->slot[level][slot] = NULL;
    w->occupied[level] &= ~(UINT64_C(1) << slot);
    return t;
}

/* The wheel has reached now_tick: bring down what waited for it. */
static void
come_down(struct wheel *w)
{
    for (unsigned level = TOP; level > 0; level--) {
        struct wheel_timer *t;

        if (w->now_tick & ((UINT64_C(1) << (DIGIT_BITS * level)) - 1))
            continue;
        t = take_slot(w, level);
        while (t) {
            struct wheel_timer *next = t->next;

            place(w, t);
            t = next;
        }
    }
}

/* Move the timers of the current tick to the end of a list. */
static struct wheel_timer **
collect(struct wheel *w, struct wheel_timer **end)
{
    struct wheel_timer *t = take_slot(w, 0);

    *end = t;
    if (t)
        t->prev = end;
    while (*end)
        end = &(*end)->next;
    return end;
}

void
wheel_advance(struct wheel *w, uint64_t now_ms)
{
    uint64_t target = now_ms / WHEEL_RESOLUTION_MS, tick;
    struct wheel_timer *due = NULL, **end = &due;

    if (target < w->now_tick)
        target = w->now_tick;
    while ((tick = next_tick(w)) <= target) {
        if (tick > w->now_tick) {
            w->now_tick = tick;
            come_down(w);
        }
        end = collect(w, end);
    }
    w->now_tick = target;
    /* All that is due hangs on a list of its own, still armed: a callback may
     * cancel or move any of it, and what it arms is not met here. */
    while (due) {
        struct wheel_timer *t = due;

        wheel_cancel(w, t);
        t->fn(t, now_ms);
    }
}

int64_t
wheel_next_ms(const struct wheel *w, uint64_t now_ms)
{
    uint64_t tick = next_tick(w);

    if (tick == NEVER)
        return -1;
    if (tick <= now_ms / WHEEL_RESOLUTION_MS)
        return 0;
    return (int64_t)(tick * WHEEL_RESOLUTION_MS - now_ms);
}
