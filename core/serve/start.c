/* SPDX-License-Identifier: BSD-2-Clause */
/* start.c - from nothing to a process that serves; see start.h. */
#include "serve/start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/diag_log.h"
#include "base/log.h"
#include "conf/bundle_paper.h"
#include "conf/conf.h"
#include "config.h"
#include "http/gen.h"
#include "os/limit.h"
#include "proto/http1.h"
#include "serve/ask.h"
#include "serve/blame.h"
#include "serve/change.h"
#include "serve/control.h"
#include "serve/generation.h"
#include "serve/listeners.h"
#include "serve/pid_file.h"
#include "serve/preflight.h"
#include "serve/process.h"
#include "serve/rights.h"
#include "serve/sandbox.h"
#include "tls/tickets.h"

/* ---- before there are threads --------------------------------------------*/

static int
socket_exit(int rc)
{
    switch (rc) {
    case -EACCES:
    case -EPERM: return SERVER_PERMISSION;
    case -EINVAL:
    case -ENOENT: /* and below: of the path of a Unix socket */
    case -ENOTDIR:
    case -EEXIST: return SERVER_CONFIG;
    default: return SERVER_INTERNAL;
    }
}

/* What stays for the life of the process. */
static int
choose(struct server *s, const struct conf *conf, struct diag *d)
{
    int rc = logs_apply(conf, d);

    if (rc < 0)
        return exit_of_file(rc);
    watchdog_set(&s->watchdog, conf);
    preflight_warn(conf, d);
    settings_choose(&s->settings, conf, d);
    s->fleet.per_worker = conf->server.accept == CONF_ACCEPT_REUSEPORT;
    atomic_init(&s->budget.memory_max, s->settings.body_memory_total);
    if (regions_open(&s->regions, &s->channel,
                     (uint64_t)conf->server.store_memory,
                     s->settings.n_workers) < 0 ||
        metering_init(&s->metering, &s->regions.figures) < 0) {
        diag_error(d, NULL, "out of memory");
        return SERVER_INTERNAL;
    }
    if (census_init(&s->census) < 0 ||
        jobs_open(&s->jobs, (uint32_t)conf->server.pool_threads,
                  (uint32_t)conf->server.pool_queue) < 0) {
        diag_error(d, NULL, "out of memory");
        return SERVER_INTERNAL;
    }
    s->metrics = figures_own(&s->regions.figures, 0);
    channels_open(s->metrics);
    channels_limit((size_t)conf->server.channel_max_message,
                   (size_t)conf->server.channel_memory);
    stores_init(&s->stores, &s->regions.vault, s->settings.n_workers);
    return SERVER_OK;
}

/* The first generation and its sockets. */
static int
make_first(struct server *s, struct diag *d)
{
    struct conf *conf = generation_read(s, d);
    int rc;

    if (!conf)
        return SERVER_CONFIG;
    rc = choose(s, conf, d);
    if (rc != SERVER_OK)
        return rc;
    s->gen = generation_make(s, conf, d);
    if (!s->gen)
        return SERVER_CONFIG;
    rc = listeners_want(s, conf, d);
    return rc < 0 ? socket_exit(rc) : SERVER_OK;
}

/* ---- threads -------------------------------------------------------------*/

static int
fail_worker(const struct server *s, uint32_t i, struct diag *d)
{
    const struct conf *conf = s->gen->conf;
    struct place at = conf_place(conf, &conf->server.workers);

    diag_error(d, &at, "worker %u of %u: %s", i, s->settings.n_workers,
               s->fleet.orders[i].why);
    return SERVER_INTERNAL;
}

static int
fail_acceptor(const struct server *s, struct diag *d)
{
    diag_error(d, NULL, "acceptor: %s", s->fleet.acceptor_order.why);
    return SERVER_INTERNAL;
}

/* Of handshakes: the other half of the queue is for jobs of plugins. */
static uint32_t
max_away(const struct server *s)
{
    uint32_t n =
        (uint32_t)s->gen->conf->server.pool_queue / 2 / s->fleet.n_workers;

    return n > 0 ? n : 1;
}

