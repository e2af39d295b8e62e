/* SPDX-License-Identifier: BSD-2-Clause */
/* watchdog.c - see watchdog.h. */
#include "serve/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/robbed.h"
#include "conf/conf.h"
#include "ctl/faults.h"
#include "os/trap.h"
#include "plug/guard.h"
#include "serve/blame.h"
#include "serve/channel.h"
#include "serve/cores.h"
#include "serve/fleet.h"

#define MS 1000000u
#define PERIOD_MIN_MS 5
/* How often it is looked whether the others are done. */
#define WIND_UP_STEP_NS (5u * MS)

/* What a thread was at when it was looked at last. */
struct watched {
    const struct guard *guard;
    uint32_t turn;
    int is_timed, is_named, is_given_up;
    uint64_t since_ns, cpu_ns; /* when that turn was first seen */
    uint64_t waited_ns;        /* when it began to be suspect (is_timed) */
};

/* ---- what a thread does --------------------------------------------------*/

/* A file of /proc about one thread of ours: how many bytes are in text. */
static size_t
read_task(pid_t tid, const char *name, char *text, size_t cap)
{
    char path[64];
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "/proc/self/task/%d/%s", (int)tid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? 0 : read(fd, text, cap - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/* How long it was ready to run and had no CPU; 0 if the kernel does not say. */
static uint64_t
waited_ns(pid_t tid)
{
    char text[128];
    unsigned long long ran, waited;

    if (read_task(tid, "schedstat", text, sizeof text) == 0 ||
        sscanf(text, "%llu %llu", &ran, &waited) != 2)
        return 0;
    return waited;
}

static uint64_t
cpu_ns(const struct guard *g)
{
    struct timespec t;
    clockid_t id;

    if (pthread_getcpuclockid(g->thread, &id) != 0 || clock_gettime(id, &t) < 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Where it waits in a call of the system; false if it runs. */
static int
is_waiting(pid_t tid, uintptr_t *pc, uintptr_t *sp)
{
    char text[256];
    unsigned long s, p;
    long number;

    if (read_task(tid, "syscall", text, sizeof text) == 0)
        return 0;
    if (sscanf(text, "%ld %*s %*s %*s %*s %*s %*s %lx %lx", &number, &s, &p) !=
        3)
        return 0;
    *sp = s;
    *pc = p;
    return 1;
}

/* ---- steps that take long ------------------------------------------------*/

static uint32_t
call_of(const struct guard *g)
{
    return atomic_load_explicit(&g->call, memory_order_relaxed);
}

static int
is_step(uint32_t call)
{
    return call == GUARD_STEPS || call == GUARD_LOG;
}

static void
begin(struct watched *w, const struct guard *g, uint32_t turn, uint64_t now_ns)
{
    *w = (struct watched){
        .guard = g, .turn = turn, .since_ns = now_ns, .cpu_ns = cpu_ns(g)};
}

/* The kernel is asked for the rest only of a step that has taken half of what
 * is too long: for most that never comes. */
static int
is_suspect(struct watched *w, const struct guard *g, int64_t least_ms,
           uint64_t now_ns)
{
    if (w->is_timed)
        return 1;
    if (now_ns - w->since_ns < (uint64_t)least_ms * MS / 2)
        return 0;
    w->is_timed = 1;
    w->waited_ns = waited_ns(g->tid);
    return 1;
}

static struct guard_times
measure(const struct watched *w, const struct guard *g, uint64_t now_ns)
{
    return (struct guard_times){
        .wall_us = (now_ns - w->since_ns) / 1000,
        .cpu_us = (cpu_ns(g) - w->cpu_ns) / 1000,
        .waited_us = (waited_ns(g->tid) - w->waited_ns) / 1000,
    };
}

/* One that waits is not interrupted: that could be an error to its code. */
static void
name(struct guard *g, uint32_t turn)
{
    uintptr_t pc, sp;

    if (is_waiting(g->tid, &pc, &sp))
        guard_tell(g, turn, pc, sp);
    else
        guard_ask(g, GUARD_WHERE);
}

/* The lesser of two, of which 0 is none. */
static int64_t
least(int64_t a, int64_t b)
{
    return a > 0 && (b == 0 || a < b) ? a : b;
}

/* A job of the pool has all the time it takes. */
static int64_t
abort_ms_of(struct watchdog *d, uint32_t call)
{
    if (call == GUARD_JOB)
        return 0;
    return atomic_load(is_step(call) ? &d->abort_ms : &d->other_ms);
}

/* Time for which it was not its own fault that it did not go on counts to warn
 * of it, not to give it up. */
static void
judge(struct watchdog *d, struct watched *w, struct guard *g, uint64_t now_ns)
{
    uint32_t call = call_of(g);
    int64_t warn_ms = is_step(call) ? atomic_load(&d->warn_ms)
                                    : atomic_load(&d->other_ms) / 2;
    int64_t abort_ms = abort_ms_of(d, call);
    struct guard_times times;

    if (!is_suspect(w, g, least(warn_ms, abort_ms), now_ns))
        return;
    g->times = times = measure(w, g, now_ns);
    if (warn_ms > 0 && !w->is_named &&
        times.wall_us >= (uint64_t)warn_ms * 1000) {
        w->is_named = 1;
        name(g, w->turn); /* and at the next look the rest, at the earliest */
    } else if (abort_ms > 0 && !w->is_given_up &&
               times.wall_us > times.waited_us &&
               times.wall_us - times.waited_us >= (uint64_t)abort_ms * 1000) {
        w->is_given_up = 1;
        guard_ask(g, GUARD_GIVE_UP);
    }
}

/* True if some thread is in a callback. */
static int
look_at_all(struct watchdog *d)
{
    uint64_t now_ns = clock_mono_ns();
    int is_busy = 0;

    for (uint32_t i = 0; i < guard_count(); i++) {
        struct guard *g = guard_nth(i);
        struct watched *w = &d->watched[i];
        uint32_t turn;
        if (!g || call_of(g) == GUARD_NONE)
            continue;
        is_busy = 1;
        turn = atomic_load_explicit(&g->turn, memory_order_relaxed);
        if (w->guard != g || w->turn != turn)
            begin(w, g, turn, now_ns);
        else
            judge(d, w, g, now_ns);
    }
    return is_busy;
}

/* ---- the end -------------------------------------------------------------*/

static int
is_someone_served(const struct fleet *f)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < f->n_workers; i++) {
        const struct worker *w = &f->workers[i];
        if (!worker_is_lost(w))
            n += metrics_get(w->env.metrics, METRIC_connections_active);
    }
    return n > 0;
}

static void
wait_a_step(void)
{
    const struct timespec step = {0, WIND_UP_STEP_NS};

    nanosleep(&step, NULL);
}

static uint32_t
count_lost_threads(void)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < guard_count(); i++) {
        const struct guard *g = guard_nth(i);
        n += g && atomic_load(&g->is_lost);
    }
    return n;
}

