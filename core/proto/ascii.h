/* SPDX-License-Identifier: BSD-2-Clause */
/* ascii.h - classes of bytes in HTTP's grammar, one table.
 *
 * What a byte may be part of, hexadecimal digits, numbers, and comparison with
 * a lower-case literal; no locale, no ctype.h.  What is not HTTP's own stands
 * in base/str.h.  Everything here is [any]. */
#ifndef PROTO_ASCII_H
#define PROTO_ASCII_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"

/* Bits of ascii_class[]. */
#define ASCII_TOKEN 0x01u /* tchar, RFC 9110 5.6.2 */
#define ASCII_VALUE 0x02u /* field value: HTAB, 0x20-0x7e, 0x80-0xff */
#define ASCII_VCHAR 0x04u /* 0x21-0x7e */
#define ASCII_DIGIT 0x08u
#define ASCII_HEX 0x10u
#define ASCII_UPPER 0x20u
#define ASCII_ALPHA 0x40u
#define ASCII_REGNAME 0x80u /* unreserved or sub-delims: RFC 3986 3.2.2 */

extern const uint8_t ascii_class[256];
/* Value of a hexadecimal digit, 0xff for any other byte. */
extern const uint8_t ascii_hex[256];

static inline int
ascii_is(char c, unsigned bits)
{
    return (ascii_class[(unsigned char)c] & bits) != 0;
}

static inline unsigned
ascii_hex_digit(char c)
{
    return ascii_hex[(unsigned char)c];
}

static inline char
ascii_lower(char c)
{
    return ascii_is(c, ASCII_UPPER) ? (char)(c | 0x20) : c;
}

/* True if every byte of s has one of the bits, and there is one. */
int ascii_all(et_str s, unsigned bits);
/* True if a is the literal, which is lower-case, but for the case of A-Z. */
int ascii_eq_lit(et_str a, const char *lower);

/* A decimal number of digits only, at most max, as *out: 0, or -1 (*out is not
 * set) for none, for any other byte, for more than max. */
int ascii_to_u64(et_str s, uint64_t max, uint64_t *out);

#define ASCII_U64_MAX 20
/* n in decimal; returns the length.  No NUL. */
size_t ascii_from_u64(char out[ASCII_U64_MAX], uint64_t n);

#endif
