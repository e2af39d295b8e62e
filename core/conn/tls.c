/* SPDX-License-Identifier: BSD-2-Clause */
/* tls.c - the transport by TLS; see tls.h.
 *
 *     kernel -> on_data -> session -> conn_input
 *     out.c  -> send_vec -> session -> its output -> one send -> kernel
 *
 * A send of text is over when all of the output is with the kernel: so what the
 * session has to say of its own (tickets, alerts, new keys) goes with it, and
 * the connection's deadlines hold for both.
 *
 * Where the kernel makes the records text goes to it as it is, once the
 * handshake's bytes and the keys have gone; what else the session says is
 * handed over by hand. */
#include "conn/tls.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "conn/deadline.h"
#include "conn/h2.h"
#include "conn/out.h"
#include "conn/tls_away.h"
#include "conn/tls_first.h"
#include "os/ktls.h"
#include "os/thread.h"
#include "tls/heap.h"
#include "tls/session.h"
#include "tls/signing.h"

/* A send that is with the kernel: there is one only then. */
struct sending {
    struct io_send op;
    size_t block_bytes;
};

struct tls {
    struct transport via; /* first: the connection's transport */
    struct session session;
    struct conn *conn; /* NULL: it is gone, but the session is away */
    struct tls_away *away;
    struct wheel_timer again; /* what could not be done where it was asked */
    struct wheel_timer late;  /* until the handshake that text came before is
                                 over */
    struct sending *sending;
    struct io_send *later; /* text that could not go when it was given */
    uint32_t owed; /* bytes of text the output stands for, for conn_sent;
                      of a file: send_file's */
    uint8_t owes_file;
    uint8_t is_shut_off; /* nobody wants text now */
    uint8_t is_ended;    /* the peer sends no more of it */
};

static struct tls *
tls_of(const struct conn *c)
{
    return CONTAINER_OF(c->transport, struct tls, via);
}

const struct session *
tls_session(const struct conn *c)
{
    return c->transport == &plain_transport ? NULL : &tls_of(c)->session;
}

/* ---- output --------------------------------------------------------------*/

static int
take_sending(struct tls *t)
{
    size_t got;
    struct sending *s = blocks_take(&t->conn->env->blocks, sizeof *s, &got);

    if (!s)
        return -ENOMEM;
    s->block_bytes = got;
    t->sending = s;
    return 0;
}

static void
give_sending(struct tls *t)
{
    if (t->sending)
        blocks_give(&t->conn->env->blocks, t->sending, t->sending->block_bytes);
    t->sending = NULL;
}

/* Hand over what is no bytes: 0 or -errno. */
static ssize_t
hand_over(struct tls *t)
{
    struct flow *flow = &t->session.flow;
    const struct flow_item i = flow_item(flow);
    int fd = t->conn->io.fd;
    ssize_t n;

    if (i.kind == FLOW_RECORD) {
        n = ktls_send(fd, i.type, i.p, i.n);
    } else {
        n = ktls_start(fd, i.p, i.n);
        if (n == 0) {
            metrics_add(t->conn->env->metrics, METRIC_tls_kernel, 1);
            n = (ssize_t)i.n;
        }
    }
    if (n < 0)
        return n;
    flow_sent(flow, (size_t)n);
    return 0;
}

/* Have the output go: 0: it has; IO_PENDING: on_sent goes on with it; or
 * -errno. */
static ssize_t
push(struct tls *t, uint32_t flags)
{
    struct flow *flow = &t->session.flow;
    ssize_t n = 0;

    if (t->sending)
        return IO_PENDING;
    while (flow_has_output(flow)) {
        struct io_send *op;
        if (UNLIKELY(flow_kind(flow) != FLOW_BYTES)) {
            n = hand_over(t);
            if (n < 0)
                break;
            continue;
        }
        if (!t->sending && take_sending(t) < 0)
            return -ENOMEM;
        op = &t->sending->op;
        op->n_iov = flow_output(flow, op->iov);
        op->flags = flags;
        n = io_send(t->conn->env->io, &t->conn->io, op);
        if (n == IO_PENDING)
            return n;
        if (n < 0)
            break;
        flow_sent(flow, (size_t)n);
    }
    give_sending(t);
    if (n >= 0)
        return 0;
    conn_failed(t->conn, n);
    return n;
}

