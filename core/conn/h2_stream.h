/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_stream.h - one stream of HTTP/2: a request and its answer.
 *
 *     begin -> head -> START -> walk -> answered -> OVER
 *                        |  body: collected, or kept for who reads it
 *                        \-> reset by either side: abandoned
 *
 * What the library says is noted (h2_own_note) and done by h2_stream_work,
 * when it is not on the stack. */
#ifndef CONN_H2_STREAM_H
#define CONN_H2_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct h2;
struct h2_stream;

/* A stream of h with a fresh request, or NULL: there is no room for one.
 * [worker] */
struct h2_stream *h2_stream_new(struct h2 *h, int32_t id);
/* It is over, whatever it is at: all it holds goes back.  Not while the library
 * is on the stack. [worker] */
void h2_stream_free(struct h2_stream *t);

/* From the library: what came.  Fields behind the body are kept up to
 * max_header, more of them are an error of the body's. [worker] */
void h2_stream_trailer(struct h2_stream *t, et_str name, et_str value);
void h2_stream_data(struct h2_stream *t, const char *p, size_t n);
void h2_stream_eof(struct h2_stream *t);
void h2_stream_closed(struct h2_stream *t);

/* It ends here, with an error code of RFC 9113 7; nobody is answered on it any
 * more. [worker] */
void h2_stream_reset(struct h2_stream *t, uint32_t code);
/* n of the kept bytes are used: as many more may come. [worker] */
void h2_stream_use(struct h2_stream *t, size_t n);
/* Do what t has to do; it may be gone after that.  Not while the library is on
 * the stack. [worker] */
void h2_stream_work(struct h2_stream *t);
/* Whether it is late, by what it waits for; then it is ended. [worker] */
void h2_stream_look(struct h2_stream *t);

#endif
