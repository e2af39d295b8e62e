/* SPDX-License-Identifier: BSD-2-Clause */
/* super.h - the supervisor: the process with the number an operator knows.
 *
 * It holds the listening sockets and what serves, as a bundle in memory, and
 * runs the one process that reads requests and plugins; a table of contents is
 * super.c.  One thread, no code of a plugin, no byte of a request.
 *
 *     servers   which server process does what: start, replacement, end
 *     child     one of them: its start, its orders
 *     messages  what they say
 *     held      the listening sockets: they outlive who accepts from them
 *     program   what is executed, and as whom
 *     files     the configuration's files, which nobody else reads
 *     memory    what plugins store and what is counted: it outlives who does
 *     upgrade   another program in this process; what it is told: state
 *     adoption  the configuration that this process goes by
 *     opener    log files, opened for who may not
 *     denials   the system calls its sandbox denies
 *     reload    from the files to what serves, by way of a trial
 *     crashes   what goes wrong in server processes, and the ledger of it
 *     notify    what a service manager is told
 *     desk      what administrators ask, on the admin socket
 *     report    how the server is
 *
 * What the two processes say to each other is ctl/ctl.h. */
#ifndef SUPER_SUPER_H
#define SUPER_SUPER_H

#include "base/check.h"

#define SUPER_NOT_WANTED (-1)

/* Supervise a server with this configuration until it is told to stop; the exit
 * code (base/exit.h).  SUPER_NOT_WANTED, and nothing has been done, if the
 * configuration says `supervise = no`, or is wrong: whoever serves it will say
 * how.  It is given what was read: then *read_fd is a dump, the caller's, or
 * -errno. [control] */
MUST_USE int super_run(const char *conf_path, char *const *env, int *read_fd);
/* Go on where the supervisor of another program, in this process, has written
 * to state_fd what there is; the exit code. [control] */
int super_resume(const char *conf_path, char *const *env, int state_fd);

#endif
