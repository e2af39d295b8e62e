/* SPDX-License-Identifier: BSD-2-Clause */
/* unit.h - the one table of units: k m g, ms s m h d, /s /m /h.
 *
 * Types are those of value.h: VALUE_SIZE, VALUE_TIME, VALUE_RATE. */
#ifndef CONF_UNIT_H
#define CONF_UNIT_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "conf/value.h"

/* The decimal digits *s begins with; *s moves past them.  0, or ERR_INVALID if
 * there is none or the number exceeds 63 bits. [any] */
MUST_USE int unit_digits(et_str *s, int64_t *out);
/* How many bytes or milliseconds the unit called name is. [any] */
MUST_USE int unit_factor(uint32_t type, et_str name, int64_t *out);
/* A whole text "64k" or "250ms" as bytes or milliseconds.  A size may lack its
 * unit, a time only if it is 0. [any] */
MUST_USE int unit_parse(uint32_t type, et_str s, int64_t *out);
/* The shortest way to write n of this type; any other type: the number.  Cut at
 * cap. [any] */
void unit_write(uint32_t type, int64_t n, char *buf, size_t cap);

#endif
