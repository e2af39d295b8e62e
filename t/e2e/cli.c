/* SPDX-License-Identifier: BSD-2-Clause */
/* cli.c - the command line: what it prints, and with which code it ends.
 * tags: asan plain */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

static const char *
build_dir(void)
{
    const char *build = getenv("T_BUILD");

    return build && *build ? build : "build";
}

/* Run PROGRAM ARGUMENTS through the shell; its exit code, both streams in out.
 */
static int
run_it(const char *program, const char *arguments, char *out, size_t cap)
{
    char command[3 * PATH_MAX];
    FILE *f;
    size_t n;
    int status;

    snprintf(command, sizeof command, "exec %s %s 2>&1", program, arguments);
    f = popen(command, "re");
    ck_assert_ptr_nonnull(f);
    n = fread(out, 1, cap - 1, f);
    out[n] = '\0';
    status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
run(const char *arguments, char *out, size_t cap)
{
    char program[PATH_MAX];

    snprintf(program, sizeof program, "%s/etude", build_dir());
    return run_it(program, arguments, out, cap);
}

START_TEST(version_and_help_are_printed)
{
    char out[8192];

    ck_assert_int_eq(run("-V", out, sizeof out), 0);
    ck_assert_msg(strncmp(out, "Etude ", 6) == 0 &&
                      strstr(out, "\nplugin ABI 1.1\n"),
                  "%s", out);
    ck_assert_int_eq(run("-h", out, sizeof out), 0);
    for (const char *const *word =
             (const char *const[]){"usage: etude", "-c FILE", "-t", "-V", "-h",
                                   "HUP", "USR1", NULL};
         *word; word++)
        ck_assert_msg(strstr(out, *word), "no %s in %s", *word, out);
}
END_TEST

START_TEST(what_cannot_be_printed_is_an_error)
{
    static const char *const words[] = {"-V", "-h", "--print-reference"};
    char command[PATH_MAX];

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        snprintf(command, sizeof command,
                 "%s/etude %s >/dev/full 2>/dev/null; test $? = 70",
                 build_dir(), words[i]);
        ck_assert_msg(system(command) == 0, "%s", command);
    }
}
END_TEST

START_TEST(what_is_unknown_or_missing_is_an_error_of_usage)
{
    static const char *const wrong[] = {"--nonsense",
                                        "-x",
                                        "serve",
                                        "-t -q",
                                        "-c",
                                        "-V extra",
                                        "-t --json",
                                        "plugins --explain /x",
                                        "routes --method GET",
                                        "command",
                                        "command limit",
                                        "check",
                                        "check a.so b.so",
                                        "status more",
                                        "status -- more",
                                        "status --live",
                                        "reload --explain /x",
                                        "stop -s",
                                        "routes -s sock",
                                        "-t -s sock",
                                        "command limit reset -1"};
    char out[8192];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(run(wrong[i], out, sizeof out) == 64 &&
                          strstr(out, "see etude -h"),
                      "etude %s: %s", wrong[i], out);
}
END_TEST

/* Words of a plugin's command may be called as anything. */
START_TEST(words_of_a_command_are_not_looked_at)
{
    static const char *const right[] = {
        "command status reload stop -s /nowhere/sock",
        "command -s /nowhere/sock limit reset -- -1 --json",
        "status -s /nowhere/sock --json"};
    char out[8192];

    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        ck_assert_msg(run(right[i], out, sizeof out) == 69 &&
                          strstr(out, "/nowhere/sock: no server runs there"),
                      "etude %s: %s", right[i], out);
}
END_TEST

/* All of it on stdout, and nothing beside it. */
START_TEST(what_fails_is_json_too)
{
    static const char no_server[] =
        "{\"ok\":false,\"exit\":69,\"error\":\"/nowhere/sock: no server runs "
        "there\"}\n";
    static const char no_file[] =
        "{\"ok\":false,\"exit\":78,\"errors\":[\"/nowhere.ini: cannot read it: "
        "No such file or directory\"],\"warnings\":[]}\n";
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } rows[] = {
        {"status --json -s /nowhere/sock", 69, no_server},
        {"stop --json -s /nowhere/sock", 69, no_server},
        {"reload --json -s /nowhere/sock", 69, no_server},
        {"routes --live --json -s /nowhere/sock", 69, no_server},
        {"command a b --json -s /nowhere/sock", 69, no_server},
        {"status --json -c /nowhere.ini", 78, no_file},
        {"plugins --live --json -c /nowhere.ini", 78, no_file},
        {"routes --json -c /nowhere.ini", 78, no_file},
        {"plugins --json -c /nowhere.ini", 78, no_file},
    };
    struct server s;
    char out[8192], arguments[256];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(run(rows[i].arguments, out, sizeof out), rows[i].code);
        ck_assert_str_eq(out, rows[i].says);
    }
    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\nadmin = off\n");
    snprintf(arguments, sizeof arguments, "status --json -c %s", s.conf);
    ck_assert_int_eq(run(arguments, out, sizeof out), 69);
    ck_assert_msg(strstr(out, "etude.ini: [server] admin is off\"}\n"), "%s",
                  out);
    server_clean(&s);
}
END_TEST

