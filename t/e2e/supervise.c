/* SPDX-License-Identifier: BSD-2-Clause */
/* supervise.c - the process that serves dies, and who holds its sockets.
 * tags: epoll */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nsupervise = yes\n"
#define LIFE SERVER "[plugin life]\nsay = one\n"
#define GET(path)                                                              \
    "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static struct server s;

/* As the kernel says in /proc/PID/stat behind the name: the nth number. */
static long
stat_field(pid_t pid, int nth)
{
    char path[64], text[1024] = "", *at;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    if (!f)
        return -1;
    ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
    fclose(f);
    at = strrchr(text, ')');
    ck_assert_ptr_nonnull(at);
    for (at += 2; nth > 0; nth--)
        at = strchr(at, ' ') + 1;
    return strtol(at, NULL, 10);
}
#define SESSION 3

static int
is_there(pid_t pid)
{
    return kill(pid, 0) == 0 || errno != ESRCH;
}

static void
wait_until_gone(pid_t pid)
{
    for (int i = 0; i < 2000 && is_there(pid); i++)
        usleep(5000);
    ck_assert(!is_there(pid));
}

/* The end of the process that serves, until another one does. */
static pid_t
kill_server(int signo)
{
    pid_t old = server_pid(&s);

    ck_assert_int_ne(old, s.pid);
    ck_assert_int_eq(kill(old, signo), 0);
    server_wait_log(&s, "starts again");
    server_wait_log(&s, " serves: ");
    ck_assert_int_ne(server_pid(&s), old);
    return old;
}

START_TEST(two_processes_serve_and_one_is_known)
{
    char path[160];
    struct stat st;
    pid_t server;
    FILE *f;
    int pid = 0;

    server_start(&s, SERVER "pid_file = $DIR/pid\n[plugin life]\n");
    server = server_pid(&s);
    ck_assert_int_ne(server, s.pid);
    snprintf(path, sizeof path, "%s/pid", s.dir);
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
    fclose(f);
    ck_assert_int_eq(pid, s.pid);
    client_once(&s, GET("/life"), 200, "life");
    /* A signal of a terminal goes to the session of the supervisor. */
    ck_assert_int_eq(stat_field(server, SESSION), server);
    ck_assert_int_ne(stat_field(s.pid, SESSION), server);
    server_signal(&s, SIGTERM);
    wait_until_gone(server);
    for (int i = 0; i < 2000 && stat(path, &st) == 0; i++)
        usleep(5000);
    ck_assert_int_ne(stat(path, &st), 0);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

/* Who connects meanwhile waits and is served; what is on the disk does not
 * matter. */
START_TEST(who_connects_while_it_is_dead_is_served)
{
    char path[160];
    struct client c[20];

    server_start(&s, LIFE);
    server_write(&s, "[server]\nnonsense = yes\n");
    snprintf(path, sizeof path, "%s/life.so", s.modules);
    ck_assert_int_eq(truncate(path, 100), 0);
    (void)kill_server(SIGKILL);
    (void)kill_server(SIGKILL);
    ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0);
    server_wait_log(&s, "starts again in 1000 ms");
    for (int i = 0; i < 20; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i], GET("/life"));
    }
    ck_assert_int_eq(server_pid(&s), s.pid); /* nobody serves */
    for (int i = 0; i < 20; i++) {
        client_take(&c[i], 0, 200, "one");
        client_close(&c[i]);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Connect and ask, again and again, while it is killed again and again: no
 * connection is refused, though some are cut off. */
START_TEST(no_connection_is_refused)
{
    int n_answered = 0;

    server_start(&s, LIFE);
    for (int n_killed = 0; n_killed < 3; n_killed++) {
        ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0);
        do {
            struct client c = client_open(&s); /* fails if it is refused */
            if (client_try_send(&c, GET("/life"), sizeof GET("/life") - 1))
                n_answered += client_read_all(&c) > 0;
            client_close(&c);
        } while (server_count_log(&s, " serves: ") < n_killed + 2);
    }
    ck_assert_int_gt(n_answered, 0);
    client_once(&s, GET("/life"), 200, "one");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(it_is_started_later_and_later)
{
    static const char *const after[] = {" in 0 ms", " in 100 ms",
                                        " in 1000 ms"};

    server_start(&s, LIFE);
    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
        ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0);
        ck_assert_ptr_nonnull(
            strstr(server_wait_log(&s, "starts again"), after[i]));
        server_wait_log(&s, " serves: ");
        client_once(&s, GET("/life"), 200, "one");
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_reload_is_what_the_next_one_starts_from)
{
    server_start(&s,
                 SERVER "listen = unix:$DIR/sock\n[plugin life]\nsay = a\n");
    server_write(&s, SERVER "[plugin life]\nsay = b\n");
    ck_assert_int_eq(server_reload(&s), 1);
    server_write(&s, SERVER "[plugin life]\nsay = c\n[broken");
    ck_assert_int_eq(server_reload(&s), 0);
    (void)kill_server(SIGKILL);
    client_once(&s, GET("/life"), 200, "b");
    server_write(&s, SERVER "[plugin life]\nsay = d\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/life"), 200, "d");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A listener that went is nobody's; one that came has its successor too. */
