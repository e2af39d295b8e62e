/* SPDX-License-Identifier: BSD-2-Clause */
/* child.h - the server process, as its supervisor starts and orders it.
 *
 * It is this program again, started anew as `etude server`, in a session of its
 * own (a terminal's Ctrl-C does not reach it), with the channel as descriptor
 * CTL_FD and nothing else that is ours.  It does not outlive the supervisor:
 * the kernel kills it, and the channel ends.  Orders of one kind are merged
 * while one is being carried out. */
#ifndef SUPER_CHILD_H
#define SUPER_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/check.h"
#include "ctl/ctl.h"
#include "super/program.h"

enum { CHILD_RELOAD, CHILD_REOPEN, CHILD_N_ORDERS };

struct child {
    pid_t pid;        /* 0: there is none */
    int channel;      /* -1: as well */
    uint64_t born_ns; /* monotonic */
    int is_ready;
    struct {
        uint8_t is_wanted, is_out;
    } orders[CHILD_N_ORDERS];
};

/* Start c, which is none, with the bundle of this descriptor (-1: the files);
 * orders that were wanted meanwhile are given at once.  0 or -errno.
 * [control] */
MUST_USE int child_start(struct child *c, const struct program *p,
                         int bundle_fd);
/* Speak to it no more; orders wait for the next one. [control] */
void child_hang_up(struct child *c);
/* It has ended, and its channel is read empty: there is none.  What it was at
 * is not wanted again: it may have died of it. [control] */
void child_end(struct child *c);
/* Have c do this, again if it is at it. [control] */
void child_order(struct child *c, uint32_t order);
/* It is done with an order, by its kind (CTL_RELOAD, ...). [control] */
void child_done(struct child *c, uint32_t kind);
/* One signal to stop. [control] */
void child_stop(struct child *c);

#endif
