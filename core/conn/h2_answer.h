/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_answer.h - the answer on a stream of HTTP/2 (RFC 9113 8.1): its head, its
 * body as the library asks for it, its end.
 *
 *     decided: segments of the response  --+
 *     written: [ out of the stream | room ]+-> DATA -> [output block]
 *
 * How much goes at a time is what the client's windows, the order of the
 * streams (RFC 9218) and the output block allow. */
#ifndef CONN_H2_ANSWER_H
#define CONN_H2_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include <nghttp2/nghttp2.h>

#include "base/check.h"

struct h2_stream;

/* The answer is decided, all of it. [worker] */
void h2_answer_send(struct h2_stream *t);
/* The head of one that is written: 0; or below 0, and t is reset. [worker] */
MUST_USE int h2_answer_begin(struct h2_stream *t);
/* As sink->write. [worker] */
MUST_USE int64_t h2_answer_write(struct h2_stream *t, const char *p, size_t n);
/* No more is written. [worker] */
void h2_answer_end(struct h2_stream *t, int is_whole);
/* 100 (RFC 9110 10.1.1). [worker] */
void h2_answer_continue(struct h2_stream *t);
/* Whether there are bytes of it that could go, if they were let. [worker] */
int h2_answer_waits(const struct h2_stream *t);

/* 200 to the CONNECT of a WebSocket (RFC 8441 5), whose bytes are the body: 0
 * or ERR_NOMEM. [worker] */
MUST_USE int h2_answer_tunnel(struct h2_stream *t);
/* Room for n bytes behind those of it that were written, or NULL; t->out_end
 * moves when they are. [worker] */
char *h2_answer_room(struct h2_stream *t, size_t n);
/* There is more of it, or its end: the library is told, if it waits. [worker]
 */
void h2_answer_revive(struct h2_stream *t);

/* As the library's send_data_callback. [worker] */
int h2_answer_put(nghttp2_session *s, nghttp2_frame *f, const uint8_t *head,
                  size_t n, nghttp2_data_source *from, void *arg);

#endif
