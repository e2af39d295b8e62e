/* SPDX-License-Identifier: BSD-2-Clause */
/* names.c - addresses of names: one question for all who ask, kept for a while,
 * so many of them.
 * tags: asan tsan */
/* ldflags: -Wl,--wrap=sock_resolve */
#include "http/names.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "http/host.h"
#include "http/jobs.h"
#include "http/waits.h"
#include "os/sock.h"
#include "t/lib/unit.h"

static struct host_worker worker;
static struct clock now;
static struct waits waits;
static struct mailbox mailbox;
static struct metrics metrics;
static struct jobs jobs;
static struct names names;
static struct addr found[NAMES_ADDRESSES];

/* The system: n addresses, when it may go on. */
static _Atomic int n_questions, n_addresses;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

int __wrap_sock_resolve(const char *host, uint16_t port,
                        struct sock_address *out, size_t cap, char *why,
                        size_t why_cap);

int
__wrap_sock_resolve(const char *host, uint16_t port, struct sock_address *out,
                    size_t cap, char *why, size_t why_cap)
{
    int n = atomic_load(&n_addresses);

    (void)host;
    (void)port;
    (void)why;
    (void)why_cap;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < n && (size_t)i < cap; i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(0x0a000001)};
        memset(&out[i], 0, sizeof out[i]);
        memcpy(&out[i].addr, &v4, sizeof v4);
        out[i].len = sizeof v4;
    }
    atomic_fetch_add(&n_questions, 1);
    return n > (int)cap ? (int)cap : n > 0 ? n : -1;
}

struct asked {
    struct names_waiter waiter;
    int n_told;
    uint32_t n;
    int32_t why;
};

static void
on_named(struct names_waiter *w, const struct addr *v, uint32_t n, int32_t why)
{
    struct asked *a = (struct asked *)w;

    a->n_told++;
    a->n = n;
    a->why = why;
    ck_assert(n == 0 || addr_is_v4(&v[0]));
}

static int32_t
ask(struct asked *a, const char *host)
{
    *a = (struct asked){.waiter.on_named = on_named};
    return names_find(&names, (et_str){host, strlen(host)}, &a->waiter, found);
}

static void
set_up(uint32_t max_waits, uint32_t max_queued)
{
    clock_set(&now, 1000000000000, 0, 0);
    atomic_store(&n_questions, 0);
    atomic_store(&n_addresses, 2);
    ck_assert_int_eq(mailbox_open(&mailbox), 0);
    ck_assert_int_eq(waits_init(&waits, 1, max_waits, &mailbox, &metrics), 0);
    ck_assert_int_eq(jobs_open(&jobs, 1, max_queued), 0);
    worker.clock = &now;
    worker.metrics = &metrics;
    worker.waits = &waits;
    worker.jobs = &jobs;
    ck_assert_int_eq(names_init(&names, &worker), 0);
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
wait_told(const struct asked *a)
{
    struct pollfd p = {.fd = mailbox.read_fd, .events = POLLIN};

    while (!a->n_told) {
        ck_assert_int_eq(poll(&p, 1, 10000), 1);
        deliver();
    }
}

static void
tear_down(void)
{
    names_close(&names);
    waits_close(&waits);
    deliver();
    ck_assert_int_eq(jobs_close(&jobs, 10000), 0);
    deliver();
    names_fini(&names);
    ck_assert_uint_eq(waits_count(&waits), 0);
    waits_fini(&waits);
    mailbox_close(&mailbox, NULL);
}

START_TEST(addresses_are_no_names)
{
    struct asked a;

    set_up(8, 8);
    ck_assert_int_eq(ask(&a, "10.0.0.1"), 1);
    ck_assert(addr_is_v4(&found[0]));
    ck_assert_int_eq(ask(&a, "::1"), 1);
    ck_assert(!addr_is_v4(&found[0]));
    names_leave(&a.waiter);
    tear_down();
    ck_assert_int_eq(atomic_load(&n_questions), 0);
}
END_TEST

START_TEST(one_question_for_all_who_ask)
{
    struct asked a[4];

    set_up(8, 8);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(ask(&a[i], "a"), 0);
    names_leave(&a[2].waiter); /* it does not want to know any more */
    pthread_mutex_unlock(&gate);
    wait_told(&a[3]);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(a[i].n_told, i != 2);
        ck_assert_uint_eq(a[i].n, i != 2 ? 2 : 0);
    }
    ck_assert_int_eq(ask(&a[0], "a"), 2);
    ck_assert_int_eq(atomic_load(&n_questions), 1);
    tear_down();
}
END_TEST

