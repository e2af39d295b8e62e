/* SPDX-License-Identifier: BSD-2-Clause */
/* loops.c - see loops.h. */
#include "http/loops.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "http/async.h"
#include "http/channels.h"
#include "http/host.h"
#include "http/message.h"
#include "http/waits.h"
#include "http/watches.h"
#include "plug/guard.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/plugin.h"

#define LOOP_MAGIC 0x100bu

struct loop {
    et_loop pub;
    uint32_t magic;
    struct host_worker *worker;
    const struct instance *instance;
    struct wait *wait; /* whose token posts find it by */
    struct list events;
    struct instance_loan loan;
};

struct event {
    struct list link;
    struct loop *loop;
    struct wait *wait; /* whose token and timer it has */
    struct watch *watch;
    void (*on_timer)(et_loop *l, void *arg);
    void (*on_watch)(et_loop *l, int32_t fd, uint32_t events, void *arg);
    void (*on_message)(et_loop *l, void *arg, et_str channel, et_str message);
    void *arg;
    int32_t fd;
    uint32_t events;               /* that have come */
    struct subscriber subscriber;  /* with on_message; again and again */
    const struct message *message; /* that has come */
};

/* A thing to be called, from any thread. */
struct post {
    struct mail mail;
    et_token loop;
    struct loop *found; /* by who delivers it */
    void (*fn)(et_loop *l, void *arg);
    void *arg;
};

static struct loop *
loop_of(et_loop *pub)
{
    struct loop *l = CONTAINER_OF(pub, struct loop, pub);

    CHECK(l->magic == LOOP_MAGIC);
    return l;
}

int
loops_init(struct loops *l, uint32_t max)
{
    return slab_init(&l->events, sizeof(struct event), max);
}

void
loops_fini(struct loops *l)
{
    if (l->events.base)
        slab_fini(&l->events);
}

const char *
loops_section(const et_ctx *c)
{
    return loop_of(CONTAINER_OF((et_ctx *)(uintptr_t)c, et_loop, ctx))
        ->instance->name;
}

/* ---- calls ---------------------------------------------------------------*/

/* Have fn(arg) call into l's plugin. */
static void
visit(const struct loop *l, enum guard_call call, int (*fn)(void *arg),
      void *arg)
{
    struct image *image = l->instance->plugin->image;
    const struct guard_who who = {
        .call = call, .image = image, .name = l->instance->name};

    if (guard_run(&who, fn, arg) == LEAP_LEFT)
        atomic_store(&image->has_crashed, 1);
}

static int
call_timer(void *arg)
{
    const struct event *e = arg;

    e->on_timer(&e->loop->pub, e->arg);
    return 0;
}

static int
call_watch(void *arg)
{
    const struct event *e = arg;

    e->on_watch(&e->loop->pub, e->fd, e->events, e->arg);
    return 0;
}

/* It is over: what it was, to be called with. */
static struct event
take(struct event *e)
{
    struct event copy = *e;
    struct host_worker *hw = e->loop->worker;

    list_remove(&e->link);
    wheel_cancel(hw->wheel, &e->wait->timer);
    CHECK(waits_cancel(e->wait));
    slab_give(&hw->loops->events, e);
    return copy;
}

static void
on_timer(struct wheel_timer *timer, uint64_t now_ms)
{
    struct wait *w = CONTAINER_OF(timer, struct wait, timer);
    struct event e = take(w->owner);

    (void)now_ms;
    visit(e.loop, GUARD_TIMER, call_timer, &e);
}

static void
on_ready(struct watch *w, uint32_t events)
{
    struct event e = take(w->owner);

    e.events = events;
    visit(e.loop, GUARD_WATCH, call_watch, &e);
}

/* ---- posts ---------------------------------------------------------------*/

static int
call_post(void *arg)
{
    const struct post *p = arg;

    p->fn(&p->found->pub, p->arg);
    return 0;
}

static void
deliver(void *reader, struct mail *m)
{
    struct post *p = CONTAINER_OF(m, struct post, mail);
    const struct wait *w = waits_find(p->loop);

    (void)reader;
    if (w && !w->on_fired) { /* else the state has ended meanwhile */
        p->found = w->owner;
        visit(p->found, GUARD_POST, call_post, p);
    }
    free(p);
}

int32_t
loops_post(et_token loop, void (*fn)(et_loop *l, void *arg), void *arg)
{
    struct post *p = fn ? malloc(sizeof *p) : NULL;
    int32_t rc;

    if (!p)
        return fn ? ET_ENOMEM : ET_EINVAL;
    *p = (struct post){
        .mail = {.deliver = deliver}, .loop = loop, .fn = fn, .arg = arg};
    rc = waits_post(loop, &p->mail);
    if (rc < 0)
        free(p);
    return rc;
}

/* ---- life ----------------------------------------------------------------*/

