/* SPDX-License-Identifier: BSD-2-Clause */
/* verdict.c - commands that load plugins to look at them say what becomes of
 * that, whatever a plugin does: with 78, in words or as JSON.
 * tags: asan */
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/server.h"
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\n"
#define HASTY SERVER "probe_timeout = 1s\n"
#define BRUTE "[plugin brute]\n"

static struct server s;
static char module[160], out[65536];

static const char *const commands[][3] = {
    {"-t"},
    {"routes"},
    {"routes", "--json"},
    {"plugins"},
    {"plugins", "--json"},
    {"check", module},
    {"check", module, "--json"},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void
begin(const char *ini)
{
    server_prepare(&s, ini);
    server_bring(&s, "brute");
    snprintf(module, sizeof module, "%s/brute.so", s.modules);
}

static int
is_json(const char *const command[3])
{
    const char *last = command[2] ? command[2] : command[1];

    return last && strcmp(last, "--json") == 0;
}

static void
run(const char *const command[3], int code)
{
    const char *args[] = {command[0], command[1], command[2], NULL};
    int got = server_run(&s, args, out, sizeof out);

    ck_assert_msg(got == code, "%s: %d, not %d: %s", command[0], got, code,
                  out);
}

/* All of them end so: JSON says `says`, words say `words`. */
static void
all(const char *what, int code, const char *says, const char *words)
{
    char json[512];

    setenv("BRUTE", what, 1);
    snprintf(json, sizeof json,
             "{\"ok\":false,\"exit\":%d,\"errors\":[\"%s\"],\"warnings\":[]}\n",
             code, says);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        run(commands[i], code);
        unit_has(out, is_json(commands[i]) ? json : words);
        ck_assert_ptr_null(strstr(out, "good"));
    }
    unsetenv("BRUTE");
}

START_TEST(a_constructor_that_crashes_or_exits_is_named)
{
    char says[256], words[256];

    if (server_is_sanitized()) /* which reports faults itself */
        return;
    begin(SERVER BRUTE);
    snprintf(words, sizeof words, "callback  constructors of %s\n", module);
    snprintf(says, sizeof says, "constructors of %s: SIGSEGV", module);
    all("crash", 78, says, words);
    snprintf(says, sizeof says, "constructors of %s: exit() was called",
             module);
    all("exit", 78, says, words);
    server_clean(&s);
}
END_TEST

START_TEST(a_crash_that_is_fatal_is_told_too)
{
    if (server_is_sanitized())
        return;
    begin(SERVER BRUTE);
    all("thread", 128 + SIGSEGV, "a thread of its own: SIGSEGV",
        "callback  a thread of its own ");
    server_clean(&s);
}
END_TEST

START_TEST(a_constructor_that_does_not_return_is_given_up)
{
    char says[256], words[300];

    begin(HASTY BRUTE);
    snprintf(says, sizeof says,
             "took longer than 1000 ms (probe_timeout): constructors of %s",
             module);
    snprintf(words, sizeof words, "etude: %s\n", says);
    all("hold", 78, says, words);
    server_write(&s, HASTY BRUTE "[plugin nobody]\n"); /* it is looked on */
    setenv("BRUTE", "hold", 1);
    run(commands[0], 78);
    unit_has(out, words);
    server_clean(&s);
}
END_TEST

START_TEST(an_end_without_a_word_is_not_good)
{
    static const char says[] = "the process has ended before it was over: a "
                               "plugin has called _exit";

    begin(SERVER BRUTE);
    all("quiet", 78, says, says);
    server_clean(&s);
}
END_TEST

START_TEST(so_are_other_callbacks)
{
    static const char *const test[3] = {"-t"};

    begin(HASTY "[plugin keeper]\n[plugin faulty]\nin = open\nhow = loop\n");
    run(test, 78);
    unit_has(out, "etude: took longer than 1000 ms (probe_timeout): open of "
                  "faulty\n");
    server_write(&s, HASTY "[plugin faulty]\nin = close\nhow = loop\n");
    run(commands[2], 78);
    unit_has(out, "(probe_timeout): close of faulty\"],\"warnings\":[]}\n");
    ck_assert_ptr_null(strstr(out, "/faulty/")); /* no routes before it */
    server_clean(&s);
}
END_TEST

/* With a mistake in it, and without: the file is what is judged. */
START_TEST(a_check_needs_no_configuration)
{
    begin(SERVER "nonsense = 1\n");
    run(commands[5], 0);
    unit_has(out, "brute.so: good\n");
    server_clean(&s);
    begin(SERVER);
    ck_assert_int_eq(unlink(s.conf), 0);
    setenv("ETUDE_CONF", s.conf, 1);
    snprintf(out, sizeof out, "%s/etude check %s", getenv("T_BUILD"), module);
    ck_assert_int_eq(system(out), 0);
    server_clean(&s);
}
END_TEST

START_TEST(no_file_is_judged_as_root)
{
    const struct passwd *nobody = getpwnam("nobody");
    char expected[64];

    if (geteuid() != 0 || !nobody)
        return;
    setenv("BRUTE", "who", 1);
    snprintf(expected, sizeof expected, "constructed as user %u\n",
             nobody->pw_uid);
    begin(SERVER "user = nobody\n" BRUTE);
    ck_assert_int_eq(chmod(s.dir, 0755), 0);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        run(commands[i], 0);
        unit_has(out, expected);
        ck_assert_ptr_null(strstr(out, "as user 0"));
    }
    server_write(&s, SERVER "user = no-such-user\n");
    run(commands[6], 78);
    unit_has(out, "[server] user: there is no user ");
    ck_assert_ptr_null(strstr(out, "constructed"));
    ck_assert_int_eq(unlink(s.conf), 0);
    run(commands[5], 78);
    unit_has(out, "cannot read it: ");
    ck_assert_ptr_null(strstr(out, "constructed"));
    server_clean(&s);
}
END_TEST

UNIT_MAIN(verdict, a_constructor_that_crashes_or_exits_is_named,
          a_crash_that_is_fatal_is_told_too,
          a_constructor_that_does_not_return_is_given_up,
          an_end_without_a_word_is_not_good, so_are_other_callbacks,
          a_check_needs_no_configuration, no_file_is_judged_as_root)
