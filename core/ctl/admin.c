/* SPDX-License-Identifier: BSD-2-Clause */
/* admin.c - see admin.h. */
#include "ctl/admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "os/limit.h"
#include "os/sock.h"

#define BACKLOG ADMIN_CLIENTS
#define ACCEPT_AGAIN_MS 1000u  /* no descriptor was left */
#define LISTENER ADMIN_CLIENTS /* among the clients' numbers */
#define PATH_SHOWN 100         /* of one that is too long for a socket */

static const char too_many[] =
    "{\"ok\":false,\"exit\":69,\"error\":\"too many clients at once\"}\n";
static const char too_long[] =
    "{\"ok\":false,\"exit\":64,\"error\":\"a line is longer than 4096 bytes\"}";

struct client {
    int fd;          /* -1: free */
    uint32_t serial; /* of this use of the slot; never 0 */
    struct admin_peer peer;
    uint64_t since_ms; /* it brings or takes nothing */
    char *out;         /* an answer, or NULL */
    size_t n_out, n_sent;
    uint32_t n; /* of line */
    uint32_t events;
    uint8_t is_busy;   /* a line of its is at work */
    uint8_t has_ended; /* it sends no more */
    uint8_t is_last;   /* no more is heard after this answer */
    char line[ADMIN_LINE_MAX];
};

struct admin {
    int listener, epoll;
    struct sock_address address;
    struct sockfile file;
    admin_on_line *on_line;
    void *arg;
    uint64_t accept_ms; /* accept again then; 0: it does */
    uint32_t serial;
    struct client clients[ADMIN_CLIENTS];
};

/* ---- epoll ---------------------------------------------------------------*/

static int
watch(struct admin *a, int op, int fd, uint32_t events, uint32_t number)
{
    struct epoll_event e = {.events = events, .data.u32 = number};

    return epoll_ctl(a->epoll, op, fd, &e) < 0 ? -errno : 0;
}

static uint32_t
number_of(const struct admin *a, const struct client *c)
{
    return (uint32_t)(c - a->clients);
}

/* While a line is at work, or an answer on its way, only the end counts. */
static void
set_events(struct admin *a, struct client *c)
{
    uint32_t events = 0;

    if (c->out)
        events = EPOLLOUT;
    else if (!c->is_busy && !c->has_ended)
        events = EPOLLIN;
    if (events == c->events)
        return;
    c->events = events;
    (void)!watch(a, EPOLL_CTL_MOD, c->fd, events, number_of(a, c));
}

/* ---- clients -------------------------------------------------------------*/

static void
drop(struct client *c)
{
    close(c->fd);
    free(c->out);
    *c = (struct client){.fd = -1};
}

static struct client *
find(const struct admin *a, uint64_t number)
{
    uint32_t i = (uint32_t)number;

    if (i >= ADMIN_CLIENTS || a->clients[i].fd < 0 ||
        a->clients[i].serial != number >> 32)
        return NULL;
    return (struct client *)(uintptr_t)&a->clients[i];
}

/* Its number for those outside. */
static uint64_t
name_of(const struct admin *a, const struct client *c)
{
    return (uint64_t)c->serial << 32 | number_of(a, c);
}

static struct client *
find_free(struct admin *a)
{
    for (uint32_t i = 0; i < ADMIN_CLIENTS; i++) {
        if (a->clients[i].fd < 0)
            return &a->clients[i];
    }
    return NULL;
}

static void
enter(struct admin *a, struct client *c, int fd, uint64_t now_ms)
{
    struct ucred peer = {0, (uid_t)-1, (gid_t)-1};
    socklen_t n = sizeof peer;

    (void)!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n);
    if (++a->serial == 0)
        a->serial = 1;
    c->fd = fd;
    c->serial = a->serial;
    c->peer = (struct admin_peer){peer.pid, peer.uid};
    c->since_ms = now_ms;
    c->events = EPOLLIN;
    if (watch(a, EPOLL_CTL_ADD, fd, EPOLLIN, number_of(a, c)) < 0)
        drop(c);
}

