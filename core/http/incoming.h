/* SPDX-License-Identifier: BSD-2-Clause */
/* incoming.h - the reply to one request, as it comes from a descriptor: its
 * head, then its body.
 *
 *     buf   | judged ... start | not judged ... end | free ... cap |
 *
 * It receives without waiting (MSG_DONTWAIT), and of a body no more than its
 * reader has room for, or a buffer of a coded one.  Responses before the reply
 * (1xx, RFC 9110 15.2) are skipped; 101, which nobody has asked for, is an
 * error.  Not here: the descriptor, and who waits for it (fetch.h). */
#ifndef HTTP_INCOMING_H
#define HTTP_INCOMING_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "proto/chunked.h"
#include "proto/reply.h"

struct arena;
struct blocks;

#define INCOMING_MORE (-1000) /* nothing is there now; none of ET_E* */

#define INCOMING_INTERIM_MAX 16u /* responses before the reply */
/* Bytes of a status line, of a head's fields, and their number. */
#define INCOMING_LINE_MAX 8192u
#define INCOMING_HEADER_MAX 32768u
#define INCOMING_FIELDS_MAX 100u

struct incoming {
    struct blocks *blocks;
    char *buf; /* or NULL */
    size_t cap, start, end;
    uint64_t left; /* of the body: that is to come, or that may */
    uint64_t max_body;
    uint8_t framing;   /* enum reply_body */
    uint8_t is_head;   /* the request was HEAD */
    uint8_t has_bytes; /* some have come */
    uint8_t has_head;  /* the reply's is complete */
    uint8_t is_over;   /* all of the body was read */
    uint8_t n_interim;
    struct chunked chunked;
    et_str span; /* of the buffer: decoded, not yet read */
    struct reply_head head;
    struct http1_field fields[INCOMING_FIELDS_MAX];
};

/* Of a request by HEAD (is_head), or not, to whose reply max_body bytes of body
 * are let in (0: any). [worker] */
void incoming_init(struct incoming *in, struct blocks *blocks, int is_head,
                   uint64_t max_body);
/* Give back its memory. [worker] */
void incoming_fini(struct incoming *in);

/* Receive what there is of the head: 0: it is complete; INCOMING_MORE;
 * ET_ECONN: the connection has ended; ET_EPROTO: it is none; ET_ELIMIT: its
 * body will be larger than max_body; ET_ENOMEM. [worker] */
MUST_USE int32_t incoming_head(struct incoming *in, int fd);
/* Copy the head, which is complete, to where out says that it is.  0 or
 * ET_ENOMEM. [worker] */
MUST_USE int32_t incoming_show(const struct incoming *in, struct arena *arena,
                               et_reply *out);
/* Read at most n bytes (> 0) of its body: how many; 0: that was all;
 * INCOMING_MORE; ET_ECONN: it ends too early; ET_EPROTO: it is malformed;
 * ET_ELIMIT: larger than max_body. [worker] */
MUST_USE int64_t incoming_read(struct incoming *in, int fd, char *p, size_t n);
/* Whether the next read has to receive. */
static inline int
incoming_is_dry(const struct incoming *in)
{
    return in->start == in->end && in->span.n == 0;
}
/* Whether it is over, and the connection is good for another. [worker] */
int incoming_may_stay(const struct incoming *in);

#endif
