/* SPDX-License-Identifier: BSD-2-Clause */
/* settings.h - what the configuration leaves to the machine.
 *
 * `auto` values become numbers here, from affinity, cgroup limits and
 * RLIMIT_NOFILE; what was chosen and why is one line at the start. */
#ifndef SERVE_SETTINGS_H
#define SERVE_SETTINGS_H

#include <stdint.h>

#include "base/check.h"
#include "conn/env.h"

struct conf;

/* Fixed for the life of the process. */
struct settings {
    uint32_t n_workers;
    int pins;               /* workers are pinned, to cpus[index % n_cpus] */
    uint32_t slab_capacity; /* connections a worker */
    int64_t body_memory_total;
    uint64_t worker_memory; /* bound of a worker's blocks */
    const char *event;      /* "auto", "io_uring", "epoll" */
    char why[1024];         /* the start line */
};

/* Choose; raises RLIMIT_NOFILE to its hard limit. [control] */
void settings_choose(struct settings *s, const struct conf *conf);
/* The values connections work with. [control] */
void settings_limits(struct limits *l, const struct conf *conf);
/* The folder for files of the running process: the one conf names, else the
 * usual one if we may write there, else NULL.  Borrowed of conf. [control] */
const char *settings_runtime_dir(const struct conf *conf);

#endif
