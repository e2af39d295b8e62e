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

static ssize_t
plain_send_vec(struct conn *c, struct io_send *op)
{
    ssize_t n = io_send(c->env->io, &c->io, op);

    if (UNLIKELY(n < 0))
        conn_failed(c, n);
    return n;
}

/* As much as fits now of n bytes, 0: the file is shorter, or -errno.  A packet
 * a call: larger pieces cost up to three times as much (decision 0011). */
static ssize_t
send_packets(int to, int fd, uint64_t off, uint64_t n)
{
    uint64_t done = 0;

    while (done < n) {
        size_t part =
            n - done < TRANSPORT_PACKET ? (size_t)(n - done) : TRANSPORT_PACKET;
        off_t at = (off_t)(off + done);
        ssize_t sent;
        do
            sent = sendfile(to, fd, &at, part);
        while (sent < 0 && errno == EINTR);
        if (sent < 0 && done == 0)
            return -errno;
        done += sent > 0 ? (uint64_t)sent : 0;
        if (sent < (ssize_t)part)
            break;
    }
    return (ssize_t)done;
}

/* Sockets are blocking ones (io.h) and sendfile has no MSG_DONTWAIT: the flag,
 * the only one they could have, is set meanwhile. */
static ssize_t
plain_send_file(struct conn *c, int fd, uint64_t off, uint64_t n)
{
    ssize_t sent;

    if (fcntl(c->io.fd, F_SETFL, O_NONBLOCK) < 0)
        return -errno;
    sent = send_packets(c->io.fd, fd, off, n);
    return fcntl(c->io.fd, F_SETFL, 0) < 0 ? -errno : sent;
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