static int
start_workers(struct server *s, struct diag *d)
{
    struct fleet *f = &s->fleet;
    struct worker_options o = {
        .n_workers = f->n_workers,
        .event = s->settings.event,
        .pins = s->settings.pins,
        .slab_capacity = s->settings.slab_capacity,
        .max_waits = (uint32_t)s->gen->conf->server.max_waits,
        .max_tasks = (uint32_t)s->gen->conf->server.max_tasks,
        .max_subscriptions = (uint32_t)s->gen->conf->server.max_subscriptions,
        .max_away = max_away(s),
        .task_stack = (uint32_t)s->gen->conf->server.task_stack,
        .fetch = {.max = (uint32_t)s->gen->conf->server.max_fetches,
                  .max_idle = (uint32_t)s->gen->conf->server.fetch_idle,
                  .idle_ms = (uint64_t)s->gen->conf->server.fetch_idle_timeout},
        .memory_bytes = s->settings.worker_memory,
        .budget = &s->budget,
        .census = &s->census,
        .all = f->workers,
        .stores = &s->stores,
        .jobs = &s->jobs,
        .control = &s->mailbox,
        .sheds = &f->acceptor.sheds,
        .waits = &f->acceptor.waits,
        .acceptor = &f->acceptor.mailbox,
    };

    for (uint32_t i = 0; i < f->n_workers; i++) {
        o.index = i;
        o.log = s->logs.rings[i];
        o.metrics = figures_own(&s->regions.figures, 1 + i);
        fleet_adopt(f, &f->orders[i]);
        if (worker_start(&f->workers[i], &o, &f->orders[i]) < 0)
            return fail_worker(s, i, d);
    }
    return SERVER_OK;
}

static int
start_acceptor(struct server *s, struct diag *d)
{
    struct fleet *f = &s->fleet;
    struct acceptor_options o = {
        .event = s->settings.event,
        .workers = f->workers,
        .n_workers = f->n_workers,
        .slab_capacity = s->settings.slab_capacity,
        .balance = (enum balance)s->gen->conf->server.balance,
        .census = &s->census,
        .log = s->logs.rings[f->n_workers],
    };

    fleet_adopt(f, &f->acceptor_order);
    if (acceptor_start(&f->acceptor, &o, &f->acceptor_order) < 0)
        return fail_acceptor(s, d);
    return SERVER_OK;
}

/* What the threads answered to their start: the first that failed speaks for
 * the others. */
static int
check_started(const struct server *s, struct diag *d)
{
    const struct fleet *f = &s->fleet;

    for (uint32_t i = 0; i < f->n_workers; i++) {
        if (f->orders[i].result < 0)
            return fail_worker(s, i, d);
    }
    return f->acceptor_order.result < 0 ? fail_acceptor(s, d) : SERVER_OK;
}

/* The first worker's backend is everyone's; why it is not a better one is in
 * its answer. */
static void
learn_backend(struct server *s)
{
    const struct fleet *f = &s->fleet;

    s->settings.backend = io_name(f->workers[0].env.io);
    snprintf(s->settings.backend_why, sizeof s->settings.backend_why, "%s",
             f->orders[0].why);
}

static int
prepare_threads(struct server *s, struct diag *d)
{
    char why[LIMIT_TEXT_LEN];

    if (logs_add_rings(&s->logs, s->settings.n_workers) == 0 &&
        fleet_init(&s->fleet, s->settings.n_workers, &s->mailbox) == 0)
        return SERVER_OK;
    diag_error(d, NULL, "%u workers: %s", s->settings.n_workers,
               limit_explain(-ENOMEM, why, sizeof why));
    return SERVER_INTERNAL;
}

static int
start_watchdog(struct server *s, struct diag *d)
{
    char why[LIMIT_TEXT_LEN];
    int rc = watchdog_start(&s->watchdog, &s->fleet, &s->channel);

    if (rc == 0)
        return SERVER_OK;
    diag_error(d, NULL, "watchdog: %s", limit_explain(rc, why, sizeof why));
    return SERVER_INTERNAL;
}

static int
start_threads(struct server *s, struct diag *d)
{
    int rc = prepare_threads(s, d);

    if (rc == SERVER_OK)
        rc = start_workers(s, d);
    if (rc == SERVER_OK)
        rc = start_acceptor(s, d);
    if (rc != SERVER_OK)
        return rc;
    (void)!fleet_wait(&s->fleet, -1);
    rc = check_started(s, d);
    if (rc == SERVER_OK)
        learn_backend(s);
    return rc == SERVER_OK ? start_watchdog(s, d) : rc;
}

