/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_out.c - see tls_out.h. */
#include "conn/tls_out.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn/tls_own.h"
#include "os/ktls.h"
#include "os/thread.h"

/* A send that is with the kernel: there is one only then. */
struct tls_sending {
    struct io_send op;
    size_t block_bytes;
};

/* ---- what the session says -----------------------------------------------*/

static int
take_sending(struct tls *t)
{
    size_t got;
    struct tls_sending *s = blocks_take(&t->conn->env->blocks, sizeof *s, &got);

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

/* Have the output go: 0: it has; IO_PENDING: tls_out_sent goes on with it;
 * or -errno. */
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

ssize_t
tls_out_push(struct tls *t)
{
    return push(t, 0);
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

ssize_t
tls_out_push_now(struct tls *t)
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

int
tls_out_has_bytes(const struct tls *t)
{
    return t->sending || flow_has_output(&t->session.flow);
}

void
tls_out_drop(struct tls *t)
{
    give_sending(t);
}

/* ---- text ----------------------------------------------------------------*/

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

/* OpenSSL wants more of a stack than a plugin's task may have left. */
ssize_t
tls_out_vec(struct conn *c, struct io_send *op)
{
    struct tls *t = tls_own_of(c);

    if (LIKELY(thread_on_own_stack()))
        return send_now(t, op);
    t->later = op;
    tls_own_soon(t);
    return IO_PENDING;
}

void
tls_out_go_on(struct tls *t)
{
    struct io_send *op = t->later;
    ssize_t n;

    if (!op)
        return;
    t->later = NULL;
    n = send_now(t, op);
    if (n > 0)
        conn_sent(t->conn, (size_t)n);
    else if (n != IO_PENDING)
        conn_close(t->conn);
}

/* ---- files ---------------------------------------------------------------*/

static ssize_t
send_file_plain(struct tls *t, int fd, uint64_t off, uint64_t n)
{
    ssize_t rc = tls_out_push_now(t);

    return rc < 0 ? rc : plain_transport.send_file(t->conn, fd, off, n);
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
ssize_t
tls_out_file(struct conn *c, int fd, uint64_t off, uint64_t n)
{
    struct tls *t = tls_own_of(c);
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
    rc = tls_out_push_now(t);
    if (rc < 0)
        return rc;
    t->owes_file = 0;
    rc = (ssize_t)t->owed;
    t->owed = 0;
    return rc;
}

/* ---- what has gone -------------------------------------------------------*/

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
        tls_own_soon(t);
    owed = t->owed;
    if (owed == 0 || t->owes_file)
        return;
    t->owed = 0;
    conn_sent(t->conn, owed);
}

void
tls_out_sent(struct io_source *s, ssize_t n)
{
    struct conn *c = CONTAINER_OF(s, struct conn, io);

    if (n < 0) {
        conn_failed(c, n);
        conn_close(c);
    } else if (c->transport == &plain_transport || /* it was refused */
               !tls_own_of(c)->sending) {          /* text as it is */
        conn_sent(c, (size_t)n);
    } else {
        on_output_sent(tls_own_of(c), (size_t)n);
    }
}
