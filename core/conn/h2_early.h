/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_early.h - the rest of a request that is answered before it has ended.
 *
 *     begin -> [answer goes] -> due: RST_STREAM(NO_ERROR), RFC 9113 8.1
 *        \-> what comes is dropped -> ended: the stream is over
 *
 * Nobody wants it, but there are clients that look at nothing behind an answer
 * before they have sent all (curl 7.88): they would wait for a window for ever.
 * So, as over HTTP/1, discard_body of it may come, and the stream ends cleanly.
 * Invariant: behind the answer comes at most that, and what the window was, of
 * a body (padding is given back by the library), for at most
 * DEADLINE_LINGER_MS.
 */
#ifndef CONN_H2_EARLY_H
#define CONN_H2_EARLY_H

#include <stdint.h>

struct h2_stream;

/* The answer of t is decided, and nothing is read any more; none of its last
 * bytes have gone: the window is opened in front of them, if that is of use.
 * [worker] */
void h2_early_begin(struct h2_stream *t);
/* Bytes have come that are dropped. [worker] */
void h2_early_data(struct h2_stream *t);
/* The end has. [worker] */
void h2_early_ended(struct h2_stream *t);
/* When t, whose answer has gone (since_ms), is cut if the end does not come.
 * [worker] */
uint64_t h2_early_due(const struct h2_stream *t);

#endif
