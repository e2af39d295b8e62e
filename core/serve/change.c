/* SPDX-License-Identifier: BSD-2-Clause */
/* change.c - how a generation becomes current; see change.h. */
#include "serve/change.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "conf/paths.h"
#include "http/gen.h"
#include "os/ambient.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/manners.h"
#include "plug/plugin.h"
#include "serve/generation.h"
#include "serve/process.h"

/* Nobody waits for what a worker makes any more: how long it has to let go of
 * it. */
#define CHANGE_GRACE_MS 1000u

/* ---- PREPARE, ABORT ------------------------------------------------------*/

void
change_report(const struct gen *g, uint32_t worker, const char *why,
              struct diag *d)
{
    const struct instance *failed = g->workers[worker].failed;
    const struct conf_plugin *p =
        failed ? conf_find_plugin(g->conf, failed->conf.instance) : NULL;

    diag_error(d, p ? &p->at : NULL, "%s", why);
}

static void
report_late(struct server *s, const struct gen *g, struct diag *d)
{
    const struct fleet *f = &s->fleet;
    struct place at = conf_place(g->conf, &g->conf->server.prepare_timeout);

    for (uint32_t i = 0; i < f->n_workers; i++) {
        const struct instance *who = atomic_load(&g->workers[i].at);
        if (!f->orders[i].is_out)
            continue;
        diag_error(d, &at,
                   "%s%s%sworker %u: not ready within prepare_timeout (%lld "
                   "ms)",
                   who ? "plugin " : "", who ? who->name : "",
                   who ? " on " : "", i,
                   (long long)g->conf->server.prepare_timeout);
        log_warn("worker %u is late: busy with %s%s", i,
                 who ? "the worker init of " : "requests, or a step of one",
                 who ? who->name : "");
    }
}

/* Wait until no worker is at it any more; ERR_TIMEOUT: one still is. */
static int
wait_ready(struct server *s, struct gen *g, struct diag *d)
{
    struct fleet *f = &s->fleet;
    int rc =
        fleet_wait_unless(f, g->conf->server.prepare_timeout, &s->orders.stops);

    if (rc == 0)
        return 0;
    atomic_store(&g->is_given_up, 1);
    if (rc == -ETIMEDOUT)
        report_late(s, g, d);
    else
        diag_error(d, NULL, "the server is to stop");
    if (fleet_wait(f, CHANGE_GRACE_MS) == 0)
        return 0;
    fleet_give_up(f);
    return ERR_TIMEOUT;
}

int
change_prepare(struct server *s, struct gen *g, struct diag *d)
{
    struct fleet *f = &s->fleet;
    struct ambient before;
    int rc;

    ambient_take(&before, 1);
    fleet_command(f, 0, f->n_workers, order_prepare, g);
    rc = wait_ready(s, g, d);
    manners_restore(&before, "a worker init");
    if (rc < 0) {
        s->left = g;
        return ERR_TIMEOUT;
    }
    for (uint32_t i = 0; i < f->n_workers; i++) {
        const struct order *o = &f->orders[i];
        if (o->result < 0 && o->result != ERR_TIMEOUT) /* said already */
            change_report(g, i, o->why, d);
    }
    if (d->n_errors == 0)
        return 0;
    change_abort(s, g);
    return ERR_INVALID;
}

/* Wait for the workers' answers, whatever else is waited for. */
static int
wait_orders(struct fleet *f)
{
    uint64_t end_ns = clock_mono_ns() + CHANGE_GRACE_MS * 1000000u;

    for (uint32_t i = 0; i < f->n_workers; i++) {
        while (f->orders[i].is_out && clock_mono_ns() < end_ns)
            f->step(f->arg, 10);
        if (f->orders[i].is_out)
            return ERR_TIMEOUT;
    }
    return 0;
}