/* One worker is lost, others are left, and so is who leads them. */
static int
serves_on(const struct watchdog *d)
{
    return fleet_count_lost(d->fleet) == 1 && count_lost_threads() == 1 &&
           d->fleet->n_workers > 1 && !robbed_look() && !atomic_load(&d->stops);
}

/* The workers that are left serve on until another process does, to which the
 * control thread hands their connections over; false if none comes in time, or
 * more goes wrong. */
static int
wait_for_heir(const struct watchdog *d)
{
    uint64_t end_ns = clock_mono_ns() + (uint64_t)atomic_load(&d->heir_ms) * MS;

    while (!atomic_load(&d->has_heir) && serves_on(d) &&
           clock_mono_ns() < end_ns)
        wait_a_step();
    return atomic_load(&d->has_heir);
}

/* Without an heir nobody is accepted any more - who comes now is for the next
 * process - and who is served hears that this was the last answer. */
static _Noreturn void
end_process(struct watchdog *d)
{
    uint64_t serial = blame_lost_serial(), end_ns;
    int has_heir;

    if (blame_is_own())
        blame_write(serial);
    channel_fault(d->channel, faults_index(serial), CTL_FAULT_DYING);
    has_heir = d->channel->fd >= 0 && wait_for_heir(d);
    if (!has_heir)
        fleet_wind_up(d->fleet, (uint32_t)atomic_load(&d->drain_ms));
    end_ns = clock_mono_ns() + (uint64_t)atomic_load(&d->drain_ms) * MS;
    do
        wait_a_step();
    while (
        clock_mono_ns() < end_ns &&
        (has_heir ? !atomic_load(&d->has_left) : is_someone_served(d->fleet)));
    trap_die(blame_lost_signal());
    _exit(128 + blame_lost_signal());
}

