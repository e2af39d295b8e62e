/* SPDX-License-Identifier: BSD-2-Clause */
/* live.c - see live.h. */
#include "serve/live.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "conf/conf.h"
#include "http/gen.h"
#include "plug/instance.h"
#include "plug/libraries.h"
#include "plug/plugin.h"
#include "serve/describe.h"
#include "serve/explain.h"
#include "serve/inventory.h"
#include "serve/process.h"
#include "serve/sections.h"

#define SCRATCH_BYTES (64u << 20)

static void
begin_json(FILE *out, const struct server *s, const char *name)
{
    fprintf(out, "\"generation\":%llu,\"%s\":", (unsigned long long)s->gen->id,
            name);
}

void
live_routes(FILE *out, struct server *s, int as_json)
{
    struct arena a;

    arena_init(&a, NULL, 0, NULL, SCRATCH_BYTES);
    if (as_json)
        begin_json(out, s, "routes");
    describe_routes(out, s->gen, &a, as_json);
    arena_reset(&a);
}

int
live_path(FILE *out, struct server *s, const char *method, const char *url,
          int as_json)
{
    if (as_json)
        begin_json(out, s, "explained");
    return explain_path(out, s->gen, method, url, as_json);
}

/* What the running generation made of a section; NULL: nothing. */
static struct plugin *
plugin_of(const struct gen *g, const struct conf_plugin *p)
{
    for (uint32_t i = 0; i < g->n_instances; i++) {
        if (str_eq(g->instances[i]->conf.instance, p->name))
            return g->instances[i]->plugin;
    }
    return NULL;
}

struct replaced {
    FILE *out;
    int as_json;
    uint32_t n;
};

static void
on_replaced(void *arg, const char *path)
{
    struct replaced *r = arg;

    if (r->as_json) {
        fputs(r->n++ ? "," : "", r->out);
        json_string(r->out, str_from_z(path));
    } else {
        fprintf(r->out,
                "warning: %s: another build is on the disk; a restart takes "
                "it up\n",
                path);
    }
}

static void
print_replaced(FILE *out, int as_json)
{
    struct replaced r = {out, as_json, 0};

    fputs(as_json ? ",\"libraries_replaced\":[" : "", out);
    libraries_check(on_replaced, &r);
    fputs(as_json ? "]" : "", out);
}

void
live_plugins(FILE *out, struct server *s, int as_json)
{
    const struct conf *conf = s->gen->conf;
    struct section *v = calloc(conf->n_plugins + 1u, sizeof *v);
    size_t n = 0;

    for (size_t i = 0; v && i < conf->n_plugins; i++) {
        struct plugin *p = plugin_of(s->gen, &conf->plugins[i]);
        if (p)
            v[n++] = (struct section){
                .conf = &conf->plugins[i], .path = p->path, .plugin = p};
    }
    if (as_json)
        begin_json(out, s, "plugins");
    inventory_print(out, v, n, as_json);
    print_replaced(out, as_json);
    free(v);
}
