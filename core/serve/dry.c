/* SPDX-License-Identifier: BSD-2-Clause */
/* dry.c - looking at a configuration without serving it; see dry.h. */
#include "serve/dry.h"

#include <stdio.h>

#include "serve/describe.h"
#include "serve/generation.h"
#include "serve/preflight.h"
#include "serve/process.h"

static void
look(struct server *s, struct diag *d)
{
    struct conf *conf;

    image_set_init(&s->images);
    s->settings.n_workers = 1;
    conf = generation_read(s, d);
    if (metering_init(&s->metering, s->settings.n_workers) < 0) {
        diag_error(d, NULL, "out of memory");
    } else if (conf) {
        preflight_warn(conf, d);
        preflight_check(conf, d);
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
    image_set_fini(&s->images);
}

int
dry_test(const struct server_options *o)
{
    struct server s = {.options = o};
    int code;

    begin_look(&s);
    code = s.gen ? SERVER_OK : SERVER_CONFIG;
    fprintf(stderr, s.gen ? "%s: good\n" : "%s: not usable\n", o->conf_path);
    end_look(&s);
    return code;
}

/* Show what is asked for; the exit code. */
static int
show(struct gen *g, const struct server_options *o)
{
    if (!o->explain) {
        describe_routes(stdout, g, o->as_json);
        return SERVER_OK;
    }
    if (describe_path(stdout, g, o->method, o->explain) == 0)
        return SERVER_OK;
    fprintf(stderr, "etude: \"%s\" is no path such as /a or //host/a\n",
            o->explain);
    return SERVER_USAGE;
}

int
dry_routes(const struct server_options *o)
{
    struct server s = {.options = o};
    int code = SERVER_CONFIG;

    begin_look(&s);
    if (s.gen)
        code = show(s.gen, o);
    end_look(&s);
    return code;
}
