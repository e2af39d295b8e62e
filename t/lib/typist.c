/* SPDX-License-Identifier: BSD-2-Clause */
/* typist.c - see typist.h. */
#include "t/lib/typist.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/guide.h"
#include "t/lib/server.h"

#define PROMPT "    $ "
#define FENCE "```"
#define CURL "curl "
#define SITE "http://127.0.0.1:8080"
#define HUP "kill -HUP $(pidof etude)"
#define ANSWER ".answer" /* what curl was given */
#define LOG_MS 20000     /* for a line to be written */

struct typist {
    struct server *s;
    struct client c;
    struct typed did;
};

/* ---- lines ----------------------------------------------------------------*/

static const char *
next_line(const char *at)
{
    at += strcspn(at, "\n");
    return at + (*at == '\n');
}

static int
begins(const char *at, const char *with)
{
    return strncmp(at, with, strlen(with)) == 0;
}

/* True if part stands in the line at `at`, or what is left of it. */
static int
line_has(const char *at, const char *part)
{
    const char *found = strstr(at, part);

    return found && found < next_line(at);
}

/* What a command prints stands directly below it. */
static int
is_output(const char *at)
{
    return begins(at, "    ") && !begins(at, PROMPT);
}

/* ---- commands -------------------------------------------------------------*/

static void
write_command(struct server *s, const char *name, const char *script)
{
    const char *path = getenv("PATH");
    char text[3 * PATH_MAX];

    snprintf(text, sizeof text, "#!/bin/sh\nPATH='%s'\n%s\n", path, script);
    server_file(s, name, text);
    ck_assert_int_eq(chmod(name, 0755), 0);
}

/* Those that are not here what they are to a reader. */
static void
write_commands(struct server *s)
{
    const char *cc = getenv("CC");
    char text[2 * PATH_MAX];

    ck_assert_int_eq(mkdir("bin", 0755), 0);
    snprintf(text, sizeof text, "exec %s \"$@\"", cc && *cc ? cc : "cc");
    write_command(s, "bin/cc", text);
    write_command(s, "bin/c++",
                  "command -v c++ >/dev/null || exit 0; exec c++ \"$@\"");
    snprintf(text, sizeof text,
             "unset MAKEFLAGS MAKELEVEL\n"
             "make -C '%s' -o all \"$@\" DESTDIR=%s/root || exit\n"
             "pc=$(find root -name etude.pc)\n"
             "sed -i 's|=/|=%s/root/|' $pc && ln -sfn ${pc%%/*} pkgconfig",
             getenv("T_SOURCE"), s->dir, s->dir);
    write_command(s, "bin/make", text);
    snprintf(text, sizeof text, "%s/bin:%s", s->dir, getenv("PATH"));
    setenv("PATH", text, 1);
    snprintf(text, sizeof text, "%s/pkgconfig", s->dir);
    setenv("PKG_CONFIG_PATH", text, 1);
}

/* Run the shell command: all it prints. */
static const char *
run(const char *command)
{
    static char out[1 << 16];
    size_t n;
    FILE *f;

    snprintf(out, sizeof out, "{ %s\n} 2>&1", command);
    f = popen(out, "re");
    ck_assert_ptr_nonnull(f);
    n = fread(out, 1, sizeof out - 1, f);
    out[n] = '\0';
    ck_assert_msg(pclose(f) == 0, "%s\n%s", command, out);
    return out;
}

/* It printed the lines that are shown; with numbers and hashes of its own,
 * unless they must be the same. */
static void
expect_output(struct typist *t, const char *have, const char *shown, int exact)
{
    char want[2048], got[2048];

    for (; is_output(shown); shown = next_line(shown)) {
        const char *line = shown + strlen("    ");
        snprintf(want, sizeof want, "%.*s", (int)strcspn(line, "\n"), line);
        snprintf(got, sizeof got, "%.*s", (int)strcspn(have, "\n"), have);
        if (!exact) {
            guide_plain(t->s, line, want, sizeof want);
            guide_plain(t->s, have, got, sizeof got);
        }
        ck_assert_str_eq(got, want);
        have = next_line(have);
    }
    ck_assert_msg(*have == '\0', "not shown: %s", have);
}

/* ---- curl -----------------------------------------------------------------*/

/* Send what the options and the address of the command stand for; what follows
 * the address. */
