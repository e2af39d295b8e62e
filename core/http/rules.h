/* SPDX-License-Identifier: BSD-2-Clause */
/* rules.h - rules and scopes as they were said, taken apart and checked one by
 * one.  What they mean to each other is router.c's.  Invariants: nothing with
 * a fault is in here; arrays do not move once the last one is added. */
#ifndef HTTP_RULES_H
#define HTTP_RULES_H

#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"
#include "http/methods.h"
#include "http/pattern.h"
#include "http/router.h"
#include "http/scopes.h"

struct arena;

struct rules_rule {
    struct router_rule said; /* its texts copied, its params filled in */
    struct pattern pattern;
    uint32_t methods; /* mask of methods.h */
};

struct rules {
    struct arena *arena;
    struct methods methods;
    struct rules_rule *rules;
    struct scopes_item *scopes;
    uint32_t n_rules, max_rules;
    uint32_t n_scopes, max_scopes;
    uint32_t max_params; /* of a rule */
    uint32_t n_faults;   /* told so far */
};

/* No rules; further memory comes from a. [control] */
void rules_init(struct rules *s, struct arena *a);
/* Add a rule or a scope, or report in d why not. [control] */
void rules_add(struct rules *s, const struct router_rule *rule, struct diag *d);
void rules_add_scope(struct rules *s, const struct router_scope *scope,
                     struct diag *d);
/* Report and count a fault of the rule or scope called name; returns
 * ERR_INVALID. [control] */
int rules_fault(struct rules *s, struct diag *d, const struct place *at,
                const char *name, const char *why);
/* Report and count; returns ERR_NOMEM. [control] */
int rules_out_of_memory(struct rules *s, struct diag *d);

#endif
