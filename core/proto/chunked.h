/* SPDX-License-Identifier: BSD-2-Clause */
/* chunked.h - the chunked transfer coding (RFC 9112 section 7).
 *
 * A decoder that is fed pieces of any size and hands out spans of the same
 * memory, and the few bytes a writer needs.  Lines end in CRLF and nothing
 * else; extensions are checked and forgotten; trailer fields are checked,
 * bounded and handed out apart (they are never merged into the header).
 *
 *     body bytes handed out <= max_body; trailer bytes <= max_trailer;
 *     bytes spent on framing <= CHUNKED_EXCESS_MAX + 18 a chunk + 2 x body. */
#ifndef PROTO_CHUNKED_H
#define PROTO_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

/* Results of chunked_next besides the negative ERR_*. */
#define CHUNKED_MORE 0 /* all bytes used, the body goes on */
#define CHUNKED_DATA 1 /* *data is set; call again with what is left */
#define CHUNKED_DONE 2 /* body and trailers are complete */

/* A chunk line is at most this long, CRLF included. */
#define CHUNKED_LINE_MAX 4096u
/* Credit for extensions that come with next to no data (a client that sends
 * one byte and 4 KiB of extension a chunk is cut off here). */
#define CHUNKED_EXCESS_MAX 16384u

struct chunked {
    uint64_t left;     /* of the chunk being read */
    uint64_t body_len; /* announced so far, the current chunk included */
    uint64_t max_body;
    uint32_t line_len;    /* of the chunk line so far */
    uint32_t excess;      /* framing bytes not yet paid for by data */
    uint32_t trailer_len; /* bytes of the trailer section so far */
    uint32_t max_trailer;
    uint8_t state;
    et_str trailer; /* of the bytes used last, those of the trailer section: its
                       lines, each with its CRLF; n == 0: none */
};

/* Start a body: at most max_body decoded bytes, max_trailer of trailers. */
void chunked_init(struct chunked *c, uint64_t max_body, uint32_t max_trailer);

/* Read from the n bytes at p.  *used is how many are done with (those of *data
 * included); *data is a span of p and set only with CHUNKED_DATA, never empty.
 * With n == 0 returns CHUNKED_MORE, or CHUNKED_DONE if it was.  Errors, for
 * good: ERR_CHUNK, ERR_BODY_LARGE (as soon as a chunk that would not fit is
 * announced), ERR_FIELD or ERR_FIELDS_LARGE in the trailers. [any] */
int chunked_next(struct chunked *c, const char *p, size_t n, size_t *used,
                 et_str *data) MUST_USE;

/* Line in front of a chunk of n > 0 bytes: "1a2b" CRLF; behind the chunk goes
 * CHUNKED_CRLF, behind the last one CHUNKED_END. */
#define CHUNKED_HEAD_MAX 18
#define CHUNKED_CRLF "\r\n"
#define CHUNKED_END "0\r\n\r\n"
/* Returns its length. [any] */
size_t chunked_head(char out[CHUNKED_HEAD_MAX], uint64_t n);

#endif
