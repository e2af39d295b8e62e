/* SPDX-License-Identifier: BSD-2-Clause */
/* fold.c - see fold.h. */
#include "base/fold.h"

#include <stdint.h>

/* Of memory that is anything. */
typedef uint32_t word __attribute__((__may_alias__));

#define WORDS (FOLD_BYTES / sizeof(word))

size_t
fold_size(const void *p, size_t n)
{
    const word *w = p, *end = w + n / sizeof(word);
    size_t words = n / FOLD_BYTES;

    for (; w < end; w++)
        words += *w != 0;
    return words * sizeof(word);
}

void *
fold_pack(void *to, const void *p, size_t n)
{
    const word *w = p, *end = w + n / sizeof(word);
    word *at = to;

    for (; w < end; w += WORDS) {
        word *bits = at++;
        *bits = 0;
        for (unsigned i = 0; i < WORDS; i++) {
            if (w[i] == 0)
                continue;
            *bits |= UINT32_C(1) << i;
            *at++ = w[i];
        }
    }
    return at;
}

const void *
fold_unpack(const void *from, void *p, size_t n)
{
    const word *at = from;
    word *w = p, *end = w + n / sizeof(word);

    for (; w < end; w += WORDS) {
        word bits = *at++;
        for (unsigned i = 0; i < WORDS; i++)
            w[i] = bits >> i & 1 ? *at++ : 0;
    }
    return at;
}
