/* SPDX-License-Identifier: BSD-2-Clause */
/* claims.h - which declared routes give way to equal ones of another plugin.
 *
 * Sections declare their routes in the order of falling priority.  A route
 * claims each (method, host, pattern) it is for; what a section of higher
 * priority has claimed already is taken out of it.  Claims of equal priority
 * are left in: the router reports them as conflicts.  Two patterns are equal
 * if they match the same paths: /a/:x and /a/:y. */
#ifndef SERVE_CLAIMS_H
#define SERVE_CLAIMS_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct arena;
struct claim;

struct claims {
    struct arena *arena; /* of the generation: nothing is given back */
    struct claim *first;
};

/* Claim each of methods ("GET,POST" or "*") on pattern for host (absent: any).
 * *left are the methods that nobody of a higher priority has: n 0 if there are
 * none.  0 or ERR_NOMEM. [control] */
MUST_USE int claims_add(struct claims *c, int64_t priority, et_str methods,
                        et_str host, et_str pattern, et_str *left);

#endif
