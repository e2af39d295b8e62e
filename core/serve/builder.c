/* SPDX-License-Identifier: BSD-2-Clause */
/* builder.c - what the parts of the building share; see builder.h. */
#include "serve/builder.h"

#include <string.h>

#include "base/arena.h"
#include "http/gen.h"

#define FIRST_CAP 64

void *
builder_grow(struct builder *b, void *array, uint32_t n, uint32_t *cap)
{
    uint32_t more = *cap ? *cap * 2 : FIRST_CAP;
    void **to;

    if (n < *cap)
        return array;
    to = arena_alloc(&b->gen->arena, more * sizeof *to);
    if (!to)
        return NULL;
    if (n)
        memcpy(to, array, n * sizeof *to);
    *cap = more;
    return to;
}

void *
builder_out_of_memory(struct builder *b)
{
    diag_error(b->diag, NULL, "out of memory");
    return NULL;
}
