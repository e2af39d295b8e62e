/* SPDX-License-Identifier: BSD-2-Clause */
/* process.h - what the control thread knows: the state of the server process.
 *
 * Private to core/serve: one struct server, on the stack of server_run (or of a
 * command of dry.c, which uses but a part of it), handed down to the files that
 * each do one thing with it:
 *
 *     server -> start  -> change, control, generation, listeners, pid_file,
 * logs
 *            -> control                     -> channel, listeners, pid_file,
 * logs
 *            -> reload -> change, channel, generation, listeners, logs, summary
 *            -> stop   -> change, control, listeners, pid_file
 *            -> leave  -> control, listeners, stop
 *       control, channel -> handover
 *       control, reload, stop -> ask -> errand, live, status
 *        dry -> generation -> build; change -> generation
 *
 * Not here: anything another thread touches, but for what says so itself
 * (mailbox, body_budget, census, metering, stores).  Invariants: gen is NULL
 * until the first one is made, and from the first COMMIT on the one that
 * serves; n_gens
 * >= 1 while there is one; ids are at most last_id; stops never falls. */
#ifndef SERVE_PROCESS_H
#define SERVE_PROCESS_H

#include <stdint.h>

#include "conn/census.h"
#include "conn/env.h"
#include "http/jobs.h"
#include "http/metering.h"
#include "http/stores.h"
#include "io/mailbox.h"
#include "os/signals.h"
#include "plug/image.h"
#include "serve/ask.h"
#include "serve/channel.h"
#include "serve/command.h"
#include "serve/contexts.h"
#include "serve/fleet.h"
#include "serve/handover.h"
#include "serve/logs.h"
#include "serve/quarantine.h"
#include "serve/regions.h"
#include "serve/settings.h"
#include "serve/sockets.h"
#include "serve/spare.h"
#include "serve/summary.h"
#include "serve/watchdog.h"

struct gen;
struct sandbox_rules;

struct server {
    const struct server_options *options;
    struct settings settings; /* chosen at the start */

    /* the threads, and what they share */
    struct mailbox mailbox; /* the control thread's own */
    struct channel channel; /* to the supervisor */
    struct fleet fleet;
    struct sockets sockets;
    struct contexts_kept kept; /* what contexts have of the process */
    struct contexts contexts;  /* of the generation that is being made */
    struct logs logs;
    struct spare spare; /* descriptors, for what the control thread does */
    struct handover handover; /* of connections, to and from other processes */
    struct body_budget budget;
    struct watchdog watchdog;
    uint64_t n_faults;    /* records looked at */
    struct census census; /* of connections */

    /* generations */
    struct image_set images;
    struct regions regions; /* what outlives the process */
    struct metering metering;
    struct metrics *metrics; /* the control thread's own figures */
    struct stores stores;
    struct jobs jobs; /* of plugins, on threads of their own */
    struct gen *gen;
    struct quarantine quarantine; /* builds that may not run */
    struct gen *left; /* a stop came while a worker was busy with it */
    uint64_t last_id;
    uint32_t n_gens; /* alive */

    /* signals noted; stopped_by: the last order to stop, of stops */
    int signal_fd;
    struct orders orders;
    struct stop_order stopped_by;

    struct asks asks;              /* of administrators */
    struct sandbox_rules *sandbox; /* what the process may do; NULL: anything */

    /* A reload is of what this process cannot become, but another one could;
     * a phrase, "" if not.  And what it changes, as summary.h has it. */
    char needs[CTL_TEXT_MAX];
    char changes[SUMMARY_MAX];

    int asks_for_heir; /* another process is to take over: said once */
    int is_ending;     /* drain has begun */
    int has_pid_file;
};

#endif
