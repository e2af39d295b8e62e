/* SPDX-License-Identifier: BSD-2-Clause */
/* streamed.h - an answer on an HTTP/1 connection that is written piece by piece
 * while its step runs: framing (RFC 9112 sections 6 and 7), and room.
 *
 *     piece -> [ out block:  size CRLF piece piece ... | room ]
 *
 * Pieces are copied into the block, into one chunk as long as it stays there;
 * its size is filled in when it is sealed, which is before it goes.  When there
 * is no room the block goes at once, and if the kernel does not take it the
 * writer waits. */
#ifndef CONN_STREAMED_H
#define CONN_STREAMED_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct conn;

/* How the body of the answer that is being written is framed. */
enum streamed_framing {
    STREAMED_NOTHING, /* no body goes with it */
    STREAMED_COUNTED, /* Content-Length */
    STREAMED_CHUNKED,
    STREAMED_CLOSED, /* by the end of the connection */
};

/* The answer of c's request begins: its framing, which is to be said in the
 * head (c->closes is set if it needs to be). [worker] */
void streamed_begin(struct conn *c);
/* As sink->write (http/req.h). [worker] */
MUST_USE int64_t streamed_write(struct conn *c, const char *p, size_t n);
/* Before what is in the block goes. [worker] */
void streamed_seal(struct conn *c);
/* No more is written: the end is queued, with trailers.  0; ERR_NOMEM;
 * ERR_LIMIT if it is not whole, or shorter than was promised: then the client
 * is to see that it ends too early. [worker] */
MUST_USE int streamed_end(struct conn *c, int is_whole);

#endif
