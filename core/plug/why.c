/* SPDX-License-Identifier: BSD-2-Clause */
/* why.c - see why.h. */
#include "plug/why.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"

int
why_set(et_err *e, const char *fmt, ...)
{
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(e->p, e->cap, fmt, ap);
    va_end(ap);
    e->n = len < 0 ? 0 : (size_t)len;
    if (e->n >= e->cap)
        e->n = e->cap > 0 ? e->cap - 1 : 0;
    return ERR_INVALID;
}
