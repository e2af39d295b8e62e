/* SPDX-License-Identifier: BSD-2-Clause */
/* reply.c - the head of a response, whole and in pieces that move about: the
 * same verdict and the same slices, all of them within it. */
#include "proto/reply.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http1_limits limits = {100, 600, FIELDS};

static void
require(int ok)
{
    if (!ok)
        abort();
}

/* In a block of its own of exactly that size, so that a sanitizer sees it. */
static int
parse_prefix(struct reply_head *r, const uint8_t *data, size_t n)
{
    char *copy = malloc(n > 0 ? n : 1);
    int rc;

    require(copy != NULL);
    if (n > 0)
        memcpy(copy, data, n);
    rc = reply_parse(r, copy, n);
    free(copy);
    return rc;
}

static int
parse_pieces(struct reply_head *r, const uint8_t *data, size_t size)
{
    uint32_t seed = (uint32_t)size;
    size_t n = 0;
    int rc = HTTP1_MORE;

    while (rc == HTTP1_MORE && n < size) {
        seed = seed * 1103515245u + 12345u + data[n];
        n += 1 + (seed >> 16) % 7;
        if (n > size)
            n = size;
        rc = parse_prefix(r, data, n);
    }
    return rc;
}

static void
check_head(const struct reply_head *r)
{
    const struct http1 *h = &r->head;

    require(r->status >= 100 && r->status <= 599);
    require(h->version == 10 || h->version == 11);
    require(h->n_fields <= FIELDS);
    require(!h->is_chunked || (h->content_length < 0 && h->version == 11));
    require(reply_body(r, 1) == REPLY_NONE);
    require(reply_body(r, 0) != REPLY_LENGTH || h->content_length > 0);
    for (uint32_t i = 0; i < h->n_fields; i++) {
        const struct http1_field *f = &h->fields[i];
        require(f->name_len > 0 && f->name_off + f->name_len < f->value_off);
        require(f->value_off + f->value_len < h->head_len);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http1_field fields[2][FIELDS];
    struct reply_head r[2];
    int rc;

    for (int i = 0; i < 2; i++)
        reply_init(&r[i], fields[i], &limits);
    http1_init_simd();
    rc = parse_prefix(&r[0], data, size);
    if (size > 0)
        require(parse_pieces(&r[1], data, size) == rc);
    if (rc != HTTP1_DONE)
        return 0;
    check_head(&r[0]);
    require(r[0].status == r[1].status);
    require(r[0].head.head_len == r[1].head.head_len &&
            r[0].head.head_len <= size);
    require(r[0].head.content_length == r[1].head.content_length);
    require(r[0].head.n_fields == r[1].head.n_fields);
    require(memcmp(fields[0], fields[1],
                   r[0].head.n_fields * sizeof fields[0][0]) == 0);
    return 0;
}
