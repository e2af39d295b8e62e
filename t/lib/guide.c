/* SPDX-License-Identifier: BSD-2-Clause */
/* guide.c - see guide.h. */
#include "t/lib/guide.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/server.h"

/* Where the tree of the README stands. */
#define SHOWN_AT "/srv/etude"
#define HEX "0123456789abcdef"

static const char *
source_tree(void)
{
    const char *source = getenv("T_SOURCE");

    return source && *source ? source : ".";
}

const char *
guide_read(void)
{
    static char text[1 << 16];
    char path[PATH_MAX];
    FILE *f;
    size_t n;

    snprintf(path, sizeof path, "%s/README.md", source_tree());
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

/* What is found from here is found from elsewhere, too. */
static void
make_absolute(const char *variable, const char *otherwise)
{
    const char *value = getenv(variable);
    char path[PATH_MAX];

    ck_assert_ptr_nonnull(realpath(value && *value ? value : otherwise, path));
    setenv(variable, path, 1);
}

void
guide_enter_tree(struct server *s, const char *ini)
{
    char core[PATH_MAX];

    make_absolute("T_SOURCE", ".");
    make_absolute("T_BUILD", "build");
    server_prepare(s, "[server]\n");
    snprintf(core, sizeof core, "%s/core", source_tree());
    ck_assert_int_eq(chdir(s->dir), 0);
    ck_assert_int_eq(symlink(core, "core"), 0);
    ck_assert_int_eq(mkdir("conf", 0755) | mkdir("conf/conf.d", 0755), 0);
    strcpy(s->conf, "conf/etude.ini");
    server_write(s, ini);
}

/* Numbers and hashes differ from one run to the next; names do not. */
static int
varies(const char *word, size_t n)
{
    return strspn(word, HEX) >= n &&
           (n >= 12 || strcspn(word, "0123456789") < n);
}

void
guide_plain(const struct server *s, const char *line, char *out, size_t cap)
{
    size_t at = 0, n;

    for (; *line && *line != '\n' && at + 32 < cap; line += n) {
        n = strcspn(line, " ,;:/\n");
        if (strncmp(line, s->dir, strlen(s->dir)) == 0) {
            n = strlen(s->dir);
            at += (size_t)sprintf(out + at, "%s", SHOWN_AT);
        } else if (n == 0) {
            n = 1;
            out[at++] = *line;
        } else if (varies(line, n)) {
            out[at++] = '#';
        } else {
            n = n < cap - at - 1 ? n : cap - at - 1;
            memcpy(out + at, line, n);
            at += n;
        }
    }
    out[at] = '\0';
}
