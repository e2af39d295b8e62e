/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_deflate.h - agreeing on permessage-deflate (RFC 7692 section 7.1).
 *
 * A client offers configurations, the one it likes most first; the first that
 * the server can do is accepted, or none, and the answer says with what.  What
 * is done to messages then is not here. */
#ifndef PROTO_WS_DEFLATE_H
#define PROTO_WS_DEFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

/* Windows have 2^bits bytes. */
#define WS_DEFLATE_BITS_MIN 8
#define WS_DEFLATE_BITS_MAX 15

/* What this server can do and would like, 8 <= bits <= 15.  A client is asked
 * for a smaller window only if it has offered to be: agreed may be 15 all the
 * same. */
struct ws_deflate_terms {
    uint8_t server_bits_min, server_bits_max; /* of our compressor */
    uint8_t client_bits_max;                  /* of the client's */
    uint8_t server_no_context; /* ours starts afresh with each message */
    uint8_t client_no_context; /* the client's has to */
};

/* What both sides keep to. */
struct ws_deflate {
    uint8_t server_bits, client_bits; /* of the window of each compressor */
    uint8_t server_no_context, client_no_context;
    uint8_t names_server_bits; /* the answer has to name them */
};

/* Look through the offers in a Sec-WebSocket-Extensions field.  1 and what is
 * agreed; 0 if nothing is: no offer of permessage-deflate, or each has a
 * parameter that is unknown, repeated, of no valid value or beyond terms;
 * ERR_FIELD if the field is malformed, *agreed says nothing then.  Of several
 * fields the first that gives 1 counts. [any] */
MUST_USE int ws_deflate_choose(et_str offers,
                               const struct ws_deflate_terms *terms,
                               struct ws_deflate *agreed);

#define WS_DEFLATE_ANSWER_MAX 128
/* The value of the answer's Sec-WebSocket-Extensions; returns its length.  No
 * NUL. [any] */
size_t ws_deflate_answer(char out[WS_DEFLATE_ANSWER_MAX],
                         const struct ws_deflate *agreed);

#endif
