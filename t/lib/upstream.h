/* SPDX-License-Identifier: BSD-2-Clause */
/* upstream.h - another server, which a plugin asks, played by the test: it
 * accepts when it is told to, and says exactly what it is told.
 *
 *     struct upstream u; upstream_open(&u);
 *     client_puts(&c, ...);                  the plugin connects to u.port
 *     int fd = upstream_accept(&u);
 *     upstream_hear(&u, fd);                 u.heard: head of the request
 *     upstream_say(fd, "HTTP/1.1 200 OK\r\n...");
 *     close(fd);
 *
 * Each call has a deadline of some seconds; one that fails fails the test. */
#ifndef T_LIB_UPSTREAM_H
#define T_LIB_UPSTREAM_H

#include <stddef.h>
#include <stdint.h>

struct upstream {
    int fd;
    uint16_t port;
    char heard[16384]; /* the last head, NUL-terminated */
    size_t n;
    char more[65536]; /* what came behind it, not yet used */
    size_t n_more;
};

/* Listen on 127.0.0.1. */
void upstream_open(struct upstream *u);
/* Listen on [::1], on that port: 1; 0: there is no IPv6 here. */
int upstream_open_v6(struct upstream *u, uint16_t port);
void upstream_close(struct upstream *u);
int upstream_accept(struct upstream *u);
/* Which of two is connected to first. */
struct upstream *upstream_either(struct upstream *a, struct upstream *b);
/* Whether nobody connects for ms milliseconds. */
int upstream_is_quiet(const struct upstream *u, int ms);
/* The head of the next request on fd: u->heard. */
void upstream_hear(struct upstream *u, int fd);
/* n bytes of its body, into more. */
void upstream_hear_body(struct upstream *u, int fd, size_t n);
/* Accept and hear. */
int upstream_take(struct upstream *u);
void upstream_say(int fd, const char *text);
void upstream_send(int fd, const void *p, size_t n);
/* The other end has closed. */
void upstream_wait_closed(int fd);
/* Close with a reset. */
void upstream_reset(int fd);

#endif
