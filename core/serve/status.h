/* SPDX-License-Identifier: BSD-2-Clause */
/* status.h - how the server process is, in words and in JSON.
 *
 * Figures of workers are read while they change: each is of some moment a
 * little ago, and no two are of the same. */
#ifndef SERVE_STATUS_H
#define SERVE_STATUS_H

#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"

struct server;

/* All of it, but for what a supervisor says if there is one: as members of an
 * object, or as a text of some lines. [control] */
void status_print(FILE *out, struct server *s, int as_json);
/* Keep what became of a reload, for status_print; as ask_reload_ended.
 * [control] */
void status_keep_reload(struct server *s, int rc, uint64_t ns,
                        const char *changes, const struct diag *d);

#endif
