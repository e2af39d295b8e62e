/* SPDX-License-Identifier: BSD-2-Clause */
/* bind.h - one section's keys into the struct they fill.
 *
 * The rows of directive.c say what a key's type is and where its value goes; a
 * section is bound row by row, defaults first.  Three kinds of key fill no
 * field by type: `match`, `handler`, and the options of plugins. */
#ifndef CONF_BIND_H
#define CONF_BIND_H

#include "base/arena.h"
#include "base/check.h"
#include "base/diag.h"
#include "conf/conf.h"

struct section;

struct bind {
    struct arena *a; /* where texts and arrays go */
    struct diag *d;
    const struct section *s;
    void *to;                     /* conf_server, conf_listen, ...: zeroed */
    struct place *places;         /* one per row of the table; or NULL */
    struct conf_matches *match;   /* where `match` goes, if there is a row */
    struct conf_route *route;     /* where `handler` goes, likewise */
    struct conf_entries *options; /* NULL: a key without a row is an error */
};

/* Fill x->to from x->s.  What is wrong is in x->d.  0 or ERR_NOMEM. [control]
 */
MUST_USE int bind_section(struct bind *x);

#endif
