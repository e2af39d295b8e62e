/* SPDX-License-Identifier: BSD-2-Clause */
/* store.c - what a plugin keeps in a store: over reloads with other options and
 * other builds, over reloads that fail, over its section's absence; within its
 * bounds; under load.
 * tags: epoll asan tsan */
#define UNIT_SECONDS 60
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nmetrics = /metrics\n"        \
    "log_level = debug\n"
#define TALLY "[plugin tally]\n"

/* A request on a connection of its own, so that workers take turns. */
static struct answer
ask(const struct server *s, const char *path)
{
    struct client c = client_open(s);
    struct answer a;

    client_printf(&c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    a = client_answer(&c, 0);
    client_close(&c);
    return a;
}

static void
says(const struct server *s, const char *path, const char *text)
{
    struct answer a = ask(s, path);

    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body, text);
    answer_free(&a);
}

/* What all workers have counted for a path's key once n is added. */
static long long
add(const struct server *s, const char *path)
{
    struct answer a = ask(s, path);
    long long own, total;

    ck_assert_int_eq(a.status, 200);
    ck_assert_int_eq(sscanf(a.body, "%lld %lld", &own, &total), 2);
    ck_assert_int_le(own, total);
    answer_free(&a);
    return total;
}

static long long
figure(const struct server *s, const char *name)
{
    struct answer a = ask(s, "/metrics");
    char line[80];
    const char *at;
    long long n;

    snprintf(line, sizeof line, "\n%s ", name);
    at = strstr(a.body, line);
    ck_assert_ptr_nonnull(at);
    n = strtoll(at + strlen(line), NULL, 10);
    answer_free(&a);
    return n;
}

static void
reload(struct server *s, const char *ini, int outcome)
{
    server_write(s, ini);
    ck_assert_int_eq(server_reload(s), outcome);
}

