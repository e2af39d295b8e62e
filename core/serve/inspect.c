/* SPDX-License-Identifier: BSD-2-Clause */
/* inspect.c - see inspect.h. */
#include "serve/inspect.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/exit.h"
#include "base/str.h"
#include "conf/bundle.h"
#include "conf/conf.h"
#include "ctl/answer.h"
#include "http/host.h"
#include "plug/image.h"
#include "plug/plugin.h"
#include "serve/inventory.h"
#include "serve/rights.h"
#include "serve/sections.h"
#include "serve/verdict.h"

/* ---- as who, and for how long --------------------------------------------*/

/* What can be read of it: a mistake in it is none of the file's.  NULL: there
 * is none, or nothing; of that root is told, whose rights it was to take. */
static struct conf *
read_conf(const struct server_options *o, struct diag *d)
{
    struct conf *conf = NULL;
    struct bundle *b;
    struct diag found;

    if (!o->conf_path)
        return NULL;
    diag_init(&found);
    b = bundle_from_files(o->conf_path, o->env, &found);
    if (b) {
        conf = conf_parse_some(b, &found);
        bundle_free(b);
    }
    if (!conf && geteuid() == 0)
        diag_merge(d, &found);
    diag_fini(&found);
    return conf;
}

/* 0; or -1: no code of a plugin may run, and d says why. */
static int
prepare(const struct server_options *o, struct diag *d)
{
    struct conf *conf = read_conf(o, d);
    int64_t ms = conf ? conf->server.probe_timeout : VERDICT_MS;
    int rc = conf ? rights_drop(o, conf, d) : 0;

    if (conf)
        conf_free(conf);
    if (rc < 0 || d->n_errors > 0)
        return -1;
    verdict_clock_start(ms);
    return 0;
}

/* ---- what it is ----------------------------------------------------------*/

/* The table of one entry, or its object in a list. */
static void
print_plugin(FILE *out, const char *path, struct plugin *p, int as_json)
{
    const char *file = strrchr(path, '/') + 1;
    char name[NAME_MAX + 1];
    struct conf_plugin conf = {.name = {name, strcspn(file, ".")}};
    const struct section section = {.conf = &conf, .path = path, .plugin = p};

    snprintf(name, sizeof name, "%.*s", (int)conf.name.n, file);
    inventory_print(out, &section, 1, as_json);
}

static void
print_json(FILE *out, const char *path, struct plugin *p, const struct diag *d)
{
    fputs("{\"ok\":true,\"plugins\":", out);
    print_plugin(out, path, p, 1);
    answer_diag(out, d, DIAG_ERROR, "errors", UINT32_MAX);
    answer_diag(out, d, DIAG_WARNING, "warnings", UINT32_MAX);
    fputc('}', out);
}

/* NULL, with the reasons in d. */
static struct plugin *
load(struct image_set *images, struct bundle *b, const char *path,
     struct diag *d)
{
    const struct image_rules rules = {
        .bundle = b, .staging = CONF_STAGING_AUTO, .owner = CONF_OWNER_STRICT};
    struct plugin *p = NULL;

    if (!b)
        diag_error(d, NULL, "out of memory");
    else if (plugin_load(images, &rules, path, host_get(), NULL, d, &p) < 0)
        return NULL;
    if (p && d->n_errors == 0)
        return p;
    if (p)
        plugin_unref(p);
    return NULL;
}

/* Load it, say in out (NULL: no memory) what it is, and let go of it; the exit
 * code. */
static int
look(FILE *out, const char *path, int as_json, struct diag *d)
{
    struct image_set images;
    struct bundle *b = bundle_new();
    struct plugin *p;

    image_set_init(&images);
    p = load(&images, b, path, d);
    if (p && out && as_json)
        print_json(out, path, p, d);
    else if (p && out)
        print_plugin(out, path, p, 0);
    if (p)
        plugin_unref(p);
    if (b)
        bundle_free(b);
    image_set_fini(&images);
    return p ? SERVER_OK : SERVER_CONFIG;
}

/* ---- the command ---------------------------------------------------------*/

static int
tell(const char *path, int code, struct answer *a, const struct diag *d)
{
    char *text = answer_take(a);

    diag_print(d, stderr);
    if (code == SERVER_OK && !text)
        code = verdict_refuse(SERVER_INTERNAL, 0, "out of memory");
    if (code == SERVER_OK)
        fputs(text, stdout);
    fprintf(stderr, code == SERVER_OK ? "%s: good\n" : "%s: not usable\n",
            path);
    free(text);
    return code;
}

static int
tell_json(int code, struct answer *a, const struct diag *d)
{
    answer_end(a);
    if (code == SERVER_OK)
        printf("%s\n", a->text);
    else
        (void)verdict_errors(code, d, 1);
    answer_free(a);
    return code;
}

int
inspect_file(const struct server_options *o, const char *path)
{
    char *found = NULL;
    struct answer shown;
    struct diag d;
    int code = SERVER_CONFIG;

    diag_init(&d);
    answer_begin(&shown);
    verdict_begin(o->as_json);
    if (prepare(o, &d) == 0) {
        found = realpath(path, NULL);
        if (found)
            code = look(shown.out, found, o->as_json, &d);
        else
            diag_error(&d, NULL, "plugin %s: %s", path,
                       errno == ENOENT ? "there is no such file"
                                       : strerror(errno));
    }
    verdict_clock_stop();
    code = o->as_json ? tell_json(code, &shown, &d)
                      : tell(found ? found : path, code, &shown, &d);
    diag_fini(&d);
    free(found);
    return code;
}
