/* SPDX-License-Identifier: BSD-2-Clause */
/* stream.c - what of http/stream.h only the host itself uses: payloads that
 * several share, who is told of room and of the end; and that memory may end at
 * any point.  What clients and plugins see of it, e2e/ws.c tries. */
/* tags: asan */
#include "http/stream.h"

#include <stdio.h>
#include <string.h>

#include "base/blocks.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "http/gen.h"
#include "http/host.h"
#include "http/payload.h"
#include "http/req.h"
#include "http/streams.h"
#include "http/upgrade.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "proto/ws.h"
#include "t/lib/unit.h"

#define N 4
#define ROOM 256

static struct blocks blocks;
static struct clock now;
static struct metrics metrics;
static struct host_worker worker;
static struct streams all;
static struct streams_limits limits;
static struct gen_worker part, *unpinned;
static struct instance instance;
static struct plugin plugin;
static char trace[64];

/* ---- a connection --------------------------------------------------------*/

static struct {
    struct stream *stream;
    char out[ROOM];
    size_t n;
    int is_over;
} wires[N];

static char *
room(struct stream *s, size_t n)
{
    char *out = wires[(intptr_t)s->sink_ctx].out;
    size_t used = wires[(intptr_t)s->sink_ctx].n;

    return n <= ROOM - used ? out + used : NULL;
}

static void
commit(struct stream *s, size_t n)
{
    wires[(intptr_t)s->sink_ctx].n += n;
}

static size_t
unsent(const struct stream *s)
{
    return wires[(intptr_t)s->sink_ctx].n;
}

static void
over(struct stream *s)
{
    wires[(intptr_t)s->sink_ctx].is_over++;
}

static const struct stream_sink sink = {
    .room = room, .commit = commit, .unsent = unsent, .over = over};

/* All that waits on i is sent: its bytes in text, how many. */
static size_t
drain(int i, char *text)
{
    struct segment_queue *q = &wires[i].stream->queue;
    size_t n = wires[i].n;
    const struct segment *s;

    memcpy(text, wires[i].out, n);
    wires[i].n = 0;
    while ((s = segment_peek(q)) != NULL) {
        size_t part_n = s->n < 77 ? (size_t)s->n : 77;
        memcpy(text + n, s->p, part_n);
        n += part_n;
        segment_consume(q, part_n);
    }
    return n;
}

/* ---- set up --------------------------------------------------------------*/

static void
on_unpinned(struct streams *streams, struct gen_worker *g)
{
    (void)streams;
    unpinned = g;
}

static void
note(const char *what)
{
    strncat(trace, what, sizeof trace - strlen(trace) - 1);
}

static void
on_close(et_ws *s, void *self, uint32_t code, et_str reason)
{
    char text[16];

    (void)s;
    (void)self;
    (void)reason;
    snprintf(text, sizeof text, "c%u", code);
    note(text);
}

static void
on_message(et_ws *s, void *self, uint32_t type, const char *p, size_t n)
{
    (void)self;
    (void)stream_out_send(s, type, p, n);
}

static const et_ws_calls calls = {sizeof calls, 0,    NULL,    on_message,
                                  NULL,         NULL, on_close};

static void
set_up(void)
{
    struct req r = {.upgrade = NULL};
    struct upgrade u = {.calls = &calls,
                        .instance = &instance,
                        .max_message = 10000,
                        .queue_max = 8192};

    memset(wires, 0, sizeof wires);
    trace[0] = '\0';
    unpinned = NULL;
    instance.plugin = &plugin;
    instance.name = "x";
    host_worker_init(&worker, 0, 1);
    worker.clock = &now;
    worker.metrics = &metrics;
    blocks_init(&blocks, 1 << 20);
    ck_assert_int_eq(streams_init(&all, N, &blocks, &worker, &limits), 0);
    all.on_unpinned = on_unpinned;
    r.pub.ctx = worker.pub.ctx;
    r.pub.worker = &worker.pub;
    r.gen = &part;
    for (intptr_t i = 0; i < N; i++) {
        wires[i].stream = stream_new(&all, &r, &u, &sink, (void *)i);
        ck_assert_ptr_nonnull(wires[i].stream);
        stream_open(wires[i].stream);
    }
    ck_assert_ptr_null(stream_new(&all, &r, &u, &sink, NULL));
    ck_assert_uint_eq(part.n_active, N);
}

