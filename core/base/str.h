/* SPDX-License-Identifier: BSD-2-Clause */
/* str.h - small questions about slices (et_str).
 *
 * Nothing here copies, allocates or looks past p + n; case means ASCII case,
 * whatever the locale.  An absent slice (p == NULL) equals an empty one. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "abi/etude_abi.h"
#include "base/check.h"

/* The slice of a string literal, without its NUL. [any] */
#define str_lit(s) ((et_str){"" s "", sizeof(s) - 1})

/* The slice of a NUL-terminated string; NULL becomes absent. [any] */
static inline et_str
str_from_z(const char *z)
{
    return (et_str){z, z ? strlen(z) : 0};
}

/* The same bytes. [any] */
static inline int
str_eq(et_str a, et_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* n bytes of a and b are the same but for ASCII case. [any] */
int str_bytes_eq_nocase(const char *a, const char *b, size_t n);

/* The same bytes but for ASCII case. [any] */
static inline int
str_eq_nocase(et_str a, et_str b)
{
    return a.n == b.n && str_bytes_eq_nocase(a.p, b.p, a.n);
}

/* s begins with prefix. [any] */
static inline int
str_prefix(et_str s, et_str prefix)
{
    return s.n >= prefix.n &&
           (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* s without the blanks and tabs at both ends (OWS, RFC 9110 5.6.3). [any] */
et_str str_trim(et_str s);

/* The number that s is, in decimal digits and nothing else: 0, or ERR_INVALID
 * (empty, a sign, another byte, above 2^64 - 1) with *out untouched. [any] */
MUST_USE int str_to_u64(et_str s, uint64_t *out);

/* Length of the UTF-8 character that the n > 0 bytes at p begin with (RFC 3629:
 * shortest form, no surrogates), 1 to 4; 0 if it is none or cut off. [any] */
size_t str_utf8_len(const void *p, size_t n);

#endif
