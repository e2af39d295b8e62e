/* SPDX-License-Identifier: BSD-2-Clause */
/* blame.h - whose fault it was: from what a handler found to a record of it.
 *
 * The hooks of plug/guard.h.  What a thread was at when it went wrong becomes a
 * record of the block that the process shares with its supervisor
 * (ctl/faults.h), and who has to know is woken through a descriptor: the
 * control thread for every record, the watchdog for a thread that is lost.
 * Handlers have no arguments, so the state is the process's.  Not here: what is
 * done about it (aftermath.h, watchdog.h).  Invariant: but for blame_open,
 * nothing takes a lock or memory. */
#ifndef SERVE_BLAME_H
#define SERVE_BLAME_H

#include <stdint.h>

#include "base/check.h"

struct faults;
struct faults_record;

/* Take the faults of this process's threads from now on, the calling one's to
 * begin with.  fd: the block of its supervisor, which is told there; -1: one of
 * its own, and a process that dies writes its last words to the log itself.
 * 0 or -errno. [control] */
MUST_USE int blame_open(int fd);
/* What a lost thread means from now on: the process ends at once with that exit
 * code - SERVER_CONFIG at first: its plugins cannot even be started - or (0) it
 * serves, and ends through its watchdog. [control] */
void blame_ends_with(int code);

/* Called when a process that nobody supervises ends at once, after it has
 * written the record: r is that, code what it ends with. [signal-safe] */
typedef void blame_last_words_fn(const struct faults_record *r, int code);
void blame_set_last_words(blame_last_words_fn *fn);

/* The block; NULL: not open. [any] */
struct faults *blame_faults(void);
/* The block is the process's own: nobody else will read it. [any] */
int blame_is_own(void);
/* Readable when there are new records. [control] */
int blame_report_fd(void);
/* Readable when a thread is lost; then which record says why (from 1 on), and
 * the signal to end by. [watchdog] */
int blame_lost_fd(void);
uint64_t blame_lost_serial(void);
int blame_lost_signal(void);
/* A descriptor of this process's is closed, which a plugin has done: leave it
 * to the thread that it has done it in, which finds out at the end of its turn,
 * to be lost first.  blame_lost_signal, at last. [any] */
int blame_await(void);
/* Write record number serial to the log as it is. [signal-safe] */
void blame_write(uint64_t serial);

#endif
