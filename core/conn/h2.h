/* SPDX-License-Identifier: BSD-2-Clause */
/* h2.h - HTTP/2 on a connection (RFC 9113), as the rest of conn sees it.
 *
 *     bytes -> nghttp2 -> h2_calls.c: streams are told what came
 *                             |
 *              h2_stream.c: walks, bodies   (out of the library's sight)
 *                             |
 *              h2_answer.c -> nghttp2 -> [out block] -> one send
 *
 * The library keeps the protocol: frames, header compression, flow control,
 * the states of streams, what of it all is an error.  A stream is an exchange
 * (walk.h), as a request of HTTP/1 is.  Nothing of a plugin's runs while the
 * library is on the stack: what it calls only notes what is to be done.
 *
 * Built without the library (h2_none.c) no connection ever is one. */
#ifndef CONN_H2_H
#define CONN_H2_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct conn;
struct env;
struct gen_worker;

/* Whether there is HTTP/2 in this program. [any] */
int h2_is_built(void);

/* Whether the n bytes at p, the first of a connection, are those of HTTP/2 by
 * prior knowledge (RFC 9113 3.4): 1, 0, or H2_SNIFF_MORE. [any] */
#define H2_SNIFF_MORE (-1)
int h2_sniff(const char *p, size_t n);

/* At most so many streams on a worker; nothing is touched yet.  0 or
 * ERR_NOMEM. [worker] */
MUST_USE int h2_pool_init(struct env *env, uint32_t max);
void h2_pool_fini(struct env *env);

/* From now on c, which has nothing attached, speaks HTTP/2 (CONN_H2), and the
 * client's preface comes with the next h2_input; ours goes with the next
 * h2_turn, or that.  Or it is closed, for want of memory. [worker] */
void h2_begin(struct conn *c);
/* Do what streams have to do, and send what there is, until neither is left or
 * the kernel takes no more.  Nothing while that is on the stack. [worker] */
void h2_turn(struct conn *c);
/* n bytes have come, n > 0: all of them are used. [worker] */
void h2_input(struct conn *c, const char *p, size_t n);
/* The peer has shut its side. [worker] */
void h2_eof(struct conn *c);
/* Output that was pending is with the kernel, or the socket is writable.
 * [worker] */
void h2_writable(struct conn *c);
/* Nothing has come or gone for a while: what the library has allocated is
 * folded until something does. [worker] */
void h2_rest(struct conn *c);
/* As deadline_of, and when that has passed. [worker] */
uint64_t h2_due(const struct conn *c);
void h2_timeout(struct conn *c);

/* How many streams have no answer yet, or not all of it; WebSockets are not
 * among them. [worker] */
uint32_t h2_streams(const struct conn *c);
/* No more of them: the client is told (GOAWAY, twice, RFC 9113 6.8), those that
 * are there end, and then c does. [worker] */
void h2_leave(struct conn *c);
/* Those that wait are given up, or of generation g those that write their
 * answer; as retire.h. [worker] */
void h2_retire(struct conn *c, const struct gen_worker *g);
/* c is closed: nobody is answered on it any more. [worker] */
void h2_cut(struct conn *c);
/* The kernel has let go of c: all that there is goes back. [worker] */
void h2_free(struct conn *c);

#endif
