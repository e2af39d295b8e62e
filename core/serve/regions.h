/* SPDX-License-Identifier: BSD-2-Clause */
/* regions.h - the memory that outlives a server process, as the process has it.
 *
 * The supervisor keeps it (super/memory.h) and says with the start which seat
 * on it this process has.  A process that is not supervised, is given none, or
 * is given one in another format, has memory of its own, which is empty and
 * ends with it. */
#ifndef SERVE_REGIONS_H
#define SERVE_REGIONS_H

#include <stdint.h>

#include "base/check.h"
#include "base/figures.h"
#include "base/vault.h"

struct channel;

struct regions {
    struct vault vault;
    struct figures figures;
};

/* What the supervisor has given; else memory of our own, for stores of so many
 * bytes and so many workers.  0 or ERR_NOMEM. [control] */
MUST_USE int regions_open(struct regions *r, struct channel *c,
                          uint64_t store_memory, uint32_t n_workers);
/* Figures of our own alone, of one worker, that nobody will read.  0 or
 * ERR_NOMEM. [control] */
MUST_USE int regions_open_dry(struct regions *r);
/* Nobody uses them any more; zeroed is closed. [control] */
void regions_close(struct regions *r);

#endif