START_TEST(it_is_good_for_a_while)
{
    struct asked a;

    set_up(8, 8);
    ck_assert_int_eq(ask(&a, "a"), 0);
    wait_told(&a);
    now.mono_ms += NAMES_KEEP_MS - 1;
    ck_assert_int_eq(ask(&a, "a"), 2);
    now.mono_ms += 1;
    atomic_store(&n_addresses, 0);
    ck_assert_int_eq(ask(&a, "a"), 0);
    wait_told(&a);
    ck_assert_uint_eq(a.n, 0);
    ck_assert_int_eq(a.why, ET_ECONN);
    now.mono_ms += NAMES_KEEP_BAD_MS - 1;
    ck_assert_int_eq(ask(&a, "a"), ET_ECONN);
    now.mono_ms += 1;
    atomic_store(&n_addresses, 100); /* more than are of use */
    ck_assert_int_eq(ask(&a, "a"), 0);
    wait_told(&a);
    ck_assert_uint_eq(a.n, NAMES_ADDRESSES);
    tear_down();
}
END_TEST

START_TEST(so_many_are_kept)
{
    struct asked a;
    char host[16];

    set_up(NAMES_MAX + 8, NAMES_MAX + 8);
    for (unsigned i = 0; i <= NAMES_MAX; i++) {
        snprintf(host, sizeof host, "host%u", i);
        ck_assert_int_eq(ask(&a, host), 0);
        wait_told(&a);
        ck_assert_int_eq(ask(&a, "host0"), 2); /* wanted all the time */
    }
    ck_assert_int_eq(ask(&a, "host1"), 0); /* it is the one that went */
    wait_told(&a);
    tear_down();
}
END_TEST

START_TEST(so_many_are_asked_for)
{
    static struct asked a[NAMES_MAX + 1];
    char host[16];

    set_up(NAMES_MAX + 8, NAMES_MAX + 8);
    pthread_mutex_lock(&gate);
    for (unsigned i = 0; i <= NAMES_MAX; i++) {
        snprintf(host, sizeof host, "host%u", i);
        ck_assert_int_eq(ask(&a[i], host), i < NAMES_MAX ? 0 : ET_ELIMIT);
    }
    pthread_mutex_unlock(&gate);
    for (unsigned i = 0; i < NAMES_MAX; i++)
        wait_told(&a[i]);
    tear_down();
}
END_TEST

START_TEST(bounds_of_others_are_told)
{
    struct asked a, b, d;
    static char longest[NAMES_LEN + 2];

    set_up(1, 8);
    pthread_mutex_lock(&gate);
    ck_assert_int_eq(ask(&a, "a"), 0);
    ck_assert_int_eq(ask(&b, "b"), ET_ELIMIT); /* max_waits */
    memset(longest, 'a', NAMES_LEN + 1);
    ck_assert_int_eq(ask(&b, longest), ET_EINVAL);
    pthread_mutex_unlock(&gate);
    wait_told(&a);
    tear_down();
    set_up(8, 1);
    pthread_mutex_lock(&gate);
    ck_assert_int_eq(ask(&a, "a"), 0);
    while (pool_figures(jobs.pool).n_running == 0)
        ;
    ck_assert_int_eq(ask(&b, "b"), 0);
    ck_assert_int_eq(ask(&d, "d"), ET_ELIMIT); /* pool_queue */
    ck_assert_uint_eq(metrics_get(&metrics, METRIC_jobs_refused), 1);
    ck_assert_int_eq(ask(&d, "b"), 0);
    pthread_mutex_unlock(&gate);
    wait_told(&d);
    tear_down();
}
END_TEST

START_TEST(the_end_does_not_wait_for_the_system)
{
    struct asked a, b;

    set_up(8, 8);
    pthread_mutex_lock(&gate);
    ck_assert_int_eq(ask(&a, "a"), 0);
    while (pool_figures(jobs.pool).n_running == 0)
        ;
    ck_assert_int_eq(ask(&b, "b"), 0);
    names_leave(&a.waiter);
    names_leave(&b.waiter);
    names_close(&names);
    ck_assert_uint_eq(waits_count(&waits), 0);
    pthread_mutex_unlock(&gate);
    tear_down();
    ck_assert_int_eq(a.n_told + b.n_told, 0);
}
END_TEST

UNIT_MAIN(names, addresses_are_no_names, one_question_for_all_who_ask,
          it_is_good_for_a_while, so_many_are_kept, so_many_are_asked_for,
          bounds_of_others_are_told, the_end_does_not_wait_for_the_system)
