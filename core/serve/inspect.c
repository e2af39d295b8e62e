/* SPDX-License-Identifier: BSD-2-Clause */
/* inspect.c - see inspect.h. */
#include "serve/inspect.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
#include "serve/sections.h"

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
print_json(const char *path, struct plugin *p, const struct diag *d)
{
    struct answer a;

    answer_begin(&a);
    if (a.out && p) {
        fputs("{\"ok\":true,\"plugins\":", a.out);
        print_plugin(a.out, path, p, 1);
    } else if (a.out) {
        fprintf(a.out, "{\"ok\":false,\"exit\":%d", SERVER_CONFIG);
    }
    if (a.out) {
        answer_diag(a.out, d, DIAG_ERROR, "errors", UINT32_MAX);
        answer_diag(a.out, d, DIAG_WARNING, "warnings", UINT32_MAX);
        fputc('}', a.out);
    }
    answer_end(&a);
    fwrite(a.text, 1, a.n, stdout);
    fputc('\n', stdout);
    answer_free(&a);
}

static void
print_text(const char *path, struct plugin *p, const struct diag *d)
{
    diag_print(d, stderr);
    if (p)
        print_plugin(stdout, path, p, 0);
    fprintf(stderr, p ? "%s: good\n" : "%s: not usable\n", path);
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

int
inspect_file(const char *path, int as_json)
{
    struct image_set images;
    struct bundle *b = bundle_new();
    char *found = realpath(path, NULL);
    struct plugin *p;
    struct diag d;

    image_set_init(&images);
    diag_init(&d);
    p = found ? load(&images, b, found, &d) : NULL;
    if (!found)
        diag_error(&d, NULL, "plugin %s: there is no such file", path);
    (as_json ? print_json : print_text)(found ? found : path, p, &d);
    if (p)
        plugin_unref(p);
    if (b)
        bundle_free(b);
    image_set_fini(&images);
    diag_fini(&d);
    free(found);
    return p ? SERVER_OK : SERVER_CONFIG;
}