/* Without a descriptor the queue would wake us again and again. */
static void
pause_accepting(struct admin *a, uint64_t now_ms)
{
    a->accept_ms = now_ms + ACCEPT_AGAIN_MS;
    (void)!watch(a, EPOLL_CTL_MOD, a->listener, 0, LISTENER);
}

static void
accept_all(struct admin *a, uint64_t now_ms)
{
    for (;;) {
        int fd = accept4(a->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct client *c;
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0) {
            if (errno != EAGAIN)
                pause_accepting(a, now_ms);
            return;
        }
        c = find_free(a);
        if (c) {
            enter(a, c, fd, now_ms);
            continue;
        }
        (void)!send(fd, too_many, sizeof too_many - 1, MSG_NOSIGNAL);
        close(fd);
    }
}

/* ---- out -----------------------------------------------------------------*/

/* Write what it takes; false if it is gone then. */
static int
flush(struct admin *a, struct client *c, uint64_t now_ms)
{
    while (c->out) {
        ssize_t n =
            send(c->fd, c->out + c->n_sent, c->n_out - c->n_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            drop(c);
            return 0;
        }
        if (n < 0)
            break;
        c->since_ms = now_ms;
        c->n_sent += (size_t)n;
        if (c->n_sent < c->n_out)
            continue;
        free(c->out);
        c->out = NULL;
        if (c->is_last) {
            drop(c);
            return 0;
        }
    }
    set_events(a, c);
    return 1;
}

static void
say(struct admin *a, struct client *c, const char *text, size_t n,
    uint64_t now_ms)
{
    c->is_busy = 0;
    c->since_ms = now_ms;
    c->out = malloc(n + 1);
    if (!c->out) {
        drop(c);
        return;
    }
    memcpy(c->out, text, n);
    c->out[n] = '\n';
    c->n_out = n + 1;
    c->n_sent = 0;
    set_events(a, c);
}

void
admin_answer(struct admin *a, uint64_t client, const char *text, size_t n,
             uint64_t now_ms)
{
    struct client *c = find(a, client);

    if (c && c->is_busy)
        say(a, c, text, n, now_ms);
}

void
admin_say(struct admin *a, uint64_t client, const char *text, size_t n)
{
    struct client *c = find(a, client);
    struct iovec v[] = {{(char *)(uintptr_t)text, n}, {"\n", 1}};
    const struct msghdr line = {.msg_iov = v, .msg_iovlen = ARRAY_LEN(v)};

    if (c && c->is_busy)
        (void)!sendmsg(c->fd, &line, MSG_NOSIGNAL);
}

/* ---- in ------------------------------------------------------------------*/

static int
is_blank(const char *p, size_t n)
{
    while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\r'))
        n--;
    return n == 0;
}

/* Take the first n bytes and what ends them, and have them answered. */
static void
hand_out(struct admin *a, struct client *c, size_t n, size_t n_taken)
{
    char line[ADMIN_LINE_MAX + 1];
    const struct admin_peer from = c->peer;

    memcpy(line, c->line, n);
    line[n] = '\0';
    c->n -= (uint32_t)n_taken;
    memmove(c->line, c->line + n_taken, c->n);
    if (is_blank(line, n))
        return;
    c->is_busy = 1;
    set_events(a, c);
    a->on_line(a->arg, name_of(a, c), &from, line, n);
}

/* Go on with what is there: answers out, then the next line to work. */
static void
work(struct admin *a, struct client *c, uint64_t now_ms)
{
    const uint32_t serial = c->serial;

    while (flush(a, c, now_ms) && !c->is_busy && !c->out) {
        const char *end = memchr(c->line, '\n', c->n);
        if (end) {
            size_t n = (size_t)(end - c->line);
            hand_out(a, c, n, n + 1);
        } else if (c->n == ADMIN_LINE_MAX) {
            c->is_last = 1;
            say(a, c, too_long, sizeof too_long - 1, now_ms);
        } else if (c->has_ended && c->n > 0) {
            hand_out(a, c, c->n, c->n);
        } else if (c->has_ended) {
            drop(c);
        } else {
            break;
        }
        if (c->serial != serial) /* it is gone */
            break;
    }
}

