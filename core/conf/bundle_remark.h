/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_remark.h - what was wrong when a bundle's files were read.
 *
 * A file that could not be read, an include of itself: who parses the bundle
 * in another process is to report that together with all that is wrong with
 * what could be read.  So the messages travel in the bundle, once: who has
 * reported them has a bundle without, and what serves has none.
 *
 * Invariant: b->n_remarks == 0 or the texts are in b's arena. */
#ifndef CONF_BUNDLE_REMARK_H
#define CONF_BUNDLE_REMARK_H

#include "base/check.h"
#include "base/diag.h"

#define BUNDLE_REMARK_MAX (DIAG_KINDS * (DIAG_MAX_KEPT + 1u))

struct bundle;

struct bundle_remark {
    struct bundle_remark *next;
    enum diag_kind kind;
    const char *text; /* with its place */
};

/* Add one; text lives as long as b.  0 or ERR_NOMEM. [control] */
MUST_USE int bundle_remark_add(struct bundle *b, enum diag_kind kind,
                               const char *text);
/* Keep in b what d says.  0 or ERR_NOMEM. [control] */
MUST_USE int bundle_remark_keep(struct bundle *b, const struct diag *d);
/* Say in d what b keeps, which has none any more. [control] */
void bundle_remark_tell(struct bundle *b, struct diag *d);
/* One of them is an error. [control] */
int bundle_remark_has_error(const struct bundle *b);

#endif
