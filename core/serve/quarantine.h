/* SPDX-License-Identifier: BSD-2-Clause */
/* quarantine.h - builds of plugins that crash too often to be let run.
 *
 * A set of builds by the SHA-256 of their files: another build of the same
 * plugin is not in it.  A route that needs one answers 503 in the place of its
 * first member that is: what stands outside of that runs as ever, what stands
 * inside does not - nobody gets past a guard because the guard is ill.  Its
 * image is mapped, for the routes it declares, and loaded, but no instance of
 * it is opened.  Who puts builds in is the supervisor; here they are looked for
 * while a generation is built (uses.c, routes.c). */
#ifndef SERVE_QUARANTINE_H
#define SERVE_QUARANTINE_H

#include <stdint.h>

#include "base/check.h"
#include "base/sha256.h"

#define QUARANTINE_MAX 64u

struct plugin;

/* Zeroed memory is an empty set. */
struct quarantine {
    uint32_t n;
    char hashes[QUARANTINE_MAX][SHA256_HEX_LEN + 1];
};

/* Put the build of that hash (64 hexadecimal digits, lower case) in: 0, as if
 * it is in already; ERR_INVALID: it is no hash; ERR_LIMIT: there is no room.
 * For generations that are built from then on. [control] */
MUST_USE int quarantine_add(struct quarantine *q, const char *hash);
/* Whether the build that p is of is in; q may be NULL. [control] */
int quarantine_has(const struct quarantine *q, const struct plugin *p);

#endif
