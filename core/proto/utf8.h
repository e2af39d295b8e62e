/* SPDX-License-Identifier: BSD-2-Clause */
/* utf8.h - is a text that comes in pieces UTF-8 (RFC 3629)?
 *
 * Shortest forms only, no surrogates, nothing above U+10FFFF.  A text is
 * refused at its first byte that no UTF-8 can go on with, however it is cut;
 * that it ends within a character is another question.  A text that is there
 * as a whole, character by character, is base/str.h's. */
#ifndef PROTO_UTF8_H
#define PROTO_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct utf8 {
    uint8_t left;      /* bytes that the character being read still lacks */
    uint8_t low, high; /* the next of them is one of these or between them */
};

/* At the start of a text. [any] */
void utf8_init(struct utf8 *u);
/* Go on with n bytes.  0, or ERR_UTF8 for good. [any] */
MUST_USE int utf8_feed(struct utf8 *u, const char *p, size_t n);
/* True if the text so far does not end within a character. [any] */
int utf8_is_whole(const struct utf8 *u);
/* True if s is UTF-8 from its first byte to its last. [any] */
int utf8_is_valid(et_str s);

#endif
