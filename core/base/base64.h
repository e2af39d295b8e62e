/* SPDX-License-Identifier: BSD-2-Clause */
/* base64.h - bytes as text (RFC 4648 section 4), with padding. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

/* The length of n bytes as text. */
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)

/* Write n bytes as text and return its length, BASE64_LEN(n).  No NUL. [any] */
size_t base64_encode(char *out, const void *p, size_t n);

/* How many bytes the text s stands for, or ERR_INVALID: padding is missing, or
 * there is a byte of neither the alphabet nor the padding (line ends, blanks,
 * the '-' and '_' of URLs).  Bits that the last character has too many are not
 * looked at. [any] */
MUST_USE int64_t base64_decoded_len(et_str s);

#endif
