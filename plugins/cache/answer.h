/* SPDX-License-Identifier: BSD-2-Clause */
/* answer.h - a stored answer is sent, or 304 or a part of it, without a copy.
 *
 * Who calls holds a reference of e until the log step has returned: fields are
 * sent from where they lie. */
#ifndef CACHE_ANSWER_H
#define CACHE_ANSWER_H

#include <etude.h>

#include "entry.h"

/* Answer r, a GET or HEAD, with e at that age: what the step returns.  outcome
 * goes into a field of that name, if it is not empty.  [worker] */
uint32_t answer_entry(et_req *r, struct entry *e, int64_t age_ms, et_str name,
                      const char *outcome);
/* Does r ask for something that a cache does not judge (If-Match,
 * If-Unmodified-Since: RFC 9111 4.3.2)?  [worker] */
int answer_is_for_origin(const et_req *r);
/* May r's answer be less than all there is: a part, or nothing new?  [worker]
 */
int answer_may_be_less(const et_req *r);

#endif
