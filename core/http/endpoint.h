/* SPDX-License-Identifier: BSD-2-Clause */
/* endpoint.h - where patterns end: which rule serves which method there.
 *
 * One row of numbers an end (numbers from 1 on, as tree.h wants them):
 *
 *     [ allow | any | rule of method 0 | of method 1 | ... ]
 *
 * A rule is its index + 1; 0 is none.  Sealing settles the precedence: a method
 * that is named, then HEAD by GET, then "*"; from then on one load answers. */
#ifndef HTTP_ENDPOINT_H
#define HTTP_ENDPOINT_H

#include <stdint.h>

#include "base/check.h"

struct arena;

enum {
    ENDPOINT_ALLOW,
    ENDPOINT_ANY,
    ENDPOINT_RULES,
};

struct endpoint {
    uint32_t *rows;
    uint32_t stride, n_rows, max_rows;
};

/* Room for max_rows ends and n_methods methods (methods_count).  0 or
 * ERR_NOMEM. [control] */
MUST_USE int endpoint_init(struct endpoint *e, struct arena *a,
                           uint32_t max_rows, uint32_t n_methods);
/* A new end. [control] */
uint32_t endpoint_add(struct endpoint *e);
/* Let rule serve the lowest method of *mask (methods.h) at this end and take it
 * out of *mask.  Returns the rule that does already, or 0. [control] */
MUST_USE uint32_t endpoint_claim(struct endpoint *e, uint32_t end,
                                 uint32_t *mask, uint32_t rule);
/* Settle the rows of all ends. [control] */
void endpoint_seal(struct endpoint *e);

/* The rule for a method at an end, or 0; *allow gains the end's methods. [any]
 */
static inline uint32_t
endpoint_rule(const struct endpoint *e, uint32_t end, uint32_t method,
              uint32_t *allow)
{
    const uint32_t *row = e->rows + (size_t)end * e->stride;

    *allow |= row[ENDPOINT_ALLOW];
    return row[ENDPOINT_RULES + method];
}

#endif
