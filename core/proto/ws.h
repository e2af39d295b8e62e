/* SPDX-License-Identifier: BSD-2-Clause */
/* ws.h - WebSocket frames (RFC 6455 sections 5 and 7), as a server reads and
 * writes them.
 *
 * A reader that is fed pieces of any size, unmasks them where they are and
 * hands out spans of the same memory; and the few bytes a writer needs.  Not
 * here: the handshake (ws_shake.h), compression (ws_deflate.h agrees on it),
 * when a ping or a close is answered.
 *
 *     | FIN RSV1 RSV2 RSV3 opcode | mask? length | 2 or 8 bytes of length |
 *       1   1    1    1    4        1     7        if that was 126 or 127
 *     | 4 bytes of mask | payload ...
 *       from clients
 *
 *     payload of a data frame <= max_frame; of a message's frames together
 *     <= max_message; of a control frame <= WS_CONTROL_MAX.
 *
 * The verdict depends on the bytes alone, never on how they were cut; only a
 * text that is not UTF-8 is handed out up to the piece that is wrong.
 *
 * Decided, where the RFC leaves a choice:
 *   UTF-8               judged as it comes, not with the end of the message;
 *   length too long     refused: 126 and 127 only if fewer bytes do not do;
 *   close frame         nothing behind it is read (1.4), nor behind an error;
 *   empty fragment      nothing is told of it, unless it ends the message;
 *   1012 to 1014        are codes (they are registered); 1016 to 2999 are not.
 */
#ifndef PROTO_WS_H
#define PROTO_WS_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "proto/utf8.h"

/* The first byte of a frame: an opcode, with bits. */
#define WS_OP_CONTINUATION 0x0u
#define WS_OP_TEXT 0x1u
#define WS_OP_BINARY 0x2u
#define WS_OP_CLOSE 0x8u
#define WS_OP_PING 0x9u
#define WS_OP_PONG 0xau
#define WS_FIN 0x80u
#define WS_RSV1 0x40u /* on a message's first frame: it is compressed */

/* Payload of a control frame. */
#define WS_CONTROL_MAX 125u

/* Why a connection closes (7.4.1), as far as a server has something to say. */
enum ws_code {
    WS_CODE_NORMAL = 1000,
    WS_CODE_GOING_AWAY = 1001,
    WS_CODE_PROTOCOL = 1002,
    WS_CODE_NONE = 1005, /* never on the wire: the frame had no code */
    WS_CODE_GONE = 1006, /* nor this: there was no close frame */
    WS_CODE_DATA = 1007, /* a text that is not UTF-8 */
    WS_CODE_POLICY = 1008,
    WS_CODE_LARGE = 1009,
    WS_CODE_INTERNAL = 1011,
};

/* ---- the reader ----------------------------------------------------------*/

/* Results of ws_next besides the negative ERR_*. */
#define WS_MORE 0 /* all bytes used, nothing to tell */
#define WS_DATA 1 /* a piece of a message */
#define WS_PING 2
#define WS_PONG 3
#define WS_CLOSE 4

struct ws {
    /* results: data with every one of them, valid until the next call */
    et_str data;           /* the piece, the control payload, the reason */
    uint64_t left;         /* WS_DATA: payload of this frame still to come */
    uint16_t code;         /* WS_CLOSE: as sent, or WS_CODE_NONE */
    uint8_t opcode;        /* WS_DATA: WS_OP_TEXT or WS_OP_BINARY */
    uint8_t is_compressed; /* WS_DATA: it is, and was not judged as UTF-8 */
    uint8_t is_first;      /* WS_DATA: of the pieces of its message */
    uint8_t is_last;       /* the same; only a last one may be empty */
    /* private */
    uint8_t state;
    uint8_t head;       /* first byte of the frame being read */
    uint8_t need;       /* bytes of its length or mask still to come */
    uint8_t phase;      /* of the mask, for the next byte of payload */
    uint8_t in_message; /* its last frame has not come yet */
    uint8_t is_told;    /* a piece of it has been handed out */
    uint8_t has_deflate;
    uint8_t control_len;
    uint8_t mask[4];
    struct utf8 text;
    uint64_t message_len; /* announced so far, this frame included */
    uint64_t max_frame, max_message;
    char control[WS_CONTROL_MAX];
};

/* Start behind the handshake.  has_deflate: permessage-deflate was agreed on,
 * and RSV1 is allowed.  The limits bound what is sent, not what it inflates to;
 * UINT64_MAX is none. [any] */
void ws_init(struct ws *w, uint64_t max_frame, uint64_t max_message,
             int has_deflate);

/* Read from the n bytes at p, which are changed.  *used is how many are done
 * with, those of w->data included; after a result other than WS_MORE call
 * again with what is left.  Errors, for good:
 *   ERR_WS_FRAME   a reserved bit or opcode, a length in more bytes than it
 *                  needs, a control frame that is long or a fragment;
 *   ERR_WS_MASK    there is none;
 *   ERR_WS_ORDER   a continuation of nothing, a message within a message;
 *   ERR_WS_CLOSE   a close frame of one byte or with a code that may not be;
 *   ERR_WS_LARGE   as soon as a frame that would not fit is announced;
 *   ERR_UTF8       in a text that is not compressed, or a close's reason.
 * After one of them and after WS_CLOSE what follows is used and dropped. [any]
 */
MUST_USE int ws_next(struct ws *w, char *p, size_t n, size_t *used);

/* Whether nothing is half read: neither a frame nor a message of several.  Then
 * a reader begun anew goes on as well. [any] */
int ws_is_between(const struct ws *w);

/* The code to close with after an error of ws_next: 1002, 1007 or 1009. [any]
 */
unsigned ws_code_of(int err);
/* True if code may stand in a close frame, of whichever side. [any] */
int ws_code_is_valid(unsigned code);

/* ---- the writer ----------------------------------------------------------*/

#define WS_HEAD_MAX 10
/* What goes in front of n < 2^63 bytes of payload, which a server sends as they
 * are.  first: an opcode, with WS_FIN and WS_RSV1.  Returns the length. [any]
 */
size_t ws_frame_head(char out[WS_HEAD_MAX], unsigned first, uint64_t n);

/* The payload of a close frame; the reason is cut to what fits, where no
 * character is torn.  Returns its length: 0 for WS_CODE_NONE without reason;
 * ERR_WS_CLOSE if code is not valid, ERR_UTF8. [any] */
MUST_USE int ws_close_payload(char out[WS_CONTROL_MAX], unsigned code,
                              et_str reason);

#endif
