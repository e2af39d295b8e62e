/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_tunnel.h - a stream of HTTP/2 that is a WebSocket (RFC 8441): what
 * http/stream.h needs of it, and it of that.  As upgraded.h for a connection.
 *
 *     CHAIN_TAKE -> 200, log steps, the request goes back -> CONN_STREAM
 *          \-> 200, the request is the WebSocket's          |  over
 *                                                      END_STREAM
 *
 * What is sent goes to the stream's block and, behind that, is in the queue of
 * the WebSocket; DATA is made of both. */
#ifndef CONN_H2_TUNNEL_H
#define CONN_H2_TUNNEL_H

#include <stdint.h>

struct h2_stream;

/* t's request has been taken: from now on it is one; or t is reset, for want of
 * memory. [worker] */
void h2_tunnel_begin(struct h2_stream *t);
/* Bytes have come, or some have gone: what can be is done. [worker] */
void h2_tunnel_work(struct h2_stream *t);
/* It may be time to ping, or to close. [worker] */
void h2_tunnel_look(struct h2_stream *t);
/* t has gone. [worker] */
void h2_tunnel_free(struct h2_stream *t);

#endif
