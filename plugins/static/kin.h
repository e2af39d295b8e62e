/* SPDX-License-Identifier: BSD-2-Clause */
/* kin.h - the caches of one worker, those of all sites.
 *
 * Descriptors are the process's: whose request is the one that gets none says
 * nothing about who has them.  So all caches of the worker give some back.
 * Those of other workers are theirs alone; what is idle there is closed by
 * their sweep. */
#ifndef STATIC_KIN_H
#define STATIC_KIN_H

#include <etude.h>

struct cache;

struct kin { /* one of them, in what a worker has for its site */
    struct kin *next, **first;
    struct kin *alone; /* first, where there is no room for a list */
    struct cache *cache;
};

/* c is one of w's from now on, until kin_leave. [worker] */
void kin_join(struct kin *k, const et_worker *w, struct cache *c);
/* c is about to go. [worker] */
void kin_leave(struct kin *k);
/* Each throws out a quarter of its open files (cache_yield): how many.
 * [worker] */
uint64_t kin_yield(const struct kin *k);
/* How many files they keep open at most, those of sites that are about to go
 * included. [worker] */
uint64_t kin_max_open(const struct kin *k);

#endif
