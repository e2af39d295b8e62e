/* SPDX-License-Identifier: BSD-2-Clause */
/* transport.h - over what this run's tests talk to servers: $T_TRANSPORT.
 *
 *     plain   HTTP/1.1 over TCP
 *     tls     HTTP/1.1 over TLS
 *     h2c     HTTP/2 over TCP, without being asked for
 *     h2      HTTP/2 over TLS, by ALPN
 *
 * Tests are written for the first.  server.h has servers listen for it: what
 * `listen` of [server] and [listen] sections name speaks it, but for Unix
 * sockets and sections that have one or say themselves what they speak;
 * client.h has clients connect through it.  Of HTTP/2 they see what gateway.h
 * makes of it. What is about the bytes of HTTP/1 or of TCP is left out
 * elsewhere:
 *
 *     if (transport_here()->is_h2) ... no chunks there ...
 */
#ifndef T_LIB_TRANSPORT_H
#define T_LIB_TRANSPORT_H

#include <stddef.h>

struct transport {
    const char *name, *scheme;
    int is_plain, is_tls, is_h2;
    const char *lines; /* of a listener's section */
};

/* That of this run.  A program that is to run over one that is not built has
 * been skipped before its main(). */
const struct transport *transport_here(void);
/* The same ini for this run, in which lines keep their numbers; the caller's.
 */
char *transport_ini(const char *ini);
/* What a test is to talk to; fd is connected, and the transport's from now on
 * (in plain it is that).  No handshake is waited for: what is sent waits until
 * it is made, and one that fails is the end of the connection. */
int transport_open(int fd);
/* Of such a one that has ended: whether it did as its transport has it, with
 * close_notify, or behind GOAWAY. */
int transport_was_told(int fd);

#endif
