/* SPDX-License-Identifier: BSD-2-Clause */
/* shelf.c - counters and values, their ends, their bound, and readers that
 * look while the owner changes everything. */
/* tags: asan tsan */
#define UNIT_SECONDS 60
#include "base/shelf.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/asan.h"
#include "base/err.h"
#include "base/str.h"
#include "t/lib/unit.h"

#define BYTES ((size_t)1 << 20)

static struct shelf s;
static struct shelf_seeds seeds = {{1, 2}};

static struct shelf_name
name(const char *z)
{
    return shelf_hash(&seeds, str_from_z(z));
}

static struct shelf_name
number(unsigned i)
{
    return shelf_hash(&seeds, (et_str){(const char *)&i, sizeof i});
}

static int64_t
add(struct shelf_name n, int64_t delta, uint64_t now_ms, uint64_t ttl_ms)
{
    int64_t value = -77;

    UNIT_HOLDS(shelf_add(&s, &n, delta, now_ms, ttl_ms, &value) == 0);
    UNIT_HOLDS(shelf_count(&s, &n, now_ms) == value);
    return value;
}

static int64_t
count(struct shelf_name n, uint64_t now_ms)
{
    return shelf_count(&s, &n, now_ms);
}

static int
put(struct shelf_name n, const char *p, size_t len, uint64_t now_ms,
    uint64_t ttl_ms)
{
    return shelf_put(&s, &n, (et_str){p, len}, now_ms, ttl_ms);
}

/* The value of a name as text; NULL if there is none. */
static const char *
get(struct shelf_name n, uint64_t now_ms)
{
    static char text[256];
    et_str v = shelf_get(&s, &n, now_ms);

    if (!v.p)
        return NULL;
    snprintf(text, sizeof text, "%.*s", (int)v.n, v.p);
    return text;
}

static size_t
length(struct shelf_name n)
{
    return shelf_get(&s, &n, 1).n;
}

/* ---- counters ------------------------------------------------------------*/

START_TEST(a_counter_counts_within_its_bounds)
{
    ck_assert_int_eq(shelf_init(&s, BYTES), 0);
    ck_assert_int_eq(count(name("a"), 1), 0);
    ck_assert_int_eq(add(name("a"), 1, 1, 0), 1);
    ck_assert_int_eq(add(name("a"), 41, 1, 0), 42);
    ck_assert_int_eq(add(name("b"), 1, 1, 0), 1);
    ck_assert_int_eq(add(name("a"), -2, 1, 0), 40);
    ck_assert_int_eq(add(name("a"), 0, 1, 0), 40);
    ck_assert_uint_eq(s.n, 2);
    ck_assert_int_eq(add(name("a"), INT64_MAX, 1, 0), INT64_MAX);
    ck_assert_int_eq(add(name("a"), 1, 1, 0), INT64_MAX);
    ck_assert_int_eq(add(name("a"), INT64_MIN, 1, 0), 0);
    ck_assert_uint_eq(s.n, 1); /* 0 takes no room */
    ck_assert_int_eq(add(name("a"), -5, 1, 0), 0);
    ck_assert_int_eq(add(name("a"), 0, 1, 0), 0);
    ck_assert_uint_eq(s.n, 1);
    ck_assert_int_eq(add(name(""), 3, 1, 0), 3);
    shelf_fini(&s);
}
END_TEST

START_TEST(its_end_comes_from_who_began_and_is_never_put_off)
{
    ck_assert_int_eq(shelf_init(&s, BYTES), 0);
    ck_assert_int_eq(add(name("a"), 1, 1000, 100), 1);
    ck_assert_int_eq(add(name("a"), 1, 1050, 100), 2);
    ck_assert_int_eq(add(name("a"), 1, 1099, 0), 3);
    ck_assert_int_eq(count(name("a"), 1099), 3);
    ck_assert_int_eq(count(name("a"), 1100), 0);
    ck_assert_int_eq(add(name("a"), 1, 1100, 100), 1); /* anew, in place */
    ck_assert_int_eq(add(name("a"), 1, 1110, 10), 2);  /* nearer */
    ck_assert_int_eq(count(name("a"), 1119), 2);
    ck_assert_int_eq(count(name("a"), 1120), 0);
    ck_assert_int_eq(add(name("a"), -1, 1120, 10), 0); /* over: away */
    ck_assert_uint_eq(s.n, 0);
    ck_assert_int_eq(add(name("for ever"), 1, 1, 0), 1);
    ck_assert_int_eq(add(name("for ever"), 1, 1u << 30, 50), 2);
    ck_assert_int_eq(count(name("for ever"), (1u << 30) + 50), 0);
    ck_assert_int_eq(add(name("for ever"), 1, (1u << 30) + 50, 0), 1);
    ck_assert_int_eq(count(name("for ever"), UINT64_MAX), 1);
    ck_assert_uint_eq(s.due.n, 0);
    ck_assert_int_eq(add(name("long"), 1, 1u << 30, UINT64_MAX), 1);
    shelf_fini(&s);
}
END_TEST

