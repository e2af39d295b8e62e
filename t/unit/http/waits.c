/* SPDX-License-Identifier: BSD-2-Clause */
/* waits.c - what waits is woken once or taken back once, whoever is at it.
 * tags: asan tsan */
#include "http/waits.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "abi/etude_abi.h"
#include "base/metrics.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define MAX 64u

static struct waits waits;
static struct mailbox mailbox;
static struct metrics metrics;
static uint32_t n_fired;
static int32_t last_rc;
static void *last_owner;

static void
set_up(uint32_t max)
{
    ck_assert_int_eq(mailbox_open(&mailbox), 0);
    ck_assert_int_eq(waits_init(&waits, 3, max, &mailbox, &metrics), 0);
    n_fired = 0;
    last_rc = 0;
    last_owner = NULL;
}

static void
tear_down(void)
{
    ck_assert_uint_eq(waits_count(&waits), 0);
    waits_fini(&waits);
    mailbox_close(&mailbox, NULL);
}

static void
deliver(void)
{
    struct record v[MAILBOX_BATCH];

    while (mailbox_recv(&mailbox, v) > 0)
        ;
    mailbox_deliver(&mailbox, NULL);
}

static void
on_fired(struct wait *w, int32_t rc)
{
    n_fired++;
    last_rc = rc;
    last_owner = w->owner;
}

START_TEST(it_is_woken_once_and_later)
{
    struct wait *w;
    uint64_t token;

    set_up(MAX);
    w = waits_arm(&waits, on_fired, &waits);
    token = waits_token(w);
    ck_assert_uint_ne(token, 0);
    ck_assert_ptr_eq(waits_find(token), w);
    ck_assert_int_eq(waits_fire(token, 7), 0);
    ck_assert_uint_eq(n_fired, 0); /* never from within */
    ck_assert_ptr_null(waits_find(token));
    ck_assert_int_eq(waits_fire(token, 8), ET_ESTALE);
    ck_assert_int_eq(waits_cancel(w), 0);
    deliver();
    ck_assert_uint_eq(n_fired, 1);
    ck_assert_int_eq(last_rc, 7);
    ck_assert_ptr_eq(last_owner, &waits);
    ck_assert_int_eq(waits_fire(token, 9), ET_ESTALE);
    tear_down();
    ck_assert_int_eq(waits_fire(token, 9), ET_ESTALE);
}
END_TEST

START_TEST(what_is_taken_back_is_not_woken)
{
    struct wait *w;
    uint64_t token;

    set_up(MAX);
    w = waits_arm(&waits, on_fired, NULL);
    token = waits_token(w);
    ck_assert_int_eq(waits_cancel(w), 1);
    ck_assert_int_eq(waits_fire(token, 1), ET_ESTALE);
    w = waits_arm(&waits, on_fired, NULL); /* the same slot, another serial */
    ck_assert_uint_ne(waits_token(w), token);
    ck_assert_int_eq(waits_fire(token, 1), ET_ESTALE);
    ck_assert_int_eq(waits_fire(waits_token(w), 2), 0);
    waits_forget(w); /* too late to take it back: nobody hears of it */
    deliver();
    ck_assert_uint_eq(n_fired, 0);
    waits_forget(waits_arm(&waits, on_fired, NULL));
    tear_down();
}
END_TEST

START_TEST(there_is_room_for_so_many)
{
    struct wait *v[MAX];

    set_up(MAX);
    for (uint32_t i = 0; i < MAX; i++) {
        v[i] = waits_arm(&waits, on_fired, NULL);
        ck_assert_ptr_nonnull(v[i]);
    }
    ck_assert_ptr_null(waits_arm(&waits, on_fired, NULL));
    ck_assert_uint_eq(metrics_get(&metrics, METRIC_waits_refused), 1);
    for (uint32_t i = 0; i < MAX; i++)
        ck_assert_int_eq(waits_cancel(v[i]), 1);
    tear_down();
}
END_TEST

