/* SPDX-License-Identifier: BSD-2-Clause */
/* build.c - from a configuration to a generation; see build.h. */
#include "serve/build.h"

#include <stdlib.h>
#include <string.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/option.h"
#include "http/dispatch.h"
#include "http/exposition.h"
#include "http/gen.h"
#include "http/host.h"
#include "http/metering.h"
#include "http/router.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "proto/addr.h"
#include "serve/claims.h"
#include "serve/module.h"

#define GEN_MAX_BYTES ((size_t)4 << 30)

/* A section and what its module declares; NULL: it could not be loaded. */
struct section {
    const struct conf_plugin *conf;
    struct plugin *plugin;
    uint32_t n_used;
};

/* What a rule of the router stands for. */
struct origin {
    const struct conf_route *route; /* [route ...]; NULL: declared */
    struct section *handler;        /* NULL: the health routes */
    et_step fn;
    uint32_t flags; /* ET_B_* */
    struct place at;
    const char *name, *doc, *methods, *pattern;
};

struct builder {
    struct gen *gen;
    struct conf *conf;
    const struct build_options *options;
    struct diag *diag;
    struct section *sections;
    uint32_t cap_routes, cap_instances;
    struct claims claims;
    struct place use_at[CHAIN_MAX_MEMBERS]; /* of the route being bound */
    int has_priorities;                     /* sections differ in it */
};

/* ---- growing arrays of the generation ------------------------------------*/

/* Room for one more pointer in an array of the generation's arena. */
static void *
grow(struct builder *b, void *array, uint32_t n, uint32_t *cap)
{
    uint32_t more = *cap ? *cap * 2 : 64;
    void **to;

    if (n < *cap)
        return array;
    to = arena_alloc(&b->gen->arena, more * sizeof *to);
    if (!to)
        return NULL;
    if (n)
        memcpy(to, array, n * sizeof *to);
    *cap = more;
    return to;
}

static void *
out_of_memory(struct builder *b)
{
    diag_error(b->diag, NULL, "out of memory");
    return NULL;
}

/* ---- plugins -------------------------------------------------------------*/

/* Two builds of one plugin in a generation would both answer to its id. */
static void
check_id(struct builder *b, const struct section *s, const struct place *at)
{
    for (const struct section *o = b->sections; o < s; o++) {
        if (o->plugin && o->plugin != s->plugin &&
            strcmp(o->plugin->desc.id, s->plugin->desc.id) == 0) {
            diag_error(b->diag, at,
                       "plugin %s: id \"%s\" is already provided by %s. "
                       "Enable one of them.",
                       s->plugin->path, s->plugin->desc.id, o->plugin->path);
            return;
        }
    }
}

/* In a configuration with errors a section may stand twice. */
static int
is_repeated(const struct builder *b, const struct section *s)
{
    for (const struct section *o = b->sections; o < s; o++) {
        if (str_eq(o->conf->name, s->conf->name))
            return 1;
    }
    return 0;
}

static int
load_section(struct builder *b, struct section *s,
             const struct image_rules *rules)
{
    const struct conf_plugin *p = s->conf;
    const struct place *at = p->module_at.file ? &p->module_at : &p->at;
    const char *path = module_path(&b->gen->arena, b->conf->server.modules, p);

    if (!path)
        return ERR_NOMEM;
    if (is_repeated(b, s)) /* said by conf; once is enough to look at */
        return 0;
    if (!module_is_there(p, path, at, b->diag) ||
        plugin_load(b->options->images, rules, path, host_get(), at, b->diag,
                    &s->plugin) < 0) {
        s->plugin = NULL;
    } else {
        check_id(b, s, at);
        metering_declare(b->options->metering, s->plugin, &b->gen->arena, at,
                         b->diag);
    }
    return 0;
}

static int
load_sections(struct builder *b)
{
    const struct conf *c = b->conf;
    const struct image_rules rules = {
        .staging = (enum conf_staging)c->server.plugin_staging,
        .owner = (enum conf_owner)c->server.module_owner,
        .runtime_dir = b->options->runtime_dir,
    };

    b->sections = calloc(c->n_plugins ? c->n_plugins : 1, sizeof *b->sections);
    if (!b->sections)
        return ERR_NOMEM;
    for (size_t i = 0; i < c->n_plugins; i++) {
        b->sections[i].conf = &c->plugins[i];
        if (load_section(b, &b->sections[i], &rules) < 0)
            return ERR_NOMEM;
    }
    return 0;
}