/* ---- values --------------------------------------------------------------*/

START_TEST(a_value_is_kept_until_its_end)
{
    ck_assert_int_eq(shelf_init(&s, BYTES), 0);
    ck_assert_ptr_null(get(name("a"), 1));
    ck_assert_int_eq(put(name("a"), "one", 3, 1, 0), 0);
    ck_assert_int_eq(put(name("b"), "", 0, 1, 100), 0);
    ck_assert_str_eq(get(name("a"), 1), "one");
    ck_assert_str_eq(get(name("b"), 100), "");
    ck_assert_ptr_null(get(name("b"), 101));
    ck_assert_uint_eq(s.n, 1);
    ck_assert_int_eq(put(name("a"), "a longer one", 12, 1, 10), 0);
    ck_assert_str_eq(get(name("a"), 10), "a longer one");
    ck_assert_int_eq(put(name("a"), "x", 1, 10, 10), 0); /* put off */
    ck_assert_str_eq(get(name("a"), 19), "x");
    ck_assert_ptr_null(get(name("a"), 20));
    ck_assert_uint_eq(s.n, 0);
    ck_assert_uint_eq(s.held_bytes, 0);
    shelf_fini(&s);
}
END_TEST

START_TEST(a_counter_and_a_value_of_one_name_are_two)
{
    struct shelf_name a = name("a");

    ck_assert_int_eq(shelf_init(&s, BYTES), 0);
    ck_assert_int_eq(add(a, 5, 1, 0), 5);
    ck_assert_ptr_null(get(a, 1));
    ck_assert_int_eq(put(a, "v", 1, 1, 0), 0);
    ck_assert_int_eq(count(a, 1), 5);
    ck_assert_str_eq(get(a, 1), "v");
    shelf_del(&s, &a);
    shelf_del(&s, &a);
    ck_assert_int_eq(count(a, 1), 0);
    ck_assert_ptr_null(get(a, 1));
    ck_assert_uint_eq(s.n, 0);
    ck_assert_uint_eq(s.held_bytes, 0);
    shelf_fini(&s);
}
END_TEST

START_TEST(what_cannot_be_a_value_is_refused)
{
    static char large[SHELF_VALUE_MAX + 1];
    struct shelf_name a = name("a");

    ck_assert_int_eq(shelf_init(&s, BYTES), 0);
    ck_assert_int_eq(put(a, large, sizeof large, 1, 0), ERR_INVALID);
    ck_assert_int_eq(put(a, large, SHELF_VALUE_MAX, 1, 0), 0);
    ck_assert_uint_eq(length(a), SHELF_VALUE_MAX);
    ck_assert_int_eq(shelf_put(&s, &a, shelf_get(&s, &a, 1), 1, 0),
                     ERR_INVALID);
    ck_assert_uint_eq(length(a), SHELF_VALUE_MAX);
    shelf_fini(&s);
}
END_TEST

/* ---- the bound -----------------------------------------------------------*/

#define N_MAX ((unsigned)(BYTES / SHELF_ENTRY_BYTES))

START_TEST(what_has_no_end_stays_and_nothing_more_fits)
{
    unsigned n = 0, refused = 0;
    struct shelf_name more;
    int64_t value;

    ck_assert_int_eq(shelf_init(&s, BYTES), 0);
    for (unsigned i = 0; i < N_MAX; i++) {
        struct shelf_name k = number(i);
        int rc = shelf_add(&s, &k, i + 1, 1, 0, &value);
        if (rc == ERR_LIMIT)
            refused++; /* its home's reach is full */
        else
            n++;
    }
    ck_assert_uint_le(refused, 3);
    for (unsigned i = N_MAX; n < N_MAX; i++)
        n += add(number(i), i + 1, 1, 0) > 0;
    ck_assert_uint_eq(s.n, N_MAX);
    more = number(1u << 30);
    ck_assert_int_eq(shelf_add(&s, &more, 1, 1, 10, &value), ERR_LIMIT);
    ck_assert_int_eq(put(name("v"), "v", 1, 1, 10), ERR_LIMIT);
    for (unsigned i = 0; i < N_MAX; i++)
        UNIT_HOLDS(count(number(i), 1) == i + 1 || count(number(i), 1) == 0);
    ck_assert_int_eq(add(number(5), 1, 1, 0), 7); /* what is there counts on */
    ck_assert_uint_eq(s.n_evicted, 0);
    shelf_fini(&s);
}
END_TEST

