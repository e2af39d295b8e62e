/* SPDX-License-Identifier: BSD-2-Clause */
/* json.h - the little JSON that commands print: strings, members, lists of
 * strings.  Brackets, commas between items and numbers are the caller's.  How
 * it is read: json_read.h. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stddef.h>
#include <stdio.h>

#include "abi/etude_abi.h"

/* s in quotes, escaped (RFC 8259, section 7). [any] */
void json_string(FILE *out, et_str s);
/* The same of text into out, with a NUL, for who may not trust stdio; what has
 * no room among cap >= 3 bytes is cut.  How many bytes that is. [signal-safe]
 */
size_t json_quote(char *out, size_t cap, const char *text);
/* "name":"value" and a comma, as more members follow; NULL is "". [any] */
void json_member(FILE *out, const char *name, const char *value);
/* The same and the end of the object instead. [any] */
void json_last(FILE *out, const char *name, const char *value);

#endif
