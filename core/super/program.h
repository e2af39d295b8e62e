/* SPDX-License-Identifier: BSD-2-Clause */
/* program.h - what server processes execute: the program as it was when the
 * supervisor began, whatever has been put in its place on the disk since. */
#ifndef SUPER_PROGRAM_H
#define SUPER_PROGRAM_H

#include <sys/types.h>

#include "base/check.h"

struct program {
    int fd; /* of the file */
    const char *conf_path;
    char **env; /* ours, without what a service manager says to us alone */
};

/* The value of a variable, or NULL. [any] */
const char *program_env(char *const *env, const char *name);
/* Find the program.  0 or -errno. [control] */
MUST_USE int program_open(struct program *p, const char *conf_path,
                          char *const *env);
void program_close(struct program *p);
/* In a new process: become the server process of supervisor, with this end of
 * the channel. */
_Noreturn void program_become(const struct program *p, int channel,
                              pid_t supervisor);

#endif
