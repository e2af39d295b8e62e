/* SPDX-License-Identifier: BSD-2-Clause */
/* readme_lines_made_up.c - README showed a failed reload in a form the server
 * does not print.  What it shows happens here, in a tree at another place. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "t/lib/guide.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

#define INI                                                                    \
    "[server]\nlisten = 127.0.0.1:0\nmodules = $DIR/modules\n"                 \
    "include = conf.d/*.ini\n"
#define STAMP_LEN (sizeof "2026-11-28T10:49:51.653Z" - 1)

/* README has the line, with the tree's place and another time. */
static void
is_shown(const struct server *s, const char *line)
{
    const char *readme = guide_read("README.md");
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

    guide_enter_tree(&s, INI);
    server_bring(&s, "hello");
    ck_assert_int_eq(system("cp modules/hello.so modules/greet.so"), 0);
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
