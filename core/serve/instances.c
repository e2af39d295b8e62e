/* SPDX-License-Identifier: BSD-2-Clause */
/* instances.c - which instances a generation needs; see instances.h. */
#include "serve/instances.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/option.h"
#include "http/gen.h"
#include "http/host.h"
#include "http/route.h"
#include "plug/guard.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/manners.h"
#include "plug/plugin.h"
#include "serve/builder.h"
#include "serve/outage.h"
#include "serve/sections.h"

#define WHY_MAX 512

/* ---- layers --------------------------------------------------------------*/

void
instances_layers(struct layers *l, const struct conf_route *route,
                 const char *name, void *const *scopes, uint32_t n_scopes)
{
    *l = (struct layers){.route = name};
    if (route) {
        l->v[l->n++] = route->options;
        l->section = route->section;
        l->at = route->at;
    }
    for (uint32_t i = n_scopes; i > 0 && l->n + 1 < LAYERS_MAX; i--) {
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

/* The section below all of them.  If none of them says anything to it, what
 * comes of them is the section's own, and named so. */
static void
add_section(struct layers *l, const struct conf_plugin *c)
{
    if (!option_any(c->name, l->v, l->n)) {
        l->route = NULL;
        l->section = c->section;
        l->at = c->at;
    }
    l->v[l->n++] = c->options;
}

/* One fill: what its parts need of each other. */
struct filling {
    struct builder *b;
    const struct section *s;
    const struct layers *l;
    struct arena *a;
    void **options;
    int rc;
};

static int
run_fill(void *arg)
{
    struct filling *f = arg;
    const struct option_target target = {.instance = f->s->conf->name,
                                         .section = f->l->section,
                                         .at = f->l->at,
                                         .dir = f->s->conf->dir};

    f->rc = option_fill(f->a, f->s->plugin->options, &target, f->l->v, f->l->n,
                        f->b->diag, f->options);
    return 0;
}

/* The options that layers, its own among them, give to a section.  The
 * plugin's check of them runs at its end. */
static int
fill(struct builder *b, const struct section *s, const struct layers *l,
     struct arena *a, void **options)
{
    const struct guard_who who = {.call = GUARD_CHECK,
                                  .image = s->plugin->image,
                                  .name = s->conf->name.p};
    struct filling f = {b, s, l, a, options, 0};

    if (manners_run(&who, run_fill, &f) != LEAP_LEFT)
        return f.rc;
    atomic_store(&s->plugin->image->has_crashed, 1);
    diag_error(b->diag, &l->at, "%s: %s", l->section, guard_why());
    return ERR_INVALID;
}

/* ---- one instance --------------------------------------------------------*/

/* A new instance as far as it can be compared; the caller's, or NULL. */
static struct instance *
make(struct builder *b, const struct section *s, const struct layers *l)
{
    struct instance *made = instance_new(s->plugin, s->conf->name.p, l->route,
                                         b->gen->n_workers, host_get());

    int rc;

    if (!made)
        return builder_out_of_memory(b);
    rc = fill(b, s, l, &made->arena, &made->options);
    if (rc == 0) {
        rc = option_key(&made->arena, s->plugin->options, made->options,
                        &made->key);
        if (rc == ERR_LIMIT)
            diag_error(b->diag, &l->at,
                       "%s: a folder that one of its options names has more "
                       "than %u entries or 64 levels: it cannot be watched for "
                       "changes",
                       l->section, OPTION_MAX_TREE);
    }
    if (rc == 0)
        return made;
    if (rc == ERR_NOMEM)
        builder_out_of_memory(b);
    instance_unref(made);
    return NULL;
}

static struct instance *
find_equal(const struct gen *g, const struct instance *made)
{
    for (uint32_t i = 0; i < g->n_instances; i++) {
        struct instance *old = g->instances[i];
        if (old->plugin == made->plugin &&
            str_eq(old->conf.instance, made->conf.instance) &&
            str_eq(old->key, made->key))
            return old;
    }
    return NULL;
}

/* What an instance's options came from, for what its open has to say of them.
 * In the generation's memory. */
struct origin {
    size_t n;
    struct conf_entries layers[];
};

static struct origin *
make_origin(struct builder *b, const struct layers *l)
{
    struct origin *o =
        arena_alloc(&b->gen->arena, sizeof *o + l->n * sizeof o->layers[0]);

    if (!o)
        return NULL;
    o->n = l->n;
    memcpy(o->layers, l->v, l->n * sizeof o->layers[0]);
    return o;
}

/* Takes made: the generation's from now on, or gone and NULL. */
static struct instance *
keep(struct builder *b, struct instance *made, const struct layers *l)
{
    struct gen *g = b->gen;
    void *array =
        builder_grow(b, g->instances, g->n_instances, &b->cap_instances);
    void *origins =
        builder_grow(b, b->origins, g->n_instances, &b->cap_origins);
    struct origin *origin = made->is_open ? NULL : make_origin(b, l);

    if (!array || !origins || (!made->is_open && !origin)) {
        instance_unref(made);
        return builder_out_of_memory(b);
    }
    g->instances = array;
    b->origins = origins;
    b->origins[g->n_instances] = origin;
    g->instances[g->n_instances++] = made;
    return made;
}

/* The instance to take over instead of made, or NULL. */
static struct instance *
find_before(const struct builder *b, const struct instance *made)
{
    if (!b->before || (made->plugin->desc.flags & ET_P_ALWAYS_NEW))
        return NULL;
    return find_equal(b->before, made);
}

/* state = required of a plugin that could never keep to it. */
static void
check_required(struct builder *b, const struct section *s)
{
    const et_statedef *def = s->plugin->state;

    if (s->conf->state == CONF_STATE_REQUIRED &&
        (!def || !def->save || !def->load))
        diag_error(b->diag, &s->conf->at,
                   "plugin %s: state = required: it hands no state over",
                   s->conf->name.p);
}

static struct instance *
find_or_make(struct builder *b, struct section *s, const struct layers *l)
{
    struct layers all = *l;
    struct instance *made, *old;

    if (s->n_used++ == 0)
        check_required(b, s);
    add_section(&all, s->conf);
    made = make(b, s, &all);
    if (!made)
        return NULL;
    old = find_equal(b->gen, made);
    if (old) {
        instance_unref(made);
        return old;
    }
    old = find_before(b, made);
    if (old) {
        instance_unref(made);
        b->gen->n_kept++;
        return keep(b, instance_ref(old), &all);
    }
    made->requires_state = s->conf->state == CONF_STATE_REQUIRED;
    made->secrets = option_secrets(&made->arena, s->plugin->options,
                                   s->conf->name, all.v, all.n);
    return keep(b, made, &all);
}

/* Begin a part of the building in which only s can be at fault. */
static struct diag *
begin_trial(struct builder *b, struct diag *found)
{
    struct diag *d = b->diag;

    diag_init(found);
    b->diag = found;
    return d;
}

/* Its end: what is wrong is an error, or s is out. */
static void
end_trial(struct builder *b, struct section *s, struct diag *found,
          struct diag *d)
{
    b->diag = d;
    b->begins_again |= outage_bear(b, s, found, 1);
}

struct instance *
instances_for(struct builder *b, struct section *s, const struct layers *l)
{
    struct diag found, *d = begin_trial(b, &found);
    struct instance *made = find_or_make(b, s, l);

    end_trial(b, s, &found, d);
    return made;
}

/* ---- what hands its state over to whom -----------------------------------*/

static int
is_of_section(const struct instance *a, const struct instance *b)
{
    return str_eq(a->conf.instance, b->conf.instance);
}

/* The route like's name has in g, or else the one that serves the same. */
static const struct route *
find_route(const struct gen *g, const struct route *like)
{
    const struct route *same = NULL;

    for (uint32_t i = 0; i < g->n_routes; i++) {
        const struct route *r = g->routes[i];
        if (r->kind != ROUTE_SERVE)
            continue;
        if (strcmp(r->name, like->name) == 0)
            return r;
        if (strcmp(r->pattern, like->pattern) == 0 &&
            strcmp(r->methods, like->methods) == 0)
            same = r;
    }
    return same;
}

/* The instance of made's section in the chain of r, or NULL. */
static struct instance *
member_of(const struct route *r, const struct instance *made)
{
    for (uint32_t i = 0; i < r->n_use; i++) {
        if (is_of_section(r->use[i], made))
            return r->use[i];
    }
    return r->handler && is_of_section(r->handler, made) ? r->handler : NULL;
}

/* What stood, in a route of before, where made stands in that route of next. */
static struct instance *
find_by_route(const struct gen *before, const struct gen *next,
              const struct instance *made)
{
    for (uint32_t i = 0; i < next->n_routes; i++) {
        const struct route *now = next->routes[i], *then;
        struct instance *old;
        if (now->kind != ROUTE_SERVE || member_of(now, made) != made)
            continue;
        then = find_route(before, now);
        old = then ? member_of(then, made) : NULL;
        if (old)
            return old;
    }
    return NULL;
}

/* One of made's section by its name ("limit", "limit@users"; NULL: any). */
static struct instance *
find_named(const struct gen *before, const struct instance *made,
           const char *name)
{
    for (uint32_t i = 0; i < before->n_instances; i++) {
        struct instance *old = before->instances[i];
        if (is_of_section(old, made) && (!name || !strcmp(old->name, name)))
            return old;
    }
    return NULL;
}

/* The one of the generation before in whose place made is: it has its name,
 * stood in the same route, has no route's values, or is of the section. */
static struct instance *
predecessor_of(const struct gen *before, const struct gen *next,
               const struct instance *made)
{
    struct instance *old = find_named(before, made, made->name);

    if (!old)
        old = find_by_route(before, next, made);
    if (!old)
        old = find_named(before, made, made->conf.instance.p);
    return old ? old : find_named(before, made, NULL);
}

/* made, which is new, in the place of old: the one whose state it is given. */
static struct instance *
check_heir(struct builder *b, const struct instance *made, struct instance *old)
{
    const char *why = instance_is_no_heir(made, old);
    const struct conf_plugin *c =
        conf_find_plugin(b->conf, made->conf.instance);

    if (why && made->requires_state)
        diag_error(b->diag, c ? &c->at : NULL,
                   "plugin %s: state = required: %s", made->name, why);
    return why ? NULL : old;
}

static void
find_predecessors(struct builder *b)
{
    struct gen *g = b->gen;

    g->predecessors =
        arena_zalloc(&g->arena, g->n_instances * sizeof *g->predecessors);
    if (!g->predecessors) {
        builder_out_of_memory(b);
        return;
    }
    for (uint32_t i = 0; i < g->n_instances; i++) {
        const struct instance *made = g->instances[i];
        struct instance *old = NULL;
        if (!made->is_open && made->plugin->state)
            old = predecessor_of(b->before, g, made);
        if (old && old->plugin->state)
            g->predecessors[i] = check_heir(b, made, old);
    }
}

/* ---- all of them ---------------------------------------------------------*/

/* What there is to judge without running more of it than its check. */
static void
check_unused(struct builder *b, const struct section *s)
{
    struct layers l = {.n = 0};
    void *options;

    check_required(b, s);
    add_section(&l, s->conf);
    (void)!fill(b, s, &l, &b->gen->arena, &options);
}

void
instances_check_unused(struct builder *b)
{
    int knows_all = b->is_sound && b->diag->n_errors == 0;

    for (size_t i = 0; i < b->conf->n_plugins; i++) {
        struct section *s = &b->sections[i];
        struct diag found, *d;
        int is_named;
        if (!s->plugin || s->out || s->n_used > 0)
            continue;
        is_named = sections_is_named(b, s);
        if (!knows_all && is_named)
            continue;
        d = begin_trial(b, &found);
        check_unused(b, s);
        if (knows_all && !is_named && found.n_errors == 0)
            diag_warn(b->diag, &s->conf->at,
                      "%s: no route uses it: its options are checked, but it "
                      "is not opened",
                      s->conf->section);
        end_trial(b, s, &found, d);
    }
}

/* Its open has refused, as why says. */
static void
report(struct builder *b, const struct instance *made,
       const struct origin *from, const char *why)
{
    const struct conf_plugin *c =
        conf_find_plugin(b->conf, made->conf.instance);

    if (option_blame(made->plugin->options, made->conf.instance, from->layers,
                     from->n, why, b->diag))
        return;
    diag_error(b->diag, c ? &c->at : NULL, "plugin %s: %s", made->name, why);
}

static void
open_one(struct builder *b, struct instance *made, const struct origin *from)
{
    struct section *s = sections_find(b, made->conf.instance);
    char why[WHY_MAX] = "";
    struct diag found, *d;

    CHECK(s != NULL);
    d = begin_trial(b, &found);
    if (instance_open(made, why, sizeof why) < 0)
        report(b, made, from, why);
    end_trial(b, s, &found, d);
}

void
instances_open(struct builder *b)
{
    if (b->before)
        find_predecessors(b);
    for (uint32_t i = 0; i < b->gen->n_instances; i++) {
        open_one(b, b->gen->instances[i], b->origins[i]);
    }
}
