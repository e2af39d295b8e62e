/* SPDX-License-Identifier: BSD-2-Clause */
/* sections.c - the sections of plugins, loaded; see sections.h. */
#include "serve/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/conf.h"
#include "http/gen.h"
#include "http/host.h"
#include "http/metering.h"
#include "http/route.h"
#include "plug/image.h"
#include "plug/plugin.h"
#include "serve/builder.h"
#include "serve/module.h"
#include "serve/outage.h"
#include "serve/quarantine.h"

/* Two builds of one plugin in a generation would both answer to its id. */
static void
check_id(struct builder *b, const struct section *s, const struct place *at,
         struct diag *d)
{
    for (const struct section *o = b->sections; o < s; o++) {
        if (o->plugin && o->plugin != s->plugin &&
            strcmp(o->plugin->desc.id, s->plugin->desc.id) == 0) {
            diag_error(d, at,
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

/* A loading: what its parts need of each other. */
struct loading {
    struct builder *b;
    struct section *s;
    struct image_set *images;
    const struct image_rules *rules;
    const struct place *at;
    struct diag found;
};

/* A build that has crashed in a trial is not tried again. */
static int
is_barred(struct loading *l, const struct image *img, int by_loading)
{
    const char *why =
        quarantine_why(l->b->quarantine, img->hash_hex, by_loading);

    if (why)
        diag_error(&l->found, l->at, "plugin %s: %s", l->s->path, why);
    return why != NULL;
}

static void
load_module(struct loading *l)
{
    struct section *s = l->s;
    struct diag *d = &l->found;
    struct image *img;

    if (image_stage(l->images, l->rules, s->path, l->at, d, &img) < 0)
        return;
    if (is_barred(l, img, 1) || image_open(img, l->at, d) < 0 ||
        plugin_new(img, host_get(), l->at, d, &s->plugin) < 0)
        s->plugin = NULL;
    else
        (void)is_barred(l, img, 0);
    image_unref(img);
}

static void
load_section(struct loading *l)
{
    struct builder *b = l->b;
    struct section *s = l->s;

    if (module_is_there(b->conf->bundle, s->conf, s->path, l->at, &l->found))
        load_module(l);
    if (!s->plugin)
        return;
    check_id(b, s, l->at, &l->found);
    metering_declare(b->gen->metering, s->plugin, &b->gen->arena, l->at,
                     &l->found);
}

static int
load(struct builder *b, struct section *s, struct image_set *images,
     const struct image_rules *rules)
{
    const struct conf_plugin *p = s->conf;
    struct loading l = {
        .b = b,
        .s = s,
        .images = images,
        .rules = rules,
        .at = p->module_at.file ? &p->module_at : &p->at,
    };

    s->path = module_path(&b->gen->arena, b->conf->server.modules, p);
    if (!s->path)
        return ERR_NOMEM;
    /* Repeated: said by conf; once is enough to look at. */
    if (is_repeated(b, s) || !outage_apply(b, s))
        return 0;
    diag_init(&l.found);
    load_section(&l);
    (void)outage_bear(b, s, &l.found, s->plugin != NULL);
    return 0;
}

int
sections_load(struct builder *b, struct image_set *images,
              const char *runtime_dir)
{
    const struct conf *c = b->conf;
    const struct image_rules rules = {
        .bundle = c->bundle,
        .staging = (enum conf_staging)c->server.plugin_staging,
        .owner = (enum conf_owner)c->server.module_owner,
        .runtime_dir = runtime_dir,
    };

    b->sections = calloc(c->n_plugins ? c->n_plugins : 1, sizeof *b->sections);
    if (!b->sections)
        return ERR_NOMEM;
    for (size_t i = 0; i < c->n_plugins; i++) {
        b->sections[i].conf = &c->plugins[i];
        if (load(b, &b->sections[i], images, &rules) < 0)
            return ERR_NOMEM;
    }
    return 0;
}

struct section *
sections_find(const struct builder *b, et_str name)
{
    for (size_t i = 0; i < b->conf->n_plugins; i++) {
        if (str_eq(b->sections[i].conf->name, name))
            return &b->sections[i];
    }
    return NULL;
}

static int
list_has(const et_list *list, et_str name)
{
    for (size_t i = 0; i < list->n; i++) {
        if (str_eq(list->v[i], name))
            return 1;
    }
    return 0;
}

int
sections_is_named(const struct builder *b, const struct section *s)
{
    const struct conf *c = b->conf;
    et_str name = s->conf->name;
    int is = (s->plugin && s->plugin->n_routes > 0) ||
             list_has(&c->server.use, name);

    for (size_t i = 0; i < c->n_scopes && !is; i++)
        is = list_has(&c->scopes[i].use, name);
    for (size_t i = 0; i < c->n_plugins && !is; i++)
        is = list_has(&c->plugins[i].use, name);
    for (size_t i = 0; i < c->n_routes && !is; i++)
        is = str_eq(c->routes[i].handler, name) ||
             list_has(&c->routes[i].use, name);
    return is;
}

void
sections_close_route(const struct section *s, struct route *r)
{
    if (r->closed_by)
        return;
    r->closed_by = s->conf->name.p;
    r->closed_why = s->out;
}

void
sections_free(struct builder *b)
{
    for (size_t i = 0; b->sections && i < b->conf->n_plugins; i++) {
        if (b->sections[i].plugin)
            plugin_unref(b->sections[i].plugin);
    }
    free(b->sections);
    b->sections = NULL;
}
