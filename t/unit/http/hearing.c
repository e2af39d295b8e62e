/* SPDX-License-Identifier: BSD-2-Clause */
/* hearing.c - WebSockets that are sent a channel: one body for all of them,
 * what is lost when one is slow, and that memory may end.
 * tags: asan */
#include "http/hearing.h"

#include <stdio.h>
#include <string.h>

#include "base/blocks.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/str.h"
#include "http/channels.h"
#include "http/gen.h"
#include "http/host.h"
#include "http/message.h"
#include "http/req.h"
#include "http/stream.h"
#include "http/streams.h"
#include "http/subs.h"
#include "http/upgrade.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "t/lib/unit.h"

#define N 3
#define QUEUE 8192u
#define LARGE 6000u

static struct blocks blocks;
static struct clock now;
static struct metrics metrics, shared;
static struct mailbox mailbox;
static struct channels channels;
static struct subs subs;
static struct host_worker worker;
static struct streams all;
static struct streams_limits limits;
static struct gen_worker part;
static struct instance instance;
static struct plugin plugin;
static struct stream *v[N];

/* ---- connections, which have no room of their own ------------------------*/

static char *
room(struct stream *s, size_t n)
{
    (void)s;
    (void)n;
    return NULL;
}

static void
commit(struct stream *s, size_t n)
{
    (void)s;
    (void)n;
}

static size_t
unsent(const struct stream *s)
{
    (void)s;
    return 0;
}

static void
over(struct stream *s)
{
    (void)s;
}

static const struct stream_sink sink = {
    .room = room, .commit = commit, .unsent = unsent, .over = over};
static const et_ws_calls calls = {sizeof calls, 0,    NULL, NULL,
                                  NULL,         NULL, NULL};

/* All that waits on s is sent: its frames, a character each: of a message the
 * first of its payload, of a close "!". */
static const char *
drain(struct stream *s)
{
    static char text[4096], frames[64];
    size_t n = 0, n_frames = 0;
    const struct segment *seg;

    while ((seg = segment_peek(&s->queue)) != NULL) {
        ck_assert_uint_lt(n + seg->n, sizeof text * 16);
        if (n + seg->n < sizeof text) /* of a large one the head is enough */
            memcpy(text + n, seg->p, seg->n);
        if (seg->n >= LARGE) {
            frames[n_frames++] = seg->p[0];
            n = 0;
        } else {
            n += seg->n;
        }
        segment_consume(&s->queue, seg->n);
        if (n == 4 && (text[1] & 0x7f) == 126)
            continue; /* the head of a large one */
        for (size_t at = 0; at < n; at += 2 + (size_t)text[at + 1])
            frames[n_frames++] = (text[at] & 0xf) == 8 ? '!' : text[at + 2];
        n = 0;
    }
    frames[n_frames] = '\0';
    stream_sent(s);
    return frames;
}

/* ---- set up --------------------------------------------------------------*/

static void
on_unpinned(struct streams *streams, struct gen_worker *g)
{
    (void)streams;
    (void)g;
}

static void
open_streams(void)
{
    struct req r = {.upgrade = NULL};
    struct upgrade u = {.calls = &calls,
                        .instance = &instance,
                        .max_message = 10000,
                        .queue_max = QUEUE};

    r.pub.ctx = worker.pub.ctx;
    r.pub.worker = &worker.pub;
    r.gen = &part;
    for (int i = 0; i < N; i++) {
        v[i] = stream_new(&all, &r, &u, &sink, NULL);
        ck_assert_ptr_nonnull(v[i]);
        stream_open(v[i]);
    }
}

static void
set_up(void)
{
    instance.plugin = &plugin;
    instance.name = "x";
    host_worker_init(&worker, 0, 1);
    worker.clock = &now;
    worker.metrics = &metrics;
    worker.channels = &channels;
    worker.subs = &subs;
    blocks_init(&blocks, 1 << 20);
    ck_assert_int_eq(mailbox_open(&mailbox), 0);
    channels_open(&shared);
    channels_limit(1 << 20, SIZE_MAX);
    ck_assert_int_eq(channels_init(&channels, 0, 4, &mailbox, &now, &metrics),
                     0);
    ck_assert_int_eq(subs_init(&subs, 4), 0);
    ck_assert_int_eq(streams_init(&all, N, &blocks, &worker, &limits), 0);
    all.on_unpinned = on_unpinned;
    open_streams();
}

