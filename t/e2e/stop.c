/* SPDX-License-Identifier: BSD-2-Clause */
/* stop.c - the end: signals, grace, delay, time-out, the second signal.
 * tags: epoll asan */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
#define PLUGINS "[plugin life]\n[plugin slow]\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define HALF "POST /life HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"

static uint64_t
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

START_TEST(term_int_and_quit_stop_with_grace)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGQUIT};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct server s;
        struct client idle, half, idle_asks;
        uint64_t began;
        server_start(&s,
                     SERVER "idle_grace = 700ms\nmetrics = /metrics\n" PLUGINS);
        idle = client_open(&s);
        idle_asks = client_open(&s);
        half = client_open(&s);
        client_expect(&idle, GET("/life"), 200, NULL);
        client_expect(&idle_asks, GET("/life"), 200, NULL);
        client_puts(&half, HALF);
        client_wait_active(&s, 1);
        client_expect(&idle, GET("/life"), 200, NULL);
        began = now_ms();
        server_signal(&s, signals[i]);
        server_wait_log(&s, "no longer listening");
        /* A request that arrives meanwhile is answered, with close. */
        if (!transport_here()->is_h2) { /* no request behind GOAWAY */
            client_puts(&idle_asks, GET("/life"));
            client_take_last(&idle_asks);
        }
        ck_assert(client_is_told(&idle_asks));
        /* What is in progress is finished. */
        client_puts(&half, "1234");
        client_take(&half, 0, 200, "life 4");
        ck_assert(client_is_closed(&half));
        ck_assert(client_is_told(&idle));
        ck_assert(transport_here()->is_h2 || now_ms() - began >= 600);
        client_close(&idle);
        client_close(&idle_asks);
        client_close(&half);
        ck_assert_int_eq(server_wait(&s), 0);
    }
}
END_TEST

START_TEST(for_shutdown_delay_everything_is_served)
{
    struct server s;
    struct client c;
    struct answer a;
    uint64_t began;

    server_start(&s, SERVER "shutdown_delay = 3s\nready = /readyz\n"
                            "idle_grace = 0\n" PLUGINS);
    client_once(&s, GET("/readyz"), 200, NULL);
    began = now_ms();
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopping: ");
    for (int status = 200; status != 503;) {
        c = client_open(&s);
        client_puts(&c, GET("/readyz"));
        a = client_answer(&c, 0);
        status = a.status;
        answer_free(&a);
        client_close(&c);
    }
    for (int i = 0; i < 20; i++) {
        c = client_open(&s);
        client_puts(&c, GET("/life"));
        client_take_last(&c);
        client_close(&c);
    }
    ck_assert_int_eq(server_wait(&s), 0);
    ck_assert_uint_ge(now_ms() - began, 2900);
}
END_TEST

START_TEST(what_is_queued_is_accepted_before_the_end)
{
    struct server s;
    struct client c[64];

    server_start(&s, SERVER PLUGINS);
    for (int i = 0; i < 64; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i], GET("/life"));
    }
    server_signal(&s, SIGTERM);
    for (int i = 0; i < 64; i++) {
        client_take(&c[i], 0, 200, "life");
        client_close(&c[i]);
    }
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

START_TEST(what_outlasts_drain_timeout_is_cut_and_told)
{
    struct server s;
    struct client half;
    uint64_t began;

    server_start(&s, SERVER "drain_timeout = 300ms\n" PLUGINS);
    half = client_open(&s);
    client_puts(&half, "POST /life HTTP/1.1\r\nHost: x\r\nExpect: "
                       "100-continue\r\nContent-Length: 4\r\n\r\n");
    client_take(&half, 0, 100, NULL);
    began = now_ms();
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "connections are cut off");
    ck_assert(client_is_closed(&half));
    ck_assert_int_eq(server_wait(&s), 3);
    ck_assert_uint_ge(now_ms() - began, 250);
    client_close(&half);
}
END_TEST

START_TEST(a_second_signal_ends_it_at_once)
{
    struct server s;
    struct client half;

    server_start(&s, SERVER "drain_timeout = 1h\n" PLUGINS);
    half = client_open(&s);
    client_puts(&half, "POST /life HTTP/1.1\r\nHost: x\r\nExpect: "
                       "100-continue\r\nContent-Length: 4\r\n\r\n");
    client_take(&half, 0, 100, NULL);
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopping: ");
    server_signal(&s, SIGINT);
    ck_assert_int_eq(server_wait(&s), 3); /* which waits less long */
    client_close(&half);
}
END_TEST

START_TEST(a_plugin_that_blocks_does_not_hold_up_a_second_signal)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER PLUGINS);
    c = client_open(&s);
    client_puts(&c, GET("/slow/60000"));
    server_wait_log(&s, "slow: begins");
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopping: ");
    server_signal(&s, SIGINT);
    ck_assert_int_eq(server_wait(&s), 3); /* which waits less long */
    client_close(&c);
}
END_TEST

START_TEST(nor_when_a_reload_waits_for_it)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER PLUGINS);
    c = client_open(&s);
    client_puts(&c, GET("/slow/60000"));
    server_wait_log(&s, "slow: begins");
    server_write(&s, SERVER "[plugin life]\nsay = next\n[plugin slow]\n");
    server_signal(&s, SIGHUP);
    server_wait_log(&s, "life: init next on ");
    server_signal(&s, SIGTERM);
    server_signal(&s, SIGINT);
    ck_assert_int_eq(server_wait(&s), 3); /* which waits less long */
    client_close(&c);
}
END_TEST

