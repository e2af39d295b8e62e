/* SPDX-License-Identifier: BSD-2-Clause */
/* floor.h - what the two floor servers share: the yardstick of make bench.
 *
 * A floor is the least a server can do on this machine: it looks for blank
 * lines and sends constant bytes of the size and shape of Etude's answer.  No
 * parsing, no routing, no limits, no time-outs; a request it did not expect
 * costs the connection.  Connections come as everywhere: an acceptor thread
 * hands them to the worker through a pipe, TCP_NODELAY is inherited from the
 * listener.  floor_uring.c and floor_epoll.c are the worker.
 *
 *     floor_X PORT MODE      PORT 0: any; the one taken is printed
 *
 *     keep      keep-alive, pipelining
 *     close     one request a connection, sent with Connection: close
 *     deferred  close, with TCP_DEFER_ACCEPT
 *     echo      keep-alive; a POST with FLOOR_BODY bytes, which come back
 *
 * It ends with a signal, or with its parent. */
#ifndef T_BENCH_FLOOR_H
#define T_BENCH_FLOOR_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"

#define FLOOR_BODY 1024
#define FLOOR_BATCH 256 /* answers of one send: requests of one receive */
#define FLOOR_FDS 65536
#define FLOOR_HEAD                                                             \
    "HTTP/1.1 200 OK\r\nServer: Floor\r\n"                                     \
    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"

struct floor {
    int listener, from_acceptor, to_worker; /* descriptors */
    int is_close, is_echo;
    size_t answer_len;
    char *answers;           /* FLOOR_BATCH of them */
    uint8_t seen[FLOOR_FDS]; /* by fd: how much of CR LF CR LF was there */
};

/* The least that glibc puts in front of a system call: its own recv and send
 * are cancellation points. */
static inline ssize_t
floor_recv(int fd, void *p, size_t n)
{
    return syscall(SYS_recvfrom, fd, p, n, MSG_DONTWAIT, NULL, NULL);
}

/* is_last: the bytes wait for the close, and leave with it in one packet. */
static inline ssize_t
floor_send(int fd, const void *p, size_t n, int is_last)
{
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (is_last ? MSG_MORE : 0);

    return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

/* Blank lines that end in p[0..n). */
static inline unsigned
floor_count(uint8_t *seen, const char *p, size_t n)
{
    const char *end = p + n;
    unsigned count = 0;

    while (p < end) {
        if (*seen == 0 && !(p = memchr(p, '\r', (size_t)(end - p))))
            break;
        if (*p == "\r\n\r\n"[*seen])
            ++*seen;
        else
            *seen = *p == '\r';
        if (*seen == 4) {
            *seen = 0;
            count++;
        }
        p++;
    }
    return count;
}

/* Answer the POSTs in p[0..n), which must be whole: 0, or -1. */
static inline int
floor_echo(int fd, const char *p, size_t n, const struct floor *f)
{
    while (n > 0) {
        const char *blank = memmem(p, n, "\r\n\r\n", 4);
        size_t head = blank ? (size_t)(blank - p) + 4 : n;
        struct iovec iov[2] = {{f->answers, f->answer_len},
                               {(char *)(uintptr_t)p + head, FLOOR_BODY}};
        struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

        if (n < head + FLOOR_BODY)
            return -1;
        if (syscall(SYS_sendmsg, fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) !=
            (ssize_t)(f->answer_len + FLOOR_BODY))
            return -1;
        p += head + FLOOR_BODY;
        n -= head + FLOOR_BODY;
    }
    return 0;
}

static inline void *
floor_acceptor(void *arg)
{
    struct floor *f = arg;

    for (;;) {
        int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            CHECK(errno == EINTR || errno == ECONNABORTED || errno == EMFILE);
            continue;
        }
        CHECK(fd < FLOOR_FDS);
        f->seen[fd] = 0;
        CHECK(write(f->to_worker, &fd, sizeof fd) == sizeof fd);
    }
    return NULL;
}

static inline void
floor_answers(struct floor *f)
{
    char one[512];
    int n = snprintf(one, sizeof one,
                     FLOOR_HEAD "%sContent-Type: text/plain; charset=utf-8; "
                                "p=12345\r\nContent-Length: %d\r\n\r\n%s",
                     f->is_close ? "Connection: close\r\n" : "",
                     f->is_echo ? FLOOR_BODY : 13,
                     f->is_echo ? "" : "Hello, World!");

    f->answer_len = (size_t)n;
    f->answers = malloc(FLOOR_BATCH * f->answer_len);
    CHECK(f->answers);
    for (size_t i = 0; i < FLOOR_BATCH; i++)
        memcpy(f->answers + i * f->answer_len, one, f->answer_len);
}

static inline void
floor_listen(struct floor *f, const char *port, int is_deferred)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)atoi(port)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int one = 1;

    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(f->listener >= 0);
    setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(f->listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (is_deferred)
        setsockopt(f->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one,
                   sizeof one);
    CHECK(bind(f->listener, (struct sockaddr *)&a, len) == 0);
    CHECK(listen(f->listener, 4096) == 0);
    CHECK(getsockname(f->listener, (struct sockaddr *)&a, &len) == 0);
    printf("%d\n", ntohs(a.sin_port));
    fflush(stdout);
}

/* Take the arguments, listen, start the acceptor: from here on descriptors of
 * connections (int) come through f->from_acceptor. */
static inline void
floor_start(struct floor *f, int argc, char **argv)
{
    const char *mode = argc == 3 ? argv[2] : "";
    int is_deferred = strcmp(mode, "deferred") == 0;
    struct rlimit files;
    pthread_t thread;
    int fds[2];

    f->is_close = is_deferred || strcmp(mode, "close") == 0;
    f->is_echo = strcmp(mode, "echo") == 0;
    if (!f->is_close && !f->is_echo && strcmp(mode, "keep") != 0) {
        fprintf(stderr, "usage: %s PORT keep|close|deferred|echo\n", argv[0]);
        exit(2);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    f->from_acceptor = fds[0];
    f->to_worker = fds[1];
    floor_answers(f);
    floor_listen(f, argv[1], is_deferred);
    CHECK(pthread_create(&thread, NULL, floor_acceptor, f) == 0);
}

#endif
