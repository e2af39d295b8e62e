/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_offload.c - tls.offload: the pool signs, and others are served meanwhile;
 * whatever becomes of the client, the server or the configuration before it
 * has.
 *
 * The pool of these servers has one thread.  What waits for it does so behind a
 * job of a plugin (t/fixtures/waits.c); what runs on it is held by sign.so,
 * which does not go in front of a sanitizer.
 * tags: epoll asan tsan plain */
#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/pki.h"
#include "t/lib/preload.h"
#include "t/lib/secure.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/upstream.h"
#include "t/lib/waiter.h"
#include "t/lib/wsock.h"
#include "t/preload/sign.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define HELLO GET("/hello/you")
#define MANY 40
/* The first listener is the plain one, then RSA, P-256, both. */
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmetrics = /metrics\n"        \
    "pool_threads = 1\n" more                                                  \
    "\n[listen rsa]\naddress = 127.0.0.1:0\ntls.offload = rsa\n"               \
    "tls.certificate = $DIR/rsa.pem\ntls.key = $DIR/rsa.key\n"                 \
    "[listen ec]\naddress = 127.0.0.1:0\ntls.offload = rsa\n"                  \
    "tls.certificate = $DIR/ec.pem\ntls.key = $DIR/ec.key\n"                   \
    "[listen both]\naddress = 127.0.0.1:0\ntls.offload = rsa\n"                \
    "tls.early_data = yes\n"                                                   \
    "tls.certificate = $DIR/rsa.pem\ntls.key = $DIR/rsa.key\n"                 \
    "tls.certificate = $DIR/ec.pem\ntls.key = $DIR/ec.key\n"                   \
    "[plugin hello]\n[plugin waits]\n"

enum { PLAIN, RSA, EC, BOTH, LISTENERS };

static struct server s;
static uint16_t ports[LISTENERS];
static struct upstream nobody;

static void
read_ports(void)
{
    char line[512];
    int n = 0;
    FILE *f = fopen(s.log_path, "r");

    ck_assert_ptr_nonnull(f);
    while (n < LISTENERS && fgets(line, sizeof line, f)) {
        const char *at = strstr(line, "listening on 127.0.0.1:");
        unsigned port;
        if (at && sscanf(strstr(at, "127.0.0.1:") + 10, "%u", &port) == 1)
            ports[n++] = (uint16_t)port;
    }
    fclose(f);
    ck_assert_int_eq(n, LISTENERS);
}

static void
start(const char *ini)
{
    server_prepare(&s, ini);
    pki_make(&s, &(struct pki){.file = "rsa", .names = "a.test", .is_rsa = 1});
    pki_make(&s, &(struct pki){.file = "ec", .names = "a.test"});
    server_serve(&s);
    read_ports();
}

static void
stop(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
}

static void
wait_figure(const char *name, int n)
{
    tally_wait_figure(&s, name, n);
}

/* A client whose handshake somebody else makes: this returns at once. */
static struct client
begin_tls(int listener)
{
    struct secure how = {.port = ports[listener],
                         .sni = "a.test",
                         .alpn = "http/1.1",
                         .is_lazy = 1};

    return secure_connect(&how);
}

static void
say_hello(struct client *c)
{
    client_expect(c, HELLO, 200, "Hello, you!\n");
}

/* ---- the pool signs -------------------------------------------------------*/

START_TEST(each_version_and_what_follows)
{
    static const int versions[] = {0x0303, 0x0304};
    int n = 0;

    start(SERVER(""));
    for (int i = 0; i < 2; i++) {
        struct secure how = {.port = ports[RSA],
                             .sni = "a.test",
                             .authority = pki_authority(&s),
                             .min = versions[i],
                             .max = versions[i]};
        struct client c = secure_connect(&how);
        ck_assert_str_eq(how.kind, "RSA");
        say_hello(&c);
        ck_assert_int_eq(tally_figure(&s, "tls_offloads_total"), ++n);
        how.session = secure_session(&c, 5000);
        client_close(&c);
        c = secure_connect(&how); /* it goes on, and nobody signs */
        ck_assert(how.is_resumed);
        say_hello(&c);
        client_close(&c);
        secure_forget(how.session);
    }
    ck_assert_int_eq(tally_figure(&s, "tls_offloads_total"), n);
    ck_assert_int_eq(tally_figure(&s, "tls_offloads_active"), 0);
    ck_assert_int_eq(tally_figure(&s, "tls_handshakes_total"), 4);
    ck_assert_int_eq(tally_figure(&s, "tls_failed_total"), 0);
    stop();
}
END_TEST

