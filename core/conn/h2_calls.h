/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_calls.h - what the library is told, and what it calls. */
#ifndef CONN_H2_CALLS_H
#define CONN_H2_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct h2;

/* Make h's session, whose settings (RFC 9113 6.5) are on their way: 0, or
 * ERR_NOMEM. [worker] */
MUST_USE int h2_calls_open(struct h2 *h);
/* The first frame of the library's, n bytes at *p, is on its way: as many go
 * instead, which are in h. [worker] */
void h2_calls_preface(struct h2 *h, const uint8_t **p, size_t n);

#endif
