/* SPDX-License-Identifier: BSD-2-Clause */
/* help.h - what the tests of conf share: texts to bundles, messages to one
 * text that can be compared whole, a folder that is removed at the end. */
#ifndef T_UNIT_CONF_HELP_H
#define T_UNIT_CONF_HELP_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/str.h"
#include "conf/bundle.h"
#include "conf/conf.h"

#define HELP_FN __attribute__((unused)) static

/* All messages, one a line, warnings and notes marked. */
HELP_FN const char *
help_messages(const struct diag *d)
{
    static const char *const kinds[] = {"", "warning: ", "note: "};
    static char text[65536];
    const struct diag_item *i;
    size_t n = 0;

    text[0] = '\0';
    for (i = d->first; i; i = i->next)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s\n",
                              kinds[i->kind], i->text);
    return text;
}

#define help_expect(d, expected) ck_assert_str_eq(help_messages(d), expected)

/* A bundle of one text called a.ini in /etc/x. */
HELP_FN struct bundle *
help_bundle(const char *text, char *const *env, struct diag *d)
{
    struct bundle_file file = {
        .name = "a.ini", .dir = "/etc/x", .text = str_from_z(text)};

    return bundle_from_memory(&file, 1, env, d);
}

/* The configuration of one text; NULL if it has errors. */
HELP_FN struct conf *
help_conf(const char *text, char *const *env, struct diag *d)
{
    struct bundle *b = help_bundle(text, env, d);
    struct conf *c = b ? conf_parse(b, d) : NULL;

    bundle_free(b);
    return c;
}

static char help_dir[64];

/* Make a folder, go there. */
HELP_FN void
help_enter(void)
{
    strcpy(help_dir, "/tmp/etude-conf-XXXXXX");
    if (mkdtemp(help_dir) == NULL || chdir(help_dir) != 0)
        abort();
}

HELP_FN int
help_remove_one(const char *path, const struct stat *s, int type,
                struct FTW *ftw)
{
    (void)s, (void)type, (void)ftw;
    return remove(path);
}

HELP_FN void
help_leave(void)
{
    if (chdir("/") != 0 ||
        nftw(help_dir, help_remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        abort();
}

/* Write a file, its folder first ("conf.d/a.ini": one level). */
HELP_FN void
help_write(const char *name, const char *text)
{
    const char *slash = strrchr(name, '/');
    char folder[256];
    FILE *f;

    if (slash) {
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name), name);
        mkdir(folder, 0700);
    }
    f = fopen(name, "w");
    if (!f || fputs(text, f) == EOF || fclose(f) != 0)
        abort();
}

#endif