static struct section *
find_section(struct builder *b, et_str name)
{
    for (size_t i = 0; i < b->conf->n_plugins; i++) {
        if (str_eq(b->sections[i].conf->name, name))
            return &b->sections[i];
    }
    return NULL; /* conf has checked it: not reached with a good conf */
}

/* ---- instances -----------------------------------------------------------*/

#define MAX_LAYERS 66 /* a route, its scopes, the section */

struct layers {
    struct conf_entries v[MAX_LAYERS]; /* most specific first */
    size_t n;
    const char *route; /* name for instances with values of their own */
    const char *section;
    struct place at;
};

static struct instance *
find_equal(struct builder *b, const struct instance *made)
{
    for (uint32_t i = 0; i < b->gen->n_instances; i++) {
        struct instance *old = b->gen->instances[i];
        if (old->plugin == made->plugin &&
            str_eq(old->conf.instance, made->conf.instance) &&
            str_eq(old->key, made->key))
            return old;
    }
    return NULL;
}

/* The instance of a section under these layers, made if there is none equal
 * yet; the generation holds it. */
static struct instance *
instance_for(struct builder *b, struct section *s, const struct layers *l)
{
    struct layers all = *l;
    struct option_target target = {.instance = s->conf->name,
                                   .section = s->conf->section,
                                   .at = s->conf->at,
                                   .dir = s->conf->dir};
    int is_own = option_any(s->conf->name, all.v, all.n);
    struct instance *made, *old;
    void *array;

    s->n_used++;
    all.v[all.n++] = s->conf->options;
    if (is_own) {
        target.section = l->section;
        target.at = l->at;
    }
    made = instance_new(s->plugin, s->conf->name.p, is_own ? l->route : NULL,
                        b->options->n_workers, host_get());
    if (!made)
        return out_of_memory(b);
    if (option_fill(&made->arena, s->plugin->options, &target, all.v, all.n,
                    b->diag, &made->options) < 0 ||
        option_key(&made->arena, s->plugin->options, made->options,
                   &made->key) < 0) {
        instance_unref(made);
        return NULL;
    }
    old = find_equal(b, made);
    if (old) {
        instance_unref(made);
        return old;
    }
    made->secrets = option_secrets(&made->arena, s->plugin->options,
                                   s->conf->name, all.v, all.n);
    array = grow(b, b->gen->instances, b->gen->n_instances, &b->cap_instances);
    if (!array) {
        instance_unref(made);
        return out_of_memory(b);
    }
    b->gen->instances = array;
    b->gen->instances[b->gen->n_instances++] = made;
    return made;
}

/* ---- routes --------------------------------------------------------------*/

static int
is_middleware(const struct plugin *p)
{
    return p->request || p->response || p->log;
}

/* Append the instances of one `use` list to a route. */
static int
add_use(struct builder *b, struct route *route, const et_list *use,
        const struct place *at, const char *section, const struct layers *l)
{
    for (size_t i = 0; i < use->n; i++) {
        struct section *s = find_section(b, use->v[i]);
        struct instance *made;
        if (!s || !s->plugin)
            return -1; /* reported when it was loaded */
        if (!is_middleware(s->plugin)) {
            diag_error(b->diag, at,
                       "%s use: %.*s has no request, response or log step, so "
                       "it cannot stand in front of a handler",
                       section, (int)use->v[i].n, use->v[i].p);
            return -1;
        }
        if (route->n_use + 2 > CHAIN_MAX_MEMBERS) {
            diag_error(b->diag, at, "%s use: more than %d steps in one chain",
                       section, CHAIN_MAX_MEMBERS - 1);
            return -1;
        }
        made = instance_for(b, s, l);
        if (!made)
            return -1;
        for (uint32_t k = 0; k < route->n_use; k++) {
            if (route->use[k] == made) {
                diag_error(b->diag, at,
                           "%s use: %.*s stands twice in one chain", section,
                           (int)use->v[i].n, use->v[i].p);
                return -1;
            }
        }
        b->use_at[route->n_use] = *at;
        route->use[route->n_use++] = made;
    }
    return 0;
}

