/* SPDX-License-Identifier: BSD-2-Clause */
/* describe.h - the routes of a generation in words.  What one request meets:
 * explain.h. */
#ifndef SERVE_DESCRIBE_H
#define SERVE_DESCRIBE_H

#include <stdio.h>

struct arena;
struct gen;

/* Every route as a table, or as JSON with its plugin and the effective options
 * of its handler; secrets are masked.  a is for texts on the way. [control] */
void describe_routes(FILE *out, const struct gen *g, struct arena *a,
                     int as_json);

#endif
