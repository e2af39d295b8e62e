/* SPDX-License-Identifier: BSD-2-Clause */
/* hearing.c - see hearing.h. */
#include "http/hearing.h"

#include "base/metrics.h"
#include "base/str.h"
#include "http/backlog.h"
#include "http/channels.h"
#include "http/host.h"
#include "http/message.h"
#include "http/stream.h"
#include "http/streams.h"
#include "http/subs.h"
#include "proto/ws.h"

/* Of all messages' bytes, what a single backlog may keep from being freed. */
#define SHARE 16u

struct hearing {
    struct subscriber subscriber;
    struct stream_bond bond;
    struct stream *stream;
    struct backlog backlog;
    uint32_t max_queue;
    uint8_t type, policy; /* ET_WS_, ET_CH_ */
};

int
hearing_init(struct slab *hearings, uint32_t max)
{
    return slab_init(hearings, sizeof(struct hearing), max);
}

static struct host_worker *
worker_of(const struct hearing *h)
{
    return h->stream->all->worker;
}

static struct slab *
chunks_of(const struct hearing *h)
{
    return &worker_of(h)->subs->chunks;
}

static void
count_dropped(const struct hearing *h, uint64_t n)
{
    metrics_add(worker_of(h)->metrics, METRIC_channel_dropped, n);
}

/* ---- its end -------------------------------------------------------------*/

/* Nothing leads to it any more but the bond, which may not either. */
static void
end(struct hearing *h)
{
    channels_unsubscribe(&h->subscriber);
    list_remove(&h->bond.link);
    backlog_clear(&h->backlog, chunks_of(h));
    slab_give(&worker_of(h)->subs->hearings, h);
}

static void
on_over(struct stream_bond *b)
{
    end(CONTAINER_OF(b, struct hearing, bond));
}

/* It could not keep up: what waits is lost, and n more. */
static void
drop_self(struct hearing *h, uint32_t n)
{
    struct stream *s = h->stream;

    count_dropped(h, h->backlog.n + n);
    end(h);
    stream_shut(s, WS_CODE_POLICY);
}

/* ---- messages ------------------------------------------------------------*/

/* An empty backlog takes any message. */
static int
is_full(const struct hearing *h, const struct message *m)
{
    const struct backlog *b = &h->backlog;

    return b->n >= h->max_queue ||
           (b->n > 0 && b->bytes + m->bytes > message_max_bytes() / SHARE);
}

static void
drop_oldest(struct hearing *h)
{
    message_unref(backlog_pop(&h->backlog, chunks_of(h)), 1);
    count_dropped(h, 1);
}

static void
enqueue(struct hearing *h, struct message *m)
{
    int drops_self = h->policy == ET_CH_DROP_SELF;

    while (!drops_self && is_full(h, m))
        drop_oldest(h);
    if (!is_full(h, m) && backlog_push(&h->backlog, chunks_of(h), m) == 0)
        return;
    if (drops_self)
        drop_self(h, 1);
    else
        count_dropped(h, 1);
}

/* A message was not sent, because of rc: whether h is still there. */
static int
outlives(struct hearing *h, int32_t rc)
{
    if (rc == ET_ECANCEL) {
        end(h);
        return 0;
    }
    if (rc == ET_ENOMEM && h->policy == ET_CH_DROP_SELF) {
        drop_self(h, 1);
        return 0;
    }
    count_dropped(h, 1);
    return 1;
}

static void
deliver(struct subscriber *subscriber, struct message *m)
{
    struct hearing *h = CONTAINER_OF(subscriber, struct hearing, subscriber);
    int32_t rc = ET_ELIMIT;

    if (h->type == ET_WS_TEXT && !message_is_text(m)) {
        metrics_add(worker_of(h)->metrics, METRIC_channel_no_text, 1);
        return;
    }
    if (h->backlog.n == 0)
        rc = stream_out_share(h->stream, h->type, &m->payload);
    if (rc == ET_ELIMIT)
        enqueue(h, m);
    else if (rc < 0)
        (void)outlives(h, rc);
}

/* As much of the backlog as there is room for. */
static void
on_room(struct stream_bond *b)
{
    struct hearing *h = CONTAINER_OF(b, struct hearing, bond);
    struct message *m;

    while ((m = backlog_first(&h->backlog)) != NULL) {
        int32_t rc = stream_out_share(h->stream, h->type, &m->payload);
        if (rc == ET_ELIMIT)
            return; /* and is told again */
        message_unref(backlog_pop(&h->backlog, chunks_of(h)), 1);
        if (rc < 0 && !outlives(h, rc))
            return;
    }
}

/* ---- the plugin's side ---------------------------------------------------*/

static struct hearing *
find(struct stream *s, et_str channel)
{
    LIST_FOR_EACH_SAFE(link, &s->bonds)
    {
        struct stream_bond *b = CONTAINER_OF(link, struct stream_bond, link);
        struct hearing *h = CONTAINER_OF(b, struct hearing, bond);
        if (b->on_over == on_over &&
            str_eq(channels_name(&h->subscriber), channel))
            return h;
    }
    return NULL;
}

/* *out: a new one. */
static int32_t
begin(struct hearing **out, struct stream *s, et_str channel)
{
    struct host_worker *hw = s->all->worker;
    struct hearing *h = slab_take(&hw->subs->hearings);
    int32_t rc;

    if (!h)
        return ET_ELIMIT;
    *h = (struct hearing){
        .subscriber = {.deliver = deliver, .is_light = 1},
        .bond = {.on_over = on_over, .on_room = on_room},
        .stream = s,
    };
    list_init(&h->bond.link);
    rc = channels_subscribe(hw->channels, &h->subscriber, channel);
    if (rc < 0)
        slab_give(&hw->subs->hearings, h);
    else
        stream_bind(s, &h->bond);
    *out = h;
    return rc;
}

int32_t
hearing_begin(et_ws *pub, et_str channel, uint32_t type, uint32_t max_queue,
              uint32_t policy)
{
    struct stream *s = stream_of(pub);
    struct hearing *h;
    int32_t rc;

    if ((type != ET_WS_TEXT && type != ET_WS_BINARY) ||
        policy > ET_CH_DROP_SELF)
        return ET_EINVAL;
    if (s->is_closing || s->is_over)
        return ET_ECANCEL;
    h = find(s, channel);
    rc = h ? 0 : begin(&h, s, channel);
    if (rc < 0)
        return rc;
    h->type = (uint8_t)type;
    h->max_queue = max_queue ? max_queue : ET_CH_QUEUE;
    h->policy = (uint8_t)policy;
    return 0;
}

void
hearing_end(et_ws *pub, et_str channel)
{
    struct hearing *h = find(stream_of(pub), channel);

    if (h)
        end(h);
}
