/* SPDX-License-Identifier: BSD-2-Clause */
/* response.h - the answer of a connection's request, in HTTP/1 (RFC 9112): its
 * head, what is to become of the connection behind it, and its end.
 *
 *     decided ------------------------> response_send        all of it
 *     opened --> response_begin, streamed_write ..., response_end
 *
 * After either the connection is CONN_SEND, or closed. */
#ifndef CONN_RESPONSE_H
#define CONN_RESPONSE_H

#include "base/check.h"

struct conn;

/* The response is decided: head and small bodies go into the output block.
 * [worker] */
void response_send(struct conn *c);
/* The head of an answer that its step goes on to write: 0, or ERR_NOMEM.
 * [worker] */
MUST_USE int response_begin(struct conn *c);
/* Has it begun, and its step goes on to write it? [worker] */
int response_is_begun(const struct conn *c);
/* All of it is written, or no more will be. [worker] */
void response_end(struct conn *c, int is_whole);
/* Nothing is answered, or what is on its way is cut off. [worker] */
void response_drop(struct conn *c);
/* 100 (RFC 9110 10.1.1), if there is room for it. [worker] */
void response_continue(struct conn *c);

#endif
