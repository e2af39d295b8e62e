/* SPDX-License-Identifier: BSD-2-Clause */
/* admin.h - an administrator of a server under test, by the command line and
 * by the admin socket (core/ctl/request.h says what lines it takes).
 *
 * out holds what was said, NUL-terminated, and is returned.  As in client.h, a
 * call that fails fails the test. */
#ifndef T_LIB_ADMIN_H
#define T_LIB_ADMIN_H

#include <stddef.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

/* Run `etude A B C D` (NULL: no more of them) to its end, which is to be that
 * exit code; what it printed. */
const char *admin_run(struct server *s, int code, const char *const args[4],
                      char *out, size_t cap);
/* The socket in s's folder. */
struct client admin_client(const struct server *s);
/* The next line that comes. */
const char *admin_hear(struct client *c, char *out, size_t cap);
/* One line, which ends with a newline, on a connection of its own, and the line
 * that answers it. */
const char *admin_ask(const struct server *s, const char *line, char *out,
                      size_t cap);

#endif
