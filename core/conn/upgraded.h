/* SPDX-License-Identifier: BSD-2-Clause */
/* upgraded.h - a connection that is a WebSocket (CONN_STREAM): what
 * http/stream.h needs of it, and it of that.
 *
 *     CHAIN_TAKE -> 101, log steps, the request goes back -> CONN_STREAM
 *          \-> 101, the request is the stream's (stream_task.h)  |
 *                                                              |  over
 *                                                      CONN_FLUSH -> linger
 *
 * All of it but the request's slot stays: input that waits in conn.in, output
 * in conn.out and, behind that, in the stream's queue. */
#ifndef CONN_UPGRADED_H
#define CONN_UPGRADED_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct conn;
struct env;
struct exchange;
struct gen_worker;
struct stream;
struct streams;

/* c's request has been taken: from now on it is a stream; or it is closed, for
 * want of memory.  From the loop. [worker] */
void upgraded_begin(struct conn *c);
/* Use n bytes at p, which are in memory of the loop's or the connection's and
 * are changed; how many.  Then what can be sent is to be sent. [worker] */
size_t upgraded_input(struct conn *c, const char *p, size_t n);
/* All that there was to send is with the kernel.  has_more: bytes have come
 * that wait for that.  [worker] */
void upgraded_flushed(struct conn *c, int has_more);
/* As deadline_of, and when that has passed. [worker] */
uint64_t upgraded_due(const struct conn *c);
void upgraded_timeout(struct conn *c);
/* The connection has gone, the kernel holds nothing of it. [worker] */
void upgraded_free(struct conn *c);

/* For whoever else carries one.  x's request has become s: it goes back, or is
 * s's if its step goes on. [worker] */
void upgraded_part(struct exchange *x, struct env *env, struct stream *s);
/* What has carried s has gone. [worker] */
void upgraded_gone(struct env *env, struct stream *s);

/* The end of a turn: those that are due. [worker] */
void upgraded_turn(struct env *env);
/* As streams.on_unpinned, of the streams in a struct env. [worker] */
void upgraded_unpinned(struct streams *all, struct gen_worker *g);

#endif
