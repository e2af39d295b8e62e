/* SPDX-License-Identifier: BSD-2-Clause */
/* cache.c - the plugin cache in a server: one asks for many, whatever becomes
 * of it; workers that tell each other; memory; reloads.
 * tags: epoll asan tsan h2 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "t/lib/admin.h"
#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define MANY 100
#define ASK(method, path, more)                                                \
    method " " path " HTTP/1.1\r\nHost: x\r\n" more "\r\n"
#define GET(path, more) ASK("GET", path, more)
#define MINUTE "X-CC: max-age=60\r\n"

static struct server s;

/* ---- the server ----------------------------------------------------------*/

static const char *
ini(int workers, const char *options)
{
    static char text[1024];

    snprintf(text, sizeof text,
             "[server]\nlisten = 127.0.0.1:0\nworkers = %d\n"
             "metrics = /metrics\nadmin = $DIR/admin\n"
             "[plugin origin]\n[plugin cache]\n%s\n[plugin access-log]\n"
             "path = $DIR/access\n"
             "[scope cached]\nmatch = /o/*\nuse = cache, access-log\n",
             workers, options);
    return text;
}

static void
start(int workers, const char *options)
{
    server_start(&s, ini(workers, options));
}

static void
end(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
}

/* ---- answers -------------------------------------------------------------*/

/* The next answer: its text begins with this, and the cache has said that. */
static void
take(struct client *c, const char *outcome, const char *text)
{
    struct answer a = client_answer(c, 0);
    const char *said = a.status ? answer_field(&a, "X-Cache", 0) : NULL;

    ck_assert_msg(a.status == 200, "%d %s", a.status, a.head ? a.head : "");
    ck_assert_msg(said && strcmp(said, outcome) == 0, "%s, not %s: %s",
                  said ? said : "nothing", outcome, a.body);
    ck_assert_msg(strncmp(a.body, text, strlen(text)) == 0, "%s, not %s",
                  a.body, text);
    answer_free(&a);
}

static void
ask(struct client *c, const char *request, const char *outcome,
    const char *text)
{
    client_puts(c, request);
    take(c, outcome, text);
}

static void
nap(void)
{
    const struct timespec t = {0, 10000000};

    nanosleep(&t, NULL);
}

/* Until the handler says that of itself. */
static void
wait_for_runs(const char *text)
{
    struct client c = client_open(&s);

    for (int i = 0;; i++) {
        struct answer a;
        int is_so;

        client_puts(&c, GET("/gate/runs", ""));
        a = client_answer(&c, 0);
        is_so = strcmp(a.body, text) == 0;
        ck_assert_msg(i < 3000, "%s, not %s", a.body, text);
        answer_free(&a);
        if (is_so)
            break;
        nap();
    }
    client_close(&c);
}

static void
open_gate(void)
{
    client_once(&s, GET("/gate/open", ""), 200, "open");
}

static const char *
order_to(const char *instance, const char *name, const char *arg)
{
    static char out[4096];

    return admin_run(&s, 0,
                     (const char *const[4]){"command", instance, name, arg},
                     out, sizeof out);
}

static const char *
order(const char *name, const char *arg)
{
    return order_to("cache", name, arg);
}