/* Must a stand before b?  Plugins say so by id; the ini's order is the truth
 * and this only checks it. */
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
check_pair(struct builder *b, const struct place *at,
           const struct plugin *first, const struct plugin *second)
{
    const char *a = first->desc.id, *z = second->desc.id;

    for (uint32_t i = 0; i < first->n_orders; i++) {
        if (names_id(first->orders[i]->after, z))
            diag_error(b->diag, at,
                       "%s must come after %s, but stands before it", a, z);
    }
    for (uint32_t i = 0; i < second->n_orders; i++) {
        if (names_id(second->orders[i]->before, a))
            diag_error(b->diag, at,
                       "%s must come before %s, but stands after it", z, a);
    }
}

static void
check_order(struct builder *b, const struct route *route)
{
    for (uint32_t i = 0; i < route->n_use; i++) {
        for (uint32_t k = i + 1; k < route->n_use; k++)
            check_pair(b, &b->use_at[k], route->use[i]->plugin,
                       route->use[k]->plugin);
    }
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
            out_of_memory(b);
            return;
        }
        if (metering_hold(b->options->metering, member, r->name, &b->gen->arena,
                          &r->meters[i]) == ERR_NOMEM)
            out_of_memory(b);
    }
}

static struct route *
new_route(struct builder *b)
{
    struct gen *g = b->gen;
    struct route *r = arena_zalloc(&g->arena, sizeof *r);
    void *array = r ? grow(b, g->routes, g->n_routes, &b->cap_routes) : NULL;

    if (!array)
        return out_of_memory(b);
    g->routes = array;
    r->use = arena_alloc(&g->arena, CHAIN_MAX_MEMBERS * sizeof *r->use);
    if (!r->use)
        return out_of_memory(b);
    r->max_body = r->body_timeout_ms = r->write_timeout_ms = -1;
    r->slash_redirect = b->conf->server.slash == CONF_SLASH_REDIRECT;
    r->index = g->n_routes;
    g->routes[g->n_routes++] = r;
    return r;
}

/* The layers of options for an origin below some scopes (outermost first). */
static void
set_layers(struct layers *l, const struct origin *o, void *const *scopes,
           uint32_t n_scopes)
{
    l->n = 0;
    l->route = o ? o->name : NULL;
    l->section = NULL;
    if (o && o->route) {
        l->v[l->n++] = o->route->options;
        l->section = o->route->section;
        l->at = o->route->at;
    }
    for (uint32_t i = n_scopes; i > 0 && l->n + 1 < MAX_LAYERS; i--) {
        const struct conf_scope *s = scopes[i - 1];
        l->v[l->n++] = s->options;
        if (!l->section) {
            l->section = s->section;
            l->at = s->at;
        }
        if (!l->route)
            l->route = s->name.p;
    }
}

static void
set_limits(struct route *r, const struct conf_route *c)
{
    r->max_body = c->max_body == CONF_INHERIT ? -1 : c->max_body;
    r->body_timeout_ms = c->body_timeout == CONF_INHERIT ? -1 : c->body_timeout;
    r->write_timeout_ms =
        c->write_timeout == CONF_INHERIT ? -1 : c->write_timeout;
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
    r->handle = o->fn;
    r->body = (uint8_t)(o->flags & ET_B_BUFFER);
    if (o->route)
        set_limits(r, o->route);
    r->handler = instance_for(b, o->handler, l);
    return r->handler ? 0 : -1;
}

/* router_build's callback: the route of one rule (or of no rule) below one
 * list of scopes. */
