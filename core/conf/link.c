/* SPDX-License-Identifier: BSD-2-Clause */
/* link.c - see link.h. */
#include "conf/link.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "conf/conf.h"
#include "conf/directive.h"

#define MAX_KNOWN 256u /* names compared for "did you mean" */

static int
has(et_list list, et_str name)
{
    size_t i;

    for (i = 0; i < list.n; i++)
        if (str_eq(list.v[i], name))
            return 1;
    return 0;
}

/* Say that there is no such instance, and which may have been meant. */
static void
unknown(const struct conf *c, struct diag *d, const struct place *at,
        const char *section, const char *key, et_str name)
{
    const char *known[MAX_KNOWN], *near;
    char got[80];
    size_t i;

    for (i = 0; i < c->n_plugins && i < MAX_KNOWN; i++)
        known[i] = c->plugins[i].name.p;
    snprintf(got, sizeof(got), "%.*s", (int)name.n, name.p);
    near = diag_nearest(got, known, i);
    diag_error(d, at, "%s %s: there is no [plugin %.*s]%s%s%s", section, key,
               (int)name.n, name.p, near ? "; did you mean \"" : "",
               near ? near : "", near ? "\"?" : "");
}

static void
check_use(const struct conf *c, struct diag *d, const struct place *at,
          const char *section, et_list use)
{
    size_t i;

    for (i = 0; i < use.n; i++)
        if (!conf_find_plugin(c, use.v[i]))
            unknown(c, d, at, section, "use", use.v[i]);
}

/* Whether the instance may be in the route's chain.  Which scopes are around a
 * route is the router's to know: any may be. */
static int
may_run(const struct conf *c, const struct conf_route *r, et_str instance)
{
    size_t i;

    if (str_eq(r->handler, instance) || has(r->use, instance) ||
        has(c->server.use, instance))
        return 1;
    for (i = 0; i < c->n_scopes; i++)
        if (has(c->scopes[i].use, instance))
            return 1;
    return 0;
}

/* route NULL: a scope's options. */
static void
check_options(const struct conf *c, struct diag *d,
              const struct conf_entries *options, const struct conf_route *r)
{
    const struct conf_entry *e;
    char key[200];
    size_t i;

    for (i = 0; i < options->n; i++) {
        e = &options->v[i];
        snprintf(key, sizeof(key), "%.*s.%.*s", (int)e->instance.n,
                 e->instance.p, (int)e->key.n, e->key.p);
        if (!conf_find_plugin(c, e->instance))
            unknown(c, d, &e->at, e->section, key, e->instance);
        else if (r && !may_run(c, r, e->instance))
            diag_error(d, &e->at, "%s %s: this route does not use %.*s",
                       e->section, key, (int)e->instance.n, e->instance.p);
    }
}

static void
check_plugin(const struct conf *c, struct diag *d, const struct conf_plugin *p)
{
    if (directive_is_reserved(p->name))
        diag_error(d, &p->at,
                   "%s: an instance may not be called like the key \"%.*s\" "
                   "of a route or scope",
                   p->section, (int)p->name.n, p->name.p);
    check_use(c, d, &p->use_at, p->section, p->use);
}

static void
check_route(const struct conf *c, struct diag *d, const struct conf_route *r)
{
    check_use(c, d, &r->use_at, r->section, r->use);
    if (r->handler.n && !conf_find_plugin(c, r->handler))
        unknown(c, d, &r->handler_at, r->section, "handler", r->handler);
    check_options(c, d, &r->options, r);
}

void
link_check(const struct conf *c, struct diag *d)
{
    struct place at = conf_place(c, &c->server.use);
    size_t i;

    check_use(c, d, &at, "[server]", c->server.use);
    for (i = 0; i < c->n_plugins; i++)
        check_plugin(c, d, &c->plugins[i]);
    for (i = 0; i < c->n_routes; i++)
        check_route(c, d, &c->routes[i]);
    for (i = 0; i < c->n_scopes; i++) {
        check_use(c, d, &c->scopes[i].use_at, c->scopes[i].section,
                  c->scopes[i].use);
        check_options(c, d, &c->scopes[i].options, NULL);
    }
}
