/* SPDX-License-Identifier: BSD-2-Clause */
/* routes.c - what the router hands out; see routes.h. */
#include "serve/routes.h"

#include "base/arena.h"
#include "base/err.h"
#include "conf/conf.h"
#include "http/dispatch.h"
#include "http/gen.h"
#include "http/metering.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "serve/builder.h"
#include "serve/instances.h"
#include "serve/quarantine.h"
#include "serve/rules.h"
#include "serve/sections.h"
#include "serve/uses.h"

/* A route that misses: one without an origin stays so. */
static struct route *
new_route(struct builder *b)
{
    struct gen *g = b->gen;
    struct route *r = arena_zalloc(&g->arena, sizeof *r);
    void *array =
        r ? builder_grow(b, g->routes, g->n_routes, &b->cap_routes) : NULL;

    if (!array)
        return builder_out_of_memory(b);
    g->routes = array;
    r->use = arena_alloc(&g->arena, CHAIN_MAX_MEMBERS * sizeof *r->use);
    if (!r->use)
        return builder_out_of_memory(b);
    r->name = "";
    r->kind = ROUTE_MISS;
    r->priority = ROUTE_NORMAL;
    r->handle = dispatch_answer_miss;
    r->max_body = r->body_timeout_ms = r->write_timeout_ms = -1;
    r->wait_timeout_ms = -1;
    r->slash_redirect = b->conf->server.slash == CONF_SLASH_REDIRECT;
    r->index = g->n_routes;
    g->routes[g->n_routes++] = r;
    return r;
}

static void
set_limits(struct route *r, const struct conf_route *c)
{
    r->max_body = c->max_body == CONF_INHERIT ? -1 : c->max_body;
    r->body_timeout_ms = c->body_timeout == CONF_INHERIT ? -1 : c->body_timeout;
    r->write_timeout_ms =
        c->write_timeout == CONF_INHERIT ? -1 : c->write_timeout;
    r->wait_timeout_ms = c->wait_timeout == CONF_INHERIT ? -1 : c->wait_timeout;
}

static uint8_t
priority_of(const struct origin *o)
{
    _Static_assert((int)ROUTE_LOW == (int)CONF_LOW &&
                       (int)ROUTE_HIGH == (int)CONF_HIGH,
                   "a configured priority is a route's");

    return (uint8_t)(o->route ? o->route->priority
                              : o->handler->conf->shed_priority);
}

static int
set_handler(struct builder *b, struct route *r, const struct origin *o,
            const struct layers *l)
{
    r->kind = ROUTE_SERVE;
    r->name = o->name;
    r->at = o->at;
    r->doc = o->doc;
    r->methods = o->methods;
    r->pattern = o->pattern;
    r->hosts = o->hosts;
    r->handle = o->fn;
    r->body = (uint8_t)(o->flags & (ET_B_BUFFER | ET_F_TASK));
    r->priority = priority_of(o);
    if (o->route)
        set_limits(r, o->route);
    if (o->handler->out)
        sections_close_route(o->handler, r);
    if (!r->closed_by && o->handler->plugin &&
        quarantine_has(b->quarantine, o->handler->plugin))
        r->closed_by = o->handler->conf->name.p;
    if (r->closed_by)
        return 0;
    r->handler = instances_for(b, o->handler, l);
    return r->handler ? 0 : -1;
}

/* Its last step is ours; what is outside of what it lacks has its place. */
static void
close_route(struct route *r)
{
    r->handle = dispatch_answer_closed;
    r->body = ET_B_NONE;
}

/* `use` of what the handler is named in: [route ...], or for a declared route
 * its [plugin ...]. */
static int
add_nearest_uses(struct uses *u, const struct origin *o)
{
    const struct conf_route *r = o->route;
    const struct conf_plugin *p = o->handler->conf;

    if (r)
        return uses_add(u, &(struct use_list){r->use, r->use_at, r->section});
    return uses_add(u, &(struct use_list){p->use, p->use_at, p->section});
}

/* All that stands in front of the handler, the outermost first. */
static int
add_uses(struct uses *u, const struct origin *o, void *const *scopes,
         uint32_t n_scopes)
{
    const struct conf *c = u->builder->conf;
    struct use_list outermost = {c->server.use, conf_place(c, &c->server.use),
                                 "[server]"};
    int rc = uses_add(u, &outermost);

    for (uint32_t i = 0; i < n_scopes; i++) {
        const struct conf_scope *s = scopes[i];
        rc |= uses_add(u, &(struct use_list){s->use, s->use_at, s->section});
    }
    if (o)
        rc |= add_nearest_uses(u, o);
    return rc;
}

/* The meter of each member of a finished route. */
static void
add_meters(struct builder *b, struct route *r)
{
    for (uint32_t i = 0; i <= r->n_use; i++) {
        const struct instance *member = i < r->n_use ? r->use[i] : r->handler;
        if (!member || member->plugin->n_metrics == 0)
            continue;
        if (!r->meters)
            r->meters = arena_zalloc(&b->gen->arena,
                                     (r->n_use + 1) * sizeof *r->meters);
        if (!r->meters) {
            builder_out_of_memory(b);
            return;
        }
        if (metering_hold(b->gen->metering, member, r->name, &b->gen->arena,
                          &r->meters[i]) == ERR_NOMEM)
            builder_out_of_memory(b);
    }
}

/* What the host answers itself is in front of every chain. */
static struct route *
bind_own(struct route *r, const struct origin *o)
{
    r->kind = ROUTE_SERVE;
    r->priority = ROUTE_ALWAYS;
    r->name = o->name;
    r->at = o->at;
    r->methods = o->methods;
    r->pattern = o->pattern;
    r->handle = o->fn;
    return r;
}

void *
routes_bind(void *arg, void *target, void *const *scopes, uint32_t n_scopes)
{
    struct builder *b = arg;
    const struct origin *o = target;
    struct route *r = new_route(b);
    struct layers l;
    struct uses u = {.builder = b, .route = r, .layers = &l};
    int rc;

    if (!r)
        return NULL;
    if (o && !o->handler)
        return bind_own(r, o);
    instances_layers(&l, o ? o->route : NULL, o ? o->name : NULL, scopes,
                     n_scopes);
    rc = add_uses(&u, o, scopes, n_scopes);
    if (o)
        rc |= set_handler(b, r, o, &l);
    if (r->closed_by)
        close_route(r);
    if (rc == 0) {
        uses_check_order(&u);
        add_meters(b, r);
    }
    return r;
}
