/* SPDX-License-Identifier: BSD-2-Clause */
/* launch.c - starts a server of make bench, and finds ports for one.
 *
 *     launch CPU COMMAND...
 *     launch -p N
 *
 * The first becomes the command, on that CPU (-: on any), with the hard limit
 * on open files and an empty standard input; it ends with its parent.  The
 * second prints N ports that nobody listens on. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

/* All are held until all are known, so that no two are the same. */
static int
print_ports(int n)
{
    for (int i = 0; i < n; i++) {
        struct sockaddr_in a = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof a;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&a, len) == 0);
        CHECK(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
        printf("%d\n", ntohs(a.sin_port));
    }
    return 0;
}

int
main(int argc, char **argv)
{
    struct rlimit files;
    cpu_set_t cpus;
    int null = open("/dev/null", O_RDONLY);

    if (argc == 3 && strcmp(argv[1], "-p") == 0)
        return print_ports(atoi(argv[2]));
    if (argc < 3) {
        fprintf(stderr, "usage: %s CPU COMMAND... | -p N\n", argv[0]);
        return 2;
    }
    CPU_ZERO(&cpus);
    CPU_SET((size_t)atoi(argv[1]), &cpus);
    if (strcmp(argv[1], "-") != 0 &&
        sched_setaffinity(0, sizeof cpus, &cpus) < 0)
        perror("launch: affinity");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(null, STDIN_FILENO);
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
