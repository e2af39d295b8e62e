/* SPDX-License-Identifier: BSD-2-Clause */
/* change.c - how a generation becomes current; see change.h. */
#include "serve/change.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/gen.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "serve/process.h"

/* ---- PREPARE, ABORT ------------------------------------------------------*/

static void
report_worker(const struct gen *g, uint32_t worker, const char *why,
              struct diag *d)
{
    const struct instance *failed = g->workers[worker].failed;
    const struct conf_plugin *p =
        failed ? conf_find_plugin(g->conf, failed->conf.instance) : NULL;

    diag_error(d, p ? &p->at : NULL, "%s", why);
}

int
change_prepare(struct server *s, struct gen *g, struct diag *d)
{
    struct fleet *f = &s->fleet;
    uint32_t n_failed = 0;

    (void)fleet_all(f, order_prepare, g, NULL);
    for (uint32_t i = 0; i < f->n_workers; i++) {
        if (f->orders[i].result < 0) {
            report_worker(g, i, f->orders[i].why, d);
            n_failed++;
        }
    }
    if (n_failed == 0)
        return 0;
    change_abort(s, g);
    return ERR_INVALID;
}

void
change_abort(struct server *s, struct gen *g)
{
    struct fleet *f = &s->fleet;

    for (uint32_t i = f->n_workers; i > 0; i--) {
        if (f->orders[i - 1].result >= 0)
            fleet_command(f, i - 1, 1, order_abort, g);
    }
    (void)!fleet_wait(f, -1);
}

/* ---- COMMIT --------------------------------------------------------------*/

/* What serves, by build: to find the source of a crash or of a surprise. */
static void
log_plugins(const struct gen *g)
{
    const struct plugin *last = NULL;

    for (uint32_t i = 0; i < g->n_instances; i++) {
        const struct plugin *p = g->instances[i]->plugin;
        if (p != last)
            log_info("plugin %s %s from %s, sha256 %.12s%s%s", p->desc.id,
                     p->desc.version, p->path, p->image->hash_hex,
                     *p->image->build_id ? ", build " : "", p->image->build_id);
        last = p;
    }
}

/* Values of the configuration that threads read without being told. */
static void
set_shared(struct server *s, const struct conf *conf)
{
    const struct conf_server *c = &conf->server;

    acceptor_set_sheds(&s->fleet.acceptor, c->overload == CONF_OVERLOAD_SHED);
    atomic_store(&s->budget.memory_max, c->body_memory_total != CONF_AUTO
                                            ? c->body_memory_total
                                            : s->settings.body_memory_total);
}

void
change_commit(struct server *s, struct gen *g)
{
    const char *runtime_dir = settings_runtime_dir(g->conf);
    struct commit c = {.gen = g};

    settings_limits(&c.limits, g->conf);
    if (g->conf->server.server_header)
        snprintf(c.server, sizeof c.server, "Etude");
    (void)fleet_all(&s->fleet, order_commit, &c, NULL);
    s->gen = g;
    set_shared(s, g->conf);
    log_plugins(g);
    if (runtime_dir)
        (void)!image_write_map(&s->images, runtime_dir);
}