START_TEST(counters_go_on_whatever_is_reloaded)
{
    struct server s;
    long long n = 0;

    server_start(&s, SERVER TALLY);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(add(&s, "/add/k"), ++n);
    ck_assert_int_eq(figure(&s, "etude_store_entries"), 2);
    says(&s, "/say", "tally 1");
    reload(&s, SERVER TALLY "say = other\n", 1);
    says(&s, "/say", "other 1");
    ck_assert_int_eq(add(&s, "/add/k"), ++n);
    reload(&s, SERVER TALLY "module = tally_two\n", 1);
    says(&s, "/say", "tally 2");
    ck_assert_int_eq(add(&s, "/add/k"), ++n);
    reload(&s, SERVER TALLY "fail = yes\n", 0);
    ck_assert(server_has_log(&s, "told to fail"));
    says(&s, "/say", "tally 2");
    ck_assert_int_eq(add(&s, "/add/k"), ++n);
    reload(&s, SERVER TALLY, 1);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(add(&s, "/add/k"), ++n);
    ck_assert_int_eq(add(&s, "/add/other"), 1);
    ck_assert_int_eq(figure(&s, "etude_store_entries"), 3);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_section_that_comes_back_finds_its_counters)
{
    struct server s;

    server_start(&s, SERVER TALLY);
    add(&s, "/add/k?n=5");
    says(&s, "/put/k/text", "0");
    reload(&s, SERVER "[plugin hello]\n", 1);
    for (int i = 0; i < 1000 && figure(&s, "etude_store_entries") > 0; i++)
        usleep(5000);
    ck_assert_int_eq(figure(&s, "etude_store_entries"), 0); /* not open */
    reload(&s, SERVER TALLY, 1);
    ck_assert_int_eq(add(&s, "/add/k?n=1"), 6);
    ck_assert_int_ge(figure(&s, "etude_store_entries"), 2);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(nobody_has_them_for_longer_than_store_keep)
{
    struct server s;

    server_start(&s, SERVER "store_keep = 50ms\n" TALLY);
    add(&s, "/add/k?n=5");
    reload(&s, SERVER "store_keep = 50ms\n" TALLY "say = other\n", 1);
    usleep(100000); /* it is open all the time */
    ck_assert_int_eq(add(&s, "/add/k"), 6);
    reload(&s, SERVER "store_keep = 50ms\n[plugin hello]\n", 1);
    server_wait_log(&s, "store tally of [plugin tally] is dropped");
    reload(&s, SERVER "store_keep = 50ms\n" TALLY, 1);
    ck_assert_int_eq(add(&s, "/add/k"), 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(another_section_has_a_store_of_its_own)
{
    struct server s;

    server_start(&s, SERVER TALLY
                 "[plugin a]\nmodule = tally\nmount = /a\n"
                 "[route r]\nmatch = GET /r/:key\nhandler = tally:tally_add\n"
                 "tally.say = own\n");
    for (int i = 1; i <= 4; i++) {
        ck_assert_int_eq(add(&s, "/add/k"), 2 * i - 1);
        ck_assert_int_eq(add(&s, "/a/add/k"), i);
        ck_assert_int_eq(add(&s, "/r/k"), 2 * i); /* tally@r is tally too */
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(values_belong_to_a_worker_and_have_an_end)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER TALLY);
    c = client_open(&s);
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
    client_expect(&c, GET("/get/k"), 404, NULL);
    client_expect(&c, GET("/put/k/one"), 200, "0");
    client_expect(&c, GET("/get/k"), 200, "one");
    reload(&s, SERVER TALLY "say = other\n", 1);
    client_expect(&c, GET("/get/k"), 200, "one");
    client_expect(&c, GET("/add/k?n=3"), 200, "3 3");
    client_expect(&c, GET("/del/k"), 200, "0");
    client_expect(&c, GET("/get/k"), 404, NULL);
    client_expect(&c, GET("/add/k?n=0"), 200, "0 0");
    client_expect(&c, GET("/put/k/two?ttl=30"), 200, "0");
    client_expect(&c, GET("/add/k?ttl=30"), 200, "1 1");
    usleep(60000);
    client_expect(&c, GET("/get/k"), 404, NULL);
    client_expect(&c, GET("/add/k?n=0"), 200, "0 0");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_key_has_255_bytes_at_most)
{
    struct server s;
    char path[300] = "/add/";

    server_start(&s, SERVER TALLY);
    memset(path + 5, 'k', 255);
    path[260] = '\0';
    ck_assert_int_eq(add(&s, path), 1);
    path[260] = 'k';
    path[261] = '\0';
    says(&s, path, "-4 -4");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_it_holds_is_bounded)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER "store_memory = 1m\n" TALLY);
    c = client_open(&s);
    /* Half of a megabyte each worker: not quite 5,042 counters. */
    client_expect(&c, GET("/fill/4000"), 200, "4000");
    client_expect(&c, GET("/del/none"), 200, "0");
    ck_assert_int_eq(figure(&s, "etude_store_refusals_total"), 0);
    client_puts(&c, GET("/fill/10000"));
    client_take(&c, 0, 200, NULL);
    ck_assert_int_ge(figure(&s, "etude_store_refusals_total"), 4900);
    ck_assert_int_le(figure(&s, "etude_store_entries"), 5042);
    ck_assert_int_eq(figure(&s, "etude_store_evictions_total"), 0);
    client_expect(&c, GET("/add/one-more?ttl=10"), 200, "-5 0");
    client_close(&c);
    /* What has an end gives way, and a new bound is for new stores. */
    reload(&s, SERVER "store_memory = 8m\n[plugin a]\nmodule = tally\n", 1);
    c = client_open(&s);
    client_expect(&c, GET("/fill/100000?ttl=100000"), 200, "100000");
    ck_assert_int_ge(figure(&s, "etude_store_evictions_total"), 50000);
    ck_assert_int_ge(figure(&s, "etude_store_entries"), 40000);
    ck_assert_int_le(figure(&s, "etude_store_entries"), 41000);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- under load ----------------------------------------------------------*/

#define N_CLIENTS 4
#define N_REQUESTS 300

static atomic_int is_over;

static void *
hammer(void *arg)
{
    struct client c = client_open(arg);

    for (int i = 0; i < N_REQUESTS; i++) {
        client_puts(&c, GET("/add/k"));
        client_take(&c, 0, 200, NULL);
    }
    client_close(&c);
    return NULL;
}

static void *
reload_on(void *arg)
{
    for (int i = 0; !atomic_load(&is_over); i++)
        reload(arg,
               i % 2 ? SERVER TALLY "say = other\n"
                     : SERVER TALLY "module = tally_two\n",
               1);
    return NULL;
}

START_TEST(no_count_is_lost_under_load_and_reloads)
{
    struct server s;
    pthread_t clients[N_CLIENTS], reloader;

    server_start(&s, SERVER TALLY);
    pthread_create(&reloader, NULL, reload_on, &s);
    for (int i = 0; i < N_CLIENTS; i++)
        pthread_create(&clients[i], NULL, hammer, &s);
    for (int i = 0; i < N_CLIENTS; i++)
        pthread_join(clients[i], NULL);
    atomic_store(&is_over, 1);
    pthread_join(reloader, NULL);
    ck_assert_int_eq(add(&s, "/add/k?n=0"), N_CLIENTS * N_REQUESTS);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(store, counters_go_on_whatever_is_reloaded,
          a_section_that_comes_back_finds_its_counters,
          nobody_has_them_for_longer_than_store_keep,
          another_section_has_a_store_of_its_own,
          values_belong_to_a_worker_and_have_an_end,
          a_key_has_255_bytes_at_most, what_it_holds_is_bounded,
          no_count_is_lost_under_load_and_reloads)
