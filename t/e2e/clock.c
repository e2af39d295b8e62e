/* SPDX-License-Identifier: BSD-2-Clause */
/* clock.c - the plugin clock: streams that tick, and how they end.
 * tags: epoll asan tsan */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/sha256.h"
#include "t/lib/client.h"
#include "t/lib/module.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path, fields) "GET " path " HTTP/1.1\r\nHost: x\r\n" fields "\r\n"
#define EVENTS GET("/clock/events", "")
#define STREAMS "clock_streams{instance=\"clock\",route=\"events\"}"
/* The drain is longer than what a test waits for anything. */
#define SERVER(options)                                                        \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmetrics = /metrics\n"        \
    "drain_timeout = 10m\n[plugin clock]\n" options "\n"

static struct server s;

/* ---- a client that listens -----------------------------------------------*/

struct listener {
    struct client c;
    size_t at; /* what was looked at before */
};

struct tick {
    long long ms;
    long long missed;
};

static struct listener
listen_with(const char *request)
{
    struct listener l = {client_open(&s), 0};

    client_puts(&l.c, request);
    client_gather(&l.c, 1);
    return l;
}

/* The text from there on, once it has come. */
static const char *
wait_for(struct listener *l, const char *text)
{
    const char *hit;

    while (l->c.n < l->at || !(hit = strstr(l->c.buf + l->at, text)))
        client_gather(&l->c, l->c.n + 1);
    l->at = (size_t)(hit - l->c.buf) + strlen(text);
    return hit;
}

/* The next event, whose id and time are the same. */
static struct tick
next_tick(struct listener *l)
{
    const char *p = wait_for(l, "id: ");
    struct tick t = {0, 0};
    long long seconds, ms = 0;
    char day[40], expected[80];
    struct tm tm;
    time_t when;

    wait_for(l, "\n\n");
    ck_assert_int_ge(sscanf(p, "id: %lld.%3lld", &seconds, &ms), 1);
    t.ms = seconds * 1000 + ms;
    when = (time_t)seconds;
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", gmtime_r(&when, &tm));
    snprintf(expected, sizeof expected, "\ndata: {\"time\":\"%s", day);
    p = strchr(p, '\n');
    ck_assert_int_eq(strncmp(p, expected, strlen(expected)), 0);
    p += strcspn(p, ",}");
    (void)sscanf(p, ",\"missed\":%lld", &t.missed);
    return t;
}

static void
wait_streams(int n)
{
    tally_wait(&s, GET("/metrics", ""), STREAMS, n);
}

/* All of it has come, and the connection stays. */
static void
is_whole(struct listener *l)
{
    struct answer a = client_answer(&l->c, 0);

    ck_assert_int_eq(a.status, 200);
    ck_assert_int_eq(strncmp(a.body, "retry: 1000\n\n", 13), 0);
    ck_assert_str_eq(a.body + a.n - 2, "\n\n");
    answer_free(&a);
}

/* ---- streams -------------------------------------------------------------*/

