/* SPDX-License-Identifier: BSD-2-Clause */
/* stores.c - who finds which store, how long it stays, what its calls refuse,
 * and workers that count while others read. */
/* tags: asan tsan */
#define UNIT_SECONDS 60
#include "http/stores.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/str.h"
#include "http/host.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "t/lib/memory.h"
#include "t/lib/unit.h"

#define N_WORKERS 3u
#define MEMORY (3u << 20)

/* ---- a plugin whose init opens what the test says ------------------------*/

static struct vault vault;
static struct stores stores;
static struct host_worker workers[N_WORKERS];
static struct metrics figures[N_WORKERS];
static struct clock clocks[N_WORKERS];

static const char *to_open;
static int init_result;
static et_store *got; /* by the last init */

static et_store *
open_on(uint32_t worker, const char *name)
{
    return stores_iface()->open(&workers[worker].pub, str_from_z(name));
}

static int32_t
on_init(et_worker *w, const void *from, void *state, et_err *e)
{
    (void)from;
    (void)state;
    (void)e;
    got = to_open ? open_on(w->index, to_open) : NULL;
    return init_result;
}

static const et_statedef with_state = {.state_size = 1, .init = on_init};
static struct plugin one = {.magic = PLUGIN_MAGIC,
                            .n_refs = 1,
                            .desc.id = "org.example.one",
                            .state = &with_state};
static struct plugin two = {.magic = PLUGIN_MAGIC,
                            .n_refs = 1,
                            .desc.id = "org.example.two",
                            .state = &with_state};

static void
begin(void)
{
    memory_vault(&vault, MEMORY);
    stores_init(&stores, &vault, N_WORKERS);
    for (uint32_t i = 0; i < N_WORKERS; i++) {
        clock_set(&clocks[i], 1000000, 0, 0);
        host_worker_init(&workers[i], i, N_WORKERS);
        workers[i].clock = &clocks[i];
        workers[i].metrics = &figures[i];
        workers[i].stores = &stores;
    }
}

static struct instance *
section(struct plugin *p, const char *name, const char *route)
{
    struct instance *i = instance_new(p, name, route, N_WORKERS, host_get());

    ck_assert_ptr_nonnull(i);
    return i;
}

/* Make the state of a worker, which opens a store of that name. */
static et_store *
hold(struct instance *i, uint32_t worker, const char *name)
{
    char why[64];

    to_open = name;
    ck_assert_int_eq(instance_hold(i, &workers[worker].pub, why, sizeof why),
                     0);
    return got;
}

static void
drop(struct instance *i, uint32_t worker)
{
    instance_drop(i, &workers[worker].pub);
}

static void
end(void)
{
    stores_fini(&stores);
    memory_end_vault(&vault);
}

static uint64_t
count_stores(void)
{
    struct shelf_view v;
    uint64_t n = 0;

    for (uint32_t at = 0; at < vault.stores.n_slots; at++)
        n += (uint64_t)shelf_peek(&vault.stores, at, &v);
    return n;
}

static int64_t
add(et_store *s, const char *key, int64_t n)
{
    return s->api->add(s, str_from_z(key), n, 0);
}

static int64_t
total(et_store *s, const char *key)
{
    return s->api->total(s, str_from_z(key));
}

static uint64_t
figure(uint32_t worker, enum metric id)
{
    return metrics_get(&figures[worker], id);
}

/* ---- who finds which -----------------------------------------------------*/

START_TEST(a_store_is_found_by_plugin_section_and_name)
{
    struct instance *v[] = {section(&one, "a", NULL), section(&one, "b", NULL),
                            section(&two, "a", NULL),
                            section(&one, "a", "route")};
    et_store *s[5];

    begin();
    for (int i = 0; i < 4; i++) {
        s[i] = hold(v[i], 0, "x");
        ck_assert_int_eq(add(s[i], "k", i + 1), i == 3 ? 1 + 4 : i + 1);
    }
    drop(v[0], 0);
    s[0] = hold(v[0], 0, "y"); /* the same section, another name */
    ck_assert_int_eq(total(s[0], "k"), 0);
    ck_assert_uint_eq(count_stores(), 4);
    ck_assert_str_eq(stores_section(&s[1]->ctx), "b");
    for (int i = 0; i < 4; i++) {
        drop(v[i], 0);
        instance_unref(v[i]);
    }
    end();
}
END_TEST

