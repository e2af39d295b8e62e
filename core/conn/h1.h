/* SPDX-License-Identifier: BSD-2-Clause */
/* h1.h - HTTP/1.x on a connection: heads in, answers out, in order.
 *
 *   IDLE -> HEAD -> run the chain -> (BODY ->) (WAIT ->) SEND -> (DISCARD ->)
 * IDLE
 *                                                          \-> FLUSH -> (LINGER
 * ->) end
 *
 * One request at a time; what is pipelined behind it stays in the connection's
 * input until the answer is with the kernel or in the output block, so answers
 * leave in order and a batch of them in one send (RFC 9112 9.3.2). */
#ifndef CONN_H1_H
#define CONN_H1_H

#include <stddef.h>

struct conn;

/* n bytes have come, n > 0. [worker] */
void h1_input(struct conn *c, const char *p, size_t n);
/* Go on with what is kept. [worker] */
void h1_resume(struct conn *c);
/* The peer has shut its side. [worker] */
void h1_eof(struct conn *c);
/* Output that was pending is with the kernel, or the socket is writable. */
void h1_writable(struct conn *c);
/* A pending send is over (out_sent was told). [worker] */
void h1_sent(struct conn *c);
/* The phase's deadline has passed. [worker] */
void h1_timeout(struct conn *c);

#endif
