/* SPDX-License-Identifier: BSD-2-Clause */
/* tls.c - the transport by TLS; see tls.h.
 *
 *     kernel -> on_data -> session -> conn_input
 *     out.c  -> send_vec -> tls_out.c
 *
 * Here is what comes in, the handshake, the begin and the end. */
#include "conn/tls.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "conn/deadline.h"
#include "conn/h2.h"
#include "conn/out.h"
#include "conn/tls_away.h"
#include "conn/tls_first.h"
#include "conn/tls_out.h"
#include "conn/tls_own.h"
#include "tls/heap.h"
#include "tls/session.h"
#include "tls/signing.h"

const struct session *
tls_session(const struct conn *c)
{
    return c->transport == &plain_transport ? NULL : &tls_own_of(c)->session;
}

/* ---- input ---------------------------------------------------------------*/

/* What it was closed for is said if it can be. */
static void
fail(struct tls *t)
{
    (void)tls_out_push_now(t);
    shutdown(t->conn->io.fd, SHUT_WR);
    conn_close(t->conn);
}

/* Whatever its phase has time for: a client that is there ends its handshake.
 */
static void
on_late(struct wheel_timer *timer, uint64_t now_ms)
{
    struct tls *t = CONTAINER_OF(timer, struct tls, late);
    struct conn *c = t->conn;

    (void)now_ms;
    if (c->phase == CONN_CLOSED)
        return;
    metrics_add(c->env->metrics, METRIC_timeouts, 1);
    conn_close(c);
}

/* There may be text from now on: the protocol that was agreed on takes over. */
static void
begin(struct tls *t)
{
    struct conn *c = t->conn;

    if (c->phase != CONN_HANDSHAKE)
        return;
    if (!t->session.is_shaken)
        wheel_arm(&c->env->wheel, &t->late, deadline_of(c));
    c->phase = CONN_IDLE;
    c->since_ms = c->env->clock.mono_ms;
    if (str_eq(session_protocol(&t->session), str_lit("h2")))
        h2_begin(c);
    if (c->phase == CONN_H2)
        h2_turn(c);
}

/* A client of TLS 1.3 has gone on already when it is told: what it has sent is
 * read and dropped, so that it gets the alert instead of a reset. */
static void
fail_handshake(struct tls *t)
{
    struct conn *c = t->conn;

    log_debug("TLS handshake failed: %s", session_why(&t->session));
    if (c->phase != CONN_HANDSHAKE) { /* it has begun, early */
        fail(t);
        return;
    }
    c->phase = CONN_FLUSH;
    c->closes = 1;
    c->lingers = 1;
    c->since_ms = c->env->clock.mono_ms;
    conn_resume(c);
}

/* What has come early: 1: there is no more of it. */
static int
read_early(struct tls *t)
{
    char text[SESSION_RECORD_MAX];

    while (!t->is_shut_off && t->conn->phase != CONN_CLOSED) {
        ssize_t n = session_early(&t->session, text, sizeof text);
        if (n == 0)
            return 1;
        if (n == -EAGAIN)
            return 0;
        if (n < 0) {
            fail_handshake(t);
            return 0;
        }
        begin(t);
        if (t->conn->phase != CONN_CLOSED)
            conn_input(t->conn, text, (size_t)n);
    }
    return 0;
}

static void on_back(void *tls);

/* The signature is made by the pool, or if that has no room, here and now: then
 * 1.  Nothing is received meanwhile. */
static int
sign(struct tls *t)
{
    struct env *env = t->conn->env;
    struct signing here;

    t->away = tls_away_start(env, &t->session, on_back, t);
    if (t->away) {
        io_recv_stop(env->io, &t->conn->io);
        return 0;
    }
    signing_begin(&here, &t->session);
    signing_run(&here);
    signing_end(&here);
    return 1;
}

