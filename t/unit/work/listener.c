/* SPDX-License-Identifier: BSD-2-Clause */
/* listener.c - accepting fails: it backs off, says so once, and goes on; and
 * nobody wakes it.
 *
 * The loop is none: a backend that notes what is asked of it, so that any
 * failure can be had. */
#include "work/listener.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "t/lib/unit.h"

#define LATER_MS 1000 /* beyond the back-off */

static int n_starts, n_stops, n_conns;

static void
accept_start(struct io *io, struct io_source *s)
{
    (void)io;
    (void)s;
    n_starts++;
}

static void
accept_stop(struct io *io, struct io_source *s)
{
    (void)io;
    (void)s;
    n_stops++;
}

static void
on_conn(struct listener *l, int fd)
{
    (void)l;
    close(fd);
    n_conns++;
}

static const struct io_backend backend = {
    .name = "none", .accept_start = accept_start, .accept_stop = accept_stop};
static struct io io = {.backend = &backend};
static struct wheel wheel;
static struct listener l;
static int errors[2]; /* a pipe, in the place of stderr */

static uint64_t
now_ms(void)
{
    return clock_mono_ns() / 1000000u;
}

static void
setup(void)
{
    wheel_init(&wheel, now_ms());
    l.on_conn = on_conn;
    ck_assert_int_eq(pipe(errors), 0);
    ck_assert_int_ge(dup2(errors[1], STDERR_FILENO), 0);
    listener_start(&l, &io, &wheel, -1, 0);
    ck_assert_int_eq(n_starts, 1);
}

static void
not_accepted(int err)
{
    l.io.on->on_accept(&l.io, -err);
}

/* How many lines the log has, and that they have text. */
static void
expect_lines(int n, const char *text)
{
    static char got[4096];
    int lines = 0;
    ssize_t k;

    fflush(stderr);
    ck_assert_int_eq(write(errors[1], ".", 1), 1); /* so that read has some */
    k = read(errors[0], got, sizeof got - 1);
    ck_assert_int_gt(k, 0);
    got[k] = '\0';
    for (const char *p = got; (p = strchr(p, '\n')); p++)
        lines++;
    ck_assert_msg(lines == n, "%d lines:\n%s", lines, got);
    if (n)
        unit_has(got, text);
}

START_TEST(it_backs_off_and_goes_on)
{
    static const int v[] = {ENOMEM, ENOBUFS, EMFILE, ENFILE};

    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        n_starts = 0;
        for (int k = 1; k <= 5; k++) {
            not_accepted(v[i]);
            ck_assert_int_eq(n_starts, k - 1); /* it does not spin */
            wheel_advance(&wheel, now_ms() + LATER_MS);
            ck_assert_int_eq(n_starts, k);
            expect_lines(k == 1, strerror(v[i]));
        }
        l.io.on->on_accept(&l.io, dup(0));
        ck_assert_int_eq(n_conns, (int)i + 1);
        expect_lines(1, "again");
        l.io.on->on_accept(&l.io, dup(0));
        expect_lines(0, NULL);
        n_conns--;
    }
}
END_TEST

START_TEST(paused_it_does_not_go_on)
{
    not_accepted(ENOMEM);
    listener_pause(&l, 1);
    wheel_advance(&wheel, now_ms() + LATER_MS);
    ck_assert_int_eq(n_starts, 1);
    listener_pause(&l, 0);
    ck_assert_int_eq(n_starts, 2);
}
END_TEST

/* ---- looking
 * ---------------------------------------------------------------*/

static struct sockaddr_un at = {.sun_family = AF_UNIX};

/* A listener on a socket from which the loop accepts nothing. */
static void
listen_unwoken(void)
{
    const socklen_t len = sizeof at;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "etude-listener-%d",
             (int)getpid());
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    listener_start(&l, &io, &wheel, fd, 0);
}

static void
connect_one(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
}

START_TEST(new_it_takes_what_it_was_not_woken_for)
{
    uint64_t now = now_ms();

    listen_unwoken();
    wheel_advance(&wheel, now + 100);
    ck_assert_int_eq(n_conns, 0);
    for (int i = 0; i < 3; i++)
        connect_one();
    wheel_advance(&wheel, now + 1000);
    ck_assert_int_eq(n_conns, 3);
    listener_pause(&l, 1);
    connect_one();
    wheel_advance(&wheel, now + 5000);
    ck_assert_int_eq(n_conns, 3);
    listener_pause(&l, 0);
    wheel_advance(&wheel, now + 20000);
    ck_assert_int_eq(n_conns, 4);
}
END_TEST

START_TEST(it_does_not_look_for_ever)
{
    uint64_t now = now_ms();
    int n = 0;

    listen_unwoken();
    for (int64_t ms; (ms = wheel_next_ms(&wheel, now)) >= 0; n++) {
        now += (uint64_t)ms + 1;
        wheel_advance(&wheel, now);
    }
    ck_assert_int_lt(n, 40);
    ck_assert_uint_gt(now, now_ms() + 30000);
    connect_one();
    wheel_advance(&wheel, now + 100000);
    ck_assert_int_eq(n_conns, 0);
}
END_TEST

UNIT_MAIN_IN(setup, NULL, listener, it_backs_off_and_goes_on,
             paused_it_does_not_go_on, new_it_takes_what_it_was_not_woken_for,
             it_does_not_look_for_ever)