#define EC_AES "ECDHE-ECDSA-AES128-GCM-SHA256"
#define EC_CHACHA "ECDHE-ECDSA-CHACHA20-POLY1305"
#define RSA_AES "ECDHE-RSA-AES128-GCM-SHA256"
#define RSA_CHACHA "ECDHE-RSA-CHACHA20-POLY1305"

START_TEST(only_rsa_s_signatures)
{
    static const struct {
        int listener, max;
        const char *sigalgs, *ciphers, *kind;
        int is_offloaded;
    } cases[] = {
        {EC, 0, NULL, NULL, "EC", 0},
        {BOTH, 0, NULL, NULL, "EC", 0},
        {BOTH, 0x0303, NULL, NULL, "EC", 0},
        {BOTH, 0, "RSA-PSS+SHA256", NULL, "RSA", 1},
        {BOTH, 0x0303, "RSA-PSS+SHA256", NULL, "RSA", 1},
        /* our first, unless theirs is ChaCha20 */
        {BOTH, 0x0303, NULL, RSA_CHACHA ":" EC_AES, "RSA", 1},
        {BOTH, 0x0303, NULL, EC_CHACHA ":" RSA_AES, "EC", 0},
        {BOTH, 0x0303, NULL, RSA_CHACHA ":" EC_CHACHA, "EC", 0},
        {BOTH, 0x0303, NULL, EC_AES ":" RSA_CHACHA, "EC", 0},
        {BOTH, 0x0303, NULL, RSA_AES ":" EC_CHACHA, "RSA", 1},
    };
    int n = 0;

    start(SERVER(""));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct secure how = {.port = ports[cases[i].listener],
                             .sni = "a.test",
                             .max = cases[i].max,
                             .sigalgs = cases[i].sigalgs,
                             .ciphers = cases[i].ciphers,
                             .alpn = "http/1.1"};
        struct client c = secure_connect(&how);
        ck_assert_str_eq(how.kind, cases[i].kind);
        say_hello(&c);
        client_close(&c);
        n += cases[i].is_offloaded;
        ck_assert_int_eq(tally_figure(&s, "tls_offloads_total"), n);
    }
    stop();
}
END_TEST

START_TEST(many_at_once)
{
    const int n = server_is_sanitized() ? 12 : MANY;
    struct client c[MANY];

    start(SERVER(""));
    for (int i = 0; i < n; i++)
        c[i] = begin_tls(i % 2 ? RSA : EC);
    for (int i = 0; i < n; i++) {
        say_hello(&c[i]);
        client_close(&c[i]);
    }
    ck_assert_int_eq(tally_figure(&s, "tls_handshakes_total"), n);
    ck_assert_int_eq(tally_figure(&s, "tls_offloads_total"), n / 2);
    ck_assert_int_eq(tally_figure(&s, "tls_offloads_active"), 0);
    stop();
}
END_TEST

/* One that has no signature in common with the server is told so, and why is in
 * the log. */
START_TEST(one_that_cannot_be_is_refused)
{
    struct secure how = {
        .port = 0, .min = 0x0304, .sigalgs = "ECDSA+SHA256", .sni = "a.test"};
    struct client c;

    start(SERVER("log_level = debug\n"));
    how.port = ports[RSA];
    ck_assert(!secure_try(&how, &c));
    ck_assert_str_ne(how.why, "");
    wait_figure("tls_failed_total", 1);
    ck_assert(server_has_log(&s, "TLS handshake failed: no suitable"));
    stop();
}
END_TEST

/* ---- while it waits for the pool ------------------------------------------*/

