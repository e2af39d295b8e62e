/* SPDX-License-Identifier: BSD-2-Clause */
/* crowd.c - clients in a process of their own; see crowd.h. */
#include "t/lib/crowd.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/transport.h"

#define CONNS_MAX 5000
#define ANSWER_MAX 4000
#define WAIT_MS 30000

struct conn {
    int fd;
    size_t n;
    char buf[ANSWER_MAX];
};

static struct crowd *crowd;
static const char *request, *begins_with;
static uint16_t port;
static int poller;

__attribute__((format(printf, 1, 2), noreturn)) static void
give_up(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(crowd->why, sizeof crowd->why, fmt, ap);
    va_end(ap);
    _exit(1);
}

/* ---- a connection ---------------------------------------------------------*/

static void ended(struct conn *c, const char *why);

static void
ask(struct conn *c)
{
    size_t n = strlen(request);

    c->n = 0;
    c->buf[0] = '\0';
    if (send(c->fd, request, n, MSG_NOSIGNAL) != (ssize_t)n)
        ended(c, strerror(errno));
}

static void
open_one(struct conn *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0)
        give_up("connect: %s", strerror(errno));
    c->fd = transport_open(c->fd);
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e);
    crowd->n_connects++;
    ask(c);
}

static void
ended(struct conn *c, const char *why)
{
    int is_left = crowd->flags & CROWD_MAY_LEAVE && transport_here()->is_h2 &&
                  c->n == 0 && transport_was_told(c->fd);

    crowd->n_left += (unsigned)is_left;
    if (!is_left && !(crowd->flags & CROWD_MAY_CLOSE) && !crowd->is_excused)
        give_up(
            "after %llu answers a %s connection was closed: %s; so far: %.200s",
            (unsigned long long)crowd->n_answers,
            crowd->flags & CROWD_SHORT ? "short" : "long", why, c->buf);
    crowd->n_closed += (unsigned)!is_left;
    close(c->fd);
    open_one(c);
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
judge(struct conn *c)
{
    int closes = strstr(c->buf, "\r\nConnection: close\r\n") != NULL;
    const char *body = strstr(c->buf, "\r\n\r\n") + 4;

    if (strncmp(c->buf, "HTTP/1.1 200 ", 13) != 0 ||
        strncmp(body, begins_with, strlen(begins_with)) != 0 ||
        (closes && !crowd->flags && !crowd->is_excused))
        give_up("after %llu answers: %.300s",
                (unsigned long long)crowd->n_answers, c->buf);
    crowd->n_answers++;
    crowd->n_left += (unsigned)closes;
    if (crowd->flags & CROWD_SHORT ||
        (closes && crowd->flags & CROWD_MAY_LEAVE)) {
        close(c->fd);
        open_one(c);
    } else {
        ask(c);
    }
}

static void
read_one(struct conn *c)
{
    ssize_t n = recv(c->fd, c->buf + c->n, sizeof c->buf - 1 - c->n, 0);

    if (n <= 0) {
        ended(c, n == 0 ? "end" : strerror(errno));
        return;
    }
    c->n += (size_t)n;
    c->buf[c->n] = '\0';
    if (is_whole(c))
        judge(c);
}

static void
run(uint32_t n)
{
    struct conn *conns = calloc(n, sizeof *conns);
    struct epoll_event v[64];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    poller = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < n; i++)
        open_one(&conns[i]);
    while (!crowd->is_over) {
        int k = epoll_wait(poller, v, 64, 100);
        for (int i = 0; i < k; i++)
            read_one(v[i].data.ptr);
    }
    _exit(0);
}

/* ---- all of them ----------------------------------------------------------*/

struct crowd *
crowd_start(uint16_t to, uint32_t n, const char *what, const char *body,
            int flags)
{
    pid_t pid;

    crowd = mmap(NULL, sizeof *crowd, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(crowd, MAP_FAILED);
    ck_assert_uint_le(n, CONNS_MAX);
    *crowd = (struct crowd){.flags = flags};
    port = to;
    request = what;
    begins_with = body;
    pid = fork();
    if (pid == 0)
        run(n);
    crowd->pid = pid; /* the child shares it */
    crowd_wait(crowd, n);
    return crowd;
}

void
crowd_wait(struct crowd *c, uint64_t n)
{
    uint64_t from = c->n_answers;

    for (int i = 0; i < WAIT_MS && c->n_answers < from + n; i++) {
        if (waitpid(c->pid, NULL, WNOHANG) != 0)
            ck_abort_msg("%s", c->why);
        usleep(1000);
    }
    ck_assert_uint_ge(c->n_answers, from + n);
}

const char *
crowd_end(struct crowd *c)
{
    c->is_over = 1;
    waitpid(c->pid, NULL, 0);
    return c->why;
}
