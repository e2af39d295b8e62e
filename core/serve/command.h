/* SPDX-License-Identifier: BSD-2-Clause */
/* command.h - what a command of the server is given, and how it ends.
 *
 * A command is a function from struct server_options to an exit code: serving
 * (server.h), looking at a configuration without serving it (dry.h), or at a
 * plugin's file (inspect.h).  Not
 * here: the words of the command line (cli/cli.h), which fills the options in
 * and exits with the code. */
#ifndef SERVE_COMMAND_H
#define SERVE_COMMAND_H

#include "base/exit.h"

/* All of it outlives the command. */
struct server_options {
    const char *conf_path;
    char *const *env;
    int is_supervised; /* by who has started the process: serve/channel.h */
    int read_fd; /* for server_run: a dump of the files as they were read, which
                    it closes; <= 0: they are still to be read */
    int as_json; /* for dry_routes, dry_plugins and inspect_file */
    /* for dry_routes: */
    const char *explain; /* a path, or NULL: list all routes */
    const char *method;  /* for explain; NULL: GET */
};

#endif
