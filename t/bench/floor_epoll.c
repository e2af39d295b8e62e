/* SPDX-License-Identifier: BSD-2-Clause */
/* floor_epoll.c - the floor on epoll (floor.h): edge-triggered, a short read
 * ends the reading, one send for all that one receive brought. */
#include <sys/epoll.h>

#include "t/bench/floor.h"

static struct floor f;
static char buffer[65536];

/* Answer what is in the socket; whether the connection goes on. */
static int
serve(int fd)
{
    ssize_t n;

    do {
        unsigned count;
        n = floor_recv(fd, buffer, sizeof buffer);
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        if (f.is_echo) {
            if (floor_echo(fd, buffer, (size_t)n, &f) < 0)
                return 0;
            continue;
        }
        count = floor_count(&f.seen[fd], buffer, (size_t)n);
        while (count > 0) {
            unsigned now = count < FLOOR_BATCH ? count : FLOOR_BATCH;
            size_t len = now * f.answer_len;
            if (floor_send(fd, f.answers, len, f.is_close) != (ssize_t)len ||
                f.is_close)
                return 0;
            count -= now;
        }
    } while (n == (ssize_t)sizeof buffer);
    return 1;
}

static void
take_connections(int epoll)
{
    int fds[1024];
    ssize_t n = read(f.from_acceptor, fds, sizeof fds);

    for (ssize_t i = 0; i < n / (ssize_t)sizeof fds[0]; i++) {
        struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET,
                                .data.fd = fds[i]};
        if (serve(fds[i]))
            epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &e);
        else
            close(fds[i]);
    }
}

int
main(int argc, char **argv)
{
    struct epoll_event ready[256], e = {.events = EPOLLIN};
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    floor_start(&f, argc, argv);
    e.data.fd = f.from_acceptor;
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, f.from_acceptor, &e) == 0);
    for (;;) {
        int n = (int)syscall(SYS_epoll_wait, epoll, ready, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd;
            if (fd == f.from_acceptor)
                take_connections(epoll);
            else if (!serve(fd))
                close(fd);
        }
    }
}
