/* SPDX-License-Identifier: BSD-2-Clause */
/* request.h - a line of an administrator, taken apart.
 *
 *     {"command":"command","plugin":"orders","name":"say","args":["a"]}
 *
 * Whoever is asked reads it so: the server process (serve/ask.h) and its
 * supervisor (super/desk.h).  Members that nobody knows are a later client's.
 */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include <stddef.h>

#include "base/check.h"
#include "base/str.h"
#include "ctl/admin.h"

/* Texts are NUL-terminated, and absent if they were not there. */
struct request {
    et_str command, plugin, name, path, method;
    int wants_text, has_args;
    size_t n_args;
    char args[ADMIN_LINE_MAX];
};

/* Take the n bytes of line apart, which are written to and stay q's.  NULL, or
 * why it is no request. [any] */
MUST_USE const char *request_read(struct request *q, char *line, size_t n);

#endif
