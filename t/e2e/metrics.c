/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.c - what `metrics = /path` answers: the format, the server's own
 * figures, those of plugins by instance and route, over reloads, under load.
 * tags: epoll tsan */
#define UNIT_SECONDS 60
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "t/lib/client.h"
#include "t/lib/module.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nmetrics = /metrics\n"
#define GATE "[plugin gate]\nmodule = meter\nmount = /gate\n"
#define METER "[plugin meter]\nuse = gate\n"

/* ---- scraping ------------------------------------------------------------*/

static int
is_name_byte(char c, int first)
{
    return (c >= 'a' && c <= 'z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

/* One line of figures: name, labels, a number.  Its family is what the last
 * TYPE said, but for the ending of a histogram's. */
static void
check_sample(const char *line, const char *family)
{
    const char *p = line;
    size_t n = strlen(family);
    char *end;

    while (is_name_byte(*p, p == line))
        p++;
    ck_assert_msg((size_t)(p - line) >= n && strncmp(line, family, n) == 0,
                  "%s after TYPE %s", line, family);
    if (*p == '{') {
        p = strstr(p, "} ");
        ck_assert_msg(p != NULL, "%s", line);
        p++;
    }
    ck_assert_msg(*p == ' ', "%s", line);
    (void)strtoll(p + 1, &end, 10);
    ck_assert_msg(end > p + 1 && *end == '\0', "%s", line);
}

/* The text is what a strict reader takes: HELP and TYPE once for each family,
 * its samples directly behind. */
static void
check_format(const char *text)
{
    char family[128] = "", helped[128] = "", seen[128][128];
    size_t n_seen = 0, n = strlen(text);
    char *copy = strdup(text), *line, *rest = copy;

    ck_assert(n > 0 && text[n - 1] == '\n');
    while ((line = strsep(&rest, "\n")) && rest) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            ck_assert_int_eq(sscanf(line + 7, "%127s", helped), 1);
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            char kind[16];
            ck_assert_int_eq(sscanf(line + 7, "%127s %15s", family, kind), 2);
            ck_assert_str_eq(family, helped);
            ck_assert(!strcmp(kind, "counter") || !strcmp(kind, "gauge") ||
                      !strcmp(kind, "histogram"));
            for (size_t i = 0; i < n_seen; i++)
                ck_assert_str_ne(seen[i], family);
            ck_assert_uint_lt(n_seen, 128);
            memcpy(seen[n_seen++], family, sizeof family);
        } else {
            check_sample(line, family);
        }
    }
    free(copy);
}

static struct answer
scrape_on(struct client *c)
{
    struct answer a;

    client_puts(c, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    a = client_answer(c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_field(&a, "Content-Type", 0),
                     "text/plain; version=0.0.4; charset=utf-8");
    check_format(a.body);
    return a;
}

/* The number behind a line's beginning, or -1. */
static long long
figure_in(const char *text, const char *what)
{
    char line[256];
    const char *at;

    snprintf(line, sizeof line, "\n%s ", what);
    at = strstr(text, line);
    return at ? strtoll(at + strlen(line), NULL, 10) : -1;
}

static long long
figure(const struct server *s, const char *what)
{
    struct client c = client_open(s);
    struct answer a = scrape_on(&c);
    long long n = figure_in(a.body, what);

    answer_free(&a);
    client_close(&c);
    return n;
}

static void
is(const struct server *s, const char *what, long long wanted)
{
    long long n = figure(s, what);

    ck_assert_msg(n == wanted, "%s is %lld, not %lld", what, n, wanted);
}

static void
get(const struct server *s, const char *path, int status)
{
    char request[256];

    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n",
             path);
    client_once(s, request, status, NULL);
}

/* ---- the path ------------------------------------------------------------*/