/* How many lines of an order's answer have that. */
static int
count(const char *text, const char *what)
{
    int n = 0;

    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

/* ---- hits ----------------------------------------------------------------*/

START_TEST(what_is_stored_is_sent_as_it_was)
{
    struct client c;
    struct answer a;

    start(1, "");
    c = client_open(&s);
    client_puts(&c, GET("/o/a", MINUTE "X-ETag: \"1\"\r\nX-Size: 100000\r\n"));
    a = client_answer(&c, 0);
    ck_assert_uint_eq(a.n, 100005);
    ck_assert_str_eq(answer_field(&a, "Content-Length", 0), "100005");
    answer_free(&a);
    client_puts(&c, GET("/o/a", ""));
    a = client_answer(&c, 0);
    ck_assert_uint_eq(a.n, 100005);
    ck_assert_int_eq(strncmp(a.body, "run 1...", 8), 0);
    ck_assert_str_eq(answer_field(&a, "Content-Length", 0), "100005");
    ck_assert_str_eq(answer_field(&a, "Content-Type", 0), "text/plain");
    ck_assert_str_eq(answer_field(&a, "Cache-Control", 0), "max-age=60");
    ck_assert_str_eq(answer_field(&a, "ETag", 0), "\"1\"");
    ck_assert_ptr_nonnull(answer_field(&a, "Age", 0));
    ck_assert_ptr_nonnull(answer_field(&a, "Date", 0));
    answer_free(&a);
    client_puts(&c, ASK("HEAD", "/o/a", ""));
    a = client_answer(&c, 1);
    ck_assert_str_eq(answer_field(&a, "Content-Length", 0), "100005");
    ck_assert_str_eq(answer_field(&a, "X-Cache", 0), "HIT");
    answer_free(&a);
    client_puts(&c, GET("/o/a", "If-None-Match: \"1\"\r\n"));
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 304);
    ck_assert_uint_eq(a.n, 0);
    answer_free(&a);
    client_expect(&c, GET("/o/a", "Range: bytes=0-4\r\n"), 206, "run 1");
    client_expect(&c, GET("/gate/runs", ""), 200, "1 runs, 0 wait");
    client_close(&c);
    end();
}
END_TEST

START_TEST(what_is_written_piece_by_piece_is_stored_whole)
{
    struct client c;

    start(1, "");
    open_gate();
    c = client_open(&s);
    ask(&c, GET("/o/a", MINUTE "X-Do: midway\r\nX-Size: 50000\r\n"), "MISS",
        "run 1..");
    ask(&c, GET("/o/a", ""), "HIT", "run 1..");
    client_close(&c);
    end();
}
END_TEST

START_TEST(what_varies_is_stored_side_by_side)
{
    struct client c;

    start(1, "");
    c = client_open(&s);
    ask(&c, GET("/o/a", MINUTE "X-Vary: X-A\r\nX-A: 1\r\n"), "MISS", "run 1");
    ask(&c, GET("/o/a", MINUTE "X-Vary: X-A\r\nX-A: 2\r\n"), "MISS", "run 2");
    ask(&c, GET("/o/a", "X-A: 1\r\n"), "HIT", "run 1");
    ask(&c, GET("/o/a", "X-A: 2\r\n"), "HIT", "run 2");
    client_close(&c);
    end();
}
END_TEST

/* ---- one asks for many ---------------------------------------------------*/

/* n clients ask for the same; one of them holds at the gate. */
static void
ask_together(struct client *c, int n, const char *request)
{
    c[0] = client_open(&s);
    client_puts(&c[0], request);
    wait_for_runs("1 runs, 1 wait");
    for (int i = 1; i < n; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i], request);
    }
    client_wait_active(&s, n);
}

START_TEST(a_hundred_at_once_are_one_run)
{
    static struct client c[MANY];

    start(1, "wait = 60s");
    ask_together(c, MANY, GET("/o/a", MINUTE "X-Do: hold\r\n"));
    open_gate();
    take(&c[0], "MISS", "run 1");
    for (int i = 1; i < MANY; i++)
        take(&c[i], "HIT", "run 1");
    wait_for_runs("1 runs, 0 wait");
    for (int i = 0; i < MANY; i++)
        client_close(&c[i]);
    end();
}
END_TEST

START_TEST(what_cannot_be_stored_keeps_nobody_waiting)
{
    static struct client c[20];

    start(1, "wait = 60s");
    ask_together(c, 20, GET("/o/a", "X-CC: no-store\r\nX-Do: hold\r\n"));
    open_gate();
    take(&c[0], "MISS", "run 1");
    for (int i = 1; i < 20; i++)
        take(&c[i], "BYPASS", "run ");
    wait_for_runs("20 runs, 0 wait");
    for (int i = 0; i < 20; i++)
        client_close(&c[i]);
    end();
}
END_TEST

