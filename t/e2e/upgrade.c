/* SPDX-License-Identifier: BSD-2-Clause */
/* upgrade.c - another process takes over, of the same program or of a new one:
 * no request fails, no connection is closed.
 * tags: epoll */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/crowd.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nsupervise = yes\n"
#define LIFE SERVER "[plugin life]\nsay = one\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static struct server s;

/* A copy of the program in the test's folder, which may be replaced. */
static void
program_path(char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/etude", s.dir);
}

static void
copy_program(const char *name, const char *to)
{
    const char *build = getenv("T_BUILD");
    char command[2 * PATH_MAX];

    snprintf(command, sizeof command, "cp %s/%s %s.new && mv %s.new %s",
             build ? build : "build", name, to, to, to);
    ck_assert_int_eq(system(command), 0);
}

/* Run that copy. */
static void
serve_copy(const char *ini)
{
    static char path[PATH_MAX];

    server_prepare(&s, ini);
    program_path(path);
    copy_program("etude", path);
    s.program = path;
    server_serve(&s);
}

static uint64_t
inode(const char *path)
{
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_ino;
}

static uint64_t
inode_of(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    return inode(path);
}

START_TEST(the_number_stays_and_so_do_connections)
{
    char text[32];
    struct client c;
    pid_t new;

    server_start(&s, SERVER "pid_file = $DIR/pid\n[plugin life]\nsay = one\n");
    c = client_open(&s);
    client_expect(&c, GET("/life"), 200, "one");
    for (int i = 0; i < 3; i++) {
        new = server_upgrade(&s);
        server_wait_log(&s, " has left");
        ck_assert_int_eq(server_pid(&s), new);
        client_come_again(&c, &s);
        client_expect(&c, GET("/life"), 200, "one");
        client_expect(&c, GET("/life"), 200, "one");
        client_once(&s, GET("/life"), 200, "one");
    }
    server_write(&s, SERVER "pid_file = $DIR/pid\n[plugin life]\nsay = two\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/life"), 200, "two");
    client_close(&c);
    ck_assert_int_eq(kill(new, SIGKILL), 0);
    server_wait_log(&s, "starts again in 0 ms");
    server_wait_log(&s, " serves: ");
    client_once(&s, GET("/life"), 200, "two");
    snprintf(text, sizeof text, "pid %d", (int)s.pid);
    ck_assert_int_ge(server_count_log(&s, text), 5);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The n answers to what was asked, the first of which is that and the others
 * "life".  Of those that were asked behind one that says it is the last one of
 * its connection the client knows to ask again. */
static void
take_all(struct client *c, int n, const char *body)
{
    for (int i = 0; i < n; i++) {
        struct answer a = client_answer(c, 0);
        int is_last = answer_field(&a, "Connection", 0) != NULL;
        ck_assert_int_eq(a.status, 200);
        ck_assert_str_eq(a.body, i ? "life" : body);
        answer_free(&a);
        ck_assert(!is_last || !transport_here()->is_plain);
        if (is_last)
            client_come_again(c, &s);
        for (int k = i + 1; is_last && k < n; k++)
            client_puts(c, GET("/life"));
    }
}

/* It is served, and where it goes along, on the same connection. */
static void
is_served(struct client *c)
{
    struct answer a = client_ask(c, &s, GET("/life"));

    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body, "life");
    answer_free(&a);
}

/* One in flight finishes where it is; what comes behind it on the same
 * connection, and a head half there, is answered too. */
