/* SPDX-License-Identifier: BSD-2-Clause */
/* start.c - from nothing to a process that serves; see start.h. */
#include "serve/start.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "config.h"
#include "http/gen.h"
#include "proto/http1.h"
#include "serve/change.h"
#include "serve/generation.h"
#include "serve/listeners.h"
#include "serve/pidfile.h"
#include "serve/preflight.h"
#include "serve/process.h"

/* ---- before there are threads --------------------------------------------*/

/* The exit code for a file that could not be opened: -errno. */
static int
file_exit(int rc)
{
    return rc == -EACCES ? SERVER_PERMISSION : SERVER_CONFIG;
}

static int
socket_exit(int rc)
{
    switch (rc) {
    case -EACCES:
    case -EPERM: return SERVER_PERMISSION;
    case -EINVAL: return SERVER_CONFIG;
    default: return SERVER_INTERNAL;
    }
}

/* What stays for the life of the process. */
static int
choose(struct server *s, const struct conf *conf, struct diag *d)
{
    int rc = logs_apply(conf, d);

    if (rc < 0)
        return file_exit(rc);
    preflight_warn(conf, d);
    settings_choose(&s->settings, conf);
    s->fleet.per_worker = conf->server.accept == CONF_ACCEPT_REUSEPORT;
    atomic_init(&s->budget.memory_max, s->settings.body_memory_total);
    if (metering_init(&s->metering, s->settings.n_workers) < 0) {
        diag_error(d, NULL, "out of memory");
        return SERVER_INTERNAL;
    }
    stores_init(&s->stores, s->settings.n_workers);
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
start_workers(struct server *s)
{
    struct fleet *f = &s->fleet;
    struct worker_options o = {
        .n_workers = f->n_workers,
        .event = s->settings.event,
        .pins = s->settings.pins,
        .slab_capacity = s->settings.slab_capacity,
        .memory_bytes = s->settings.worker_memory,
        .budget = &s->budget,
        .stores = &s->stores,
        .control = &s->mailbox,
        .sheds = &f->acceptor.sheds,
        .waits = &f->acceptor.waits,
        .acceptor = &f->acceptor.mailbox,
    };

    metering_own(&s->metering, f->n_workers, &s->metrics);
    for (uint32_t i = 0; i < f->n_workers; i++) {
        o.index = i;
        o.log = s->logs.rings[i];
        metering_own(&s->metering, i, &f->workers[i].metrics);
        fleet_adopt(f, &f->orders[i]);
        if (worker_start(&f->workers[i], &o, &f->orders[i]) < 0)
            return ERR_NOMEM;
    }
    return 0;
}

static int
start_acceptor(struct server *s)
{
    struct fleet *f = &s->fleet;
    struct acceptor_options o = {
        .event = s->settings.event,
        .workers = f->workers,
        .n_workers = f->n_workers,
        .log = s->logs.rings[f->n_workers],
    };

    fleet_adopt(f, &f->acceptor_order);
    return acceptor_start(&f->acceptor, &o, &f->acceptor_order) < 0 ? ERR_NOMEM
                                                                    : 0;
}

/* What a thread answered to its start. */
static int
check_started(const struct order *o)
{
    if (o->result < 0)
        log_error("%s", *o->why ? o->why : "a thread could not start");
    return o->result;
}

static int
start_threads(struct server *s)
{
    struct fleet *f = &s->fleet;

    if (logs_add_rings(&s->logs, s->settings.n_workers) < 0 ||
        fleet_init(f, s->settings.n_workers, &s->mailbox) < 0 ||
        start_workers(s) < 0 || start_acceptor(s) < 0)
        return SERVER_INTERNAL;
    (void)!fleet_wait(f, -1);
    for (uint32_t i = 0; i < f->n_workers; i++) {
        if (check_started(&f->orders[i]) < 0)
            return SERVER_INTERNAL;
    }
    return check_started(&f->acceptor_order) < 0 ? SERVER_INTERNAL : SERVER_OK;
}

/* ---- the whole -----------------------------------------------------------*/

static void
log_start(const struct server *s)
{
    log_info("%s", s->settings.why);
    log_info("Etude %s serves: %u workers, %u routes, pid %d", ETUDE_VERSION,
             s->settings.n_workers, s->gen->n_routes, (int)getpid());
}

static int
start(struct server *s, struct diag *d)
{
    int rc = make_first(s, d);

    if (rc != SERVER_OK)
        return rc;
    rc = start_threads(s);
    if (rc != SERVER_OK)
        return rc;
    if (change_prepare(s, s->gen, d) < 0)
        return SERVER_CONFIG;
    change_commit(s, s->gen);
    rc = pidfile_write(s, d);
    if (rc < 0)
        return file_exit(rc);
    listeners_start(s);
    log_start(s);
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
    if (code == SERVER_OK)
        logs_diag(&d);
    else /* whole, however slow the reader is: the log would drop lines */
        diag_print(&d, stderr);
    diag_fini(&d);
    return code;
}