/* A job has the pool's only thread until it is let go. */
static struct waiter
busy_pool(struct client *control)
{
    *control = wsock_open(&s, "/waits/ws");
    return waiter_ask(&s, &nobody, "job", "", 1);
}

static void
free_pool(struct waiter *w, struct client *control)
{
    waiter_go(w, control);
    client_take(&w->c, 0, 200, NULL);
    waiter_close(w);
    client_close(control);
}

START_TEST(others_are_served_meanwhile)
{
    struct client control, c, other;
    struct waiter w;

    start(SERVER(""));
    w = busy_pool(&control);
    c = begin_tls(RSA);
    client_puts(&c, HELLO);
    wait_figure("tls_offloads_active", 1);
    client_once(&s, HELLO, 200, "Hello, you!\n");
    other = begin_tls(EC);
    say_hello(&other);
    client_close(&other);
    ck_assert_int_eq(tally_figure(&s, "tls_offloads_total"), 0);
    free_pool(&w, &control);
    client_take(&c, 0, 200, "Hello, you!\n");
    client_close(&c);
    ck_assert_int_eq(tally_figure(&s, "tls_offloads_total"), 1);
    stop();
}
END_TEST

/* Half of the queue is for handshakes: the worker signs itself what is more. */
START_TEST(what_the_pool_has_no_room_for_is_signed_here)
{
    struct client control, waits, c;
    struct waiter w;

    start(SERVER("pool_queue = 2\n"));
    w = busy_pool(&control);
    waits = begin_tls(RSA);
    wait_figure("tls_offloads_active", 1);
    c = begin_tls(RSA);
    say_hello(&c);
    client_close(&c);
    ck_assert_int_eq(tally_figure(&s, "tls_offloads_total"), 0);
    ck_assert_int_eq(tally_figure(&s, "tls_offloads_active"), 1);
    free_pool(&w, &control);
    say_hello(&waits);
    client_close(&waits);
    ck_assert_int_eq(tally_figure(&s, "tls_offloads_total"), 1);
    stop();
}
END_TEST

/* Its time is over while it waits: nothing of it is left, and nobody signs. */
START_TEST(its_time_may_be_over)
{
    struct client control, c;
    struct waiter w;

    start(SERVER("handshake_timeout = 1s\n"));
    w = busy_pool(&control);
    c = begin_tls(RSA);
    wait_figure("tls_offloads_active", 1);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    wait_figure("tls_offloads_active", 0);
    wait_figure("tls_failed_total", 1);
    free_pool(&w, &control);
    ck_assert_int_eq(tally_figure(&s, "tls_offloads_total"), 0);
    stop();
}
END_TEST

/* A client that has gone is noticed when its signature is there. */
START_TEST(its_client_may_go)
{
    struct client control, c;
    struct waiter w;

    start(SERVER(""));
    w = busy_pool(&control);
    c = client_connect(ports[RSA]);
    client_close(&c);
    c = begin_tls(RSA);
    wait_figure("tls_offloads_active", 1);
    client_close(&c);
    free_pool(&w, &control);
    wait_figure("tls_offloads_active", 0);
    wait_figure("connections_active", 1); /* the one that asks */
    stop();
}
END_TEST

/* It is shown what was shown when it began, others what is shown now. */
START_TEST(a_reload_may_change_the_certificate)
{
    struct secure how = {.sni = "a.test"};
    struct client control, c, other;
    struct waiter w;
    char before[65];

    start(SERVER(""));
    how.port = ports[RSA];
    c = secure_connect(&how);
    snprintf(before, sizeof before, "%s", how.sha256);
    client_close(&c);
    w = busy_pool(&control);
    c = begin_tls(RSA);
    client_puts(&c, HELLO);
    wait_figure("tls_offloads_active", 1);
    pki_make(&s, &(struct pki){.file = "rsa", .names = "a.test", .is_rsa = 1});
    ck_assert_int_eq(server_reload(&s), 1);
    free_pool(&w, &control);
    client_take(&c, 0, 200, "Hello, you!\n");
    client_close(&c);
    other = secure_connect(&how);
    ck_assert_str_ne(how.sha256, before);
    say_hello(&other);
    client_close(&other);
    stop();
}
END_TEST