/* ---- the whole -----------------------------------------------------------*/

/* One connection at least has to find a descriptor, and what it needs one. */
static int
check_room(struct diag *d)
{
    char why[LIMIT_TEXT_LEN];
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0) {
        diag_error(d, NULL, "no connection would find a descriptor: %s",
                   limit_explain(-errno, why, sizeof why));
        return SERVER_INTERNAL;
    }
    close(fds[0]);
    close(fds[1]);
    return SERVER_OK;
}

/* pid: the one that takes signals. */
static void
log_start(const struct server *s)
{
    int is_supervised = s->options->is_supervised;
    char server[48] = "";

    settings_log(&s->settings);
    rights_log();
    sandbox_log(s);
    if (is_supervised)
        snprintf(server, sizeof server, ", server process %d", (int)getpid());
    log_info("Etude %s serves: %u workers, %u routes, pid %d%s", ETUDE_VERSION,
             s->settings.n_workers, s->gen->n_routes,
             (int)(is_supervised ? getppid() : getpid()), server);
}

/* Keys of sessions: those of the supervisor, which other processes have too. */
static int
open_tickets(struct server *s, struct diag *d)
{
    s->kept.tickets = s->channel.tickets;
    s->channel.tickets = NULL;
    if (!s->kept.tickets)
        s->kept.tickets = tickets_new((int64_t)time(NULL));
    if (s->kept.tickets)
        return 0;
    diag_error(d, NULL, "keys of TLS sessions: out of memory");
    return -ENOMEM;
}

/* What there is before a configuration is read. */
static int
open_process(struct server *s, struct diag *d)
{
    char why[LIMIT_TEXT_LEN];
    int rc = log_server_open(NULL);

    if (rc < 0)
        diag_error(d, NULL, "the log: %s", limit_explain(rc, why, sizeof why));
    if (rc == 0)
        rc = control_open(s, d);
    if (rc == 0)
        rc = channel_open(&s->channel, s->options->is_supervised, &s->orders,
                          &s->handover, &s->quarantine, d);
    if (rc == 0)
        rc = open_tickets(s, d);
    if (rc == 0 && s->options->is_supervised) {
        s->sockets.channel = &s->channel;
        logs_opened_by(&s->channel);
    }
    if (rc == 0) {
        rc = blame_open(s->channel.faults_fd);
        if (rc < 0)
            diag_error(d, NULL, "what faults are written to: %s",
                       limit_explain(rc, why, sizeof why));
    }
    return rc < 0 ? SERVER_INTERNAL : SERVER_OK;
}

static int
start(struct server *s, struct diag *d)
{
    int rc = open_process(s, d);

    if (rc == SERVER_OK)
        rc = make_first(s, d);
    if (rc != SERVER_OK)
        return rc;
    rc = start_threads(s, d);
    if (rc != SERVER_OK)
        return rc;
    if (change_prepare(s, s->gen, d) < 0) {
        if (s->orders.stops > 0) /* before it has begun: nothing is cut off */
            control_leave(s, SERVER_OK);
        return SERVER_CONFIG;
    }
    change_commit(s, s->gen);
    channel_committed(&s->channel, s->gen);
    bundle_paper_wipe(s->gen->conf->bundle);
    spare_open(&s->spare);
    rc = check_room(d);
    if (rc != SERVER_OK)
        return rc;
    rc = pid_file_write(s, d);
    if (rc == 0)
        rc = ask_open(s, d);
    if (rc < 0)
        return exit_of_file(rc);
    listeners_start(s);
    diag_log(d);
    log_start(s);
    channel_ready(&s->channel);
    blame_ends_with(0);
    return SERVER_OK;
}

int
start_serving(struct server *s)
{
    struct diag d;
    int code;

    http1_init_simd();
    image_set_init(&s->images);
    diag_init(&d);
    code = start(s, &d);
    if (code != SERVER_OK) { /* whole, however slow the reader: no log */
        diag_print(&d, stderr);
        channel_failed(&s->channel, &d);
    }
    diag_fini(&d);
    return code;
}
