/* SPDX-License-Identifier: BSD-2-Clause */
/* process.h - what the supervisor knows.
 *
 * Private to core/super: one struct super, on the stack of super_run, handed
 * down to the files that each do one thing with it:
 *
 *     super -> reload   -> servers, files
 *           -> servers  -> adoption, child, upgrade
 *           -> messages -> servers, adoption, held
 *           -> upgrade  -> state (writes; super reads it)
 *           -> desk     -> reload, report, servers; each of them tells it of
 *                          outcomes
 *
 * Invariants: serving is the one child that is CHILD_SERVING, coming the one
 * that is CHILD_COMING, or NULL; without serving there is no coming, and a
 * start is due (born_ns) or the end is near; stops never falls. */
#ifndef SUPER_PROCESS_H
#define SUPER_PROCESS_H

#include <stdint.h>

#include "base/clock.h"
#include "base/diag.h"
#include "os/signals.h"
#include "super/child.h"
#include "super/desk.h"
#include "super/files.h"
#include "super/held.h"
#include "super/ledger.h"
#include "super/memory.h"
#include "super/notify.h"
#include "super/program.h"
#include "super/resume.h"

/* One serves, one comes, two leave; behind them is the one that tries. */
#define SERVERS_MAX 4
#define CHILDREN_MAX (SERVERS_MAX + 1)
#define LEAVING_MAX 2

#define MS 1000000ull /* in nanoseconds */
/* What a process is left beyond the time it has for its end. */
#define LAST_WORDS_NS (2000 * MS)

struct conf;

/* Another server process is to take over from the one that serves. */
struct replacement {
    int is_wanted;
    int is_upgrade; /* ... of the program as it stands on the disk now */
    char why[128];  /* a phrase: "as SIGUSR2 says" */
};

/* Of the configuration that is to serve (reload.h). */
#define RELOAD_BARRED_MAX 16u /* trials of one reload, less one */
#define RELOAD_CHANGES_MAX 1400

struct reload {
    enum reload_stage {
        RELOAD_NONE,
        RELOAD_PROBING,   /* a process tries it */
        RELOAD_LOST,      /* it has crashed: another one is to, without who it
                             was that crashed */
        RELOAD_PROBED,    /* bundle_fd is to be served */
        RELOAD_GIVEN,     /* who serves is at it */
        RELOAD_REPLACING, /* another process is started to serve it */
    } stage;
    int is_wanted; /* one more, when this one is done */
    int is_tried;  /* bundle_fd has gone through a trial: images are in it */
    int bundle_fd; /* -1: none */
    uint32_t n_barred; /* builds that this trial is to do without */
    char barred[RELOAD_BARRED_MAX][CTL_TEXT_MAX];
    struct child *before; /* who served, and is not done with giving away */
    int has_user;
    struct identity who; /* who is to serve it, if it needs another process */
    struct diag errors;  /* that no trial can find */
    uint64_t began_ns;
    char needs[128]; /* why it takes another process: a phrase */
    char changes[RELOAD_CHANGES_MAX]; /* and what it changes, or "" */
};

struct super {
    struct program program;
    struct child children[CHILDREN_MAX];
    struct child *serving, *coming;
    struct replacement replacement;
    struct reload reload;
    uint8_t wanted[CHILD_N_ORDERS]; /* of whoever serves, and not given yet */
    struct files files;             /* what a first start and a reload are of */
    struct held held;
    struct ledger ledger; /* of crashes */
    struct memory memory; /* a seat on it is a child's number */
    struct resume resume; /* of TLS sessions */
    struct notify notify;
    struct desk desk;    /* where administrators ask */
    struct conf *conf;   /* what serves, or what is to be tried first */
    int bundle_fd;       /* what serves, as a dump; -1: nothing yet */
    uint32_t generation; /* its number */
    int signal_fd;
    uint32_t n_deaths; /* one after the other */
    uint64_t born_ns;  /* next start of the server process; 0: none is due */
    int was_ready;     /* some server process has served */
    int has_pid_file;
    int stops;
    struct stop_order stopped_by;
    int is_over, code;
};

/* The number of c among the children, as held.h and memory.h know it. */
static inline uint32_t
super_number(const struct super *s, const struct child *c)
{
    return (uint32_t)(c - s->children);
}

#endif
