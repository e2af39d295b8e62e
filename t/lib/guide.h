/* SPDX-License-Identifier: BSD-2-Clause */
/* guide.h - README.md and plugins/README.md as something to try: where it is
 * tried, and what there may differ from what is shown.  typist.h types it. */
#ifndef T_LIB_GUIDE_H
#define T_LIB_GUIDE_H

#include <stddef.h>

struct server;

/* Read a file of the source tree; good until the next call. */
const char *guide_read(const char *name);
/* A folder laid out as the source tree is: conf/etude.ini (with ini, a [server]
 * section that includes conf.d; NULL: the demo site's), modules/, core, build;
 * and we in it. */
void guide_enter_tree(struct server *s, const char *ini);
/* A line of the log, or of what a command prints, as README would show it,
 * whatever the time, the numbers, the builds and the place of the tree; in
 * out. */
void guide_plain(const struct server *s, const char *line, char *out,
                 size_t cap);

#endif