START_TEST(workers_count_apart_and_are_summed)
{
    struct instance *i = section(&one, "a", NULL);
    et_store *s[N_WORKERS];

    begin();
    for (uint32_t w = 0; w < N_WORKERS; w++)
        s[w] = hold(i, w, "x");
    for (uint32_t w = 0; w < N_WORKERS; w++)
        ck_assert_int_eq(add(s[w], "k", w + 1), w + 1);
    for (uint32_t w = 0; w < N_WORKERS; w++) {
        ck_assert_int_eq(total(s[w], "k"), 6);
        ck_assert_uint_eq(figure(w, METRIC_store_entries), 1);
    }
    add(s[0], "k", INT64_MAX);
    ck_assert_int_eq(total(s[1], "k"), INT64_MAX);
    ck_assert_int_eq(s[0]->api->del(s[0], str_lit("k")), 0);
    ck_assert_int_eq(total(s[1], "k"), 5);
    for (uint32_t w = 0; w < N_WORKERS; w++) {
        drop(i, w);
        ck_assert_uint_eq(figure(w, METRIC_store_entries),
                          w > 0); /* it stays */
    }
    instance_unref(i);
    end();
}
END_TEST

/* ---- how long ------------------------------------------------------------*/

START_TEST(a_store_stays_while_it_is_open_and_a_while_longer)
{
    struct instance *old = section(&one, "a", NULL);
    struct instance *new = section(&one, "a", NULL);
    et_store *s;

    begin();
    ck_assert_int_eq(stores_sweep(&stores, 1000, 0), -1);
    add(hold(old, 0, "x"), "k", 7);
    clock_set(&clocks[0], 5000000000, 0, 0);
    ck_assert_int_gt(stores_sweep(&stores, 5000, 0), 0);
    s = hold(new, 0, "x"); /* a new build, beside the old one */
    drop(old, 0);
    ck_assert_int_gt(stores_sweep(&stores, 5000, 0), 0);
    ck_assert_int_eq(total(s, "k"), 7);
    drop(new, 0);
    ck_assert_int_eq(stores_sweep(&stores, 5400, 1000), 600);
    ck_assert_int_eq(stores_sweep(&stores, 5400, UINT64_MAX / 2), INT_MAX);
    s = hold(new, 0, "x"); /* and back in time */
    ck_assert_int_eq(total(s, "k"), 7);
    ck_assert_int_gt(stores_sweep(&stores, 9000, 1000), 0);
    drop(new, 0);
    ck_assert_int_eq(stores_sweep(&stores, 6000, 1000), -1);
    ck_assert_uint_eq(count_stores(), 0);
    ck_assert_int_eq(total(hold(new, 0, "x"), "k"), 0);
    drop(new, 0);
    instance_unref(old);
    instance_unref(new);
    end();
}
END_TEST

START_TEST(an_init_that_fails_lets_go)
{
    struct instance *i = section(&one, "a", NULL);
    char why[64];

    begin();
    init_result = ET_EINVAL;
    to_open = "x";
    ck_assert_int_lt(instance_hold(i, &workers[0].pub, why, sizeof why), 0);
    ck_assert_ptr_nonnull(got);
    ck_assert_uint_eq(count_stores(), 1);
    ck_assert_int_eq(stores_sweep(&stores, 1, 0), -1);
    ck_assert_uint_eq(count_stores(), 0);
    instance_unref(i);
    end();
}
END_TEST

/* ---- what is refused -----------------------------------------------------*/

START_TEST(a_store_is_opened_in_an_init_by_a_name_that_fits)
{
    struct instance *i = section(&one, "a", NULL);
    char name[ET_STORE_NAME_MAX + 2];

    begin();
    ck_assert_ptr_null(open_on(0, "x"));
    memset(name, 'n', sizeof name);
    name[ET_STORE_NAME_MAX + 1] = '\0';
    ck_assert_ptr_null(hold(i, 0, name));
    ck_assert_ptr_null(hold(i, 1, ""));
    name[ET_STORE_NAME_MAX] = '\0';
    ck_assert_ptr_nonnull(hold(i, 2, name));
    ck_assert_ptr_null(open_on(2, "x"));
    for (uint32_t w = 0; w < N_WORKERS; w++)
        drop(i, w);
    instance_unref(i);
    end();
}
END_TEST

