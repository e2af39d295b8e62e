/* SPDX-License-Identifier: BSD-2-Clause */
/* warm.c - files that are sent from a file system that takes its time: the
 * worker serves others meanwhile.
 * tags: epoll asan tsan */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/curler.h"
#include "t/lib/server.h"
#include "t/lib/slowfs.h"
#include "t/lib/tally.h"
#include "t/lib/transport.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static struct server s;
static struct slowfs fs;

/* The first open of the file is the fixture's, who waits for it: not that is
 * tried here, so it is quick. */
static int
start(const char *name, const char *more)
{
    char ini[512];

    if (!slowfs_mount(&fs, 0))
        return 0;
    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
             "metrics = /metrics\n%s"
             "[plugin answers]\nfile = %s/%s\n",
             more, fs.dir, name);
    server_start(&s, ini);
    return 1;
}

static void
stop(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
    slowfs_unmount(&fs);
}

static struct client
ask(size_t n, const char *form)
{
    struct client c = client_open(&s);

    client_printf(&c, "GET /%s/%zu HTTP/1.1\r\nHost: x\r\n\r\n", form, n);
    return c;
}

static void
check_body(const struct answer *a, size_t n)
{
    ck_assert_int_eq(a->status, 200);
    ck_assert_uint_eq(a->n, n);
    for (size_t i = 0; i < n; i++)
        UNIT_HOLDS(a->body[i] == (char)('a' + i % 23));
}

/* One request waits for the file: no other does. */
static void
others_are_served(void)
{
    struct client other;

    client_wait_active(&s, 1);
    other = client_open(&s);
    for (int i = 0; i < 100; i++)
        client_expect(&other, GET("/none"), 200, "");
    client_close(&other);
    client_wait_active(&s, 1); /* still */
    fs.is_held = 0;
}

static void
others_are_served_while(size_t n, const char *name)
{
    struct client slow;
    struct answer a;

    if (!start(name, ""))
        return;
    fs.is_held = 1;
    slow = ask(n, "file");
    others_are_served();
    a = client_answer(&slow, 0);
    check_body(&a, n);
    answer_free(&a);
    client_close(&slow);
    stop();
}

START_TEST(others_are_served_while_a_small_file_is_read)
{
    others_are_served_while(100, "small");
}
END_TEST

START_TEST(others_are_served_while_a_large_file_is_read)
{
    others_are_served_while(SLOWFS_LARGE, "large");
}
END_TEST

/* ---- downloads
 * --------------------------------------------------------------*/

struct download {
    char path[32];
    long version; /* of HTTP, for curl */
    size_t n;     /* bytes that came, each as it should be */
    CURLcode rc;
    _Atomic int is_over;
};

static size_t
on_bytes(char *p, size_t size, size_t n, void *arg)
{
    struct download *d = arg;

    for (size_t i = 0; i < size * n; i++, d->n++) {
        if (p[i] != (char)('a' + d->n % 23))
            return 0;
    }
    return size * n;
}

static void *
download(void *arg)
{
    struct download *d = arg;
    CURL *c = curler_new();

    curler_target(c, s.port, d->path);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, d->version);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, d);
    d->rc = curl_easy_perform(c);
    curl_easy_cleanup(c);
    d->is_over = 1;
    return NULL;
}

static long
version_here(void)
{
    const struct transport *t = transport_here();

    if (!t->is_h2)
        return CURL_HTTP_VERSION_1_1;
    return t->is_tls ? CURL_HTTP_VERSION_2TLS
                     : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
}

/* Nothing of it is ever in memory: each piece is waited for, and by nobody but
 * its client. */
