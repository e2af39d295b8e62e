/* SPDX-License-Identifier: BSD-2-Clause */
/* wsock.h - a client of a WebSocket that sends exactly the frames it is told,
 * right or wrong (RFC 6455). */
#ifndef T_LIB_WSOCK_H
#define T_LIB_WSOCK_H

#include <stddef.h>

#include "t/lib/client.h"

struct server;

#define WSOCK_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define WSOCK_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* A handshake for path, with more fields ("" or lines that end in CRLF). */
void wsock_ask(struct client *c, const char *path, const char *more);
/* The whole of it on a connection of its own: 101, or the test fails. */
struct client wsock_open(const struct server *s, const char *path);
struct client wsock_open_with(const struct server *s, const char *path,
                              const char *more);
/* The answer to wsock_ask is 101, with the right key; that answer. */
struct answer wsock_welcome(struct client *c);

/* A frame as it goes over the wire to to, which has room for n + 14 bytes:
 * first is its first byte, the mask is some.  Its length. */
size_t wsock_frame(char *to, unsigned first, const void *p, size_t n);
/* Send it. */
void wsock_send(struct client *c, unsigned first, const void *p, size_t n);
/* A text in one frame. */
void wsock_text(struct client *c, const char *text);

/* One frame of the server's; p is in a buffer of the thread's, and ends in NUL.
 */
struct wsock_got {
    unsigned first;
    const char *p;
    size_t n;
};
struct wsock_got wsock_next(struct client *c);
/* The next frame is that one. */
void wsock_take(struct client *c, unsigned first, const void *p, size_t n);
void wsock_take_text(struct client *c, const char *text);
/* The next frame closes with that code (0: without one); its reason. */
const char *wsock_take_close(struct client *c, unsigned code);
/* Send a close frame with code (0: none). */
void wsock_close(struct client *c, unsigned code, const char *reason);
/* The same and a text behind it, at once: later it may have gone. */
void wsock_close_late(struct client *c, unsigned code, const char *reason,
                      const char *text);
/* wsock_take_close, then the end; c is closed. */
void wsock_ended(struct client *c, unsigned code);

#endif
