/* SPDX-License-Identifier: BSD-2-Clause */
/* desk.c - orders of which a supervisor knows more than who serves.
 * tags: epoll */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/admin.h"
#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nruntime_dir = $DIR\n"
#define LIFE SERVER "[plugin life]\nsay = one\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define STATUS "{\"command\":\"status\"}\n"
#define UPGRADE "{\"command\":\"upgrade\"}\n"

static struct server s;
static char out[1 << 16];

static const char *
etude(int code, const char *a, const char *b, const char *c, const char *d)
{
    const char *args[] = {a, b, c, d};

    return admin_run(&s, code, args, out, sizeof out);
}

static const char *
hear(struct client *c)
{
    return admin_hear(c, out, sizeof out);
}

static const char *
ask(const char *line)
{
    return admin_ask(&s, line, out, sizeof out);
}

static void
has_process(const char *role, pid_t pid)
{
    char text[64];

    snprintf(text, sizeof text, "{\"role\":\"%s\",\"pid\":%d,", role, (int)pid);
    unit_has(out, text);
}

/* ---- reloads -------------------------------------------------------------*/

START_TEST(what_the_trial_refuses_is_told_whole)
{
    server_start(&s, LIFE);
    server_write(&s, SERVER "nonsense = 1\n[plugin life]\nfail = open\n"
                            "[plugin nobody]\n");
    etude(1, "reload", NULL, NULL, NULL);
    unit_has(out, "[server] nonsense: unknown key");
    unit_has(out, "[plugin nobody] there is no ");
    server_write(&s, SERVER "[plugin life]\nfail = init\n");
    etude(1, "reload", NULL, NULL, NULL);
    unit_has(out, "told to fail in init");
    etude(1, "reload", "--json", NULL, NULL);
    unit_has(out, "{\"ok\":false,\"exit\":1,\"generation\":1,\"errors\":[\"");
    unit_has(out, "told to fail in init");
    server_write(&s, SERVER "admin = $DIR/other\n[plugin life]\n");
    etude(1, "reload", "-s", strcat(strcpy(out, s.dir), "/etude.sock"), NULL);
    unit_has(out, "[server] admin: changed: needs a restart");
    ask(STATUS);
    unit_has(out, "\"last_reload\":{\"at\":\"2");
    unit_has(out, "\"generation\":1,\"errors\":[\"");
    client_once(&s, GET("/life"), 200, "one");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_signal_s_outcome_is_kept_too)
{
    server_start(&s, LIFE);
    server_write(&s, SERVER "[plugin life]\nsay = two\n");
    ck_assert_int_eq(server_reload(&s), 1);
    do
        ask(STATUS);
    while (strstr(out, "\"last_reload\":null"));
    unit_has(out, "\"ok\":true,\"generation\":2,\"summary\":\"");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_reload_into_another_process_is_waited_for)
{
    char text[160];
    pid_t old;

    server_start(&s, LIFE);
    old = server_pid(&s);
    server_write(&s, "[server]\nlisten = 127.0.0.1:0\n"
                     "listen = unix:$DIR/second\nworkers = 3\n"
                     "runtime_dir = $DIR\n[plugin life]\nsay = two\n");
    etude(0, "reload", NULL, NULL, NULL);
    client_once(&s, GET("/life"), 200, "two");
    server_wait_log(&s, " has left");
    ck_assert_int_ne(server_pid(&s), old);
    snprintf(text, sizeof text,
             "generation 2 serves: routes 3 changed; listeners 1 added; "
             "in another process, %d: workers\n",
             (int)server_pid(&s));
    ck_assert_str_eq(out, text);
    etude(0, "status", NULL, NULL, NULL);
    unit_has(out, "; in another process, ");
    unit_has(out, "\n     2 ");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- upgrades ------------------------------------------------------------*/

START_TEST(an_upgrade_is_waited_for)
{
    char text[96];
    struct client first, second;
    pid_t server;

    server_start(&s, LIFE);
    etude(0, "reload", NULL, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        etude(0, "upgrade", NULL, NULL, NULL);
        snprintf(text, sizeof text, "upgraded: pid %d, server process ",
                 (int)s.pid);
        ck_assert_int_eq(strncmp(out, text, strlen(text)), 0);
        server = (pid_t)atoi(out + strlen(text));
        ask(STATUS);
        has_process("serving", server);
        unit_has(out, "\"summary\":\"nothing that serves has changed");
    }
    /* Those who wait for one go over with it, and are served by the next. */
    first = admin_client(&s);
    second = admin_client(&s);
    client_puts(&first, UPGRADE);
    server_wait_log(&s, "is started to take over, for an upgrade");
    client_puts(&second, UPGRADE);
    unit_has(hear(&first), "{\"ok\":true,\"pid\":");
    unit_has(hear(&second), "{\"ok\":true,\"pid\":");
    client_puts(&first, STATUS);
    unit_has(hear(&first), "\"state\":");
    client_close(&first);
    client_close(&second);
    client_once(&s, GET("/life"), 200, "one");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(after_an_upgrade_it_is_known_which_generation_serves)
{
    server_start(&s, LIFE);
    for (int i = 0; i < 2; i++) {
        char json[64], text[64];
        snprintf(json, sizeof json, "\"generation\":%d,", i + 2);
        snprintf(text, sizeof text, "generation %d goes on", i + 2);
        etude(0, "upgrade", NULL, NULL, NULL);
        server_wait_log(&s, " has left");
        unit_has(ask(STATUS), json);
        server_write(&s, SERVER "nonsense = 1\n[plugin life]\n");
        etude(1, "reload", "--json", NULL, NULL);
        unit_has(out, json);
        server_wait_log(&s, text);
        server_write(&s, LIFE);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static void
replace_program(const char *path, const char *text)
{
    ck_assert_int_eq(unlink(path), 0);
    server_file(&s, "etude", text);
    ck_assert_int_eq(chmod(path, 0755), 0);
}

START_TEST(an_upgrade_that_fails_says_why)
{
    static char path[PATH_MAX];
    char command[3 * PATH_MAX];
    const char *build = getenv("T_BUILD");
    pid_t server;

    server_prepare(&s, LIFE);
    snprintf(path, sizeof path, "%s/etude", s.dir);
    snprintf(command, sizeof command, "cp %s/etude %s", build ? build : "build",
             path);
    ck_assert_int_eq(system(command), 0);
    s.program = path;
    server_serve(&s);
    server = server_pid(&s);
    s.program = NULL;
    replace_program(path, "\x7f"
                          "ELF nonsense");
    etude(1, "upgrade", NULL, NULL, NULL);
    unit_has(out, "etude: upgrade failed: server process ");
    unit_has(out, " has ended with exit code ");
    unit_has(out, "/etude: Exec format error");
    unit_has(out, "; what serves goes on\n");
    ck_assert_int_eq(unlink(path), 0);
    etude(1, "upgrade", "--json", NULL, NULL);
    unit_has(out, "{\"ok\":false,\"exit\":1,\"error\":\"upgrade failed: ");
    unit_has(out, "No such file");
    ck_assert_int_eq(server_pid(&s), server);
    ask(STATUS);
    has_process("serving", server);
    client_once(&s, GET("/life"), 200, "one");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- status --------------------------------------------------------------*/

START_TEST(a_build_in_quarantine_is_listed)
{
    server_start(&s, SERVER "crash_limit = 1\n[plugin faulty]\n");
    unit_has(ask(STATUS), "\"crashed\":[],");
    client_once(&s, GET("/faulty/null"), 500, NULL);
    server_wait_log(&s, " has left");
    unit_has(ask(STATUS), "\"crashed\":[{\"name\":\"org.etude.test.faulty "
                          "1.2.3\",\"sha256\":\"");
    unit_has(out, "\"crashes\":1,\"quarantined\":true}],");
    etude(0, "status", NULL, NULL, NULL);
    unit_has(out, "org.etude.test.faulty 1.2.3 ");
    unit_has(out, " 1  in quarantine\n");
    /* The ledger goes over. */
    etude(0, "upgrade", NULL, NULL, NULL);
    unit_has(ask(STATUS), "\"crashes\":1,\"quarantined\":true}],");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(two_processes_are_told_apart)
{
    struct client busy;
    pid_t old;

    server_start(&s, SERVER "[plugin life]\n[plugin slow]\n");
    old = server_pid(&s);
    busy = client_open(&s);
    client_puts(&busy, GET("/slow/3000"));
    server_wait_log(&s, "slow: begins");
    etude(0, "upgrade", NULL, NULL, NULL);
    ask(STATUS);
    has_process("leaving", old);
    unit_has(out, "{\"role\":\"serving\",\"pid\":");
    etude(0, "status", NULL, NULL, NULL);
    unit_has(out, ", leaving, since ");
    unit_has(out, ", serving, since ");
    client_take(&busy, 0, 200, "slept");
    client_close(&busy);
    server_wait_log(&s, " has left");
    ask(STATUS);
    ck_assert_ptr_null(strstr(out, "leaving"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The first of them wait; when it owes too many answers it is not asked. */
START_TEST(who_does_not_answer_is_not_waited_for)
{
    pid_t server;
    struct client c[10];

    server_start(&s, LIFE);
    server = server_pid(&s);
    ck_assert_int_eq(kill(server, SIGSTOP), 0);
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < 10; i++) {
            c[i] = admin_client(&s);
            client_puts(&c[i], STATUS);
        }
        for (int i = 0; i < 10; i++) {
            unit_has(hear(&c[i]), "{\"ok\":true,");
            has_process("serving", server);
            unit_has(out, "\"server_error\":\"the server process does not "
                          "answer");
            client_close(&c[i]);
        }
    }
    etude(0, "status", NULL, NULL, NULL);
    unit_has(out, "generation  1; the server process does not answer");
    etude(69, "routes", "--live", NULL, NULL);
    ck_assert_int_eq(kill(server, SIGCONT), 0);
    do
        ask(STATUS);
    while (!strstr(out, "\"workers\":["));
    etude(0, "routes", "--live", NULL, NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(while_nobody_serves_that_is_said)
{
    char path[160], map[160], line[512];
    struct client c;
    pid_t server;

    server_start(&s, SERVER "[plugin orders]\n[plugin keeper]\n"
                            "init_ms = 1500ms\n");
    server = server_pid(&s);
    snprintf(map, sizeof map, "%s/%d.plugins", s.dir, (int)server);
    ck_assert_int_eq(access(map, R_OK), 0);
    snprintf(path, sizeof path, "%s/there", s.dir);
    snprintf(line, sizeof line,
             "{\"command\":\"command\",\"plugin\":\"orders\",\"name\":\"wait\","
             "\"args\":[\"%s\"]}\n",
             path);
    c = admin_client(&s);
    client_puts(&c, line);
    ask(STATUS); /* the order before it is out */
    ck_assert_int_eq(kill(server, SIGKILL), 0);
    unit_has(hear(&c), "{\"ok\":false,\"exit\":69,\"error\":\"the server "
                       "process has ended before it answered\"}");
    client_close(&c);
    server_wait_log(&s, "starts again");
    ck_assert_int_ne(access(map, R_OK), 0);
    unit_has(ask("{\"command\":\"routes\"}\n"),
             "{\"ok\":false,\"exit\":69,\"error\":\"no process serves");
    unit_has(ask(STATUS), "\"state\":\"starting\"");
    unit_has(out, "\"server_error\":\"no process serves");
    server_wait_log(&s, " serves: ");
    do
        ask("{\"command\":\"routes\"}\n");
    while (!strstr(out, "{\"ok\":true,"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A supervisor that was killed could not remove what its server left. */
START_TEST(maps_of_processes_that_are_gone_are_removed)
{
    static const char *const names[] = {"999999999.plugins", "1.plugins",
                                        "x.plugins", "999999999.other"};
    char path[160];

    server_prepare(&s, LIFE);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        server_file(&s, names[i], "");
    server_serve(&s);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", s.dir, names[i]);
        ck_assert_int_eq(access(path, F_OK), i == 0 ? -1 : 0);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(desk, what_the_trial_refuses_is_told_whole,
          a_signal_s_outcome_is_kept_too,
          a_reload_into_another_process_is_waited_for, an_upgrade_is_waited_for,
          after_an_upgrade_it_is_known_which_generation_serves,
          an_upgrade_that_fails_says_why, a_build_in_quarantine_is_listed,
          two_processes_are_told_apart, who_does_not_answer_is_not_waited_for,
          while_nobody_serves_that_is_said,
          maps_of_processes_that_are_gone_are_removed)
