/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_pace.h - whether bytes go, or drip.
 *
 * Of HTTP/1 the kernels see to it that a window opens by a segment or not at
 * all (RFC 9293 3.8.6.2.2): who takes a byte now and then takes nothing in
 * write_timeout.  Windows of HTTP/2 open by a byte, if their client likes. */
#ifndef CONN_H2_PACE_H
#define CONN_H2_PACE_H

#include <stddef.h>
#include <stdint.h>

/* Fewer than these are not worth their frames; a segment has more. */
#define H2_PACE_BYTES 1024u

struct h2_pace {
    uint32_t since_ms; /* since then n have gone: the clock's low bits */
    uint32_t n;        /* below H2_PACE_BYTES */
};

/* Nobody is slow yet. [any] */
static inline void
h2_pace_restart(struct h2_pace *p, uint64_t now_ms)
{
    *p = (struct h2_pace){.since_ms = (uint32_t)now_ms};
}

/* n have gone. [any] */
static inline void
h2_pace_went(struct h2_pace *p, size_t n, uint64_t now_ms)
{
    if (n >= H2_PACE_BYTES - p->n)
        h2_pace_restart(p, now_ms);
    else
        p->n += (uint32_t)n;
}

/* Since when fewer than H2_PACE_BYTES have gone; at most 49 days ago. [any] */
static inline uint64_t
h2_pace_since(const struct h2_pace *p, uint64_t now_ms)
{
    return now_ms - ((uint32_t)now_ms - p->since_ms);
}

#endif
