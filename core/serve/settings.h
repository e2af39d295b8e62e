/* SPDX-License-Identifier: BSD-2-Clause */
/* settings.h - what the configuration leaves to the machine.
 *
 * `auto` values become numbers here, from affinity, cgroup limits and
 * RLIMIT_NOFILE; what was chosen and why is one line at the start. */
#ifndef SERVE_SETTINGS_H
#define SERVE_SETTINGS_H

#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"
#include "conn/env.h"

struct conf;

/* Fixed for the life of the process.  X_why: what decided X. */
struct settings {
    uint32_t n_workers;
    int pins;               /* workers are pinned, to cpus[index % n_cpus] */
    uint32_t slab_capacity; /* connections a worker */
    int64_t body_memory_total;
    uint64_t worker_memory; /* bound of a worker's blocks */
    const char *event;      /* "auto", "io_uring", "epoll" */
    const char *backend;    /* the one the workers have; NULL until they do */
    char backend_why[512];  /* why not a better one, if so */
    char workers_why[64], pins_why[64], slab_why[64], body_why[64];
};

/* Choose; raises RLIMIT_NOFILE to its hard limit.  What is too little is a
 * warning in d. [control] */
void settings_choose(struct settings *s, const struct conf *conf,
                     struct diag *d);
/* The start line: what was chosen, and why. [control] */
void settings_log(const struct settings *s);
/* The values connections work with. [control] */
void settings_limits(struct limits *l, const struct conf *conf);

#endif
