/* SPDX-License-Identifier: BSD-2-Clause */
/* janitor.h - a thread that closes the spools of uploads that came to nothing.
 *
 * To close the only name of a large file frees its blocks, which may take a
 * disk's time: nothing for a worker, and a task whose client has gone gets no
 * job of the pool any more.  So they go through a pipe to a thread that has
 * nothing else to do. */
#ifndef UPLOAD_JANITOR_H
#define UPLOAD_JANITOR_H

#include <pthread.h>

struct spool;

struct janitor {
    pthread_t thread;
    int in, out; /* the pipe's ends; out is the thread's */
};

/* 0 or errno; nothing runs then. [control] */
int janitor_start(struct janitor *j);
/* Have it closed, soon.  Takes the spool; NULL: nothing happens.  Never waits:
 * if thousands are on their way it closes this one itself. [any] */
void janitor_take(struct janitor *j, struct spool *s);
/* Wait until all of them are closed, and the thread has ended. [control] */
void janitor_stop(struct janitor *j);

#endif
