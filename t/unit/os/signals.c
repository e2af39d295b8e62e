/* SPDX-License-Identifier: BSD-2-Clause */
/* signals.c - which second order to stop is the first one, arrived twice. */
#include "os/signals.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "t/lib/unit.h"

#define MS 1000000u

START_TEST(one_order_may_arrive_twice)
{
    static const struct {
        struct stop_order last, now;
        int is_repeated;
    } rows[] = {
        {{0, 0, 0}, {SIGTERM, 7, 1}, 0},
        /* timeout(1): the process, then its group. */
        {{SIGTERM, 7, 0}, {SIGTERM, 7, 1 * MS}, 1},
        /* A script that means it. */
        {{SIGTERM, 7, 0}, {SIGTERM, 7, 60 * MS}, 0},
        /* Ctrl-C, and a wrapper that passes it on; in either order. */
        {{SIGINT, 0, 0}, {SIGINT, 7, 60 * MS}, 1},
        {{SIGINT, 7, 0}, {SIGINT, 0, 60 * MS}, 1},
        {{SIGINT, 0, 0}, {SIGINT, 7, 210 * MS}, 0},
        /* Ctrl-C twice. */
        {{SIGINT, 0, 0}, {SIGINT, 0, 90 * MS}, 0},
        /* A service manager, and a wrapper. */
        {{SIGTERM, 1, 0}, {SIGTERM, 7, 60 * MS}, 1},
        {{SIGTERM, 1, 0}, {SIGTERM, 7, 300 * MS}, 0},
        /* Another signal is another order. */
        {{SIGTERM, 7, 0}, {SIGINT, 7, 1}, 0},
        {{SIGTERM, 7, 0}, {SIGQUIT, 8, 1}, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(signals_is_repeated(&rows[i].last, &rows[i].now) ==
                          rows[i].is_repeated,
                      "row %zu", i);
}
END_TEST

START_TEST(an_order_knows_its_sender)
{
    struct signalfd_siginfo si;
    struct stop_order o;
    int fd = signals_open(0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
    ck_assert_int_eq(read(fd, &si, sizeof si), sizeof si);
    o = signals_stop_order(&si, 5);
    ck_assert_uint_eq(o.signo, SIGTERM);
    ck_assert_uint_eq(o.sender, (uint32_t)getpid());
    ck_assert_uint_eq(o.ns, 5);
    o = (struct stop_order){0, 0, 0};
    ck_assert_int_eq(signals_is_another(&o, &si, 1 * MS), 1);
    ck_assert_int_eq(signals_is_another(&o, &si, 2 * MS), 0);
    ck_assert_uint_eq(o.ns, 2 * MS);
    ck_assert_int_eq(signals_is_another(&o, &si, 99 * MS), 1);
    si.ssi_code = SI_KERNEL;
    ck_assert_uint_eq(signals_stop_order(&si, 5).sender, 0);
    close(fd);
}
END_TEST

UNIT_MAIN(signals, one_order_may_arrive_twice, an_order_knows_its_sender)