START_TEST(others_are_served_at_each_piece_of_what_is_not_kept)
{
    struct download d = {.version = version_here()};
    struct client other;
    pthread_t thread;

    if (!start("large", ""))
        return;
    fs.keeps_none = 1;
    snprintf(d.path, sizeof d.path, "/file/%d", SLOWFS_LARGE);
    fs.is_held = 1;
    ck_assert_int_eq(pthread_create(&thread, NULL, download, &d), 0);
    other = client_open(&s);
    while (!d.is_over) {
        client_expect(&other, GET("/none"), 200, "");
        if (fs.n_reading > 0)
            fs.n_let = 1;
    }
    fs.is_held = 0; /* what was read ahead is nobody's */
    client_close(&other);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_msg(d.rc == CURLE_OK, "%s", curl_easy_strerror(d.rc));
    ck_assert_uint_eq(d.n, SLOWFS_LARGE);
    stop();
}
END_TEST

START_TEST(others_are_served_while_http2_waits_for_a_file)
{
    struct download d = {.version = CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE};
    pthread_t thread;

    if (transport_here()->is_tls) /* curl speaks it over TCP */
        return;
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2)) {
        fputs("skipped: this libcurl has no HTTP/2\n", stderr);
        return;
    }
    if (!start("large", "h2c = yes\n"))
        return;
    snprintf(d.path, sizeof d.path, "/file/%d", SLOWFS_LARGE);
    fs.is_held = 1;
    ck_assert_int_eq(pthread_create(&thread, NULL, download, &d), 0);
    others_are_served();
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_msg(d.rc == CURLE_OK, "%s", curl_easy_strerror(d.rc));
    ck_assert_uint_eq(d.n, SLOWFS_LARGE);
    stop();
}
END_TEST

/* What can be read of it comes, and then the end. */
START_TEST(a_file_shorter_than_promised_ends_the_connection)
{
    struct client c;

    if (!start("large", ""))
        return;
    fs.keeps_none = 1;
    c = client_open(&s);
    client_printf(&c, "GET /short/%d HTTP/1.1\r\nHost: x\r\n\r\n",
                  SLOWFS_LARGE + 1);
    client_read_all(&c);
    ck_assert_uint_ge(c.n, transport_here()->is_h2 ? 0 : SLOWFS_LARGE);
    ck_assert_uint_lt(c.n, SLOWFS_LARGE + 1000);
    client_close(&c);
    client_once(&s, GET("/none"), 200, "");
    stop();
}
END_TEST

START_TEST(a_client_that_goes_meanwhile_does_no_harm)
{
    struct client c;

    if (!start("large", ""))
        return;
    fs.is_held = 1;
    c = ask(SLOWFS_LARGE, "file");
    client_wait_active(&s, 1);
    client_close(&c);
    fs.is_held = 0;
    client_wait_active(&s, 0);
    c = client_open(&s);
    for (int i = 0; i < 3; i++) {
        struct answer a;
        client_printf(&c, "GET /file/%d HTTP/1.1\r\nHost: x\r\n\r\n",
                      SLOWFS_LARGE);
        a = client_answer(&c, 0);
        check_body(&a, SLOWFS_LARGE);
        answer_free(&a);
    }
    client_close(&c);
    stop();
}
END_TEST

/* What is read goes to memory of the worker's. */
START_TEST(a_worker_that_ends_waits_for_who_reads)
{
    struct client c;

    if (!start("large", "drain_timeout = 0\n"))
        return;
    fs.is_held = 1;
    c = ask(SLOWFS_LARGE, "file");
    while (fs.n_reading == 0)
        usleep(1000);
    server_signal(&s, SIGTERM);
    client_read_all(&c);
    usleep(50000); /* a worker that did not wait would be gone by then */
    fs.is_held = 0;
    server_wait_log(&s, "stopped in the middle");
    ck_assert_int_eq(server_wait(&s), 3);
    client_close(&c);
    slowfs_unmount(&fs);
}
END_TEST

/* ---- who closes it
 * ----------------------------------------------------------*/

