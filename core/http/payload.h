/* SPDX-License-Identifier: BSD-2-Clause */
/* payload.h - bytes that several send, each by a reference.
 *
 * Whoever makes it has the first one.  It is read-only from then on, and there
 * until the last reference is gone, on whatever thread. */
#ifndef HTTP_PAYLOAD_H
#define HTTP_PAYLOAD_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/check.h"

struct payload {
    _Atomic uint32_t refs;
    uint32_t n;
    const char *p;
    void (*release)(struct payload *p); /* the last reference is gone [any] */
};

/* n references more. [any], who has one */
static inline void
payload_ref(struct payload *p, uint32_t n)
{
    atomic_fetch_add_explicit(&p->refs, n, memory_order_relaxed);
}

/* n references less. [any], who has them */
static inline void
payload_unref(struct payload *p, uint32_t n)
{
    uint32_t before =
        atomic_fetch_sub_explicit(&p->refs, n, memory_order_acq_rel);

    CHECK(before >= n);
    if (before == n)
        p->release(p);
}

#endif
