/* SPDX-License-Identifier: BSD-2-Clause */
/* server.h - the server process: its control thread and what it commands.
 *
 * The control thread (the process's first) reads signals, builds generations,
 * has workers and acceptor take them over, writes the logs of all threads, and
 * ends everything in order.  It serves nothing itself. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include "base/check.h"

/* Exit codes (sysexits where there is one). */
enum server_exit {
    SERVER_OK = 0,
    SERVER_CUT = 3, /* drain_timeout cut something off */
    SERVER_USAGE = 64,
    SERVER_UNAVAILABLE = 69, /* not running, no answer */
    SERVER_INTERNAL = 70,
    SERVER_PERMISSION = 77,
    SERVER_CONFIG = 78, /* configuration or plugin refused */
};

struct server_options {
    const char *conf_path;
    char *const *env;
    /* for server_routes: */
    int as_json;
    const char *explain; /* a path, or NULL: list all routes */
    const char *method;  /* for explain; NULL: GET */
};

/* Serve until a signal ends it; the exit code. [control] */
MUST_USE int server_run(const struct server_options *o);
/* Check the configuration with everything it names, print what is wrong, serve
 * nothing; the exit code. [control] */
MUST_USE int server_test(const struct server_options *o);

/* Print the routes of the configuration, or what one path meets; the exit
 * code. [control] */
MUST_USE int server_routes(const struct server_options *o);

#endif
