/* SPDX-License-Identifier: BSD-2-Clause */
/* spare.c - see spare.h. */
#include "serve/spare.h"

#include "base/check.h"
#include "os/limit.h"

void
spare_open(struct spare *s)
{
    uint64_t n = limit_nofile() / SPARE_SHARE;

    CHECK(s->users == 0);
    s->n = n < SPARE_MAX ? (uint32_t)n : SPARE_MAX;
    if (limit_nofile_hold(s->n) < 0)
        s->n = 0; /* then orders have what all have */
}

void
spare_use(struct spare *s)
{
    if (s->users++ == 0 && s->n > 0)
        (void)!limit_nofile_hold(0);
}

void
spare_leave(struct spare *s)
{
    CHECK(s->users > 0);
    if (--s->users == 0 && s->n > 0)
        (void)!limit_nofile_hold(s->n);
}