/* A descriptor is closed, or another file's.  The thread whose plugin has done
 * it may find out at the end of its turn, and has a suspect. */
static _Noreturn void
end_robbed(struct watchdog *d)
{
    if (blame_await() == 0)
        guard_give_up(robbed_look());
    end_process(d);
}

/* Nobody could wake us any more. */
static _Noreturn void
end_deaf(struct watchdog *d, int fd)
{
    robbed_note("a watchdog's descriptor", fd);
    end_robbed(d);
}

/* The control thread's poll goes on with the file it began with, and may sleep
 * for ever, whatever its number is by now. */
static void
look_at_channel(const struct channel *c)
{
    if (channel_is_lost(c))
        robbed_note("the supervisor's channel", c->fd);
}

/* ---- the thread ----------------------------------------------------------*/

static int
period_ms(const struct watchdog *d, int is_busy)
{
    int64_t bound =
        least(least(atomic_load(&d->warn_ms), atomic_load(&d->abort_ms)),
              atomic_load(&d->other_ms));
    int64_t ms = is_busy ? bound / 4 : bound;

    if (bound == 0)
        return -1;
    return (int)(ms < PERIOD_MIN_MS ? PERIOD_MIN_MS : ms > 1000 ? 1000 : ms);
}

static void *
watchdog_main(void *arg)
{
    struct watchdog *d = arg;
    struct pollfd p[] = {{.fd = blame_lost_fd(), .events = POLLIN},
                         {.fd = d->stop_fd, .events = POLLIN}};
    int is_busy = 0;
    uint64_t n;

    if (guard_attach("watchdog") < 0)
        return NULL;
    while (!atomic_load(&d->stops)) {
        (void)poll(p, ARRAY_LEN(p), period_ms(d, is_busy));
        if (blame_lost_signal() != 0)
            end_process(d);
        for (size_t i = 0; i < ARRAY_LEN(p); i++) {
            if (p[i].revents & POLLNVAL)
                end_deaf(d, p[i].fd);
        }
        look_at_channel(d->channel);
        if (robbed_look())
            end_robbed(d);
        (void)!read(blame_lost_fd(), &n, sizeof n); /* see watchdog_set */
        is_busy = look_at_all(d);
    }
    guard_detach();
    return NULL;
}

int
watchdog_start(struct watchdog *d, struct fleet *fleet, struct channel *channel)
{
    int rc;

    d->fleet = fleet;
    d->channel = channel;
    d->watched = calloc(GUARD_THREADS_MAX, sizeof *d->watched);
    if (!d->watched)
        return -ENOMEM;
    d->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (d->stop_fd < 0)
        return -errno;
    rc = pthread_create(&d->thread, NULL, watchdog_main, d);
    d->is_running = rc == 0;
    return -rc;
}

void
watchdog_set(struct watchdog *d, const struct conf *conf)
{
    const struct conf_server *c = &conf->server;
    uint64_t one = 1;

    guard_set_policy((enum guard_policy)c->on_crash);
    cores_set(conf);
    atomic_store(&d->drain_ms, c->crash_drain);
    atomic_store(&d->heir_ms, c->start_timeout);
    atomic_store(&d->warn_ms, c->step_warn);
    atomic_store(&d->abort_ms, c->step_abort);
    atomic_store(&d->other_ms, 2 * (c->prepare_timeout > c->probe_timeout
                                        ? c->prepare_timeout
                                        : c->probe_timeout));
    if (d->is_running) /* it may sleep for ever */
        (void)!write(blame_lost_fd(), &one, sizeof one);
}

void
watchdog_heir_serves(struct watchdog *d)
{
    atomic_store(&d->has_heir, 1);
}

void
watchdog_has_left(struct watchdog *d)
{
    atomic_store(&d->has_left, 1);
    for (;;)
        pause();
}

void
watchdog_stop(struct watchdog *d)
{
    uint64_t one = 1;

    if (!d->is_running)
        return;
    atomic_store(&d->stops, 1);
    (void)!write(d->stop_fd, &one, sizeof one);
    pthread_join(d->thread, NULL);
    d->is_running = 0;
    close(d->stop_fd);
    free(d->watched);
}
