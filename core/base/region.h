/* SPDX-License-Identifier: BSD-2-Clause */
/* region.h - the head of memory that processes share and that outlives them.
 *
 *     [ head, a page | what kind it is decides ]
 *
 * The head says what the memory is, in which format, how large and who works
 * on it.  Another format is not read: whoever meets one begins with memory of
 * its own.  What is behind a head is never believed (shelf.h). */
#ifndef BASE_REGION_H
#define BASE_REGION_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/seats.h"
#include "base/shelf.h"

#define REGION_HEAD_BYTES 4096u
#define REGION_WORDS 4u

struct region {
    _Atomic uint64_t magic; /* the last that is written: what kind it is */
    uint64_t format, bytes;
    uint64_t measure; /* what its size was made from */
    struct shelf_seeds seeds;
    struct seats seats;
    _Atomic uint64_t words[REGION_WORDS]; /* of the kind */
};

/* What a kind of region is. */
struct region_kind {
    const char *name; /* "etude-stores": of the file in memory */
    uint64_t magic, format;
    size_t (*bytes)(uint64_t measure);
};

/* Write the head of zeroed memory: seats and the rest stay 0. [owner] */
void region_format(struct region *r, const struct region_kind *k,
                   uint64_t measure);
/* Whether so many bytes of memory are a region of that kind. [any] */
int region_is(const struct region *r, size_t bytes,
              const struct region_kind *k);
/* A region that this process has alone; NULL without address space. [any] */
struct region *region_new(const struct region_kind *k, uint64_t measure);
/* Unmap it, or nothing (NULL), whoever has mapped it. [any] */
void region_unmap(struct region *r, size_t bytes);

#endif
