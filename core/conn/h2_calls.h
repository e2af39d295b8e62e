/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_calls.h - what the library is told, and what it calls. */
#ifndef CONN_H2_CALLS_H
#define CONN_H2_CALLS_H

#include "base/check.h"

struct h2;

/* Make h's session, whose settings (RFC 9113 6.5) are on their way: 0, or
 * ERR_NOMEM. [worker] */
MUST_USE int h2_calls_open(struct h2 *h);

#endif
