/* SPDX-License-Identifier: BSD-2-Clause */
/* memory.h - the memory that outlives server processes: stores and figures.
 *
 * Made once, for the life of the supervisor and of those that take its place,
 * unless it is damaged;
 * each server process is given both, and a seat on them: its number among the
 * children.  When it has ended, and only then,
 * the seat is free again: with that, whatever it was in the middle of is for
 * others to take, so a process that may still run must keep its seat.  The
 * supervisor itself reads and writes nothing but the heads. */
#ifndef SUPER_MEMORY_H
#define SUPER_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/region.h"
#include "ctl/ctl.h"

struct child;
struct conf;
struct state;

#define MEMORY_NONE                                                            \
    {                                                                          \
        .fds = { -1, -1 }                                                      \
    }

struct memory {
    int fds[CTL_N_MEMORIES]; /* -1: there is none */
    struct region *heads[CTL_N_MEMORIES];
    size_t bytes[CTL_N_MEMORIES];      /* of all of it */
    uint64_t measures[CTL_N_MEMORIES]; /* what a new one is made from */
};

/* Memory as that configuration wants it.  What cannot be had is said in the
 * log: then each process has its own. [control] */
void memory_open(struct memory *m, const struct conf *conf);
/* No server process runs any more. [control] */
void memory_close(struct memory *m);

/* That seat, which is free, is for a process that is to be started.  Memory
 * whose head does not stand any more - plugins can write anywhere - is begun
 * anew first, and said to be: this process and later ones share the new one,
 * those that run keep theirs. [control] */
void memory_give(struct memory *m, uint32_t seat);
/* Its process has ended, or was never started. [control] */
void memory_free(const struct memory *m, uint32_t seat);
/* Say to a process what it has and its seat: the first words of all.
 * [control] */
void memory_tell(const struct memory *m, uint32_t seat, struct child *c);

/* For a supervisor that takes our place, as a line "memory"; and back, from
 * what stands behind that word: what is of another format is closed, and said
 * to be. [control] */
void memory_save(const struct memory *m, struct state *to);
void memory_load(struct memory *m, const char *line);

#endif
