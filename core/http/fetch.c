/* SPDX-License-Identifier: BSD-2-Clause */
/* fetch.c - see fetch.h.
 *
 * Everything that comes from outside comes in through on_named, on_ready and
 * on_timer; each has the state that it is in go on (advance), and then tells
 * the owner if there is something for him. */
#include "http/fetch.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "base/wheel.h"
#include "http/asking.h"
#include "http/incoming.h"
#include "http/req.h"
#include "os/dial.h"
#include "proto/chunked.h"

#define OUT_MAX 3
/* What one may receive in a turn of its worker. */
#define TURN_READS 256u
#define TURN_BYTES 262144u

enum fetch_at {
    FETCH_NAMING,     /* the addresses are being looked up */
    FETCH_CONNECTING, /* to one of them */
    FETCH_SENDING,    /* out is on its way */
    FETCH_STREAMING,  /* it waits for more of its body */
    FETCH_HEAD,       /* all is sent, the reply has to come */
    FETCH_BODY,       /* its head has, the owner reads */
    FETCH_OVER,       /* all of it has */
    FETCH_FAILED,
};

struct fetch {
    struct fetch *next; /* of r */
    struct fetches *pool;
    struct req *r;
    struct fetch_owner *owner;
    struct wire *wire; /* or NULL */
    struct names_waiter named;
    struct wheel_timer timer; /* while something is waited for */
    struct asking ask;
    struct addr at[NAMES_ADDRESSES];
    uint32_t n_at, next_at;
    uint32_t timeout_ms;
    uint64_t connect_due_ms, head_due_ms;
    uint8_t state; /* enum fetch_at */
    uint8_t is_reused;
    uint8_t is_awaited; /* its owner has been told FETCH_MORE */
    uint8_t is_cut;     /* not all of it was sent */
    uint8_t is_ended;   /* its streamed body is all there */
    int32_t why;        /* of FETCH_FAILED */
    uint64_t turn_ns;   /* the last one in which something was received */
    uint32_t n_reads;   /* in that */
    uint32_t n_bytes;
    /* what goes out */
    struct iovec out[OUT_MAX];
    uint64_t n_sent;
    char chunk[CHUNKED_HEAD_MAX];
    et_reply reply;
    struct incoming in; /* last: what it is not to be cleared of is there */
};

static void advance(struct fetch *f);
static void on_ready(struct wire *w, uint32_t events);

static uint64_t
now_ms_of(const struct fetch *f)
{
    return f->pool->worker->clock->mono_ms;
}

static void
count(const struct fetch *f, enum metric id)
{
    metrics_add(f->pool->worker->metrics, id, 1);
}

/* ---- the pool ------------------------------------------------------------*/

int
fetch_pool_init(struct fetches *s, const struct fetch_options *o, struct io *io,
                struct blocks *blocks, struct host_worker *worker)
{
    /* One that is closed is gone a turn later. */
    uint32_t max_wires = 2 * (o->max + o->max_idle);

    s->blocks = blocks;
    s->worker = worker;
    if (slab_init(&s->slab, sizeof(struct fetch), o->max) < 0 ||
        wires_init(&s->wires, max_wires, o->max_idle, o->idle_ms, io,
                   worker->wheel, worker->clock) < 0 ||
        names_init(&s->names, worker) < 0)
        return ERR_NOMEM;
    return 0;
}

void
fetch_pool_close(struct fetches *s)
{
    names_close(&s->names);
    wires_close(&s->wires);
}

void
fetch_pool_fini(struct fetches *s)
{
    names_fini(&s->names);
    wires_fini(&s->wires);
    if (s->slab.base)
        slab_fini(&s->slab);
}

/* ---- its end -------------------------------------------------------------*/

/* Nothing is waited for any more. */
static void
rest(struct fetch *f)
{
    wheel_cancel(f->pool->worker->wheel, &f->timer);
    names_leave(&f->named);
}