int
change_let_go(struct server *s)
{
    struct fleet *f = &s->fleet;
    struct gen *g = s->left;

    if (!g)
        return 0;
    if (wait_orders(f) < 0)
        return ERR_TIMEOUT;
    for (uint32_t i = 0; i < f->n_workers; i++) {
        if (gen_has_part(g, i))
            fleet_command(f, i, 1, order_abort, g);
    }
    if (wait_orders(f) < 0)
        return ERR_TIMEOUT;
    s->left = NULL;
    generation_dispose(s, g);
    return 0;
}

int
change_blocked(const struct server *s, const struct gen *g)
{
    int blocked = -1;

    for (uint32_t i = 0; i < s->fleet.n_workers; i++) {
        if (!fleet_is_held(&s->fleet, i))
            continue;
        if (atomic_load(&g->workers[i].at))
            return -1;
        blocked = (int)i;
    }
    return blocked;
}

const struct instance *
change_slowest(const struct gen *g, uint64_t *ns)
{
    const struct instance *slowest = NULL;

    *ns = 0;
    for (uint32_t i = 0; i < g->n_workers; i++) {
        const struct gen_worker *w = &g->workers[i];
        if (w->slowest_ns > *ns) {
            *ns = w->slowest_ns;
            slowest = w->slowest;
        }
    }
    return slowest;
}

void
change_abort(struct server *s, struct gen *g)
{
    struct fleet *f = &s->fleet;

    for (uint32_t i = f->n_workers; i > 0; i--) {
        if (f->orders[i - 1].result < 0) /* undone already */
            continue;
        fleet_command(f, i - 1, 1, order_abort, g);
        (void)!fleet_wait(f, -1);
    }
}

/* ---- COMMIT --------------------------------------------------------------*/

static int
has_plugin(const struct gen *g, uint32_t n, const struct plugin *p)
{
    for (uint32_t i = 0; g && i < n; i++) {
        if (g->instances[i]->plugin == p)
            return 1;
    }
    return 0;
}

/* What will serve and did not, by build: to find the source of a crash or of a
 * surprise. */
static void
log_plugins(const struct gen *g, const struct gen *before)
{
    for (uint32_t i = 0; i < g->n_instances; i++) {
        struct plugin *p = g->instances[i]->plugin;
        if (p->since == 0)
            p->since = g->id;
        if (!has_plugin(g, i, p) &&
            !has_plugin(before, before ? before->n_instances : 0, p))
            log_info("plugin %s %s from %s, sha256 %.12s%s%s", p->desc.id,
                     p->desc.version, p->path, p->image->hash_hex,
                     *p->image->build_id ? ", build " : "", p->image->build_id);
    }
}

/* Values of the configuration that threads read without being told. */
static void
set_shared(struct server *s, const struct conf *conf)
{
    const struct conf_server *c = &conf->server;

    watchdog_set(&s->watchdog, conf);
    acceptor_set_sheds(&s->fleet.acceptor, c->overload == CONF_OVERLOAD_SHED);
    census_limit(&s->census, (uint32_t)c->max_connections);
    channels_limit((size_t)c->channel_max_message, (size_t)c->channel_memory);
    atomic_store(&s->budget.memory_max, c->body_memory_total != CONF_AUTO
                                            ? c->body_memory_total
                                            : s->settings.body_memory_total);
}

void
change_commit(struct server *s, struct gen *g)
{
    const char *runtime_dir = paths_runtime_dir(g->conf);
    struct commit c = {.gen = g};

    settings_limits(&c.limits, g->conf);
    if (g->conf->server.server_header)
        snprintf(c.server, sizeof c.server, "Etude");
    log_plugins(g, s->gen != g ? s->gen : NULL);
    (void)fleet_all(&s->fleet, order_commit, &c, NULL);
    s->gen = g;
    generation_count(s);
    set_shared(s, g->conf);
    if (runtime_dir)
        (void)!image_write_map(&s->images, runtime_dir);
}
