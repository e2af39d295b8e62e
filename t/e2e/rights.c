/* SPDX-License-Identifier: BSD-2-Clause */
/* rights.c - plugins run as [server] user, and what only root may is done by
 * reload all the same.
 *
 * Takes root to give up; skipped without. */
/* tags: epoll */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nsupervise = yes\n"           \
    "user = nobody\n"
#define GET(path)                                                              \
    "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static struct server s;

static int
is_root(void)
{
    if (geteuid() == 0 && getpwnam("nobody"))
        return 1;
    fprintf(stderr, "skipped: no root, or nobody else to be\n");
    return 0;
}

static unsigned
nobody(void)
{
    return getpwnam("nobody")->pw_uid;
}

/* A folder that all may enter and read, and nobody but root write to. */
static void
prepare(const char *ini)
{
    server_prepare(&s, ini);
    ck_assert_int_eq(chmod(s.dir, 0755), 0);
    ck_assert_int_eq(chmod(s.conf, 0600), 0); /* the supervisor's to read */
}

static void
rewrite(const char *ini)
{
    server_write(&s, ini);
    ck_assert_int_eq(chmod(s.conf, 0600), 0);
}

static void
secret(const char *text)
{
    char path[128];

    server_file(&s, "key", text);
    snprintf(path, sizeof path, "%s/key", s.dir);
    ck_assert_int_eq(chmod(path, 0600), 0);
}

/* What /proc/PID/status says of key, behind the tab. */
static const char *
status_of(pid_t pid, const char *key)
{
    static char line[512];
    char path[64];
    size_t n = strlen(key);
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, key, n) != 0 || line[n] != ':')
            continue;
        fclose(f);
        line[strcspn(line, "\n")] = '\0';
        return line + n + 2;
    }
    ck_abort_msg("no %s in %s", key, path);
    return NULL;
}

static int
is_there(pid_t pid)
{
    return kill(pid, 0) == 0 || errno != ESRCH;
}

static int
file_has(const char *name, const char *text)
{
    char path[160], found[65536] = "";
    size_t n;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", s.dir, name);
    f = fopen(path, "re");
    if (!f)
        return 0;
    n = fread(found, 1, sizeof found - 1, f);
    found[n] = '\0';
    fclose(f);
    return strstr(found, text) != NULL;
}

static void
wait_file(const char *name, const char *text)
{
    for (int i = 0; i < 4000 && !file_has(name, text); i++)
        usleep(5000);
    ck_assert_msg(file_has(name, text), "%s never had \"%s\"", name, text);
}

static void
rename_file(const char *from, const char *to)
{
    char a[160], b[160];

    snprintf(a, sizeof a, "%s/%s", s.dir, from);
    snprintf(b, sizeof b, "%s/%s", s.dir, to);
    ck_assert_int_eq(rename(a, b), 0);
}

/* ... until the next one serves. */
static void
kill_server(void)
{
    ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0);
    server_wait_log(&s, "starts again");
    server_wait_log(&s, " serves: ");
}