/* As much of the output's bytes as the socket takes: 0 or -errno. */
static ssize_t
send_bytes(struct tls *t)
{
    struct flow *flow = &t->session.flow;
    struct iovec iov[FLOW_BLOCKS];
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = flow_output(flow, iov)};
    ssize_t n;

    do
        n = sendmsg(t->conn->io.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    flow_sent(flow, (size_t)n);
    return 0;
}

/* The same at once, as far as the socket takes it: 0: all of it has gone, or
 * -errno. */
static ssize_t
push_now(struct tls *t)
{
    struct flow *flow = &t->session.flow;

    if (t->sending)
        return -EAGAIN;
    while (flow_has_output(flow)) {
        ssize_t n =
            flow_kind(flow) == FLOW_BYTES ? send_bytes(t) : hand_over(t);
        if (n < 0) {
            if (n != -EAGAIN)
                conn_failed(t->conn, n);
            return n;
        }
    }
    return 0;
}

/* Encrypt, and send: as send_vec. */
static ssize_t
send_text(struct tls *t, const struct io_send *op)
{
    size_t all = 0;
    uint32_t flags;
    ssize_t n, rc;

    n = session_write(&t->session, op->iov, op->n_iov,
                      t->conn->env->clock.mono_ms);
    if (n < 0)
        return n;
    for (uint32_t i = 0; i < op->n_iov; i++)
        all += op->iov[i].iov_len;
    flags = (size_t)n < all ? IO_MORE : op->flags;
    rc = push(t, flags);
    if (rc == IO_PENDING)
        t->owed = (uint32_t)n;
    return rc == 0 ? n : rc;
}

static void
soon(struct tls *t)
{
    wheel_arm(&t->conn->env->wheel, &t->again, 0);
}

/* Behind what the session has said itself, text goes as it is. */
static ssize_t
send_plain(struct tls *t, struct io_send *op)
{
    ssize_t n = push(t, 0);

    if (n == IO_PENDING)
        t->later = op; /* on_output_sent goes on with it */
    if (n < 0)
        return n;
    /* What would wait for our end is lost if there is no room for that. */
    op->flags &= ~IO_LAST;
    n = io_send(t->conn->env->io, &t->conn->io, op);
    if (UNLIKELY(n < 0))
        conn_failed(t->conn, n);
    return n;
}

static ssize_t
send_now(struct tls *t, struct io_send *op)
{
    return UNLIKELY(session_is_plain(&t->session)) ? send_plain(t, op)
                                                   : send_text(t, op);
}

static ssize_t
send_file_plain(struct tls *t, int fd, uint64_t off, uint64_t n)
{
    ssize_t rc = push_now(t);

    return rc < 0 ? rc : plain_transport.send_file(t->conn, fd, off, n);
}

/* OpenSSL wants more of a stack than a plugin's task may have left. */
static ssize_t
tls_send_vec(struct conn *c, struct io_send *op)
{
    struct tls *t = tls_of(c);

    if (LIKELY(thread_on_own_stack()))
        return send_now(t, op);
    t->later = op;
    soon(t);
    return IO_PENDING;
}

/* Encrypt a piece of a file: bytes, 0 at its end, or -errno. */
static ssize_t
write_file(struct tls *t, int fd, uint64_t off, size_t n)
{
    struct blocks *blocks = &t->conn->env->blocks;
    size_t got;
    char *text = blocks_take(blocks, SESSION_WRITE_MAX, &got);
    ssize_t rc;

    if (!text)
        return -ENOMEM;
    do
        rc = pread(fd, text, n, (off_t)off);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        rc = -errno;
    if (rc > 0) {
        const struct iovec iov = {text, (size_t)rc};
        rc = session_write(&t->session, &iov, 1, t->conn->env->clock.mono_ms);
    }
    blocks_give(blocks, text, got);
    return rc;
}

/* What was encrypted counts when all of it is with the kernel: until then the
 * same piece is asked for again, and is not encrypted again. */