static void
tear_down(void)
{
    for (int i = 0; i < N; i++) {
        if (v[i])
            stream_free(v[i]);
    }
    ck_assert_uint_eq(subs.hearings.n_used, 0);
    ck_assert_uint_eq(subs.chunks.n_used, 0);
    ck_assert_uint_eq(channels.n_subscribers, 0);
    ck_assert_uint_eq(blocks.out_bytes, 0);
    ck_assert_uint_eq(message_bytes(), 0);
    channels_leave(&channels);
    mailbox_close(&mailbox, NULL);
    channels_fini(&channels);
    subs_fini(&subs);
    channels_close();
    streams_fini(&all);
    blocks_fini(&blocks);
}

static et_str
text(const char *z)
{
    return (et_str){z, strlen(z)};
}

static void
turn(void)
{
    struct record r[MAILBOX_BATCH];

    now.mono_ns++;
    while (mailbox_recv(&mailbox, r) > 0)
        ;
    mailbox_deliver(&mailbox, NULL);
}

static void
hear(int i, uint32_t max_queue, uint32_t policy)
{
    ck_assert_int_eq(
        hearing_begin(&v[i]->pub, text("x"), ET_WS_TEXT, max_queue, policy), 0);
}

/* Messages of n bytes, one for each character; they are told. */
static void
tell(const char *name, const char *what, size_t n)
{
    static char body[LARGE];

    for (; *what; what++) {
        memset(body, *what, n);
        ck_assert_int_eq(channels_publish(text(name), (et_str){body, n}), 0);
        turn();
    }
}

static uint64_t
counted(enum metric id)
{
    return metrics_get(&metrics, id);
}

/* ---- what is sent ---------------------------------------------------------*/

START_TEST(one_body_is_sent_by_all)
{
    const char *p[2];

    for (int i = 0; i < N; i++)
        hear(i, 0, ET_CH_DROP_OLDEST);
    tell("x", "a", LARGE);
    for (int i = 0; i < 2; i++)
        p[i] = segment_peek(&v[i]->queue)->next->p;
    ck_assert_ptr_eq(p[0], p[1]);
    stream_free(v[2]); /* with what it has queued */
    v[2] = NULL;
    for (int i = 0; i < 2; i++)
        ck_assert_str_eq(drain(v[i]), "a");
    ck_assert_uint_eq(message_bytes(), 0);
}
END_TEST

START_TEST(it_is_of_the_type_that_was_asked_for)
{
    hear(0, 0, 0);
    ck_assert_int_eq(hearing_begin(&v[1]->pub, text("x"), ET_WS_BINARY, 0, 0),
                     0);
    tell("x", "a", 1);
    tell("x", "\xff", 1);
    ck_assert_uint_eq((uint8_t)segment_peek(&v[0]->queue)->p[0], 0x81);
    ck_assert_uint_eq((uint8_t)segment_peek(&v[1]->queue)->p[0], 0x82);
    ck_assert_str_eq(drain(v[0]), "a");
    ck_assert_str_eq(drain(v[1]), "a\xff");
    ck_assert_uint_eq(counted(METRIC_channel_no_text), 1);
}
END_TEST

START_TEST(it_begins_and_ends)
{
    ck_assert_int_eq(hearing_begin(&v[0]->pub, text(""), 1, 0, 0), ET_EINVAL);
    ck_assert_int_eq(hearing_begin(&v[0]->pub, text("x"), 3, 0, 0), ET_EINVAL);
    ck_assert_int_eq(hearing_begin(&v[0]->pub, text("x"), 1, 0, 2), ET_EINVAL);
    hear(0, 0, 0);
    hear(0, 7, 1); /* again: it is told once */
    hearing_end(&v[0]->pub, text("y"));
    tell("x", "a", 1);
    ck_assert_str_eq(drain(v[0]), "a");
    hearing_end(&v[0]->pub, text("x"));
    hearing_end(&v[0]->pub, text("x"));
    tell("x", "b", 1);
    ck_assert_str_eq(drain(v[0]), "");
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(
            hearing_begin(&v[0]->pub, (et_str){"abcd" + i, 1}, 1, 0, 0), 0);
    ck_assert_int_eq(hearing_begin(&v[1]->pub, text("x"), 1, 0, 0), ET_ELIMIT);
    hearing_end(&v[0]->pub, text("c"));
    hear(1, 0, 0);
    ck_assert_int_eq(stream_close(&v[1]->pub, 1000, text("")), 0);
    ck_assert_int_eq(hearing_begin(&v[1]->pub, text("x"), 1, 0, 0), ET_ECANCEL);
    tell("x", "c", 1);
    ck_assert_uint_eq(channels.n_subscribers, 3); /* not the one that closes */
    ck_assert_str_eq(drain(v[1]), "!");
}
END_TEST

/* ---- who is slow
 * -----------------------------------------------------------*/