static void *
bind_route(void *arg, void *target, void *const *scopes, uint32_t n_scopes)
{
    struct builder *b = arg;
    const struct origin *o = target;
    struct route *r = new_route(b);
    struct layers l;
    int rc = 0;

    if (!r)
        return NULL;
    set_layers(&l, o, scopes, n_scopes);
    r->name = "";
    r->kind = ROUTE_MISS;
    r->handle = dispatch_answer_miss;
    if (o && !o->handler) { /* health ...: in front of every chain */
        r->kind = ROUTE_SERVE;
        r->name = o->name;
        r->handle = o->fn;
        return r;
    }
    {
        struct place at = conf_place(b->conf, &b->conf->server.use);
        rc |= add_use(b, r, &b->conf->server.use, &at, "[server]", &l);
    }
    for (uint32_t i = 0; i < n_scopes; i++) {
        const struct conf_scope *s = scopes[i];
        rc |= add_use(b, r, &s->use, &s->use_at, s->section, &l);
    }
    if (o && !o->route)
        rc |= add_use(b, r, &o->handler->conf->use, &o->handler->conf->use_at,
                      o->handler->conf->section, &l);
    if (o && o->route)
        rc |= add_use(b, r, &o->route->use, &o->route->use_at,
                      o->route->section, &l);
    if (o)
        rc |= set_handler(b, r, o, &l);
    if (rc == 0) {
        check_order(b, r);
        add_meters(b, r);
    }
    return r; /* faults are in the diag: go on to find the others too */
}

/* ---- rules ---------------------------------------------------------------*/

static void
add_rule(struct builder *b, struct origin *o, et_str methods, et_str pattern,
         et_list hosts, const char *name)
{
    struct router_rule rule = {
        .methods = methods,
        .pattern = pattern,
        .hosts = hosts,
        .target = o,
        .at = o->at,
        .name = name,
    };

    o->methods = arena_dup(&b->gen->arena, methods).p;
    o->pattern = arena_dup(&b->gen->arena, pattern).p;
    router_add(b->gen->router, &rule, b->diag);
}

static struct origin *
new_origin(struct builder *b)
{
    struct origin *o = arena_zalloc(&b->gen->arena, sizeof *o);

    return o ? o : out_of_memory(b);
}

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

