/* SPDX-License-Identifier: BSD-2-Clause */
/* readme.c - "A plugin in ten lines" of README.md, typed line by line: every
 * command is run, every request is made on one connection that stays open, and
 * all that is shown appears.
 * tags: epoll asan */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/guide.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define CHAPTER "\n## A plugin in ten lines\n"
#define CURL "curl http://127.0.0.1:8080"
#define HUP "kill -HUP $(pidof etude)"

static const char ini[] =
    "[server]\nlisten = 127.0.0.1:0\nmodules = $DIR/modules\n"
    "include = conf.d/*.ini\n[plugin hello]\n";

static struct server s;
static struct client c;
static int n_requests, n_reloads, n_shown;

/* Where the line after this one begins. */
static const char *
next_line(const char *at)
{
    return at + strcspn(at, "\n") + 1;
}

/* A line of the log that a good reload writes; the rest is tested elsewhere. */
static int
is_log(const char *at)
{
    const char *level = strstr(at, "Z info ");

    return strncmp(at, "    20", 6) == 0 && level && level < next_line(at);
}

static int
begins(const char *at, const char *with)
{
    return strncmp(at, with, strlen(with)) == 0;
}

/* Its C, as greet.c. */
static void
write_source(const char *chapter)
{
    const char *from = strstr(chapter, "\n```c\n"), *to;
    char text[2048];

    ck_assert_ptr_nonnull(from);
    from += strlen("\n```c\n");
    to = strstr(from, "```\n");
    ck_assert_ptr_nonnull(to);
    snprintf(text, sizeof text, "%.*s", (int)(to - from), from);
    server_file(&s, "greet.c", text);
}

/* The line is the whole answer. */
static void
expect_answer(const char *path, const char *line)
{
    size_t n = strcspn(line, "\n");
    struct answer a;

    client_printf(&c, "GET %.*s HTTP/1.1\r\nHost: x\r\n\r\n",
                  (int)strcspn(path, "\n"), path);
    a = client_answer(&c, 0);
    ck_assert_msg(a.n == n + 1 && memcmp(a.body, line, n) == 0 &&
                      a.body[n] == '\n',
                  "%.*s, not %s", (int)n, line, a.body);
    ck_assert_ptr_null(answer_field(&a, "connection", 0));
    answer_free(&a);
    n_requests++;
}

static void
run(const char *command)
{
    const char *cc = getenv("CC");
    char text[512];

    snprintf(text, sizeof text, "cc() { command %s \"$@\"; }; %.*s",
             cc && *cc ? cc : "cc", (int)strcspn(command, "\n"), command);
    ck_assert_msg(system(text) == 0, "%s", text);
}

/* What stands behind the prompt. */
static void
type(const char *command)
{
    if (begins(command, CURL)) {
        const char *shown = next_line(command);
        ck_assert(begins(shown, "    "));
        expect_answer(command + strlen(CURL), shown + 4);
    } else if (begins(command, HUP)) {
        ck_assert_int_eq(server_reload(&s), 1);
        n_reloads++;
    } else {
        run(command);
    }
}

/* The log has such a line, at another time and with other numbers. */
static void
expect_log(const char *shown)
{
    char want[2048], have[2048], line[2048];
    FILE *f = fopen(s.log_path, "re");

    ck_assert_ptr_nonnull(f);
    guide_plain(&s, shown + strcspn(shown, " "), want, sizeof want);
    do {
        ck_assert_msg(fgets(line, sizeof line, f) != NULL, "no \"%s\"", want);
        guide_plain(&s, line + strcspn(line, " "), have, sizeof have);
    } while (strcmp(have, want) != 0);
    fclose(f);
    n_shown++;
}

START_TEST(the_authors_loop_is_as_shown)
{
    const char *at = strstr(guide_read(), CHAPTER), *end;

    ck_assert_ptr_nonnull(at);
    at += strlen(CHAPTER);
    end = strstr(at, "\n## ");
    ck_assert_ptr_nonnull(end);
    guide_enter_tree(&s, ini);
    write_source(at);
    server_serve(&s);
    c = client_open(&s);
    for (; at < end; at = next_line(at)) {
        if (begins(at, "    $ "))
            type(at + 6);
        else if (is_log(at))
            expect_log(at + 4);
    }
    ck_assert_int_eq(n_requests, 3);
    ck_assert_int_eq(n_reloads, 2);
    ck_assert_int_eq(n_shown, 2);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(readme, the_authors_loop_is_as_shown)