START_TEST(there_is_a_bound_on_stores)
{
    struct instance *i = section(&one, "a", NULL);
    char name[16];

    begin();
    for (uint32_t n = 0; n <= VAULT_STORES_MAX; n++) {
        snprintf(name, sizeof name, "%u", n);
        ck_assert_int_eq(hold(i, 0, name) != NULL, n < VAULT_STORES_MAX);
        drop(i, 0);
    }
    ck_assert_ptr_nonnull(hold(i, 0, "7"));
    drop(i, 0);
    instance_unref(i);
    end();
}
END_TEST

START_TEST(calls_refuse_what_does_not_fit)
{
    static char large[ET_STORE_VALUE_MAX + 1];
    const et_str long_key = {large, ET_STORE_KEY_MAX + 1};
    const et_str key = {large, ET_STORE_KEY_MAX};
    struct instance *i = section(&one, "a", NULL);
    et_store *s;
    int64_t n = 0;

    begin();
    s = hold(i, 0, "x");
    ck_assert_int_eq(s->api->add(s, long_key, 1, 0), ET_EINVAL);
    ck_assert_int_eq(s->api->total(s, long_key), ET_EINVAL);
    ck_assert_int_eq(s->api->put(s, long_key, key, 0), ET_EINVAL);
    ck_assert_int_eq(s->api->del(s, long_key), ET_EINVAL);
    ck_assert_ptr_null(s->api->get(s, long_key).p);
    ck_assert_int_eq(s->api->put(s, key, (et_str){large, sizeof large}, 0),
                     ET_EINVAL);
    ck_assert_int_eq(s->api->put(s, key, (et_str){large, 9}, 5), 0);
    ck_assert_uint_eq(s->api->get(s, key).n, 9);
    ck_assert_int_eq(s->api->put(s, key, s->api->get(s, key), 5), 0);
    ck_assert_int_eq(s->api->cell(s, long_key, &n), ET_EINVAL);
    ck_assert_int_eq(s->api->swap(s, long_key, &n, 1, 0), ET_EINVAL);
    clock_set(&clocks[0], 6000000, 0, 0);
    ck_assert_ptr_null(s->api->get(s, key).p);
    ck_assert_uint_eq(figure(0, METRIC_store_entries), 1); /* in nobody's way */
    drop(i, 0);
    instance_unref(i);
    end();
}
END_TEST

START_TEST(what_is_full_says_so_and_is_counted)
{
    struct instance *i = section(&one, "a", NULL);
    et_store *s;
    int64_t n = 0, was = 0, rc = 0;

    begin();
    s = hold(i, 0, "x");
    while ((rc = s->api->add(s, (et_str){(char *)&n, sizeof n}, 1, 0)) > 0)
        n++;
    ck_assert_int_eq(rc, ET_ELIMIT);
    ck_assert_int_gt(n, MEMORY / 2 / 80 * 6 / 10);
    ck_assert_uint_eq(figure(0, METRIC_store_entries), (uint64_t)n);
    ck_assert_uint_eq(figure(0, METRIC_store_refusals), 1);
    ck_assert_int_eq(s->api->put(s, str_lit("v"), str_lit("v"), 0), 0);
    drop(i, 0);
    end();
    begin();
    s = hold(i, 1, "x");
    for (n = 0; n < 50000; n++) {
        was = 0;
        rc = s->api->swap(s, (et_str){(char *)&n, sizeof n}, &was, 1, 500);
        ck_assert_int_eq(rc, 1);
    }
    ck_assert_uint_ge(figure(1, METRIC_store_evictions), 30000);
    drop(i, 1);
    instance_unref(i);
    end();
}
END_TEST

/* ---- the whole server ----------------------------------------------------*/

