/* SPDX-License-Identifier: BSD-2-Clause */
/* wheel.c - the timer wheel against a model that looks at every timer: each
 * fires at the first advance at or after its tick, once, and in order; and the
 * time to sleep is never too long. */
#include "base/wheel.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "t/lib/unit.h"

#define N 64

/* A timer and what the model knows of it. */
struct subject {
    struct wheel_timer t;
    uint64_t due_tick; /* rounded up; UINT64_MAX: not armed */
    uint64_t fired_ms;
    unsigned n_fired;
};

static struct wheel wheel;
static struct subject subjects[N];
static uint64_t now_ms, last_tick, seed;
static void (*then)(struct subject *s); /* in a callback, after the record */

static uint64_t
tick_of(uint64_t due_ms)
{
    return due_ms / 16 + (due_ms % 16 != 0);
}

/* A generator of our own, so that a failure can be repeated anywhere. */
static uint64_t
random_bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void
on_fired(struct wheel_timer *t, uint64_t at_ms)
{
    struct subject *s = CONTAINER_OF(t, struct subject, t);
    uint64_t tick = s->due_tick;

    UNIT_HOLDS(at_ms == now_ms);
    UNIT_HOLDS(tick != UINT64_MAX);
    UNIT_HOLDS(tick <= at_ms / 16);
    UNIT_HOLDS(!wheel_is_armed(t));
    UNIT_HOLDS(tick >= last_tick);
    last_tick = tick;
    s->due_tick = UINT64_MAX;
    s->fired_ms = at_ms;
    s->n_fired++;
    if (then)
        then(s);
}

static void
begin(uint64_t start_ms)
{
    memset(subjects, 0, sizeof subjects);
    for (int i = 0; i < N; i++) {
        subjects[i].t.fn = on_fired;
        subjects[i].due_tick = UINT64_MAX;
    }
    now_ms = start_ms;
    then = NULL;
    wheel_init(&wheel, now_ms);
}

static void
arm(struct subject *s, uint64_t due_ms)
{
    wheel_arm(&wheel, &s->t, due_ms);
    s->due_tick = tick_of(due_ms);
    /* What is armed for the past is due now. */
    if (s->due_tick < wheel.now_tick)
        s->due_tick = wheel.now_tick;
}

static void
cancel(struct subject *s)
{
    wheel_cancel(&wheel, &s->t);
    s->due_tick = UINT64_MAX;
}

/* Nothing that is due is left, and what is armed is known to be. */
static void
agree(int after_advance)
{
    uint64_t first = UINT64_MAX;
    uint32_t n_armed = 0;
    int64_t sleep_ms = wheel_next_ms(&wheel, now_ms);

    for (int i = 0; i < N; i++) {
        struct subject *s = &subjects[i];

        UNIT_HOLDS(wheel_is_armed(&s->t) == (s->due_tick != UINT64_MAX));
        n_armed += s->due_tick != UINT64_MAX;
        if (s->due_tick < first)
            first = s->due_tick;
    }
    UNIT_HOLDS(wheel.n_armed == n_armed);
    if (n_armed == 0) {
        UNIT_HOLDS(sleep_ms == -1);
        return;
    }
    if (after_advance && !then)
        UNIT_HOLDS(first > now_ms / 16);
    UNIT_HOLDS(sleep_ms >= 0);
    if (first > now_ms / 16)
        UNIT_HOLDS((uint64_t)sleep_ms <= first * 16 - now_ms);
    else
        UNIT_HOLDS(sleep_ms == 0);
}

static void
advance(uint64_t by_ms)
{
    now_ms += by_ms;
    last_tick = 0;
    wheel_advance(&wheel, now_ms);
    agree(1);
}

/* A number whose size is as random as its bits. */
static uint64_t
random_span(unsigned max_bits)
{
    return random_bits() >> (64 - 1 - random_bits() % max_bits);
}

