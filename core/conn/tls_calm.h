/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_calm.h - how often a client may have new keys.
 *
 * A KeyUpdate (RFC 8446 4.6.3) is a record of 27 bytes that costs as much as
 * two dozen others, and where it asks for ours, too, an answer.  Who has a use
 * for them sends one in some gigabytes.  The purse is refilled by time alone:
 * text between them may be a byte.  Invariant: n <= TLS_CALM_UPDATES. */
#ifndef CONN_TLS_CALM_H
#define CONN_TLS_CALM_H

#include <stdint.h>

#include "tls/session.h"

#define TLS_CALM_UPDATES SESSION_UPDATES_MAX /* at once; as many in */
#define TLS_CALM_REFILL_MS 10000u
#define TLS_CALM_STEP_MS (TLS_CALM_REFILL_MS / TLS_CALM_UPDATES)

/* Zeros: a full purse. */
struct tls_calm {
    uint32_t at_ms; /* of the last refill: the clock's low bits */
    uint32_t n;     /* that came and are not forgotten */
};

/* n have come: 0, or -1: too many. [any] */
MUST_USE static inline int
tls_calm_take(struct tls_calm *k, uint32_t n, uint64_t now_ms)
{
    uint32_t steps = ((uint32_t)now_ms - k->at_ms) / TLS_CALM_STEP_MS;

    if (steps < k->n) {
        k->n -= steps;
        k->at_ms += steps * TLS_CALM_STEP_MS;
    } else {
        k->n = 0;
        k->at_ms = (uint32_t)now_ms;
    }
    if (n >= TLS_CALM_UPDATES - k->n)
        return -1;
    k->n += n;
    return 0;
}

#endif
