/* SPDX-License-Identifier: BSD-2-Clause */
/* swap.c - new builds of plugins, dropped in and taken up again and again under
 * constant load, and what that does to the requests.
 *
 *     swap PORT PID LOG MODULES PARTS REPLACED ROUTES SECONDS RATE TARGETS TEXT
 *     swap -m FIXTURE MODULES PARTS     make part00.so ... of bench_part.so
 *
 * A server PID on PORT has PARTS plugins part00.so ... in MODULES and answers
 * /0 to /ROUTES-1.  64 connections ask for them in turn: again as soon as they
 * are answered (RATE 0), or RATE times a second in all, whether the server is
 * late or not; then the time a request waits to be sent counts too.  REPLACED
 * plugins are replaced by other builds every 400 ms; the next build's files are
 * there before the load begins and renamed into place.
 *
 * Latencies fall into windows of 100 ms, by the end of the request.  A window
 * is one with a reload if any part of one falls into it: from the first rename
 * to 20 ms after the log line, since the old generation is disposed of then.
 * The ratio is that of the p99 of each such window to the p99 of the last one
 * before it that had none.  Prints a row of a table, appends to TARGETS rows as
 * ratio.c does. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "t/bench/estimate.h"

#define CONNECTIONS 64
#define MS 1000000ull /* nanoseconds */
#define WINDOW_NS (100 * MS)
#define PERIOD_NS (400 * MS)
#define AFTER_NS (20 * MS)
#define RELOAD_MAX_NS (10000 * MS)
#define WARM_UP 10 /* windows without reloads that do not count */
#define MAX_RELOADS 200
#define MAX_WINDOWS 1000
#define MAX_REQUESTS (1u << 24)
#define TARGET 2.0 /* p99 with a reload to p99 without */

struct plan {
    int port, server, n_parts, n_replaced, n_routes, rate;
    const char *log, *modules, *targets, *text;
    double seconds;
    int n_reloads;
};

struct reload {
    uint64_t begin_ns, end_ns;
    unsigned long us, slowest_us;
};

/* What the two processes tell each other. */
struct shared {
    _Atomic int is_ready;      /* all builds are there: the load may begin */
    _Atomic uint64_t start_ns; /* the load began; 0: not yet */
    int n;
    struct reload v[MAX_RELOADS];
    char why[256]; /* a reload failed */
};

struct conn {
    int fd, is_busy;
    size_t have;
    unsigned next_route;
    uint64_t due_ns; /* of the request that is out, or of the next one */
};

struct window {
    uint32_t first, n; /* in latencies */
    int has_reload;
    double p50, p99, longest; /* ms */
};

static struct shared *shared;
static struct conn conns[CONNECTIONS];
static struct window windows[MAX_WINDOWS];
static uint32_t *latencies, n_latencies; /* us, in the order of their ends */
static unsigned long n_failed, n_closed;
static size_t answer_len; /* all answers have one length */
static char answer[1024];

static void
die(const char *what)
{
    fprintf(stderr, "swap: %s: %s\n", what, errno ? strerror(errno) : "?");
    exit(1);
}

static void
pause_until(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        continue;
}

/* ---- builds ---------------------------------------------------------------*/

static char image[1 << 20];
static size_t image_len;

static void
read_image(const char *path)
{
    FILE *f = fopen(path, "re");

    if (!f)
        die(path);
    image_len = fread(image, 1, sizeof image, f);
    fclose(f);
}

/* Write n digits over those behind every `mark` in the image. */
static void
set_digits(const char *mark, int n, int value)
{
    char digits[16], *at = image;
    size_t mark_len = strlen(mark);

    CHECK(snprintf(digits, sizeof digits, "%0*d", n, value) == n);
    while ((at = memmem(at, image_len - (size_t)(at - image), mark, mark_len)))
        memcpy(at += mark_len, digits, (size_t)n);
}

