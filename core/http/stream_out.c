/* SPDX-License-Identifier: BSD-2-Clause */
/* stream_out.c - what is sent on a WebSocket; see stream.h.
 *
 * A frame goes where its connection has room, beside others; when that has
 * none, behind the queue: into the room that the last block there has, or into
 * blocks of its own.
 *
 *     queue -> [ chunk | frames ......... room ] -> [ share ] -> [ chunk ]
 *                                                     head, others' bytes
 *
 * The order of what is sent is kept: while there is a queue, all goes there. */
#include <stddef.h>
#include <string.h>

#include "base/blocks.h"
#include "base/err.h"
#include "base/metrics.h"
#include "http/host.h"
#include "http/payload.h"
#include "http/stream.h"
#include "http/streams.h"
#include "proto/utf8.h"
#include "proto/ws.h"
#include "proto/ws_zip.h"

/* Frames up to this are copied, whoever shares them. */
#define COPY_MAX 2048u

struct chunk {
    struct segment segment; /* of what is not sent yet */
    struct streams *all;
    size_t size; /* of the block */
    size_t room; /* left behind the bytes */
    char data[];
};

struct share {
    struct segment head_segment, segment; /* in this order */
    struct streams *all;
    size_t size;
    struct payload *payload;
    char head[WS_HEAD_MAX];
};

/* ---- the queue -----------------------------------------------------------*/

static void
release_chunk(void *arg)
{
    struct chunk *c = arg;

    blocks_give(c->all->blocks, c, c->size);
}

static void
release_share(void *arg)
{
    struct share *h = arg;

    payload_unref(h->payload, 1);
    blocks_give(h->all->blocks, h, h->size);
}

/* The last one of the queue, if it is a chunk. */
static struct chunk *
last_chunk(struct stream *s)
{
    struct segment *last;

    if (!s->queue.first)
        return NULL;
    last = CONTAINER_OF(s->queue.last, struct segment, next);
    return last->release == release_chunk ? last->arg : NULL;
}

/* Room for n bytes at the end of the queue; NULL without memory. */
static char *
queue_room(struct stream *s, size_t n)
{
    struct chunk *c = last_chunk(s);
    size_t size;

    if (c && c->room >= n)
        return c->data + (c->size - sizeof *c - c->room);
    c = blocks_take(s->all->blocks, sizeof *c + n, &size);
    if (!c)
        return NULL;
    c->all = s->all;
    c->size = size;
    c->room = size - sizeof *c;
    c->segment = (struct segment){.kind = SEGMENT_OWN,
                                  .fd = -1,
                                  .p = c->data,
                                  .release = release_chunk,
                                  .arg = c};
    return c->data;
}

/* n bytes were written at queue_room, whose result was at. */
static void
queue_commit(struct stream *s, char *at, size_t n)
{
    struct chunk *c = last_chunk(s);

    if (c && at == c->data + (c->size - sizeof *c - c->room)) {
        c->segment.n += n;
        s->queue.bytes += n;
    } else {
        c = (struct chunk *)(at - offsetof(struct chunk, data));
        c->segment.n = n;
        segment_put(&s->queue, &c->segment);
    }
    c->room -= n;
}

/* Room for n bytes behind all that waits, NULL without memory; and they are
 * written there, before anything else is asked for. */
struct room {
    char *at;
    int is_sink;
};

static struct room
find_room(struct stream *s, size_t n)
{
    struct room r = {s->queue.first ? NULL : s->sink->room(s, n), 1};

    if (!r.at)
        r = (struct room){queue_room(s, n), 0};
    return r;
}

static void
commit(struct stream *s, struct room r, size_t n)
{
    if (r.is_sink)
        s->sink->commit(s, n);
    else
        queue_commit(s, r.at, n);
    streams_add(s);
}

size_t
stream_out_waiting(const struct stream *s)
{
    return s->queue.bytes + s->sink->unsent(s);
}

/* ---- frames --------------------------------------------------------------*/

/* A frame, whatever waits: 0 or ERR_NOMEM. */
static int
put(struct stream *s, unsigned first, const char *p, size_t n)
{
    char head[WS_HEAD_MAX];
    size_t head_len = ws_frame_head(head, first, n);
    struct room room = find_room(s, head_len + n);

    if (!room.at)
        return ERR_NOMEM;
    memcpy(room.at, head, head_len);
    if (n > 0)
        memcpy(room.at + head_len, p, n);
    commit(s, room, head_len + n);
    return 0;
}

