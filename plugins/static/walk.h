/* SPDX-License-Identifier: BSD-2-Clause */
/* walk.h - what a worker has of a site, and what a request has of its walk
 * there (static.c). */
#ifndef STATIC_WALK_H
#define STATIC_WALK_H

#include <etude.h>

#include "ask.h"
#include "cache.h"
#include "kin.h"
#include "naming.h"

struct file;
struct listing;
struct site;

struct folder { /* the site, as one worker has it */
    const struct site *site;
    struct cache cache;
    struct kin kin; /* that cache among the others */
    struct naming naming;
    et_loop *loop;
    et_token sweep;     /* its timer, while something is open */
    uint64_t warned_ms; /* when a line said so; 0: none yet */
    uint32_t n_refused; /* since then, for want of a descriptor */
};

struct found { /* or not */
    struct found *next;
    et_str path;
    struct file *file;
    int err;       /* 0, or -errno */
    int is_second; /* that the pool tries */
};

#define WAITS 1 /* beside 0 and -errno: the step is to return ET_WAIT */

struct walk {
    struct found *found;
    struct found *loading;   /* by the pool; not among found */
    struct listing *listing; /* or NULL */
    int lists_again;         /* the listing is made a second time */
    const struct site *site;
    et_str path; /* relative to the root */
    struct ask ask;
    struct asker asker;
};

#endif