static void
drop_wire(struct fetch *f)
{
    if (f->wire)
        wires_drop(f->wire);
    f->wire = NULL;
}

void
fetch_fail(struct fetch *f, int32_t rc)
{
    if (f->state == FETCH_FAILED)
        return;
    rest(f);
    drop_wire(f);
    incoming_fini(&f->in);
    f->state = FETCH_FAILED;
    f->why = rc;
    count(f, METRIC_fetches_failed);
}

/* All has come: the connection may serve others, if nothing of us is left on
 * it. */
static void
finish(struct fetch *f)
{
    rest(f);
    if (!f->is_cut && incoming_may_stay(&f->in))
        wires_keep(f->wire);
    else
        wires_drop(f->wire);
    f->wire = NULL;
    incoming_fini(&f->in);
    f->state = FETCH_OVER;
}

void
fetch_close(struct fetch *f)
{
    struct fetch **at = &f->r->fetches;

    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    rest(f);
    drop_wire(f);
    incoming_fini(&f->in);
    f->owner->fetch = NULL;
    metrics_sub(f->pool->worker->metrics, METRIC_fetches_active, 1);
    slab_give(&f->pool->slab, f);
}

void
fetch_close_of(struct req *r, int of_task)
{
    struct fetch *f = r->fetches, *next;

    for (; f; f = next) {
        next = f->next;
        if (!of_task || f->owner->is_task)
            fetch_close(f);
    }
}

/* ---- waiting -------------------------------------------------------------*/

static int
is_on_its_way(const struct fetch *f)
{
    return f->state <= FETCH_SENDING || f->state == FETCH_HEAD;
}

/* Its owner may go on, if he waits. */
static void
tell(struct fetch *f)
{
    if (!f->is_awaited || is_on_its_way(f))
        return;
    f->is_awaited = 0;
    f->owner->on_change(f->owner);
}

static void
wait_until(struct fetch *f, uint64_t due_ms)
{
    wheel_arm(f->pool->worker->wheel, &f->timer, due_ms);
}

static void
wait_for(struct fetch *f, uint32_t events)
{
    wires_wait(f->wire, events, on_ready, f);
    wait_until(f, f->state == FETCH_HEAD ? f->head_due_ms
                                         : now_ms_of(f) + f->timeout_ms);
}

static void
on_ready(struct wire *w, uint32_t events)
{
    struct fetch *f = w->owner;

    (void)events;
    wheel_cancel(f->pool->worker->wheel, &f->timer);
    advance(f);
    tell(f);
}

/* ---- connecting ----------------------------------------------------------*/

/* The next address, for its share of the time. */
static void
dial_next(struct fetch *f)
{
    uint64_t now_ms = now_ms_of(f);
    int rc = 0;

    f->state = FETCH_CONNECTING;
    while (f->next_at < f->n_at && now_ms < f->connect_due_ms) {
        uint64_t share = (f->connect_due_ms - now_ms) / (f->n_at - f->next_at);
        f->wire =
            wires_dial(&f->pool->wires, &f->ask.end, &f->at[f->next_at++], &rc);
        if (!f->wire)
            continue;
        wires_wait(f->wire, POLLOUT, on_ready, f);
        wait_until(f, now_ms + share);
        return;
    }
    if (now_ms >= f->connect_due_ms)
        fetch_fail(f, ET_ETIME);
    else if (rc == -ENOBUFS || rc == -EMFILE || rc == -ENFILE)
        fetch_fail(f, ET_ELIMIT);
    else
        fetch_fail(f, ET_ECONN);
}

static void
on_named(struct names_waiter *w, const struct addr *v, uint32_t n, int32_t why)
{
    struct fetch *f = CONTAINER_OF(w, struct fetch, named);

    rest(f);
    if (n == 0) {
        fetch_fail(f, why);
    } else {
        memcpy(f->at, v, n * sizeof *v);
        f->n_at = n;
        dial_next(f);
    }
    tell(f);
}

