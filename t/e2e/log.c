/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c - the server's log: its forms, its files, and a reader that stops
 * reading.
 * tags: epoll asan tsan */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
#define UNIX "[server]\nlisten = unix:$DIR/sock\nworkers = 2\n"
#define PLUGINS "[plugin life]\n[plugin answers]\nfile = x\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* Wait until dir/name has text; the line it stands in, in a static buffer. */
static const char *
wait_line(struct server *s, const char *name, const char *text)
{
    static char all[1 << 20], line[2048];
    char path[PATH_MAX], *at, *end;

    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    for (int i = 0; i < 2000; i++) {
        FILE *f = fopen(path, "re");
        size_t n = f ? fread(all, 1, sizeof all - 1, f) : 0;
        all[n] = '\0';
        if (f)
            fclose(f);
        at = strstr(all, text);
        end = at ? strchr(at, '\n') : NULL;
        if (end) {
            while (at > all && at[-1] != '\n')
                at--;
            snprintf(line, sizeof line, "%.*s", (int)(end - at), at);
            return line;
        }
        usleep(5000);
    }
    ck_abort_msg("%s never had \"%s\", but: %s", name, text, all);
    return NULL;
}

/* "2026-11-21T02:21:00.123Z " */
static int
begins_with_a_time(const char *p)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";

    for (size_t i = 0; i < sizeof form - 1; i++) {
        if (form[i] == '0' ? p[i] < '0' || p[i] > '9' : p[i] != form[i])
            return 0;
    }
    return 1;
}

