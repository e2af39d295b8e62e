/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_random.c - HTTP/2 by chance: a client that keeps the rules and does
 * whatever they let it, whose answers are all right; and one that keeps none,
 * which the server outlives.
 * tags: epoll asan tsan tls */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

enum { ROUNDS = 30, STEPS = 300, STREAMS = 60, LARGEST = 120000 };

enum kind { NOBODY, GET, POST, PIECES, GONE };

/* What was asked on a stream. */
struct asked {
    enum kind kind;
    size_t n, sent; /* bytes of its body or answer; of its body that went */
};

static struct server s;
static unsigned seed;
static struct asked asked[STREAMS];
static char pattern[LARGEST + 23];

static void
begin(void)
{
    server_start(&s, FRAMES_INI);
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)('a' + i % 23);
}

static void
end(void)
{
    struct frames f = frames_open(&s);

    frames_serves(&f);
    frames_close(&f);
    ck_assert_int_eq(server_stop(&s), 0);
}

static unsigned
below(unsigned n)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % n;
}

/* A size that is often a small one. */
static size_t
some_size(void)
{
    static const unsigned most[] = {1, 30, 1000, 17000, LARGEST};

    return below(most[below(5)]);
}

static uint32_t
id_of(size_t i)
{
    return 2 * (uint32_t)i + 1;
}

/* ---- one that keeps the rules --------------------------------------------*/

static void
ask(struct frames *f, size_t i)
{
    struct asked *a = &asked[i];
    char path[64];

    *a = (struct asked){.kind = GET + below(3), .n = some_size()};
    if (a->kind == POST) {
        char length[64] = "";
        if (below(2))
            snprintf(length, sizeof length, "content-length: %zu\n", a->n);
        frames_post(f, id_of(i), "/echo", length);
        return;
    }
    snprintf(path, sizeof path,
             a->kind == GET ? "/mem/%zu" : "/writer/pieces?n=%zu&size=26",
             a->kind == GET ? a->n : a->n / 300);
    frames_get(f, id_of(i), path);
}

/* Some more of a body, as windows allow. */
static void
send_some(struct frames *f, size_t i)
{
    struct asked *a = &asked[i];
    struct frames_stream *t = frames_stream(f, id_of(i));
    int64_t n = (int64_t)(a->n - a->sent), most = 1 + (int64_t)below(16384);

    n = n < most ? n : most;
    n = n < t->send ? n : t->send;
    n = n < f->send ? n : f->send;
    if (a->kind != POST || t->is_ended || t->reset >= 0 || n < 0 ||
        (n == 0 && a->sent < a->n) || a->sent > a->n)
        return;
    frames_data(f, id_of(i),
                a->sent + (size_t)n == a->n ? FRAMES_END_STREAM : 0,
                pattern + a->sent, (size_t)n);
    a->sent += (size_t)n;
    if (a->sent == a->n)
        a->sent++; /* its end was said */
}

static void
give_up(struct frames *f, size_t i)
{
    if (asked[i].kind == NOBODY || asked[i].kind == GONE || below(5))
        return;
    frames_reset(f, id_of(i), FRAMES_CANCEL);
    asked[i].kind = GONE;
}

static void
step(struct frames *f, size_t *n)
{
    size_t i = *n ? below((unsigned)*n) : 0;

    switch (below(12)) {
    case 0:
    case 1:
        if (*n < STREAMS)
            ask(f, (*n)++);
        break;
    case 2: give_up(f, i); break;
    case 3: frames_ping(f, "randomly"); break;
    case 4:
        if (f->n_settings == f->n_settings_acks)
            frames_setting(f, FRAMES_INITIAL_WINDOW_SIZE,
                           (uint32_t)some_size());
        break;
    case 5:
        frames_window(f, below(2) && *n ? id_of(i) : 0, 1 + below(20000));
        break;
    case 6: frames_priority(f, id_of(i), 0, below(256)); break;
    case 7: f->is_mean = (int)below(2); break;
    case 8: frames_poll(f); break;
    default: send_some(f, i); break;
    }
}

