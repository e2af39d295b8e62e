/* SPDX-License-Identifier: BSD-2-Clause */
/* stores.c - who finds which store, how long it stays, what its calls refuse,
 * and workers that count while others read. */
/* tags: asan tsan */
/* ldflags: -Wl,--wrap=mmap */
#define UNIT_SECONDS 60
#include "http/stores.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/shelf.h"
#include "base/str.h"
#include "http/host.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "t/lib/unit.h"

#define N_WORKERS 3u
#define MEMORY (3u << 20)

static int mmaps_left = 1 << 30;

void *__real_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);

void *
__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off)
{
    if (mmaps_left-- > 0)
        return __real_mmap(p, n, prot, flags, fd, off);
    errno = ENOMEM;
    return MAP_FAILED;
}

/* ---- a plugin whose init opens what the test says ------------------------*/

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
    stores_init(&stores, N_WORKERS);
    stores_set_memory(&stores, MEMORY);
    for (uint32_t i = 0; i < N_WORKERS; i++) {
        clock_set(&clocks[i], 1000000, 0, 0);
        workers[i] = (struct host_worker){
            .pub = {.ctx = {sizeof(et_worker), ET_K_WORKER, host_get()},
                    .index = i,
                    .n_workers = N_WORKERS},
            .magic = HOST_WORKER_MAGIC,
            .clock = &clocks[i],
            .metrics = &figures[i],
            .stores = &stores,
        };
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
    ck_assert_uint_eq(stores.n, 4);
    ck_assert_str_eq(stores_section(&s[1]->ctx), "b");
    for (int i = 0; i < 4; i++) {
        drop(v[i], 0);
        instance_unref(v[i]);
    }
    stores_fini(&stores);
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
        ck_assert_uint_eq(figure(w, METRIC_store_entries), 0);
    }
    instance_unref(i);
    stores_fini(&stores);
}
END_TEST

/* ---- how long ------------------------------------------------------------*/

START_TEST(a_store_stays_while_it_is_open_and_a_while_longer)
{
    struct instance *old = section(&one, "a", NULL);
    struct instance *new = section(&one, "a", NULL);
    et_store *s;

    begin();
    add(hold(old, 0, "x"), "k", 7);
    clock_set(&clocks[0], 5000000000, 0, 0);
    ck_assert_int_eq(stores_sweep(&stores, 5000, 0), -1);
    s = hold(new, 0, "x"); /* a new build, beside the old one */
    drop(old, 0);
    ck_assert_int_eq(stores_sweep(&stores, 5000, 0), -1);
    ck_assert_int_eq(total(s, "k"), 7);
    drop(new, 0);
    ck_assert_int_eq(stores_sweep(&stores, 5400, 1000), 600);
    ck_assert_int_eq(stores_sweep(&stores, 5400, UINT64_MAX / 2), INT_MAX);
    s = hold(new, 0, "x"); /* and back in time */
    ck_assert_int_eq(total(s, "k"), 7);
    ck_assert_int_eq(stores_sweep(&stores, 9000, 1000), -1);
    drop(new, 0);
    ck_assert_int_eq(stores_sweep(&stores, 6000, 1000), -1);
    ck_assert_uint_eq(stores.n, 0);
    ck_assert_int_eq(total(hold(new, 0, "x"), "k"), 0);
    drop(new, 0);
    instance_unref(old);
    instance_unref(new);
    stores_fini(&stores);
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
    ck_assert_uint_eq(stores.n, 1);
    ck_assert_int_eq(stores_sweep(&stores, 1, 0), -1);
    ck_assert_uint_eq(stores.n, 0);
    instance_unref(i);
    stores_fini(&stores);
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
    stores_fini(&stores);
}
END_TEST

START_TEST(there_is_a_bound_on_stores)
{
    struct instance *i = section(&one, "a", NULL);
    char name[16];

    begin();
    stores_set_memory(&stores, 0);
    for (uint32_t n = 0; n <= STORES_MAX; n++) {
        snprintf(name, sizeof name, "%u", n);
        ck_assert_int_eq(hold(i, 0, name) != NULL, n < STORES_MAX);
        drop(i, 0);
    }
    ck_assert_ptr_nonnull(hold(i, 0, "7"));
    drop(i, 0);
    instance_unref(i);
    stores_fini(&stores);
}
END_TEST

START_TEST(without_memory_there_is_no_store)
{
    struct instance *i = section(&one, "a", NULL);

    begin();
    for (int n = 0; n < (int)N_WORKERS; n++) {
        mmaps_left = n;
        ck_assert_ptr_null(hold(i, 0, "x"));
        mmaps_left = 1 << 30;
        drop(i, 0);
        ck_assert_uint_eq(stores.n, 0);
    }
    ck_assert_ptr_nonnull(hold(i, 0, "x"));
    drop(i, 0);
    instance_unref(i);
    stores_fini(&stores);
}
END_TEST

START_TEST(calls_refuse_what_does_not_fit)
{
    static char large[ET_STORE_VALUE_MAX + 1];
    const et_str long_key = {large, ET_STORE_KEY_MAX + 1};
    const et_str key = {large, ET_STORE_KEY_MAX};
    struct instance *i = section(&one, "a", NULL);
    et_store *s;

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
    ck_assert_int_eq(s->api->put(s, key, s->api->get(s, key), 0), ET_EINVAL);
    clock_set(&clocks[0], 6000000, 0, 0);
    ck_assert_ptr_null(s->api->get(s, key).p);
    ck_assert_uint_eq(figure(0, METRIC_store_entries), 0);
    drop(i, 0);
    instance_unref(i);
    stores_fini(&stores);
}
END_TEST

START_TEST(what_is_full_says_so_and_is_counted)
{
    struct instance *i = section(&one, "a", NULL);
    et_store *s;
    int64_t n = 0, rc = 0;

    begin();
    s = hold(i, 0, "x");
    while (n < 20000 &&
           (rc = s->api->add(s, (et_str){(char *)&n, sizeof n}, 1, 0)) > 0)
        n++;
    ck_assert_int_eq(rc, ET_ELIMIT);
    ck_assert_int_gt(n, 9000); /* a third of the memory, 104 bytes each */
    ck_assert_uint_eq(figure(0, METRIC_store_entries), (uint64_t)n);
    ck_assert_uint_eq(figure(0, METRIC_store_refusals), 1);
    ck_assert_int_eq(s->api->put(s, str_lit("v"), str_lit("v"), 0),
                     n + 1 < MEMORY / N_WORKERS / SHELF_ENTRY_BYTES
                         ? 0 /* some home was crowded before it was full */
                         : ET_ELIMIT);
    drop(i, 0);
    s = hold(i, 1, "x");
    for (n = 0; n < 20000; n++)
        rc = s->api->add(s, (et_str){(char *)&n, sizeof n}, 1, 500);
    ck_assert_int_eq(rc, 1);
    ck_assert_uint_ge(figure(1, METRIC_store_evictions), 9000);
    drop(i, 1);
    instance_unref(i);
    stores_fini(&stores);
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
    stores_fini(&stores);
}
END_TEST

UNIT_MAIN(stores, a_store_is_found_by_plugin_section_and_name,
          workers_count_apart_and_are_summed,
          a_store_stays_while_it_is_open_and_a_while_longer,
          an_init_that_fails_lets_go,
          a_store_is_opened_in_an_init_by_a_name_that_fits,
          there_is_a_bound_on_stores, without_memory_there_is_no_store,
          calls_refuse_what_does_not_fit, what_is_full_says_so_and_is_counted,
          no_worker_waits_for_another_or_loses_a_count)
