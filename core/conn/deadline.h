/* SPDX-License-Identifier: BSD-2-Clause */
/* deadline.h - when the phase that a connection is in is over.
 *
 * Each phase has a limit of its own, counted from its begin or its last
 * progress; of a request's route where that has one.  Not here: what happens
 * then (h1.h) and the timer (conn.h).  Called by conn.c. */
#ifndef CONN_DEADLINE_H
#define CONN_DEADLINE_H

#include <stdint.h>

struct conn;
struct env;

/* After our side is shut: how long what still comes is read, ... */
#define DEADLINE_LINGER_MS 2000u
/* ... or less: nobody's end is held up by a client that never stops sending.
 * [worker] */
uint32_t deadline_linger_ms(const struct env *env);

/* That moment, in milliseconds of the worker's clock; UINT64_MAX: never.
 * [worker] */
uint64_t deadline_of(const struct conn *c);

#endif
