/* SPDX-License-Identifier: BSD-2-Clause */
/* answer.h - a stored answer is sent, or 304 or a part of it, without a copy.
 *
 * Who calls holds a reference of e until the log step has returned: fields are
 * sent from where they lie. */
#ifndef CACHE_ANSWER_H
#define CACHE_ANSWER_H

#include <etude.h>

#include "ask.h"
#include "entry.h"

/* Answer r, a GET or HEAD that asks so, with e at that age: what the step
 * returns.  outcome goes into a field of that name, if it is not empty.
 * [worker] */
uint32_t answer_entry(et_req *r, const struct ask *a, struct entry *e,
                      int64_t age_ms, et_str name, const char *outcome);

#endif
