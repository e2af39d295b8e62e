/* SPDX-License-Identifier: BSD-2-Clause */
/* builder.h - a generation while it is being built: what the parts of the
 * building share.
 *
 *     build -> routes -> uses -> instances -> sections -> builder
 *                   \--> rules ------------/
 *
 * Private to these files: build.c fills a builder in and has the others each
 * add their part to gen; all go on after a fault, to find the others too.  Not
 * here: what a part needs for itself alone.  Invariants: gen->conf == conf;
 * gen's arrays lie in its arena, n_routes <= cap_routes and n_instances <=
 * cap_instances. */
#ifndef SERVE_BUILDER_H
#define SERVE_BUILDER_H

#include <stdint.h>

#include "base/diag.h"

struct conf;
struct gen;
struct origin;
struct quarantine;
struct section;

struct builder {
    struct gen *gen;
    const struct gen *before; /* the one that serves, or NULL */
    const struct conf *conf;
    const struct quarantine *quarantine; /* or NULL */
    struct diag *diag;
    int begins_again; /* a section has turned out to be out: what was made of
                         it is of no use */
    int is_sound;     /* conf has no errors that are known */
    struct section *sections;           /* [conf->n_plugins], in its order */
    uint32_t cap_routes, cap_instances; /* of gen's arrays */
    /* [gen->n_instances]: what the options of each that is new came from */
    struct origin **origins;
    uint32_t cap_origins;
};

/* An array of n pointers in the generation's arena with room for one more:
 * array itself, or a copy with *cap raised (the old one stays where it is).
 * NULL without memory, which is not said yet. [control] */
void *builder_grow(struct builder *b, void *array, uint32_t n, uint32_t *cap);
/* Say in the diag that there is no memory; NULL. [control] */
void *builder_out_of_memory(struct builder *b);

#endif