START_TEST(the_oldest_is_lost)
{
    hear(0, 3, ET_CH_DROP_OLDEST);
    hear(1, 0, ET_CH_DROP_OLDEST);
    tell("x", "abcdefg", LARGE); /* a goes to the queue, b to d are lost */
    ck_assert_uint_eq(counted(METRIC_channel_dropped), 3);
    ck_assert_str_eq(drain(v[0]), "a");
    ck_assert_str_eq(drain(v[0]), "e");
    tell("x", "h", LARGE); /* behind those before */
    for (const char *p = "fgh"; *p; p++)
        ck_assert_int_eq(drain(v[0])[0], *p);
    ck_assert_str_eq(drain(v[0]), "");
    tell("x", "i", LARGE);
    ck_assert_str_eq(drain(v[0]), "i");
    for (const char *p = "abcdefghi"; *p; p++)
        ck_assert_int_eq(drain(v[1])[0], *p);
    ck_assert_uint_eq(counted(METRIC_channel_dropped), 3);
    ck_assert_uint_eq(message_bytes(), 0);
}
END_TEST

START_TEST(or_the_one_who_is_slow)
{
    hear(0, 2, ET_CH_DROP_SELF);
    tell("x", "abc", LARGE);
    ck_assert(!v[0]->is_closing);
    tell("x", "d", LARGE);
    ck_assert(v[0]->is_closing);
    ck_assert_uint_eq(v[0]->code, 1008);
    ck_assert_uint_eq(channels.n_subscribers, 0);
    ck_assert_uint_eq(counted(METRIC_channel_dropped), 3);
    tell("x", "e", LARGE);
    ck_assert_str_eq(drain(v[0]), "a!");
    ck_assert_uint_eq(message_bytes(), 0);
}
END_TEST

/* Not more than a sixteenth of all, however few they are. */
START_TEST(a_backlog_is_bounded_in_bytes)
{
    hear(0, 1000, ET_CH_DROP_OLDEST);
    channels_limit(1 << 20, LARGE * 16 * 3);
    tell("x", "abcdefgh", LARGE);
    ck_assert_uint_eq(counted(METRIC_channel_dropped), 5);
    ck_assert_str_eq(drain(v[0]), "a");
    ck_assert_str_eq(drain(v[0]), "g");
    ck_assert_str_eq(drain(v[0]), "h");
}
END_TEST

START_TEST(none_takes_all_the_room)
{
    char got[16] = "";

    hear(0, 0, 0);
    ck_assert_int_eq(hearing_begin(&v[0]->pub, text("y"), ET_WS_TEXT, 0, 0), 0);
    tell("x", "abcd", LARGE);
    tell("y", "1234", LARGE);
    for (int i = 0; i < 8; i++)
        strcat(got, drain(v[0]));
    ck_assert_str_eq(got, "a1b2c3d4");
}
END_TEST

START_TEST(what_waits_goes_with_the_stream)
{
    hear(0, 0, 0);
    hear(1, 0, 0);
    tell("x", "abcd", LARGE);
    stream_free(v[0]);
    v[0] = NULL;
    hearing_end(&v[1]->pub, text("x"));
    ck_assert_uint_eq(subs.chunks.n_used, 0);
    ck_assert_str_eq(drain(v[1]), "a");
    ck_assert_str_eq(drain(v[1]), "");
}
END_TEST

/* ---- without memory ------------------------------------------------------*/

START_TEST(without_memory_a_message_is_lost)
{
    hear(0, 0, ET_CH_DROP_OLDEST);
    hear(1, 0, ET_CH_DROP_SELF);
    blocks.max_bytes = blocks.out_bytes;
    tell("x", "a", 1);
    ck_assert(v[1]->is_closing);
    ck_assert(!v[0]->is_closing);
    blocks.max_bytes = 1 << 20;
    tell("x", "bcd", LARGE);
    ck_assert_str_eq(drain(v[0]), "b");
    blocks.max_bytes = 0;
    ck_assert_str_eq(drain(v[0]), "c");
    ck_assert_str_eq(drain(v[0]), ""); /* d is lost: it does not stick */
    blocks.max_bytes = 1 << 20;
    tell("x", "e", 1);
    ck_assert_str_eq(drain(v[0]), "e");
    ck_assert_uint_eq(message_bytes(), 0);
}
END_TEST

UNIT_MAIN_IN(set_up, tear_down, hearing, one_body_is_sent_by_all,
             it_is_of_the_type_that_was_asked_for, it_begins_and_ends,
             the_oldest_is_lost, or_the_one_who_is_slow,
             a_backlog_is_bounded_in_bytes, none_takes_all_the_room,
             what_waits_goes_with_the_stream, without_memory_a_message_is_lost)