static void
on_readable(struct admin *a, struct client *c, uint64_t now_ms)
{
    ssize_t n;

    do
        n = recv(c->fd, c->line + c->n, ADMIN_LINE_MAX - c->n, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0) {
        drop(c);
        return;
    }
    c->n += (uint32_t)n;
    c->has_ended = n == 0;
    work(a, c, now_ms);
}

static void
on_event(struct admin *a, struct client *c, uint32_t events, uint64_t now_ms)
{
    if (c->fd < 0) /* gone in this turn */
        return;
    if (c->events & EPOLLIN)
        on_readable(a, c, now_ms);
    else if (events & (EPOLLHUP | EPOLLERR))
        drop(c);
    else
        work(a, c, now_ms);
}

/* ---- a turn --------------------------------------------------------------*/

static int
is_late(const struct client *c, uint64_t now_ms)
{
    return c->fd >= 0 && !c->is_busy &&
           now_ms >= c->since_ms + ADMIN_PATIENCE_MS;
}

int
admin_poll_fd(const struct admin *a)
{
    return a ? a->epoll : -1;
}

int
admin_timeout(const struct admin *a, uint64_t now_ms)
{
    uint64_t due_ms = a && a->accept_ms ? a->accept_ms : UINT64_MAX;

    for (uint32_t i = 0; a && i < ADMIN_CLIENTS; i++) {
        const struct client *c = &a->clients[i];
        if (c->fd >= 0 && !c->is_busy &&
            c->since_ms + ADMIN_PATIENCE_MS < due_ms)
            due_ms = c->since_ms + ADMIN_PATIENCE_MS;
    }
    if (due_ms == UINT64_MAX)
        return -1;
    return due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

void
admin_turn(struct admin *a, uint64_t now_ms)
{
    struct epoll_event v[ADMIN_CLIENTS + 1];
    int n, has_new = 0;

    if (!a)
        return;
    n = epoll_wait(a->epoll, v, ADMIN_CLIENTS + 1, 0);
    for (int i = 0; i < n; i++) {
        if (v[i].data.u32 == LISTENER)
            has_new = 1;
        else
            on_event(a, &a->clients[v[i].data.u32], v[i].events, now_ms);
    }
    for (uint32_t i = 0; i < ADMIN_CLIENTS; i++) {
        if (is_late(&a->clients[i], now_ms))
            drop(&a->clients[i]);
    }
    if (a->accept_ms && now_ms >= a->accept_ms) {
        a->accept_ms = 0;
        (void)!watch(a, EPOLL_CTL_MOD, a->listener, EPOLLIN, LISTENER);
    }
    if (has_new)
        accept_all(a, now_ms);
}

/* ---- life ----------------------------------------------------------------*/

static int
refuse(int rc, char *why, size_t cap)
{
    char text[LIMIT_TEXT_LEN];

    snprintf(why, cap, "%s", limit_explain(rc, text, sizeof text));
    return rc;
}

/* Without a socket; NULL: no memory. */
static struct admin *
new_admin(admin_on_line *on_line, void *arg)
{
    struct admin *a = malloc(sizeof *a);

    if (!a)
        return NULL;
    *a = (struct admin){
        .listener = -1, .epoll = -1, .on_line = on_line, .arg = arg};
    for (uint32_t i = 0; i < ADMIN_CLIENTS; i++)
        a->clients[i].fd = -1;
    return a;
}

/* 0 or -errno and why. */
static int
listen_there(struct admin *a, char *why, size_t cap)
{
    static const struct sock_options options = {.backlog = BACKLOG,
                                                .mode = 0600};
    int rc = a->listener = sock_listen(&a->address, &options, why, cap);

    if (rc < 0)
        return rc;
    a->file = sock_file(&a->address);
    rc = watch(a, EPOLL_CTL_ADD, a->listener, EPOLLIN, LISTENER);
    return rc < 0 ? refuse(rc, why, cap) : 0;
}

/* 0 or -errno and why; what is open is closed by admin_close. */
static int
open_all(struct admin *a, const char *path, char *why, size_t cap)
{
    int rc = sock_unix(path, &a->address);

    if (rc == 0 && (a->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        rc = -errno;
    if (rc == -ENAMETOOLONG) /* it is no address that could be named */
        snprintf(why, cap, "unix:%.*s...: %s", PATH_SHOWN, path, strerror(-rc));
    else if (rc < 0)
        (void)refuse(rc, why, cap);
    else
        rc = listen_there(a, why, cap);
    return rc;
}

int
admin_open(const char *path, admin_on_line *on_line, void *arg,
           struct admin **out, char *why, size_t cap)
{
    struct admin *a = new_admin(on_line, arg);
    int rc;

    *out = NULL;
    if (!a)
        return refuse(-ENOMEM, why, cap);
    rc = open_all(a, path, why, cap);
    if (rc < 0) {
        admin_close(a);
        return rc;
    }
    *out = a;
    return 0;
}

int
admin_adopt(int listener, struct sockfile file, admin_on_line *on_line,
            void *arg, struct admin **out)
{
    struct admin *a = new_admin(on_line, arg);
    int rc = a ? sock_name(listener, &a->address) : -ENOMEM;

    *out = NULL;
    if (rc == 0 && (a->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        rc = -errno;
    if (rc == 0)
        rc = watch(a, EPOLL_CTL_ADD, listener, EPOLLIN, LISTENER);
    if (rc < 0) {
        admin_close(a);
        return rc;
    }
    a->listener = listener;
    a->file = file;
    *out = a;
    return 0;
}

void
admin_restore(struct admin *a)
{
    const int before = a ? a->listener : -1;
    const struct sockfile file = a ? a->file : (struct sockfile){0, 0};
    struct sockfile there;
    char why[256];

    if (!a || file.ino == 0)
        return;
    there = sock_file(&a->address);
    if (there.dev == file.dev && there.ino == file.ino)
        return;
    if (listen_there(a, why, sizeof why) == 0) {
        log_warn("the admin socket's file had gone: it is made again");
        close(before);
        return;
    }
    log_error("the admin socket's file has gone: %s", why);
    if (a->listener >= 0)
        close(a->listener);
    a->listener = before;
    a->file = file;
}

int
admin_listener(const struct admin *a, struct sockfile *file)
{
    *file = a->file;
    return a->listener;
}

int
admin_client_fd(const struct admin *a, uint64_t client)
{
    const struct client *c = find(a, client);

    return c && c->is_busy ? c->fd : -1;
}

int
admin_idle_fd(const struct admin *a, uint32_t i)
{
    const struct client *c = &a->clients[i];

    return c->is_busy || c->out || c->n > 0 || c->has_ended ? -1 : c->fd;
}

void
admin_flush(struct admin *a, uint64_t now_ms)
{
    for (uint32_t i = 0; i < ADMIN_CLIENTS; i++) {
        if (a->clients[i].fd >= 0)
            (void)flush(a, &a->clients[i], now_ms);
    }
}

uint64_t
admin_adopt_client(struct admin *a, int fd, int is_busy, uint64_t now_ms)
{
    struct client *c = find_free(a);

    if (!c) {
        close(fd);
        return 0;
    }
    enter(a, c, fd, now_ms);
    if (c->fd < 0)
        return 0;
    c->is_busy = is_busy != 0;
    set_events(a, c);
    return name_of(a, c);
}

void
admin_close(struct admin *a)
{
    if (!a)
        return;
    for (uint32_t i = 0; i < ADMIN_CLIENTS; i++) {
        if (a->clients[i].fd >= 0)
            drop(&a->clients[i]);
    }
    if (a->listener >= 0) {
        sock_unlink(&a->address, a->file);
        close(a->listener);
    }
    if (a->epoll >= 0)
        close(a->epoll);
    free(a);
}