START_TEST(a_plugin_that_is_slow_is_waited_for)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER PLUGINS);
    c = client_open(&s);
    client_puts(&c, GET("/slow/1500"));
    server_wait_log(&s, "slow: begins");
    server_signal(&s, SIGTERM);
    client_take(&c, 0, 200, "slept");
    ck_assert_int_eq(server_wait(&s), 0);
    client_close(&c);
}
END_TEST

START_TEST(workers_that_accept_for_themselves_stop_too)
{
    struct server s;
    struct client idle;
    char path[128];

    server_start(&s, SERVER "accept = reuseport\nidle_grace = 100ms\n"
                            "listen = unix:$DIR/sock\n" PLUGINS);
    snprintf(path, sizeof path, "%s/sock", s.dir);
    for (int i = 0; i < 8; i++) {
        struct client c = client_unix(path);
        client_expect(&c, GET("/life"), 200, "life");
        client_close(&c);
        client_once(&s, GET("/life"), 200, "life");
    }
    idle = client_open(&s);
    client_expect(&idle, GET("/life"), 200, "life");
    server_signal(&s, SIGTERM);
    ck_assert(client_is_closed(&idle));
    client_close(&idle);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

START_TEST(the_pid_file_comes_and_goes)
{
    struct server s;
    char path[128], text[32] = "";
    FILE *f;

    server_start(&s, SERVER "pid_file = $DIR/pid\n" PLUGINS);
    snprintf(path, sizeof path, "%s/pid", s.dir);
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
    fclose(f);
    ck_assert_int_eq(atoi(text), s.pid);
    {
        /* Another one that cannot start leaves it alone. */
        struct server other = s;
        char out[4096], ini[512];
        snprintf(ini, sizeof ini,
                 "[server]\nlisten = 127.0.0.1:%u\npid_file = $DIR/pid\n",
                 s.port);
        server_write(&other, ini);
        ck_assert_int_eq(server_run(&other, NULL, out, sizeof out), 70);
        ck_assert_msg(strstr(out, "address in use"), "%s", out);
        ck_assert_int_eq(access(path, F_OK), 0);
    }
    server_signal(&s, SIGTERM);
    for (int i = 0; i < 2000 && access(path, F_OK) == 0; i++)
        usleep(5000);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

static struct server slow_to_start;

static void *
stop_while_it_starts(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2000 && (slow_to_start.pid == 0 ||
                                 !server_has_log(&slow_to_start, "its time"));
         i++)
        usleep(5000);
    server_signal(&slow_to_start, SIGTERM);
    return NULL;
}

/* Nothing was refused and nothing cut off. */
START_TEST(a_stop_while_it_starts_is_no_failure)
{
    pthread_t t;

    server_prepare(&slow_to_start, SERVER "[plugin keeper]\ninit_ms = 300ms\n");
    ck_assert_int_eq(pthread_create(&t, NULL, stop_while_it_starts, NULL), 0);
    ck_assert_int_eq(server_launch(&slow_to_start), 0);
    ck_assert_int_eq(pthread_join(t, NULL), 0);
    server_clean(&slow_to_start);
}
END_TEST

/* Another server's file, or one that was never ours. */
START_TEST(a_pid_file_of_another_is_left_alone)
{
    struct server s;
    char path[128], out[4096];
    FILE *f;

    server_prepare(&s, SERVER "pid_file = $DIR/note\n[plugin life]\n");
    server_file(&s, "note", "remember the milk\n");
    ck_assert_int_eq(server_run(&s, NULL, out, sizeof out), 78);
    ck_assert_msg(strstr(out, "pid_file: cannot write ") &&
                      strstr(out, "/note: it exists and is no pid file"),
                  "%s", out);
    ck_assert_int_eq(
        server_run(&s, (const char *[]){"-t", NULL}, out, sizeof out), 78);
    server_file(&s, "note", "1\n");
    server_serve(&s);
    server_file(&s, "note", "1\n"); /* another one has started */
    snprintf(path, sizeof path, "%s/note", s.dir);
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopped");
    ck_assert_int_eq(fscanf(f, "%4000s", out), 1);
    ck_assert_str_eq(out, "1");
    fclose(f);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

START_TEST(usr2_of_one_process_does_nothing_but_say_so)
{
    struct server s;

    server_start(&s, SERVER "supervise = no\n" PLUGINS);
    server_signal(&s, SIGUSR2);
    server_wait_log(&s, " warn  SIGUSR2: only a supervisor can upgrade");
    client_once(&s, GET("/life"), 200, "life");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(stop, term_int_and_quit_stop_with_grace,
          for_shutdown_delay_everything_is_served,
          what_is_queued_is_accepted_before_the_end,
          what_outlasts_drain_timeout_is_cut_and_told,
          a_second_signal_ends_it_at_once,
          a_plugin_that_blocks_does_not_hold_up_a_second_signal,
          nor_when_a_reload_waits_for_it, a_plugin_that_is_slow_is_waited_for,
          workers_that_accept_for_themselves_stop_too,
          a_stop_while_it_starts_is_no_failure,
          a_pid_file_of_another_is_left_alone, the_pid_file_comes_and_goes,
          usr2_of_one_process_does_nothing_but_say_so)
