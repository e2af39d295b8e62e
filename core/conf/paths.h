/* SPDX-License-Identifier: BSD-2-Clause */
/* paths.h - where the files of a running server are.
 *
 * What the configuration does not name is looked for on this machine, so it is
 * no part of conf_parse. */
#ifndef CONF_PATHS_H
#define CONF_PATHS_H

#include <stddef.h>

#include "base/check.h"

struct conf;

/* The folder for files of the running process: the one c names, else the usual
 * one if we may write there, else NULL.  Borrowed of c. [control] */
const char *paths_runtime_dir(const struct conf *c);
/* The path of the admin socket, for who listens there or, knocks, for who
 * connects and need not be able to write its folder; in out (cap bytes).  True;
 * false if it is off. [control] */
int paths_admin(const struct conf *c, int knocks, char *out, size_t cap);

/* The path, in out (cap bytes), of what process pid writes there of its
 * plugins' images, for perf and debuggers.  True; false if it does not fit.
 * [any] */
int paths_map(const char *dir, long pid, char *out, size_t cap);

#endif