static void
look_up(struct fetch *f)
{
    const et_str host = {f->ask.end.host, f->ask.end.len};
    int32_t rc = names_find(&f->pool->names, host, &f->named, f->at);

    f->state = FETCH_NAMING;
    if (rc < 0) {
        fetch_fail(f, rc);
    } else if (rc == 0) {
        wait_until(f, f->connect_due_ms);
    } else {
        f->n_at = (uint32_t)rc;
        dial_next(f);
    }
}

static void
on_timer(struct wheel_timer *t, uint64_t now_ms)
{
    struct fetch *f = CONTAINER_OF(t, struct fetch, timer);

    if (f->state == FETCH_CONNECTING && f->next_at < f->n_at &&
        now_ms < f->connect_due_ms) {
        drop_wire(f);
        dial_next(f);
    } else {
        fetch_fail(f, ET_ETIME);
    }
    tell(f);
}

/* ---- what goes out -------------------------------------------------------*/

/* All of the request, as it was at first. */
static void
send_request(struct fetch *f)
{
    f->n_sent = 0;
    memset(f->out, 0, sizeof f->out);
    f->out[0] = (struct iovec){(void *)(uintptr_t)f->ask.head.p, f->ask.head.n};
    f->out[1] = (struct iovec){(void *)(uintptr_t)f->ask.body.p, f->ask.body.n};
    f->state = FETCH_SENDING;
    advance(f);
}

/* n bytes of out have gone: how many are left of it. */
static size_t
pass(struct fetch *f, size_t n)
{
    size_t left = 0;

    for (int i = 0; i < OUT_MAX; i++) {
        size_t k = n < f->out[i].iov_len ? n : f->out[i].iov_len;
        if (k > 0)
            f->out[i].iov_base = (char *)f->out[i].iov_base + k;
        f->out[i].iov_len -= k;
        n -= k;
        left += f->out[i].iov_len;
    }
    return left;
}