START_TEST(if_its_client_goes_midway_another_one_asks)
{
    static struct client c[5];

    start(1, "wait = 60s");
    ask_together(c, 5, GET("/o/a", MINUTE "X-Do: midway\r\nX-Size: 99\r\n"));
    client_close(&c[0]);
    wait_for_runs("2 runs, 1 wait");
    client_close(&c[1]); /* one of those that wait; or who asks */
    open_gate();
    for (int i = 2; i < 5; i++) {
        struct answer a = client_answer(&c[i], 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_uint_eq(a.n, 104);
        answer_free(&a);
        client_close(&c[i]);
    }
    end();
}
END_TEST

static void
fails(const char *request, int status)
{
    struct client c[2];

    start(1, "wait = 60s");
    ask_together(c, 2, request);
    open_gate();
    if (status) {
        client_take(&c[0], 0, status, NULL);
    } else {
        struct answer a = client_answer(&c[0], 0);
        ck_assert_int_eq(a.status, 0);
        answer_free(&a);
    }
    wait_for_runs("2 runs, 0 wait"); /* the other one has asked itself */
    client_close(&c[0]);
    client_close(&c[1]);
    end();
}

START_TEST(if_it_fails_another_one_asks)
{
    fails(GET("/o/a", MINUTE "X-Do: fail\r\n"), 500);
    fails(GET("/o/a", MINUTE "X-Do: drop\r\n"), 0);
}
END_TEST

START_TEST(what_is_cut_off_is_not_stored)
{
    struct client c;

    start(1, "");
    c = client_open(&s);
    client_puts(&c, GET("/o/a", MINUTE "X-Do: cut\r\nX-Size: 1000\r\n"));
    client_read_all(&c);
    client_close(&c);
    c = client_open(&s);
    ask(&c, GET("/o/a", MINUTE), "MISS", "run 2");
    ask(&c, GET("/o/a", MINUTE), "HIT", "run 2");
    client_close(&c);
    end();
}
END_TEST

/* ---- stale ---------------------------------------------------------------*/

#define STALE                                                                  \
    "X-CC: max-age=0, stale-while-revalidate=60, stale-if-error=60\r\n"

/* A request until it is answered so, which it is not yet. */
static void
ask_until(struct client *c, const char *request, const char *outcome,
          const char *text)
{
    for (int i = 0;; i++) {
        struct answer a;
        const char *said;
        int is_so;

        client_puts(c, request);
        a = client_answer(c, 0);
        said = a.status ? answer_field(&a, "X-Cache", 0) : NULL;
        is_so = said && strcmp(said, outcome) == 0;
        ck_assert_msg(i < 3000 && said, "%s, not %s", said ? said : "nothing",
                      outcome);
        ck_assert_msg(!is_so || strncmp(a.body, text, strlen(text)) == 0,
                      "%s, not %s", a.body, text);
        answer_free(&a);
        if (is_so)
            return;
        nap();
    }
}

START_TEST(everybody_gets_what_is_stale_while_it_is_asked_for)
{
    struct client c;

    start(1, "");
    open_gate();
    c = client_open(&s);
    ask(&c, GET("/o/a", STALE), "MISS", "run 1");
    client_expect(&c, GET("/gate/shut", ""), 200, "shut");
    ask(&c, GET("/o/a", MINUTE "X-Do: hold\r\n"), "STALE", "run 1");
    wait_for_runs("2 runs, 1 wait");
    ask(&c, GET("/o/a", STALE), "STALE", "run 1");
    ask(&c, GET("/o/a", STALE), "STALE", "run 1");
    open_gate();
    ask_until(&c, GET("/o/a", STALE), "HIT", "run 2");
    client_expect(&c, GET("/gate/runs", ""), 200, "2 runs, 0 wait");
    client_close(&c);
    end();
}
END_TEST

START_TEST(and_who_found_it_so_may_have_gone)
{
    struct client c, d;

    start(1, "");
    open_gate();
    c = client_open(&s);
    d = client_open(&s);
    ask(&c, GET("/o/a", STALE), "MISS", "run 1");
    client_expect(&c, GET("/gate/shut", ""), 200, "shut");
    ask(&d, GET("/o/a", MINUTE "X-Do: midway\r\nX-Size: 99\r\n"), "STALE",
        "run 1");
    client_close(&d);
    wait_for_runs("2 runs, 1 wait");
    open_gate();
    ask_until(&c, GET("/o/a", STALE), "HIT", "run 2.");
    client_close(&c);
    end();
}
END_TEST

/* Two of one chain, the outer one's for the inner one as any other request. */
START_TEST(a_cache_behind_a_cache)
{
    struct client c;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "[plugin origin]\n[plugin cache]\n"
                     "[plugin inner]\nmodule = cache\nheader = X-Inner\n"
                     "[scope cached]\nmatch = /o/*\nuse = cache, inner\n");
    open_gate();
    c = client_open(&s);
    ask(&c, GET("/o/a", STALE), "MISS", "run 1");
    /* both are asked anew, and each brings the other what it gets */
    ask(&c, GET("/o/a", MINUTE), "STALE", "run 1");
    ask_until(&c, GET("/o/a", MINUTE), "HIT", "run 2");
    client_close(&c);
    end();
}
END_TEST

