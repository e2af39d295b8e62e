/* SPDX-License-Identifier: BSD-2-Clause */
/* section.h - a bundle as sections and keys, before any of them has a type.
 *
 * Reads all texts of a bundle in order and merges them: an overlay's key takes
 * the place of all values the base gave it, an ETUDE_KEY variable that of both;
 * [server] may stand in several files, any other section only once a layer.
 * ${...} is expanded here.  What is reported here: faults of the text, unknown
 * or repeated sections, keys given twice that may not be. */
#ifndef CONF_SECTION_H
#define CONF_SECTION_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/diag.h"
#include "conf/directive.h"

#define SECTION_MAX_ENTRIES 4096u

struct bundle;

struct section_entry {
    struct section_entry *next; /* in the order read */
    et_str key, value;
    struct place at;
    const char *dir; /* absolute: what relative paths start from */
    int layer;       /* 0 base, 1 overlay, 2 environment */
    int is_secret;
    int is_replaced; /* by a higher layer: as if it were not there */
};

struct section {
    struct section *next;   /* in the order of their headers */
    struct section *bucket; /* of section_set.buckets */
    enum directive_kind kind;
    et_str name;       /* "" for [server] */
    const char *title; /* "[route users]" */
    struct place at;   /* of the header */
    const char *dir;
    int layer;       /* that said something of it last */
    int is_repeated; /* an error already: its keys are checked all the same */
    struct section_entry *first, **last;
    uint32_t n;
};

#define SECTION_BUCKETS 1024u

/* In one arena, texts copied: nothing points into the bundle. */
struct section_set {
    struct section *first, **last;
    size_t n[DIRECTIVE_KINDS];
    struct section *buckets[SECTION_BUCKETS];
};

/* Read b into a set in a.  0 (with what is wrong in d), or ERR_NOMEM.
 * [control] */
MUST_USE int section_read(const struct bundle *b, struct arena *a,
                          struct diag *d, struct section_set **out);
/* The section of this kind and name, or NULL. [any] */
struct section *section_find(const struct section_set *set,
                             enum directive_kind kind, et_str name);

#endif