START_TEST(what_is_in_flight_is_answered_and_goes_after_it)
{
    struct client busy, piped, half, early;

    if (transport_here()->is_h2) /* no request behind GOAWAY */
        return;
    server_start(&s, SERVER "[plugin life]\n[plugin slow]\n");
    busy = client_open(&s);
    half = client_open(&s);
    early = client_open(&s); /* nothing asked yet */
    client_puts(&half, "GET /life HTTP/1.1\r\nHo");
    client_puts(&busy, GET("/slow/600"));
    server_wait_log(&s, "slow: begins");
    piped = client_open(&s);
    client_puts(&piped, GET("/life") GET("/life") "GET /li");
    (void)server_upgrade(&s);
    client_puts(&half, "st: x\r\n\r\n");
    client_puts(&busy, GET("/life"));
    client_puts(&piped, "fe HTTP/1.1\r\nHost: x\r\n\r\n");
    take_all(&busy, 2, "slept");
    take_all(&piped, 3, "life");
    take_all(&half, 1, "life");
    client_come_again(&early, &s);
    is_served(&early);
    server_wait_log(&s, " has left");
    is_served(&busy);
    is_served(&piped);
    client_close(&busy);
    client_close(&piped);
    client_close(&half);
    client_close(&early);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What plain TCP does not have to: it goes along. */
static int
leaving(void)
{
    return transport_here()->is_plain ? 0 : CROWD_MAY_LEAVE;
}

/* A client whose thread has to wait for its turn is none that is idle. */
#define PATIENT "idle_grace = 20s\n"

/* Under load, long and short connections. */
static void
upgrade_under(int flags, int n_upgrades)
{
    struct crowd *crowd = crowd_start(s.port, flags & CROWD_SHORT ? 20 : 200,
                                      GET("/life"), "one", flags | leaving());

    for (int i = 0; i < n_upgrades; i++) {
        (void)server_upgrade(&s);
        server_wait_log(&s, " has left");
        crowd_wait(crowd, 500);
    }
    ck_assert_str_eq(crowd_end(crowd), "");
    ck_assert_uint_eq(crowd->n_closed, 0);
}

START_TEST(under_load_nothing_fails)
{
    server_start(&s, SERVER PATIENT "[plugin life]\nsay = one\n");
    upgrade_under(0, 10);
    upgrade_under(CROWD_SHORT, 5);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- accept = reuseport --------------------------------------------------*/

#define ACCEPTING                                                              \
    "[server]\nlisten = 127.0.0.1:0\nsupervise = yes\naccept = reuseport\n"    \
    "crash_limit = 0\n"
#define WORKERS(n) ACCEPTING "workers = " #n "\n"
#define FAULTY "[plugin life]\nsay = one\n[plugin faulty]\n"

static void
by_upgrade(int i)
{
    (void)i;
    (void)server_upgrade(&s);
}

static void
by_fault(int i)
{
    (void)i;
    client_once(&s, GET("/faulty/null"), 500, "500 Internal Server Error\n");
}

/* More of them: the queue of one that goes is closed, and the kernel resets who
 * comes to it in that instant. */
static void
by_reload(int i)
{
    char ini[512];

    snprintf(ini, sizeof ini, ACCEPTING "workers = %d\n" PATIENT FAULTY, 3 + i);
    server_write(&s, ini);
    server_signal(&s, SIGHUP);
}

/* Clients that stay and clients that come for one request. */
static void
workers_that_accept(void (*replace)(int i))
{
    struct crowd *kept, *fresh;

    server_start(&s, WORKERS(2) PATIENT FAULTY);
    kept = crowd_start(s.port, 100, GET("/life"), "one", leaving());
    fresh =
        crowd_start(s.port, 10, GET("/life"), "one", CROWD_SHORT | leaving());
    for (int i = 0; i < 4; i++) {
        replace(i);
        server_wait_log(&s, " has left");
        crowd_wait(kept, 500);
        crowd_wait(fresh, 100);
    }
    ck_assert_str_eq(crowd_end(kept), "");
    ck_assert_str_eq(crowd_end(fresh), "");
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(under_load_of_workers_that_accept_nothing_fails)
{
    workers_that_accept(by_upgrade);
}
END_TEST

START_TEST(nor_does_it_after_a_fault)
{
    if (!server_is_sanitized()) /* or that reports it itself */
        workers_that_accept(by_fault);
}
END_TEST

START_TEST(nor_with_more_of_them)
{
    workers_that_accept(by_reload);
}
END_TEST

/* It comes when the workers have accepted, served and forgotten others. */
START_TEST(one_that_comes_late_finds_room)
{
    struct client busy;

    server_start(&s, WORKERS(1) "[plugin life]\n[plugin slow]\n");
    busy = client_open(&s);
    client_puts(&busy, GET("/slow/1000"));
    server_wait_log(&s, "slow: begins");
    (void)server_upgrade(&s);
    for (int i = 0; i < 10; i++)
        client_once(&s, GET("/life"), 200, "life");
    client_take(&busy, 0, 200, "slept");
    client_come_again(&busy, &s);
    client_expect(&busy, GET("/life"), 200, "life");
    server_wait_log(&s, " has left");
    client_close(&busy);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- who waits -----------------------------------------------------------*/

#define WAITING 8

/* At max_connections others wait to be let in: they go along, too. */
static void
those_who_wait(const char *ini)
{
    struct client in, c[WAITING];

    server_start(&s, ini);
    in = client_open(&s);
    client_expect(&in, GET("/life"), 200, "one");
    for (int i = 0; i < WAITING; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i], "GET /life HTTP/1.1\r\nHost: x\r\n"
                           "Connection: close\r\n\r\n");
    }
    ck_assert(client_is_quiet(&c[0], 50));
    (void)server_upgrade(&s);
    server_wait_log(&s, " has left");
    client_come_again(&in, &s);
    client_expect(&in, GET("/life"), 200, "one");
    client_close(&in);
    for (int i = 0; i < WAITING; i++) {
        client_take(&c[i], 0, 200, "one");
        client_close(&c[i]);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(who_waits_to_be_let_in_goes_along)
{
    those_who_wait(SERVER "max_connections = 1\n[plugin life]\nsay = one\n");
}
END_TEST

START_TEST(who_waits_for_a_worker_that_accepts_goes_along)
{
    those_who_wait(
        WORKERS(2) "max_connections = 1\n[plugin life]\nsay = one\n");
}
END_TEST

/* ---- programs ------------------------------------------------------------*/

START_TEST(another_program_takes_the_supervisor_s_place)
{
    char path[PATH_MAX];
    struct client c;
    uint64_t old;

    serve_copy(LIFE);
    program_path(path);
    old = inode(path);
    ck_assert_uint_eq(inode_of(s.pid), old);
    c = client_open(&s);
    client_expect(&c, GET("/life"), 200, "one");
    copy_program("etude", path);
    ck_assert_uint_ne(inode(path), old);
    (void)server_upgrade(&s);
    server_wait_log(&s, " has left");
    ck_assert_uint_eq(inode_of(s.pid), inode(path));
    ck_assert_uint_eq(inode_of(server_pid(&s)), inode(path));
    client_come_again(&c, &s);
    client_expect(&c, GET("/life"), 200, "one");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* One whose processes speak another version, and back, under load. */
START_TEST(neighbouring_versions_understand_each_other)
{
    struct crowd *crowd;
    char path[PATH_MAX];

    serve_copy(LIFE);
    program_path(path);
    crowd = crowd_start(s.port, 50, GET("/life"), "one", leaving());
    for (int i = 0; i < 4; i++) {
        copy_program(i % 2 ? "etude" : "t/next/etude", path);
        (void)server_upgrade(&s);
        server_wait_log(&s, " has left");
        ck_assert_int_eq(server_reload(&s), 1);
        crowd_wait(crowd, 200);
    }
    ck_assert_str_eq(crowd_end(crowd), "");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Nothing has happened. */
START_TEST(a_program_that_is_none_is_refused)
{
    static const char *const bad[] = {"#!/bin/true\n", "",
                                      "\x7f"
                                      "ELF nonsense"};
    char path[PATH_MAX];
    pid_t server;

    serve_copy(LIFE);
    server = server_pid(&s);
    program_path(path);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(unlink(path), 0);
        server_file(&s, "etude", bad[i]);
        ck_assert_int_eq(chmod(path, 0755), 0);
        server_signal(&s, SIGUSR2);
        server_wait_log(&s, "upgrade failed");
        ck_assert_int_eq(server_pid(&s), server);
        client_once(&s, GET("/life"), 200, "one");
    }
    ck_assert_int_eq(unlink(path), 0);
    server_signal(&s, SIGUSR2);
    server_wait_log(&s, "upgrade failed");
    client_once(&s, GET("/life"), 200, "one");
    copy_program("etude", path);
    ck_assert_int_ne(server_upgrade(&s), server);
    client_once(&s, GET("/life"), 200, "one");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A third one waits until one of two has left. */
START_TEST(two_leave_at_most)
{
    struct client c[2];

    server_start(&s, SERVER "[plugin life]\n[plugin slow]\n");
    for (int i = 0; i < 2; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i], i == 0 ? GET("/slow/1500") : GET("/slow/2500"));
        server_wait_log(&s, "slow: begins");
        (void)server_upgrade(&s);
    }
    server_signal(&s, SIGUSR2);
    server_wait_log(&s, " has left"); /* before ... */
    server_wait_log(&s, " is started to take over");
    server_wait_log(&s, " takes over from ");
    for (int i = 0; i < 2; i++) {
        client_take(&c[i], 0, 200, "slept");
        client_come_again(&c[i], &s);
        client_expect(&c[i], GET("/life"), 200, "life");
        client_close(&c[i]);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The heir dies: what has not gone over yet goes to the next one. */
START_TEST(an_heir_that_dies_has_a_successor)
{
    struct client busy, idle;
    pid_t heir;

    server_start(&s, SERVER "[plugin life]\n[plugin slow]\n");
    idle = client_open(&s);
    client_expect(&idle, GET("/life"), 200, "life");
    busy = client_open(&s);
    client_puts(&busy, GET("/slow/1000"));
    server_wait_log(&s, "slow: begins");
    heir = server_upgrade(&s);
    ck_assert_int_eq(kill(heir, SIGKILL), 0);
    server_wait_log(&s, "starts again in 0 ms");
    client_take(&busy, 0, 200, "slept");
    client_come_again(&busy, &s);
    client_expect(&busy, GET("/life"), 200, "life");
    server_wait_log(&s, " has left");
    client_expect(&busy, GET("/life"), 200, "life");
    client_close(&busy);
    client_close(&idle);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_stop_is_for_who_leaves_too)
{
    struct client busy;

    server_start(&s, SERVER "[plugin life]\n[plugin slow]\n");
    busy = client_open(&s);
    client_puts(&busy, GET("/slow/700"));
    server_wait_log(&s, "slow: begins");
    (void)server_upgrade(&s);
    server_signal(&s, SIGTERM);
    client_take(&busy, 0, 200, "slept");
    ck_assert(client_is_closed(&busy));
    client_close(&busy);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

/* What PROXY has said of a connection goes along; one that has said nothing yet
 * may still. */
START_TEST(what_is_known_of_a_connection_goes_along)
{
    static const char proxy[] = "PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n";
    struct client told, early;

    server_start(&s, "[server]\nworkers = 2\nsupervise = yes\n"
                     "[listen front]\naddress = 127.0.0.1:0\n"
                     "proxy_protocol = v1\n[plugin answers]\n");
    told = client_dial(s.port);
    early = client_dial(s.port);
    client_puts(&told, proxy);
    client_enter(&told);
    client_expect(&told, GET("/peer"), 200, "192.0.2.7 192.0.2.7");
    (void)server_upgrade(&s);
    server_wait_log(&s, " has left");
    if (transport_here()->is_plain) /* elsewhere only what goes along says it */
        client_expect(&told, GET("/peer"), 200, "192.0.2.7 192.0.2.7");
    client_puts(&early, "PROXY TCP4 192.0.2.8 192.0.2.1 5000 80\r\n");
    client_enter(&early);
    client_expect(&early, GET("/peer"), 200, "192.0.2.8 192.0.2.8");
    client_close(&told);
    client_close(&early);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(upgrade, the_number_stays_and_so_do_connections,
          what_is_in_flight_is_answered_and_goes_after_it,
          under_load_nothing_fails,
          under_load_of_workers_that_accept_nothing_fails,
          nor_does_it_after_a_fault, nor_with_more_of_them,
          one_that_comes_late_finds_room, who_waits_to_be_let_in_goes_along,
          who_waits_for_a_worker_that_accepts_goes_along,
          another_program_takes_the_supervisor_s_place,
          neighbouring_versions_understand_each_other,
          a_program_that_is_none_is_refused, two_leave_at_most,
          an_heir_that_dies_has_a_successor, a_stop_is_for_who_leaves_too,
          what_is_known_of_a_connection_goes_along)
