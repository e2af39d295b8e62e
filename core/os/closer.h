/* SPDX-License-Identifier: BSD-2-Clause */
/* closer.h - files are closed by a thread, where that may take its time.
 *
 *     closer_take --- waits for nothing ---> close
 *          | may wait
 *          +--> | oldest | ... | at most CLOSER_MAX --> the thread: close
 *
 * Who closes the last descriptor of a file without a name frees its blocks: 20
 * ms for 64 MiB have been seen, and more than a second for 4 GiB.  Who has a
 * file elsewhere (FUSE, NFS) is told of each close, and answers when he likes.
 *
 * One for the process: started with the first file that wants it, and never
 * ended.  What still waits when the process ends is closed by that. */
#ifndef OS_CLOSER_H
#define OS_CLOSER_H

/* That wait at most. */
#define CLOSER_MAX 256u

/* Have fd, of a file, closed, now or soon; takes it.  Never waits, unless
 * CLOSER_MAX do, or there is no thread and none can be started: then it is
 * closed here. [any] */
void closer_take(int fd);

#endif