static const char *
send_request(struct client *c, const char *command)
{
    char fields[256] = "";
    size_t n;

    for (command += strlen(CURL); !begins(command, SITE); command += n) {
        if (begins(command, "-s ")) {
            n = strlen("-s ");
            continue;
        }
        ck_assert_msg(begins(command, "-H '"), "curl %.40s", command);
        command += strlen("-H '");
        n = strcspn(command, "'");
        snprintf(fields, sizeof fields, "%.*s\r\n", (int)n, command);
        n += strlen("' ");
    }
    command += strlen(SITE);
    n = strcspn(command, " \n");
    client_printf(c, "GET %.*s HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n%s\r\n",
                  (int)n, command, fields);
    return command + n;
}

/* The answer is where what follows, such as a pipe, finds it. */
static void
ask(struct typist *t, const char *command)
{
    const char *rest = send_request(&t->c, command);
    struct answer a = client_answer(&t->c, 0);
    char text[256];

    ck_assert_ptr_null(answer_field(&a, "connection", 0));
    server_file(t->s, ANSWER, a.body);
    answer_free(&a);
    snprintf(text, sizeof text, "cat " ANSWER "%.*s", (int)strcspn(rest, "\n"),
             rest);
    expect_output(t, run(text), next_line(command), 1);
    t->did.n_requests++;
}

/* ---- the rest -------------------------------------------------------------*/

/* What stands behind the prompt. */
static void
type(struct typist *t, const char *command)
{
    char text[1024];

    t->did.n_commands++;
    if (begins(command, CURL)) {
        ask(t, command);
    } else if (begins(command, HUP)) {
        int refused = line_has(command, "# refused");
        ck_assert_int_eq(server_reload(t->s), !refused);
        t->did.n_reloads++;
        t->did.n_refused += refused;
    } else {
        snprintf(text, sizeof text, "%.*s", (int)strcspn(command, "\n"),
                 command);
        expect_output(t, run(text), next_line(command), 0);
    }
}

/* The block that begins here, to the end of the file that it names (if it
 * does); the line that ends it. */
static const char *
save_block(struct typist *t, const char *fence)
{
    const char *name = fence + strcspn(fence, " \n"), *from = next_line(fence);
    const char *to = from;
    char path[PATH_MAX];
    FILE *f;

    while (!begins(to, FENCE)) {
        ck_assert_msg(*to != '\0', "no end of %.40s", fence);
        to = next_line(to);
    }
    if (*name == '\n')
        return to;
    snprintf(path, sizeof path, "%.*s", (int)(from - name - 2), name + 1);
    f = fopen(path, "ae");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(from, 1, (size_t)(to - from), f), to - from);
    fclose(f);
    t->did.n_files++;
    return to;
}

/* A line of the log.  How a reload that is refused looks is shown to readers
 * who are not told to try it, too. */
static int
is_log(const struct typist *t, const char *at)
{
    return begins(at, "    20") &&
           (line_has(at, "Z info ") || line_has(at, "Z warn ") ||
            (line_has(at, "Z error ") && t->did.n_refused > 0));
}

/* The log has such a line, at another time and with other numbers. */
static int
log_has(const struct server *s, const char *want)
{
    char have[2048], line[2048];
    FILE *f = fopen(s->log_path, "re");
    int found = 0;

    ck_assert_ptr_nonnull(f);
    while (!found && fgets(line, sizeof line, f)) {
        guide_plain(s, line + strcspn(line, " "), have, sizeof have);
        found = strcmp(have, want) == 0;
    }
    fclose(f);
    return found;
}

static void
expect_log(struct typist *t, const char *shown)
{
    char want[2048];

    guide_plain(t->s, shown + strcspn(shown, " "), want, sizeof want);
    for (int ms = 0; !log_has(t->s, want); ms += 10) {
        ck_assert_msg(ms < LOG_MS, "no \"%s\"", want);
        usleep(10000);
    }
    t->did.n_lines++;
}

struct typed
typist_type(struct server *s, const char *from, const char *end)
{
    struct typist t = {.s = s};

    write_commands(s);
    t.c = client_open(s);
    for (const char *at = from; at < end; at = next_line(at)) {
        if (begins(at, FENCE))
            at = save_block(&t, at);
        else if (begins(at, PROMPT))
            type(&t, at + strlen(PROMPT));
        else if (is_log(&t, at))
            expect_log(&t, at + strlen("    "));
    }
    client_close(&t.c);
    return t.did;
}
