/* SPDX-License-Identifier: BSD-2-Clause */
/* gateway.h - HTTP/1.1 in front of HTTP/2, so that tests that are written in
 * the one ask a server in the other.
 *
 *     test <-- HTTP/1.1 --> [ a thread: nghttp2 ] <-- HTTP/2 --> the server
 *
 * Requests are to be good ones.  One is on its way at a time, what is pipelined
 * behind it waits; bodies, answers, trailers and 1xx go through piece by piece,
 * both ways at once, with flow control.  A WebSocket's handshake becomes an
 * extended CONNECT (RFC 8441).  An answer says Connection: close if a GOAWAY
 * came in front of its first byte, or with it.  A stream that is reset in the
 * middle is a connection that ends in the middle.  Names of fields are written
 * as servers of HTTP/1 do, Content-Length. */
#ifndef T_LIB_GATEWAY_H
#define T_LIB_GATEWAY_H

/* fd is connected to the server and becomes the gateway's: the test's end, on
 * which closing and shutting down do what they do on a socket. */
int gateway_open(int fd, const char *scheme);
/* Whether GOAWAY has come, without an error, on what gateway_open gave. */
int gateway_was_told(int fd);

#endif