START_TEST(what_is_asked_for_anew_goes_on_over_a_reload)
{
    struct client c;

    start(1, "");
    open_gate();
    c = client_open(&s);
    ask(&c, GET("/o/a", STALE), "MISS", "run 1");
    client_expect(&c, GET("/gate/shut", ""), 200, "shut");
    ask(&c, GET("/o/a", MINUTE "X-Do: hold\r\n"), "STALE", "run 1");
    wait_for_runs("2 runs, 1 wait");
    ck_assert_int_eq(server_reload(&s), 1);
    ask(&c, GET("/o/a", MINUTE), "STALE", "run 1");
    open_gate();
    ask_until(&c, GET("/o/a", MINUTE), "HIT", "run 2");
    client_close(&c);
    end();
}
END_TEST

START_TEST(what_is_stale_is_served_instead_of_an_error)
{
    struct client c;

    start(1, "client = honour");
    open_gate();
    c = client_open(&s);
    ask(&c, GET("/o/a", MINUTE), "MISS", "run 1");
    ask(&c, GET("/o/a", "Cache-Control: no-cache\r\nX-Do: fail\r\n"), "STALE",
        "run 1");
    client_expect(&c, GET("/gate/runs", ""), 200, "2 runs, 0 wait");
    client_close(&c);
    end();
}
END_TEST

/* ---- workers -------------------------------------------------------------*/

/* Ask on new connections until both workers have it. */
static void
fill_both(void)
{
    for (int i = 0;; i++) {
        struct client c = client_open(&s);

        ck_assert_int_lt(i, 1000);
        client_puts(&c, GET("/o/a", MINUTE));
        client_take(&c, 0, 200, NULL);
        client_close(&c);
        if (count(order("stats", NULL), "entries 1\n") == 2)
            return;
    }
}

START_TEST(a_purge_is_for_all_workers)
{
    const char *said;

    start(2, "");
    fill_both();
    said = order("purge", "/elsewhere/*");
    ck_assert_msg(count(said, "0 forgotten") == 2, "%s", said);
    ck_assert_int_eq(count(order("stats", NULL), "entries 1\n"), 2);
    said = order("purge", "x/o/*");
    ck_assert_msg(count(said, "1 forgotten") == 2, "%s", said);
    ck_assert_int_eq(count(order("stats", NULL), "entries 0\n"), 2);
    end();
}
END_TEST