static void
write_image(const char *path)
{
    FILE *f = fopen(path, "we");

    if (!f || fwrite(image, 1, image_len, f) != image_len || fclose(f) != 0)
        die(path);
}

static void
part_path(char out[300], const char *modules, int part, int build)
{
    if (build)
        snprintf(out, 300, "%s/next/part%02d.%d", modules, part, build);
    else
        snprintf(out, 300, "%s/part%02d.so", modules, part);
}

static int
make_parts(const char *fixture, const char *modules, int n)
{
    char path[300];

    read_image(fixture);
    snprintf(path, sizeof path, "%s/next", modules);
    mkdir(path, 0700);
    for (int i = 0; i < n; i++) {
        set_digits("org.etude.bench.part", 2, i);
        part_path(path, modules, i, 0);
        write_image(path);
    }
    return 0;
}

/* The ith plugin that reload k (from 1) replaces. */
static int
replaced(const struct plan *p, int k, int i)
{
    return ((k - 1) * p->n_replaced + i) % p->n_parts;
}

static void
make_builds(const struct plan *p)
{
    char path[300];

    for (int k = 1; k <= p->n_reloads; k++) {
        for (int i = 0; i < p->n_replaced; i++) {
            int part = replaced(p, k, i);
            part_path(path, p->modules, part, 0);
            read_image(path);
            set_digits("STAMP:", 8, k);
            part_path(path, p->modules, part, k);
            write_image(path);
        }
    }
}

/* ---- reloads --------------------------------------------------------------*/

/* The next line of the log about a reload, in a static buffer. */
static const char *
wait_for_line(FILE *log)
{
    static char line[4096];
    uint64_t end_ns = clock_mono_ns() + RELOAD_MAX_NS;

    while (clock_mono_ns() < end_ns) {
        if (!fgets(line, sizeof line, log)) {
            clearerr(log);
            pause_until(clock_mono_ns() + 2 * MS);
        } else if (strstr(line, "reload: generation ") ||
                   strstr(line, "reload failed")) {
            return line;
        }
    }
    return "no answer";
}

static unsigned long
number_after(const char *text, const char *label)
{
    const char *at = strstr(text, label);

    return at ? strtoul(at + strlen(label), NULL, 10) : 0;
}

/* "..., slowest worker init NAME 12 us; ..." */
static unsigned long
slowest_init(const char *line)
{
    const char *at = strstr(line, ", slowest worker init ");

    at = at ? strchr(at + strlen(", slowest worker init "), ' ') : NULL;
    return at ? strtoul(at, NULL, 10) : 0;
}

/* False if it failed. */
static int
reload(const struct plan *p, FILE *log, int k)
{
    struct reload *r = &shared->v[k - 1];
    char from[300], to[300];
    const char *line;

    r->begin_ns = clock_mono_ns();
    for (int i = 0; i < p->n_replaced; i++) {
        part_path(from, p->modules, replaced(p, k, i), k);
        part_path(to, p->modules, replaced(p, k, i), 0);
        if (rename(from, to) < 0)
            die(from);
    }
    kill(p->server, SIGHUP);
    line = wait_for_line(log);
    r->end_ns = clock_mono_ns();
    r->us = number_after(line, " serves after ");
    r->slowest_us = slowest_init(line);
    shared->n = k;
    if (r->us == 0)
        snprintf(shared->why, sizeof shared->why, "%.200s", line);
    return r->us > 0;
}

__attribute__((noreturn)) static void
run_reloads(const struct plan *p)
{
    FILE *log = fopen(p->log, "re");
    uint64_t at_ns;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!log)
        die(p->log);
    make_builds(p);
    fseek(log, 0, SEEK_END);
    shared->is_ready = 1;
    while (shared->start_ns == 0)
        pause_until(clock_mono_ns() + MS);
    at_ns = shared->start_ns + WARM_UP * WINDOW_NS;
    for (int k = 1; k <= p->n_reloads; k++) {
        /* Not always at the same place of a window. */
        at_ns += PERIOD_NS + (uint64_t)(k * 37 % 100) * MS / 4;
        pause_until(at_ns);
        if (!reload(p, log, k))
            break;
    }
    _exit(0);
}