/* 1: text can be read. */
static int
shake(struct tls *t)
{
    struct metrics *metrics = t->conn->env->metrics;

    if (!read_early(t))
        return 0;
    switch (session_shake(&t->session)) {
    case SESSION_MORE: return 0;
    case SESSION_SIGNS: return sign(t) && shake(t);
    case SESSION_FAILED: fail_handshake(t); return 0;
    case SESSION_DONE: break;
    }
    wheel_cancel(&t->conn->env->wheel, &t->late);
    metrics_add(metrics, METRIC_tls_handshakes, 1);
    if (session_is_resumed(&t->session))
        metrics_add(metrics, METRIC_tls_resumed, 1);
    begin(t);
    return 1;
}

static void
end(struct tls *t)
{
    t->is_ended = 1;
    if (!t->conn->is_eof)
        conn_eof(t->conn);
}

static void
count_updates(struct tls *t)
{
    struct env *env = t->conn->env;
    uint32_t n = session_take_updates(&t->session);

    if (tls_calm_take(&t->calm, n, env->clock.mono_ms) == 0)
        return;
    metrics_add(env->metrics, METRIC_tls_floods, 1);
    log_debug("a TLS client wants new keys too often");
    session_close(&t->session);
    fail(t);
}

/* Hand over all the text there is, or as much as is wanted. */
static void
read_text(struct tls *t)
{
    char text[SESSION_RECORD_MAX];

    while (!t->is_shut_off && !t->is_ended && t->conn->phase != CONN_CLOSED) {
        ssize_t n = session_read(&t->session, text, sizeof text);
        if (n == -EAGAIN) {
            if (UNLIKELY(t->session.n_updates > 0))
                count_updates(t);
            return;
        }
        if (n > 0)
            conn_input(t->conn, text, (size_t)n);
        else if (n == 0)
            end(t);
        else
            fail(t);
    }
}

/* Go on with what has come. */
static void
run(struct tls *t)
{
    struct conn *c = t->conn;
    ssize_t rc = 0;

    if (!t->away && (t->session.is_shaken || shake(t)))
        read_text(t);
    if (c->phase == CONN_CLOSED)
        return;
    if (t->is_ended)
        flow_feed(&t->session.flow, NULL, 0);
    else if (flow_keep(&t->session.flow) < 0)
        rc = -ENOMEM;
    if (rc == 0 && !t->owes_file)
        rc = tls_out_push(t);
    if (rc < 0 && rc != IO_PENDING)
        conn_close(c);
    else if (c->phase == CONN_HANDSHAKE || c->phase == CONN_IDLE ||
             c->phase == CONN_H2)
        conn_arm(c);
}

/* With what is there, and with what comes. */
static void
go_on(struct tls *t)
{
    struct conn *c = t->conn;

    if (!t->is_shut_off && c->phase != CONN_CLOSED)
        run(t);
    if (!t->is_shut_off && !t->away && c->phase != CONN_CLOSED &&
        c->phase != CONN_LINGER)
        io_recv_start(c->env->io, &c->io, 0);
}

static void
on_again(struct wheel_timer *timer, uint64_t now_ms)
{
    struct tls *t = CONTAINER_OF(timer, struct tls, again);
    struct conn *c = t->conn;

    (void)now_ms;
    if (c->phase == CONN_CLOSED)
        return;
    tls_out_go_on(t);
    go_on(t);
}

/* Text that is there already is handed over in a moment, not from within. */
static void
tls_want_read(struct conn *c, int want)
{
    struct tls *t = tls_own_of(c);

    t->is_shut_off = !want;
    if (!want)
        io_recv_stop(c->env->io, &c->io);
    else if (flow_unread(&t->session.flow) > 0)
        tls_own_soon(t);
    else
        io_recv_start(c->env->io, &c->io, 0);
}

/* ---- the end -------------------------------------------------------------*/

static void
tls_shut(struct conn *c)
{
    struct tls *t = tls_own_of(c);

    session_close(&t->session);
    (void)tls_out_push_now(t);
    shutdown(c->io.fd, SHUT_WR);
}

