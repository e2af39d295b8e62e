/* SPDX-License-Identifier: BSD-2-Clause */
/* method.h - request methods: token <-> ET_M_* (RFC 9110 section 9).
 *
 * Methods are case-sensitive; a valid token that is not in the table is
 * ET_M_OTHER. */
#ifndef PROTO_METHOD_H
#define PROTO_METHOD_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"

#define METHOD_COUNT 10u /* ET_M_OTHER included */
/* All methods known by name, as mask. */
#define METHOD_ALL 0x3feu

/* Number of a method's token; ET_M_OTHER for any other bytes. [any] */
uint32_t method_parse(et_str token);
/* "GET" of ET_M_GET; "" of ET_M_OTHER and beyond. [any] */
et_str method_name(uint32_t method);
/* The bit of a method in a mask. [any] */
static inline uint32_t
method_bit(uint32_t method)
{
    return UINT32_C(1) << method;
}

/* True if s is a token, of one byte at least. [any] */
int method_is_token(et_str s);

#define METHOD_LIST_MAX 64
/* The value of an Allow field: "GET, HEAD, OPTIONS" in the order of the
 * numbers; returns the length.  No NUL. [any] */
size_t method_list(char out[METHOD_LIST_MAX], uint32_t mask);

#endif
