/* SPDX-License-Identifier: BSD-2-Clause */
/* uses.c - the middleware in front of a route's handler; see uses.h. */
#include "serve/uses.h"

#include <string.h>

#include "http/route.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "serve/builder.h"
#include "serve/instances.h"
#include "serve/quarantine.h"
#include "serve/sections.h"

/* ---- lists ---------------------------------------------------------------*/

static int
is_middleware(const struct plugin *p)
{
    return p->request || p->response || p->log;
}

static int
is_used(const struct route *r, const struct instance *i)
{
    for (uint32_t k = 0; k < r->n_use; k++) {
        if (r->use[k] == i)
            return 1;
    }
    return 0;
}

/* May a member made of this plugin be appended? */
static int
is_allowed(const struct uses *u, const struct use_list *list, et_str name,
           const struct plugin *p)
{
    struct diag *d = u->builder->diag;

    if (!is_middleware(p)) {
        diag_error(d, &list->at,
                   "%s use: %.*s has no request, response or log step, so "
                   "it cannot stand in front of a handler",
                   list->section, (int)name.n, name.p);
        return 0;
    }
    if (u->route->n_use + 2 > CHAIN_MAX_MEMBERS) {
        diag_error(d, &list->at, "%s use: more than %d steps in one chain",
                   list->section, CHAIN_MAX_MEMBERS - 1);
        return 0;
    }
    return 1;
}

static int
add(struct uses *u, const struct use_list *list, et_str name)
{
    struct builder *b = u->builder;
    struct route *r = u->route;
    struct section *s = sections_find(b, name);
    struct instance *made;

    if (s && s->out) {
        sections_close_route(s, r);
        return 0;
    }
    if (!s || !s->plugin)
        return -1; /* reported when it was loaded */
    if (!is_allowed(u, list, name, s->plugin))
        return -1;
    if (!r->closed_by && quarantine_has(b->quarantine, s->plugin))
        r->closed_by = s->conf->name.p;
    if (r->closed_by)
        return 0;
    made = instances_for(b, s, u->layers);
    if (!made)
        return -1;
    if (is_used(r, made)) {
        diag_error(b->diag, &list->at, "%s use: %.*s stands twice in one chain",
                   list->section, (int)name.n, name.p);
        return -1;
    }
    u->at[r->n_use] = list->at;
    r->use[r->n_use++] = made;
    return 0;
}

int
uses_add(struct uses *u, const struct use_list *list)
{
    int rc = 0;

    for (size_t i = 0; i < list->names.n; i++)
        rc |= add(u, list, list->names.v[i]);
    return rc;
}

/* ---- order ---------------------------------------------------------------*/

static int
names_id(const char *const *ids, const char *id)
{
    for (; ids && *ids; ids++) {
        if (strcmp(*ids, id) == 0)
            return 1;
    }
    return 0;
}

static void
check_pair(struct diag *d, const struct place *at, const struct plugin *first,
           const struct plugin *second)
{
    const char *a = first->desc.id, *z = second->desc.id;

    for (uint32_t i = 0; i < first->n_orders; i++) {
        if (names_id(first->orders[i]->after, z))
            diag_error(d, at, "%s must come after %s, but stands before it", a,
                       z);
    }
    for (uint32_t i = 0; i < second->n_orders; i++) {
        if (names_id(second->orders[i]->before, a))
            diag_error(d, at, "%s must come before %s, but stands after it", z,
                       a);
    }
}

void
uses_check_order(const struct uses *u)
{
    const struct route *r = u->route;

    for (uint32_t i = 0; i < r->n_use; i++) {
        for (uint32_t k = i + 1; k < r->n_use; k++)
            check_pair(u->builder->diag, &u->at[k], r->use[i]->plugin,
                       r->use[k]->plugin);
    }
}
