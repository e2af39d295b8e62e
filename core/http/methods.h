/* SPDX-License-Identifier: BSD-2-Clause */
/* methods.h - the methods that rules name, as numbers and masks.
 *
 * A method is ET_M_* or, from METHOD_COUNT on, a further token in the order in
 * which rules named them first.  ET_M_OTHER (0) is every token no rule names;
 * its bit in a mask of a rule means "*". */
#ifndef HTTP_METHODS_H
#define HTTP_METHODS_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "proto/method.h"

#define METHODS_MAX_FURTHER (32u - METHOD_COUNT)
#define METHODS_ANY (UINT32_C(1) << ET_M_OTHER)

struct methods {
    et_str further[METHODS_MAX_FURTHER];
    uint32_t n_further;
};

/* The mask of "GET,POST" or "*" (METHODS_ANY); new tokens are numbered and
 * keep pointing into text.  0, or ERR_INVALID with the reason,
 * NUL-terminated, in why. [control] */
MUST_USE int methods_parse(struct methods *s, et_str text, uint32_t *mask,
                           char *why, size_t cap);
/* The number of a further token; ET_M_OTHER if no rule names it. [any] */
uint32_t methods_further(const struct methods *s, et_str token);
/* "GET, HEAD, PURGE" of a mask, "*" for METHODS_ANY; no NUL; returns the
 * length.  What does not fit into cap is left out. [any] */
size_t methods_list(const struct methods *s, uint32_t mask, char *out,
                    size_t cap);

/* How many numbers are in use. [any] */
static inline uint32_t
methods_count(const struct methods *s)
{
    return METHOD_COUNT + s->n_further;
}

/* The number of a request's method and token. [any] */
static inline uint32_t
methods_number(const struct methods *s, uint32_t method, et_str token)
{
    if (LIKELY(method != ET_M_OTHER))
        return method;
    return s->n_further > 0 ? methods_further(s, token) : ET_M_OTHER;
}

#endif