START_TEST(what_is_over_goes_first_then_what_ends_first)
{
    const unsigned n = N_MAX / 2;

    ck_assert_int_eq(shelf_init(&s, BYTES), 0);
    for (unsigned i = 0; i < 100; i++)
        add(name((char[]){(char)('A' + i), 0}), 1, 1, 0); /* for ever */
    for (unsigned i = 0; i < n; i++)
        add(number(i), 1, 1, 1000 + i);
    for (unsigned i = n; i < N_MAX - 100; i++)
        add(number(i), 1, 1, 100000);
    ck_assert_uint_eq(s.n, N_MAX);
    for (unsigned i = 0; i < 10; i++) { /* nothing is over yet */
        add(number(N_MAX + i), 1, 2, 200000);
        ck_assert_int_eq(count(number(i), 2), 0);
        ck_assert_int_eq(count(number(i + 1), 2), 1);
    }
    ck_assert_uint_le(s.n_evicted, 12);
    ck_assert_uint_ge(s.n_evicted, 10);
    s.n_evicted = 0;
    for (unsigned i = 10; i < 1000; i++) /* and now some is */
        add(number(N_MAX + i), 1, 5000, 200000);
    ck_assert_uint_eq(s.n_evicted, 0);
    for (unsigned i = 0; i < 100; i++)
        ck_assert_int_eq(count(name((char[]){(char)('A' + i), 0}), 5000), 1);
    ck_assert_uint_le(s.held_bytes, BYTES);
    shelf_fini(&s);
}
END_TEST

START_TEST(values_and_counters_share_the_bound)
{
    static char large[SHELF_VALUE_MAX];
    unsigned n_large = 0;

    ck_assert_int_eq(shelf_init(&s, BYTES), 0);
    while (put(number(n_large), large, sizeof large, 1, 0) == 0)
        n_large++;
    ck_assert_uint_eq(n_large, BYTES / SHELF_VALUE_MAX - 1);
    for (unsigned i = 0; i < 300; i++)
        add(number(1000 + i), 1, 1, 50);
    ck_assert_int_eq(put(name("v"), large, 30000, 1, 60), 0);
    for (unsigned i = 0; i < n_large; i++)
        ck_assert_uint_eq(length(number(i)), sizeof large);
    ck_assert_uint_le(s.held_bytes, BYTES);
    shelf_fini(&s);
}
END_TEST

START_TEST(small_values_make_room_for_a_large_one)
{
    static char large[SHELF_VALUE_MAX];
    unsigned n = 0;

    ck_assert_int_eq(shelf_init(&s, BYTES), 0);
    while (s.n_evicted == 0) /* each of them 256 bytes */
        UNIT_HOLDS(put(number(n++), large, 200, 1, 1000) == 0);
    ck_assert_int_eq(put(name("large"), large, sizeof large, 1, 2000), 0);
    ck_assert_uint_eq(length(name("large")), sizeof large);
    shelf_fini(&s);
}
END_TEST

/* So many names of one home that its reach is full: the one that ends first
 * goes, and without any that ends the next is refused. */
START_TEST(a_crowded_home_lets_the_first_to_end_go)
{
    struct shelf_name v[66];
    unsigned n = 0;
    uint32_t home = 0;
    int64_t value;

    ck_assert_int_eq(shelf_init(&s, BYTES / 64), 0);
    for (unsigned i = 0; n < 66; i++) {
        struct shelf_name k = number(i);
        uint32_t h = (uint32_t)((k.v[0] >> 32) * s.n_homes >> 32);
        if (n == 0)
            home = h;
        if (h == home)
            v[n++] = k;
    }
    for (unsigned i = 0; i < 64; i++)
        add(v[i], 1, 1, i == 40 ? 50 : 0);
    add(v[64], 2, 1, 60);
    ck_assert_int_eq(count(v[40], 1), 0);
    add(v[65], 3, 1, 0);
    ck_assert_int_eq(count(v[64], 1), 0);
    ck_assert_uint_eq(s.n_evicted, 2);
    ck_assert_int_eq(shelf_add(&s, &v[64], 1, 1, 60, &value), ERR_LIMIT);
    ck_assert_int_eq(shelf_put(&s, &v[64], str_lit("x"), 1, 60), ERR_LIMIT);
    ck_assert_uint_eq(s.n, 64);
    ck_assert_uint_eq(s.held_bytes, 64 * SHELF_ENTRY_BYTES);
    shelf_fini(&s);
}
END_TEST