START_TEST(the_sockets_are_those_of_what_serves)
{
    char path[160];
    struct client c;

    server_start(&s, SERVER "listen = unix:$DIR/one\n"
                            "[plugin life]\n");
    server_write(&s, SERVER "listen = unix:$DIR/two\n"
                            "[plugin life]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    (void)kill_server(SIGSEGV);
    snprintf(path, sizeof path, "%s/one", s.dir);
    ck_assert_int_ne(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/two", s.dir);
    c = client_unix(path);
    client_expect(&c, GET("/life"), 200, "life");
    client_close(&c);
    client_once(&s, GET("/life"), 200, "life"); /* the same port */
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopped");
    ck_assert_int_eq(server_wait(&s), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(each_worker_s_socket_is_kept)
{
    server_start(&s, SERVER "accept = reuseport\n[plugin life]\n");
    (void)kill_server(SIGKILL);
    for (int i = 0; i < 20; i++)
        client_once(&s, GET("/life"), 200, "life");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(it_does_not_outlive_its_supervisor)
{
    pid_t server;

    server_start(&s, LIFE);
    server = server_pid(&s);
    ck_assert_int_eq(kill(s.pid, SIGKILL), 0);
    wait_until_gone(server);
    ck_assert_int_eq(server_wait(&s), 128 + SIGKILL);
}
END_TEST

START_TEST(it_takes_orders_from_its_supervisor_only)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGQUIT};
    pid_t server;

    server_start(&s, LIFE);
    server = server_pid(&s);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        ck_assert_int_eq(kill(server, signals[i]), 0);
    server_write(&s, SERVER "[plugin life]\nsay = two\n");
    ck_assert_int_eq(server_reload(&s), 1); /* 2: there was none before */
    ck_assert(server_has_log(&s, "generation 2 serves"));
    ck_assert_int_eq(server_pid(&s), server);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* It may have died of the reload: the next one is not made to die of it too. */
START_TEST(a_reload_it_dies_in_has_failed)
{
    server_start(&s, LIFE "[plugin keeper]\n");
    server_write(&s, SERVER "[plugin life]\nsay = two\n"
                            "[plugin keeper]\ninit_ms = 400ms\n");
    server_signal(&s, SIGHUP);
    server_wait_log(&s, "init takes its time");
    ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0);
    server_wait_log(&s, "reload failed: the server process has died in it");
    server_wait_log(&s, " serves: ");
    client_once(&s, GET("/life"), 200, "one");
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/life"), 200, "two");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The channel is closed, or its number another file's: neither side goes on
 * without it, though nothing wakes them. */
static void
rob(const char *request)
{
    struct client c;

    server_start(&s, LIFE "[plugin closer]\n");
    c = client_open(&s);
    client_puts(&c, request); /* it may not come to its answer */
    server_wait_log(&s, "starts again in 0 ms");
    server_wait_log(&s, " serves: ");
    client_close(&c);
    client_once(&s, GET("/life"), 200, "one");
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(who_does_not_speak_any_more_is_replaced)
{
    rob(GET("/close/3"));
}
END_TEST

START_TEST(who_speaks_to_nobody_any_more_is_replaced)
{
    rob(GET("/replace/3"));
}
END_TEST

START_TEST(a_start_that_fails_is_not_tried_again)
{
    server_prepare(&s, SERVER "[plugin nothing]\n");
    ck_assert_int_eq(server_launch(&s), 78);
    ck_assert_int_eq(server_count_log(&s, "there is no "), 1);
    server_clean(&s);
}
END_TEST

START_TEST(a_stop_while_it_is_dead_is_the_end)
{
    server_start(&s, LIFE);
    (void)kill_server(SIGKILL);
    (void)kill_server(SIGKILL);
    ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0);
    server_wait_log(&s, "starts again in 1000 ms");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Ctrl-C in a terminal reaches the supervisor, and nobody in the middle of a
 * request. */
START_TEST(what_is_in_flight_ends_after_ctrl_c)
{
    struct client c;
    int terminal, log;

    server_prepare(&s, SERVER "[plugin life]\n[plugin slow]\n");
    log = open(s.log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    s.pid = forkpty(&terminal, NULL, NULL, NULL);
    ck_assert_int_ge(s.pid, 0);
    if (s.pid == 0) {
        const char *build = getenv("T_BUILD");
        char program[PATH_MAX];
        snprintf(program, sizeof program, "%s/etude", build ? build : "build");
        dup2(log, STDERR_FILENO);
        execl(program, "etude", "-c", s.conf, (char *)NULL);
        _exit(127);
    }
    close(log);
    server_wait_log(&s, " serves: ");
    s.port = server_port(&s);
    c = client_open(&s);
    client_puts(&c, GET("/slow/700"));
    server_wait_log(&s, "slow: begins");
    ck_assert_int_eq(write(terminal, "\3", 1), 1);
    client_take(&c, 0, 200, "slept");
    client_close(&c);
    ck_assert_int_eq(server_wait(&s), 0);
    close(terminal);
}
END_TEST

/* One that hangs while it starts, and nobody else serves, is not waited for for
 * ever; nor does it hold up the end. */
START_TEST(a_start_that_hangs_is_given_up)
{
    pid_t old, new;

    server_start(&s, SERVER "start_timeout = 1s\n[plugin life]\nsay = one\n"
                            "[plugin keeper]\ninit_ms = 500ms\n");
    for (int round = 0; round < 2; round++) {
        old = server_pid(&s);
        ck_assert_int_eq(kill(old, SIGKILL), 0);
        server_wait_log(&s, "starts again");
        for (int i = 0; i < 4000; i++) {
            new = server_pid(&s);
            if (new != old &&new != s.pid)
                break;
            usleep(1000);
        }
        ck_assert_int_eq(kill(new, SIGSTOP), 0);
        if (round == 1)
            break;
        server_wait_log(&s, "does not become ready");
        server_wait_log(&s, " serves: ");
        client_once(&s, GET("/life"), 200, "one");
    }
    server_signal(&s, SIGTERM);
    ck_assert_int_eq(server_wait(&s), 3);
}
END_TEST

/* ---- under a service manager ---------------------------------------------*/

/* What the manager hears next, within ten seconds. */
static const char *
hear(int manager)
{
    static char text[512];
    struct pollfd p = {.fd = manager, .events = POLLIN};
    ssize_t n;

    ck_assert_int_eq(poll(&p, 1, 10000), 1);
    n = recv(manager, text, sizeof text - 1, 0);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    return text;
}

START_TEST(a_service_manager_is_told)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    server_prepare(&s, LIFE);
    snprintf(to.sun_path, sizeof to.sun_path, "%s/notify", s.dir);
    ck_assert_int_eq(bind(manager, (struct sockaddr *)&to, sizeof to), 0);
    setenv("NOTIFY_SOCKET", to.sun_path, 1);
    server_serve(&s);
    ck_assert_str_eq(hear(manager), "READY=1\nSTATUS=serving");
    server_signal(&s, SIGHUP);
    ck_assert_ptr_nonnull(strstr(hear(manager), "RELOADING=1\n"));
    ck_assert_str_eq(hear(manager), "READY=1\nSTATUS=serving");
    server_write(&s, "[server]\nnonsense = 1\n");
    server_signal(&s, SIGHUP);
    (void)hear(manager);
    ck_assert_str_eq(hear(manager),
                     "READY=1\nSTATUS=serving; the last reload failed");
    ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0);
    ck_assert_ptr_nonnull(strstr(hear(manager), "STATUS=the server process"));
    ck_assert_str_eq(hear(manager), "READY=1\nSTATUS=serving");
    server_signal(&s, SIGTERM);
    ck_assert_ptr_nonnull(strstr(hear(manager), "STOPPING=1\n"));
    ck_assert_int_eq(server_wait(&s), 0);
    close(manager);
}
END_TEST

/* A socket with somebody in its queue, as descriptor 3 of the server. */
static void
launch_with(int listener)
{
    const char *build = getenv("T_BUILD");
    char program[PATH_MAX], pid[16];
    int log = open(s.log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);

    snprintf(program, sizeof program, "%s/etude", build ? build : "build");
    s.pid = fork();
    if (s.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(log, STDERR_FILENO);
        dup2(listener, 3);
        snprintf(pid, sizeof pid, "%d", (int)getpid());
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", "1", 1);
        execl(program, "etude", "-c", s.conf, (char *)NULL);
        _exit(127);
    }
    close(log);
    server_wait_log(&s, " serves: ");
}

START_TEST(its_sockets_are_served)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof to;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct client early, c;
    char ini[256];

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&to, len), 0);
    ck_assert_int_eq(listen(listener, 10), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&to, &len), 0);
    early = client_connect(ntohs(to.sin_port));
    client_puts(&early, GET("/life"));
    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:%u\nworkers = 2\nsupervise = yes\n"
             "[plugin life]\n",
             ntohs(to.sin_port));
    server_prepare(&s, ini);
    launch_with(listener);
    client_take(&early, 0, 200, "life");
    client_close(&early);
    ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0);
    server_wait_log(&s, "was killed by signal 9");
    c = client_connect(ntohs(to.sin_port));
    client_expect(&c, GET("/life"), 200, "life");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
    close(listener);
}
END_TEST

UNIT_MAIN(supervise, two_processes_serve_and_one_is_known,
          who_connects_while_it_is_dead_is_served, no_connection_is_refused,
          it_is_started_later_and_later,
          a_reload_is_what_the_next_one_starts_from,
          the_sockets_are_those_of_what_serves, each_worker_s_socket_is_kept,
          it_does_not_outlive_its_supervisor,
          it_takes_orders_from_its_supervisor_only,
          a_reload_it_dies_in_has_failed,
          who_does_not_speak_any_more_is_replaced,
          who_speaks_to_nobody_any_more_is_replaced,
          a_start_that_fails_is_not_tried_again,
          a_stop_while_it_is_dead_is_the_end,
          what_is_in_flight_ends_after_ctrl_c, a_start_that_hangs_is_given_up,
          a_service_manager_is_told, its_sockets_are_served)