static void
random_walk(uint64_t start_ms, unsigned max_bits, int rounds)
{
    begin(start_ms);
    for (int i = 0; i < rounds; i++) {
        struct subject *s = &subjects[random_bits() % N];

        switch (random_bits() % 8) {
        case 0: cancel(s); break;
        case 1: advance(random_span(max_bits)); break;
        case 2: advance(random_span(6)); break;
        case 3: { /* as a loop does: sleep as long as one may */
            int64_t sleep_ms = wheel_next_ms(&wheel, now_ms);

            if (sleep_ms >= 0)
                advance((uint64_t)sleep_ms);
            break;
        }
        case 4: /* the past */
            arm(s, now_ms - (now_ms ? random_bits() % now_ms % 1000 : 0));
            break;
        default: arm(s, now_ms + random_span(max_bits)); break;
        }
        agree(0);
    }
    advance((UINT64_C(1) << max_bits) + 16);
    UNIT_HOLDS(wheel.n_armed == 0);
}

START_TEST(random_walks_match_the_model)
{
    for (seed = 1; seed < 20; seed++) {
        uint64_t from = seed;

        for (unsigned bits = 4; bits <= 44; bits += 5)
            random_walk(random_span(45), bits, 300);
        seed = from;
    }
}
END_TEST

START_TEST(walks_across_every_boundary_match_the_model)
{
    seed = 4711;
    for (unsigned bits = 4; bits <= 40; bits++) {
        uint64_t boundary_ms = (UINT64_C(1) << bits) * 16;

        for (unsigned span = 4; span < 16; span += 3)
            random_walk(boundary_ms - (boundary_ms >> 3) % 4096 - 1, span, 100);
    }
}
END_TEST

/* Every delay of three levels, slot by slot, from starts all over a turn. */
START_TEST(every_delay_fires_at_its_tick)
{
    static const uint64_t starts[] = {
        0, 1, 62, 63, 64, 4095, 4096, 4097, 262143, (1u << 30) - 1, 1u << 30};

    for (size_t k = 0; k < sizeof starts / sizeof *starts; k++) {
        for (uint64_t delay = 0; delay < 9000; delay += delay < 300 ? 1 : 61) {
            uint64_t due = starts[k] + delay;

            begin(starts[k] * 16);
            arm(&subjects[0], due * 16);
            if (delay > 0) {
                advance((delay - 1) * 16 + 15);
                ck_assert_uint_eq(subjects[0].n_fired, 0);
            }
            now_ms = due * 16;
            advance(0);
            ck_assert_uint_eq(subjects[0].n_fired, 1);
        }
    }
}
END_TEST

START_TEST(never_early_within_a_tick)
{
    for (uint64_t due = 1000; due < 1040; due++) {
        begin(990);
        arm(&subjects[0], due);
        while (subjects[0].n_fired == 0)
            advance(1);
        ck_assert_uint_ge(subjects[0].fired_ms, due);
        ck_assert_uint_lt(subjects[0].fired_ms, due + 16);
    }
}
END_TEST

START_TEST(what_is_further_than_a_turn_waits)
{
    static const uint64_t turn_ms = 16ull << 30;

    for (unsigned turns = 1; turns < 5; turns++) {
        for (int64_t off = -20; off <= 20; off += 5) {
            uint64_t due = 1000 + turns * turn_ms + (uint64_t)(off * 16);

            begin(1000);
            arm(&subjects[0], due);
            for (unsigned i = 0; i < turns; i++)
                advance(turn_ms - 400);
            while (subjects[0].n_fired == 0)
                advance(7);
            ck_assert_uint_ge(subjects[0].fired_ms, due);
            ck_assert_uint_lt(subjects[0].fired_ms, due + 32);
        }
    }
    begin(1000);
    arm(&subjects[0], UINT64_MAX);
    arm(&subjects[1], UINT64_MAX - 1);
    advance(UINT64_C(1) << 50); /* some 35,000 years */
    ck_assert_uint_eq(wheel.n_armed, 2);
}
END_TEST

