/* SPDX-License-Identifier: BSD-2-Clause */
/* robbed.c - a plugin closes one descriptor that is the server's.
 * tags: epoll
 *
 * Whoever needs it finds out when it does; that is provoked by connections, and
 * by a reload that speaks to every thread.  Then the process is replaced, and
 * no plugin is blamed that ran last somewhere. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
#define PLUGINS "[plugin life]\n[plugin closer]\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define DESCRIPTORS 256

static struct server s;

static void
read_fd_link(int pid, int fd, char *link, size_t cap)
{
    char path[64];
    ssize_t n;

    snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    n = readlink(path, link, cap - 1);
    link[n < 0 ? 0 : n] = '\0';
}

/* The k-th descriptor of the process, by number, that is such a thing and that
 * it has not inherited from us; -1: it has no more of them. */
static int
find_fd(int pid, const char *kind, int k)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        char link[128], ours[128];
        read_fd_link(pid, fd, link, sizeof link);
        read_fd_link(getpid(), fd, ours, sizeof ours);
        if (strncmp(link, kind, strlen(kind)) != 0 || strcmp(link, ours) == 0)
            continue;
        if (k-- == 0)
            return fd;
    }
    return -1;
}

static void
have_closed(int fd)
{
    struct client c = client_open(&s);
    struct answer a;

    client_printf(&c, "GET /close/%d HTTP/1.1\r\nHost: x\r\n\r\n", fd);
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    answer_free(&a);
    client_close(&c);
}

static void
ck_replaced(int pid)
{
    server_wait_log(&s, "a plugin has closed ");
    server_wait_log(&s, "none: no callback of a plugin was running");
    server_wait_log(&s, " serves: ");
    /* Before or after that; a stop would tell of it. */
    for (int i = 0; i < 4000 && !server_has_log(&s, "was killed by "); i++)
        usleep(5000);
    ck_assert_int_ne(server_pid(&s), pid);
    client_once(&s, GET("/life"), 200, "life");
}

#define PIPES 8 /* control, two workers, acceptor: both ends of each */

START_TEST(a_thread_s_pipe)
{
    int pid, fd;

    server_start(&s, SERVER PLUGINS);
    pid = server_pid(&s);
    fd = find_fd(pid, "pipe:", _i);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(find_fd(pid, "pipe:", PIPES), -1);
    have_closed(fd);
    server_write(&s, SERVER "listen = unix:$DIR/socket\n" PLUGINS);
    server_signal(&s, SIGHUP);
    ck_replaced(pid);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* With io_uring it is accepted from for as long as nobody names it again. */
START_TEST(a_listening_socket)
{
    int pid, fd;

    server_start(&s, SERVER "event = epoll\n" PLUGINS);
    pid = server_pid(&s);
    fd = find_fd(pid, "socket:", 1); /* the first leads to the supervisor */
    ck_assert_int_ge(fd, 0);
    have_closed(fd);
    {
        struct client c = client_open(&s);
        client_puts(&c, GET("/life"));
        ck_replaced(pid);
        client_close(&c);
    }
    ck_assert(server_has_log(&s, "a plugin has closed a listening socket"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

#define EVENTS                                                                 \
    4 /* of the logs, of reports, of a loss, of the watchdog's end             \
       */

START_TEST(what_wakes_a_thread)
{
    int pid, fd;

    server_start(&s, SERVER PLUGINS);
    pid = server_pid(&s);
    fd = find_fd(pid, "anon_inode:[eventfd]", _i);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(find_fd(pid, "anon_inode:[eventfd]", EVENTS), -1);
    have_closed(fd);
    server_signal(&s, SIGHUP);
    ck_replaced(pid);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static int
run_all(void)
{
    Suite *suite = suite_create("robbed");
    TCase *tc = tcase_create("robbed");

    tcase_set_timeout(tc, UNIT_SECONDS);
    tcase_add_loop_test(tc, a_thread_s_pipe, 0, PIPES);
    tcase_add_test(tc, a_listening_socket);
    tcase_add_loop_test(tc, what_wakes_a_thread, 0, EVENTS);
    suite_add_tcase(suite, tc);
    return unit_suite(suite);
}

int
main(void)
{
    return run_all() == 0 ? 0 : 1;
}
