/* SPDX-License-Identifier: BSD-2-Clause */
/* subs.c - see subs.h. */
#include "http/subs.h"

#include "base/err.h"
#include "base/metrics.h"
#include "http/backlog.h"
#include "http/channels.h"
#include "http/hearing.h"
#include "http/loops.h"
#include "http/message.h"
#include "http/req.h"
#include "http/task.h"

#define SUB_MAGIC 0x50bu
/* Of a worker: room for seven times as many messages in all its queues. */
#define CHUNKS_MAX (1u << 18)
/* Of all messages' bytes, what a single queue may keep from being freed. */
#define SHARE 16u

enum sub_state { SUB_LIVE, SUB_DROPPED, SUB_OVER };

struct sub {
    et_sub pub;
    uint32_t magic;
    uint32_t max_queue, policy;
    uint8_t state; /* enum sub_state */
    struct subscriber subscriber;
    struct task_thing thing;
    struct req *r;
    struct task *waiting; /* in next, or NULL */
    struct backlog backlog;
    struct message *current; /* what next has returned last, or NULL */
    uint64_t n_dropped;
};

int
subs_init(struct subs *s, uint32_t max)
{
    if (slab_init(&s->items, sizeof(struct sub), max) < 0 ||
        hearing_init(&s->hearings, max) < 0)
        return ERR_NOMEM;
    return slab_init(&s->chunks, sizeof(struct backlog_chunk),
                     max > 0 ? CHUNKS_MAX : 0);
}

void
subs_fini(struct subs *s)
{
    slab_fini(&s->items);
    slab_fini(&s->chunks);
    slab_fini(&s->hearings);
}

const struct req *
subs_request(const et_ctx *c)
{
    return CONTAINER_OF((et_ctx *)(uintptr_t)c, struct sub, pub.ctx)->r;
}

static struct subs *
subs_of(const struct sub *s)
{
    return req_worker(s->r)->subs;
}

/* ---- messages ------------------------------------------------------------*/

static void
count_dropped(struct sub *s, uint64_t n)
{
    s->n_dropped += n;
    metrics_add(req_worker(s->r)->metrics, METRIC_channel_dropped, n);
}

/* An empty queue takes any message. */
static int
is_full(const struct sub *s, const struct message *m)
{
    const struct backlog *b = &s->backlog;

    return b->n >= s->max_queue ||
           (b->n > 0 && b->bytes + m->bytes > message_max_bytes() / SHARE);
}

static void
drop_oldest(struct sub *s)
{
    message_unref(backlog_pop(&s->backlog, &subs_of(s)->chunks), 1);
    count_dropped(s, 1);
}

/* It could not keep up: m, and what waits, is lost for it. */
static void
drop_self(struct sub *s)
{
    channels_unsubscribe(&s->subscriber);
    s->state = SUB_DROPPED;
    count_dropped(s, s->backlog.n + 1u);
    backlog_clear(&s->backlog, &subs_of(s)->chunks);
}

static void
enqueue(struct sub *s, struct message *m)
{
    int drops_self = s->policy == ET_CH_DROP_SELF;

    while (!drops_self && is_full(s, m))
        drop_oldest(s);
    if (!is_full(s, m) &&
        backlog_push(&s->backlog, &subs_of(s)->chunks, m) == 0)
        return;
    if (drops_self)
        drop_self(s);
    else
        count_dropped(s, 1);
}

static void
deliver(struct subscriber *subscriber, struct message *m)
{
    struct sub *s = CONTAINER_OF(subscriber, struct sub, subscriber);

    enqueue(s, m);
    if (s->waiting)
        task_wake(s->waiting, 0); /* s may be gone behind it */
}

/* ---- life ----------------------------------------------------------------*/

static void
let_go(struct sub *s)
{
    if (s->current)
        message_unref(s->current, 1);
    s->current = NULL;
}

