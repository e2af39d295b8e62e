/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_outage.h - plugins that a configuration is served without.
 *
 * A [plugin X] with required = no that was of no use when the bundle was tried:
 * that travels in the bundle, so that every process that serves the bundle
 * comes to the same routes, and none tries again what has crashed.  Another
 * reading of the files is another bundle, in which nothing is out.
 *
 * Invariant: no section twice; the texts are in the bundle's arena. */
#ifndef CONF_BUNDLE_OUTAGE_H
#define CONF_BUNDLE_OUTAGE_H

#include "base/check.h"

#define BUNDLE_OUTAGE_MAX 4096u

struct bundle;

struct bundle_outage {
    struct bundle_outage *next;
    const char *section; /* the name of the [plugin ...] */
    const char *why;     /* with the place */
    int is_loadable;     /* its module may be loaded, for what it declares */
};

/* Add one; o's texts live as long as b.  0; ERR_NOMEM; ERR_INVALID: it is in
 * already; ERR_LIMIT. [control] */
MUST_USE int bundle_outage_add(struct bundle *b, const struct bundle_outage *o);
/* The same with copies of the texts. [control] */
MUST_USE int bundle_outage_note(struct bundle *b, const char *section,
                                const char *why, int is_loadable);
/* That of a section, or NULL. [control] */
const struct bundle_outage *bundle_outage_find(const struct bundle *b,
                                               const char *section);

#endif
