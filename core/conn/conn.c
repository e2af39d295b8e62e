/* SPDX-License-Identifier: BSD-2-Clause */
/* conn.c - one connection: its slot, its deadline, its end; see conn.h. */
#include "conn/conn.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "conn/census.h"
#include "conn/conn_give.h"
#include "conn/deadline.h"
#include "conn/env.h"
#include "conn/exchange.h"
#include "conn/h1.h"
#include "conn/h2.h"
#include "conn/out.h"
#include "conn/reject.h"
#include "conn/tls.h"
#include "conn/tls_first.h"
#include "conn/transport.h"
#include "conn/upgraded.h"

#define CONN_IN_MAX (16u << 20)

/* ---- what the transport says ----------------------------------------------*/

static inline __attribute__((always_inline)) void
input(struct conn *c, const char *p, size_t n)
{
    metrics_add(c->env->metrics, METRIC_bytes_in, n);
    if (UNLIKELY(c->is_h2))
        h2_input(c, p, n);
    else
        h1_input(c, p, n);
}

void
conn_input(struct conn *c, const char *p, size_t n)
{
    input(c, p, n);
}

void
conn_eof(struct conn *c)
{
    if (UNLIKELY(c->is_h2))
        h2_eof(c);
    else
        h1_eof(c);
}

void
conn_sent(struct conn *c, size_t n)
{
    out_sent(c, n);
    if (UNLIKELY(c->is_h2))
        h2_writable(c);
    else
        h1_sent(c);
}

void
conn_ready(struct conn *c)
{
    out_writable(c);
    if (UNLIKELY(c->is_h2))
        h2_writable(c);
    else
        h1_writable(c);
}

void
conn_resume(struct conn *c)
{
    if (UNLIKELY(tls_is_before(c)))
        tls_first_resume(c);
    else
        h1_resume(c);
}

/* ---- the plain one: the kernel itself -------------------------------------*/

static void
on_data(struct io_source *s, const char *p, ssize_t n)
{
    struct conn *c = CONTAINER_OF(s, struct conn, io);

    if (LIKELY(n > 0)) {
        input(c, p, (size_t)n);
    } else if (n == 0) {
        conn_eof(c);
    } else {
        conn_failed(c, n);
        conn_close(c);
    }
}

static void
on_sent(struct io_source *s, ssize_t n)
{
    struct conn *c = CONTAINER_OF(s, struct conn, io);

    if (n < 0) {
        conn_failed(c, n);
        conn_close(c);
        return;
    }
    conn_sent(c, (size_t)n);
}

static void
on_ready(struct io_source *s, uint32_t events)
{
    struct conn *c = CONTAINER_OF(s, struct conn, io);

    (void)events; /* an error shows in the next send */
    conn_ready(c);
}

void
conn_failed(struct conn *c, ssize_t rc)
{
    if (rc == -EBADF)
        c->env->is_robbed = 1;
}

void
conn_free(struct conn *c)
{
    struct env *env = c->env;

    conn_give_forget(c);
    if (UNLIKELY(c->is_h2))
        h2_free(c);
    else if (UNLIKELY(!c->req && c->stream))
        upgraded_free(c);
    exchange_abandon(&c->x, c->env);
    out_free(c);
    if (UNLIKELY(c->transport->free != NULL))
        c->transport->free(c);
    if (c->in)
        blocks_give(&env->blocks, c->in, c->in_cap);
    census_part(env->census, c->client);
    census_leave(env->census);
    metrics_sub(env->metrics, METRIC_connections_active, 1);
    slab_give(&env->conns, c);
}

void
conn_released(struct io_source *s)
{
    struct conn *c = CONTAINER_OF(s, struct conn, io);
    struct env *env = c->env;

    conn_free(c);
    env->on_closed(env);
}

static const struct io_handler conn_handler = {
    .on_data = on_data,
    .on_sent = on_sent,
    .on_ready = on_ready,
    .on_released = conn_released,
};

/* How often, while the write deadline runs, the timer looks whether the peer
 * takes anything: a socket that is full says so only when a good part of its
 * buffer, megabytes perhaps, is free again. */
#define LOOKS 8

static int
waits_for_peer(const struct conn *c)
{
    return c->phase == CONN_SEND || c->phase == CONN_FLUSH ||
           ((c->phase == CONN_IDLE || c->phase == CONN_WAIT ||
             c->phase == CONN_STREAM || c->phase == CONN_H2) &&
            out_is_pending(c));
}