START_TEST(a_shelf_of_no_bytes_holds_nothing)
{
    struct shelf_name a = name("a");
    int64_t value;

    ck_assert_int_eq(shelf_init(&s, 0), 0);
    ck_assert_int_eq(shelf_add(&s, &a, 1, 1, 1, &value), ERR_LIMIT);
    ck_assert_int_eq(put(a, "x", 1, 1, 1), ERR_LIMIT);
    ck_assert_int_eq(count(a, 1), 0);
    shelf_fini(&s);
}
END_TEST

/* ---- against a model -----------------------------------------------------*/

START_TEST(it_does_what_a_simple_table_does)
{
    enum { N = 500 };
    static struct {
        int64_t value;
        uint64_t ends;
    } model[N];
    uint64_t now = 1;

    srand(7);
    ck_assert_int_eq(shelf_init(&s, BYTES), 0);
    for (int round = 0; round < 200000; round++) {
        unsigned i = (unsigned)rand() % N;
        uint64_t ttl = rand() % 4 ? 1 + (uint64_t)(rand() % 300) : 0;
        int64_t delta = rand() % 10 - 3;
        struct shelf_name k = number(i);

        now += (uint64_t)(rand() % 2);
        if (model[i].ends && model[i].ends <= now)
            model[i].value = 0;
        if (rand() % 50 == 0) {
            shelf_del(&s, &k);
            model[i].value = 0;
        }
        UNIT_HOLDS(count(k, now) == model[i].value);
        if (model[i].value == 0)
            model[i].ends = ttl ? now + ttl : 0;
        else if (ttl && (!model[i].ends || now + ttl < model[i].ends))
            model[i].ends = now + ttl;
        model[i].value =
            model[i].value + delta > 0 ? model[i].value + delta : 0;
        UNIT_HOLDS(add(k, delta, now, ttl) == model[i].value);
    }
    ck_assert_uint_eq(s.n_evicted, 0);
    shelf_fini(&s);
}
END_TEST

/* ---- readers -------------------------------------------------------------*/

#define N_NAMES 256u
#define N_ROUNDS 300000
#ifdef __SANITIZE_THREAD__ /* sees a race without one being lost */
#define N_SWAPS N_ROUNDS
#else
#define N_SWAPS (20 * N_ROUNDS)
#endif

static _Atomic int is_over;
static _Atomic uint64_t now_ms = 1;

/* The counter of number i is i * 1000 + 1 up to i * 1000 + 900 while it is
 * there, so what belongs to another name is seen at once. */
static void *
read_all(void *arg)
{
    uint64_t n_seen = 0;
    unsigned i = 0;

    (void)arg;
    while (!atomic_load(&is_over)) {
        int64_t value = count(number(i), atomic_load(&now_ms));
        UNIT_HOLDS(value == 0 || value / 1000 == i);
        n_seen += value != 0;
        i = (i + 1) % N_NAMES;
    }
    return (void *)(uintptr_t)n_seen;
}

/* A small shelf, so that names drive each other out of their slots all the
 * time; counters come, count, end, begin anew, are deleted. */
static void
change_all(void)
{
    unsigned seed = 3;

    for (int round = 0; round < N_ROUNDS; round++) {
        unsigned i = (unsigned)rand_r(&seed) % N_NAMES;
        struct shelf_name k = number(i);
        uint64_t now = atomic_load(&now_ms);
        int64_t have = shelf_count(&s, &k, now), value;
        int64_t delta = have ? have % 1000 < 900 : i * 1000 + 1;

        if (rand_r(&seed) % 16 == 0)
            shelf_del(&s, &k);
        else
            (void)!shelf_add(&s, &k, delta, now, 1 + i % 40, &value);
        if (rand_r(&seed) % 8 == 0)
            (void)!shelf_put(&s, &k, str_lit("a value"), now, 20);
        if (rand_r(&seed) % 4 == 0)
            atomic_store(&now_ms, now + 1);
    }
}

START_TEST(a_reader_never_sees_what_another_name_counts)
{
    pthread_t readers[3];
    void *n_seen;

    /* Room for about a quarter of the names. */
    ck_assert_int_eq(shelf_init(&s, N_NAMES / 4 * SHELF_ENTRY_BYTES), 0);
    for (int i = 0; i < 3; i++)
        pthread_create(&readers[i], NULL, read_all, NULL);
    change_all();
    atomic_store(&is_over, 1);
    for (int i = 0; i < 3; i++) {
        pthread_join(readers[i], &n_seen);
        ck_assert_ptr_nonnull(n_seen);
    }
    ck_assert_uint_gt(s.n_evicted, 1000);
    shelf_fini(&s);
}
END_TEST

