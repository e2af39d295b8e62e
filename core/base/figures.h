/* SPDX-License-Identifier: BSD-2-Clause */
/* figures.h - the memory of all counters, of one process after the other.
 *
 *     region  head, seats, the last generation                  region.h
 *     own     the server's: a block by seat and lane            metrics.h
 *     series  plugins': name -> where its cells are             shelf.h
 *     cells   plugins': a run by seat and lane; totals from its begin on,
 *             gauges from its end backwards
 *
 * A lane is a thread: lane 0 is the control thread, 1 + i is worker i.  It
 * writes its block and its run of cells, nobody else does, and no two lanes
 * share a cache line.  A process that ends, however, leaves its lanes as they
 * are; they go on counting in every sum, and the next process on that seat
 * counts on from there.  So nothing is handed over, and no total goes back.
 * What is not a total, a gauge, counts while its process lives and begins
 * anew with the next. */
#ifndef BASE_FIGURES_H
#define BASE_FIGURES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/metrics.h"
#include "base/region.h"
#include "base/shelf.h"

/* What plugins may count with in all: cells of a lane, and series. */
#define FIGURES_CELLS 131072u
#define FIGURES_SERIES 65536u
#define FIGURES_NONE UINT32_MAX

struct figures {
    struct region *region; /* the memory, while it is in use */
    size_t bytes;
    uint32_t seat, n_lanes; /* of a seat */
    struct metrics *own;
    struct shelf series;
    _Atomic int64_t *cells;
};

/* A region of figures; its measure is the lanes of a seat. [any] */
const struct region_kind *figures_kind(void);
/* f is what is in the region, which has that kind and is kept; this process has
 * that seat, is to use so many lanes of it, and no thread has begun to.
 * Whether there are as many. [control] */
MUST_USE int figures_attach(struct figures *f, struct region *r, size_t bytes,
                            uint32_t seat, uint32_t n_lanes);

/* The block of a lane of this process. [any] */
struct metrics *figures_own(const struct figures *f, uint32_t lane);
/* What all blocks say of it. [any] */
uint64_t figures_total(const struct figures *f, enum metric id);

/* Where n cells are that have this name, the same for all lanes and processes,
 * made if there are none; FIGURES_NONE: no room. [control] */
uint32_t figures_place(const struct figures *f, const struct shelf_name *name,
                       uint32_t n, int is_gauge);
/* A cell of a lane of this process. [any] */
_Atomic int64_t *figures_cell(const struct figures *f, uint32_t lane,
                              uint32_t place);
/* The sum of that cell over all lanes; of a gauge over those of processes that
 * live. [any] */
int64_t figures_sum(const struct figures *f, uint32_t place, int is_gauge);
/* That cell is 0 in all lanes of this process. [control] */
void figures_zero(const struct figures *f, uint32_t place);

/* The number of the last generation of any process; it is at least id. [any] */
uint64_t figures_last_generation(const struct figures *f);
void figures_note_generation(const struct figures *f, uint64_t id);

#endif