static ssize_t
push(const struct fetch *f)
{
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)f->out,
                       .msg_iovlen = OUT_MAX};
    ssize_t n;

    do
        n = sendmsg(wires_fd(f->wire), &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* Nothing more is to be sent; what will come is waited for. */
static void
await_head(struct fetch *f)
{
    memset(f->out, 0, sizeof f->out);
    f->state = FETCH_HEAD;
    f->head_due_ms = now_ms_of(f) + f->timeout_ms;
}

/* On a connection that was idle nothing has come, so that its other end has
 * perhaps never seen the request: once more, if that does no harm. */
static int
may_repeat(const struct fetch *f)
{
    return f->is_reused && !f->in.has_bytes &&
           (f->ask.is_safe || f->n_sent == 0);
}

static void
broke(struct fetch *f)
{
    if (!may_repeat(f)) {
        fetch_fail(f, ET_ECONN);
        return;
    }
    rest(f);
    drop_wire(f);
    f->is_reused = 0;
    look_up(f);
}

/* Its other end takes no more (rc).  What it may have said before is worth
 * reading; if it was not the other end, there is nothing to wait for. */
static void
cannot_send(struct fetch *f, ssize_t rc)
{
    if (may_repeat(f) || (rc != -EPIPE && rc != -ECONNRESET)) {
        broke(f);
        return;
    }
    f->is_cut = 1;
    await_head(f);
    advance(f);
}

static void
all_sent(struct fetch *f)
{
    if (f->ask.is_streamed && !f->is_ended) {
        f->state = FETCH_STREAMING;
        return;
    }
    await_head(f);
    advance(f);
}

/* ---- the reply -----------------------------------------------------------*/

/* It is there, in the memory of r. */
static void
on_head(struct fetch *f)
{
    rest(f);
    f->is_cut |= f->state == FETCH_SENDING;
    memset(f->out, 0, sizeof f->out); /* nobody sends that any more */
    f->state = FETCH_BODY;
    if (incoming_show(&f->in, &f->r->arena, &f->reply) < 0) {
        f->r->is_spoilt = 1;
        fetch_fail(f, ET_ENOMEM);
    } else if (f->in.is_over) {
        finish(f);
    }
}

/* What has come of its head: 1: not all; 0: all, or it has failed. */
static int
pull_head(struct fetch *f)
{
    int32_t rc = incoming_head(&f->in, wires_fd(f->wire));

    if (rc == INCOMING_MORE)
        return 1;
    if (rc == 0)
        on_head(f);
    else if (rc == ET_ECONN)
        broke(f);
    else
        fetch_fail(f, rc);
    return 0;
}

/* ---- going on ------------------------------------------------------------*/

static void
connected(struct fetch *f)
{
    if (dial_result(wires_fd(f->wire)) == 0) {
        send_request(f);
        return;
    }
    drop_wire(f);
    dial_next(f);
}

/* It is looked, too, whether the reply comes before all is sent: who sends that
 * may not receive any more. */
static void
send_on(struct fetch *f)
{
    size_t left = pass(f, 0);

    while (left > 0) {
        ssize_t n = push(f);
        if (n == -EAGAIN) {
            if (pull_head(f))
                wait_for(f, POLLOUT | POLLIN);
            return;
        }
        if (n < 0) {
            cannot_send(f, n);
            return;
        }
        f->n_sent += (uint64_t)n;
        left = pass(f, (size_t)n);
    }
    all_sent(f);
}

static void
advance(struct fetch *f)
{
    switch ((enum fetch_at)f->state) {
    case FETCH_CONNECTING: connected(f); break;
    case FETCH_SENDING: send_on(f); break;
    case FETCH_HEAD:
        if (pull_head(f))
            wait_for(f, POLLIN);
        break;
    case FETCH_NAMING:
    case FETCH_STREAMING:
    case FETCH_BODY:
    case FETCH_OVER:
    case FETCH_FAILED: break;
    }
}

/* ---- for its owner -------------------------------------------------------*/

static uint64_t
or_else(uint64_t value, uint64_t dflt)
{
    return value ? value : dflt;
}

/* What asks for something, with nothing of it begun; NULL: none is free. */
static struct fetch *
new_fetch(struct req *r, const et_fetch_ask *ask, struct fetch_owner *owner)
{
    struct fetches *pool = req_worker(r)->fetches;
    struct fetch *f = slab_take(&pool->slab);

    if (!f) {
        metrics_add(pool->worker->metrics, METRIC_fetches_refused, 1);
        return NULL;
    }
    memset(f, 0, offsetof(struct fetch, in));
    f->pool = pool;
    f->r = r;
    f->owner = owner;
    f->named.on_named = on_named;
    f->timer.fn = on_timer;
    f->timeout_ms = (uint32_t)or_else(ask->timeout_ms, FETCH_TIMEOUT_MS);
    f->connect_due_ms =
        now_ms_of(f) + or_else(ask->connect_ms, FETCH_CONNECT_MS);
    f->reply = (et_reply){.size = sizeof f->reply, .length = -1};
    return f;
}

/* Of a body that comes in pieces none can be sent again: it goes over a new
 * connection. */
static void
begin(struct fetch *f)
{
    count(f, METRIC_fetches);
    metrics_add(f->pool->worker->metrics, METRIC_fetches_active, 1);
    if (!f->ask.is_streamed)
        f->wire = wires_reuse(&f->pool->wires, &f->ask.end);
    if (!f->wire) {
        look_up(f);
        return;
    }
    f->is_reused = 1;
    count(f, METRIC_fetches_reused);
    send_request(f);
}

int32_t
fetch_begin(struct req *r, const et_fetch_ask *ask, struct fetch_owner *owner)
{
    struct fetch *f;
    int32_t rc;

    if (!fetch_is_ask(ask))
        return ET_EINVAL;
    f = new_fetch(r, ask, owner);
    if (!f)
        return ET_ELIMIT;
    rc = asking_make(&f->ask, ask, &r->arena);
    if (rc < 0) {
        r->is_spoilt |= rc == ET_ENOMEM;
        slab_give(&f->pool->slab, f);
        return rc;
    }
    incoming_init(&f->in, f->pool->blocks, f->ask.is_head, ask->max_body);
    owner->fetch = f;
    f->next = r->fetches;
    r->fetches = f;
    begin(f);
    return 0;
}

int32_t
fetch_state(struct fetch *f)
{
    if (f->state == FETCH_FAILED)
        return f->why;
    if (!is_on_its_way(f))
        return 0;
    f->is_awaited = 1;
    return FETCH_MORE;
}

int
fetch_has_head(const struct fetch *f)
{
    return f->state == FETCH_BODY || f->state == FETCH_OVER;
}

int
fetch_is_over(const struct fetch *f)
{
    return f->state == FETCH_OVER;
}

void
fetch_show(const struct fetch *f, et_reply *out)
{
    *out = f->reply;
}

static void
send_piece(struct fetch *f)
{
    f->state = FETCH_SENDING;
    advance(f);
}

int32_t
fetch_send(struct fetch *f, const void *p, size_t n)
{
    if (f->state != FETCH_STREAMING)
        return ET_EPHASE;
    memset(f->out, 0, sizeof f->out);
    f->out[1] = (struct iovec){(void *)(uintptr_t)p, n};
    if (f->ask.is_chunked) {
        f->out[0] = (struct iovec){f->chunk, chunked_head(f->chunk, n)};
        f->out[2] = (struct iovec){(void *)(uintptr_t)CHUNKED_CRLF, 2};
    } else if (n > f->ask.left) {
        return ET_EINVAL;
    } else {
        f->ask.left -= n;
    }
    send_piece(f);
    return 0;
}

int32_t
fetch_end(struct fetch *f)
{
    if (f->state != FETCH_STREAMING)
        return ET_EPHASE;
    if (f->ask.left > 0)
        return ET_EINVAL;
    f->is_ended = 1;
    memset(f->out, 0, sizeof f->out);
    if (f->ask.is_chunked)
        f->out[0] = (struct iovec){(void *)(uintptr_t)CHUNKED_END,
                                   sizeof CHUNKED_END - 1};
    send_piece(f);
    return 0;
}

/* Who reads from one that is faster than he is would keep the others of this
 * worker waiting: what is beyond its share of a turn comes in the next. */
static int
has_its_share(struct fetch *f)
{
    uint64_t now_ns = f->pool->worker->clock->mono_ns;

    if (f->turn_ns != now_ns)
        f->n_reads = f->n_bytes = 0;
    f->turn_ns = now_ns;
    return f->n_reads++ >= TURN_READS || f->n_bytes >= TURN_BYTES;
}

static int64_t
more(struct fetch *f)
{
    wait_for(f, POLLIN);
    f->is_awaited = 1;
    return FETCH_MORE;
}

int64_t
fetch_read(struct fetch *f, void *p, size_t n)
{
    int64_t k;

    if (f->state == FETCH_FAILED)
        return f->why;
    if (f->state != FETCH_BODY)
        return 0;
    if (incoming_is_dry(&f->in) && has_its_share(f))
        return more(f);
    k = incoming_read(&f->in, wires_fd(f->wire), p,
                      n < TURN_BYTES ? n : TURN_BYTES);
    if (k == INCOMING_MORE)
        return more(f);
    f->n_bytes += k > 0 ? (uint32_t)k : 0;
    if (k < 0)
        fetch_fail(f, (int32_t)k);
    else if (f->in.is_over)
        finish(f);
    return k;
}
