/* SPDX-License-Identifier: BSD-2-Clause */
/* dry.c - looking at a configuration without serving it; see dry.h. */
#include "serve/dry.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "conf/conf.h"
#include "conf/paths.h"
#include "ctl/answer.h"
#include "http/gen.h"
#include "serve/builder.h"
#include "serve/describe.h"
#include "serve/explain.h"
#include "serve/generation.h"
#include "serve/inventory.h"
#include "serve/preflight.h"
#include "serve/process.h"
#include "serve/rights.h"
#include "serve/sections.h"
#include "serve/verdict.h"
#include "tls/context.h"

/* s->gen is a good generation of the configuration, or NULL, and d says why. */
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
        if (rights_drop(s->options, conf, d) < 0) {
            conf_free(conf);
            return;
        }
        verdict_clock_start(conf->server.probe_timeout);
        s->gen = generation_make(s, conf, d);
    }
}

static void
end_look(struct server *s)
{
    if (s->gen)
        generation_dispose(s, s->gen);
    s->gen = NULL;
    contexts_forget(&s->kept);
    metering_fini(&s->metering);
    regions_close(&s->regions);
    image_set_fini(&s->images);
    verdict_clock_stop();
}

/* Print what is to be shown, and what is wrong; the exit code. */
static int
tell(const struct server_options *o, int code, struct answer *shown,
     const struct diag *d)
{
    char *text = answer_take(shown);

    if (code == SERVER_USAGE) {
        code = verdict_refuse(code, o->as_json,
                              "\"%s\" is no path such as /a or //host/a",
                              o->explain);
    } else if (code != SERVER_OK) {
        (void)verdict_errors(code, d, o->as_json);
    } else if (!text) {
        code = verdict_refuse(SERVER_INTERNAL, o->as_json, "out of memory");
    } else {
        diag_print(d, stderr);
        fputs(text, stdout);
    }
    free(text);
    return code;
}

typedef int show_fn(FILE *out, struct server *s, struct diag *d);

/* Look, and if all is well have it shown; the exit code.  Plugins are gone when
 * it is printed: see verdict.h. */
static int
look_and_show(const struct server_options *o, show_fn *show)
{
    struct server s = {.options = o, .channel = CHANNEL_NONE};
    struct answer shown;
    struct diag d;
    int code = SERVER_CONFIG;

    diag_init(&d);
    answer_begin(&shown);
    verdict_begin(o->as_json);
    context_init();
    look(&s, &d);
    if (s.gen && d.n_errors == 0)
        code = shown.out && show ? show(shown.out, &s, &d) : SERVER_OK;
    end_look(&s);
    code = tell(o, code, &shown, &d);
    diag_fini(&d);
    return code;
}

int
dry_test(const struct server_options *o)
{
    int code = look_and_show(o, NULL);

    fprintf(stderr, code == SERVER_OK ? "%s: good\n" : "%s: not usable\n",
            o->conf_path);
    return code;
}

static int
show_routes(FILE *out, struct server *s, struct diag *d)
{
    const struct server_options *o = s->options;
    struct gen *g = s->gen;
    int rc = 0;

    if (o->explain)
        rc = explain_path(out, g, o->method, o->explain, o->as_json);
    else
        describe_routes(out, g, &g->arena, o->as_json);
    if (rc == ERR_NOMEM)
        diag_error(d, NULL, "out of memory");
    return rc == 0             ? SERVER_OK
           : rc == ERR_INVALID ? SERVER_USAGE
                               : SERVER_INTERNAL;
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
show_plugins(FILE *out, struct server *s, struct diag *d)
{
    const struct conf *conf = s->gen->conf;
    struct diag again; /* its warnings have been said */
    struct builder b = {.gen = s->gen, .conf = conf, .diag = &again};

    diag_init(&again);
    if (sections_load(&b, &s->images, paths_runtime_dir(conf)) < 0)
        builder_out_of_memory(&b);
    if (again.n_errors == 0)
        inventory_print(out, b.sections, conf->n_plugins, s->options->as_json);
    else
        diag_merge(d, &again);
    sections_free(&b);
    diag_fini(&again);
    return d->n_errors == 0 ? SERVER_OK : SERVER_CONFIG;
}

int
dry_plugins(const struct server_options *o)
{
    return look_and_show(o, show_plugins);
}