/* Nothing may come for long. */
static int
is_quiet(const struct conn *c)
{
    return c->phase == CONN_IDLE || c->phase == CONN_STREAM ||
           (c->phase == CONN_H2 && h2_streams(c) == 0);
}

/* When the timer has something to do before the deadline. */
static uint64_t
next_look(const struct conn *c)
{
    if (waits_for_peer(c))
        return c->env->clock.mono_ms + (c->deadline_ms - c->since_ms) / LOOKS;
    if (is_quiet(c) && !c->is_demoted)
        return c->since_ms + c->env->limits.idle_demote_ms;
    return UINT64_MAX;
}

static void
set_deadline(struct conn *c, uint64_t due_ms)
{
    uint64_t look_ms;

    c->deadline_ms = due_ms;
    look_ms = next_look(c);
    if (due_ms < look_ms)
        look_ms = due_ms;
    if (look_ms == UINT64_MAX)
        return;
    if (!wheel_is_armed(&c->timer) || c->timer.due_ms > look_ms)
        wheel_arm(&c->env->wheel, &c->timer, look_ms);
}

/* What the peer has taken since the last look is progress; before the first
 * one, nothing is known. */
static void
look_at_peer(struct conn *c)
{
    uint32_t unsent = c->transport->unsent(c);

    if (unsent < c->unsent)
        c->since_ms = c->env->clock.mono_ms;
    c->unsent = unsent;
    c->deadline_ms = deadline_of(c);
}

/* Deadlines move far more often than they pass, so the timer is only armed
 * when it would fire too late, and looks again when it fires too early. */
static void
on_timer(struct wheel_timer *t, uint64_t now_ms)
{
    struct conn *c = CONTAINER_OF(t, struct conn, timer);
    uint64_t demote_ms = c->since_ms + c->env->limits.idle_demote_ms;

    if (waits_for_peer(c))
        look_at_peer(c);
    else if (c->phase == CONN_STREAM || c->phase == CONN_H2 ||
             (c->phase == CONN_IDLE && !c->env->is_draining))
        c->deadline_ms = deadline_of(c);
    if (now_ms >= c->deadline_ms) {
        if (UNLIKELY(c->is_h2))
            h2_timeout(c);
        else
            h1_timeout(c);
        return;
    }
    if (is_quiet(c) && !c->is_demoted && now_ms >= demote_ms) {
        c->is_demoted = 1;
        io_idle(c->env->io, &c->io);
        if (UNLIKELY(c->is_h2))
            h2_rest(c);
    }
    set_deadline(c, c->deadline_ms);
}

/* Between two requests no deadline is nearer than idle_soonest_ms: a timer that
 * fires before is left alone. */
static inline int
is_timed(const struct conn *c)
{
    const struct env *env = c->env;

    return c->phase == CONN_IDLE && wheel_is_armed(&c->timer) &&
           c->timer.due_ms <=
               env->clock.mono_ms + env->limits.idle_soonest_ms &&
           !env->is_watchful;
}

void
conn_arm(struct conn *c)
{
    if (LIKELY(is_timed(c)) || c->phase == CONN_CLOSED)
        return;
    set_deadline(c, deadline_of(c));
    if (UNLIKELY(c->env->is_watchful))
        conn_give_look(c);
}

void
conn_attach(struct conn *c, int fd)
{
    io_add(c->env->io, &c->io, fd,
           UNLIKELY(tls_is_before(c)) ? &tls_handler : &conn_handler);
    c->is_demoted = 0;
}

/* A slot with a connection of listener in it, or NULL. */
static struct conn *
new_conn(struct env *env, uint8_t listener)
{
    struct conn *c = slab_take(&env->conns);
    uint16_t gen;

    if (!c)
        return NULL;
    gen = c->io.gen;
    memset(c, 0, sizeof *c);
    c->io.gen = gen;
    c->env = env;
    c->transport = &plain_transport;
    c->timer.fn = on_timer;
    c->listener = listener;
    c->is_orphan = env->listeners[listener].is_gone; /* it was on its way */
    c->phase = env->listeners[listener].proxy     ? CONN_PROXY
               : env->listeners[listener].context ? CONN_HANDSHAKE
                                                  : CONN_IDLE;
    c->body_done = 1;
    c->since_ms = env->clock.mono_ms;
    metrics_add(env->metrics, METRIC_connections_active, 1);
    return c;
}

static void
begin(struct conn *c, int fd)
{
    conn_attach(c, fd);
    conn_arm(c);
    if (LIKELY(c->leave == CONN_STAYS)) /* or it goes on at once */
        io_recv_start(c->env->io, &c->io, 1);
}

