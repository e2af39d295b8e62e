/* SPDX-License-Identifier: BSD-2-Clause */
/* stream.c - a WebSocket fed with anything, whole and in pieces, compressed and
 * not: the same messages, the same end, no memory kept.  What comes is sent
 * back, and taken slowly.  The first byte of the input says what is agreed on.
 */
#include "http/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/blocks.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "http/gen.h"
#include "http/host.h"
#include "http/req.h"
#include "http/streams.h"
#include "http/upgrade.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "proto/utf8.h"
#include "proto/ws_zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_MAX 5000u

struct result {
    uint64_t events;
    uint32_t n_messages, code;
    int has_closed;
};

static struct result *now_noting;
static struct blocks blocks;
static struct clock now;
static struct metrics metrics;
static struct host_worker worker;
static struct streams all;
static const struct streams_limits limits = {.deflate_min = 3};
static struct gen_worker part;
static struct plugin plugin;
static struct instance instance = {.plugin = &plugin, .name = "x"};

static void
require(int ok)
{
    if (!ok)
        abort();
}

static void
note(uint64_t what)
{
    now_noting->events = (now_noting->events ^ what) * 0x9e3779b97f4a7c15u + 1;
}

/* ---- the plugin and the connection ----------------------------------------*/

static void
on_message(et_ws *s, void *self, uint32_t type, const char *p, size_t n)
{
    (void)self;
    require(!now_noting->has_closed && n <= MESSAGE_MAX && p != NULL);
    require(type != ET_WS_TEXT || utf8_is_valid((et_str){p, n}));
    now_noting->n_messages++;
    note(type | (uint64_t)n << 8);
    for (size_t i = 0; i < n; i++)
        note((uint8_t)p[i]);
    require(stream_out_send(s, type, p, n) != ET_EINVAL);
}

static void
on_close(et_ws *s, void *self, uint32_t code, et_str reason)
{
    (void)s;
    (void)self;
    (void)reason;
    require(!now_noting->has_closed);
    now_noting->has_closed = 1;
    now_noting->code = code;
}

static char *
room(struct stream *s, size_t n)
{
    (void)s;
    (void)n;
    return NULL; /* so all of it goes through the queue */
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
    .room = room, .unsent = unsent, .over = over};

static void
on_unpinned(struct streams *streams, struct gen_worker *g)
{
    (void)streams;
    (void)g;
}

static struct stream *
begin(unsigned flags)
{
    static const et_ws_calls calls = {
        .size = sizeof calls, .message = on_message, .close = on_close};
    const struct upgrade u = {
        .calls = &calls,
        .instance = &instance,
        .max_message = MESSAGE_MAX,
        .queue_max = 1024,
        .has_deflate = flags & 1,
        .deflate = {.server_bits = (uint8_t)(9 + (flags >> 1 & 3)),
                    .client_bits = (uint8_t)(8 + (flags >> 3 & 7)),
                    .server_no_context = flags >> 6 & 1,
                    .client_no_context = flags >> 7 & 1}};
    struct req r = {.gen = &part};
    struct stream *s;

    r.pub.ctx = worker.pub.ctx;
    r.pub.worker = &worker.pub;
    s = stream_new(&all, &r, &u, &sink, NULL);
    require(s != NULL);
    stream_open(s);
    return s;
}

/* ---- the test ------------------------------------------------------------*/

static void
take_some(struct stream *s)
{
    const struct segment *front = segment_peek(&s->queue);

    if (front)
        segment_consume(&s->queue, front->n < 100 ? front->n : 100);
    stream_sent(s);
}

/* One piece, in a block of exactly its size. */
static void
feed(struct stream *s, const uint8_t *data, size_t n)
{
    char *copy = malloc(n ? n : 1);
    size_t i = 0;

    require(copy != NULL);
    memcpy(copy, data, n);
    while (i < n && !s->is_over) {
        size_t used = stream_in_feed(s, copy + i, n - i);
        require(used <= n - i);
        require(used == n - i || s->is_over || stream_in_is_blocked(s));
        i += used;
        take_some(s);
    }
    free(copy);
}

static struct result
run(const uint8_t *data, size_t size, unsigned flags, int is_cut)
{
    struct result r = {0};
    uint32_t seed = (uint32_t)size;
    struct stream *s;
    size_t i = 0;

    now_noting = &r;
    s = begin(flags);
    while (i < size && !s->is_over) {
        size_t n = size - i;
        seed = seed * 1103515245u + 12345u + data[i];
        if (is_cut && n > 1 + (seed >> 16) % 9)
            n = 1 + (seed >> 16) % 9;
        feed(s, data + i, n);
        i += n;
    }
    stream_free(s);
    require(r.has_closed && blocks.out_bytes == 0 && all.zip_bytes == 0);
    return r;
}

static void
set_up(void)
{
    if (worker.metrics)
        return;
    host_worker_init(&worker, 0, 1);
    worker.clock = &now;
    worker.metrics = &metrics;
    blocks_init(&blocks, 16 << 20);
    require(streams_init(&all, 2, &blocks, &worker, &limits) == 0);
    all.on_unpinned = on_unpinned;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole, cut;

    if (size < 1)
        return 0;
    set_up();
    whole = run(data + 1, size - 1, data[0], 0);
    cut = run(data + 1, size - 1, data[0], 1);
    if ((data[0] & 1) && (data[0] >> 3 & 7) < 7)
        return 0; /* what goes back beyond the window is not always noticed */
    require(whole.n_messages == cut.n_messages);
    require(whole.events == cut.events && whole.code == cut.code);
    return 0;
}
