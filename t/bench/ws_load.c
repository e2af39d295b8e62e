/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_load.c - WebSocket clients of make bench-waits, all of them in one thread.
 *
 *     ws_load SCENARIO ROUNDS SECONDS CPU echo CONNECTIONS BYTES DEPTH <servers
 *     ws_load SCENARIO ROUNDS SECONDS CPU fan RECEIVERS BYTES DEPTH <servers
 *     ws_load hold PORT PATH CONNECTIONS
 *
 * The first two are what burst.c is for HTTP: a server is a line "NAME PID PORT
 * PATH", all connections to all servers are open all the time, bursts
 * alternate, and lines are printed as burst.c does, a message received by us
 * being a request.  echo: DEPTH texts of BYTES are under way on each
 * connection.  fan: the first connection sends, DEPTH texts are under way, and
 * one is over when all RECEIVERS (it is among them) have it.  Texts begin with
 * the time they were sent; at the end "latency SCENARIO NAME P50 P99 MAX" is
 * printed, microseconds from there until a text was read here.
 *
 * The third opens them, says "ready", and obeys its standard input: "fan TEXTS
 * BYTES GAP_MS" prints "fan RECEIVED P50 P99 MAX", one text after the other,
 * GAP_MS from one to the next; "open" prints "open N", how many the server has
 * not closed; it ends with the input.
 *
 * What does not come within STALL_MS is missing (ERRORS), and the burst over.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "t/bench/meter.h"

#define MAX_SERVERS 8
#define MAX_BYTES 65000u
#define MAX_DEPTH 64u
#define STAMP 16u /* hexadecimal digits in front of each text */
#define STALL_MS 5000
#define WARM_UP 0.25 /* seconds */
#define STEPS 32u    /* of latency, for each doubling */

struct end { /* of a connection, ours */
    int fd;
    uint32_t owed;    /* echo: texts to send again */
    uint64_t left;    /* of the payload of the frame that comes */
    unsigned have;    /* bytes of its head, or 0 */
    unsigned stamped; /* digits of its stamp */
    unsigned char head[10];
    char stamp[STAMP + 1];
};

struct server {
    char name[64], path[128];
    int port, poll;
    struct meter meter;
    struct end *ends;
    uint64_t latency[64 * STEPS], n_latency, longest;
};

struct plan {
    const char *scenario;
    double seconds;
    int is_fan;
    uint32_t n, bytes, depth; /* connections of each server */
};

struct state { /* of a burst */
    const struct plan *plan;
    struct server *server;
    uint64_t received, sent;
    int sends; /* 0: what is under way is waited for */
};

static char texts[MAX_DEPTH * (MAX_BYTES + 14)];

static void
die(const char *what)
{
    fprintf(stderr, "ws_load: %s: %s\n", what, errno ? strerror(errno) : "?");
    exit(1);
}

/* ---- connections ---------------------------------------------------------*/

static int
connect_to(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) < 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void
shake(const struct server *s, int fd)
{
    char text[2048];
    int n = snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                     "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                     s->path, s->port);
    size_t have = 0;

    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        die("handshake");
    do {
        ssize_t got = recv(fd, text + have, sizeof text - 1 - have, 0);
        errno = got == 0 ? ECONNRESET : errno;
        if (got <= 0)
            die("handshake");
        have += (size_t)got;
        text[have] = '\0';
    } while (!strstr(text, "\r\n\r\n") && have < sizeof text - 1);
    errno = 0;
    if (strncmp(text, "HTTP/1.1 101 ", 13) != 0)
        die(text);
}

static void
open_all(struct server *s, uint32_t n)
{
    s->poll = epoll_create1(EPOLL_CLOEXEC);
    s->ends = calloc(n, sizeof *s->ends);
    CHECK(s->poll >= 0 && s->ends);
    for (uint32_t i = 0; i < n; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &s->ends[i]};
        s->ends[i].fd = connect_to(s->port);
        shake(s, s->ends[i].fd);
        CHECK(epoll_ctl(s->poll, EPOLL_CTL_ADD, s->ends[i].fd, &e) == 0);
    }
}

