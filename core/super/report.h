/* SPDX-License-Identifier: BSD-2-Clause */
/* report.h - how the server is, as its supervisor knows it.
 *
 * Which processes there are, the last reload, builds that have crashed; and
 * beside it, as members of the same object or lines of the same text, what the
 * process that serves says of itself (serve/status.h), as long as it answers.
 */
#ifndef SUPER_REPORT_H
#define SUPER_REPORT_H

#include "base/check.h"

struct answer;
struct super;

/* The answer to "status", in words or not, as after answer_end.  server: what
 * the one that serves answers; or NULL, and why_not says why. [control] */
void report_write(struct answer *a, const struct super *s, int wants_text,
                  const struct answer *server, const char *why_not);

#endif
