/* SPDX-License-Identifier: BSD-2-Clause */
/* remote.h - orders to a server that runs: a line to its admin socket, a line
 * back (serve/ask.h), shown.
 *
 * The socket is the one of the configuration, as far as that can be read: a
 * mistake in it keeps nobody from the server that runs.  Exit codes: what the
 * server says (0; 1 refused), 69 nobody is there or answers, 77 not ours to
 * speak to. */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include <stddef.h>

#include "base/check.h"

struct remote {
    const char *command;   /* "status" */
    const char *conf_path; /* where the socket is found ... */
    const char *socket;    /* ... or the socket itself */
    char *const *env;
    int as_json;               /* print the line as it is */
    const char *path, *method; /* or NULL */
    const char *plugin, *name; /* of a plugin's command, or NULL */
    const char *const *args;
    size_t n_args;
};

/* Say it, wait for the answer - and after "stop" for the end of the process -
 * and print it: what is asked for to stdout, what is wrong to stderr; as JSON
 * all of it to stdout, what keeps us from asking too.  The exit code.
 * [control] */
MUST_USE int remote_run(const struct remote *r);

#endif