/* ---- latency -------------------------------------------------------------*/

static void
note(struct server *s, uint64_t ns)
{
    unsigned exponent = ns < STEPS ? 0 : 58 - (unsigned)__builtin_clzll(ns);
    uint64_t step = ns >> exponent; /* below 2 * STEPS */

    s->latency[exponent * STEPS + step]++;
    s->n_latency++;
    s->longest = ns > s->longest ? ns : s->longest;
}

/* Microseconds within which a share of the texts had come. */
static double
quantile(const struct server *s, double share)
{
    uint64_t below = 0;

    for (uint64_t i = 0; i < 64 * STEPS; i++) {
        uint64_t exponent = i < 2 * STEPS ? 0 : i / STEPS - 1;
        below += s->latency[i];
        if ((double)below >= share * (double)s->n_latency && below > 0)
            return (double)((i - exponent * STEPS) << exponent) / 1e3;
    }
    return 0;
}

static void
print_latency(const struct server *s)
{
    printf(" %.0f %.0f %.0f\n", quantile(s, 0.5), quantile(s, 0.99),
           (double)s->longest / 1e3);
    fflush(stdout);
}

/* ---- texts ---------------------------------------------------------------*/

/* A frame of bytes at to; its length.  The mask is one that changes bytes. */
static size_t
make_text(char *to, uint32_t bytes)
{
    static const char mask[4] = {0x21, 0x43, 0x65, 0x07};
    char stamp[STAMP + 1];
    size_t head = 2;

    to[0] = (char)0x81;
    if (bytes < 126) {
        to[1] = (char)(0x80 | bytes);
    } else {
        to[1] = (char)(0x80 | 126);
        to[2] = (char)(bytes >> 8);
        to[3] = (char)bytes;
        head = 4;
    }
    memcpy(to + head, mask, 4);
    head += 4;
    snprintf(stamp, sizeof stamp, "%016llx",
             (unsigned long long)clock_mono_ns());
    for (uint32_t i = 0; i < bytes; i++)
        to[head + i] = (char)((i < STAMP ? stamp[i] : 'x') ^ mask[i % 4]);
    return head + bytes;
}

static void
send_texts(struct state *b, struct end *e, uint32_t n)
{
    size_t len = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (i == 0)
            len = make_text(texts, b->plan->bytes);
        else
            memcpy(texts + i * len, texts, len);
    }
    b->sent += n;
    errno = 0;
    if (send(e->fd, texts, n * len, MSG_NOSIGNAL) != (ssize_t)(n * len))
        die("send");
}

static void
on_text(struct state *b, struct end *e)
{
    uint64_t sent = strtoull(e->stamp, NULL, 16);

    if (e->stamped == STAMP)
        note(b->server, clock_mono_ns() - sent);
    b->received++;
    e->owed++;
}

/* Take the bytes of the head of a frame, as far as they are there. */
static size_t
take_head(struct state *b, struct end *e, const unsigned char *p, size_t n)
{
    size_t at = 0;
    unsigned need = 2;

    while (at < n && e->have < need) {
        e->head[e->have++] = p[at++];
        if (e->have >= 2)
            need = e->head[1] == 127 ? 10 : e->head[1] == 126 ? 4 : 2;
    }
    if (e->have < 2 || e->have < need)
        return at;
    e->left = e->head[1];
    if (need > 2)
        e->left = 0;
    for (unsigned i = 2; i < need; i++)
        e->left = e->left << 8 | e->head[i];
    e->stamped = 0;
    e->have = 0;
    errno = 0;
    if ((e->head[0] & 0x0f) == 8)
        die("the server closes");
    if (e->left == 0 && (e->head[0] & 0x0f) < 8)
        on_text(b, e);
    return at;
}

