/* SPDX-License-Identifier: BSD-2-Clause */
/* census.c - counts are exact, whoever counts at the same time.
 * tags: asan tsan */
#include "conn/census.h"

#include <pthread.h>

#include "base/err.h"
#include "base/str.h"
#include "proto/addr.h"
#include "t/lib/unit.h"

static struct census s;

static void
setup(void)
{
    ck_assert_int_eq(census_init(&s), 0);
}

static void
teardown(void)
{
    census_fini(&s);
}

static uint64_t
key_of(const char *text)
{
    struct addr a;

    ck_assert_int_eq(addr_parse(str_from_z(text), &a), 0);
    return census_key(&a);
}

START_TEST(as_many_connections_as_there_may_be)
{
    for (int i = 0; i < 1000; i++)
        ck_assert(census_enter(&s));
    census_limit(&s, 1002);
    ck_assert(!census_is_full(&s));
    ck_assert(census_enter(&s));
    ck_assert(census_enter(&s));
    ck_assert(census_is_full(&s));
    ck_assert(!census_enter(&s));
    census_enter_anyway(&s);
    census_leave(&s);
    ck_assert(!census_enter(&s));
    census_leave(&s);
    ck_assert(census_enter(&s));
    census_limit(&s, 0);
    ck_assert(census_enter(&s));
}
END_TEST

START_TEST(a_client_is_an_address_or_a_64)
{
    ck_assert_uint_ne(key_of("192.0.2.1"), key_of("192.0.2.2"));
    ck_assert_uint_eq(key_of("2001:db8:0:1::1"), key_of("2001:db8:0:1:2::9"));
    ck_assert_uint_ne(key_of("2001:db8:0:1::1"), key_of("2001:db8:0:2::1"));
    ck_assert_uint_ne(key_of("::1"), 0);
    ck_assert_uint_ne(key_of("0.0.0.0"), 0);
    ck_assert_uint_eq(census_key(&(struct addr){.kind = ADDR_UNIX}), 0);
}
END_TEST

START_TEST(a_client_has_as_many_as_it_may)
{
    uint64_t who[3], key = key_of("192.0.2.1");
    int rc;

    for (int i = 0; i < 3; i++) {
        who[i] = census_join(&s, key, 3, &rc);
        ck_assert_uint_ne(who[i], 0);
        ck_assert_int_eq(rc, 0);
    }
    ck_assert_uint_eq(census_join(&s, key, 3, &rc), 0);
    ck_assert_int_eq(rc, ERR_LIMIT);
    ck_assert_uint_ne(census_join(&s, key_of("192.0.2.2"), 3, &rc), 0);
    census_part(&s, who[0]);
    ck_assert_uint_eq(census_count(&s, key), 2);
    ck_assert_uint_ne(census_join(&s, key, 3, &rc), 0);
    for (int i = 0; i < 3; i++)
        census_part(&s, who[i]);
    ck_assert_uint_eq(census_count(&s, key), 0);
    census_part(&s, 0);
    ck_assert_uint_eq(census_join(&s, 0, 1, &rc), 0);
    ck_assert_int_eq(rc, 0);
}
END_TEST

/* 200,000 clients: nobody is taken for another, and memory is free again. */
START_TEST(many_clients_are_kept_apart)
{
    enum { N = 200000 };
    uint64_t *who = calloc(N, sizeof *who);
    uint32_t uncounted = 0, left = 0;
    int rc;

    for (uint32_t i = 0; i < N; i++) {
        who[i] = census_join(&s, i + 1, 1, &rc);
        UNIT_HOLDS(rc == 0);
        uncounted += who[i] == 0;
    }
    ck_assert_uint_lt(uncounted, N / 1000);
    for (uint32_t i = 0; i < N; i++) {
        UNIT_HOLDS(who[i] == 0 || census_join(&s, i + 1, 1, &rc) == 0);
        UNIT_HOLDS(who[i] == 0 || rc == ERR_LIMIT);
    }
    for (uint32_t i = 0; i < N; i++)
        census_part(&s, who[i]);
    for (uint32_t i = 0; i < CENSUS_BUCKETS * CENSUS_WAYS; i++)
        left += s.cells[i] != 0;
    ck_assert_uint_eq(left, 0);
    free(who);
}
END_TEST

/* ---- at the same time -----------------------------------------------------*/

enum { THREADS = 4, ROUNDS = 20000, MOST = 3, CLIENTS = 2 };

static _Atomic int inside[CLIENTS], n_refused;

/* Each holds one of a client at a time, so that a limit of three is met. */
static void *
come_and_go(void *arg)
{
    uint64_t first = *(uint64_t *)arg;

    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t client = (first + i) % CLIENTS;
        int rc;
        uint64_t who = census_join(&s, client + 1, MOST, &rc);
        if (rc < 0) {
            n_refused++;
            continue;
        }
        UNIT_HOLDS(who != 0);
        UNIT_HOLDS(atomic_fetch_add(&inside[client], 1) < MOST);
        atomic_fetch_sub(&inside[client], 1);
        census_part(&s, who);
        UNIT_HOLDS(census_enter(&s));
        census_leave(&s);
    }
    return NULL;
}

START_TEST(never_more_than_it_may_whoever_counts)
{
    pthread_t t[THREADS];
    uint64_t first[THREADS];

    for (int i = 0; i < THREADS; i++) {
        first[i] = (uint64_t)i;
        ck_assert_int_eq(pthread_create(&t[i], NULL, come_and_go, &first[i]),
                         0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    ck_assert_uint_eq(s.n, 0);
    for (uint32_t i = 0; i < CENSUS_BUCKETS * CENSUS_WAYS; i++)
        UNIT_HOLDS(s.cells[i] == 0);
}
END_TEST

UNIT_MAIN_IN(setup, teardown, census, as_many_connections_as_there_may_be,
             a_client_is_an_address_or_a_64, a_client_has_as_many_as_it_may,
             many_clients_are_kept_apart, never_more_than_it_may_whoever_counts)
