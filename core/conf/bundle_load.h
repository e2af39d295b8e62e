/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_load.h - a bundle from its dump, whose layout is that of
 * bundle_dump.h.
 *
 * Every length and every number is judged before it is used: the bytes may be
 * anybody's. */
#ifndef CONF_BUNDLE_LOAD_H
#define CONF_BUNDLE_LOAD_H

#include "base/check.h"
#include "base/diag.h"

struct bundle;

/* The bundle that the file of fd holds from its first byte to its last,
 * closed; fd stays the caller's and its offset where it was.  NULL with one
 * error in d if it is no dump, of another version, cut short or damaged, or the
 * system refuses. [control] */
MUST_USE struct bundle *bundle_load(int fd, struct diag *d);

#endif