static void
take_bytes(struct state *b, struct end *e, const unsigned char *p, size_t n)
{
    while (n > 0) {
        size_t k;
        if (e->left == 0) {
            k = take_head(b, e, p, n);
        } else {
            k = n < e->left ? n : (size_t)e->left;
            for (size_t i = 0; i < k && e->stamped < STAMP; i++)
                e->stamp[e->stamped++] = (char)p[i];
            e->left -= k;
            if (e->left == 0 && (e->head[0] & 0x0f) < 8)
                on_text(b, e);
        }
        p += k;
        n -= k;
    }
}

/* ---- a burst -------------------------------------------------------------*/

static void
receive(struct state *b, struct end *e)
{
    static unsigned char buffer[1u << 18];
    ssize_t n = recv(e->fd, buffer, sizeof buffer, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    errno = n == 0 ? ECONNRESET : errno;
    if (n <= 0)
        die("receive");
    take_bytes(b, e, buffer, (size_t)n);
    if (!b->plan->is_fan && b->sends && e->owed > 0)
        send_texts(b, e, e->owed);
    e->owed = 0;
}

/* How many texts are under way, of those that were to come. */
static uint64_t
expected(const struct state *b)
{
    return b->sent * (b->plan->is_fan ? b->plan->n : 1);
}

/* Wait for something, timeout_ms at most, and take it; 0: nothing came. */
static int
turn(struct state *b, int timeout_ms)
{
    struct epoll_event v[256];
    int n = epoll_wait(b->server->poll, v, 256, timeout_ms);

    CHECK(n >= 0 || errno == EINTR);
    for (int i = 0; i < n; i++)
        receive(b, v[i].data.ptr);
    return n;
}

static void
fan_out(struct state *b)
{
    while (expected(b) - b->received <
           (uint64_t)(b->plan->depth - 1) * b->plan->n + 1)
        send_texts(b, &b->server->ends[0], 1);
}

static void
burst(struct state *b, double seconds)
{
    uint64_t end = clock_mono_ns() + (uint64_t)(seconds * 1e9);

    b->sends = 1;
    for (uint32_t i = 0; i < b->plan->n && !b->plan->is_fan; i++)
        send_texts(b, &b->server->ends[i], b->plan->depth);
    do {
        if (b->plan->is_fan)
            fan_out(b);
        if (turn(b, STALL_MS) == 0)
            return;
    } while (clock_mono_ns() < end);
    b->sends = 0;
    while (b->received < expected(b))
        if (turn(b, STALL_MS) == 0)
            return;
}

static uint64_t
own_ns(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return ((uint64_t)u.ru_utime.tv_sec + (uint64_t)u.ru_stime.tv_sec) *
               1000000000u +
           ((uint64_t)u.ru_utime.tv_usec + (uint64_t)u.ru_stime.tv_usec) *
               1000u;
}

static void
run(const struct plan *plan, struct server *s, int round)
{
    struct state b = {.plan = plan, .server = s};
    uint64_t busy = meter_machine_ns(), cpu = meter_ns(&s->meter);
    uint64_t own = own_ns(), begin = clock_mono_ns(), wall;

    burst(&b, round ? plan->seconds : WARM_UP);
    wall = clock_mono_ns() - begin;
    cpu = meter_ns(&s->meter) - cpu;
    own = own_ns() - own;
    busy = meter_machine_ns() - busy;
    if (round == 0) {
        memset(s->latency, 0, sizeof s->latency);
        s->n_latency = s->longest = 0;
        return;
    }
    printf("%s %s %d %llu %llu %llu %llu %llu %llu\n", plan->scenario, s->name,
           round, (unsigned long long)b.received, (unsigned long long)wall,
           (unsigned long long)cpu, (unsigned long long)own,
           (unsigned long long)(busy > cpu + own ? busy - cpu - own : 0),
           (unsigned long long)(expected(&b) - b.received));
    fflush(stdout);
}

static void
all_rounds(const struct plan *plan, int rounds)
{
    static struct server servers[MAX_SERVERS];
    int n = 0, pid;

    while (n < MAX_SERVERS && scanf("%63s %d %d %127s", servers[n].name, &pid,
                                    &servers[n].port, servers[n].path) == 4) {
        open_all(&servers[n], plan->n);
        meter_open(&servers[n++].meter, pid);
    }
    for (int round = 0; n > 0 && round <= rounds; round++)
        for (int i = 0; i < n; i++)
            run(plan, &servers[(round / 2 + (round % 2 ? i : n - i)) % n],
                round);
    for (int i = 0; i < n; i++) {
        printf("latency %s %s", plan->scenario, servers[i].name);
        print_latency(&servers[i]);
    }
}

/* ---- many that are held --------------------------------------------------*/

static int
count_open(const struct server *s, uint32_t n)
{
    int n_open = 0;
    char byte;

    for (uint32_t i = 0; i < n; i++)
        n_open += recv(s->ends[i].fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 &&
                  errno == EAGAIN;
    return n_open;
}

static void
fan_slowly(struct server *s, struct plan *plan, uint32_t n_texts,
           uint32_t gap_ms)
{
    struct state b = {.plan = plan, .server = s};

    memset(s->latency, 0, sizeof s->latency);
    s->n_latency = s->longest = 0;
    for (uint32_t i = 0; i < n_texts; i++) {
        const uint64_t next = clock_mono_ns() + gap_ms * 1000000ull;
        send_texts(&b, &s->ends[0], 1);
        while (b.received < expected(&b) && turn(&b, STALL_MS) > 0)
            continue;
        if (b.received < expected(&b))
            break;
        while (clock_mono_ns() < next)
            usleep(500);
    }
    printf("fan %llu", (unsigned long long)b.received);
    print_latency(s);
}

static void
hold(int port, const char *path, uint32_t n)
{
    static struct server s;
    struct plan plan = {.is_fan = 1, .n = n, .depth = 1};
    char line[128];

    s.port = port;
    snprintf(s.path, sizeof s.path, "%s", path);
    open_all(&s, n);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        uint32_t n_texts, gap_ms;
        if (sscanf(line, "fan %u %u %u", &n_texts, &plan.bytes, &gap_ms) == 3 &&
            plan.bytes >= STAMP && plan.bytes <= MAX_BYTES)
            fan_slowly(&s, &plan, n_texts, gap_ms);
        else
            printf("open %d\n", count_open(&s, n));
        fflush(stdout);
    }
}

static void
prepare(int cpu)
{
    struct rlimit files;
    cpu_set_t cpus;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (cpu < 0)
        return;
    CPU_ZERO(&cpus);
    CPU_SET((size_t)cpu, &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
}

int
main(int argc, char **argv)
{
    struct plan plan;

    if (argc == 5 && strcmp(argv[1], "hold") == 0) {
        prepare(-1);
        hold(atoi(argv[2]), argv[3], (uint32_t)atoi(argv[4]));
        return 0;
    }
    if (argc != 9) {
        fprintf(stderr,
                "usage: %s SCENARIO ROUNDS SECONDS CPU echo|fan "
                "CONNECTIONS BYTES DEPTH | hold PORT PATH CONNECTIONS\n",
                argv[0]);
        return 2;
    }
    plan = (struct plan){argv[1],
                         atof(argv[3]),
                         strcmp(argv[5], "fan") == 0,
                         (uint32_t)atoi(argv[6]),
                         (uint32_t)atoi(argv[7]),
                         (uint32_t)atoi(argv[8])};
    CHECK(plan.n > 0 && plan.depth > 0 && plan.depth <= MAX_DEPTH);
    CHECK(plan.bytes >= STAMP && plan.bytes <= MAX_BYTES);
    prepare(atoi(argv[4]));
    all_rounds(&plan, atoi(argv[2]));
    return 0;
}
