/* SPDX-License-Identifier: BSD-2-Clause */
/* replace.c - new builds of a handler, of a middleware and of both, dropped in
 * and taken up again and again under full load on thousands of connections:
 * nothing fails, nothing is closed, and nobody is answered by what was replaced
 * before.
 * tags: epoll */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/module.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 110
#include "t/lib/unit.h"

#define CONNECTIONS 2000
#define RELOADS 200
#define FEWER 10    /* times, where a connection of ours is two threads */
#define BETWEEN 300 /* answers, at least, from one swap to the next */
#define WORKERS 2

/* What a connection may not be answered by any more is known of its worker: it
 * is to stay there. */
static const char ini[] =
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nslab_capacity = 4000\n"
    "rebalance = no\n"
    "use = mark\n[plugin stamp]\n[plugin mark]\n";
static const char request[] = "GET /stamp HTTP/1.1\r\nHost: x\r\n\r\n";

/* What the test and the process that makes the load tell each other. */
struct shared {
    _Atomic int stamp, mark; /* the builds that serve, at least */
    _Atomic int is_ready, is_over;
    _Atomic uint64_t n; /* answers */
    char why[200];      /* something failed */
};

/* A connection, and the builds its request must at least be answered by. */
struct conn {
    int fd, worker; /* -1: not known yet */
    int least_stamp, least_mark;
    size_t n;
    char buf[600];
};

static struct shared *shared;
static int fewer;
static struct conn conns[CONNECTIONS];
static int last_stamp[WORKERS], last_mark[WORKERS]; /* as seen by us */

/* ---- the load -------------------------------------------------------------*/

__attribute__((format(printf, 1, 2), noreturn)) static void
give_up(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(shared->why, sizeof shared->why, fmt, ap);
    va_end(ap);
    _exit(1);
}

static int
larger(int a, int b)
{
    return a > b ? a : b;
}

static void
send_one(struct conn *c)
{
    c->least_stamp = shared->stamp;
    c->least_mark = shared->mark;
    if (c->worker >= 0) {
        c->least_stamp = larger(c->least_stamp, last_stamp[c->worker]);
        c->least_mark = larger(c->least_mark, last_mark[c->worker]);
    }
    if (send(c->fd, request, sizeof request - 1, MSG_NOSIGNAL) !=
        (ssize_t)sizeof request - 1)
        give_up("send: %s", strerror(errno));
}

/* One answer, whole: is it as it must be? */
static void
judge(struct conn *c)
{
    const char *mark = strstr(c->buf, "\r\nX-Mark: ");
    const char *body = strstr(c->buf, "\r\n\r\n");
    int worker, by_stamp, by_mark;

    if (strncmp(c->buf, "HTTP/1.1 200 ", 13) != 0 || !mark ||
        sscanf(mark, "\r\nX-Mark: %d", &by_mark) != 1 ||
        sscanf(body, "\r\n\r\n%d %d", &worker, &by_stamp) != 2 || worker < 0 ||
        worker >= WORKERS || strstr(c->buf, "Connection:"))
        give_up("answer: %.150s", c->buf);
    if (by_stamp < c->least_stamp || by_mark < c->least_mark)
        give_up("answered by %d, %d and not by %d, %d at least", by_stamp,
                by_mark, c->least_stamp, c->least_mark);
    if (c->worker >= 0 && c->worker != worker)
        give_up("a connection went from worker %d to %d", c->worker, worker);
    c->worker = worker;
    last_stamp[worker] = larger(last_stamp[worker], by_stamp);
    last_mark[worker] = larger(last_mark[worker], by_mark);
    shared->n++;
}

static int
is_whole(const struct conn *c)
{
    const char *body = strstr(c->buf, "\r\n\r\n");
    const char *length = strstr(c->buf, "\r\nContent-Length: ");
    size_t n;

    if (!body || !length || sscanf(length, "\r\nContent-Length: %zu", &n) != 1)
        return 0;
    return c->n >= (size_t)(body + 4 - c->buf) + n;
}

static void
on_input(struct conn *c)
{
    ssize_t k = recv(c->fd, c->buf + c->n, sizeof c->buf - 1 - c->n, 0);

    if (k <= 0)
        give_up("the server closed a connection (%s)",
                k < 0 ? strerror(errno) : "end");
    c->n += (size_t)k;
    c->buf[c->n] = '\0';
    if (!is_whole(c))
        return;
    judge(c);
    c->n = 0;
    if (!shared->is_over)
        send_one(c);
}

static int
connect_one(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        give_up("connect: %s", strerror(errno));
    return transport_open(fd);
}

/* Every connection asks again as soon as it is answered. */
__attribute__((noreturn)) static void
make_load(uint16_t port)
{
    int ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[256];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < CONNECTIONS / fewer; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &conns[i]};
        conns[i] = (struct conn){.fd = connect_one(port), .worker = -1};
        epoll_ctl(ep, EPOLL_CTL_ADD, conns[i].fd, &e);
        send_one(&conns[i]);
    }
    shared->is_ready = 1;
    while (!shared->is_over) {
        int n = epoll_wait(ep, events, 256, 1000);
        for (int i = 0; i < n; i++)
            on_input(events[i].data.ptr);
    }
    _exit(0);
}

/* ---- the whole ------------------------------------------------------------*/

static void
begin(struct server *s, pid_t *load)
{
    struct rlimit files;

    fewer = transport_here()->is_plain ? 1 : FEWER;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    server_start(s, ini);
    *load = fork();
    if (*load == 0)
        make_load(s->port);
    while (!shared->is_ready && waitpid(*load, NULL, WNOHANG) == 0)
        usleep(1000);
}