/* What is there of an answer is right; all of it, if it has ended. */
static void
is_right(struct frames *f, size_t i)
{
    const struct asked *a = &asked[i];
    const struct frames_stream *t = frames_stream(f, id_of(i));
    size_t n = a->kind == PIECES ? a->n / 300 * 26 : a->n;

    if (a->kind == GONE)
        return;
    ck_assert_int_le(t->reset, FRAMES_NO_ERROR);
    ck_assert_msg(t->status == 200, "stream %u: %d", t->id, t->status);
    ck_assert_msg(t->body.n == n, "stream %u: %zu of %zu", t->id, t->body.n, n);
    for (size_t k = 0; k < n; k++)
        UNIT_HOLDS(t->body.p[k] ==
                   'a' + (char)(k % (a->kind == PIECES ? 26 : 23)));
}

/* Whatever is missing yet. */
static void
finish(struct frames *f, size_t n)
{
    f->is_mean = 0;
    frames_settle(f);
    frames_setting(f, FRAMES_INITIAL_WINDOW_SIZE, 1 << 20);
    frames_window(f, 0, 100 << 20);
    for (size_t i = 0; i < n; i++) {
        struct frames_stream *t;
        while (t = frames_stream(f, id_of(i)),
               asked[i].kind != GONE && !t->is_ended && t->reset < 0) {
            for (size_t sent = SIZE_MAX; sent != asked[i].sent;) {
                sent = asked[i].sent;
                send_some(f, i);
            }
            ck_assert_msg(frames_next(f), "the end (GOAWAY %d, \"%s\") at %u",
                          f->goaway, f->why, t->id);
        }
        is_right(f, i);
    }
    frames_serves(f);
}

START_TEST(whatever_the_rules_let_is_answered)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct frames f = frames_open(&s);
        size_t n = 0;
        seed = (unsigned)round;
        memset(asked, 0, sizeof asked);
        for (int i = 0; i < STEPS; i++) {
            step(&f, &n);
            ck_assert_msg(f.goaway < 0, "round %d: GOAWAY %d, \"%s\"", round,
                          f.goaway, f.why);
        }
        finish(&f, n);
        frames_close(&f);
    }
}
END_TEST

/* ---- one that does not ---------------------------------------------------*/

static void
lawless(struct frames *f)
{
    char p[64];
    uint32_t stream = below(8) ? 1 + below(20) : below(2) ? 0 : below(1 << 30);

    for (size_t i = 0; i < sizeof p; i++)
        p[i] = (char)below(256);
    switch (below(10)) {
    case 0:
    case 1: frames_get(f, stream, below(2) ? "/mem/5" : "/mem/100000"); break;
    case 2: frames_post(f, stream, "/echo", ""); break;
    case 3: frames_post(f, stream, "/task/body?ms=1&n=10", ""); break;
    case 4: frames_get(f, stream, "/writer/pieces?n=50&size=1000"); break;
    case 5: frames_data(f, stream, below(256), p, below(sizeof p)); break;
    case 6: frames_reset(f, stream, below(20)); break;
    case 7:
        frames_send_as(f, below(4) ? below(64) : below(1 << 20), below(18),
                       below(256), stream, p, below(sizeof p));
        break;
    default:
        frames_send(f, below(18), below(256), stream, p, below(sizeof p));
        break;
    }
}

/* What comes is not judged: it may be the answer to anything. */
START_TEST(whatever_else_is_outlived)
{
    for (int round = 0; round < 20 * ROUNDS; round++) {
        struct frames f = frames_open(&s);
        seed = 7777u + (unsigned)round;
        f.is_held = 1;
        for (unsigned i = 1 + below(40); i > 0; i--)
            lawless(&f);
        (void)frames_flush(&f, 1000);
        f.c.n = 0;
        for (int i = (int)below(3); i > 0 && !client_is_quiet(&f.c, 5); i--) {
            if (!client_more(&f.c))
                break;
            f.c.n = 0;
        }
        frames_close(&f);
    }
}
END_TEST

UNIT_MAIN_IN(begin, end, h2_random, whatever_the_rules_let_is_answered,
             whatever_else_is_outlived)
