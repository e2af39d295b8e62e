/* SPDX-License-Identifier: BSD-2-Clause */
/* http1.c - one request head: whole in plain C, whole in vectors, and in pieces
 * that move about must come to the same verdict and the same slices. */
#include "proto/http1.h"

#include <stdlib.h>
#include <string.h>

#include "proto/scan.h"

#define FIELDS 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http1_limits limits = {200, 600, FIELDS};

static void
require(int ok)
{
    if (!ok)
        abort();
}

/* In a block of its own of exactly that size, so that a sanitizer sees it. */
static int
parse_prefix(struct http1 *h, const uint8_t *data, size_t n)
{
    char *copy = malloc(n + 1);
    int rc;

    require(copy != NULL);
    memcpy(copy, data, n);
    copy = realloc(copy, n > 0 ? n : 1);
    rc = http1_parse(h, copy, n);
    free(copy);
    return rc;
}

static int
parse_pieces(struct http1 *h, const uint8_t *data, size_t size)
{
    uint32_t seed = (uint32_t)size;
    size_t n = 0;
    int rc = HTTP1_MORE;

    while (rc == HTTP1_MORE && n < size) {
        seed = seed * 1103515245u + 12345u + data[n];
        n += 1 + (seed >> 16) % 7;
        if (n > size)
            n = size;
        rc = parse_prefix(h, data, n);
    }
    return rc;
}

static void
check_slices(const struct http1 *h)
{
    require(h->target_off + h->target_len < h->head_len && h->target_len > 0);
    require(h->host_off + h->host_len < h->head_len);
    require(h->host_name_len <= h->host_len);
    require(h->n_fields <= FIELDS);
    for (uint32_t i = 0; i < h->n_fields; i++) {
        const struct http1_field *f = &h->fields[i];
        require(f->name_len > 0 && f->name_off + f->name_len < f->value_off);
        require(f->value_off + f->value_len < h->head_len);
    }
}

static void
same(const struct http1 *a, const struct http1 *b)
{
    struct http1 x = *a, y = *b;

    x.fields = y.fields = NULL;
    require(memcmp(&x, &y, sizeof(x)) == 0);
    require(memcmp(a->fields, b->fields, a->n_fields * sizeof(*a->fields)) ==
            0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http1_field fields[3][FIELDS];
    struct http1 h[3];
    int rc;

    memset(h, 0, sizeof(h));
    for (int i = 0; i < 3; i++)
        http1_init(&h[i], fields[i], &limits);
    http1_use_level(SCAN_PLAIN);
    rc = parse_prefix(&h[0], data, size);
    http1_init_simd();
    require(parse_prefix(&h[1], data, size) == rc);
    if (size > 0)
        require(parse_pieces(&h[2], data, size) == rc);
    if (rc != HTTP1_DONE)
        return 0;
    check_slices(&h[0]);
    same(&h[0], &h[1]);
    same(&h[0], &h[2]);
    return 0;
}
