/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_leave.c - the last stream that a server names in its second GOAWAY (RFC
 * 9113, 6.8): all up to it are answered, none behind it is begun.
 * tags: epoll asan tls */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define LARGE 7000000

static struct server s;

/* Three requests, and the client is warned. */
static void
begin(void)
{
    server_start(&s, FRAMES_SERVER
                 "max_requests_per_connection = 3\n" FRAMES_ROUTES);
}

static void
end(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
}

/* How often /ref was run. */
static long
count_runs(void)
{
    struct frames f = frames_open(&s);
    struct answer a;
    long n;

    frames_get(&f, 1, "/count/ref");
    a = frames_answer(&f, 1);
    n = atol(a.body);
    answer_free(&a);
    frames_close(&f);
    return n;
}

/* The requests of a client behind its warning, which were sent: as many were
 * run as the last GOAWAY promises, and answered. */
static void
keeps_its_word(struct frames *f, long n_before)
{
    long n = 0;

    while (frames_next(f)) {
    }
    ck_assert_int_eq(f->n_goaways, 2);
    for (uint32_t stream = 1; stream < f->next; stream += 2) {
        const struct frames_stream *t = frames_stream(f, stream);
        if (stream <= f->last_stream)
            ck_assert(t->status == 200 && t->is_ended);
        else
            ck_assert(!t->has_head);
        n += stream <= f->last_stream;
    }
    frames_close(f);
    ck_assert_int_eq(count_runs(), n_before + n);
}

/* More is on its way than the kernels hold. */
START_TEST(who_reads_no_warning_has_nothing_run_behind_the_last)
{
    const uint32_t settings[][2] = {{FRAMES_INITIAL_WINDOW_SIZE, 2 * LARGE}};
    struct frames f = frames_open_with(&s, 1, settings);

    frames_window(&f, 0, 6 * LARGE);
    for (int i = 0; i < 3; i++)
        frames_get(&f, f.next, "/ref/7000000");
    sleep(2); /* the answer to its PING is waited for a second */
    frames_get(&f, f.next, "/ref/1");
    frames_get(&f, f.next, "/ref/2");
    keeps_its_word(&f, 0);
}
END_TEST

/* It asks for more before it has seen the warning, and they come together with
 * the answer to its PING. */
START_TEST(what_is_under_way_then_is_answered)
{
    struct frames f = frames_open(&s);

    f.is_deaf = 1;
    for (int i = 0; i < 3; i++)
        frames_get(&f, f.next, "/ref/1");
    while (f.got.type != FRAMES_PING)
        ck_assert(frames_next(&f));
    ck_assert_int_eq(f.n_goaways, 1);
    f.is_held = 1;
    frames_send(&f, FRAMES_PING, FRAMES_ACK, 0, f.got.p, f.got.n);
    frames_get(&f, f.next, "/ref/1");
    frames_get(&f, f.next, "/ref/2");
    ck_assert(frames_flush(&f, 5000));
    f.is_held = 0;
    ck_assert_uint_eq(f.next, 11);
    while (f.n_goaways < 2)
        ck_assert(frames_next(&f));
    ck_assert_uint_eq(f.last_stream, 9);
    keeps_its_word(&f, 0);
}
END_TEST

UNIT_MAIN_IN(begin, end, h2_leave,
             who_reads_no_warning_has_nothing_run_behind_the_last,
             what_is_under_way_then_is_answered)
