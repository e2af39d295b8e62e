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
#include "plug/image.h"
#include "plug/plugin.h"
#include "serve/builder.h"
#include "serve/module.h"

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
load(struct builder *b, struct section *s, struct image_set *images,
     const struct image_rules *rules)
{
    const struct conf_plugin *p = s->conf;
    const struct place *at = p->module_at.file ? &p->module_at : &p->at;
    const char *path = module_path(&b->gen->arena, b->conf->server.modules, p);

    if (!path)
        return ERR_NOMEM;
    s->path = path;
    if (is_repeated(b, s)) /* said by conf; once is enough to look at */
        return 0;
    if (!module_is_there(b->conf->bundle, p, path, at, b->diag) ||
        plugin_load(images, rules, path, host_get(), at, b->diag, &s->plugin) <
            0) {
        s->plugin = NULL;
    } else {
        check_id(b, s, at);
        metering_declare(b->gen->metering, s->plugin, &b->gen->arena, at,
                         b->diag);
    }
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
sections_free(struct builder *b)
{
    for (size_t i = 0; b->sections && i < b->conf->n_plugins; i++) {
        if (b->sections[i].plugin)
            plugin_unref(b->sections[i].plugin);
    }
    free(b->sections);
    b->sections = NULL;
}
