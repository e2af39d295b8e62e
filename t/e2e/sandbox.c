/* SPDX-License-Identifier: BSD-2-Clause */
/* sandbox.c - what the process that serves may not do, and who is named. */
/* tags: epoll */
#include <errno.h>
#include <glob.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nsupervise = yes\n"           \
    "temp_dir = $DIR/temp\n"
#define GET(path)                                                              \
    "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static struct server s;

static int
has_landlock(void)
{
    if (syscall(SYS_landlock_create_ruleset, NULL, 0,
                LANDLOCK_CREATE_RULESET_VERSION) > 0)
        return 1;
    fprintf(stderr, "skipped: this kernel has no Landlock\n");
    return 0;
}

static void
make_folder(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", s.dir, name);
    ck_assert_int_eq(mkdir(path, 0777), 0);
}

static void
start(const char *ini)
{
    unsetenv("ETUDE_SANDBOX_WRITE"); /* make cov: for what gcc writes */
    server_prepare(&s, ini);
    make_folder("temp");
    make_folder("data");
    make_folder("other");
    server_serve(&s);
}

static int
status_of(pid_t pid, const char *key)
{
    char path[64], line[256];
    size_t n = strlen(key);
    int value = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    while (value < 0 && fgets(line, sizeof line, f)) {
        if (strncmp(line, key, n) == 0 && line[n] == ':')
            value = atoi(line + n + 1);
    }
    fclose(f);
    return value;
}

/* The answer is this error, as EPERM's number. */
static void
expect(const char *path, const char *answer)
{
    char request[256];

    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    client_once(&s, request, 200, answer);
}

START_TEST(a_call_is_denied_and_named)
{
    static const char *const denied[] = {
        "bpf",     "mount", "keyctl",         "perf_event_open",
        "unshare", "setns", "io_uring_setup",
    };
    char path[64], named[64];

    start(SERVER "[plugin rights]\n");
    ck_assert_int_eq(status_of(server_pid(&s), "Seccomp"), 2);
    ck_assert_int_eq(status_of(server_pid(&s), "NoNewPrivs"), 1);
    ck_assert_int_eq(status_of(s.pid, "Seccomp"), 0);
    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++) {
        snprintf(path, sizeof path, "/rights/call/%s", denied[i]);
        expect(path, "1"); /* EPERM */
        snprintf(named, sizeof named, "\": %s is denied", denied[i]);
        server_wait_log(&s, named);
        expect(path, "1"); /* and again */
    }
    expect("/rights/call/clone", "1");
    server_wait_log(&s, "clone of a namespace is denied");
    expect("/rights/call/getpid", "0");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_program_takes_a_declaration)
{
    start(SERVER "[plugin rights]\n");
    expect("/rights/run", "1");
    server_wait_log(&s, "execve is denied");
    /* What has been given up does not come back. */
    server_write(&s, SERVER "[plugin rights]\n[plugin runs]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert(server_has_log(&s, "a reload needs another process: to execute "
                                 "programs (plugin runs)"));
    ck_assert_int_eq(server_count_log(&s, "runs: opened"), 1);
    expect("/rights/run", "0");
    /* Nor does it stay longer than it is needed. */
    server_write(&s, SERVER "[plugin rights]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    server_wait_log(&s, "as nothing needs it any more to execute programs "
                        "(plugin runs)");
    server_wait_log(&s, " has left");
    expect("/rights/run", "1");
    ck_assert_int_eq(server_stop(&s), 0);

    start(SERVER "[plugin rights]\n[plugin runs]\n");
    expect("/runs", "0 0");
    expect("/rights/call/bpf", "1");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static void
