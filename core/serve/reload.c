/* SPDX-License-Identifier: BSD-2-Clause */
/* reload.c - from the files as they are now to what serves; see reload.h. */
#include "serve/reload.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/diag_log.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/bundle_paper.h"
#include "conf/conf.h"
#include "http/gen.h"
#include "plug/instance.h"
#include "serve/ask.h"
#include "serve/change.h"
#include "serve/generation.h"
#include "serve/listeners.h"
#include "serve/process.h"
#include "serve/summary.h"

/* A worker's loop stands still while an instance is made ready there. */
#define INIT_BUDGET_NS 1000000u
#define SLOWEST_MAX 256
#define KEYS_MAX 16

/* A generation of the files, if this process can take it over. */
static int
is_of_another_process(struct server *s, const struct conf *conf, struct diag *d)
{
    const struct conf *now = s->gen->conf;
    const char *names[KEYS_MAX];
    uint32_t n = conf_process_keys(now, conf, names, KEYS_MAX);
    size_t len = 0, cap = sizeof s->needs;

    if (conf_needs_restart(now, conf, s->options->is_supervised, d) > 0) {
        s->needs[0] = '\0';
        return 1;
    }
    for (uint32_t i = 0; i < n && i < KEYS_MAX && len < cap; i++)
        len += (size_t)snprintf(s->needs + len, cap - len, "%s%s",
                                i == 0 ? "" : ", ", names[i]);
    return n > 0;
}

/* A worker that does not come back from a step keeps this process from
 * changing: another one can, if there may be another one. */
static void
need_another(struct server *s, int worker)
{
    if (s->options->is_supervised && worker >= 0 && !s->needs[0])
        snprintf(s->needs, sizeof s->needs,
                 "worker %d does not come back from what it does", worker);
}

/* g, which is good but for a worker that is in a step, and what it changes. */
static void
pass_on(struct server *s, const struct gen *g)
{
    struct sockets_changes listeners;

    need_another(s, change_blocked(s, g));
    sockets_changes(&s->sockets, &listeners);
    (void)!summary_write(s->changes, s->gen, g, &listeners, 0);
}

/* What an earlier reload has left to a worker: whether that still has it. */
static int
is_held(struct server *s, struct diag *d)
{
    struct gen *left = s->left;

    if (change_let_go(s) == 0)
        return 0;
    need_another(s, change_blocked(s, left));
    if (!s->needs[0])
        diag_error(d, NULL,
                   "a worker is still busy with what the last reload has "
                   "asked of it");
    return 1;
}

static struct gen *
make_next(struct server *s, struct diag *d)
{
    struct conf *conf;

    if (is_held(s, d) && !s->needs[0])
        return NULL;
    conf = generation_read(s, d);
    if (!conf)
        return NULL;
    if (is_of_another_process(s, conf, d) && !s->needs[0]) {
        conf_free(conf);
        return NULL;
    }
    return generation_make(s, conf, d); /* with needs: to see what it changes */
}

/* What a good reload has to say: it is written before COMMIT, while both
 * generations are there, and logged at the end. */
struct story {
    uint64_t began_ns;
    char changes[SUMMARY_MAX];
    char slowest[SLOWEST_MAX];
};

static void
tell(struct server *s, const struct gen *g, struct story *story)
{
    struct sockets_changes listeners;
    uint64_t ns;
    const struct instance *i = change_slowest(g, &ns);

    sockets_changes(&s->sockets, &listeners);
    if (summary_write(story->changes, s->gen, g, &listeners, 1) < 0)
        snprintf(story->changes, sizeof story->changes, "out of memory");
    if (i)
        snprintf(story->slowest, sizeof story->slowest,
                 ", slowest worker init %s %llu us%s", i->name,
                 (unsigned long long)ns / 1000,
                 ns > INIT_BUDGET_NS ? " (more than 1 ms)" : "");
}

static int
try_reload(struct server *s, struct diag *d, struct story *story)
{
    struct gen *g = make_next(s, d);
    int rc = ERR_INVALID;

    if (!g)
        return ERR_INVALID;
    if (listeners_want(s, g->conf, d) < 0)
        goto dispose;
    rc = change_prepare(s, g, d);
    if (rc == ERR_TIMEOUT && s->orders.stops == 0)
        pass_on(s, g);
    if (rc < 0)
        goto revert;
    rc = logs_apply(g->conf, d);
    if (rc < 0)
        goto abort;
    tell(s, g, story);
    change_commit(s, g);
    channel_committed(&s->channel, g);
    bundle_paper_wipe(g->conf->bundle);
    listeners_start(s);
    listeners_stop(s);
    return 0;
abort:
    change_abort(s, g);
revert:
    listeners_revert(s);
dispose:
    if (rc != ERR_TIMEOUT) /* else a worker is at it */
        generation_dispose(s, g);
    return ERR_INVALID;
}

static void
log_success(const struct server *s, const struct story *story)
{
    log_info("reload: generation %llu serves after %llu us: %s%s; "
             "%u generations alive, %u retired images mapped",
             (unsigned long long)s->gen->id,
             (unsigned long long)(clock_mono_ns() - story->began_ns) / 1000,
             story->changes, story->slowest, s->n_gens, s->images.n_retired);
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
    struct story story = {.began_ns = clock_mono_ns()};
    struct diag d;
    int rc;

    s->orders.hup = 0;
    s->needs[0] = s->changes[0] = '\0';
    ask_reload_begins(s);
    diag_init(&d);
    rc = try_reload(s, &d, &story);
    if (rc < 0 && s->needs[0]) {
        channel_needs(&s->channel, s->needs, s->changes);
        diag_fini(&d);
        return;
    }
    metrics_add(s->metrics, rc < 0 ? METRIC_reloads_failed : METRIC_reloads, 1);
    if (rc < 0 && s->orders.stops > 0) {
        log_info("reload: given up, the server is to stop");
    } else {
        diag_log(&d);
        if (rc < 0)
            log_failure(s, d.n_errors);
        else
            log_success(s, &story);
    }
    generation_look_back(s);
    ask_reload_ended(s, rc, clock_mono_ns() - story.began_ns, story.changes,
                     &d);
    diag_fini(&d);
}