START_TEST(a_purge_of_nothing_says_what_is_missing)
{
    static const char *const args[] = {NULL, "a"};
    char out[4096];

    start(1, "");
    for (int i = 0; i < 2; i++) {
        admin_run(&s, 1,
                  (const char *const[4]){"command", "cache", "purge", args[i]},
                  out, sizeof out);
        ck_assert_msg(strstr(out, "failed (-4): purge what?") != NULL, "%s",
                      out);
    }
    end();
}
END_TEST

START_TEST(what_is_changed_is_forgotten_by_all_workers)
{
    start(2, "");
    fill_both();
    client_once(&s, ASK("POST", "/o/a", "Content-Length: 0\r\n"), 200,
                "changed");
    for (int i = 0; count(order("stats", NULL), "entries 0\n") != 2; i++) {
        ck_assert_int_lt(i, 500);
        nap();
    }
    end();
}
END_TEST

START_TEST(and_by_other_caches_of_the_section)
{
    struct client c;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "admin = $DIR/admin\n[plugin origin]\n[plugin cache]\n"
                     "[route get]\nmatch = GET /p/*rest\nuse = cache\n"
                     "handler = origin:answer\ncache.ttl = 60s\n"
                     "[route post]\nmatch = POST /p/*rest\nuse = cache\n"
                     "handler = origin:change\n");
    c = client_open(&s);
    ask(&c, GET("/p/a", ""), "MISS", "run 1");
    ask(&c, GET("/p/a", ""), "HIT", "run 1");
    ck_assert_int_eq(count(order_to("cache@get", "stats", NULL), "entries 1\n"),
                     1);
    client_expect(&c, ASK("POST", "/p/a", "Content-Length: 0\r\n"), 200,
                  "changed");
    for (int i = 0; strstr(order_to("cache@get", "stats", NULL), "entries 1\n");
         i++) {
        ck_assert_int_lt(i, 500);
        nap();
    }
    ask(&c, GET("/p/a", ""), "MISS", "run 2");
    client_close(&c);
    end();
}
END_TEST

#define WHOLE "http://x/o/a"

/* A target in absolute-form names what one in origin-form names, whatever Host
 * says; what its handler answers is for its client only. */
START_TEST(an_address_is_the_same_in_either_form)
{
    struct client c;

    if (transport_here()->is_h2)
        return; /* it has no such form */
    start(1, "");
    c = client_open(&s);
    ask(&c, GET("/o/a", MINUTE), "MISS", "run 1");
    ask(&c, GET(WHOLE, ""), "HIT", "run 1");
    ask(&c, "GET " WHOLE " HTTP/1.1\r\nHost: y\r\n\r\n", "HIT", "run 1");
    client_expect(&c, ASK("POST", WHOLE, "Content-Length: 0\r\n"), 200,
                  "changed");
    ask(&c, GET(WHOLE, MINUTE), "MISS", "run 2");
    ask(&c, GET("/o/a", MINUTE), "MISS", "run 3");
    ask(&c, GET("/o/a", ""), "HIT", "run 3");
    client_expect(&c, ASK("POST", "/o/a", "Content-Length: 0\r\n"), 200,
                  "changed");
    ask(&c, GET(WHOLE, MINUTE), "MISS", "run 4");
    client_close(&c);
    end();
}
END_TEST

#define OF(host, more) "GET /o/a HTTP/1.1\r\nHost: " host "\r\n" more "\r\n"

