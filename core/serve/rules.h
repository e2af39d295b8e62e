/* SPDX-License-Identifier: BSD-2-Clause */
/* rules.h - what the router is told: rules and scopes, and what they stand for.
 *
 *     [route ...]           match, handler           \
 *     [plugin ...]          mount + declared routes   > rule -> origin
 *     [server] health: ...  answered by the host     /
 *     [scope ...]                                       scope -> conf_scope
 *
 * Declared routes give way to equal ones of a section of higher priority
 * (claims.h); all other overlaps the router reports.  Not here: what comes of
 * an origin below its scopes (routes.h).  Invariants: a rule's target is a
 * struct origin, a scope's a struct conf_scope; the plugin of an origin's
 * handler is not NULL, unless that is out.  Called by build.c; routes.c reads
 * the origins. */
#ifndef SERVE_RULES_H
#define SERVE_RULES_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/diag.h"

struct builder;
struct conf_route;
struct section;

/* What a rule of the router stands for; in the generation's arena. */
struct origin {
    const struct conf_route *route; /* [route ...]; NULL: declared, or host's */
    struct section *handler;        /* NULL: the host itself */
    et_step fn;
    uint32_t flags; /* ET_B_* */
    struct place at;
    const char *name, *doc, *methods, *pattern;
    et_list hosts; /* none: any */
};

/* Tell gen->router, new and empty, every rule and scope of the configuration.
 * Faults are in the diag, and the rest is told all the same. [control] */
void rules_tell(struct builder *b);

#endif
