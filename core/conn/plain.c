/* SPDX-License-Identifier: BSD-2-Clause */
/* plain.c - the transport without encryption: the socket itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "conn/conn.h"
#include "conn/env.h"
#include "conn/transport.h"
#include "io/io.h"

/* One call moves at most this much, so that a download cannot hold a worker. */
#define PLAIN_FILE_BYTES (1u << 20)

static ssize_t
plain_send_vec(struct conn *c, struct io_send *op)
{
    ssize_t n = io_send(c->env->io, &c->io, op);

    if (UNLIKELY(n < 0))
        conn_failed(c, n);
    return n;
}

/* Sockets are blocking ones (io.h) and sendfile has no MSG_DONTWAIT: the flag
 * is set for the call only. */
static ssize_t
plain_send_file(struct conn *c, int fd, uint64_t off, uint64_t n)
{
    int flags = fcntl(c->io.fd, F_GETFL);
    off_t at = (off_t)off;
    ssize_t sent;
    int err;

    if (flags < 0 || fcntl(c->io.fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    if (n > PLAIN_FILE_BYTES)
        n = PLAIN_FILE_BYTES;
    do
        sent = sendfile(c->io.fd, fd, &at, n);
    while (sent < 0 && errno == EINTR);
    err = errno;
    if (fcntl(c->io.fd, F_SETFL, flags) < 0)
        return -errno;
    return sent < 0 ? -err : sent;
}

static void
plain_want_read(struct conn *c, int want)
{
    if (want)
        io_recv_start(c->env->io, &c->io, 0);
    else
        io_recv_stop(c->env->io, &c->io);
}

static ssize_t
plain_drop(struct conn *c)
{
    char dropped[16384];
    ssize_t n;

    do
        n = recv(c->io.fd, dropped, sizeof dropped, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static uint32_t
plain_unsent(struct conn *c)
{
    int n;

    return ioctl(c->io.fd, SIOCOUTQ, &n) < 0 ? 0 : (uint32_t)n;
}

static void
plain_shut(struct conn *c)
{
    shutdown(c->io.fd, SHUT_WR);
}

const struct transport plain_transport = {
    .name = "plain",
    .moves = 1,
    .send_vec = plain_send_vec,
    .short_is_full = 1,
    .send_file = plain_send_file,
    .want_read = plain_want_read,
    .drop = plain_drop,
    .unsent = plain_unsent,
    .shut = plain_shut,
};
