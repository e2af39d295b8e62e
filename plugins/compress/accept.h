/* SPDX-License-Identifier: BSD-2-Clause */
/* accept.h - which coding a client wants: Accept-Encoding (RFC 9110 12.5.3). */
#ifndef COMPRESS_ACCEPT_H
#define COMPRESS_ACCEPT_H

#include <etude.h>

#include "coder.h"

/* The first of n codings in order that has the highest weight; CODING_NONE if
 * the client takes none of them, likes the answer as it is better, or has not
 * said anything.  An answer as it is goes to those who refuse that, too.
 * [worker] */
enum coding accept_coding(const et_req *r, const enum coding *order, size_t n);

#endif
