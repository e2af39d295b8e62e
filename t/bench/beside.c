/* SPDX-License-Identifier: BSD-2-Clause */
/* beside.c - how long a client waits that asks for little, while others ask for
 * much.
 *
 *     beside PORT SECONDS
 *
 * One connection that stays, a request a millisecond after the last answer.
 * Prints how many were answered, and in microseconds the median, the 99th
 * percentile and the longest time of an answer. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#define PAUSE_US 1000
#define MAX_REQUESTS 100000

static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
static uint64_t took_ns[MAX_REQUESTS];

static int
dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* The answer is small: it comes in one piece. */
static void
ask(int fd)
{
    char answer[4096];

    CHECK(send(fd, request, sizeof request - 1, MSG_NOSIGNAL) ==
          (ssize_t)sizeof request - 1);
    CHECK(recv(fd, answer, sizeof answer, 0) > 0);
}

static int
by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
    uint64_t end_ns, begun_ns;
    size_t n = 0;
    int fd;

    if (argc != 3) {
        fprintf(stderr, "usage: %s PORT SECONDS\n", argv[0]);
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fd = dial(atoi(argv[1]));
    ask(fd);
    end_ns = clock_mono_ns() + (uint64_t)(atof(argv[2]) * 1e9);
    while (n < MAX_REQUESTS && (begun_ns = clock_mono_ns()) < end_ns) {
        ask(fd);
        took_ns[n++] = clock_mono_ns() - begun_ns;
        usleep(PAUSE_US);
    }
    CHECK(n > 0);
    qsort(took_ns, n, sizeof took_ns[0], by_size);
    printf("%zu %llu %llu %llu\n", n, (unsigned long long)took_ns[n / 2] / 1000,
           (unsigned long long)took_ns[n * 99 / 100] / 1000,
           (unsigned long long)took_ns[n - 1] / 1000);
    return 0;
}