/* Whatever number it is: it is nobody's. */
START_TEST(forged_tokens_do_nothing)
{
    struct wait *w;
    uint64_t token;

    set_up(MAX);
    w = waits_arm(&waits, on_fired, NULL);
    token = waits_token(w);
    ck_assert_int_eq(waits_fire(0, 1), ET_ESTALE);
    for (uint32_t i = 0; i < 64; i++)
        ck_assert_int_eq(waits_fire(token ^ 1ull << i, 1), ET_ESTALE);
    srand(1);
    for (uint32_t i = 0; i < 100000; i++) {
        uint64_t other =
            (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ (uint64_t)rand();
        if (other != token)
            ck_assert_int_eq(waits_fire(other, 1), ET_ESTALE);
    }
    ck_assert_int_eq(waits_cancel(w), 1);
    tear_down();
}
END_TEST

/* ---- many threads --------------------------------------------------------*/

#if defined(__SANITIZE_THREAD__)
#define ROUNDS 60000u
#else
#define ROUNDS 1000000u
#endif
#define FIRERS 3

/* A cell for each that waits: who finds its token there may wake it. */
static _Atomic uint64_t shown[MAX];
static _Atomic int is_over;
static _Atomic uint64_t n_won;

static void *
fire(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    uint64_t won = 0;

    while (!atomic_load(&is_over)) {
        uint64_t token = atomic_load_explicit(
            &shown[(uint32_t)rand_r(&seed) % MAX], memory_order_relaxed);
        won += waits_fire(token, (int32_t)(token & 0xffff)) == 0;
    }
    atomic_fetch_add(&n_won, won);
    return NULL;
}

static struct wait *held[MAX];

static void
on_raced(struct wait *w, int32_t rc)
{
    struct wait **cell = w->owner;

    ck_assert_ptr_eq(*cell, w);
    ck_assert_int_eq(rc, (int32_t)(atomic_load(&shown[cell - held]) & 0xffff));
    *cell = NULL;
    n_fired++;
}

START_TEST(each_is_woken_or_taken_back)
{
    pthread_t firers[FIRERS];
    uint32_t n_armed = 0, n_cancelled = 0;
    unsigned seed = 9;

    set_up(MAX);
    atomic_store(&is_over, 0);
    atomic_store(&n_won, 0);
    for (uintptr_t i = 0; i < FIRERS; i++)
        ck_assert_int_eq(
            pthread_create(&firers[i], NULL, fire, (void *)(i + 1)), 0);
    while (n_armed < ROUNDS) {
        uint32_t i = (uint32_t)rand_r(&seed) % MAX;
        if (!held[i]) {
            held[i] = waits_arm(&waits, on_raced, &held[i]);
            n_armed++;
            atomic_store(&shown[i], waits_token(held[i]));
        } else if (waits_cancel(held[i])) {
            held[i] = NULL;
            n_cancelled++;
        }
        if (n_armed % 8 == 0)
            deliver();
    }
    atomic_store(&is_over, 1);
    for (int i = 0; i < FIRERS; i++)
        ck_assert_int_eq(pthread_join(firers[i], NULL), 0);
    deliver();
    for (uint32_t i = 0; i < MAX; i++) {
        if (held[i]) {
            ck_assert_int_eq(waits_cancel(held[i]), 1);
            n_cancelled++;
            held[i] = NULL;
        }
    }
    ck_assert_uint_eq(n_fired, atomic_load(&n_won));
    ck_assert_uint_eq(n_fired + n_cancelled, n_armed);
    ck_assert_uint_gt(n_fired, 0);
    ck_assert_uint_gt(n_cancelled, 0);
    tear_down();
}
END_TEST

UNIT_MAIN(waits, it_is_woken_once_and_later, what_is_taken_back_is_not_woken,
          there_is_room_for_so_many, forged_tokens_do_nothing,
          each_is_woken_or_taken_back)
