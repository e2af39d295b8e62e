/* SPDX-License-Identifier: BSD-2-Clause */
/* instances.c - which instances a generation needs; see instances.h. */
#include "serve/instances.h"

#include "base/str.h"
#include "conf/option.h"
#include "http/gen.h"
#include "http/host.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "serve/builder.h"
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

/* The options that layers, its own among them, give to a section. */
static int
fill(struct builder *b, const struct section *s, const struct layers *l,
     struct arena *a, void **options)
{
    const struct option_target target = {.instance = s->conf->name,
                                         .section = l->section,
                                         .at = l->at,
                                         .dir = s->conf->dir};

    return option_fill(a, s->plugin->options, &target, l->v, l->n, b->diag,
                       options);
}

/* ---- one instance --------------------------------------------------------*/

/* A new instance as far as it can be compared; the caller's, or NULL. */
static struct instance *
make(struct builder *b, const struct section *s, const struct layers *l)
{
    struct instance *made = instance_new(s->plugin, s->conf->name.p, l->route,
                                         b->gen->n_workers, host_get());

    if (!made)
        return builder_out_of_memory(b);
    if (fill(b, s, l, &made->arena, &made->options) < 0 ||
        option_key(&made->arena, s->plugin->options, made->options,
                   &made->key) < 0) {
        instance_unref(made);
        return NULL;
    }
    return made;
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

/* Takes made: the generation's from now on, or gone and NULL. */
static struct instance *
keep(struct builder *b, struct instance *made)
{
    struct gen *g = b->gen;
    void *array =
        builder_grow(b, g->instances, g->n_instances, &b->cap_instances);

    if (!array) {
        instance_unref(made);
        return builder_out_of_memory(b);
    }
    g->instances = array;
    g->instances[g->n_instances++] = made;
    return made;
}

struct instance *
instances_for(struct builder *b, struct section *s, const struct layers *l)
{
    struct layers all = *l;
    struct instance *made, *old;

    s->n_used++;
    add_section(&all, s->conf);
    made = make(b, s, &all);
    if (!made)
        return NULL;
    old = find_equal(b->gen, made);
    if (old) {
        instance_unref(made);
        return old;
    }
    made->secrets = option_secrets(&made->arena, s->plugin->options,
                                   s->conf->name, all.v, all.n);
    return keep(b, made);
}

/* ---- all of them ---------------------------------------------------------*/

void
instances_check_unused(struct builder *b)
{
    for (size_t i = 0; i < b->conf->n_plugins; i++) {
        const struct section *s = &b->sections[i];
        struct layers l = {.n = 0};
        void *options;
        if (!s->plugin || s->n_used > 0)
            continue;
        add_section(&l, s->conf);
        (void)!fill(b, s, &l, &b->gen->arena, &options);
    }
}

void
instances_open(struct builder *b)
{
    for (uint32_t i = 0; i < b->gen->n_instances; i++) {
        struct instance *made = b->gen->instances[i];
        const struct conf_plugin *c =
            conf_find_plugin(b->conf, made->conf.instance);
        char why[WHY_MAX] = "";
        if (instance_open(made, why, sizeof why) < 0)
            diag_error(b->diag, c ? &c->at : NULL, "plugin %s: %s", made->name,
                       why);
    }
}