/* Two names and room for one: they have the same slot in turn. */
static void *
read_two(void *arg)
{
    const struct shelf_name v[] = {number(1), number(2)};

    (void)arg;
    while (!atomic_load(&is_over)) {
        for (int i = 0; i < 2; i++) {
            int64_t value = shelf_count(&s, &v[i], 1);
            UNIT_HOLDS(value == 0 || value == i + 1);
        }
    }
    return NULL;
}

START_TEST(a_slot_that_changes_its_name_deceives_nobody)
{
    const struct shelf_name v[] = {number(1), number(2)};
    pthread_t readers[4];
    int64_t value;

    ck_assert_int_eq(shelf_init(&s, SHELF_ENTRY_BYTES), 0);
    for (int i = 0; i < 4; i++)
        pthread_create(&readers[i], NULL, read_two, NULL);
    for (int i = 0; i < N_SWAPS; i++)
        UNIT_HOLDS(shelf_add(&s, &v[i % 2], i % 2 + 1, 1, 50, &value) == 0);
    atomic_store(&is_over, 1);
    for (int i = 0; i < 4; i++)
        pthread_join(readers[i], NULL);
    ck_assert_uint_eq(s.n_evicted, N_SWAPS - 1);
    shelf_fini(&s);
}
END_TEST

/* What stays is seen by every reader at every moment, and never goes back. */
static void *
read_one(void *arg)
{
    struct shelf_name k = number(0);
    int64_t last = 1;

    (void)arg;
    while (!atomic_load(&is_over)) {
        int64_t value = shelf_count(&s, &k, atomic_load(&now_ms));
        UNIT_HOLDS(value >= last);
        last = value;
    }
    return NULL;
}

START_TEST(a_reader_always_sees_what_stays)
{
    pthread_t reader;
    struct shelf_name stays = number(0);
    unsigned seed = 5;
    int64_t value;

    ck_assert_int_eq(shelf_init(&s, 64 * SHELF_ENTRY_BYTES), 0);
    add(stays, 1, 1, 0);
    pthread_create(&reader, NULL, read_one, NULL);
    for (int i = 0; i < N_ROUNDS; i++) {
        struct shelf_name k = number(1 + (unsigned)rand_r(&seed) % 1000);
        uint64_t now = atomic_load(&now_ms);
        (void)!shelf_add(&s, &k, 1, now, 1 + rand_r(&seed) % 20, &value);
        if (i % 16 == 0)
            UNIT_HOLDS(shelf_add(&s, &stays, 1, now, 0, &value) == 0);
        atomic_store(&now_ms, now + i % 2);
    }
    atomic_store(&is_over, 1);
    pthread_join(reader, NULL);
    ck_assert_int_eq(count(stays, now_ms), 1 + N_ROUNDS / 16);
    shelf_fini(&s);
}
END_TEST

/* ---- names ---------------------------------------------------------------*/

START_TEST(names_depend_on_seeds_that_differ_each_time)
{
    struct shelf_seeds a = shelf_seeds_new(), b = shelf_seeds_new();
    struct shelf_name x = shelf_hash(&a, str_lit("key"));
    struct shelf_name y = shelf_hash(&b, str_lit("key"));

    ck_assert_int_ne(memcmp(&a, &b, sizeof a), 0);
    ck_assert_uint_ne(a.v[0], a.v[1]);
    ck_assert_int_ne(memcmp(&x, &y, sizeof x), 0);
    ck_assert_uint_ne(x.v[0], x.v[1]);
}
END_TEST

UNIT_MAIN(shelf, a_counter_counts_within_its_bounds,
          its_end_comes_from_who_began_and_is_never_put_off,
          a_value_is_kept_until_its_end,
          a_counter_and_a_value_of_one_name_are_two,
          what_cannot_be_a_value_is_refused,
          what_has_no_end_stays_and_nothing_more_fits,
          what_is_over_goes_first_then_what_ends_first,
          values_and_counters_share_the_bound,
          small_values_make_room_for_a_large_one,
          a_crowded_home_lets_the_first_to_end_go,
          a_shelf_of_no_bytes_holds_nothing, it_does_what_a_simple_table_does,
          a_reader_never_sees_what_another_name_counts,
          a_slot_that_changes_its_name_deceives_nobody,
          a_reader_always_sees_what_stays,
          names_depend_on_seeds_that_differ_each_time)
