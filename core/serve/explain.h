/* SPDX-License-Identifier: BSD-2-Clause */
/* explain.h - what one request would meet: its route, and every step.
 *
 *     {"method":"GET","path":"/a/b","result":"found",
 *      "route":{"name":"a","methods":"GET","pattern":"/a/:x",
 *               "file":"etude.ini","line":12},
 *      "params":{"x":"b"},
 *      "req":[{"plugin":"org.a","instance":"a","step":"f",
 *              "waits_for_body":false}, ...],
 *      "resp":[{"plugin":...,"instance":...,"step":...,
 *               "may_change_body":false}, ...], "log":[...],
 *      "entry":[0,0]}                                   (on one line)
 *
 * result is found, method (405), slash (another one by the final slash) or
 * not_found; route is null for all but the first.  "quarantined", with
 * "quarantined_why" of what is left out, is there if the route is closed.  Of
 * steps that are the host's own plugin and step are "".  may_change_body: it
 * may ask for a body step of its plugin (http/filter.h).  entry[d] is the first
 * of resp that runs when d steps of req were entered (http/chain.h). */
#ifndef SERVE_EXPLAIN_H
#define SERVE_EXPLAIN_H

#include <stdio.h>

#include "base/check.h"

struct gen;

/* Write what a request of method (NULL: GET) for url ("/path" or "//host/path")
 * meets, in words or as that object.  0; ERR_INVALID if url is neither;
 * ERR_NOMEM. [control] */
MUST_USE int explain_path(FILE *out, struct gen *g, const char *method,
                          const char *url, int as_json);

#endif
