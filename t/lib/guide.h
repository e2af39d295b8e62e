/* SPDX-License-Identifier: BSD-2-Clause */
/* guide.h - README.md as something to try: what it tells to type is typed, what
 * it shows must appear. */
#ifndef T_LIB_GUIDE_H
#define T_LIB_GUIDE_H

#include <stddef.h>

struct server;

/* Read README.md of the source tree. */
const char *guide_read(void);
/* A folder laid out as the source tree is: conf/etude.ini (with ini, a [server]
 * section that includes conf.d), modules/, core; and we in it. */
void guide_enter_tree(struct server *s, const char *ini);
/* A line of the log as README would show it, whatever the time, the numbers,
 * the builds and the place of the tree; in out. */
void guide_plain(const struct server *s, const char *line, char *out,
                 size_t cap);

#endif
