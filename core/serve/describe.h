/* SPDX-License-Identifier: BSD-2-Clause */
/* describe.h - a generation in words: its routes, and what a path meets. */
#ifndef SERVE_DESCRIBE_H
#define SERVE_DESCRIBE_H

#include <stdio.h>

#include "base/check.h"

struct arena;
struct gen;

/* Every route as a table, or as JSON with its plugin and the effective options
 * of its handler; secrets are masked.  a is for texts on the way. [control] */
void describe_routes(FILE *out, const struct gen *g, struct arena *a,
                     int as_json);
/* What a request of method (NULL: GET) for url ("/path" or "//host/path")
 * meets: the route and the composed arrays of its chain.  0, or ERR_INVALID if
 * url is neither.  a as above. [control] */
MUST_USE int describe_path(FILE *out, struct gen *g, struct arena *a,
                           const char *method, const char *url);

#endif
