/* SPDX-License-Identifier: BSD-2-Clause */
/* date.h - dates of HTTP (RFC 9110 5.6.7), by seconds since 1970. */
#ifndef CACHE_DATE_H
#define CACHE_DATE_H

#include <etude.h>

/* Any of the three forms: 0 and *t, or -1. [any] */
int date_parse(et_str s, int64_t *t);

#endif
