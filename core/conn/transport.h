/* SPDX-License-Identifier: BSD-2-Clause */
/* transport.h - how bytes of a connection leave and come: plain, or by TLS.
 *
 * A connection begins with plain_transport; one of TLS has a struct of its own
 * from the first byte on (tls.c).  What comes is told to the connection by
 * conn_input and conn_eof, what has gone by conn_sent. */
#ifndef CONN_TRANSPORT_H
#define CONN_TRANSPORT_H

#include <stdint.h>
#include <sys/types.h>

struct conn;
struct io_send;

/* Of a file, the most whole pages that leave as one packet with its heads: of
 * 64 KiB, which the card cuts (TSO), or which is what loopback takes. */
#define TRANSPORT_PACKET (60u << 10)

struct transport {
    const char *name;
    int moves; /* the socket is all there is of it: it can be given away */
    /* Send op's bytes: n > 0 handed over (maybe short), IO_PENDING (conn_sent
     * follows), or -errno. */
    ssize_t (*send_vec)(struct conn *c, struct io_send *op);
    int short_is_full; /* fewer bytes of a file than asked for: no more fit */
    int keeps_file; /* at -EAGAIN it may have some: the same is asked again */
    /* Send up to n bytes of a file: n > 0, -EAGAIN (poll for POLLOUT), or
     * -errno; 0: the file is shorter than it was.  NULL: this transport cannot,
     * the connection reads the file into its buffer instead. */
    ssize_t (*send_file)(struct conn *c, int fd, uint64_t off, uint64_t n);
    /* Receive from now on, or stop for want of room. */
    void (*want_read)(struct conn *c, int want);
    /* Take some of what has come off the socket and forget it: n > 0 bytes, 0
     * at the peer's end, -EAGAIN: nothing is there, or -errno. */
    ssize_t (*drop)(struct conn *c);
    /* Bytes handed over which the peer has not acknowledged yet; what the
     * number was before does not matter, whether it falls does.  0 if it cannot
     * be told. */
    uint32_t (*unsent)(struct conn *c);
    /* No more from us: the peer sees the end of our output. */
    void (*shut)(struct conn *c);
    /* The connection is idle and about to be closed.  NULL: nobody is told. */
    void (*bye)(struct conn *c);
    /* The connection is gone, and the kernel holds nothing of it.  NULL: there
     * is nothing to give back. */
    void (*free)(struct conn *c);
};

extern const struct transport plain_transport;

#endif