static ssize_t
tls_send_file(struct conn *c, int fd, uint64_t off, uint64_t n)
{
    struct tls *t = tls_of(c);
    ssize_t rc;

    if (!thread_on_own_stack() || t->sending)
        return -EAGAIN;
    if (UNLIKELY(session_is_plain(&t->session)))
        return send_file_plain(t, fd, off, n);
    if (!t->owes_file) {
        rc = write_file(t, fd, off,
                        n < SESSION_WRITE_MAX ? (size_t)n : SESSION_WRITE_MAX);
        if (rc <= 0)
            return rc;
        t->owed = (uint32_t)rc;
        t->owes_file = 1;
    }
    rc = push_now(t);
    if (rc < 0)
        return rc;
    t->owes_file = 0;
    rc = (ssize_t)t->owed;
    t->owed = 0;
    return rc;
}

/* The peer takes something: that is progress. */
static void
note_progress(struct conn *c)
{
    c->since_ms = c->env->clock.mono_ms;
    c->unsent = UINT32_MAX;
}

/* n bytes of the output are with the kernel. */
static void
on_output_sent(struct tls *t, size_t n)
{
    uint32_t owed;
    ssize_t rc;

    flow_sent(&t->session.flow, n);
    give_sending(t);
    rc = push(t, 0);
    if (rc == IO_PENDING) {
        note_progress(t->conn);
        return;
    }
    if (rc < 0) {
        conn_close(t->conn);
        return;
    }
    if (UNLIKELY(session_is_plain(&t->session)) && t->later)
        soon(t);
    owed = t->owed;
    if (owed == 0 || t->owes_file)
        return;
    t->owed = 0;
    conn_sent(t->conn, owed);
}

static void
on_sent(struct io_source *s, ssize_t n)
{
    struct conn *c = CONTAINER_OF(s, struct conn, io);

    if (n < 0) {
        conn_failed(c, n);
        conn_close(c);
    } else if (c->transport == &plain_transport || /* it was refused */
               !tls_of(c)->sending) {              /* text as it is */
        conn_sent(c, (size_t)n);
    } else {
        on_output_sent(tls_of(c), (size_t)n);
    }
}

/* ---- input ---------------------------------------------------------------*/

/* What it was closed for is said if it can be. */
static void
fail(struct tls *t)
{
    (void)push_now(t);
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

/* Hand over all the text there is, or as much as is wanted. */
static void
read_text(struct tls *t)
{
    char text[SESSION_RECORD_MAX];

    while (!t->is_shut_off && !t->is_ended && t->conn->phase != CONN_CLOSED) {
        ssize_t n = session_read(&t->session, text, sizeof text);
        if (n == -EAGAIN)
            return;
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
        rc = push(t, 0);
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
    if (t->later) {
        struct io_send *op = t->later;
        ssize_t n;
        t->later = NULL;
        n = send_now(t, op);
        if (n > 0)
            conn_sent(c, (size_t)n);
        else if (n != IO_PENDING)
            conn_close(c);
    }
    go_on(t);
}

/* Text that is there already is handed over in a moment, not from within. */
static void
tls_want_read(struct conn *c, int want)
{
    struct tls *t = tls_of(c);

    t->is_shut_off = !want;
    if (!want)
        io_recv_stop(c->env->io, &c->io);
    else if (flow_unread(&t->session.flow) > 0)
        soon(t);
    else
        io_recv_start(c->env->io, &c->io, 0);
}

/* ---- the end -------------------------------------------------------------*/

static void
tls_shut(struct conn *c)
{
    struct tls *t = tls_of(c);

    session_close(&t->session);
    (void)push_now(t);
    shutdown(c->io.fd, SHUT_WR);
}

/* Not behind output that is cut off. */
static void
tls_bye(struct conn *c)
{
    struct tls *t = tls_of(c);

    if (t->sending || flow_has_output(&t->session.flow) || out_has_bytes(c))
        return;
    session_close(&t->session);
    (void)push_now(t);
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
    struct tls *t = tls_of(c);

    if (!t->session.is_shaken)
        metrics_add(c->env->metrics, METRIC_tls_failed, 1);
    wheel_cancel(&c->env->wheel, &t->again);
    wheel_cancel(&c->env->wheel, &t->late);
    give_sending(t);
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
        .send_vec = tls_send_vec,
        .send_file = tls_send_file,
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
    return flow_keep(&tls_of(c)->session.flow);
}

void
tls_run(struct conn *c)
{
    run(tls_of(c));
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
        struct tls *t = tls_of(c);
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
    .on_sent = on_sent,
    .on_ready = on_ready,
    .on_released = conn_released,
};
