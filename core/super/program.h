/* SPDX-License-Identifier: BSD-2-Clause */
/* program.h - what server processes execute: the program as it was when the
 * supervisor began, whatever has been put in its place on the disk since. */
#ifndef SUPER_PROGRAM_H
#define SUPER_PROGRAM_H

#include <limits.h>
#include <sys/types.h>

#include "base/check.h"
#include "os/identity.h"

struct program {
    int fd;              /* of the file */
    char path[PATH_MAX]; /* absolute, as we were started, links not followed */
    const char *conf_path;
    char *const *own_env; /* the supervisor's */
    char **env; /* the same without what a service manager says to us alone */
    struct identity who; /* server processes run as; set once it is open, and
                            given away */
};

/* The value of a variable, or NULL. [any] */
const char *program_env(char *const *env, const char *name);
/* Find the program.  0 or -errno. [control] */
MUST_USE int program_open(struct program *p, const char *conf_path,
                          char *const *env);
void program_close(struct program *p);
/* What stands at its path now: a descriptor, or -errno. [control] */
MUST_USE int program_reopen(const struct program *p);
/* In a new process: become what the command line calls so ("server") for
 * supervisor, with this end of the channel, from the program open as fd, as
 * who and with no more rights than that. */
_Noreturn void program_become(const struct program *p, int fd, const char *what,
                              const struct identity *who, int channel,
                              pid_t supervisor);
/* Become the supervisor of the program open as fd, which is to read state_fd
 * (state.h).  Returns only if it fails: -errno. [control] */
MUST_USE int program_succeed(const struct program *p, int fd, int state_fd);

#endif
