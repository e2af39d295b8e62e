/* SPDX-License-Identifier: BSD-2-Clause */
/* retire.h - the end of what goes on for too long.
 *
 *     commit --drain_timeout-------------> answers of the old generation that
 *                                          are still being written
 *     drain  --drain_timeout less a bit--> all requests that wait; in a process
 *                                          that has lost a worker, crash_drain
 *
 * are given up with ET_ERETIRE: what their steps have to say to that is still
 * answered.  A request that waits with its answer undecided ends in the old
 * generation as it would have: nobody loses one because of a reload. */
#ifndef CONN_RETIRE_H
#define CONN_RETIRE_H

#include <stdint.h>

struct env;
struct gen_worker;

/* g has been current on env's worker, and has requests.  [worker] */
void retire_begin(struct env *env, struct gen_worker *g);
/* It has none any more. [worker] */
void retire_end(struct env *env, struct gen_worker *g);
/* The worker drains, for ms milliseconds: when they are told, by its clock's
 * mono_ms. [worker] */
uint64_t retire_all(struct env *env, uint32_t ms);

#endif
