/* SPDX-License-Identifier: BSD-2-Clause */
/* exchange.h - a connection's request, until nothing needs it any more.
 *
 *     begin -> (read, run, answered) -> log -> release
 *                        \-> abandon: the connection ends in the middle
 *                        \-> part -> end: a WebSocket whose step goes on
 *
 * A request that is abandoned while something of it is on its way - it has been
 * woken, a job of its plugin's runs - is astray: no connection has it, its
 * generation stays pinned, and it is released when that has come. */
#ifndef CONN_EXCHANGE_H
#define CONN_EXCHANGE_H

#include "base/check.h"

struct conn;
struct env;
struct req;
struct sink;

/* Attach a fresh request to c, which has none.  0, ERR_LIMIT or ERR_NOMEM.
 * [worker] */
MUST_USE int exchange_begin(struct conn *c, const struct sink *sink);
/* Its answer is over: its log steps run, once, and then nothing of it points
 * into its generation any more. [worker] */
void exchange_log(struct conn *c);
/* It goes back; its log steps have run. [worker] */
void exchange_release(struct conn *c);
/* c's request leaves it: it goes on by itself, with a sink of the caller's, and
 * does not count as one that is being answered.  [worker] */
struct req *exchange_part(struct conn *c);
/* One that has left is over: its log steps run, and it goes back. [worker] */
void exchange_end(struct env *env, struct req *r);
/* There is no answer, or not all of it: if it waits it is cancelled, then both
 * of the above.  Nothing if c has none; the kernel holds nothing of it.
 * [worker] */
void exchange_abandon(struct conn *c);

#endif