START_TEST(it_is_off_unless_it_is_asked_for)
{
    struct server s;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n");
    get(&s, "/metrics", 404);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(it_answers_in_front_of_every_chain)
{
    struct server s;
    struct client c;
    struct answer a;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nmetrics = /m/figures\n"
                     "use = deny\n[plugin deny]\n");
    get(&s, "/else", 401);
    get(&s, "/m/figures", 200);
    c = client_open(&s);
    client_puts(&c, "HEAD /m/figures HTTP/1.1\r\nHost: x\r\n\r\n");
    a = client_answer(&c, 1);
    ck_assert_int_eq(a.status, 200);
    ck_assert_ptr_null(answer_field(&a, "X-Denier", 0));
    answer_free(&a);
    client_puts(&c, "GET /m/figures HTTP/1.1\r\nHost: x\r\n\r\n");
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    answer_free(&a);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(the_servers_own_figures_are_those_of_all_workers)
{
    struct server s;

    if (transport_here()->is_h2) /* bad heads of HTTP/1 are counted */
        return;
    server_start(&s, SERVER "[plugin hello]\n");
    for (int i = 0; i < 10; i++)
        get(&s, "/hello/you", 200);
    get(&s, "/nothing", 404);
    client_once(&s, "GET / HTTP/1.1\r\n\r\n", 400, NULL);
    is(&s, "etude_requests_total", 12); /* this one's head is complete */
    is(&s, "etude_responses_2xx_total", 11);
    is(&s, "etude_responses_4xx_total", 2);
    is(&s, "etude_requests_bad_total", 1);
    ck_assert_int_ge(figure(&s, "etude_connections_active"), 1);
    ck_assert_int_gt(figure(&s, "etude_bytes_in_total"), 400);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- plugins -------------------------------------------------------------*/

START_TEST(a_plugins_figures_have_its_instance_and_route)
{
    struct server s;

    server_start(&s, SERVER GATE METER
                 "[route other]\nmatch = GET /other/:n\nuse = gate\n"
                 "handler = meter:take\n");
    for (int i = 0; i < 4; i++) { /* both workers */
        get(&s, "/take/5", 200);
        get(&s, "/take/100", 200);
        get(&s, "/other/5000", 200);
        get(&s, "/gate/take/1", 200);
    }
    get(&s, "/odd", 200);
    is(&s, "meter_taken_bytes_total{instance=\"meter\",route=\"take\"}", 420);
    is(&s, "meter_taken_bytes_total{instance=\"meter\",route=\"other\"}",
       20000);
    is(&s, "meter_taken_bytes_total{instance=\"gate\",route=\"take\"}", 4);
    is(&s, "meter_taken_bytes_total{instance=\"meter\",route=\"odd\"}", 0);
    is(&s, "meter_passed_total{instance=\"gate\",route=\"take\"}", 8);
    is(&s, "meter_passed_total{instance=\"gate\",route=\"other\"}", 4);
    is(&s, "meter_inside{instance=\"gate\",route=\"take\"}", 0);
#define SIZE "meter_size_bytes"
#define TAKE "{instance=\"meter\",route=\"take\""
    is(&s, SIZE "_bucket" TAKE ",le=\"10\"}", 4);
    is(&s, SIZE "_bucket" TAKE ",le=\"100\"}", 8);
    is(&s, SIZE "_bucket" TAKE ",le=\"1000\"}", 8);
    is(&s, SIZE "_bucket" TAKE ",le=\"+Inf\"}", 8);
    is(&s, SIZE "_sum" TAKE "}", 420);
    is(&s, SIZE "_count" TAKE "}", 8);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Each route has its own, and of each worker. */
START_TEST(a_gauge_is_set_for_one_route_and_worker)
{
    static const char take[] = "meter_level{instance=\"meter\",route=\"take\"}";
    static const char other[] =
        "meter_level{instance=\"meter\",route=\"other\"}";
    struct server s;
    struct client c[8];

    server_start(&s, SERVER "[plugin meter]\n"
                            "[route other]\nmatch = GET /other/:n\n"
                            "handler = meter:take\n");
    for (int i = 0; i < 8; i++) /* of both workers */
        c[i] = client_open(&s);
    client_expect(&c[0], "GET /take/5 HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    client_expect(&c[0], "GET /take/7 HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    client_expect(&c[0], "GET /other/9 HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    is(&s, take, 7);
    is(&s, other, 9);
    for (int i = 0; i < 8; i++)
        client_expect(&c[i], "GET /take/1 HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                      NULL);
    is(&s, take, 2);
    is(&s, other, 9);
    for (int i = 0; i < 8; i++)
        client_close(&c[i]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(middleware_counts_on_paths_nobody_serves)
{
    struct server s;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nmetrics = /metrics\n"
                     "use = gate\n" GATE);
    get(&s, "/nothing", 404);
    is(&s, "meter_passed_total{instance=\"gate\",route=\"\"}", 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- reloads -------------------------------------------------------------*/

#define TAKEN "meter_taken_bytes_total{instance=\"meter\",route=\"take\"}"
#define LEVEL "meter_level{instance=\"meter\",route=\"take\"}"

START_TEST(totals_go_on_over_a_reload)
{
    struct server s;

    server_start(&s, SERVER GATE METER);
    get(&s, "/take/7", 200);
    is(&s, TAKEN, 7);
    is(&s, LEVEL, 7);
    ck_assert_int_eq(server_reload(&s), 1);
    is(&s, LEVEL, 7); /* still the same place */
    get(&s, "/take/7", 200);
    is(&s, TAKEN, 14);
    server_write(&s, SERVER "[plugin hello]\n"); /* gone ... */
    ck_assert_int_eq(server_reload(&s), 1);
    get(&s, "/take/7", 404);
    is(&s, TAKEN, 14);
    server_write(&s, SERVER GATE METER); /* ... and back */
    ck_assert_int_eq(server_reload(&s), 1);
    get(&s, "/take/1", 200);
    is(&s, TAKEN, 15);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_new_build_may_have_other_bounds_but_no_other_kind)
{
    struct server s;

    server_start(&s, SERVER GATE METER);
    get(&s, "/take/7", 200);
    is(&s, SIZE "_count" TAKE "}", 1);
    server_write(&s, SERVER "[plugin meter]\nmodule = meter_kind\n");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert(server_has_log(&s, "metric meter_level is a histogram, but has "
                                 "been a gauge since the server was started"));
    is(&s, SIZE "_count" TAKE "}", 1);
    server_write(&s, SERVER "[plugin meter]\nmodule = meter_bounds\n");
    ck_assert_int_eq(server_reload(&s), 1);
    get(&s, "/take/70", 200);
    is(&s, SIZE "_bucket" TAKE ",le=\"50\"}", 0);
    is(&s, SIZE "_bucket" TAKE ",le=\"500\"}", 1);
    is(&s, SIZE "_bucket" TAKE ",le=\"1000\"}", -1);
    is(&s, SIZE "_count" TAKE "}", 1);
    is(&s, TAKEN, 77);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(reloads_and_images_are_counted)
{
    struct server s;

    server_start(&s, SERVER "[plugin linger]\ntrail = $DIR/trail\n");
    is(&s, "etude_generation", 1);
    for (int i = 1; i <= 3; i++) {
        module_stamp(&s, "linger", i);
        ck_assert_int_eq(server_reload(&s), 1);
        is(&s, "etude_reloads_total", i);
        is(&s, "etude_generation", i + 1);
    }
    is(&s, "etude_images_mapped", 4);
    is(&s, "etude_images_retired", 3);
    server_write(&s, SERVER "[plugin lingers]\n");
    for (int i = 1; i <= 2; i++) {
        ck_assert_int_eq(server_reload(&s), 0);
        is(&s, "etude_reloads_failed_total", i);
    }
    is(&s, "etude_reloads_total", 3);
    is(&s, "etude_generation", 4);
    is(&s, "etude_generations_active", 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The label of etude_config_info. */
static const char *
hash(const struct server *s)
{
    static const char line[] = "\netude_config_info{hash=\"";
    static char found[2][17];
    static int i;
    struct client c = client_open(s);
    struct answer a = scrape_on(&c);
    const char *at = strstr(a.body, line);

    i = !i;
    ck_assert_ptr_nonnull(at);
    snprintf(found[i], sizeof found[i], "%s", at + strlen(line));
    ck_assert_uint_eq(strspn(found[i], "0123456789abcdef"), 16);
    ck_assert_int_eq(strncmp(at + strlen(line) + 16, "\"} 1\n", 5), 0);
    answer_free(&a);
    client_close(&c);
    return found[i];
}

/* After a reload that is taken; it differs from before. */
static const char *
next_hash(struct server *s, const char *before)
{
    ck_assert_int_eq(server_reload(s), 1);
    ck_assert_str_ne(hash(s), before);
    return hash(s);
}

START_TEST(the_configuration_has_a_hash_by_what_is_in_its_files)
{
    struct server s;
    char first[17], now[17];

    server_prepare(&s, SERVER "[plugin stamp]\n");
    server_file(&s, "key", "one");
    module_stamp(&s, "stamp", 1);
    server_serve(&s);
    strcpy(first, hash(&s));
    module_stamp(&s, "stamp", 1); /* other files of the same bytes */
    server_write(&s, SERVER "[plugin stamp]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_str_eq(hash(&s), first);
    module_stamp(&s, "stamp", 2);
    strcpy(now, next_hash(&s, first));
    server_write(&s, SERVER "[plugin lingers]\n");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert_str_eq(hash(&s), now); /* what serves, not what was wanted */
    server_write(&s, SERVER "; a remark\n[plugin stamp]\n");
    strcpy(now, next_hash(&s, now));
    server_write(&s, SERVER "[plugin stamp]\n[plugin respond]\n"
                            "body = ${file:$DIR/key}\n");
    strcpy(now, next_hash(&s, now));
    server_file(&s, "key", "two");
    strcpy(now, next_hash(&s, now));
    server_write(&s, SERVER "[plugin stamp]\n");
    module_stamp(&s, "stamp", 1);
    strcpy(now, next_hash(&s, now));
    ck_assert_str_eq(now, first);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- load ----------------------------------------------------------------*/

#define N_CLIENTS 4
#define N_REQUESTS 300

static void *
hammer(void *arg)
{
    struct client c = client_open(arg);

    for (int i = 0; i < N_REQUESTS; i++)
        client_expect(&c, "GET /take/2 HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                      "2\n");
    client_close(&c);
    return NULL;
}

static atomic_int is_over;

static void *
watch(void *arg)
{
    struct client c = client_open(arg);
    long long taken = 0, requests = 0, count = 0;

    while (!atomic_load(&is_over)) {
        struct answer a = scrape_on(&c);
        long long t = figure_in(a.body, TAKEN);
        long long r = figure_in(a.body, "etude_requests_total");
        long long n = figure_in(a.body, SIZE "_count" TAKE "}");
        ck_assert(t >= taken && r > requests && n >= count);
        taken = t;
        requests = r;
        count = n;
        answer_free(&a);
    }
    client_close(&c);
    return NULL;
}

START_TEST(no_total_goes_backwards_under_load_and_reloads)
{
    struct server s;
    pthread_t clients[N_CLIENTS], watcher;

    server_start(&s, SERVER GATE METER);
    pthread_create(&watcher, NULL, watch, &s);
    for (int i = 0; i < N_CLIENTS; i++)
        pthread_create(&clients[i], NULL, hammer, &s);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(server_reload(&s), 1);
    for (int i = 0; i < N_CLIENTS; i++)
        pthread_join(clients[i], NULL);
    atomic_store(&is_over, 1);
    pthread_join(watcher, NULL);
    is(&s, TAKEN, 2 * N_CLIENTS * N_REQUESTS);
    is(&s, SIZE "_count" TAKE "}", N_CLIENTS * N_REQUESTS);
    is(&s, "meter_passed_total{instance=\"gate\",route=\"take\"}",
       N_CLIENTS * N_REQUESTS);
    is(&s, "meter_inside{instance=\"gate\",route=\"take\"}", 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(the_text_may_be_longer_than_a_requests_memory)
{
    enum { N = 2500 };
    struct server s;
    struct client c;
    struct answer a;
    char *ini = malloc(N * 100 + 1000), *p = ini;

    p += sprintf(p, SERVER "[plugin meter]\n");
    for (int i = 0; i < N; i++)
        p += sprintf(p,
                     "[route r%d]\nmatch = GET /r%d/:n\n"
                     "handler = meter:take\n",
                     i, i);
    server_start(&s, ini);
    free(ini);
    get(&s, "/r2499/9", 200);
    c = client_open(&s);
    a = scrape_on(&c);
    ck_assert_uint_gt(a.n, 1 << 20);
    ck_assert_int_eq(figure_in(a.body,
                               "meter_taken_bytes_total{instance=\"meter\","
                               "route=\"r2499\"}"),
                     9);
    answer_free(&a);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(metrics, it_is_off_unless_it_is_asked_for,
          it_answers_in_front_of_every_chain,
          the_servers_own_figures_are_those_of_all_workers,
          a_plugins_figures_have_its_instance_and_route,
          a_gauge_is_set_for_one_route_and_worker,
          middleware_counts_on_paths_nobody_serves, totals_go_on_over_a_reload,
          a_new_build_may_have_other_bounds_but_no_other_kind,
          reloads_and_images_are_counted,
          the_configuration_has_a_hash_by_what_is_in_its_files,
          no_total_goes_backwards_under_load_and_reloads,
          the_text_may_be_longer_than_a_requests_memory)
