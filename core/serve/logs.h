/* SPDX-License-Identifier: BSD-2-Clause */
/* logs.h - the logs of all threads, written by the control thread.
 *
 * Workers and acceptor put records into rings; the control thread empties them
 * into the files.  While it finds something it comes back by itself after an
 * interval, so that a busy log costs it one wake-up per interval; when it finds
 * nothing it sleeps, and the next record wakes it through a descriptor.  Not
 * here: rings, files and formats (base/log.h).  Invariant: the descriptor is
 * polled only while the logs sleep.  Called by control.c in each turn, and when
 * a configuration is taken over. */
#ifndef SERVE_LOGS_H
#define SERVE_LOGS_H

#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"

struct channel;
struct conf;
struct log_ring;

struct logs {
    struct log_ring **rings; /* [n_rings]: a worker's each, the acceptor's */
    uint32_t n_rings;
    int wake_fd;
    int is_asleep;   /* the last drain found nothing */
    uint64_t due_ns; /* otherwise: not before (monotonic) */
};

/* Make l's wake descriptor and have producers use it; 0 or -errno.
 * Call logs_close at the end. [control] */
MUST_USE int logs_open(struct logs *l);
/* A ring for each of n_workers workers and then for the acceptor; 0 or -ENOMEM.
 * [control] */
MUST_USE int logs_add_rings(struct logs *l, uint32_t n_workers);
/* No thread uses its ring any more. [control] */
void logs_close(struct logs *l);

/* Files are opened by the supervisor at the other end of c from now on, as far
 * as it does. [control] */
void logs_opened_by(struct channel *c);
/* Report in d that [server] log cannot be opened, for rc, a -errno.
 * [control] */
void logs_complain(const struct conf *conf, int rc, struct diag *d);
/* Write the log as conf wants it; 0, or -errno with the reason in d and the log
 * as it was. [control] */
MUST_USE int logs_apply(const struct conf *conf, struct diag *d);

/* What to poll for reading: it says that records came; -1: nothing now.
 * [control] */
int logs_poll_fd(const struct logs *l);
/* Milliseconds until logs_turn has something to do, at most timeout_ms (-1: no
 * bound, and then perhaps -1). [control] */
int logs_timeout(const struct logs *l, int timeout_ms);
/* Write what is due; is_woken: logs_poll_fd was readable. [control] */
void logs_turn(struct logs *l, int is_woken);

#endif