START_TEST(cells_and_values_are_the_same_for_all_workers)
{
    struct instance *i = section(&one, "a", NULL);
    et_store *s[2];
    int64_t was = 0;

    begin();
    s[0] = hold(i, 0, "x");
    s[1] = hold(i, 1, "x");
    ck_assert_int_eq(s[0]->api->swap(s[0], str_lit("k"), &was, 7, 0), 1);
    ck_assert_int_eq(s[1]->api->swap(s[1], str_lit("k"), &was, 8, 0), 0);
    ck_assert_int_eq(was, 7);
    ck_assert_int_eq(s[1]->api->swap(s[1], str_lit("k"), &was, 8, 0), 1);
    ck_assert_int_eq(s[0]->api->cell(s[0], str_lit("k"), &was), 0);
    ck_assert_int_eq(was, 8);
    ck_assert_int_eq(total(s[0], "k"), 0); /* another thing */
    ck_assert_int_eq(s[0]->api->put(s[0], str_lit("k"), str_lit("v"), 0), 0);
    ck_assert(str_eq(s[1]->api->get(s[1], str_lit("k")), str_lit("v")));
    ck_assert_int_eq(s[1]->api->del(s[1], str_lit("k")), 0);
    ck_assert_ptr_null(s[0]->api->get(s[0], str_lit("k")).p);
    ck_assert_int_eq(s[0]->api->cell(s[0], str_lit("k"), &was), 0);
    ck_assert_int_eq(was, 8);
    drop(i, 0);
    drop(i, 1);
    instance_unref(i);
    end();
}
END_TEST

/* The process dies, and another takes its seat, or runs beside it. */
START_TEST(what_another_process_has_counted_counts)
{
    struct instance *i = section(&one, "a", NULL);
    struct seats *seats;
    et_store *s;

    begin();
    seats = &vault.region->seats;
    s = hold(i, 0, "x");
    ck_assert_int_eq(add(s, "k", 5), 5);
    drop(i, 0);
    stores_fini(&stores);
    seats_free(seats, 0); /* it was killed */
    seats_give(seats, 0);
    stores_init(&stores, &vault, N_WORKERS);
    s = hold(i, 0, "x");
    ck_assert_int_eq(total(s, "k"), 5);
    ck_assert_int_eq(add(s, "k", 1), 6); /* where the one before it was */
    drop(i, 0);
    stores_fini(&stores);
    seats_give(seats, 1);
    vault.seat = 1;
    stores_init(&stores, &vault, N_WORKERS);
    s = hold(i, 0, "x");
    ck_assert_int_eq(add(s, "k", 10), 10);
    ck_assert_int_eq(total(s, "k"), 16);
    drop(i, 0);
    instance_unref(i);
    end();
}
END_TEST

/* ---- threads -------------------------------------------------------------*/

#define N_ADDS 30000

/* A worker that counts for a key of all and one of its own, and looks at the
 * sum. */
static void *
work(void *arg)
{
    et_store *s = arg;
    int64_t last = 0, now;

    for (int n = 0; n < N_ADDS; n++) {
        add(s, "all", 1);
        (void)!s->api->add(s, (et_str){(char *)&n, 2}, 1, 3);
        if (n % 8)
            continue;
        now = total(s, "all");
        if (now < last || now > N_WORKERS * N_ADDS)
            ck_abort_msg("a sum went back or too far");
        last = now;
    }
    return NULL;
}

static atomic_int is_over;

static void *
sweep(void *arg)
{
    while (!atomic_load(&is_over))
        (void)stores_sweep(arg, 1u << 30, 0);
    return NULL;
}

START_TEST(no_worker_waits_for_another_or_loses_a_count)
{
    struct instance *i = section(&one, "a", NULL);
    pthread_t threads[N_WORKERS], sweeper;
    et_store *s[N_WORKERS];

    begin();
    for (uint32_t w = 0; w < N_WORKERS; w++)
        s[w] = hold(i, w, "x");
    pthread_create(&sweeper, NULL, sweep, &stores);
    for (uint32_t w = 0; w < N_WORKERS; w++)
        pthread_create(&threads[w], NULL, work, s[w]);
    for (uint32_t w = 0; w < N_WORKERS; w++)
        pthread_join(threads[w], NULL);
    atomic_store(&is_over, 1);
    pthread_join(sweeper, NULL);
    ck_assert_int_eq(total(s[0], "all"), N_WORKERS * N_ADDS);
    for (uint32_t w = 0; w < N_WORKERS; w++)
        drop(i, w);
    instance_unref(i);
    end();
}
END_TEST

UNIT_MAIN(stores, a_store_is_found_by_plugin_section_and_name,
          workers_count_apart_and_are_summed,
          a_store_stays_while_it_is_open_and_a_while_longer,
          an_init_that_fails_lets_go,
          a_store_is_opened_in_an_init_by_a_name_that_fits,
          there_is_a_bound_on_stores, calls_refuse_what_does_not_fit,
          what_is_full_says_so_and_is_counted,
          cells_and_values_are_the_same_for_all_workers,
          what_another_process_has_counted_counts,
          no_worker_waits_for_another_or_loses_a_count)