START_TEST(the_server_process_is_somebody_else)
{
    char expected[128];
    pid_t pid;

    if (!is_root())
        return;
    prepare(SERVER "[plugin rights]\n");
    server_serve(&s);
    pid = server_pid(&s);
    ck_assert_int_ne(pid, s.pid);
    snprintf(expected, sizeof expected, "%u\t%u\t%u\t%u", nobody(), nobody(),
             nobody(), nobody());
    ck_assert_str_eq(status_of(pid, "Uid"), expected);
    ck_assert_ptr_null(strchr(status_of(pid, "Groups"), '0'));
    ck_assert_str_eq(status_of(pid, "NoNewPrivs"), "1");
    ck_assert_str_eq(status_of(pid, "CapEff"), "0000000000000000");
    ck_assert_str_eq(status_of(pid, "CapPrm"), "0000000000000000");
    ck_assert_str_eq(status_of(pid, "CapAmb"), "0000000000000000");
    ck_assert_str_eq(status_of(s.pid, "Uid"), "0\t0\t0\t0");
    snprintf(expected, sizeof expected, "opened as %u, answers as %u", nobody(),
             nobody());
    client_once(&s, GET("/rights"), 200, expected);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* By reload, and the next process has it, too. */
START_TEST(a_key_of_root_is_rotated)
{
    if (!is_root())
        return;
    prepare(SERVER "[plugin life]\nsay = ${file:key}\n");
    secret("one");
    server_serve(&s);
    client_once(&s, GET("/life"), 200, "one");
    secret("two");
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/life"), 200, "two");
    secret("three");
    kill_server();
    client_once(&s, GET("/life"), 200, "two");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A port below 1024 that is free on an address of our own. */
static struct sockaddr_in
low_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint32_t own = (uint32_t)getpid() % 65000 + 256;

    a.sin_addr.s_addr = htonl(0x7f000000u + own);
    for (uint16_t port = 1023; port > 900; port--) {
        a.sin_port = htons(port);
        if (bind(fd, (struct sockaddr *)&a, sizeof a) == 0)
            break;
    }
    close(fd);
    return a;
}

START_TEST(a_port_of_root_is_added)
{
    struct sockaddr_in a;
    char ini[512], shown[64];
    struct client c;

    if (!is_root())
        return;
    a = low_port();
    inet_ntop(AF_INET, &a.sin_addr, shown, sizeof shown);
    prepare(SERVER "[plugin life]\n");
    server_serve(&s);
    snprintf(ini, sizeof ini, SERVER "listen = %s:%u\n[plugin life]\n", shown,
             ntohs(a.sin_port));
    rewrite(ini);
    ck_assert_int_eq(server_reload(&s), 1);
    c = client_connect_to(&a, sizeof a);
    client_expect(&c, GET("/life"), 200, "life");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The server's log and a plugin's, in a folder that its user cannot write. */
START_TEST(logs_of_root_are_rotated)
{
    static const char logs[] =
        SERVER "log = $DIR/server.log\nuse = access-log\n"
               "[plugin access-log]\npath = access.log\n[plugin life]\n";
    struct stat st;
    char path[160];

    if (!is_root())
        return;
    prepare(SERVER "[plugin life]\n");
    server_serve(&s);
    rewrite(logs);
    server_signal(&s, SIGHUP);
    wait_file("server.log", "reload: generation 2 serves");
    client_once(&s, GET("/life"), 200, "life");
    wait_file("access.log", "GET /life");
    rename_file("access.log", "access.1");
    rename_file("server.log", "server.1");
    server_signal(&s, SIGUSR1);
    wait_file("server.log", "log files reopened, 0 failed");
    client_once(&s, GET("/life/worker"), 200, NULL);
    wait_file("access.log", "GET /life/worker");
    ck_assert(!file_has("access.1", "GET /life/worker"));
    snprintf(path, sizeof path, "%s/access.log", s.dir);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_uid, 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* It could be put there by who runs plugins, and root would write to it. */
START_TEST(a_link_of_somebody_else_is_not_followed)
{
    char link[160], target[160];

    if (!is_root())
        return;
    prepare(SERVER "[plugin life]\n");
    server_serve(&s);
    snprintf(link, sizeof link, "%s/access.log", s.dir);
    snprintf(target, sizeof target, "%s/target", s.dir);
    ck_assert_int_eq(symlink("target", link), 0);
    ck_assert_int_eq(lchown(link, nobody(), (gid_t)-1), 0);
    rewrite(SERVER "use = access-log\n"
                   "[plugin access-log]\npath = access.log\n[plugin life]\n");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert(server_has_log(&s, "Too many levels of symbolic links"));
    ck_assert_int_ne(access(target, F_OK), 0);
    ck_assert_int_eq(lchown(link, 0, 0), 0);
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_int_eq(access(target, F_OK), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_socket_and_a_pid_file_are_root_s)
{
    char path[160];
    struct client c;
    struct stat st;

    if (!is_root())
        return;
    prepare(SERVER "pid_file = $DIR/pid\n[listen local]\n"
                   "address = unix:$DIR/sock\nmode = 0600\nowner = nobody\n"
                   "[plugin life]\n");
    server_serve(&s);
    snprintf(path, sizeof path, "%s/sock", s.dir);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_uint_eq(st.st_uid, nobody());
    c = client_unix(path);
    client_expect(&c, GET("/life"), 200, "life");
    client_close(&c);
    kill_server();
    c = client_unix(path);
    client_expect(&c, GET("/life"), 200, "life");
    client_close(&c);
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopped");
    for (int i = 0; i < 2000 && stat(path, &st) == 0; i++)
        usleep(5000);
    ck_assert_int_ne(stat(path, &st), 0);
    snprintf(path, sizeof path, "%s/pid", s.dir);
    ck_assert_int_eq(server_wait(&s), 0);
    ck_assert_int_ne(stat(path, &st), 0);
}
END_TEST

/* The change of identity makes the kernel forget who its parent is. */
START_TEST(it_does_not_outlive_its_supervisor)
{
    pid_t pid;

    if (!is_root())
        return;
    prepare(SERVER "[plugin life]\n");
    server_serve(&s);
    pid = server_pid(&s);
    /* Not the end of the channel, which it would have to read. */
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    ck_assert_int_eq(kill(s.pid, SIGKILL), 0);
    for (int i = 0; i < 4000 && is_there(pid); i++)
        usleep(5000);
    ck_assert(!is_there(pid));
    ck_assert_int_eq(server_wait(&s), 128 + SIGKILL);
}
END_TEST

/* Another process takes over, and another supervisor: neither plugins nor what
 * root does for them notice. */
START_TEST(an_upgrade_is_of_the_same_user)
{
    char expected[128];

    if (!is_root() || server_is_sanitized()) /* see upgrade.c */
        return;
    snprintf(expected, sizeof expected, "opened as %u, answers as %u", nobody(),
             nobody());
    prepare(SERVER "[plugin rights]\n[plugin life]\nsay = ${file:key}\n");
    secret("one");
    server_serve(&s);
    for (int i = 0; i < 2; i++) {
        pid_t pid = server_upgrade(&s);
        client_once(&s, GET("/rights"), 200, expected);
        ck_assert_str_eq(status_of(pid, "CapEff"), "0000000000000000");
        client_once(&s, GET("/rights/call/bpf"), 200, "1");
        server_wait_log(&s, "bpf is denied");
        /* A process of its own, started by the new supervisor. */
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        server_wait_log(&s, "starts again");
        server_wait_log(&s, " serves: ");
        client_once(&s, GET("/rights"), 200, expected);
        client_once(&s, GET("/rights/call/bpf"), 200, "1");
    }
    secret("two");
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/life"), 200, "two");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* All that is wrong, in one go, whoever could read what: the text of an include
 * that is missing is the supervisor's. */
START_TEST(a_reload_says_all_that_is_wrong)
{
    if (!is_root())
        return;
    prepare(SERVER "[plugin life]\n");
    server_serve(&s);
    rewrite(SERVER "include = none.ini\n[plugin life]\nsay = ${file:key}\n"
                   "[plugin rights]\nfail = yes\n[plugin none]\n"
                   "[route a]\nmatch = GET /a\nhandler = nothing\n");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert(server_has_log(&s, "[server] include: "));
    ck_assert(server_has_log(&s, "cannot read ${file:"));
    ck_assert(server_has_log(&s, "there is no "));
    ck_assert(server_has_log(&s, "nothing"));
    ck_assert_int_eq(unlink(s.conf), 0);
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert(server_has_log(&s, "etude.ini: cannot read it: No such file"));
    client_once(&s, GET("/life"), 200, "life");
    rewrite(SERVER "[plugin life]\nsay = again\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/life"), 200, "again");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- without a supervisor ------------------------------------------------*/

static char said[65536];

static int
run(const char *const *args)
{
    return server_run(&s, args, said, sizeof said);
}

/* Looking at plugins runs them. */
START_TEST(no_command_runs_plugins_as_root)
{
    static const char *const test[] = {"-t", NULL};
    char expected[64];

    if (!is_root())
        return;
    snprintf(expected, sizeof expected, "opened as user %u", nobody());
    prepare(SERVER "[plugin rights]\nfail = yes\n");
    ck_assert_int_eq(run(test), 78);
    unit_has(said, expected);
    ck_assert_int_eq(run(NULL), 78);
    unit_has(said, expected);
    rewrite(SERVER "nonsense = 1\n[plugin rights]\nfail = yes\n");
    ck_assert_int_eq(run(NULL), 78);
    unit_has(said, "nonsense");
    ck_assert_ptr_null(strstr(said, "opened as user 0"));
    server_clean(&s);
}
END_TEST

START_TEST(who_it_cannot_be_is_refused)
{
    static const struct {
        const char *keys;
        int code;
        const char *says;
    } rows[] = {
        {"user = no-such-user\n", 78,
         ": [server] user: there is no user \"no-such-user\""},
        {"user = nobody\ngroup = no-such-group\n", 78,
         ": [server] group: there is no group \"no-such-group\""},
        {"user = 4242424\n", 78, "is in no user database"},
        {"group = root\n", 78, ": [server] group: it goes with"},
        {"user = nobody\nsupervise = no\n", 78,
         "a single process cannot serve as \"nobody\""},
    };
    char ini[512];

    if (!is_root())
        return;
    prepare(SERVER);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(ini, sizeof ini,
                 "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n%s"
                 "[plugin rights]\nfail = yes\n",
                 rows[i].keys);
        rewrite(ini);
        ck_assert_int_eq(run(NULL), rows[i].code);
        unit_has(said, rows[i].says);
        ck_assert_ptr_null(strstr(said, "opened as user 0"));
    }
    server_clean(&s);
}
END_TEST

/* A uid that nobody has told the system of, as in a container. */
START_TEST(a_number_will_do)
{
    char answer[80];

    if (!is_root())
        return;
    prepare("[server]\nlisten = 127.0.0.1:0\nworkers = 1\nuser = 4242424\n"
            "group = 4242425\n[plugin rights]\n");
    server_serve(&s);
    ck_assert_str_eq(status_of(server_pid(&s), "Gid"),
                     "4242425\t4242425\t4242425\t4242425");
    ck_assert_str_eq(status_of(server_pid(&s), "Groups"), "4242425 ");
    client_once(&s, GET("/rights"), 200,
                "opened as 4242424, answers as 4242424");
    rewrite("[server]\nlisten = 127.0.0.1:0\nworkers = 1\nuser = nobody\n"
            "[plugin rights]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert(
        server_has_log(&s, "a reload needs another process: user, group"));
    server_wait_log(&s, " has left");
    snprintf(answer, sizeof answer, "opened as %u, answers as %u",
             (unsigned)nobody(), (unsigned)nobody());
    client_once(&s, GET("/rights"), 200, answer);
    ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0); /* and its successor */
    server_wait_log(&s, "starts again");
    server_wait_log(&s, " serves: ");
    client_once(&s, GET("/rights"), 200, answer);
    rewrite("[server]\nlisten = 127.0.0.1:0\nworkers = 1\nuser = nobody-here\n"
            "[plugin rights]\n");
    ck_assert_int_eq(server_reload(&s), 0);
    client_once(&s, GET("/rights"), 200, answer);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Who is not root may name itself and nobody else. */
START_TEST(only_root_can_be_another)
{
    gid_t none = 4242424;

    if (!is_root())
        return;
    prepare("[server]\nlisten = 127.0.0.1:0\nworkers = 1\nuser = nobody\n"
            "[plugin rights]\n");
    ck_assert_int_eq(chmod(s.conf, 0644), 0);
    ck_assert_int_eq(setgroups(1, &none), 0);
    ck_assert_int_eq(setresgid(none, none, none), 0);
    ck_assert_int_eq(setresuid(4242424, 4242424, 0), 0);
    ck_assert_int_eq(run(NULL), 77);
    unit_has(said, ": [server] user: only root can have plugins run "
                   "as \"nobody\"; this process is of user 4242424");
    ck_assert_int_eq(setresuid(0, 0, 0), 0);
    rewrite("[server]\nlisten = 127.0.0.1:0\nworkers = 1\nuser = 4242424\n"
            "[plugin rights]\n");
    ck_assert_int_eq(chmod(s.conf, 0644), 0);
    ck_assert_int_eq(close(open(s.log_path, O_CREAT | O_WRONLY, 0666)), 0);
    ck_assert_int_eq(chmod(s.log_path, 0666), 0);
    ck_assert_int_eq(setresuid(4242424, 4242424, 0), 0);
    server_serve(&s);
    client_once(&s, GET("/rights"), 200,
                "opened as 4242424, answers as 4242424");
    ck_assert_int_eq(setresuid(0, 0, 0), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- limits --------------------------------------------------------------*/

START_TEST(max_files_is_the_limit)
{
    const char *text;

    if (!is_root())
        return;
    prepare(SERVER "max_files = 3333\n[plugin life]\n");
    server_serve(&s);
    ck_assert(server_has_log(&s, "RLIMIT_NOFILE is 3333"));
    ck_assert_int_eq(server_stop(&s), 0);
    prepare(SERVER "max_files = 1073741824\n[plugin life]\n");
    server_serve(&s);
    text = server_has_log(&s, "[server] max_files: 1073741824 are wanted, "
                              "RLIMIT_NOFILE stays at ")
               ? "said"
               : "not said";
    ck_assert_str_eq(text, "said");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(rights, the_server_process_is_somebody_else, a_key_of_root_is_rotated,
          a_port_of_root_is_added, logs_of_root_are_rotated,
          a_link_of_somebody_else_is_not_followed,
          a_socket_and_a_pid_file_are_root_s,
          it_does_not_outlive_its_supervisor, an_upgrade_is_of_the_same_user,
          a_reload_says_all_that_is_wrong, no_command_runs_plugins_as_root,
          who_it_cannot_be_is_refused, a_number_will_do,
          only_root_can_be_another, max_files_is_the_limit)