/* Whether its client may have another one, where accept knows who that is. */
static int
is_welcome(struct conn *c, int fd)
{
    const struct env *env = c->env;

    if (LIKELY(env->limits.max_per_client == 0) || c->phase == CONN_PROXY ||
        env->limits.trusts_proxies)
        return 1;
    return exchange_count_client(&c->x, c->env, census_key_of(fd)) == 0;
}

/* A client that has said all it has to say ends no handshake: it waited for too
 * long, or never meant to.  Nothing is computed for it. */
static int
has_left(const struct conn *c, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};

    return c->env->listeners[c->listener].context && poll(&p, 1, 0) > 0;
}

int
conn_open(struct env *env, int fd, uint8_t listener)
{
    struct conn *c = new_conn(env, listener);

    if (!c) {
        metrics_add(env->metrics, METRIC_connections_refused, 1);
        census_leave(env->census);
        close(fd);
        return ERR_LIMIT;
    }
    metrics_add(env->metrics, METRIC_connections_accepted, 1);
    if (!is_welcome(c, fd)) {
        c->phase = CONN_CLOSED;
        c->io.fd = -1;
        conn_free(c);
        reject(&env->rejects, fd,
               listener_env_rejects(&env->listeners[listener]),
               env->clock.mono_ms);
        return ERR_LIMIT;
    }
    if (UNLIKELY(has_left(c, fd))) {
        metrics_add(env->metrics, METRIC_tls_failed, 1);
        c->phase = CONN_CLOSED;
        c->io.fd = -1;
        conn_free(c);
        close(fd);
        return 0;
    }
    begin(c, fd);
    return 0;
}

/* It comes from another process, where it was let in: it counts from now on,
 * whatever the limits are here. */
static void
count_immigrant(struct conn *c, int fd)
{
    const struct env *env = c->env;
    int rc = 0;

    census_enter_anyway(env->census);
    if (env->limits.max_per_client == 0 || env->limits.trusts_proxies ||
        c->phase == CONN_PROXY)
        return;
    c->client = census_join(env->census,
                            c->peer.kind == ADDR_NONE ? census_key_of(fd)
                                                      : census_key(&c->peer),
                            UINT16_MAX, &rc);
}

int
conn_take(struct env *env, int fd, const struct handed *h)
{
    struct conn *c = new_conn(env, h->listener);

    if (!c)
        return ERR_LIMIT;
    c->peer = h->peer;
    c->is_orphan |= h->is_orphan;
    if (h->awaits_proxy)
        c->phase = CONN_PROXY;
    else if (c->phase == CONN_PROXY) /* it has been read */
        c->phase =
            env->listeners[h->listener].context ? CONN_HANDSHAKE : CONN_IDLE;
    if (h->n_requests > 0) /* one that began before its listener had TLS */
        c->phase = CONN_IDLE;
    c->n_requests = h->n_requests;
    c->moved_s = (uint16_t)(env->clock.mono_ms / 1000) | 1;
    c->client = h->client;
    if (!h->is_counted)
        count_immigrant(c, fd);
    c->since_ms = h->since_ms;
    metrics_add(env->metrics, METRIC_connections_taken, 1);
    begin(c, fd);
    return 0;
}

void
conn_close(struct conn *c)
{
    if (c->phase == CONN_CLOSED)
        return;
    if (UNLIKELY(c->transport->bye != NULL) &&
        (c->phase == CONN_IDLE || c->phase == CONN_H2))
        c->transport->bye(c);
    c->phase = CONN_CLOSED;
    if (UNLIKELY(c->is_h2))
        h2_cut(c);
    wheel_cancel(&c->env->wheel, &c->timer);
    io_drop(c->env->io, &c->io);
}

void
conn_abort(struct conn *c)
{
    static const struct sockaddr none = {.sa_family = AF_UNSPEC};

    /* TCP sends a reset, whoever is in a call with the descriptor: SO_LINGER
     * has it sent by the close alone, which may be behind a shutdown.  Others
     * know no reset. */
    if (c->phase != CONN_CLOSED)
        (void)connect(c->io.fd, &none, sizeof none);
    conn_close(c);
}

int
conn_peer(struct conn *c, struct addr *out)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;

    if (c->peer.kind == ADDR_NONE) {
        if (getpeername(c->io.fd, (struct sockaddr *)&sa, &len) < 0)
            return -errno;
        addr_from_sockaddr((struct sockaddr *)&sa, &c->peer);
    }
    *out = c->peer;
    return 0;
}

