/* SPDX-License-Identifier: BSD-2-Clause */
/* describe.h - one wording for what a key takes and for what it was given.
 *
 * Used by messages and by the reference, so that they agree. */
#ifndef CONF_DESCRIBE_H
#define CONF_DESCRIBE_H

#include <stddef.h>

#include "abi/etude_abi.h"
#include "conf/value.h"

/* What a key of this spec takes, for messages and the reference: "a size such
 * as 64k or 1m".  Cut at cap. [any] */
void describe_spec(const struct value_spec *spec, char *buf, size_t cap);
/* "expected ..., found ...; did you mean ...?", without what was found if it
 * is secret.  NUL-terminated, cut at cap. [any] */
void describe_complain(const struct value_spec *spec, et_str text, int secret,
                       char *why, size_t cap);
/* s as messages show it: control bytes escaped, long texts cut. [any] */
void describe_text(et_str s, char *buf, size_t cap);

#endif
