/* SPDX-License-Identifier: BSD-2-Clause */
/* store.c - what a plugin keeps in a store: over reloads with other options and
 * other builds, over reloads that fail, over its section's absence, over the
 * death of the process that serves; within its bounds; under load.
 * tags: epoll asan tsan */
#define UNIT_SECONDS 60
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
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
    reload(&s, SERVER TALLY, 1);
    ck_assert_int_eq(add(&s, "/add/k?n=1"), 6);
    says(&s, "/get/k", "text");
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

START_TEST(values_have_an_end)
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

START_TEST(all_workers_see_the_same_cells_and_values)
{
    struct server s;
    char path[64], text[16];

    server_start(&s, SERVER TALLY);
    for (int i = 1; i <= 10; i++) {
        snprintf(text, sizeof text, "%d", i);
        says(&s, "/count/k", text);
        snprintf(path, sizeof path, "/put/k/%d", i);
        says(&s, path, "0");
        says(&s, "/get/k", text);
    }
    says(&s, "/count/k?n=-3", "7");
    says(&s, "/count/k?n=-10", "0");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_it_holds_is_bounded)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER "store_memory = 1m\n" TALLY);
    c = client_open(&s);
    /* Half of a megabyte for counters, 80 bytes each: 6,552 places. */
    client_expect(&c, GET("/fill/3000"), 200, "3000");
    client_expect(&c, GET("/del/none"), 200, "0");
    ck_assert_int_eq(figure(&s, "etude_store_refusals_total"), 0);
    client_puts(&c, GET("/fill/20000"));
    client_take(&c, 0, 200, NULL);
    ck_assert_int_ge(figure(&s, "etude_store_refusals_total"), 13448);
    ck_assert_int_le(figure(&s, "etude_store_entries"), 6552);
    ck_assert_int_ge(figure(&s, "etude_store_entries"), 6000);
    ck_assert_int_eq(figure(&s, "etude_store_evictions_total"), 0);
    client_close(&c);
    reload(&s, SERVER "store_memory = 8m\n" TALLY, 0); /* for the next start */
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_has_an_end_gives_way)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER "store_memory = 8m\n" TALLY);
    c = client_open(&s);
    client_expect(&c, GET("/fill/100000?ttl=100000"), 200, "100000");
    ck_assert_int_ge(figure(&s, "etude_store_evictions_total"), 47500);
    ck_assert_int_ge(figure(&s, "etude_store_entries"), 50000);
    ck_assert_int_le(figure(&s, "etude_store_entries"), 52500);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- the death of the process --------------------------------------------*/

/* kill -9 of the process that serves, until another one does. */
static void
kill_it(struct server *s)
{
    pid_t old = server_pid(s);

    ck_assert_int_ne(old, s->pid);
    ck_assert_int_eq(kill(old, SIGKILL), 0);
    server_wait_log(s, "starts again");
    server_wait_log(s, " serves: ");
    ck_assert_int_ne(server_pid(s), old);
}

START_TEST(what_is_stored_outlives_the_process_that_serves)
{
    struct server s;
    char text[16];
    int n = 0;

    server_start(&s, SERVER TALLY);
    says(&s, "/put/k/value", "0");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 5; i++) {
            snprintf(text, sizeof text, "%d", ++n);
            says(&s, "/count/k", text);
            ck_assert_int_eq(add(&s, "/add/k"), n);
        }
        if (round == 1)
            reload(&s, SERVER TALLY "module = tally_two\n", 1);
        kill_it(&s);
        says(&s, "/get/k", "value");
    }
    ck_assert_int_ge(figure(&s, "etude_store_entries"), 3);
    says(&s, "/say", "tally 2");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The one that asks: those before it are gone, as soon as that is noticed. */
static void
only_one_is_active(const struct server *s, const char *name)
{
    long long n = 0;

    for (int i = 0; i < 2000 && n != 1; i++) {
        n = figure(s, name);
        if (n != 1)
            usleep(1000);
    }
    ck_assert_int_eq(n, 1);
}

