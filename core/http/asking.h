/* SPDX-License-Identifier: BSD-2-Clause */
/* asking.h - what a plugin wants to ask of another server, checked and written
 * down: whom, and the head of the request (RFC 9112 3, 5).
 *
 * Every byte may come from a client of ours, by way of the plugin: nothing gets
 * into the head that would end a line, or say where the body ends. */
#ifndef HTTP_ASKING_H
#define HTTP_ASKING_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "http/wires.h"

struct arena;

#define ASKING_HEAD_MAX 65536u /* bytes of a head */

struct asking {
    struct wire_end end;
    et_str head,
        body;        /* in the arena; the caller's, absent if it is streamed */
    uint64_t left;   /* of a streamed one with a length: yet to come */
    uint8_t is_head; /* the method is HEAD */
    uint8_t is_safe; /* it may be repeated: RFC 9110 9.2.2 */
    uint8_t is_streamed;
    uint8_t is_chunked; /* it is, and nobody knows how long it will be */
};

/* 0; ET_EINVAL: the url is none with a host, the method no token or CONNECT, or
 * a field may not be sent; ET_ENOTSUP: https; ET_ELIMIT: the head is too long;
 * ET_ENOMEM.  [worker] */
MUST_USE int32_t asking_make(struct asking *a, const et_fetch_ask *ask,
                             struct arena *arena);

#endif