START_TEST(others_are_served_while_a_file_is_closed)
{
    struct client c, other;
    struct answer a;

    if (!start("small", ""))
        return;
    fs.keeps = 1;
    c = ask(100, "file");
    a = client_answer(&c, 0);
    check_body(&a, 100);
    answer_free(&a);
    while (fs.n_closing == 0)
        usleep(1000);
    other = client_open(&s);
    for (int i = 0; i < 100; i++)
        client_expect(&other, GET("/none"), 200, "");
    ck_assert_int_gt(fs.n_closing, 0); /* still */
    fs.keeps = 0;
    client_close(&other);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(without_a_thread_for_it_others_have_their_turn)
{
    struct client c[4], other;

    if (!start("large", "pool_threads = 1\npool_queue = 1\n"))
        return;
    fs.ms = 50;
    for (int i = 0; i < 4; i++)
        c[i] = ask(SLOWFS_LARGE, i % 2 ? "file" : "pieces");
    other = client_open(&s);
    for (int i = 0; i < 20; i++)
        client_expect(&other, GET("/none"), 200, "");
    for (int i = 0; i < 4; i++) {
        struct answer a = client_answer(&c[i], 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_uint_eq(a.n, i % 2 ? SLOWFS_LARGE : 2 * SLOWFS_LARGE + 14);
        answer_free(&a);
        client_close(&c[i]);
    }
    client_close(&other);
    stop();
}
END_TEST

/* It is asked for again a hundred times a second, and no worker turns for it:
 * that would be tens of thousands. */
START_TEST(who_waits_for_a_thread_costs_nothing)
{
    struct client c[4];
    uint64_t before;

    if (!start("large", "pool_threads = 1\npool_queue = 1\n"))
        return;
    fs.keeps_all = fs.is_held = 1;
    for (int i = 0; i < 4; i++)
        c[i] = ask(SLOWFS_LARGE, "file");
    client_wait_active(&s, 4);
    before = (uint64_t)tally_figure(&s, "jobs_refused_total");
    usleep(500000);
    ck_assert_uint_le((uint64_t)tally_figure(&s, "jobs_refused_total"),
                      before + 2000);
    fs.is_held = 0;
    for (int i = 0; i < 4; i++) {
        struct answer a = client_answer(&c[i], 0);
        check_body(&a, SLOWFS_LARGE);
        answer_free(&a);
        client_close(&c[i]);
    }
    stop();
}
END_TEST

/* A body step reads what it is to see. */
START_TEST(so_they_have_when_a_body_step_waits_for_it)
{
    struct client c[4], other;

    if (!start("large", "pool_threads = 1\npool_queue = 1\n"
                        "[plugin filter]\nact = mark\n"
                        "[scope all]\nmatch = /file/*\nuse = filter\n"))
        return;
    fs.keeps_all = fs.is_held = 1;
    for (int i = 0; i < 4; i++)
        c[i] = ask(SLOWFS_LARGE, "file");
    client_wait_active(&s, 4);
    other = client_open(&s);
    for (int i = 0; i < 20; i++)
        client_expect(&other, GET("/none"), 200, "");
    fs.is_held = 0;
    for (int i = 0; i < 4; i++) {
        struct answer a = client_answer(&c[i], 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_uint_eq(a.n, SLOWFS_LARGE + 2);
        answer_free(&a);
        client_close(&c[i]);
    }
    client_close(&other);
    stop();
}
END_TEST

UNIT_MAIN(warm, others_are_served_while_a_small_file_is_read,
          others_are_served_while_a_large_file_is_read,
          others_are_served_while_http2_waits_for_a_file,
          others_are_served_at_each_piece_of_what_is_not_kept,
          a_file_shorter_than_promised_ends_the_connection,
          a_client_that_goes_meanwhile_does_no_harm,
          a_worker_that_ends_waits_for_who_reads,
          others_are_served_while_a_file_is_closed,
          without_a_thread_for_it_others_have_their_turn,
          who_waits_for_a_thread_costs_nothing,
          so_they_have_when_a_body_step_waits_for_it)