START_TEST(no_figure_goes_back_when_it_dies)
{
    static const char *const totals[] = {"etude_requests_total",
                                         "etude_responses_2xx_total",
                                         "etude_connections_accepted_total",
                                         "etude_bytes_in_total",
                                         "etude_bytes_out_total",
                                         "etude_reloads_total",
                                         "etude_reloads_failed_total",
                                         "etude_generation"};
    long long before[8];
    struct server s;

    server_start(&s, SERVER TALLY);
    reload(&s, SERVER TALLY "say = other\n", 1);
    reload(&s, SERVER TALLY "fail = yes\n", 0);
    server_write(&s, SERVER TALLY "say = other\n");
    for (int i = 0; i < 20; i++)
        add(&s, "/add/k");
    for (int i = 0; i < 8; i++)
        before[i] = figure(&s, totals[i]);
    ck_assert_int_ge(before[0], 20);
    ck_assert_int_eq(before[5], 1);
    ck_assert_int_eq(before[6], 1);
    for (int round = 0; round < 3; round++) {
        kill_it(&s);
        for (int i = 0; i < 8; i++) {
            const long long now = figure(&s, totals[i]);
            ck_assert_msg(now >= before[i], "%s: %lld after %lld", totals[i],
                          now, before[i]);
            before[i] = now;
        }
        ck_assert_int_eq(before[5], 1);
        only_one_is_active(&s, "etude_connections_active");
        only_one_is_active(&s, "etude_requests_active");
    }
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

/* ---- ... under load ------------------------------------------------------*/

static struct server killed;
static atomic_llong n_answered, n_asked;

/* Count one after the other; what was not answered may have been counted. */
static void *
count_on(void *arg)
{
    while (!atomic_load(&is_over)) {
        struct client c = client_open(&killed);
        struct answer a;
        atomic_fetch_add(&n_asked, 1);
        if (client_try_send(&c, GET("/count/k"), strlen(GET("/count/k")))) {
            a = client_answer(&c, 0);
            UNIT_HOLDS(a.status == 200 || a.status == 0);
            atomic_fetch_add(&n_answered, a.status == 200);
            answer_free(&a);
        }
        client_close(&c);
    }
    return arg;
}

START_TEST(no_count_is_lost_when_it_is_killed_under_load)
{
    pthread_t clients[N_CLIENTS];
    struct answer a;
    long long n;

    server_start(&killed, SERVER TALLY);
    for (int i = 0; i < N_CLIENTS; i++)
        pthread_create(&clients[i], NULL, count_on, NULL);
    for (int round = 0; round < 3; round++) {
        const long long seen = atomic_load(&n_answered);
        while (atomic_load(&n_answered) < seen + 100)
            usleep(1000);
        kill_it(&killed);
    }
    atomic_store(&is_over, 1);
    for (int i = 0; i < N_CLIENTS; i++)
        pthread_join(clients[i], NULL);
    a = ask(&killed, "/count/k?n=0");
    n = strtoll(a.body, NULL, 10);
    answer_free(&a);
    ck_assert_int_ge(n, atomic_load(&n_answered));
    ck_assert_int_le(n, atomic_load(&n_asked));
    ck_assert_int_eq(server_stop(&killed), 0);
}
END_TEST

/* One process after the other, and two at once. */
START_TEST(what_is_stored_outlives_an_upgrade)
{
    struct server s;
    char text[16];

    server_start(&s, SERVER TALLY);
    for (int n = 1; n <= 4; n++) {
        snprintf(text, sizeof text, "%d", n);
        says(&s, "/count/k", text);
        ck_assert_int_eq(add(&s, "/add/k"), n);
        server_signal(&s, SIGUSR2);
        server_wait_log(&s, " takes over from ");
        server_wait_log(&s, " has left");
        if (n == 2)
            kill_it(&s);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The value of a figure in an answer to /metrics, or -1. */
static long long
value_in(const struct answer *a, const char *name)
{
    char line[80];
    const char *at;

    snprintf(line, sizeof line, "\n%s ", name);
    at = a->status == 200 ? strstr(a->body, line) : NULL;
    return at ? strtoll(at + strlen(line), NULL, 10) : -1;
}

static atomic_int n_looks;

/* What an operator's collector sees, whoever answers. */
static void *
look_on(void *arg)
{
    static const char *const names[] = {
        "etude_requests_total", "etude_bytes_out_total", "etude_turns_total",
        "etude_reloads_total", "etude_generation"};
    long long last[ARRAY_LEN(names)] = {0};

    while (!atomic_load(&is_over)) {
        struct client c = client_open(&killed);
        struct answer a = {0};
        if (client_try_send(&c, GET("/metrics"), strlen(GET("/metrics"))))
            a = client_answer(&c, 0);
        for (size_t i = 0; a.status == 200 && i < ARRAY_LEN(names); i++) {
            const long long now = value_in(&a, names[i]);
            if (now < last[i])
                ck_abort_msg("%s: %lld after %lld", names[i], now, last[i]);
            last[i] = now;
        }
        atomic_fetch_add(&n_looks, a.status == 200);
        answer_free(&a);
        client_close(&c);
    }
    return arg;
}

/* Until it has been looked at some more. */
static void
wait_for_looks(void)
{
    const int seen = atomic_load(&n_looks);

    while (atomic_load(&n_looks) < seen + 20)
        usleep(1000);
}

START_TEST(no_total_goes_back_whoever_answers)
{
    pthread_t lookers[2];

    server_start(&killed, SERVER TALLY);
    for (int i = 0; i < 2; i++)
        pthread_create(&lookers[i], NULL, look_on, NULL);
    for (int round = 0; round < 3; round++) {
        wait_for_looks();
        reload(&killed, SERVER TALLY "say = other\n", 1);
        wait_for_looks();
        server_signal(&killed, SIGUSR2);
        server_wait_log(&killed, " takes over from ");
        wait_for_looks();
        server_wait_log(&killed, " has left");
        kill_it(&killed);
        reload(&killed, SERVER TALLY, 1);
    }
    wait_for_looks();
    atomic_store(&is_over, 1);
    for (int i = 0; i < 2; i++)
        pthread_join(lookers[i], NULL);
    ck_assert_int_eq(figure(&killed, "etude_reloads_total"), 6);
    ck_assert_int_eq(server_stop(&killed), 0);
}
END_TEST

/* Overwrite what is mapped of that name there, as a plugin can. */
static void
scribble(pid_t pid, const char *name)
{
    char path[64], line[512], junk[4096];
    unsigned long at = 0;
    FILE *maps;
    int fd;

    memset(junk, 0xa5, sizeof junk);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    maps = fopen(path, "re");
    ck_assert_ptr_nonnull(maps);
    while (at == 0 && fgets(line, sizeof line, maps)) {
        if (strstr(line, name))
            ck_assert_int_eq(sscanf(line, "%lx", &at), 1);
    }
    fclose(maps);
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, junk, sizeof junk, (off_t)at), sizeof junk);
    close(fd);
}

/* Whoever comes next begins anew, and those after it go on with that. */
START_TEST(what_was_damaged_is_made_anew_once)
{
    struct server s;

    server_start(&s, SERVER TALLY);
    ck_assert_int_eq(add(&s, "/add/x"), 1);
    scribble(server_pid(&s), "etude-stores");
    scribble(server_pid(&s), "etude-figures");
    kill_it(&s);
    ck_assert_int_eq(server_count_log(&s, "begun anew"), 2);
    ck_assert_int_eq(add(&s, "/add/x"), 1);
    kill_it(&s);
    ck_assert_int_eq(add(&s, "/add/x"), 2);
    ck_assert_int_eq(server_count_log(&s, "begun anew"), 2);
    ck_assert(!server_has_log(&s, "another version"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(store, counters_go_on_whatever_is_reloaded,
          a_section_that_comes_back_finds_its_counters,
          nobody_has_them_for_longer_than_store_keep,
          another_section_has_a_store_of_its_own, values_have_an_end,
          all_workers_see_the_same_cells_and_values,
          what_is_stored_outlives_the_process_that_serves,
          no_figure_goes_back_when_it_dies,
          no_count_is_lost_when_it_is_killed_under_load,
          a_key_has_255_bytes_at_most, what_it_holds_is_bounded,
          what_has_an_end_gives_way, no_count_is_lost_under_load_and_reloads,
          what_is_stored_outlives_an_upgrade,
          no_total_goes_back_whoever_answers,
          what_was_damaged_is_made_anew_once)
