/* SPDX-License-Identifier: BSD-2-Clause */
/* date.h - HTTP dates (RFC 9110 section 5.6.7): seconds since 1970 and back.
 *
 * No libc time functions, no locale, no time zone. */
#ifndef PROTO_DATE_H
#define PROTO_DATE_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

#define DATE_LEN 29
/* 9999-12-31 23:59:59, the last moment the format can tell. */
#define DATE_LAST INT64_C(253402300799)

/* IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT"; no NUL.  Before 1970 is shown
 * as 1970, after DATE_LAST as that. [any] */
void date_format(char out[DATE_LEN], int64_t wall_s);

/* Any of the three formats: IMF-fixdate, RFC 850 ("Sunday, 06-Nov-94 08:49:37
 * GMT": of the years that end so, the last that is at most 50 years after that
 * of now_s), asctime ("Sun Nov  6 08:49:37 1994").  The day's name must
 * be one but need not fit the date; the rest must be a real moment, of which
 * second 60 is the last.  0 or ERR_INVALID. [any] */
int date_parse(et_str s, int64_t now_s, int64_t *wall_s) MUST_USE;

#endif
