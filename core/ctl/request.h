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
#include <stdint.h>

#include "base/check.h"
#include "base/str.h"
#include "ctl/admin.h"

/* What can be asked for. */
enum request_order {
    REQUEST_STATUS,
    REQUEST_ROUTES,
    REQUEST_PLUGINS,
    REQUEST_RELOAD,
    REQUEST_STOP,
    REQUEST_REOPEN,
    REQUEST_UPGRADE,
    REQUEST_COMMAND,
    REQUEST_N_ORDERS
};

/* Texts are NUL-terminated, and absent if they were not there. */
struct request {
    enum request_order order;
    et_str command, plugin, name, path, method;
    int wants_text, has_args;
    uint32_t given; /* members, by their place in a table; none comes twice */
    size_t n_args;
    char args[ADMIN_LINE_MAX];
    char why[80]; /* it is no request */
};

/* Take the n bytes of line apart, which are written to and stay q's.  NULL, or
 * why it is no request; what can be known of it is in q all the same. [any] */
MUST_USE const char *request_read(struct request *q, char *line, size_t n);
/* Note in the log who asks for q, if that changes anything. [control] */
void request_log(const struct request *q, const struct admin_peer *from);

#endif
