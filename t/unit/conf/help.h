/* SPDX-License-Identifier: BSD-2-Clause */
/* help.h - what the tests of conf share: texts to bundles, messages to one
 * text that can be compared whole, a folder that is removed at the end. */
#ifndef T_UNIT_CONF_HELP_H
#define T_UNIT_CONF_HELP_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/str.h"
#include "conf/bundle.h"
#include "conf/conf.h"
#include "t/lib/fixture.h"

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

/* Make a folder, go there. */
HELP_FN void
help_enter(void)
{
    fixture_setup();
    if (chdir(fixture_dir) != 0)
        abort();
}

HELP_FN void
help_leave(void)
{
    if (chdir("/") != 0)
        abort();
    fixture_teardown();
}

#endif