int
stream_out_control(struct stream *s, unsigned opcode, et_str data)
{
    return put(s, opcode | WS_FIN, data.p, data.n);
}

/* The message deflated: 0 or ERR_NOMEM, after which there is no going on. */
static int
put_deflated(struct stream *s, unsigned first, const char *p, size_t n)
{
    struct blocks *b = s->all->blocks;
    size_t size;
    char *at = blocks_take(b, ws_zip_bound(n), &size);
    int64_t made = at ? ws_zip_deflate(s->zip, p, n, at) : ERR_NOMEM;
    int rc = ERR_NOMEM;

    if (made >= 0)
        rc = put(s, first | WS_RSV1, at, (size_t)made);
    if (at)
        blocks_give(b, at, size);
    return rc;
}

static int
is_to_be_deflated(const struct stream *s, size_t n)
{
    return s->is_compressing && n > 0 && n >= s->all->limits->deflate_min &&
           ws_zip_bound(n) <= BLOCKS_MAX_BYTES;
}

/* Whether n more bytes may wait. */
static int
has_room(const struct stream *s, size_t n)
{
    size_t waiting = stream_out_waiting(s);

    return waiting == 0 ||
           (waiting <= s->queue_max && n <= s->queue_max - waiting);
}

static unsigned
first_of(uint32_t type)
{
    return WS_FIN | (type == ET_WS_TEXT ? WS_OP_TEXT : WS_OP_BINARY);
}

int32_t
stream_out_send(et_ws *pub, uint32_t type, const void *p, size_t n)
{
    struct stream *s = stream_of(pub);
    unsigned first = first_of(type);
    int rc;

    if (s->is_closing || s->is_over)
        return ET_ECANCEL;
    if ((type != ET_WS_TEXT && type != ET_WS_BINARY) || n > ET_WS_MESSAGE_MAX ||
        (type == ET_WS_TEXT && !utf8_is_valid((et_str){p, n})))
        return ET_EINVAL;
    if (!has_room(s, n)) {
        s->is_full = 1;
        return ET_ELIMIT;
    }
    if (!is_to_be_deflated(s, n)) {
        rc = put(s, first, p, n);
    } else {
        rc = put_deflated(s, first, p, n);
        if (rc < 0) /* the client's context is behind ours now */
            stream_shut(s, WS_CODE_INTERNAL);
    }
    if (rc < 0)
        return ET_ENOMEM;
    metrics_add(s->all->worker->metrics, METRIC_ws_messages_out, 1);
    return 0;
}

/* By reference, behind all that waits. */
static int
put_share(struct stream *s, unsigned first, struct payload *p)
{
    size_t size;
    struct share *h = blocks_take(s->all->blocks, sizeof *h, &size);

    if (!h)
        return ERR_NOMEM;
    payload_ref(p, 1);
    *h = (struct share){
        .head_segment = {.kind = SEGMENT_MEM, .p = h->head},
        .segment = {.kind = SEGMENT_OWN,
                    .fd = -1,
                    .p = p->p,
                    .n = p->n,
                    .release = release_share,
                    .arg = h},
        .all = s->all,
        .size = size,
        .payload = p,
    };
    h->head_segment.n = ws_frame_head(h->head, first, p->n);
    segment_put(&s->queue, &h->head_segment);
    segment_put(&s->queue, &h->segment);
    streams_add(s);
    return 0;
}

int32_t
stream_out_share(struct stream *s, uint32_t type, struct payload *p)
{
    int rc;

    if (s->is_closing || s->is_over)
        return ET_ECANCEL;
    if (p->n > ET_WS_MESSAGE_MAX)
        return ET_EINVAL;
    if (!has_room(s, p->n)) {
        s->is_short = 1;
        return ET_ELIMIT;
    }
    if (p->n > COPY_MAX)
        rc = put_share(s, first_of(type), p);
    else
        rc = put(s, first_of(type), p->p, p->n);
    if (rc < 0)
        return ET_ENOMEM;
    metrics_add(s->all->worker->metrics, METRIC_ws_messages_out, 1);
    return 0;
}
