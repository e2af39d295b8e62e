/* SPDX-License-Identifier: BSD-2-Clause */
/* bytes.c - see bytes.h. */
#include "t/lib/bytes.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

void
bytes_put(struct bytes *b, const void *p, size_t n)
{
    if (b->cap < b->n + n + 1) {
        b->cap = (b->n + n + 1) * 2;
        b->p = realloc(b->p, b->cap);
        ck_assert_ptr_nonnull(b->p);
    }
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void
bytes_puts(struct bytes *b, const char *text)
{
    bytes_put(b, text, strlen(text));
}

void
bytes_number(struct bytes *b, size_t len, uint64_t value)
{
    char text[8];

    for (size_t i = len; i > 0; i--, value >>= 8)
        text[i - 1] = (char)value;
    bytes_put(b, text, len);
}

void
bytes_free(struct bytes *b)
{
    free(b->p);
    *b = (struct bytes){0};
}