/* An answer may have Host in every link. */
START_TEST(a_host_that_others_do_not_write_brings_nothing)
{
    struct client c;

    start(1, "");
    c = client_open(&s);
    ask(&c, OF("x.", MINUTE), "MISS", "run 1");
    ask(&c, OF("x:", MINUTE), "MISS", "run 2");
    ask(&c, OF("x", MINUTE), "MISS", "run 3");
    ask(&c, OF("X", ""), "HIT", "run 3");
    ask(&c, OF("x.", ""), "HIT", "run 3");
    ask(&c, OF("x.:80", MINUTE), "MISS", "run 4");
    ask(&c, OF("x:80", MINUTE), "MISS", "run 5");
    ask(&c, OF("x.:80", ""), "HIT", "run 5");
    ask(&c, OF("[::1]:80", MINUTE), "MISS", "run 6");
    ask(&c, OF("[::1]:80", ""), "HIT", "run 6");
    client_close(&c);
    end();
}
END_TEST

/* ---- memory --------------------------------------------------------------*/

static unsigned long
bytes_stored(void)
{
    const char *said = order("stats", NULL), *at = strstr(said, "bytes ");

    ck_assert_msg(at != NULL, "%s", said);
    return strtoul(at + 6, NULL, 10);
}

START_TEST(a_flood_of_keys_stays_within_its_memory)
{
    struct client c;

    start(1, "memory = 256k\nmax_object = 16k");
    c = client_open(&s);
    for (int i = 0; i < 600; i++) {
        char request[128];

        snprintf(request, sizeof request,
                 "GET /o/%d HTTP/1.1\r\nHost: x\r\n" MINUTE
                 "X-Size: 4000\r\n\r\n",
                 i);
        client_puts(&c, request);
        client_take(&c, 0, 200, NULL);
    }
    client_close(&c);
    ck_assert_uint_le(bytes_stored(), 262144);
    ck_assert_uint_gt(bytes_stored(), 131072);
    end();
}
END_TEST

START_TEST(what_is_forgotten_while_it_is_sent_is_sent_to_its_end)
{
    struct client c, d;
    struct answer a;

    start(1, "memory = 64m\nmax_object = 16m");
    d = client_open(&s);
    client_puts(&d, GET("/o/a", MINUTE "X-Size: 9000000\r\n"));
    client_take(&d, 0, 200, NULL);
    c = client_open(&s);
    client_puts(&c, GET("/o/a", ""));
    client_gather(&c, 1000);
    ck_assert_ptr_nonnull(strstr(order("purge", "all"), "1 forgotten"));
    client_puts(&d, GET("/o/b", MINUTE "X-Size: 9000000\r\n"));
    client_take(&d, 0, 200, NULL);
    a = client_answer(&c, 0);
    ck_assert_uint_eq(a.n, 9000005);
    ck_assert_int_eq(strncmp(a.body, "run 1.", 6), 0);
    for (size_t i = 5; i < a.n; i++)
        UNIT_HOLDS(a.body[i] == '.');
    answer_free(&a);
    client_close(&c);
    client_close(&d);
    end();
}
END_TEST

/* ---- figures -------------------------------------------------------------*/

/* Until /metrics has that line. */
static void
wait_for_figure(const char *line)
{
    char part[256];

    snprintf(part, sizeof part, "\n%s\n", line);
    for (int i = 0;; i++) {
        struct client c = client_open(&s);
        struct answer a;
        int is_so;

        client_puts(&c, GET("/metrics", "Connection: close\r\n"));
        a = client_answer(&c, 0);
        is_so = strstr(a.body, part) != NULL;
        ck_assert_msg(i < 500 || is_so, "no %s in\n%s", line, a.body);
        answer_free(&a);
        client_close(&c);
        if (is_so)
            break;
        nap();
    }
}

#define ENTRIES "cache_entries{instance=\"cache\"} "

