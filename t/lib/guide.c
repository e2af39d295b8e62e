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
/* What conf/etude.ini says, and the log of a machine that is busy. */
#define DEMO_ADDRESS "listen  = 127.0.0.1:8080\n"
#define SLOW " (more than 1 ms)"

static const char *
source_tree(void)
{
    const char *source = getenv("T_SOURCE");

    return source && *source ? source : ".";
}

static void
read_source(const char *name, char *text, size_t cap)
{
    char path[PATH_MAX];
    FILE *f;
    size_t n;

    snprintf(path, sizeof path, "%s/%s", source_tree(), name);
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    n = fread(text, 1, cap - 1, f);
    ck_assert_uint_lt(n, cap - 1);
    text[n] = '\0';
    fclose(f);
}

const char *
guide_read(const char *name)
{
    static char text[1 << 17];

    read_source(name, text, sizeof text);
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

static void
link_from(const char *tree, const char *to, const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s%s", tree, to);
    ck_assert_int_eq(symlink(path, name), 0);
}

/* The demo site's configuration, on another port. */
static void
write_demo(struct server *s)
{
    char ini[1 << 14], text[1 << 14];
    const char *at;

    read_source("conf/etude.ini", ini, sizeof ini);
    at = strstr(ini, DEMO_ADDRESS);
    ck_assert_ptr_nonnull(at);
    snprintf(text, sizeof text, "%.*slisten = 127.0.0.1:0\n%s", (int)(at - ini),
             ini, at + strlen(DEMO_ADDRESS));
    server_write(s, text);
}

void
guide_enter_tree(struct server *s, const char *ini)
{
    make_absolute("T_SOURCE", ".");
    make_absolute("T_BUILD", "build");
    server_prepare(s, "[server]\n");
    ck_assert_int_eq(chdir(s->dir), 0);
    link_from(source_tree(), "/core", "core");
    link_from(getenv("T_BUILD"), "", "build");
    ck_assert_int_eq(mkdir("conf", 0755) | mkdir("conf/conf.d", 0755), 0);
    link_from(source_tree(), "/conf/www", "conf/www");
    strcpy(s->conf, "conf/etude.ini");
    if (ini)
        server_write(s, ini);
    else
        write_demo(s);
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
        n = strcspn(line, " =,;:/\n");
        if (strncmp(line, s->dir, strlen(s->dir)) == 0) {
            n = strlen(s->dir);
            at += (size_t)sprintf(out + at, "%s", SHOWN_AT);
        } else if (strncmp(line, SLOW, strlen(SLOW)) == 0) {
            n = strlen(SLOW);
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
