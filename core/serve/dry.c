/* SPDX-License-Identifier: BSD-2-Clause */
/* dry.c - looking at a configuration without serving it; see dry.h. */
#include "serve/dry.h"

#include <stdio.h>

#include "conf/conf.h"
#include "conf/paths.h"
#include "http/gen.h"
#include "serve/blame.h"
#include "serve/builder.h"
#include "serve/describe.h"
#include "serve/generation.h"
#include "serve/inventory.h"
#include "serve/preflight.h"
#include "serve/process.h"
#include "serve/rights.h"
#include "serve/sections.h"

static void
look(struct server *s, struct diag *d)
{
    struct conf *conf;

    image_set_init(&s->images);
    s->settings.n_workers = 1;
    conf = generation_read(s, d);
    if (regions_open_dry(&s->regions) < 0 ||
        metering_init(&s->metering, &s->regions.figures) < 0) {
        diag_error(d, NULL, "out of memory");
    } else if (conf) {
        s->metrics = figures_own(&s->regions.figures, 0);
        preflight_warn(conf, d);
        preflight_check(conf, d);
        if (rights_drop(s, conf, d) < 0)
            conf_free(conf);
        else
            s->gen = generation_make(s, conf, d);
    }
}

static void
drop(struct server *s)
{
    if (s->gen)
        generation_dispose(s, s->gen);
    s->gen = NULL;
}

/* s->gen is a good generation of the configuration, or NULL, and what is wrong
 * is printed.  Call end_look. */
static void
begin_look(struct server *s)
{
    struct diag d;

    diag_init(&d);
    (void)!blame_open(-1); /* a crash is told of, or it is not */
    look(s, &d);
    diag_print(&d, stderr);
    if (d.n_errors > 0)
        drop(s);
    diag_fini(&d);
}

static void
end_look(struct server *s)
{
    drop(s);
    metering_fini(&s->metering);
    regions_close(&s->regions);
    image_set_fini(&s->images);
}

int
dry_test(const struct server_options *o)
{
    struct server s = {.options = o, .channel = CHANNEL_NONE};
    int code;

    begin_look(&s);
    code = s.gen ? SERVER_OK : SERVER_CONFIG;
    fprintf(stderr, s.gen ? "%s: good\n" : "%s: not usable\n", o->conf_path);
    end_look(&s);
    return code;
}

static int
show_routes(struct server *s, const struct server_options *o)
{
    struct gen *g = s->gen;

    if (!o->explain) {
        describe_routes(stdout, g, &g->arena, o->as_json);
        return SERVER_OK;
    }
    if (describe_path(stdout, g, &g->arena, o->method, o->explain) == 0)
        return SERVER_OK;
    fprintf(stderr, "etude: \"%s\" is no path such as /a or //host/a\n",
            o->explain);
    return SERVER_USAGE;
}

/* Look, and if all is well have it shown; the exit code. */
static int
look_and_show(const struct server_options *o,
              int (*show)(struct server *s, const struct server_options *o))
{
    struct server s = {.options = o, .channel = CHANNEL_NONE};
    int code = SERVER_CONFIG;

    begin_look(&s);
    if (s.gen)
        code = show(&s, o);
    end_look(&s);
    return code;
}

int
dry_routes(const struct server_options *o)
{
    return look_and_show(o, show_routes);
}

/* A generation holds the plugins that its instances need.  To show those of
 * the other sections too all are loaded once more, of the same bytes: those of
 * the bundle. */
static int
show_plugins(struct server *s, const struct server_options *o)
{
    const struct conf *conf = s->gen->conf;
    struct diag d;
    struct builder b = {.gen = s->gen, .conf = conf, .diag = &d};
    int code = SERVER_CONFIG;

    diag_init(&d);
    if (sections_load(&b, &s->images, paths_runtime_dir(conf)) < 0)
        builder_out_of_memory(&b);
    if (d.n_errors == 0) {
        inventory_print(stdout, b.sections, conf->n_plugins, o->as_json);
        code = SERVER_OK;
    } else {
        diag_print(&d, stderr);
    }
    sections_free(&b);
    diag_fini(&d);
    return code;
}

int
dry_plugins(const struct server_options *o)
{
    return look_and_show(o, show_plugins);
}