START_TEST(two_clients_hear_every_tick)
{
    struct listener v[2];
    struct tick before[2];

    server_start(&s, SERVER("interval = 100ms"));
    for (int i = 0; i < 2; i++) {
        v[i] = listen_with(EVENTS);
        wait_for(&v[i], "Content-Type: text/event-stream\r\n");
        wait_for(&v[i], "retry: 1000\n\n");
        before[i] = next_tick(&v[i]);
        ck_assert_int_eq(before[i].missed, 0);
    }
    for (int i = 0; i < 20; i++) {
        struct tick t = next_tick(&v[i % 2]);
        ck_assert_int_eq(t.ms % 100, 0);
        ck_assert_int_eq(t.ms, before[i % 2].ms + 100 * (1 + t.missed));
        before[i % 2] = t;
    }
    wait_streams(2);
    client_close(&v[0].c);
    wait_streams(1); /* who leaves is noticed */
    next_tick(&v[1]);
    client_close(&v[1].c);
    wait_streams(0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(it_is_the_second_by_default)
{
    struct timespec now;
    struct listener l;
    struct tick t;

    server_start(&s, SERVER(""));
    l = listen_with(EVENTS);
    t = next_tick(&l);
    ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &now), 0);
    ck_assert_int_eq(t.ms % 1000, 0);
    ck_assert_int_le(t.ms, (long long)now.tv_sec * 1000);
    ck_assert_int_eq(next_tick(&l).ms % 1000, 0);
    client_close(&l.c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_head_has_no_body)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    for (int i = 0; i < 2; i++) {
        client_puts(&c, "HEAD /clock/events HTTP/1.1\r\nHost: x\r\n\r\n");
        client_take(&c, 1, 200, "");
    }
    client_expect(&c, "POST /clock/events HTTP/1.1\r\nHost: x\r\n\r\n", 405,
                  NULL);
    client_close(&c);
    wait_streams(0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(an_old_client_hears_it_too)
{
    struct listener l;

    if (transport_here()->is_h2) /* HTTP/1.0 */
        return;
    server_start(&s, SERVER("interval = 100ms"));
    l = listen_with("GET /clock/events HTTP/1.0\r\n\r\n");
    next_tick(&l);
    next_tick(&l);
    ck_assert_ptr_nonnull(strstr(l.c.buf, "Connection: close\r\n"));
    ck_assert_ptr_null(strstr(l.c.buf, "chunked"));
    ck_assert_ptr_nonnull(strstr(l.c.buf, "\r\n\r\nretry: 1000\n\nid: "));
    client_close(&l.c);
    wait_streams(0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The same hour, unless it is just over. */
static struct tick
this_hour(void)
{
    struct listener l = listen_with(EVENTS);
    struct tick t = next_tick(&l);

    client_close(&l.c);
    return t;
}

START_TEST(who_comes_again_hears_what_is_now)
{
    struct tick before, now;
    char request[200];
    struct listener l;

    server_start(&s, SERVER("interval = 1h"));
    do {
        before = this_hour();
        snprintf(request, sizeof request,
                 GET("/clock/events", "Last-Event-ID: %lld\r\n"),
                 before.ms / 1000);
        l = listen_with(request); /* it has heard that one */
        wait_for(&l, "retry: 1000\n\n");
        ck_assert_ptr_null(strstr(l.c.buf, "id: "));
        l.c.n = 0;
        ck_assert(client_is_quiet(&l.c, 50));
        client_close(&l.c);
        snprintf(request, sizeof request,
                 GET("/clock/events", "Last-Event-ID: %lld\r\n"),
                 before.ms / 1000 - 5 * 3600);
        l = listen_with(request);
        now = next_tick(&l); /* and here four are missing */
        client_close(&l.c);
    } while (now.ms != before.ms);
    ck_assert_int_eq(now.missed, 4);
    wait_streams(0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- how they end --------------------------------------------------------*/

/* A build that says "tick" where this one says "time". */
static void
build_another(void)
{
    size_t n;
    char *p = module_read(&s, "clock", &n);
    char *hit = memmem(p, n, "{\"time\":", 8);

    ck_assert_ptr_nonnull(hit);
    memcpy(hit + 2, "tick", 4);
    module_write(&s, "clock", p, n, 0755);
    free(p);
}

START_TEST(a_new_build_takes_them_over)
{
    struct listener l;

    server_start(&s, SERVER(""));
    l = listen_with(EVENTS);
    next_tick(&l);
    wait_streams(1);
    build_another();
    ck_assert_int_eq(server_reload(&s), 1);
    is_whole(&l);
    client_puts(&l.c, EVENTS); /* as its browser does */
    l.at = 0;
    wait_for(&l, "data: {\"tick\":");
    wait_streams(1);
    client_close(&l.c);
    wait_streams(0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_stops_ends_them)
{
    struct listener v[2];

    server_start(&s, SERVER("interval = 1h"));
    for (int i = 0; i < 2; i++) {
        v[i] = listen_with(EVENTS);
        next_tick(&v[i]);
    }
    server_signal(&s, SIGTERM);
    for (int i = 0; i < 2; i++) {
        is_whole(&v[i]);
        client_close(&v[i].c);
    }
    ck_assert_int_eq(server_wait(&s), 0); /* nothing was cut off */
}
END_TEST

/* ---- the page ------------------------------------------------------------*/

/* What stands between the two, as a policy names it. */
static const char *
hash_of(const char *text, const char *from, const char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    static char name[64];
    const char *begin = strstr(text, from), *end;
    uint8_t d[SHA256_LEN + 1] = {0};
    char *out = name;

    ck_assert_ptr_nonnull(begin);
    begin += strlen(from);
    end = strstr(begin, to);
    ck_assert_ptr_nonnull(end);
    sha256_of(begin, (size_t)(end - begin), d);
    out += sprintf(out, "'sha256-");
    for (int i = 0; i < SHA256_LEN; i += 3) {
        unsigned n = (unsigned)d[i] << 16 | (unsigned)d[i + 1] << 8 | d[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *out++ = digits[n >> shift & 63];
    }
    snprintf(out - 1, 3, "='");
    return name;
}

START_TEST(the_page_keeps_its_own_rules)
{
    struct client c;
    struct answer a;
    char rules[1000];

    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_puts(&c, GET("/clock", ""));
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    snprintf(rules, sizeof rules, "%s",
             answer_field(&a, "Content-Security-Policy", 0));
    unit_has(rules, hash_of(a.body, "<style>", "</style>"));
    unit_has(rules, hash_of(a.body, "<script>", "</script>"));
    answer_free(&a);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(clock, two_clients_hear_every_tick, it_is_the_second_by_default,
          a_head_has_no_body, an_old_client_hears_it_too,
          who_comes_again_hears_what_is_now, a_new_build_takes_them_over,
          what_stops_ends_them, the_page_keeps_its_own_rules)