/* ---- the load -------------------------------------------------------------*/

static void
open_conn(const struct plan *p, struct conn *c, int ep)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)p->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    int one = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
    c->is_busy = 0;
    c->have = 0;
}

static void
send_one(const struct plan *p, struct conn *c)
{
    char request[128];
    int n = snprintf(request, sizeof request,
                     "GET /%u HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                     c->next_route % (unsigned)p->n_routes);

    c->next_route += CONNECTIONS + 1;
    c->is_busy = 1;
    c->have = 0;
    /* That it is closed is seen by recv. */
    (void)!send(c->fd, request, (size_t)n, MSG_NOSIGNAL);
}

static void
record(uint64_t start_ns, uint64_t due_ns, uint64_t now_ns)
{
    uint64_t w = (now_ns - start_ns) / WINDOW_NS;

    CHECK(n_latencies < MAX_REQUESTS);
    latencies[n_latencies++] = (uint32_t)((now_ns - due_ns) / 1000);
    if (w >= MAX_WINDOWS)
        return;
    if (windows[w].n++ == 0)
        windows[w].first = n_latencies - 1;
}

/* Bytes of an answer: the first one says how many it has.  Below 0: the
 * connection is of no use any more. */
static int
is_answered(struct conn *c)
{
    ssize_t n = recv(c->fd, answer, sizeof answer - 1, 0);

    if (n <= 0) {
        n_closed++;
        return -1;
    }
    if (answer_len == 0)
        answer_len = (size_t)n;
    if (c->have == 0 && (n < 13 || memcmp(answer, "HTTP/1.1 200 ", 13) != 0)) {
        n_failed++;
        return -1;
    }
    c->have += (size_t)n;
    if (c->have > answer_len) { /* it says more than it did before */
        n_failed++;
        return -1;
    }
    return c->have == answer_len;
}

static uint64_t
interval_ns(const struct plan *p)
{
    return 1000000000ull * CONNECTIONS / (uint64_t)p->rate;
}

static void
on_input(const struct plan *p, struct conn *c, int ep, uint64_t start_ns)
{
    int rc = is_answered(c);
    uint64_t now_ns = clock_mono_ns();

    if (rc == 0)
        return;
    if (rc < 0) {
        close(c->fd);
        open_conn(p, c, ep);
    } else {
        record(start_ns, c->due_ns, now_ns);
    }
    c->is_busy = 0;
    c->due_ns = p->rate ? c->due_ns + interval_ns(p) : now_ns;
}

/* Send what is due; the time at which the next one is, or far away. */
static uint64_t
send_due(const struct plan *p, uint64_t now_ns)
{
    uint64_t next_ns = now_ns + WINDOW_NS;

    for (struct conn *c = conns; c < conns + CONNECTIONS; c++) {
        if (c->is_busy)
            continue;
        if (c->due_ns <= now_ns)
            send_one(p, c);
        else if (c->due_ns < next_ns)
            next_ns = c->due_ns;
    }
    return next_ns;
}

static void
wait_for_input(int ep, uint64_t until_ns)
{
    uint64_t now_ns = clock_mono_ns();
    struct pollfd fd = {.fd = ep, .events = POLLIN};
    uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct timespec left = {0, (long)left_ns};

    ppoll(&fd, 1, &left, NULL);
}

static void
run_load(const struct plan *p)
{
    struct epoll_event events[CONNECTIONS];
    int ep = epoll_create1(EPOLL_CLOEXEC);
    uint64_t start_ns, now_ns, end_ns;

    for (unsigned i = 0; i < CONNECTIONS; i++) {
        conns[i].next_route = i;
        open_conn(p, &conns[i], ep);
    }
    start_ns = now_ns = clock_mono_ns();
    end_ns = start_ns + (uint64_t)(p->seconds * 1e9);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        conns[i].due_ns =
            start_ns + (p->rate ? i * interval_ns(p) / CONNECTIONS : 0);
    shared->start_ns = start_ns;
    while (now_ns < end_ns && !shared->why[0]) {
        int n;
        wait_for_input(ep, send_due(p, now_ns));
        n = epoll_wait(ep, events, CONNECTIONS, 0);
        for (int i = 0; i < n; i++)
            on_input(p, events[i].data.ptr, ep, start_ns);
        now_ns = clock_mono_ns();
    }
}

/* ---- figures --------------------------------------------------------------*/

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static double
percentile(const struct window *w, uint32_t percent)
{
    return latencies[w->first + (uint64_t)(w->n - 1) * percent / 100] / 1e3;
}

/* Is there a reload in [begin, begin + WINDOW_NS)? */
static int
has_reload(uint64_t begin_ns)
{
    for (int i = 0; i < shared->n; i++) {
        const struct reload *r = &shared->v[i];
        if (r->begin_ns < begin_ns + WINDOW_NS &&
            r->end_ns + AFTER_NS > begin_ns)
            return 1;
    }
    return 0;
}

/* How many windows are whole. */
static int
judge_windows(const struct plan *p)
{
    int n = (int)(p->seconds * 1e9 / (double)WINDOW_NS);

    n = n < MAX_WINDOWS ? n : MAX_WINDOWS;
    for (int i = 0; i < n; i++) {
        struct window *w = &windows[i];
        w->has_reload = has_reload(shared->start_ns + (uint64_t)i * WINDOW_NS);
        if (w->n == 0) /* nothing was answered: as bad as it can be */
            w->p50 = w->p99 = w->longest = (double)WINDOW_NS / (double)MS;
        if (w->n == 0)
            continue;
        qsort(latencies + w->first, w->n, sizeof *latencies, by_number);
        w->p50 = percentile(w, 50);
        w->p99 = percentile(w, 99);
        w->longest = percentile(w, 100);
    }
    return n;
}

/* The places of windows around a reload. */
enum place { BEFORE, DURING, AFTER, ANY_WITHOUT };

static int
is_at(int i, int n, enum place place)
{
    int with = windows[i].has_reload;

    switch (place) {
    case DURING: return with;
    case BEFORE: return !with && i + 1 < n && windows[i + 1].has_reload;
    case AFTER: return !with && windows[i - 1].has_reload;
    case ANY_WITHOUT: return !with;
    }
    return 0;
}

/* The median of the figure at offset `off` of the windows at a place. */
static double
middle(int n, enum place place, size_t off)
{
    double v[MAX_WINDOWS];
    int n_values = 0;

    for (int i = WARM_UP; i < n; i++) {
        if (is_at(i, n, place))
            v[n_values++] = *(double *)(void *)((char *)&windows[i] + off);
    }
    return estimate_median(v, n_values);
}

static double
longest(int n, int with)
{
    double most = 0;

    for (int i = WARM_UP; i < n; i++) {
        if (windows[i].has_reload == with && windows[i].longest > most)
            most = windows[i].longest;
    }
    return most;
}

static struct estimate
compare(int n)
{
    double v[ESTIMATE_MAX], before = 0;
    int n_values = 0;

    for (int i = WARM_UP; i < n && n_values < ESTIMATE_MAX; i++) {
        if (!windows[i].has_reload)
            before = windows[i].p99;
        else if (before > 0)
            v[n_values++] = windows[i].p99 / before;
    }
    return estimate_of(v, n_values);
}

static void
print_reloads(void)
{
    double v[MAX_RELOADS];
    unsigned long most = 0;

    for (int i = 0; i < shared->n; i++) {
        v[i] = (double)shared->v[i].us / 1e3;
        if (shared->v[i].slowest_us > most)
            most = shared->v[i].slowest_us;
    }
    printf(" %d | %.1f |", shared->n, estimate_median(v, shared->n));
    printf(" %.1f | %lu |", shared->n ? v[shared->n - 1] : 0, most);
}

static void
print_row(const struct plan *p, int n, const struct estimate *e)
{
    const size_t p50 = offsetof(struct window, p50);
    const size_t p99 = offsetof(struct window, p99);

    printf(" %.0f | %lu / %lu |", n_latencies / p->seconds, n_failed, n_closed);
    print_reloads();
    printf(" %.2f / %.2f |", middle(n, ANY_WITHOUT, p50),
           middle(n, DURING, p50));
    printf(" %.2f / %.2f / %.2f |", middle(n, BEFORE, p99),
           middle(n, DURING, p99), middle(n, AFTER, p99));
    printf(" %.1f / %.1f |", longest(n, 0), longest(n, 1));
    printf(" %.2f [%.2f-%.2f] |\n", e->median, e->low, e->high);
}

static void
print_targets(const struct plan *p, const struct estimate *e)
{
    FILE *out = fopen(p->targets, "ae");
    unsigned long n_lost = n_failed + n_closed;

    if (!out)
        die(p->targets);
    fprintf(out, "%s: failed or closed | 0 | %lu | - | %s\n", p->text, n_lost,
            n_lost == 0 ? "yes" : "no");
    if (p->rate == 0) /* the target is one of full load */
        fprintf(out,
                "%s: p99, windows with a reload | %g | %.2f | %.2f-%.2f | %s\n",
                p->text, TARGET, e->median, e->low, e->high,
                e->high <= TARGET + ESTIMATE_SLACK ? "yes" : "no");
    if (fclose(out) != 0)
        die(p->targets);
}

/* ---- all of it ------------------------------------------------------------*/

static void *
get_memory(size_t n, int flags)
{
    void *p =
        mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

    CHECK(p != MAP_FAILED);
    return p;
}

static void
run(const struct plan *p)
{
    pid_t child;
    int status;

    latencies = get_memory(MAX_REQUESTS * sizeof *latencies, MAP_PRIVATE);
    shared = get_memory(sizeof *shared, MAP_SHARED);
    child = fork();
    CHECK(child >= 0);
    if (child == 0)
        run_reloads(p);
    while (!shared->is_ready && waitpid(child, NULL, WNOHANG) == 0)
        pause_until(clock_mono_ns() + MS);
    run_load(p);
    kill(child, SIGKILL); /* if it is late */
    waitpid(child, &status, 0);
    errno = 0;
    if (shared->why[0] || shared->n == 0)
        die(shared->why[0] ? shared->why : "no reload");
}

static struct plan
parse(char **argv)
{
    struct plan p = {
        .port = atoi(argv[1]),
        .server = atoi(argv[2]),
        .log = argv[3],
        .modules = argv[4],
        .n_parts = atoi(argv[5]),
        .n_replaced = atoi(argv[6]),
        .n_routes = atoi(argv[7]),
        .seconds = atof(argv[8]),
        .rate = atoi(argv[9]),
        .targets = argv[10],
        .text = argv[11],
    };

    /* One a period, and the time it may be late. */
    p.n_reloads = (int)((p.seconds - 2) * 1e9 / (double)(PERIOD_NS + 15 * MS));
    p.n_reloads = p.n_reloads < MAX_RELOADS ? p.n_reloads : MAX_RELOADS;
    return p;
}

int
main(int argc, char **argv)
{
    struct estimate e;
    struct plan p;
    int n;

    if (argc == 5 && strcmp(argv[1], "-m") == 0)
        return make_parts(argv[2], argv[3], atoi(argv[4]));
    if (argc != 12) {
        fprintf(stderr,
                "usage: %s PORT PID LOG MODULES PARTS REPLACED ROUTES "
                "SECONDS RATE TARGETS TEXT | -m FIXTURE MODULES PARTS\n",
                argv[0]);
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    p = parse(argv);
    run(&p);
    n = judge_windows(&p);
    e = compare(n);
    print_row(&p, n, &e);
    print_targets(&p, &e);
    return 0;
}
