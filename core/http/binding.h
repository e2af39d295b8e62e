/* SPDX-License-Identifier: BSD-2-Clause */
/* binding.h - what is handed out for a rule, or for none, below which scopes.
 *
 * The scopes of a request are a set (scopes.h).  Most rules can meet one set
 * only and have one target; the others have one a set they can meet.  Built
 * once, then immutable. */
#ifndef HTTP_BINDING_H
#define HTTP_BINDING_H

#include <stdint.h>

#include "base/check.h"
#include "http/router.h"

struct arena;
struct rules;
struct scopes;
struct vhost;

struct binding_case {
    uint32_t set;
    void *target;
};

struct binding {  /* of a rule */
    void *target; /* if n_cases <= 1 */
    const struct router_rule *rule;
    const struct binding_case *cases; /* by rising set */
    uint32_t n_cases;
};

struct bindings {
    struct binding *rules; /* by index */
    void **misses;         /* of no rule, by set */
};

/* What bindings are made from, all of it built and without faults. */
struct binding_source {
    const struct rules *rules;
    const struct scopes *scopes;
    const struct vhost *vhost;
    router_bind *bind; /* NULL: the rules' own targets, NULL for misses */
    void *arg;
};

/* Bind every rule and the misses to every set that a request can meet there,
 * into a's memory.  0, ERR_NOMEM, or ERR_INVALID if bind refused. [control] */
MUST_USE int binding_build(struct bindings *b, struct arena *a,
                           const struct binding_source *source);
/* The target in a set, of a binding with several cases. [any] */
void *binding_target(const struct binding *b, uint32_t set);

#endif