static void
drop(struct event *e)
{
    if (e->watch)
        watches_cancel(e->watch);
    if (e->on_message)
        channels_unsubscribe(&e->subscriber);
    (void)take(e);
}

static void
give_back(struct instance_loan *loan)
{
    struct loop *l = CONTAINER_OF(loan, struct loop, loan);

    while (!list_is_empty(&l->events))
        drop(CONTAINER_OF(l->events.next, struct event, link));
    CHECK(waits_cancel(l->wait));
    l->magic = 0;
    free(l);
}

et_loop *
loops_open(et_worker *pub)
{
    const struct instance *i = instance_in_init();
    struct host_worker *hw = host_worker_of(pub);
    struct loop *l = i && hw->loops ? calloc(1, sizeof *l) : NULL;

    if (!l)
        return NULL;
    l->wait = waits_hold(hw->waits, l);
    if (!l->wait) {
        free(l);
        return NULL;
    }
    l->pub = (et_loop){.ctx = {sizeof l->pub, ET_K_LOOP, pub->ctx.host},
                       .async = async_iface(),
                       .worker = pub,
                       .token = waits_token(l->wait)};
    l->magic = LOOP_MAGIC;
    l->worker = hw;
    l->instance = i;
    list_init(&l->events);
    l->loan.give_back = give_back;
    instance_lend(&l->loan);
    return &l->pub;
}

/* ---- events --------------------------------------------------------------*/

/* Of a wait that is an event's, and nobody else's. */
static void
never(struct wait *w, int32_t rc)
{
    (void)w;
    (void)rc;
}

/* An event of l that nothing leads to yet, or NULL. */
static struct event *
new_event(struct loop *l, void *arg)
{
    struct host_worker *hw = l->worker;
    struct event *e = slab_take(&hw->loops->events);

    if (!e)
        return NULL;
    *e = (struct event){.loop = l, .arg = arg};
    e->wait = waits_hold(hw->waits, e);
    if (!e->wait) {
        slab_give(&hw->loops->events, e);
        return NULL;
    }
    e->wait->on_fired = never;
    list_init(&e->link);
    list_push_back(&l->events, &e->link);
    return e;
}

et_token
loops_timer(et_loop *pub, uint64_t ms, void (*fn)(et_loop *l, void *arg),
            void *arg)
{
    struct loop *l = loop_of(pub);
    struct event *e = fn ? new_event(l, arg) : NULL;
    uint64_t now_ms = l->worker->clock->mono_ms;

    if (!e)
        return 0;
    e->on_timer = fn;
    e->wait->timer.fn = on_timer;
    wheel_arm(l->worker->wheel, &e->wait->timer,
              ms < UINT64_MAX - now_ms ? now_ms + ms : UINT64_MAX);
    return waits_token(e->wait);
}

et_token
loops_watch(et_loop *pub, int32_t fd, uint32_t events,
            void (*fn)(et_loop *l, int32_t fd, uint32_t events, void *arg),
            void *arg)
{
    struct loop *l = loop_of(pub);
    struct event *e;

    if (!fn || fd < 0 || !watches_knows(events) || !l->worker->watches)
        return 0;
    e = new_event(l, arg);
    if (!e)
        return 0;
    e->on_watch = fn;
    e->fd = fd;
    e->watch = watches_arm(l->worker->watches, fd, events, on_ready, e);
    if (e->watch)
        return waits_token(e->wait);
    (void)take(e);
    return 0;
}

int32_t
loops_cancel(et_loop *pub, et_token t)
{
    struct loop *l = loop_of(pub);
    struct wait *w = waits_find(t);
    struct event *e;

    if (!w || w->on_fired != never)
        return ET_ESTALE;
    e = w->owner;
    if (e->loop != l)
        return ET_ESTALE;
    drop(e);
    return 0;
}

/* ---- channels ------------------------------------------------------------*/

static int
call_message(void *arg)
{
    const struct event *e = arg;

    e->on_message(&e->loop->pub, e->arg, e->message->name, e->message->body);
    return 0;
}

/* e may be cancelled by who is called. */
static void
on_message(struct subscriber *s, struct message *m)
{
    struct event e = *CONTAINER_OF(s, struct event, subscriber);

    e.message = m;
    visit(e.loop, GUARD_MESSAGE, call_message, &e);
}

et_token
loops_listen(et_loop *pub, et_str channel,
             void (*fn)(et_loop *l, void *arg, et_str channel, et_str message),
             void *arg)
{
    struct loop *l = loop_of(pub);
    struct event *e;

    if (!fn || !l->worker->channels)
        return 0;
    e = new_event(l, arg);
    if (!e)
        return 0;
    e->subscriber.deliver = on_message;
    if (channels_subscribe(l->worker->channels, &e->subscriber, channel) < 0) {
        (void)take(e);
        return 0;
    }
    e->on_message = fn;
    return waits_token(e->wait);
}