static void
tear_down(void)
{
    for (int i = 0; i < N; i++) {
        if (wires[i].stream)
            stream_free(wires[i].stream);
    }
    ck_assert_ptr_eq(unpinned, &part);
    ck_assert_uint_eq(part.n_active, 0);
    ck_assert_uint_eq(blocks.out_bytes, 0);
    ck_assert(!streams_is_due(&all));
    streams_fini(&all);
    blocks_fini(&blocks);
}

/* ---- payloads ------------------------------------------------------------*/

static int n_released;

static void
release(struct payload *p)
{
    ck_assert_uint_eq(p->refs, 0);
    n_released++;
}

static char body[6000];

static struct payload
payload_of(uint32_t n)
{
    memset(body, 'x', sizeof body);
    n_released = 0;
    return (struct payload){.refs = 1, .n = n, .p = body, .release = release};
}

START_TEST(one_payload_is_shared_by_all)
{
    struct payload p = payload_of(6000);
    char text[8000];

    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(
            stream_out_send(&wires[i].stream->pub, ET_WS_TEXT, "before", 6), 0);
        ck_assert_int_eq(stream_out_share(wires[i].stream, ET_WS_BINARY, &p),
                         0);
        ck_assert_int_eq(
            stream_out_send(&wires[i].stream->pub, ET_WS_TEXT, "behind", 6), 0);
    }
    ck_assert_uint_eq(p.refs, 1 + N);
    payload_unref(&p, 1); /* its maker has no use for it any more */
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(n_released, 0);
        ck_assert_uint_eq(drain(i, text), 8 + 4 + 6000 + 8);
        ck_assert(memcmp(text + 2, "before", 6) == 0);
        ck_assert(memcmp(text + 8, "\x82\x7e\x17\x70", 4) == 0);
        ck_assert(memcmp(text + 8 + 4, body, 6000) == 0);
        ck_assert(memcmp(text + 8 + 4 + 6000 + 2, "behind", 6) == 0);
    }
    ck_assert_int_eq(n_released, 1);
}
END_TEST

START_TEST(a_small_one_is_copied)
{
    struct payload p = payload_of(100);
    char text[8000];

    ck_assert_int_eq(stream_out_share(wires[0].stream, ET_WS_TEXT, &p), 0);
    ck_assert_uint_eq(p.refs, 1);
    ck_assert_uint_eq(drain(0, text), 2 + 100);
    ck_assert(memcmp(text, "\x81\x64xx", 4) == 0);
}
END_TEST

START_TEST(the_end_of_a_stream_gives_it_back)
{
    struct payload p = payload_of(6000);

    ck_assert_int_eq(stream_out_share(wires[0].stream, ET_WS_TEXT, &p), 0);
    stream_free(wires[0].stream);
    wires[0].stream = NULL;
    ck_assert_uint_eq(p.refs, 1);
    ck_assert_str_eq(trace, "c1006");
}
END_TEST

/* ---- bonds ---------------------------------------------------------------*/

static void
bond_over(struct stream_bond *b)
{
    ck_assert(list_is_empty(&b->link));
    note("o");
}

static void
bond_room(struct stream_bond *b)
{
    (void)b;
    note("r");
}

START_TEST(a_full_queue_is_told_and_so_is_room)
{
    struct stream_bond b = {.on_over = bond_over, .on_room = bond_room};
    struct payload p = payload_of(6000);
    struct stream *s = wires[0].stream;
    char text[16000];

    stream_bind(s, &b);
    ck_assert_int_eq(stream_out_share(s, ET_WS_TEXT, &p), 0);
    stream_sent(s);
    ck_assert(!stream_wants_room(s));
    ck_assert_int_eq(stream_out_share(s, ET_WS_TEXT, &p), ET_ELIMIT);
    ck_assert(stream_wants_room(s));
    stream_sent(s); /* not yet */
    ck_assert_str_eq(trace, "");
    (void)drain(0, text);
    stream_sent(s);
    stream_sent(s);
    ck_assert_str_eq(trace, "r");
    ck_assert_int_eq(stream_out_share(s, ET_WS_TEXT, &p), 0);
    (void)drain(0, text);
    stream_fail(s, 1011);
    ck_assert_str_eq(trace, "rc1011o");
    ck_assert_int_eq(wires[0].is_over, 1);
    ck_assert_int_eq(stream_out_share(s, ET_WS_TEXT, &p), ET_ECANCEL);
    ck_assert_uint_eq(drain(0, text), 4); /* the close frame */
}
END_TEST