/* Which step serves [route r]; false and a message if there is none. */
static int
resolve_handler(struct builder *b, const struct conf_route *r, struct origin *o)
{
    struct section *s = find_section(b, r->handler);
    const struct plugin *p = s ? s->plugin : NULL;
    const et_route *declared;

    o->handler = s;
    if (!p)
        return 0; /* reported when it was loaded */
    if (r->handler_route.n) {
        declared = plugin_route(p, r->handler_route);
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
        o->doc = declared->doc;
        return 1;
    }
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

static void
add_conf_routes(struct builder *b)
{
    for (size_t i = 0; i < b->conf->n_routes; i++) {
        const struct conf_route *r = &b->conf->routes[i];
        if (i > 0 && str_eq(r->name, b->conf->routes[i - 1].name))
            continue; /* repeated: said by conf */
        for (size_t k = 0; k < r->match.n; k++) {
            const struct conf_match *m = &r->match.v[k];
            struct origin *o = new_origin(b);
            if (!o)
                return;
            o->route = r;
            o->name = r->name.p;
            o->at = m->at;
            if (resolve_handler(b, r, o))
                add_rule(b, o, m->methods, m->path, r->host, r->section);
            else
                break; /* once a route is enough */
        }
    }
}

/* One host of a declared route (absent: any), as far as no plugin of higher
 * priority has it. */
static void
add_unclaimed(struct builder *b, const struct origin *like, et_str methods,
              et_str pattern, et_str host, const char *name)
{
    struct origin *o = new_origin(b);
    et_str *one = arena_alloc(&b->gen->arena, sizeof *one);
    et_str left;

    if (!o || !one ||
        claims_add(&b->claims, like->handler->conf->priority, methods, host,
                   pattern, &left) < 0) {
        out_of_memory(b);
        return;
    }
    *o = *like;
    *one = host;
    if (left.n > 0)
        add_rule(b, o, left, pattern, (et_list){one, host.n > 0}, name);
}

static void
add_declared_rule(struct builder *b, struct origin *o, et_str methods,
                  et_str pattern, const char *name)
{
    const et_list *hosts = &o->handler->conf->host;

    if (!b->has_priorities) {
        add_rule(b, o, methods, pattern, *hosts, name);
        return;
    }
    if (hosts->n == 0)
        add_unclaimed(b, o, methods, pattern, (et_str){NULL, 0}, name);
    for (size_t i = 0; i < hosts->n; i++)
        add_unclaimed(b, o, methods, pattern, hosts->v[i], name);
}

/* Routes that a section's plugin brings along. */
static void
add_declared(struct builder *b, struct section *s)
{
    const struct conf_plugin *c = s->conf;

    for (uint32_t i = 0; i < s->plugin->n_routes; i++) {
        const et_route *r = s->plugin->routes[i];
        struct origin *o = new_origin(b);
        const char *path = arena_printf(&b->gen->arena, "%.*s%s",
                                        (int)c->mount.n, c->mount.p, r->path);
        const char *name =
            arena_printf(&b->gen->arena, "%s %s (%s:%u)", c->section, r->name,
                         r->it.file ? r->it.file : "?", r->it.line);
        if (!o || !path || !name)
            return;
        o->handler = s;
        o->name = r->name;
        o->doc = r->doc;
        o->fn = r->fn;
        o->flags = r->flags;
        o->at = c->at;
        add_declared_rule(b, o, str_from_z(r->method), str_from_z(path), name);
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

/* All of them, in the order of falling priority. */
static void
add_all_declared(struct builder *b)
{
    int64_t priority = highest_below(b, INT64_MAX);

    b->has_priorities = highest_below(b, priority) != INT64_MIN;
    for (; priority != INT64_MIN; priority = highest_below(b, priority)) {
        for (size_t i = 0; i < b->conf->n_plugins; i++) {
            struct section *s = &b->sections[i];
            if (s->plugin && s->conf->priority == priority)
                add_declared(b, s);
        }
    }
}

/* A path of [server] that the host answers itself. */
static void
add_own(struct builder *b, const et_str *path, const char *name, et_step fn)
{
    struct origin *o;

    if (path->n == 0)
        return;
    o = new_origin(b);
    if (!o)
        return;
    o->name = name;
    o->fn = fn;
    o->at = conf_place(b->conf, path);
    add_rule(b, o, str_from_z("GET"), *path, (et_list){NULL, 0},
             arena_printf(&b->gen->arena, "[server] %s:", name));
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

static int
build_routes(struct builder *b)
{
    b->gen->router = router_new(&b->gen->arena);
    if (!b->gen->router)
        return ERR_NOMEM;
    add_conf_routes(b);
    add_all_declared(b);
    add_own(b, &b->conf->server.health, "health", dispatch_answer_health);
    add_own(b, &b->conf->server.ready, "ready", dispatch_answer_ready);
    add_own(b, &b->conf->server.metrics, "metrics", exposition_answer);
    add_scopes(b);
    return router_build(b->gen->router, bind_route, b, b->diag);
}

/* ---- the rest ------------------------------------------------------------*/

/* A section nobody uses is checked all the same. */
static void
check_unused(struct builder *b)
{
    for (size_t i = 0; i < b->conf->n_plugins; i++) {
        struct section *s = &b->sections[i];
        struct option_target t = {.instance = s->conf->name,
                                  .section = s->conf->section,
                                  .at = s->conf->at,
                                  .dir = s->conf->dir};
        void *options;
        if (s->plugin && s->n_used == 0)
            (void)!option_fill(&b->gen->arena, s->plugin->options, &t,
                               &s->conf->options, 1, b->diag, &options);
    }
}

static void
open_instances(struct builder *b)
{
    for (uint32_t i = 0; i < b->gen->n_instances; i++) {
        struct instance *made = b->gen->instances[i];
        const struct conf_plugin *c =
            conf_find_plugin(b->conf, made->conf.instance);
        char why[512] = "";
        if (instance_open(made, why, sizeof why) < 0)
            diag_error(b->diag, c ? &c->at : NULL, "plugin %s: %s", made->name,
                       why);
    }
}

static int
set_trust(struct builder *b)
{
    const struct conf_server *c = &b->conf->server;
    struct addr_cidr *v =
        arena_alloc(&b->gen->arena, (c->trusted_proxies.n + 1) * sizeof *v);
    struct place at = conf_place(b->conf, &c->trusted_proxies);

    if (!v)
        return ERR_NOMEM;
    for (size_t i = 0; i < c->trusted_proxies.n; i++) {
        et_str s = c->trusted_proxies.v[i];
        if (addr_cidr_parse(s, &v[i]) < 0)
            diag_error(b->diag, &at,
                       "[server] trusted_proxies: expected an address or CIDR "
                       "block (10.0.0.0/8), found \"%.*s\"",
                       (int)s.n, s.p);
    }
    b->gen->trust = (struct addr_trust){
        .v = v,
        .n = c->trusted_proxies.n,
        .source = (uint8_t)c->client_address,
    };
    return 0;
}

/* Refused, not served in the clear: TLS is not built into this server. */
static void
check_listens(const struct conf *conf, struct diag *d)
{
    for (size_t i = 0; i < conf->n_listens; i++) {
        const struct conf_listen *l = &conf->listens[i];
        if (l->tls_certificate.n)
            diag_error(d, &l->at,
                       "[listen %.*s] tls.certificate: this server is built "
                       "without TLS",
                       (int)l->name.n, l->name.p);
    }
}

static struct gen *
new_gen(struct conf *conf, const struct build_options *o)
{
    struct gen *g = calloc(1, sizeof *g);

    if (!g)
        return NULL;
    g->id = o->id;
    g->conf = conf;
    g->n_workers = o->n_workers;
    g->metering = o->metering;
    atomic_init(&g->workers_left, o->n_workers);
    arena_init(&g->arena, NULL, 0, NULL, GEN_MAX_BYTES);
    g->workers = calloc(o->n_workers, sizeof *g->workers);
    if (g->workers)
        return g;
    free(g);
    return NULL;
}

/* One fault of a section shows in every route that uses it: say it once. */
static void
report(const struct diag *found, struct diag *d)
{
    for (const struct diag_item *i = found->first; i; i = i->next) {
        const struct diag_item *said = d->first;
        while (said && strcmp(said->text, i->text) != 0)
            said = said->next;
        if (!said && i->is_warning)
            diag_warn(d, NULL, "%s", i->text);
        else if (!said)
            diag_error(d, NULL, "%s", i->text);
    }
}

/* Everything short of opening the instances. */
static void
build(struct builder *b)
{
    b->claims.arena = &b->gen->arena;
    check_listens(b->conf, b->diag);
    if (load_sections(b) < 0 || set_trust(b) < 0 ||
        build_routes(b) == ERR_NOMEM)
        out_of_memory(b);
    if (b->diag->n_errors == 0)
        check_unused(b);
}

static void
release_sections(struct builder *b)
{
    for (size_t i = 0; b->sections && i < b->conf->n_plugins; i++) {
        if (b->sections[i].plugin)
            plugin_unref(b->sections[i].plugin);
    }
    free(b->sections);
}

/* One of the two below: a generation without errors if opens, else NULL. */
static struct gen *
build_or_check(struct conf *conf, const struct build_options *o, struct diag *d,
               int opens)
{
    struct diag found;
    struct builder b = {.conf = conf, .options = o, .diag = &found};
    uint32_t n_errors;

    diag_init(&found);
    b.gen = new_gen(conf, o);
    if (!b.gen) {
        b.diag = d;
        return out_of_memory(&b);
    }
    build(&b);
    if (opens && found.n_errors == 0)
        open_instances(&b);
    release_sections(&b);
    n_errors = found.n_errors;
    report(&found, d);
    diag_fini(&found);
    if (opens && n_errors == 0)
        return b.gen;
    gen_free(b.gen);
    return NULL;
}

struct gen *
build_gen(struct conf *conf, const struct build_options *o, struct diag *d)
{
    return build_or_check(conf, o, d, 1);
}

void
build_check(struct conf *conf, const struct build_options *o, struct diag *d)
{
    (void)!build_or_check(conf, o, d, 0);
}

void
build_free(struct gen *g)
{
    struct conf *conf = (struct conf *)(uintptr_t)g->conf;

    gen_free(g);
    conf_free(conf);
}
