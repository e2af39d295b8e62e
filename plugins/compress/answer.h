/* SPDX-License-Identifier: BSD-2-Clause */
/* answer.h - what of an answer's head says whether it may be compressed, and
 * what is said there of one that is. */
#ifndef COMPRESS_ANSWER_H
#define COMPRESS_ANSWER_H

#include <etude.h>

#include "plan.h"

/* Whether the answer that r's response step sees would be compressed for
 * somebody. [worker] */
int answer_may(const et_req *r, const struct plan *p);
/* Of a 206: whether the 200 that it is a part of would be, as far as can be
 * seen from it. [worker] */
int answer_may_all(const et_req *r, const struct plan *p);
/* It depends on Accept-Encoding, compressed or not (RFC 9110 12.5.5).  0, or
 * below 0: no memory. [worker] */
int32_t answer_vary(et_req *r);
/* It is another representation from now on: its coding is said, its entity tag
 * is weak (8.8.3), and what is no longer true of it goes: digests (RFC 9530),
 * ranges.  0, or below 0: no memory. [worker] */
int32_t answer_dress(et_req *r, enum coding coding);
/* Of a 304: the client has a compressed one if it knows it by the weak form of
 * its tag, and is told what would be said of that (RFC 9110 15.4.5).  0, or
 * below 0: no memory. [worker] */
int32_t answer_not_modified(et_req *r);

#endif
