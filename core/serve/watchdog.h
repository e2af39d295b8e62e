/* SPDX-License-Identifier: BSD-2-Clause */
/* watchdog.h - the thread that looks after the threads which run plugins.
 *
 * It names a step that holds its worker, once, and gives a worker up whose step
 * holds it for far too long; a job that holds its thread of the pool it only
 * names, for that has all the time it takes.  And it ends the process when a
 * thread is lost, or a descriptor that some thread needs (base/robbed.h); for
 * the supervisor's channel it looks itself.  It does so because it needs
 * nobody: no lock, no memory from the heap, no other thread, whatever state
 * they are in.
 *
 *     worker: turn 41 ... 41 ... 41        the same breadcrumb, turn by turn of
 *     watch:     ^      ^      ^           ours: since the first of them
 *
 * A process that has lost one of its workers serves on with the others until
 * another one is ready, which the control thread hears of (leave.h); whatever
 * more is wrong with it, it ends at once.
 *
 * Not here: what a handler finds (blame.h), what is logged of it
 * (aftermath.h). */
#ifndef SERVE_WATCHDOG_H
#define SERVE_WATCHDOG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/check.h"

struct channel;
struct conf;
struct fleet;
struct watched;

struct watchdog {
    pthread_t thread;
    int is_running;
    _Atomic int stops; /* and stop_fd is readable */
    int stop_fd;
    struct fleet *fleet;               /* winds up when the process is to end */
    struct channel *channel;           /* hears of that */
    struct watched *watched;           /* [GUARD_THREADS_MAX], by guard_nth */
    _Atomic int64_t warn_ms, abort_ms; /* of a step; 0: never */
    _Atomic int64_t other_ms; /* of other callbacks, until one is lost */
    _Atomic int64_t drain_ms, heir_ms;
    _Atomic int has_heir, has_left; /* see watchdog_heir_serves */
};

/* Start the thread; fleet and channel are kept.  0 or -errno. [control] */
MUST_USE int watchdog_start(struct watchdog *w, struct fleet *fleet,
                            struct channel *channel);
/* What [server] of conf says of faults counts from now on. [control] */
void watchdog_set(struct watchdog *w, const struct conf *conf);
/* Another process serves; and (a process that has lost a worker only) it has
 * taken over what there was: then this one ends. [control] */
void watchdog_heir_serves(struct watchdog *w);
_Noreturn void watchdog_has_left(struct watchdog *w);
/* End the thread, before those it watches; a process that is about to end
 * through it, it ends. [control] */
void watchdog_stop(struct watchdog *w);

#endif
