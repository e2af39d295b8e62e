/* SPDX-License-Identifier: BSD-2-Clause */
/* closer.h - a thread that closes files, where that may take its time.
 *
 * Who serves files from elsewhere may want to be told (FUSE, NFS), and of one
 * without a name its blocks are freed: nothing for a worker, and a job of the
 * pool's would have to be some request's, which would wait for it.  So such
 * descriptors go through a pipe to a thread that has nothing else to do.  There
 * is one for all sites of this build.  The host has one for what is sent
 * (et_file), which no plugin can call. */
#ifndef STATIC_CLOSER_H
#define STATIC_CLOSER_H

#include <etude.h>

/* That wait at most. */
#define CLOSER_MAX 256u

/* ET_IMAGE's load: 0 or ET_EINVAL. [control] */
int32_t closer_start(const et_host *h, et_err *e);
/* Have fd closed, soon; takes it.  Never waits, unless CLOSER_MAX are on their
 * way: then it closes this one itself. [any] */
void closer_take(int fd);
/* ET_IMAGE's unload: wait until all of them are closed. [control] */
void closer_stop(void);

#endif
