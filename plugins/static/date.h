/* SPDX-License-Identifier: BSD-2-Clause */
/* date.h - dates of HTTP (RFC 9110 5.6.7), by seconds since 1970. */
#ifndef STATIC_DATE_H
#define STATIC_DATE_H

#include <etude.h>

#define DATE_LEN 29

/* "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL; t from 0 to the year 9999, or it
 * is cut to that. [any] */
void date_format(int64_t t, char out[DATE_LEN + 1]);
/* Any of the three forms: 0 and *t, or -1.  A year of two digits is taken to be
 * from 1970 to 2069. [any] */
int date_parse(et_str s, int64_t *t);

#endif
