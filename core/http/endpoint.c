/* SPDX-License-Identifier: BSD-2-Clause */
/* endpoint.c - the table of ends; see endpoint.h. */
#include "http/endpoint.h"

#include "base/arena.h"
#include "base/err.h"
#include "http/methods.h"

int
endpoint_init(struct endpoint *e, struct arena *a, uint32_t max_rows,
              uint32_t n_methods)
{
    e->stride = ENDPOINT_RULES + n_methods;
    e->n_rows = 1; /* end 0 is none */
    e->max_rows = max_rows + 1;
    e->rows =
        arena_zalloc(a, (size_t)e->max_rows * e->stride * sizeof *e->rows);
    return e->rows ? 0 : ERR_NOMEM;
}

uint32_t
endpoint_add(struct endpoint *e)
{
    CHECK(e->n_rows < e->max_rows);
    return e->n_rows++;
}

uint32_t
endpoint_claim(struct endpoint *e, uint32_t end, uint32_t *mask, uint32_t rule)
{
    uint32_t *row = e->rows + (size_t)end * e->stride;
    uint32_t method = (uint32_t)__builtin_ctz(*mask);
    uint32_t *slot = method == ET_M_OTHER ? &row[ENDPOINT_ANY]
                                          : &row[ENDPOINT_RULES + method];

    *mask &= *mask - 1;
    if (*slot != 0)
        return *slot;
    *slot = rule;
    return 0;
}

static void
seal_row(uint32_t *row, uint32_t n_methods)
{
    uint32_t *rules = row + ENDPOINT_RULES;

    if (rules[ET_M_HEAD] == 0)
        rules[ET_M_HEAD] = rules[ET_M_GET];
    for (uint32_t m = 0; m < n_methods; m++) {
        if (rules[m] == 0)
            rules[m] = row[ENDPOINT_ANY];
        if (rules[m] != 0 && m != ET_M_OTHER)
            row[ENDPOINT_ALLOW] |= method_bit(m);
    }
}

void
endpoint_seal(struct endpoint *e)
{
    for (uint32_t end = 1; end < e->n_rows; end++)
        seal_row(e->rows + (size_t)end * e->stride, e->stride - ENDPOINT_RULES);
}
