/* SPDX-License-Identifier: BSD-2-Clause */
/* chunked.c - a chunked body, whole and in pieces: same end, same bytes. */
#include "proto/chunked.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_BODY 1000u

struct result {
    int rc;
    size_t used, body_len;
    uint64_t hash;
};

static void
require(int ok)
{
    if (!ok)
        abort();
}

/* One piece, in a block of exactly its size. */
static void
feed(struct chunked *c, const uint8_t *data, size_t n, struct result *r)
{
    char *copy = malloc(n);
    size_t i = 0, used;
    et_str span;

    require(copy != NULL);
    memcpy(copy, data, n);
    do {
        r->rc = chunked_next(c, copy + i, n - i, &used, &span);
        require(used <= n - i);
        if (r->rc == CHUNKED_DATA) {
            require(span.n > 0 && span.p + span.n == copy + i + used);
            for (size_t k = 0; k < span.n; k++)
                r->hash = r->hash * 31 + (uint8_t)span.p[k];
            r->body_len += span.n;
        }
        i += used;
    } while (r->rc == CHUNKED_DATA);
    require(r->rc != CHUNKED_MORE || i == n);
    r->used += i;
    free(copy);
}

static struct result
decode(const uint8_t *data, size_t size, int is_cut)
{
    struct result r = {.rc = CHUNKED_MORE};
    uint32_t seed = (uint32_t)size;
    struct chunked c;

    chunked_init(&c, MAX_BODY, 100);
    while (r.rc == CHUNKED_MORE && r.used < size) {
        size_t n = size - r.used;
        seed = seed * 1103515245u + 12345u + data[r.used];
        if (is_cut && n > 1 + (seed >> 16) % 5)
            n = 1 + (seed >> 16) % 5;
        feed(&c, data + r.used, n, &r);
    }
    return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole = decode(data, size, 0);
    struct result cut = decode(data, size, 1);

    require(whole.rc == cut.rc && whole.used == cut.used);
    require(whole.body_len == cut.body_len && whole.hash == cut.hash);
    require(whole.body_len <= MAX_BODY);
    return 0;
}
