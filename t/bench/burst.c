/* SPDX-License-Identifier: BSD-2-Clause */
/* burst.c - one scenario of make bench: short bursts of wrk or h2load, server
 * after server, round after round.
 *
 *     burst SCENARIO ROUNDS SECONDS CPU WRK-OPTION... <servers
 *     burst SCENARIO ROUNDS SECONDS CPU h2load H2LOAD-OPTION... <servers
 *
 * A server is a line "NAME PID URL" of the input; the client runs on CPU.  wrk
 * is interrupted when the time is over; h2load is given as many requests as the
 * server answered in that time in the burst before, and all of them are
 * answered.  All servers are alive all the time, each round begins with another
 * and every second one goes backwards: what drifts on the machine meets all of
 * them alike.  For each burst one line is printed:
 *
 *     SCENARIO NAME ROUND REQUESTS WALL_NS SERVER_NS CLIENT_NS OTHERS_NS ERRORS
 *
 * SERVER_NS is the run time of all threads of PID and its descendants,
 * OTHERS_NS what else ran on the machine.  Round 0 is a warm-up, as is -1 of
 * h2load, which tells how many requests are to be asked; neither is printed. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "t/bench/meter.h"

#define MAX_SERVERS 16
#define WARM_UP 0.25 /* seconds */
#define MOST_SECONDS 60
#define FIRST_REQUESTS 250 /* of h2load */

struct server {
    char name[64], url[256];
    struct meter meter;
    uint64_t next; /* requests of h2load's next burst */
};

struct burst {
    const char *scenario;
    double seconds;
    size_t cpu;
    char **options; /* of the client, NULL-terminated */
    int is_h2load;
};

struct result {
    uint64_t requests, wall, server, client, others, errors;
};

/* ---- the client -----------------------------------------------------------*/

