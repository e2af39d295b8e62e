/* SPDX-License-Identifier: BSD-2-Clause */
/* text.h - whose code an address is in: a table a signal handler can read.
 *
 * A row for each image that is mapped, with what a report says of it, in memory
 * of its own: the heap may be what is broken.  The control thread is the one
 * writer; a row is published by its start, written last, and withdrawn by the
 * same.  A reader on another thread may see a row change while an image comes
 * or goes, but code that runs is in none of those.  More images than there are
 * rows: those have none, and faults in them are not recovered. */
#ifndef PLUG_TEXT_H
#define PLUG_TEXT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/sha256.h"

#define TEXT_MAX 1024u

struct image;
struct symbols;

struct text {
    _Atomic uintptr_t start; /* of its code; 0: no row */
    uintptr_t end;
    uintptr_t base; /* what the loader added to addresses in the file */
    const struct image *image; /* never followed by readers */
    const struct symbols *symbols;
    char name[64]; /* "hello.so" */
    char id[64], version[32];
    char build_id[2 * 32 + 1], hash[SHA256_HEX_LEN + 1];
};

/* img is mapped; it is about to be unmapped. [control] */
void text_add(const struct image *img);
void text_remove(const struct image *img);
/* The row whose code has address pc, or NULL. [signal-safe] */
const struct text *text_find(uintptr_t pc);
/* The row of img, or NULL. [signal-safe] */
const struct text *text_of(const struct image *img);
/* The function of t that has pc, or NULL, and how far into it. [signal-safe] */
const char *text_function(const struct text *t, uintptr_t pc, uint64_t *off);

#endif