/* ---- while the pool is at it ----------------------------------------------*/

static struct sign *signs;

/* The server counts signatures; 0: it cannot. */
static int
start_counted(const char *ini)
{
    if (server_is_sanitized())
        return 0;
    signs = preload_share("T_SIGN", sizeof *signs);
    preload_begin("sign");
    start(ini);
    preload_end();
    return 1;
}

static void
wait_signing(int n)
{
    for (int i = 0; i < 1000 && atomic_load(&signs->n_waiting) != n; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    ck_assert_int_eq(atomic_load(&signs->n_waiting), n);
}

/* A client whose signature is being made, until let_go. */
static struct client
hold_one(void)
{
    struct client c;

    atomic_store(&signs->is_shut, 1);
    c = begin_tls(RSA);
    wait_signing(1);
    return c;
}

static void
let_go(void)
{
    atomic_store(&signs->is_shut, 0);
}

START_TEST(it_is_the_pool_that_signs)
{
    struct client c, other;

    if (!start_counted(SERVER("")))
        return;
    c = hold_one();
    client_puts(&c, HELLO);
    client_once(&s, HELLO, 200, "Hello, you!\n");
    other = begin_tls(EC);
    say_hello(&other);
    client_close(&other);
    ck_assert_int_eq(atomic_load(&signs->n_others), 1);
    ck_assert_int_eq(atomic_load(&signs->n_rsa), 0);
    let_go();
    client_take(&c, 0, 200, "Hello, you!\n");
    client_close(&c);
    ck_assert_int_eq(atomic_load(&signs->n_others), 1);
    ck_assert_int_eq(atomic_load(&signs->n_rsa), 1);
    ck_assert_int_ne(atomic_load(&signs->rsa_thread),
                     atomic_load(&signs->others_thread));
    stop();
}
END_TEST

/* The connection is gone, its session is given back when the pool is done. */
START_TEST(its_connection_may_end_before_it_does)
{
    struct client c;

    if (!start_counted(SERVER("handshake_timeout = 1s\n")))
        return;
    c = hold_one();
    ck_assert(client_is_closed(&c));
    client_close(&c);
    wait_figure("tls_failed_total", 1);
    wait_figure("connections_active", 1);
    ck_assert_int_eq(tally_figure(&s, "tls_offloads_active"), 1);
    let_go();
    wait_figure("tls_offloads_active", 0);
    ck_assert_int_eq(tally_figure(&s, "tls_offloads_total"), 1);
    stop();
}
END_TEST

START_TEST(a_stop_lets_it_be_served)
{
    struct client c;

    if (!start_counted(SERVER("")))
        return;
    c = hold_one();
    client_puts(&c, HELLO);
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopping");
    let_go();
    client_take(&c, 0, 200, "Hello, you!\n");
    client_close(&c);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

/* A stop that does not wait for the client waits for the pool. */
START_TEST(a_stop_may_cut_it_off)
{
    struct client c;

    if (!start_counted(SERVER("drain_timeout = 0\n")))
        return;
    c = hold_one();
    server_signal(&s, SIGTERM);
    ck_assert(client_is_closed(&c));
    let_go();
    client_close(&c);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

START_TEST(a_reload_may_drop_its_listener)
{
    struct client c;

    if (!start_counted(SERVER("")))
        return;
    c = hold_one();
    client_puts(&c, HELLO);
    server_write(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "metrics = /metrics\npool_threads = 1\n[plugin hello]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    let_go();
    client_take_last(&c);
    client_close(&c);
    stop();
}
END_TEST

UNIT_MAIN(tls_offload, each_version_and_what_follows, only_rsa_s_signatures,
          many_at_once, one_that_cannot_be_is_refused,
          others_are_served_meanwhile,
          what_the_pool_has_no_room_for_is_signed_here, its_time_may_be_over,
          its_client_may_go, a_reload_may_change_the_certificate,
          it_is_the_pool_that_signs, its_connection_may_end_before_it_does,
          a_stop_lets_it_be_served, a_stop_may_cut_it_off,
          a_reload_may_drop_its_listener)
