/* SPDX-License-Identifier: BSD-2-Clause */
/* reload.c - from the files as they are now to what serves; see reload.h. */
#include "serve/reload.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/gen.h"
#include "serve/change.h"
#include "serve/generation.h"
#include "serve/listeners.h"
#include "serve/process.h"

/* A generation of the files, if this process can take it over. */
static struct gen *
make_next(struct server *s, struct diag *d)
{
    struct conf *conf = generation_read(s, d);

    if (!conf)
        return NULL;
    if (conf_needs_restart(s->gen->conf, conf, d) > 0) {
        conf_free(conf);
        return NULL;
    }
    return generation_make(s, conf, d);
}

static int
try_reload(struct server *s, struct diag *d)
{
    struct gen *g = make_next(s, d);

    if (!g)
        return ERR_INVALID;
    if (listeners_want(s, g->conf, d) < 0)
        goto dispose;
    if (change_prepare(s, g, d) < 0)
        goto revert;
    if (logs_apply(g->conf, d) < 0)
        goto abort;
    change_commit(s, g);
    listeners_start(s);
    listeners_stop(s);
    return 0;
abort:
    change_abort(s, g);
revert:
    listeners_revert(s);
dispose:
    generation_dispose(s, g);
    return ERR_INVALID;
}

static void
log_success(const struct server *s, uint64_t took_ns)
{
    log_info("reload: generation %llu serves, %u routes, %u instances, "
             "%u generations alive, %llu us",
             (unsigned long long)s->gen->id, s->gen->n_routes,
             s->gen->n_instances, s->n_gens,
             (unsigned long long)took_ns / 1000);
}

static void
log_failure(const struct server *s, uint32_t n_errors)
{
    log_error("reload failed, %u error(s); generation %llu goes on", n_errors,
              (unsigned long long)s->gen->id);
}

void
reload_run(struct server *s)
{
    uint64_t began_ns = clock_mono_ns();
    struct diag d;
    int rc;

    s->hup = 0;
    diag_init(&d);
    rc = try_reload(s, &d);
    logs_diag(&d);
    if (rc < 0)
        log_failure(s, d.n_errors);
    else
        log_success(s, clock_mono_ns() - began_ns);
    diag_fini(&d);
}
