/* SPDX-License-Identifier: BSD-2-Clause */
/* hash.c - see hash.h. */
#include "hash.h"

static unsigned __int128
wide(uint64_t high, uint64_t low)
{
    return (unsigned __int128)high << 64 | low;
}

void
hash_init(struct hash *h)
{
    h->h = wide(UINT64_C(0x6c62272e07bb0142), UINT64_C(0x62b821756295c58d));
    h->n = 0;
}

void
hash_add(struct hash *h, const void *p, size_t n)
{
    const unsigned __int128 prime = wide(UINT64_C(1) << 24, 0x13b);
    const unsigned char *bytes = p;
    unsigned __int128 x = h->h;
    size_t i;
    for (i = 0; i < n; i++)
        x = (x ^ bytes[i]) * prime;
    h->h = x;
    h->n += n;
}

int
hash_text(const struct hash *h, char *out)
{
    return snprintf(out, 61, "\"%016llx%016llx-%llx\"",
                    (unsigned long long)(uint64_t)(h->h >> 64),
                    (unsigned long long)(uint64_t)h->h,
                    (unsigned long long)h->n);
}
