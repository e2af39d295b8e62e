/* SPDX-License-Identifier: BSD-2-Clause */
/* field.h - what stands in field values: lists, tokens, cookies, preferences.
 *
 * RFC 9110 sections 5 and 12, RFC 6265 section 4.2.  Values are those a parser
 * accepted (no CR, LF, NUL in them) but otherwise whatever a client sent. */
#ifndef PROTO_FIELD_H
#define PROTO_FIELD_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

/* ---- lists (#rule, RFC 9110 5.6.1) ---------------------------------------*/

/* Cut the next element off the front of *list: between commas that are not in
 * a quoted-string, blanks at its edges removed, empty elements skipped.
 * Returns 1, 0 at the end, or ERR_FIELD for a quoted-string that does not end.
 * Start with *list = value. [any] */
int field_list_next(et_str *list, et_str *item);
/* The same between semicolons: parameters, the pairs of Forwarded. [any] */
int field_param_next(et_str *params, et_str *item);
/* The longest token s begins with; n == 0 if it begins with none. [any] */
et_str field_token(et_str s);
/* True if one element of the list is token, which is lower-case; compared
 * without case.  A malformed list has the tokens before the fault. [any] */
int field_list_has(et_str list, const char *token);

/* ---- strings -------------------------------------------------------------*/

/* Cut "name=value" in two: blanks around name and value removed, the value
 * still quoted if it was.  Returns 0, or ERR_FIELD without '='. [any] */
int field_pair(et_str s, et_str *name, et_str *value);
/* Undo a quoted-string into out (s.n bytes of room, may be s.p).  What is not
 * quoted is copied.  0 and the length, or ERR_FIELD. [any] */
int field_unquote(et_str s, char *out, size_t *out_len);

/* ---- for output ----------------------------------------------------------*/

/* True if s may be sent as a field name: a token. [any] */
int field_name_is_valid(et_str s);
/* True if s may be sent as a value: no control byte but HTAB, so no CR, LF or
 * NUL.  Empty is valid. [any] */
int field_value_is_valid(et_str s);

/* ---- particular fields ---------------------------------------------------*/

/* The value of the first cookie of that exact name in one Cookie field, without
 * the quotes around it; absent if there is none. [any] */
et_str field_cookie(et_str cookies, et_str name);

/* Which form of an error text the client asked for. */
enum field_form {
    FIELD_TEXT,
    FIELD_HTML,
    FIELD_JSON,
};
/* Read an Accept field (RFC 9110 12.5.1).  HTML or JSON only if their quality,
 * by an exact or type/ * range, is above that of text/plain, or equal to it
 * and named exactly while text/plain is not; ties between the two go to HTML.
 * Absent, empty, malformed and the catch-all alone mean FIELD_TEXT. [any] */
enum field_form field_accept(et_str accept);

#endif