START_TEST(who_has_left_is_not_told)
{
    struct stream_bond b = {.on_over = bond_over, .on_room = bond_room};

    stream_bind(wires[0].stream, &b);
    list_remove(&b.link);
    stream_fail(wires[0].stream, 1011);
    ck_assert_str_eq(trace, "c1011");
}
END_TEST

/* ---- deadlines -----------------------------------------------------------*/

/* It is when that is due, and then it is over. */
static void
look_until_over(struct stream *s, uint64_t due_ms)
{
    ck_assert_uint_eq(stream_due_ms(s), due_ms);
    now.mono_ms = due_ms - 1;
    ck_assert_int_eq(stream_look(s), 0);
    ck_assert(!s->is_over);
    now.mono_ms = due_ms;
    ck_assert_int_eq(stream_look(s), 0);
    ck_assert(s->is_over);
}

START_TEST(who_does_not_answer_a_close_is_not_waited_for)
{
    now.mono_ms = 1000;
    ck_assert_uint_eq(stream_due_ms(wires[0].stream), UINT64_MAX);
    ck_assert_int_eq(stream_close(&wires[0].stream->pub, 1000, (et_str){"", 0}),
                     0);
    ck_assert_uint_eq(wires[0].n, 4);
    look_until_over(wires[0].stream, 1000 + STREAM_CLOSE_MS);
    ck_assert_str_eq(trace, "c1006");
}
END_TEST

START_TEST(who_is_retired_is_closed_when_it_is_due)
{
    static const char restart[] = "\x88\x02\x03\xf4";

    now.mono_ms = 1000;
    streams_retire(&all, 1500);
    now.mono_ms = 1499;
    ck_assert_int_eq(stream_look(wires[0].stream), 0);
    ck_assert_uint_eq(wires[0].n, 0);
    now.mono_ms = 1500;
    ck_assert_int_eq(stream_look(wires[0].stream), 0);
    ck_assert_uint_eq(wires[0].n, 4);
    ck_assert_mem_eq(wires[0].out, restart, 4);
    streams_retire(&all, UINT64_MAX); /* no later than that */
    look_until_over(wires[0].stream, 1500 + STREAM_CLOSE_MS);
    ck_assert_str_eq(trace, "c1012");
    ck_assert_uint_eq(stream_due_ms(wires[1].stream), 1500);
}
END_TEST

/* ---- without memory ------------------------------------------------------*/

/* A message in two, as a client sends it with a mask of zeros. */
static size_t
feed(struct stream *s)
{
    static char frames[6100];
    size_t n = 0;

    for (int i = 0; i < 2; i++) {
        const char head[] = {
            (char)(i ? 0x80 : 0x02), (char)0xfe, 0x0b, (char)0xb8, 0, 0, 0, 0};
        memcpy(frames + n, head, 8);
        n += 8 + 3000;
    }
    return stream_in_feed(s, frames, n);
}

START_TEST(memory_may_end_at_any_point)
{
    int n_failed = 0;

    for (int i = 0; i < N; i++) {
        struct stream *s = wires[i].stream;
        blocks.max_bytes = blocks.out_bytes + (size_t)i * 4096;
        (void)feed(s);
        n_failed += s->is_over;
        if (!s->is_over && s->reading)
            ck_abort_msg("nothing is half read");
    }
    ck_assert_int_ge(n_failed, 2);
    blocks.max_bytes = 1 << 20;
}
END_TEST

UNIT_MAIN_IN(set_up, tear_down, stream, one_payload_is_shared_by_all,
             a_small_one_is_copied, the_end_of_a_stream_gives_it_back,
             a_full_queue_is_told_and_so_is_room, who_has_left_is_not_told,
             who_does_not_answer_a_close_is_not_waited_for,
             who_is_retired_is_closed_when_it_is_due,
             memory_may_end_at_any_point)
