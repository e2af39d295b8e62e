/* SPDX-License-Identifier: BSD-2-Clause */
/* inspect.h - one plugin's file, judged as a reload would judge it.
 *
 * Owner, ELF, note, symbols, descriptor, needed interfaces, load(): what a
 * server does before a section asks for anything.  The code of the file runs,
 * in the process that says this, which is no server: as [server] user and
 * within probe_timeout of a configuration, if there is one (verdict.h). */
#ifndef SERVE_INSPECT_H
#define SERVE_INSPECT_H

#include "base/check.h"
#include "serve/command.h"

/* Print what the file at path is and what is wrong with it: a table to stdout
 * and messages to stderr, or one line of JSON to stdout; the exit code.
 * o->conf_path NULL: there is no configuration. Once in a process. [control] */
MUST_USE int inspect_file(const struct server_options *o, const char *path);

#endif