int
conn_out_of_memory(struct env *env)
{
    if (trouble_begin(&env->memory, env->clock.mono_ms))
        log_error("worker %u is out of memory: connections are closed",
                  env->worker.pub.index);
    return ERR_NOMEM;
}

int
conn_keep(struct conn *c, const char *p, size_t n)
{
    size_t kept = c->in_end - c->in_start, got;
    char *to;

    if (c->in && n <= c->in_cap - c->in_end) {
        memcpy(c->in + c->in_end, p, n);
        c->in_end += (uint32_t)n;
        return 0;
    }
    if (kept + n > CONN_IN_MAX)
        return ERR_LIMIT;
    to = blocks_take(&c->env->blocks, kept + n, &got);
    if (!to)
        return conn_out_of_memory(c->env);
    if (UNLIKELY(c->env->memory.is_on) && trouble_end(&c->env->memory))
        log_info("there is memory for connections again");
    if (c->in) {
        memcpy(to, c->in + c->in_start, kept);
        blocks_give(&c->env->blocks, c->in, c->in_cap);
    }
    memcpy(to + kept, p, n);
    c->in = to;
    c->in_cap = (uint32_t)got;
    c->in_start = 0;
    c->in_end = (uint32_t)(kept + n);
    return 0;
}

void
conn_used(struct conn *c, size_t n)
{
    if (!c->in)
        return;
    c->in_start += (uint32_t)n;
    if (c->in_start < c->in_end)
        return;
    blocks_give(&c->env->blocks, c->in, c->in_cap);
    c->in = NULL;
    c->in_cap = c->in_start = c->in_end = 0;
}

_Static_assert(sizeof(struct conn) <= 192, "three lines of the cache");

/* Of a slot that may be free, and then keeps its descriptor -1 but nothing
 * else (slab.h). */
_Static_assert(offsetof(struct io_source, fd) >= SLAB_KEPT_AT &&
                   offsetof(struct io_source, fd) + sizeof(int32_t) <=
                       SLAB_KEPT_END,
               "a free slot keeps its fd");

int
conn_is_open(const struct conn *c)
{
    return c->io.fd >= 0;
}

/* On one of HTTP/2 there may be no answer that could say so. */
static void
orphan(struct conn *c)
{
    c->is_orphan = 1;
    if (c->is_h2)
        h2_leave(c);
}

void
conn_orphan(struct env *env)
{
    for (uint32_t i = 0; i < env->conns.fresh; i++) {
        struct conn *c = slab_at(&env->conns, i);
        if (conn_is_open(c) && env->listeners[c->listener].is_gone)
            orphan(c);
    }
}

void
conn_wind_up(struct env *env)
{
    env->is_stopping = 1;
    for (uint32_t i = 0; i < env->conns.fresh; i++) {
        struct conn *c = slab_at(&env->conns, i);
        if (conn_is_open(c) && c->is_h2)
            h2_leave(c);
    }
}

void
conn_drain(struct env *env, uint64_t due_ms)
{
    for (uint32_t i = 0; i < env->conns.fresh; i++) {
        struct conn *c = slab_at(&env->conns, i);
        if (conn_is_open(c) && c->is_h2)
            h2_leave(c);
        else if (conn_is_open(c) &&
                 (c->phase == CONN_IDLE ||
                  (c->phase == CONN_LINGER && due_ms < c->deadline_ms)))
            set_deadline(c, due_ms);
    }
}

void
conn_stay_behind(struct env *env, uint64_t due_ms)
{
    env->is_leaving = 1;
    for (uint32_t i = 0; i < env->conns.fresh; i++) {
        struct conn *c = slab_at(&env->conns, i);
        if (!conn_is_open(c) || c->transport->moves || c->is_h2)
            continue;
        c->is_orphan = 1;
        if (c->phase == CONN_IDLE)
            set_deadline(c, due_ms);
    }
}

/* Nothing is owed: no request has begun, or its answer is all there. */
static int
is_between(const struct conn *c)
{
    return c->phase == CONN_PROXY || c->phase == CONN_HANDSHAKE ||
           c->phase == CONN_IDLE || c->phase == CONN_LINGER ||
           c->phase == CONN_STREAM ||
           (c->phase == CONN_H2 && h2_streams(c) == 0);
}

uint32_t
conn_close_all(struct env *env)
{
    uint32_t n_cut = 0;

    for (uint32_t i = 0; i < env->conns.fresh; i++) {
        struct conn *c = slab_at(&env->conns, i);
        if (!conn_is_open(c))
            continue;
        n_cut += !is_between(c);
        conn_close(c);
    }
    return n_cut;
}
