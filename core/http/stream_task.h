/* SPDX-License-Identifier: BSD-2-Clause */
/* stream_task.h - a WebSocket whose step goes on, on a stack of its own: of
 * et.ws/1 open, recv and put.
 *
 *     task            chain                       connection
 *     open ---------> CHAIN_OPEN, response
 *                     steps -> CHAIN_TAKE ------> 101, a stream; the request
 *     <-------------------------------------------+  is that one's from now on
 *     recv  waits                                  message, or closed
 *     put   waits while the queue is full          room
 *     return -------> CHAIN_DONE ---------------> closed (1000), log steps
 *
 * In place of a plugin's callbacks, what happens to the stream comes here, and
 * wakes who waits for it.  One message is read ahead of recv; behind that the
 * stream does not read (stream.is_held).  What a message is in is the task's
 * until the next recv.
 *
 * Stream and request point at each other, and either may be over first:
 *
 *     the step      the stream closes, as one that nobody hears any more
 *     the stream    recv says so, put is ET_ECANCEL
 *     the client    all calls that wait are ET_ECANCEL; a step that something
 *                   works for elsewhere keeps the stream's slot until then */
#ifndef HTTP_STREAM_TASK_H
#define HTTP_STREAM_TASK_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct req;
struct stream;

/* As etude_abi.h has them. [worker] */
uint32_t stream_task_open(et_req *pub, const et_ws_ask *ask, et_ws **s);
int32_t stream_task_recv(et_req *pub, et_ws *s, uint64_t timeout_ms,
                         et_ws_message *m);
int32_t stream_task_put(et_req *pub, et_ws *s, uint32_t type, const void *p,
                        size_t n);

/* ---- of a stream that has_task; all of it from the loop, and the task may be
 * over behind each ----------------------------------------------------------*/

/* Whose step it is; the request stays until stream_task_over. [worker] */
struct req *stream_task_request(const struct stream *s);
/* It has begun: the task goes on. [worker] */
void stream_task_begin(struct stream *s);
/* A message has come; nothing is_held.  size: of the block at text.p, which is
 * taken in any case, as one of streams.inflated_bytes if it is_inflated; 0: it
 * is copied.  0 or ERR_NOMEM. [worker] */
MUST_USE int stream_task_message(struct stream *s, uint32_t type, et_str text,
                                 size_t size, int is_inflated);
/* There is room for what is sent again, or never will be. [worker] */
void stream_task_room(struct stream *s);
/* It is over, and that was its end. [worker] */
void stream_task_closed(struct stream *s, uint32_t code, et_str reason);
/* Have it come to its end: what it waits in is ET_ERETIRE. [worker] */
void stream_task_retire(struct stream *s);
/* The step has returned, or was left: s, which has no task any more, closes if
 * it is open; as a failure unless it is_whole. [worker] */
void stream_task_over(struct stream *s, int is_whole);

#endif