/* Not behind output that is cut off. */
static void
tls_bye(struct conn *c)
{
    struct tls *t = tls_own_of(c);

    if (tls_out_has_bytes(t) || out_has_bytes(c))
        return;
    session_close(&t->session);
    (void)tls_out_push_now(t);
}

static void
give_session(struct tls *t)
{
    session_fini(&t->session);
    heap_give(t);
}

/* What was signed goes on its way. */
static void
on_back(void *tls)
{
    struct tls *t = tls;

    t->away = NULL;
    if (t->conn)
        go_on(t);
    else
        give_session(t);
}

static void
tls_free(struct conn *c)
{
    struct tls *t = tls_own_of(c);

    if (!t->session.is_shaken)
        metrics_add(c->env->metrics, METRIC_tls_failed, 1);
    wheel_cancel(&c->env->wheel, &t->again);
    wheel_cancel(&c->env->wheel, &t->late);
    tls_out_drop(t);
    c->transport = &plain_transport;
    t->conn = NULL;
    if (!t->away || tls_away_withdraw(t->away))
        give_session(t);
}

/* ---- the begin -----------------------------------------------------------*/

static struct tls *
new_tls(struct conn *c)
{
    struct context *context = c->env->listeners[c->listener].context;
    struct tls *t = context ? heap_take(sizeof *t) : NULL;

    if (!t)
        return NULL;
    memset(t, 0, sizeof *t);
    if (session_init(&t->session, context, &c->env->blocks) < 0) {
        heap_give(t);
        return NULL;
    }
    t->via = (struct transport){
        .name = "tls",
        .send_vec = tls_out_vec,
        .keeps_file = 1,
        .send_file = tls_out_file,
        .want_read = tls_want_read,
        .drop = plain_transport.drop,
        .unsent = plain_transport.unsent,
        .shut = tls_shut,
        .bye = tls_bye,
        .free = tls_free,
    };
    t->conn = c;
    t->again.fn = on_again;
    t->late.fn = on_late;
    c->transport = &t->via;
    c->is_orphan |= c->env->is_leaving;
    return t;
}

int
tls_open(struct conn *c, const char *p, size_t n)
{
    struct tls *t = new_tls(c);

    if (!t) {
        if (c->env->listeners[c->listener].context)
            (void)conn_out_of_memory(c->env);
        conn_close(c);
        return ERR_NOMEM;
    }
    session_offer(&t->session, c->io.fd);
    flow_feed(&t->session.flow, p, n);
    return 0;
}

int
tls_keep(struct conn *c)
{
    return flow_keep(&tls_own_of(c)->session.flow);
}

void
tls_run(struct conn *c)
{
    run(tls_own_of(c));
}

static void
on_data(struct io_source *s, const char *p, ssize_t n)
{
    struct conn *c = CONTAINER_OF(s, struct conn, io);

    c->is_demoted = 0;
    if (n < 0) {
        conn_failed(c, n);
        conn_close(c);
    } else if (c->transport != &plain_transport) {
        struct tls *t = tls_own_of(c);
        if (n == 0) {
            end(t);
        } else {
            flow_feed(&t->session.flow, p, (size_t)n);
            run(t);
        }
    } else if (!tls_is_before(c)) { /* it was refused, and lingers */
        n == 0 ? conn_eof(c) : conn_input(c, p, (size_t)n);
    } else if (n == 0) {
        conn_close(c);
    } else {
        tls_first_input(c, p, (size_t)n);
    }
}

static void
on_ready(struct io_source *s, uint32_t events)
{
    struct conn *c = CONTAINER_OF(s, struct conn, io);

    (void)events;
    conn_ready(c);
}

const struct io_handler tls_handler = {
    .on_data = on_data,
    .on_sent = tls_out_sent,
    .on_ready = on_ready,
    .on_released = conn_released,
};
