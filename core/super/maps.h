/* SPDX-License-Identifier: BSD-2-Clause */
/* maps.h - files in runtime_dir that tell which plugins a process has mapped.
 *
 * Each server process writes and removes its own, PID.plugins (plug/image.h);
 * what one has left behind that was killed is removed here. */
#ifndef SUPER_MAPS_H
#define SUPER_MAPS_H

#include <sys/types.h>

struct conf;

/* That of a process that has ended; conf may be NULL. [control] */
void maps_remove(const struct conf *conf, pid_t pid);
/* Those of processes that do not run: of a supervisor that was killed.
 * [control] */
void maps_sweep(const struct conf *conf);

#endif