static void
become_client(const struct burst *b, const struct server *s, int out)
{
    char *argv[64], count[32];
    int n = 0, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cpu_set_t cpus;

    if (!b->is_h2load)
        argv[n++] = "wrk";
    for (char **o = b->options; *o && n < 60; o++)
        argv[n++] = *o;
    snprintf(count, sizeof count, b->is_h2load ? "-n%llu" : "-d%llus",
             (unsigned long long)(b->is_h2load ? s->next : MOST_SECONDS));
    argv[n++] = count;
    argv[n++] = (char *)(uintptr_t)s->url;
    argv[n] = NULL;
    CPU_ZERO(&cpus);
    CPU_SET(b->cpu, &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execvp(argv[0], argv);
    perror(argv[0]);
    _exit(127);
}

/* All that fd says until its end.  The client is interrupted at the time
 * `stop_ns`. */
static void
collect(int fd, pid_t client, uint64_t stop_ns, char *text, size_t cap)
{
    int is_stopped = 0;
    size_t have = 0;
    ssize_t n;

    do {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left_ns = (int64_t)(stop_ns - clock_mono_ns());
        struct timespec left = {left_ns / 1000000000, left_ns % 1000000000};
        n = 1;
        if (!is_stopped && left_ns <= 0) {
            kill(client, SIGINT);
            is_stopped = 1;
        }
        if (ppoll(&p, 1, is_stopped ? NULL : &left, NULL) <= 0)
            continue;
        n = read(fd, text + have, cap - 1 - have);
        have += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    text[have] = '\0';
}

static uint64_t
number_after(const char *text, const char *label)
{
    const char *at = strstr(text, label);

    return at ? strtoull(at + strlen(label), NULL, 10) : 0;
}

static void
parse_wrk(const char *text, struct result *r)
{
    const char *at = strstr(text, " requests in ");

    while (at && at > text && isdigit((unsigned char)at[-1]))
        at--;
    r->requests = at ? strtoull(at, NULL, 10) : 0;
    r->errors = number_after(text, "Non-2xx or 3xx responses: ");
    at = strstr(text, "Socket errors: ");
    if (at)
        r->errors += number_after(at, "connect ") + number_after(at, "read ") +
                     number_after(at, "write ") + number_after(at, "timeout ");
}

/* What is in front of label in text. */
static uint64_t
number_before(const char *text, const char *label)
{
    const char *at = strstr(text, label);

    while (at && at > text && isdigit((unsigned char)at[-1]))
        at--;
    return at ? strtoull(at, NULL, 10) : 0;
}

/* The time is h2load's own: a process that starts is no part of it. */
static void
parse_h2load(const char *text, struct result *r)
{
    const char *at = strstr(text, "finished in ");
    char unit[3] = "";
    double time = 0;

    if (at && sscanf(at, "finished in %lf%2[a-z]", &time, unit) == 2)
        r->wall = (uint64_t)(time * (!strcmp(unit, "us")   ? 1e3
                                     : !strcmp(unit, "ms") ? 1e6
                                                           : 1e9));
    r->requests = number_before(text, " succeeded");
    r->errors = number_before(text, " failed") +
                number_before(text, " errored") +
                number_before(text, " timeout");
}

static uint64_t
timeval_ns(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

static struct result
run(const struct burst *b, const struct server *s, double seconds)
{
    struct result r = {0};
    uint64_t busy = meter_machine_ns(), cpu = meter_ns(&s->meter),
             begin = clock_mono_ns();
    struct rusage usage;
    char text[8192];
    int fds[2], status;
    pid_t client;

    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    client = fork();
    CHECK(client >= 0);
    if (client == 0)
        become_client(b, s, fds[1]);
    close(fds[1]);
    collect(fds[0], client, begin + (uint64_t)(seconds * 1e9), text,
            sizeof text);
    close(fds[0]);
    CHECK(wait4(client, &status, 0, &usage) == client);
    r.wall = clock_mono_ns() - begin;
    r.server = meter_ns(&s->meter) - cpu;
    r.client = timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime);
    busy = meter_machine_ns() - busy;
    if (busy > r.server + r.client)
        r.others = busy - r.server - r.client;
    if (b->is_h2load)
        parse_h2load(text, &r);
    else
        parse_wrk(text, &r);
    if (status != 0 || r.requests == 0)
        fprintf(stderr, "burst: %s %s: the client says (status %d)\n%s",
                b->scenario, s->name, status, text);
    if (status != 0)
        exit(1);
    return r;
}

static void
print(const struct burst *b, const struct server *s, int round,
      const struct result *r)
{
    const uint64_t v[] = {r->requests, r->wall,   r->server,
                          r->client,   r->others, r->errors};

    printf("%s %s %d", b->scenario, s->name, round);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        printf(" %llu", (unsigned long long)v[i]);
    putchar('\n');
    fflush(stdout);
}

static void
run_round(const struct burst *b, struct server *servers, int n, int round)
{
    for (int i = 0; i < n; i++) {
        int step = round % 2 ? i : n - i;
        struct server *s = &servers[(round / 2 + step) % n];
        struct result r = run(b, s,
                              b->is_h2load ? MOST_SECONDS
                              : round      ? b->seconds
                                           : WARM_UP);
        if (r.wall > 0)
            s->next = 1 + (uint64_t)((double)r.requests / (double)r.wall *
                                     b->seconds * 1e9);
        if (round > 0)
            print(b, s, round, &r);
    }
}

int
main(int argc, char **argv)
{
    static struct server servers[MAX_SERVERS];
    struct burst b;
    int n = 0, pid, rounds;

    if (argc < 5) {
        fprintf(stderr, "usage: %s SCENARIO ROUNDS SECONDS CPU WRK-OPTION...\n",
                argv[0]);
        return 2;
    }
    b = (struct burst){argv[1], atof(argv[3]), (size_t)atoi(argv[4]), argv + 5,
                       argc > 5 && strcmp(argv[5], "h2load") == 0};
    rounds = atoi(argv[2]);
    while (n < MAX_SERVERS &&
           scanf("%63s %d %255s", servers[n].name, &pid, servers[n].url) == 3) {
        servers[n].next = FIRST_REQUESTS;
        meter_open(&servers[n++].meter, pid);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int round = b.is_h2load ? -1 : 0; n > 0 && round <= rounds; round++)
        run_round(&b, servers, n, round);
    return 0;
}
