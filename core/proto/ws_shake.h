/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_shake.h - the fields of WebSocket's handshake (RFC 6455 section 4.2).
 *
 * What an HTTP request has to be before these are looked at (GET, HTTP/1.1,
 * "websocket" in Upgrade, version 13) is seen where it is known; compression
 * is ws_deflate.h's. */
#ifndef PROTO_WS_SHAKE_H
#define PROTO_WS_SHAKE_H

#include <stddef.h>

#include "abi/etude_abi.h"
#include "base/check.h"

#define WS_SHAKE_ACCEPT_LEN 28

/* The value of Sec-WebSocket-Accept for that of Sec-WebSocket-Key.  0, or
 * ERR_FIELD if key is not 16 bytes in base64.  No NUL. [any] */
MUST_USE int ws_shake_accept(et_str key, char out[WS_SHAKE_ACCEPT_LEN]);

/* The first subprotocol that the client offers, in a Sec-WebSocket-Protocol
 * field, and that is one of the n in known; they are compared with case.  1 and
 * *chosen, which is known's; 0 if there is none; ERR_FIELD if the field is not
 * a list of tokens, *chosen says nothing then.  Of several fields the first
 * that gives 1 counts. [any] */
MUST_USE int ws_shake_protocol(et_str offered, const et_str *known, size_t n,
                               et_str *chosen);

#endif