static void
end(struct server *s, pid_t load)
{
    int status;

    shared->is_over = 1;
    ck_assert_int_eq(waitpid(load, &status, 0), load);
    ck_assert_msg(status == 0, "%s", shared->why);
    printf("%llu requests\n", (unsigned long long)shared->n);
    /* Builds that nobody uses are unmapped, as they said they may be. */
    server_signal(s, SIGHUP);
    ck_assert_ptr_nonnull(
        strstr(server_wait_log(s, "reload: generation "),
               "; 1 generations alive, 0 retired images mapped"));
    ck_assert_int_eq(server_stop(s), 0);
}

/* The next swap is in the middle of requests too: false if the load has ended.
 */
static int
wait_for_answers(void)
{
    uint64_t n = shared->n + BETWEEN;

    while (shared->n < n && !shared->why[0])
        usleep(500);
    return !shared->why[0];
}

static void
replace(int handler, int middleware)
{
    struct server s;
    pid_t load;

    begin(&s, &load);
    for (int i = 1; i <= unit_rounds(RELOADS / (fewer > 1 ? 4 : 1)); i++) {
        if (handler)
            module_stamp(&s, "stamp", i);
        if (middleware)
            module_stamp(&s, "mark", i);
        server_signal(&s, SIGHUP);
        server_wait_log(&s, "reload: generation ");
        shared->stamp = handler ? i : 0;
        shared->mark = middleware ? i : 0;
        if (!wait_for_answers())
            break;
    }
    end(&s, load);
}

START_TEST(a_handler_is_replaced_under_load)
{
    replace(1, 0);
}
END_TEST

START_TEST(a_middleware_is_replaced_under_load)
{
    replace(0, 1);
}
END_TEST

START_TEST(both_are_replaced_under_load)
{
    replace(1, 1);
}
END_TEST

/* ---- storms ---------------------------------------------------------------*/

/* A number after name in a file of /proc/PID. */
static long
proc_number(const struct server *s, const char *file, const char *name)
{
    char path[64], line[256];
    long n = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)server_pid(s), file);
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    while (n < 0 && fgets(line, sizeof line, f)) {
        if (strncmp(line, name, strlen(name)) == 0)
            n = strtol(line + strlen(name), NULL, 10);
    }
    fclose(f);
    return n;
}

static int n_sent;

static void
storm(struct server *s, int n)
{
    for (int i = 0; i < n; i++, n_sent++) {
        server_signal(s, SIGHUP);
        usleep(1000);
    }
}

START_TEST(a_storm_of_signals_is_merged)
{
    struct server s;
    pid_t load;
    long early, late;
    int n;

    begin(&s, &load);
    /* Some to warm up, so to speak, then two seconds that count. */
    while (server_count_log(&s, "reload: generation ") < 30)
        storm(&s, 100);
    early = proc_number(&s, "smaps_rollup", "Pss:");
    storm(&s, 2000);
    late = proc_number(&s, "smaps_rollup", "Pss:");
    n = server_count_log(&s, "reload: generation ");
    printf("%d reloads, Pss %ld then %ld kB\n", n, early, late);
    ck_assert_int_lt(n, n_sent);
    /* And a megabyte: how many requests are in memory at once is chance;
     * what a reload leaves behind is not. */
    ck_assert_int_le(late, early + early / 20 + 1024);
    ck_assert_int_eq(server_count_log(&s, "reload failed"), 0);
    end(&s, load);
}
END_TEST

/* How many pieces of images the server has mapped. */
static int
count_mapped(const struct server *s)
{
    char path[64], line[512];
    FILE *f;
    int n = 0;

    snprintf(path, sizeof path, "/proc/%d/maps", (int)server_pid(s));
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, "/memfd:") != NULL;
    fclose(f);
    return n;
}

/* Of the process that serves and of its supervisor. */
static int
count_descriptors(const struct server *s)
{
    return server_count_fds(s->pid) + server_count_fds(server_pid(s));
}

/* The same bytes under a new date are the same image, the same instance; and of
 * a thousand bundles that held them one is left. */
START_TEST(a_touched_file_is_no_new_build)
{
    struct server s;
    char path[160];
    int n_mapped, n_descriptors = 0;

    server_start(&s, ini);
    snprintf(path, sizeof path, "%s", module_path(&s, "stamp"));
    n_mapped = count_mapped(&s);
    ck_assert_int_gt(n_mapped, 0);
    for (int i = 0; i < unit_rounds(1000); i++) {
        if (i == 1)
            n_descriptors = count_descriptors(&s);
        ck_assert_int_eq(utimensat(AT_FDCWD, path, NULL, 0), 0);
        server_signal(&s, SIGHUP);
        ck_assert_ptr_nonnull(strstr(
            server_wait_log(&s, "reload: generation "),
            ": nothing that serves has changed; 2 instances kept, 0 new;"));
    }
    ck_assert_int_eq(count_mapped(&s), n_mapped);
    /* The generation before, or its bundle, may be on its way still; so it may
     * have been at the beginning. */
    for (int i = 0; i < 2000 && count_descriptors(&s) > n_descriptors; i++)
        usleep(5000);
    ck_assert_int_le(count_descriptors(&s), n_descriptors);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(replace, a_handler_is_replaced_under_load,
          a_middleware_is_replaced_under_load, both_are_replaced_under_load,
          a_storm_of_signals_is_merged, a_touched_file_is_no_new_build)
