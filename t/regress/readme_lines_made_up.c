/* SPDX-License-Identifier: BSD-2-Clause */
/* readme_lines_made_up.c - README showed a failed reload in a form the server
 * does not print.  What it shows happens here, in a tree at another place. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/server.h"
#include "t/lib/unit.h"

#define INI                                                                    \
    "[server]\nlisten = 127.0.0.1:0\nmodules = $DIR/modules\n"                 \
    "include = conf.d/*.ini\n"
#define STAMP_LEN (sizeof "2026-11-28T10:49:51.653Z" - 1)

static char readme[1 << 16];

static void
read_readme(void)
{
    const char *source = getenv("T_SOURCE");
    char path[PATH_MAX];
    FILE *f;
    size_t n;

    snprintf(path, sizeof path, "%s/README.md", source ? source : ".");
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    n = fread(readme, 1, sizeof readme - 1, f);
    readme[n] = '\0';
    fclose(f);
}

/* A folder laid out as the source tree is, and we in it. */
static void
enter_tree(struct server *s)
{
    char build[PATH_MAX];

    ck_assert_ptr_nonnull(
        realpath(getenv("T_BUILD") ? getenv("T_BUILD") : "build", build));
    setenv("T_BUILD", build, 1);
    server_prepare(s, "[server]\n");
    ck_assert_int_eq(chdir(s->dir), 0);
    ck_assert_int_eq(mkdir("conf", 0755) | mkdir("conf/conf.d", 0755), 0);
    ck_assert_int_eq(system("cp modules/hello.so modules/greet.so"), 0);
    strcpy(s->conf, "conf/etude.ini");
    server_write(s, INI);
}

/* README has the line, with the tree's place and another time. */
static void
is_shown(const struct server *s, const char *line)
{
    const char *at = strstr(line, s->dir);
    char want[2048];

    if (at)
        snprintf(want, sizeof want, "%.*s/srv/etude%s",
                 (int)(at - line - (long)STAMP_LEN), line + STAMP_LEN,
                 at + strlen(s->dir));
    else
        snprintf(want, sizeof want, "%s", line + STAMP_LEN);
    ck_assert_msg(strstr(readme, want), "README has no \"%s\"", want);
}

START_TEST(a_failed_reload_looks_as_shown)
{
    struct server s;

    read_readme();
    enter_tree(&s);
    server_serve(&s);
    server_file(&s, "conf/conf.d/greet.ini", "[plugin greet]\n");
    ck_assert(server_reload(&s));
    ck_assert(server_reload(&s));
    server_file(&s, "conf/conf.d/greet.ini", "[plugin gret]\n");
    server_signal(&s, SIGHUP);
    is_shown(&s, server_wait_log(&s, "[plugin gret]"));
    is_shown(&s, server_wait_log(&s, "reload failed"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(readme_lines_made_up, a_failed_reload_looks_as_shown)
