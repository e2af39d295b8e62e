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
#define QUARANTINE_BARRED_MAX 16u
#define QUARANTINE_WHY_MAX 400

struct plugin;

/* A build that has crashed in the trial before this one. */
struct quarantine_barred {
    char hash[SHA256_HEX_LEN + 1];
    char why[QUARANTINE_WHY_MAX];
    int is_loadable; /* it was not while it was loaded */
};

/* Zeroed memory is an empty set. */
struct quarantine {
    uint32_t n, n_barred;
    char hashes[QUARANTINE_MAX][SHA256_HEX_LEN + 1];
    struct quarantine_barred barred[QUARANTINE_BARRED_MAX];
};

/* Put the build of that hash (64 hexadecimal digits, lower case) in: 0, as if
 * it is in already; ERR_INVALID: it is no hash; ERR_LIMIT: there is no room.
 * For generations that are built from then on. [control] */
MUST_USE int quarantine_add(struct quarantine *q, const char *hash);
/* What the supervisor says: "HASH", which is put in; or "HASH load WHY", "HASH
 * run WHY": a build that this configuration is to do without, since it has
 * crashed in a trial - while it was loaded, or later.  As quarantine_add.
 * [control] */
MUST_USE int quarantine_told(struct quarantine *q, const char *text);
/* Why the configuration is to do without that build, or NULL; by_loading: only
 * if it may not even be loaded.  q may be NULL. [control] */
const char *quarantine_why(const struct quarantine *q, const char *hash,
                           int by_loading);
/* Whether the build that p is of is in; q may be NULL. [control] */
int quarantine_has(const struct quarantine *q, const struct plugin *p);

#endif
