/* SPDX-License-Identifier: BSD-2-Clause */
/* generation.h - where generations come from and where they go.
 *
 *     files -- read --> conf -- make --> gen ... --> comes home -> disposed of
 *
 * The process's side of building: which files, which images, which figures,
 * which number.  Not here: how a configuration becomes a generation (build.h)
 * and how the workers take it over (change.h).  Invariants: ids rise by one
 * with each generation that is made; s->n_gens counts those not yet disposed
 * of; one that every worker has retired mails itself to the control thread.
 * Called by start.c, reload.c and dry.c. */
#ifndef SERVE_GENERATION_H
#define SERVE_GENERATION_H

#include "base/check.h"
#include "base/diag.h"

struct conf;
struct gen;
struct server;

/* Read and check the configuration that s->options name; the caller's.  NULL
 * with all the reasons in d: those of the plugins and routes too, as far as
 * they can be told. [control] */
MUST_USE struct conf *generation_read(struct server *s, struct diag *d);
/* Bring the figures of generations and images up to date: one has come or gone,
 * or serves from now on. [control] */
void generation_count(struct server *s);
/* A generation of conf, which it has from then on, no worker having a part of
 * it, and s->contexts are of it; or NULL with the reasons in d, and conf is
 * freed. [control] */
MUST_USE struct gen *generation_make(struct server *s, struct conf *conf,
                                     struct diag *d);
/* The same without giving up its configuration, which is the caller's again.
 * [control] */
MUST_USE struct conf *generation_undo(struct server *s, struct gen *g);
/* Free one that no worker has a part of, with its configuration. [control] */
void generation_dispose(struct server *s, struct gen *g);

/* After a change: images that stay mapped behind the generation that serves
 * cost memory, and a process that ends gives it back.  Beyond max_retired
 * another one is asked for, once. [control] */
void generation_look_back(struct server *s);

#endif