static void
give(struct sub *s)
{
    s->magic = 0;
    slab_give(&subs_of(s)->items, s);
}

/* Nobody owns it any more.  Within a task of r's, or behind one. */
static void
end(struct sub *s)
{
    channels_unsubscribe(&s->subscriber);
    backlog_clear(&s->backlog, &subs_of(s)->chunks);
    let_go(s);
    if (s->waiting) {
        s->state = SUB_OVER;
        task_wake_beside(s->waiting, 0); /* it gives s back */
    } else {
        give(s);
    }
}

static void
on_release(struct task_thing *t)
{
    end(CONTAINER_OF(t, struct sub, thing));
}

static et_sub *
subscribe(et_req *pub, et_str channel, uint32_t max_queue, uint32_t policy)
{
    struct req *r = req_of(pub);
    struct host_worker *hw = req_worker(r);
    struct sub *s =
        policy <= ET_CH_DROP_SELF ? slab_take(&hw->subs->items) : NULL;

    if (!s)
        return NULL;
    *s = (struct sub){
        .pub = {.ctx = {sizeof s->pub, ET_K_SUB, pub->ctx.host},
                .api = subs_iface()},
        .magic = SUB_MAGIC,
        .max_queue = max_queue ? max_queue : ET_CH_QUEUE,
        .policy = policy,
        .subscriber = {.deliver = deliver},
        .thing = {.release = on_release},
        .r = r,
    };
    if (channels_subscribe(hw->channels, &s->subscriber, channel) < 0) {
        give(s);
        return NULL;
    }
    if (task_own(r, &s->thing))
        return &s->pub;
    end(s);
    return NULL;
}

/* ---- the plugin's side ---------------------------------------------------*/

/* NULL: it is over. */
static struct sub *
sub_of(const et_sub *pub)
{
    struct sub *s = CONTAINER_OF((et_sub *)(uintptr_t)pub, struct sub, pub);

    return s->magic == SUB_MAGIC && s->state != SUB_OVER ? s : NULL;
}

/* Waits: 0, and s is as it was; below 0: why not, and it may be gone. */
static int32_t
wait_for_message(struct sub *s, uint64_t timeout_ms)
{
    int32_t rc = task_wait(s->r, timeout_ms, &s->waiting);

    if (s->state != SUB_OVER)
        return rc;
    give(s);
    return ET_ESTALE;
}

static int32_t
next(et_sub *pub, uint64_t timeout_ms, et_str *message)
{
    struct sub *s = sub_of(pub);
    int32_t rc = s ? task_refuses(s->r) : ET_ESTALE;

    if (rc == 0 && s->waiting)
        rc = ET_EINVAL;
    if (rc < 0)
        return rc;
    let_go(s);
    while (!(s->current = backlog_pop(&s->backlog, &subs_of(s)->chunks))) {
        if (s->state == SUB_DROPPED)
            return ET_ELIMIT;
        rc = wait_for_message(s, timeout_ms);
        if (rc < 0)
            return rc;
    }
    *message = s->current->body;
    return 0;
}

static void
unsubscribe(et_sub *pub)
{
    struct sub *s = sub_of(pub);

    if (!s)
        return;
    task_disown(&s->thing);
    end(s);
}

static uint64_t
dropped(const et_sub *pub)
{
    const struct sub *s = sub_of(pub);

    return s ? s->n_dropped : 0;
}

static int32_t
publish(const et_host *h, et_str channel, const void *p, size_t n)
{
    (void)h;
    return channels_publish(channel, (et_str){p, n});
}

static const et_channel_api iface = {
    .size = sizeof iface,
    .publish = publish,
    .subscribe = subscribe,
    .next = next,
    .unsubscribe = unsubscribe,
    .dropped = dropped,
    .listen = loops_listen,
    .subscribe_ws = hearing_begin,
    .unsubscribe_ws = hearing_end,
};

const et_channel_api *
subs_iface(void)
{
    return &iface;
}