START_TEST(a_line_has_time_level_worker_and_source)
{
    struct server s;
    const char *line;

    server_start(&s, SERVER PLUGINS);
    client_once(&s, GET("/fail"), 500, NULL);
    line = wait_line(&s, "log", "told to fail");
    ck_assert_msg(begins_with_a_time(line), "%s", line);
    ck_assert_msg(strstr(line, "Z error ") && strstr(line, "worker"), "%s",
                  line);
    ck_assert_msg(strstr(line, "answers"), "%s", line);
    line = wait_line(&s, "log", "life: init life on 1");
    ck_assert_msg(strstr(line, " info ") && strstr(line, " worker=1 life: "),
                  "%s", line);
    server_write(&s, SERVER "[plugin answers]\n[plugin life]\nsay = new\n");
    ck_assert(server_reload(&s));
    line = wait_line(&s, "log", "life: exit life on 1");
    ck_assert_msg(strstr(line, " worker=1 life: "), "%s", line);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_step_that_fails_is_named_whether_it_says_why_or_not)
{
    struct server s;

    server_start(&s, SERVER PLUGINS);
    client_once(&s, GET("/fail"), 500, NULL);
    ck_assert_ptr_nonnull(
        strstr(server_wait_log(&s, "told to fail"), " answers: told to fail"));
    client_once(&s, GET("/fail/silently"), 500, NULL);
    ck_assert_ptr_nonnull(
        strstr(server_wait_log(&s, "without a reason"),
               " answers: a step of route \"fail_silently\" returned 3, which "
               "is a failure without a reason; answered with 500"));
    ck_assert(!server_has_log(&s, "\"fail_it\" returned"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(json_is_one_object_a_line)
{
    struct server s;
    const char *line;

    server_start(&s, SERVER "log_format = json\n" PLUGINS);
    client_once(&s, GET("/fail"), 500, NULL);
    line = wait_line(&s, "log", "told to fail");
    ck_assert_msg(strncmp(line, "{\"time\":\"", 9) == 0 &&
                      begins_with_a_time(line + 9),
                  "%s", line);
    ck_assert_msg(strstr(line, "\"level\":\"error\"") &&
                      strstr(line, "\"thread\":\"worker ") &&
                      line[strlen(line) - 1] == '}',
                  "%s", line);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(level_and_form_change_by_reload)
{
    struct server s;

    server_start(&s, SERVER PLUGINS);
    server_write(&s, SERVER "log_level = debug\n" PLUGINS);
    ck_assert_int_eq(server_reload(&s), 1);
    wait_line(&s, "log", "generation 1 is gone");
    server_write(&s, SERVER "log_level = info\nlog_format = json\n" PLUGINS);
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert(server_has_log(&s, "\"text\":\"reload: "));
    ck_assert(!server_has_log(&s, "generation 2 is gone"));
    server_write(&s, SERVER "log_level = error\nlog_format = json\n" PLUGINS);
    server_signal(&s, SIGHUP);
    server_signal(&s, SIGUSR1);
    usleep(300000);
    client_once(&s, GET("/fail"), 500, NULL);
    server_wait_log(&s, "told to fail");
    ck_assert(!server_has_log(&s, "generation 4"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Start the server with fd as stderr; it listens on $DIR/sock. */
static void
launch_on(struct server *s, int fd)
{
    char program[PATH_MAX];
    const char *build = getenv("T_BUILD");

    snprintf(program, sizeof program, "%s/etude", build ? build : "build");
    s->pid = fork();
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fd, STDERR_FILENO);
        execl(program, "etude", "-c", s->conf, (char *)NULL);
        _exit(127);
    }
}

static int
can_connect(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

    strcpy(to.sun_path, path);
    rc = connect(fd, (struct sockaddr *)&to, sizeof to);
    close(fd);
    return rc == 0;
}

static struct client
wait_unix(struct server *s)
{
    char path[128];

    snprintf(path, sizeof path, "%s/sock", s->dir);
    for (int i = 0; i < 2000 && !can_connect(path); i++)
        usleep(5000);
    return client_unix(path);
}

START_TEST(a_log_file_is_rotated_and_changed_by_reload)
{
    struct server s;
    struct client c;
    char from[128], to[128];
    struct stat st;

    umask(0);
    server_prepare(&s, UNIX "log = $DIR/first.log\n" PLUGINS);
    launch_on(&s, STDERR_FILENO);
    c = wait_unix(&s);
    wait_line(&s, "first.log", " serves: ");
    snprintf(from, sizeof from, "%s/first.log", s.dir);
    ck_assert_int_eq(stat(from, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0640);
    snprintf(to, sizeof to, "%s/first.log.1", s.dir);
    ck_assert_int_eq(rename(from, to), 0);
    client_expect(&c, GET("/fail"), 500, NULL);
    wait_line(&s, "first.log.1", "told to fail");
    server_signal(&s, SIGUSR1);
    wait_line(&s, "first.log", "log files reopened, 0 failed");
    client_expect(&c, GET("/fail"), 500, NULL);
    wait_line(&s, "first.log", "told to fail");
    server_write(&s, UNIX "log = $DIR/second.log\n" PLUGINS);
    server_signal(&s, SIGHUP);
    wait_line(&s, "second.log", "reload: generation 2 serves");
    /* A file cut by copytruncate is appended to, not written with a hole. */
    snprintf(from, sizeof from, "%s/second.log", s.dir);
    ck_assert_int_eq(truncate(from, 0), 0);
    client_expect(&c, GET("/fail"), 500, NULL);
    ck_assert(begins_with_a_time(wait_line(&s, "second.log", "told to fail")));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

#define LOUD 30000

START_TEST(a_log_nobody_reads_holds_up_nobody)
{
    struct server s;
    struct client c[2];
    int pipe_fds[2];
    char *got = malloc(1 << 22);
    size_t n = 0;
    ssize_t k;

    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    server_prepare(&s, UNIX PLUGINS);
    launch_on(&s, pipe_fds[1]);
    close(pipe_fds[1]);
    c[0] = wait_unix(&s);
    c[1] = wait_unix(&s);
    /* Each of these says something: far more than pipe, buffer and rings. */
    for (int i = 0; i < LOUD; i += 10) {
        client_puts(&c[0], GET("/fail") GET("/fail") GET("/fail") GET("/fail")
                               GET("/fail") GET("/fail") GET("/fail")
                                   GET("/fail") GET("/fail") GET("/fail"));
        for (int k2 = 0; k2 < 10; k2++)
            client_take(&c[0], 0, 500, NULL);
        if (i % 1000 == 0)
            client_expect(&c[1], GET("/life"), 200, "life");
    }
    /* Control still answers to signals while it cannot write. */
    server_signal(&s, SIGHUP);
    client_expect(&c[1], GET("/life"), 200, "life");
    /* Now somebody reads: the loss is told, without anything new to say. */
    for (;;) {
        struct pollfd p = {.fd = pipe_fds[0], .events = POLLIN};
        ck_assert_int_gt(poll(&p, 1, 20000), 0);
        k = read(pipe_fds[0], got + n, (1 << 22) - 1 - n);
        ck_assert_int_gt(k, 0);
        n += (size_t)k;
        got[n] = '\0';
        if (strstr(got, "lost") || strstr(got, "dropped"))
            break;
    }
    client_close(&c[0]);
    client_close(&c[1]);
    free(got);
    server_signal(&s, SIGTERM);
    for (;;) {
        char rest[4096];
        if (read(pipe_fds[0], rest, sizeof rest) <= 0)
            break;
    }
    close(pipe_fds[0]);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

/* The sum of the numbers in front of what. */
static unsigned long
sum_before(const char *text, const char *what)
{
    unsigned long n = 0;

    for (const char *at = text; (at = strstr(at, what)); at++) {
        const char *p = at;

        while (p > text && p[-1] >= '0' && p[-1] <= '9')
            p--;
        n += strtoul(p, NULL, 10);
    }
    return n;
}

static unsigned long
count(const char *text, const char *what)
{
    unsigned long n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

/* Make the pipe small and fill it. */
static void
stuff(int fd)
{
    ck_assert_int_ge(fcntl(fd, F_SETPIPE_SZ, 4096), 4096);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while (write(fd, "x", 1) > 0)
        continue;
    ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
}

static unsigned long
said_lost(const char *log)
{
    return sum_before(log, " log records dropped") +
           sum_before(log, " lines were lost");
}

/* Read until all of the n requests are told of in some way. */
static void
read_accounts(int fd, char *log, size_t cap, unsigned long n)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    size_t at = 0;

    while (count(log, "\"GET /life ") + said_lost(log) < n) {
        ssize_t k;

        ck_assert_msg(poll(&ready, 1, 20000) == 1, "%lu written, %lu lost",
                      count(log, "\"GET /life "), said_lost(log));
        k = read(fd, log + at, cap - 1 - at);
        ck_assert_int_gt(k, 0);
        at += (size_t)k;
    }
}

static unsigned long
dropped_figure(struct client *c)
{
    static const char name[] = "\netude_log_records_dropped_total ";
    struct answer a;
    const char *at;
    unsigned long n;

    client_puts(c, GET("/metrics"));
    a = client_answer(c, 0);
    at = strstr(a.body, name);
    ck_assert_ptr_nonnull(at);
    n = strtoul(at + sizeof name - 1, NULL, 10);
    answer_free(&a);
    return n;
}

#define BATCH 100
#define MANY 60000

/* Each request is a line of the access log, which is the server's log here. */
START_TEST(what_is_written_and_what_is_said_to_be_lost_is_all)
{
    static char batch[BATCH * sizeof GET("/life")], got[1 << 22];
    struct server s;
    struct client c;
    int pipe_fds[2];
    unsigned long lost;

    for (int i = 0; i < BATCH; i++)
        strcat(batch, GET("/life"));
    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    stuff(pipe_fds[1]);
    server_prepare(&s, "[server]\nlisten = unix:$DIR/sock\nworkers = 1\n"
                       "log_level = error\nmetrics = /metrics\n"
                       "[plugin access-log]\n[plugin life]\n"
                       "use = access-log\n");
    launch_on(&s, pipe_fds[1]);
    close(pipe_fds[1]);
    c = wait_unix(&s);
    for (int i = 0; i < MANY; i += BATCH) {
        client_puts(&c, batch);
        for (int k = 0; k < BATCH; k++)
            client_take(&c, 0, 200, "life");
    }
    read_accounts(pipe_fds[0], got, sizeof got, MANY);
    lost = said_lost(got);
    ck_assert_uint_gt(lost, MANY / 2);
    ck_assert_uint_eq(count(got, "\"GET /life ") + lost, MANY);
    for (int i = 0; i < 2000 && dropped_figure(&c) < lost; i++)
        usleep(5000);
    ck_assert_uint_eq(dropped_figure(&c), lost);
    client_close(&c);
    server_signal(&s, SIGTERM);
    while (read(pipe_fds[0], got, sizeof got) > 0)
        continue;
    close(pipe_fds[0]);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

START_TEST(a_reader_that_goes_away_ends_nothing)
{
    struct server s;
    struct client c;
    int pipe_fds[2];

    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    server_prepare(&s, UNIX PLUGINS);
    launch_on(&s, pipe_fds[1]);
    close(pipe_fds[1]);
    c = wait_unix(&s);
    close(pipe_fds[0]);
    for (int i = 0; i < 100; i++)
        client_expect(&c, GET("/fail"), 500, NULL);
    server_signal(&s, SIGUSR1);
    server_signal(&s, SIGHUP);
    for (int i = 0; i < 100; i++)
        client_expect(&c, GET("/life"), 200, "life");
    client_close(&c);
    server_signal(&s, SIGTERM);
    { /* its log is in nobody's hands: keep server_wait from showing it */
        FILE *f = fopen(s.log_path, "we");
        ck_assert_ptr_nonnull(f);
        fclose(f);
    }
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

START_TEST(the_journal_gets_its_priorities)
{
    struct server s;
    struct stat st;
    char stream[64], path[128];
    const char *line;
    struct client c;
    int fd;

    server_prepare(&s, UNIX PLUGINS);
    snprintf(path, sizeof path, "%s/log", s.dir);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ck_assert_int_eq(fstat(fd, &st), 0);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev,
             (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    launch_on(&s, fd);
    close(fd);
    c = wait_unix(&s);
    client_expect(&c, GET("/fail"), 500, NULL);
    client_close(&c);
    line = wait_line(&s, "log", "told to fail");
    ck_assert_msg(strncmp(line, "<3>", 3) == 0, "%s", line);
    line = wait_line(&s, "log", " serves: ");
    ck_assert_msg(strncmp(line, "<6>", 3) == 0, "%s", line);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(log, a_line_has_time_level_worker_and_source,
          a_step_that_fails_is_named_whether_it_says_why_or_not,
          json_is_one_object_a_line, level_and_form_change_by_reload,
          a_log_file_is_rotated_and_changed_by_reload,
          a_log_nobody_reads_holds_up_nobody,
          what_is_written_and_what_is_said_to_be_lost_is_all,
          a_reader_that_goes_away_ends_nothing, the_journal_gets_its_priorities)