copy_program(void)
{
    char command[256];

    snprintf(command, sizeof command, "cp /bin/true %s/data/program", s.dir);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(programs_are_the_system_s)
{
    if (!has_landlock())
        return;
    start(SERVER "[plugin runs]\nprogram = data/program\n");
    copy_program();
    expect("/runs", "13 0"); /* EACCES */
    ck_assert_int_eq(server_stop(&s), 0);
    server_prepare(&s, SERVER "sandbox_exec = data\n"
                              "[plugin runs]\nprogram = data/program\n");
    make_folder("temp");
    make_folder("data");
    copy_program();
    server_serve(&s);
    expect("/runs", "0 0");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(only_what_is_named_is_written_to)
{
    if (!has_landlock())
        return;
    start(SERVER "[plugin rights]\nfile = data/file\nother = other/file\n");
    expect("/rights/write", "0 13");
    /* Less is always covered; more is not, and so is the option of a route. */
    server_write(&s, SERVER "[plugin rights]\nother = other/file\n"
                            "file = data/another\n");
    ck_assert_int_eq(server_reload(&s), 1);
    expect("/rights/write", "0 13");
    server_write(&s, SERVER "[plugin rights]\nfile = other/file\n"
                            "other = data/file\n");
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert(server_has_log(&s, "a reload needs another process: to write to "
                                 "/tmp/etude-e2e-"));
    ck_assert(server_has_log(&s, "/other (file of rights)"));
    expect("/rights/write", "0 13");
    server_write(&s, SERVER "sandbox_write = data\n[plugin rights]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert(server_has_log(&s, "/data (sandbox_write)"));
    ck_assert_int_eq(server_stop(&s), 0);

    start(SERVER "sandbox_write = other\n"
                 "[plugin rights]\nfile = data/file\nother = other/file\n");
    expect("/rights/write", "0 0");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Not the folder above it. */
START_TEST(a_folder_that_is_not_there_allows_nothing)
{
    static const char *const test[] = {"-t", NULL};
    char out[4096];

    if (!has_landlock())
        return;
    start(SERVER "sandbox_write = nosuch\n"
                 "[plugin rights]\nfile = data/file\nother = other/file\n");
    ck_assert(server_has_log(&s, "[server] sandbox_write: there is no "));
    expect("/rights/write", "0 13");
    ck_assert_int_eq(server_run(&s, test, out, sizeof out), 0);
    ck_assert_ptr_nonnull(strstr(out, "warning: "));
    ck_assert_ptr_nonnull(strstr(out, "/nosuch: nothing is allowed there"));
    server_write(&s, SERVER "core_dir = /nosuch\nsandbox_write = /nosuch\n"
                            "[plugin rights]\nfile = data/file\n"
                            "other = other/file\n");
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert(!server_has_log(&s, "a reload needs another process"));
    expect("/rights/write", "0 13");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ... and the process that comes after another one. */
START_TEST(every_process_is_held)
{
    start(SERVER "[plugin rights]\n");
    ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0);
    server_wait_log(&s, "starts again");
    server_wait_log(&s, " serves: ");
    expect("/rights/call/bpf", "1");
    server_wait_log(&s, "bpf is denied");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(it_can_be_off)
{
    start(SERVER "sandbox = off\n"
                 "[plugin rights]\nfile = data/file\nother = other/file\n");
    ck_assert(server_has_log(&s, "sandbox: there is none (sandbox = off)"));
    ck_assert_int_eq(status_of(server_pid(&s), "Seccomp"), 0);
    expect("/rights/run", "0");
    expect("/rights/write", "0 0");
    server_write(&s, SERVER "[plugin rights]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert(server_has_log(&s, "a reload needs another process: sandbox"));
    expect("/rights/run", "1");
    ck_assert_int_eq(server_stop(&s), 0);
    start("[server]\nlisten = 127.0.0.1:0\nsupervise = no\n"
          "temp_dir = $DIR/temp\n[plugin rights]\n");
    expect("/rights/run", "0");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The plugins that come with the server, each as its README shows or alone:
 * none of them needs anything that is denied. */
START_TEST(every_plugin_of_ours_runs_in_it)
{
    char ini[8192];
    const char *modules = getenv("T_MODULES");
    char pattern[512];
    int has_upload = 0;
    size_t n;
    glob_t g;

    snprintf(pattern, sizeof pattern, "%s/*.so", modules ? modules : "modules");
    ck_assert_int_eq(glob(pattern, 0, NULL, &g), 0);
    n = (size_t)snprintf(ini, sizeof ini, SERVER "body_memory = 1k\n");
    for (size_t i = 0; i < g.gl_pathc; i++) {
        const char *name = strrchr(g.gl_pathv[i], '/') + 1;
        has_upload |= strcmp(name, "upload.so") == 0;
        n += (size_t)snprintf(ini + n, sizeof ini - n, "[plugin %.*s]\n%s",
                              (int)strlen(name) - 3, name,
                              strcmp(name, "upload.so") == 0 ? "folder = data\n"
                              : strcmp(name, "static.so") == 0 ? "root = data\n"
                                                               : "");
    }
    globfree(&g);
    n += (size_t)snprintf(ini + n, sizeof ini - n,
                          "[route all]\nmatch = GET,POST /all\n"
                          "use = access-log, headers, limit-body, request-id\n"
                          "handler = echo\n"
                          "[route page]\nmatch = GET /page\n"
                          "use = access-log, headers, limit-body, request-id\n"
                          "handler = respond\nrespond.body = hello\n");
    start(ini);
    client_once(&s, GET("/page"), 200, "hello");
    client_once(&s, GET("/hello/you"), 200, NULL);
    client_once(&s,
                "POST /all HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                "Content-Length: 5\r\n\r\nhello",
                200, "hello");
    client_once(&s,
                "PUT /upload/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                "Content-Length: 5\r\n\r\nhello",
                has_upload ? 201 : 404, NULL);
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/page"), 200, "hello");
    ck_assert_int_eq(server_count_log(&s, "is denied"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(sandbox, a_call_is_denied_and_named, a_program_takes_a_declaration,
          programs_are_the_system_s, only_what_is_named_is_written_to,
          a_folder_that_is_not_there_allows_nothing, every_process_is_held,
          it_can_be_off, every_plugin_of_ours_runs_in_it)
