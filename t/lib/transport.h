/* SPDX-License-Identifier: BSD-2-Clause */
/* transport.h - over what this run's tests talk to servers: $T_TRANSPORT.
 *
 *     plain   HTTP/1.1 over TCP
 *     tls     HTTP/1.1 over TLS
 *     h2c     HTTP/2 over TCP, without being asked for
 *     h2      HTTP/2 over TLS, by ALPN
 *
 * Tests are written for the first.  server.h has servers listen for it: what
 * `listen` of [server] names speaks it, further [listen] sections are left
 * alone; client.h has clients connect through it.  Of HTTP/2 they see what
 * gateway.h makes of it. */
#ifndef T_LIB_TRANSPORT_H
#define T_LIB_TRANSPORT_H

struct transport {
    const char *name, *scheme;
    int is_tls, is_h2;
    const char *lines; /* of a listener's section */
};

/* That of this run; of one that is not built the test is skipped. */
const struct transport *transport_here(void);
/* The same ini for this run; the caller's. */
char *transport_ini(const char *ini);
/* What a test is to talk to; fd is connected, and the transport's from now on
 * (in plain it is that). */
int transport_open(int fd);

#endif