START_TEST(what_is_stored_is_counted_for_the_instance)
{
    struct client c;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "metrics = /metrics\n[plugin origin]\n[plugin cache]\n"
                     "[route get]\nmatch = GET /p/*rest\nuse = cache\n"
                     "handler = origin:answer\n"
                     "[route post]\nmatch = POST /p/*rest\nuse = cache\n"
                     "handler = origin:change\n");
    c = client_open(&s);
    ask(&c, GET("/p/a", MINUTE), "MISS", "run 1");
    ask(&c, GET("/p/b", MINUTE), "MISS", "run 2");
    wait_for_figure(ENTRIES "2");
    client_expect(&c, ASK("POST", "/p/a", "Content-Length: 0\r\n"), 200,
                  "changed");
    wait_for_figure(ENTRIES "1");
    client_close(&c);
    end();
}
END_TEST

/* What the old state has had is not of the new one. */
START_TEST(what_is_stored_is_counted_anew_by_a_new_state)
{
    struct client c;

    start(1, "");
    c = client_open(&s);
    ask(&c, GET("/o/a", MINUTE), "MISS", "run 1");
    ask(&c, GET("/o/b", MINUTE), "MISS", "run 2");
    wait_for_figure(ENTRIES "2");
    server_write(&s, ini(1, "memory = 32m"));
    ck_assert_int_eq(server_reload(&s), 1);
    ask(&c, GET("/o/a", MINUTE), "MISS", "run 3");
    wait_for_figure(ENTRIES "1");
    client_close(&c);
    end();
}
END_TEST

/* ---- reloads -------------------------------------------------------------*/

START_TEST(a_reload_keeps_what_is_stored_until_its_options_change)
{
    struct client c;

    start(1, "");
    c = client_open(&s);
    ask(&c, GET("/o/a", MINUTE), "MISS", "run 1");
    ck_assert_int_eq(server_reload(&s), 1);
    ask(&c, GET("/o/a", MINUTE), "HIT", "run 1");
    server_write(&s, ini(1, "memory = 32m"));
    ck_assert_int_eq(server_reload(&s), 1);
    ask(&c, GET("/o/a", MINUTE), "MISS", "run 2");
    client_close(&c);
    end();
}
END_TEST

START_TEST(who_waits_when_it_is_reloaded_is_answered)
{
    static struct client c[4];

    start(1, "wait = 60s");
    ask_together(c, 4, GET("/o/a", MINUTE "X-Do: hold\r\n"));
    server_write(&s, ini(1, "wait = 50s"));
    ck_assert_int_eq(server_reload(&s), 1);
    open_gate();
    take(&c[0], "MISS", "run 1");
    for (int i = 1; i < 4; i++)
        take(&c[i], "HIT", "run 1");
    for (int i = 0; i < 4; i++)
        client_close(&c[i]);
    end();
}
END_TEST

UNIT_MAIN(cache, what_is_stored_is_sent_as_it_was,
          what_is_written_piece_by_piece_is_stored_whole,
          what_varies_is_stored_side_by_side, a_hundred_at_once_are_one_run,
          what_cannot_be_stored_keeps_nobody_waiting,
          if_its_client_goes_midway_another_one_asks,
          if_it_fails_another_one_asks, what_is_cut_off_is_not_stored,
          everybody_gets_what_is_stale_while_it_is_asked_for,
          and_who_found_it_so_may_have_gone, a_cache_behind_a_cache,
          what_is_asked_for_anew_goes_on_over_a_reload,
          what_is_stale_is_served_instead_of_an_error,
          what_is_stored_is_counted_for_the_instance,
          what_is_stored_is_counted_anew_by_a_new_state,
          a_purge_is_for_all_workers, a_purge_of_nothing_says_what_is_missing,
          what_is_changed_is_forgotten_by_all_workers,
          and_by_other_caches_of_the_section,
          an_address_is_the_same_in_either_form,
          a_host_that_others_do_not_write_brings_nothing,
          a_flood_of_keys_stays_within_its_memory,
          what_is_forgotten_while_it_is_sent_is_sent_to_its_end,
          a_reload_keeps_what_is_stored_until_its_options_change,
          who_waits_when_it_is_reloaded_is_answered)