START_TEST(the_printed_reference_is_the_one_in_conf)
{
    static char printed[1 << 18], kept[1 << 18];
    const char *source = getenv("T_SOURCE");
    char path[PATH_MAX];
    FILE *f;
    size_t n;

    ck_assert_int_eq(run("--print-reference", printed, sizeof printed), 0);
    snprintf(path, sizeof path, "%s/conf/README.md",
             source && *source ? source : ".");
    f = fopen(path, "re");
    ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
    n = fread(kept, 1, sizeof kept - 1, f);
    kept[n] = '\0';
    fclose(f);
    ck_assert_msg(strcmp(printed, kept) == 0,
                  "conf/README.md is not what --print-reference prints");
}
END_TEST

START_TEST(a_check_ends_with_0_or_78)
{
    struct server s;
    char out[8192], arguments[256];
    const char *check[] = {"-t", NULL};

    server_prepare(&s, "[server]\nlisten = 127.0.0.1:1\n[plugin hello]\n");
    ck_assert_int_eq(server_run(&s, check, out, sizeof out), 0);
    ck_assert_msg(strstr(out, "etude.ini: good\n"), "%s", out);
    server_write(&s, "[server]\nlisten = nonsense\n");
    ck_assert_int_eq(server_run(&s, check, out, sizeof out), 78);
    ck_assert_msg(strstr(out, "etude.ini: not usable\n"), "%s", out);
    ck_assert_int_eq(server_run(&s, NULL, out, sizeof out), 78);
    ck_assert_int_eq(run("-t -c /nowhere/etude.ini", out, sizeof out), 78);
    ck_assert_msg(strstr(out, "/nowhere/etude.ini: cannot read it: No such"),
                  "%s", out);
    snprintf(arguments, sizeof arguments, "-t -c %s", s.dir);
    ck_assert_int_eq(run(arguments, out, sizeof out), 78);
    server_clean(&s);
}
END_TEST

START_TEST(without_c_the_configuration_is_looked_for)
{
    struct server s;
    char out[8192], command[4 * PATH_MAX], program[PATH_MAX];

    server_prepare(&s, "[server]\nlisten = 127.0.0.1:1\n[plugin hello]\n");
    setenv("ETUDE_CONF", s.conf, 1);
    ck_assert_int_eq(run("-t", out, sizeof out), 0);
    ck_assert_msg(strstr(out, s.conf), "%s", out);
    setenv("ETUDE_CONF", "/nowhere/from/env.ini", 1);
    ck_assert_int_eq(run("-t", out, sizeof out), 78);
    ck_assert_msg(strstr(out, "/nowhere/from/env.ini"), "%s", out);
    unsetenv("ETUDE_CONF");
    /* Built in a tree: that tree's, wherever one stands. */
    ck_assert_ptr_nonnull(realpath(build_dir(), program));
    strcat(program, "/etude");
    ck_assert_int_eq(chdir("/"), 0);
    run_it(program, "-t", out, sizeof out);
    ck_assert_msg(strstr(out, "/conf/etude.ini: "), "%s", out);
    ck_assert_msg(!strstr(out, "/nowhere"), "%s", out);
    /* Somewhere else: that of the system. */
    snprintf(command, sizeof command, "cp %s %s/etude", program, s.dir);
    ck_assert_int_eq(system(command), 0);
    snprintf(program, sizeof program, "%s/etude", s.dir);
    run_it(program, "-t", out, sizeof out);
    ck_assert_msg(strstr(out, "/etc/etude/etude.ini: "), "%s", out);
    server_clean(&s);
}
END_TEST

START_TEST(what_cannot_be_opened_is_told_by_the_code)
{
    struct server s;
    char out[8192];

    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\n"
                       "log = $DIR/nowhere/log\n");
    ck_assert_int_eq(server_run(&s, NULL, out, sizeof out), 78);
    ck_assert_msg(strstr(out, "etude.ini:6: [server] log: cannot open "), "%s",
                  out);
    server_write(&s, "[server]\nlisten = 127.0.0.1:0\n"
                     "pid_file = $DIR/nowhere/pid\n");
    ck_assert_int_eq(server_run(&s, NULL, out, sizeof out), 78);
    ck_assert_msg(strstr(out, "etude.ini:6: [server] pid_file: cannot write "),
                  "%s", out);
    server_write(&s, "[server]\nlisten = nosuchhost.invalid:80\n");
    ck_assert_int_eq(server_run(&s, NULL, out, sizeof out), 70);
    ck_assert_msg(strstr(out, "etude.ini:5: listen: nosuchhost.invalid: cannot "
                              "be resolved"),
                  "%s", out);
    server_clean(&s);
}
END_TEST

UNIT_MAIN(cli, version_and_help_are_printed, what_cannot_be_printed_is_an_error,
          what_is_unknown_or_missing_is_an_error_of_usage,
          words_of_a_command_are_not_looked_at, what_fails_is_json_too,
          the_printed_reference_is_the_one_in_conf, a_check_ends_with_0_or_78,
          without_c_the_configuration_is_looked_for,
          what_cannot_be_opened_is_told_by_the_code)
