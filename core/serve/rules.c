/* SPDX-License-Identifier: BSD-2-Clause */
/* rules.c - what the router is told; see rules.h. */
#include "serve/rules.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "conf/conf.h"
#include "http/dispatch.h"
#include "http/exposition.h"
#include "http/gen.h"
#include "http/router.h"
#include "plug/plugin.h"
#include "serve/builder.h"
#include "serve/claims.h"
#include "serve/sections.h"

/* Where a rule applies: methods ("GET,POST" or "*") on pattern for hosts. */
struct where {
    et_str methods, pattern;
    et_list hosts;
    const char *name; /* "[route users]": for messages */
};

static struct origin *
new_origin(struct builder *b)
{
    struct origin *o = arena_zalloc(&b->gen->arena, sizeof *o);

    return o ? o : builder_out_of_memory(b);
}

/* A plugin's own text, which a generation shows after the plugin was left out,
 * and its image is gone. */
static const char *
keep(struct builder *b, const char *text)
{
    et_str copy = {"", 0};

    if (!text)
        return NULL;
    copy = arena_dup(&b->gen->arena, str_from_z(text));
    if (!copy.p)
        (void)builder_out_of_memory(b);
    return copy.p ? copy.p : "";
}

static void
add_rule(struct builder *b, struct origin *o, const struct where *w)
{
    const struct router_rule rule = {
        .methods = w->methods,
        .pattern = w->pattern,
        .hosts = w->hosts,
        .target = o,
        .at = o->at,
        .name = w->name,
    };

    o->methods = arena_dup(&b->gen->arena, w->methods).p;
    o->pattern = arena_dup(&b->gen->arena, w->pattern).p;
    o->hosts = w->hosts;
    router_add(b->gen->router, &rule, b->diag);
}

/* ---- [route ...] ---------------------------------------------------------*/

/* "hello, js" of what a plugin declares. */
static const char *
route_names(struct builder *b, const struct plugin *p)
{
    const char *text = "";

    for (uint32_t i = 0; i < p->n_routes && text; i++) {
        uint32_t k = 0;
        while (strcmp(p->routes[k]->name, p->routes[i]->name) != 0)
            k++;
        if (k == i) /* not the second of two ways to one function */
            text = arena_printf(&b->gen->arena, "%s%s%s", text, i ? ", " : "",
                                p->routes[i]->name);
    }
    return text ? text : "";
}

/* handler = users:list */
static int
resolve_declared(struct builder *b, const struct conf_route *r,
                 const struct plugin *p, struct origin *o)
{
    const et_route *declared = plugin_route(p, r->handler_route);

    if (!declared) {
        diag_error(b->diag, &r->handler_at,
                   "%s handler: %.*s declares no route called %.*s; it "
                   "has: %s",
                   r->section, (int)r->handler.n, r->handler.p,
                   (int)r->handler_route.n, r->handler_route.p,
                   route_names(b, p));
        return 0;
    }
    o->fn = declared->fn;
    o->flags = declared->flags;
    o->doc = keep(b, declared->doc);
    return 1;
}

/* handler = users */
static int
resolve_own(struct builder *b, const struct conf_route *r,
            const struct plugin *p, struct origin *o)
{
    if (!p->handler) {
        diag_error(b->diag, &r->handler_at,
                   p->n_routes
                       ? "%s handler: %.*s has no handler of its own; name "
                         "one of its routes, as in %.*s:NAME: %s"
                       : "%s handler: %.*s has no handler; it is middleware "
                         "for use = %.*s%s",
                   r->section, (int)r->handler.n, r->handler.p,
                   (int)r->handler.n, r->handler.p, route_names(b, p));
        return 0;
    }
    o->fn = p->handler->fn;
    o->flags = p->handler->flags;
    return 1;
}

/* Which step serves [route r]; false and a message if there is none. */
static int
resolve_handler(struct builder *b, const struct conf_route *r, struct origin *o)
{
    struct section *s = sections_find(b, r->handler);

    o->handler = s;
    if (s && s->out && !s->plugin) { /* what it would be, nobody knows */
        o->fn = dispatch_answer_closed;
        return 1;
    }
    if (!s || !s->plugin)
        return 0; /* reported when it was loaded */
    return r->handler_route.n ? resolve_declared(b, r, s->plugin, o)
                              : resolve_own(b, r, s->plugin, o);
}

/* The rules of one route, an origin each. */
static void
add_conf_route(struct builder *b, const struct conf_route *r)
{
    for (size_t i = 0; i < r->match.n; i++) {
        const struct conf_match *m = &r->match.v[i];
        const struct where w = {m->methods, m->path, r->host, r->section};
        struct origin *o = new_origin(b);
        if (!o)
            return;
        o->route = r;
        o->name = r->name.p;
        o->at = m->at;
        if (!resolve_handler(b, r, o))
            return; /* once a route is enough */
        add_rule(b, o, &w);
    }
}

static void
add_conf_routes(struct builder *b)
{
    const struct conf_route *r = b->conf->routes;

    for (size_t i = 0; i < b->conf->n_routes; i++) {
        if (i > 0 && str_eq(r[i].name, r[i - 1].name))
            continue; /* repeated: said by conf */
        add_conf_route(b, &r[i]);
    }
}

