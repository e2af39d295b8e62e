/* SPDX-License-Identifier: BSD-2-Clause */
/* json_read.h - one JSON object, a member at a time, taken apart in place.
 *
 *     {"command":"command","plugin":"limit","args":["a","b"],"text":true}
 *
 * For orders of the administrator and the answers to them: an object whose
 * members are strings, whole numbers, booleans, null, or lists of strings.
 * Strings are decoded where they stand (no escape is shorter than what it
 * stands for), so the bytes are the reader's while it reads.  Other values -
 * objects, fractions, lists of something else - are skipped, and judged as far
 * as brackets and strings go.  No memory, no recursion, no bound but n. */
#ifndef BASE_JSON_READ_H
#define BASE_JSON_READ_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

enum json_type {
    JSON_STRING, /* text */
    JSON_NUMBER, /* number */
    JSON_BOOL,   /* number: 0 or 1 */
    JSON_NULL,
    JSON_LIST,  /* json_read_item has what is in it */
    JSON_OTHER, /* skipped */
};

struct json_value {
    et_str name;
    enum json_type type;
    et_str text;
    int64_t number;
};

struct json_read {
    char *p, *end;
    int is_begun;   /* the opening brace is behind us */
    int is_in_list; /* 1: before its first item, 2: behind one */
    int is_over;    /* the closing brace is, and nothing follows */
};

/* Read the n bytes at p, which are kept and written to. [any] */
void json_read_init(struct json_read *r, char *p, size_t n);
/* The next member; what is left of a list is skipped.  1; 0: the object is over
 * and nothing but blanks follows it; ERR_INVALID: this is no such object, and
 * nothing that was read of it counts.  Slices stay as long as the bytes. [any]
 */
MUST_USE int json_read_next(struct json_read *r, struct json_value *v);
/* The next string of the list that was read last: 1, or 0 behind the last one,
 * or ERR_INVALID, also for an item that is no string. [any] */
MUST_USE int json_read_item(struct json_read *r, et_str *item);

#endif
