/* SPDX-License-Identifier: BSD-2-Clause */
/* live.h - routes and plugins of the generation that runs, as the commands show
 * those of the files (describe.h, explain.h, inventory.h). */
#ifndef SERVE_LIVE_H
#define SERVE_LIVE_H

#include <stdio.h>

#include "base/check.h"

struct server;

/* The table, or "generation":N,"routes":[...] [control] */
void live_routes(FILE *out, struct server *s, int as_json);
/* The table, or "generation":N,"plugins":[...]; sections that nothing uses are
 * not in it.  With the libraries that were replaced on the disk: warnings, or
 * "libraries_replaced":[...]. [control] */
void live_plugins(FILE *out, struct server *s, int as_json);
/* What a request meets, or "generation":N,"explained":{...}; returns what
 * explain_path does. [control] */
MUST_USE int live_path(FILE *out, struct server *s, const char *method,
                       const char *url, int as_json);

#endif