START_TEST(following_next_ms_costs_few_turns)
{
    unsigned n = 0;

    begin(12345);
    arm(&subjects[0], 12345 + 75000);
    while (subjects[0].n_fired == 0) {
        advance((uint64_t)wheel_next_ms(&wheel, now_ms));
        n++;
    }
    ck_assert_uint_le(n, WHEEL_LEVELS);
    ck_assert_uint_lt(now_ms, 12345 + 75000 + 16);
}
END_TEST

static void
again_in_the_past(struct subject *s)
{
    arm(s, 0);
}

START_TEST(armed_for_the_past_in_its_callback_it_waits_for_the_next_advance)
{
    begin(5000);
    then = again_in_the_past;
    arm(&subjects[0], 5100);
    advance(1000);
    ck_assert_uint_eq(subjects[0].n_fired, 1);
    ck_assert_int_eq(wheel_next_ms(&wheel, now_ms), 0);
    advance(0);
    ck_assert_uint_eq(subjects[0].n_fired, 2);
    advance(0);
    ck_assert_uint_eq(subjects[0].n_fired, 3);
}
END_TEST

static void
cancel_all_others(struct subject *s)
{
    for (int i = 0; i < N; i++) {
        if (&subjects[i] != s)
            cancel(&subjects[i]);
    }
}

START_TEST(a_callback_may_cancel_all_that_is_due_with_it)
{
    unsigned n = 0;

    begin(0);
    then = cancel_all_others;
    for (uint64_t i = 0; i < N; i++)
        arm(&subjects[i], 100 + i % 5 * 16);
    advance(10000);
    for (int i = 0; i < N; i++)
        n += subjects[i].n_fired;
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(wheel.n_armed, 0);
    ck_assert_int_eq(wheel_next_ms(&wheel, now_ms), -1);
}
END_TEST

/* Arms and cancels whatever comes, a hundred times in one advance. */
static void
disturb(struct subject *s)
{
    struct subject *other = &subjects[random_bits() % N];

    if (random_bits() % 3 == 0)
        cancel(other);
    else
        arm(other, now_ms + 16 + random_span(14));
    if (random_bits() % 2 == 0)
        arm(s, now_ms + 16 + random_span(14));
}

START_TEST(callbacks_may_do_anything)
{
    for (seed = 1; seed < 40; seed++) {
        uint64_t from = seed;

        begin(random_span(40));
        then = disturb;
        for (int i = 0; i < 300; i++) {
            arm(&subjects[random_bits() % N], now_ms + random_span(14));
            advance(random_span(16));
        }
        seed = from;
    }
}
END_TEST

START_TEST(the_wheel_does_not_turn_back)
{
    begin(100000);
    arm(&subjects[0], 100500);
    wheel_advance(&wheel, 5);
    ck_assert(wheel_is_armed(&subjects[0].t));
    now_ms = 100512;
    advance(0);
    ck_assert_uint_eq(subjects[0].n_fired, 1);
    arm(&subjects[0], 0);
    last_tick = 0;
    now_ms = 100512;
    wheel_advance(&wheel, now_ms);
    ck_assert_uint_eq(subjects[0].n_fired, 2);
}
END_TEST

START_TEST(cancelling_what_is_not_armed_does_nothing)
{
    begin(0);
    cancel(&subjects[0]);
    arm(&subjects[0], 50);
    cancel(&subjects[0]);
    cancel(&subjects[0]);
    ck_assert_uint_eq(wheel.n_armed, 0);
    advance(1000);
    ck_assert_uint_eq(subjects[0].n_fired, 0);
}
END_TEST

UNIT_MAIN(wheel, random_walks_match_the_model,
          walks_across_every_boundary_match_the_model,
          every_delay_fires_at_its_tick, never_early_within_a_tick,
          what_is_further_than_a_turn_waits, following_next_ms_costs_few_turns,
          armed_for_the_past_in_its_callback_it_waits_for_the_next_advance,
          a_callback_may_cancel_all_that_is_due_with_it,
          callbacks_may_do_anything, the_wheel_does_not_turn_back,
          cancelling_what_is_not_armed_does_nothing)