/* ---- declared routes -----------------------------------------------------*/

/* A walk over the sections, in the order of falling priority. */
struct declared {
    struct builder *builder;
    struct claims claims;
    int has_priorities; /* sections differ in it */
};

/* One host of a declared route (absent: any), as far as no plugin of higher
 * priority has it. */
static void
add_unclaimed(struct declared *d, const struct origin *like,
              const struct where *w, et_str host)
{
    struct builder *b = d->builder;
    struct origin *o = new_origin(b);
    et_str *one = arena_alloc(&b->gen->arena, sizeof *one);
    struct where mine = *w;

    if (!o || !one ||
        claims_add(&d->claims, like->handler->conf->priority, w->methods, host,
                   w->pattern, &mine.methods) < 0) {
        builder_out_of_memory(b);
        return;
    }
    *o = *like;
    *one = host;
    mine.hosts = (et_list){one, host.n > 0};
    if (mine.methods.n > 0)
        add_rule(b, o, &mine);
}

static void
add_declared_rule(struct declared *d, struct origin *o, const struct where *w)
{
    if (!d->has_priorities) {
        add_rule(d->builder, o, w);
        return;
    }
    if (w->hosts.n == 0)
        add_unclaimed(d, o, w, (et_str){NULL, 0});
    for (size_t i = 0; i < w->hosts.n; i++)
        add_unclaimed(d, o, w, w->hosts.v[i]);
}

/* A route that a section's plugin brings along; false without memory. */
static int
add_declared(struct declared *d, struct section *s, const et_route *r)
{
    struct arena *a = &d->builder->gen->arena;
    const struct conf_plugin *c = s->conf;
    struct origin *o = new_origin(d->builder);
    const char *path =
        arena_printf(a, "%.*s%s", (int)c->mount.n, c->mount.p, r->path);
    const char *name = arena_printf(a, "%s %s (%s:%u)", c->section, r->name,
                                    r->it.file ? r->it.file : "?", r->it.line);

    if (!o || !path || !name)
        return 0;
    *o = (struct origin){.handler = s,
                         .name = keep(d->builder, r->name),
                         .doc = keep(d->builder, r->doc),
                         .fn = r->fn,
                         .flags = r->flags,
                         .at = c->at};
    add_declared_rule(d, o,
                      &(struct where){str_from_z(r->method), str_from_z(path),
                                      c->host, name});
    return 1;
}

static void
add_section(struct declared *d, struct section *s)
{
    for (uint32_t i = 0; i < s->plugin->n_routes; i++) {
        if (!add_declared(d, s, s->plugin->routes[i]))
            return;
    }
}

static int64_t
highest_below(const struct builder *b, int64_t limit)
{
    int64_t highest = INT64_MIN;

    for (size_t i = 0; i < b->conf->n_plugins; i++) {
        int64_t p = b->sections[i].conf->priority;
        if (b->sections[i].plugin && p < limit && p > highest)
            highest = p;
    }
    return highest;
}

static void
add_all_declared(struct builder *b)
{
    struct declared d = {.builder = b, .claims.arena = &b->gen->arena};
    int64_t priority = highest_below(b, INT64_MAX);

    d.has_priorities = highest_below(b, priority) != INT64_MIN;
    for (; priority != INT64_MIN; priority = highest_below(b, priority)) {
        for (size_t i = 0; i < b->conf->n_plugins; i++) {
            struct section *s = &b->sections[i];
            if (s->plugin && s->conf->priority == priority)
                add_section(&d, s);
        }
    }
}

/* ---- the host's own, and scopes ------------------------------------------*/

/* A path of [server] that the host answers itself. */
static void
add_own(struct builder *b, const et_str *path, const char *name, et_step fn)
{
    struct where w = {.methods = str_from_z("GET"), .pattern = *path};
    struct origin *o;

    if (path->n == 0)
        return;
    o = new_origin(b);
    if (!o)
        return;
    o->name = name;
    o->fn = fn;
    o->at = conf_place(b->conf, path);
    w.name = arena_printf(&b->gen->arena, "[server] %s:", name);
    add_rule(b, o, &w);
}

static void
add_scopes(struct builder *b)
{
    for (size_t i = 0; i < b->conf->n_scopes; i++) {
        const struct conf_scope *s = &b->conf->scopes[i];
        for (size_t k = 0; k < s->match.n; k++) {
            struct router_scope scope = {
                .pattern = s->match.v[k].path,
                .hosts = s->host,
                .target = (void *)(uintptr_t)s,
                .at = s->match.v[k].at,
                .name = s->section,
            };
            router_add_scope(b->gen->router, &scope, b->diag);
        }
    }
}

void
rules_tell(struct builder *b)
{
    const struct conf_server *c = &b->conf->server;

    add_conf_routes(b);
    add_all_declared(b);
    add_own(b, &c->health, "health", dispatch_answer_health);
    add_own(b, &c->ready, "ready", dispatch_answer_ready);
    add_own(b, &c->metrics, "metrics", exposition_answer);
    add_scopes(b);
}
