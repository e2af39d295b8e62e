/* SPDX-License-Identifier: BSD-2-Clause */
/* generation.c - where generations come from and go; see generation.h. */
#include "serve/generation.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "conf/bundle.h"
#include "conf/conf.h"
#include "conf/paths.h"
#include "http/gen.h"
#include "serve/build.h"
#include "serve/certificates.h"
#include "serve/contexts.h"
#include "serve/process.h"
#include "serve/rights.h"
#include "serve/sandbox.h"
#include "serve/summary.h"
#include "serve/verdict.h"

/* A generation's way back to the control thread. */
struct retiring {
    struct mail mail;
    struct gen *gen;
};

/* ---- the end -------------------------------------------------------------*/

void
generation_count(struct server *s)
{
    if (s->gen) /* else the one before goes while the next is committed */
        metrics_set(s->metrics, METRIC_generation, s->gen->id);
    metrics_set(s->metrics, METRIC_generations_active, s->n_gens);
    metrics_set(s->metrics, METRIC_images_mapped, s->images.n_mapped);
    metrics_set(s->metrics, METRIC_images_retired, s->images.n_retired);
}

struct conf *
generation_undo(struct server *s, struct gen *g)
{
    struct conf *conf = (struct conf *)(uintptr_t)g->conf;

    contexts_free(&s->contexts);
    free(g->on_retired);
    gen_free(g);
    if (s->gen == g) /* the last one, at the end */
        s->gen = NULL;
    s->n_gens--;
    generation_count(s);
    image_update_map(&s->images);
    return conf;
}

void
generation_dispose(struct server *s, struct gen *g)
{
    conf_free(generation_undo(s, g));
}

/* Why this process had better be replaced, in why; false: it need not be. */
static int
is_worn(const struct server *s, char why[CTL_TEXT_MAX])
{
    int64_t max = s->gen->conf->server.max_retired;
    char what[CTL_TEXT_MAX - 64];
    const char *id;
    uint32_t n = max > 0 ? image_most_retired(&s->images, &id) : 0;

    if (n > 0 && n > (uint64_t)max)
        snprintf(why, CTL_TEXT_MAX, "as %u retired images of %.64s are mapped",
                 n, id);
    else if (sandbox_has_more(s, s->gen, what, sizeof what))
        snprintf(why, CTL_TEXT_MAX, "as nothing needs it any more %s", what);
    else
        return 0;
    return 1;
}

void
generation_look_back(struct server *s)
{
    char why[CTL_TEXT_MAX];

    if (!s->gen || s->asks_for_heir || !is_worn(s, why))
        return;
    s->asks_for_heir = 1;
    channel_replace(&s->channel, why);
}

static void
on_retired(void *reader, struct mail *m)
{
    struct retiring *r = CONTAINER_OF(m, struct retiring, mail);

    log_debug("generation %llu is gone", (unsigned long long)r->gen->id);
    generation_dispose(reader, r->gen);
    generation_look_back(reader);
}

/* ---- reading -------------------------------------------------------------*/

/* Generations are counted over all processes, one after the other. */
static uint64_t
next_id(const struct server *s)
{
    const struct figures *f = &s->regions.figures;
    const uint64_t last = f->region ? figures_last_generation(f) : 0;

    return (last > s->last_id ? last : s->last_id) + 1;
}

/* Nothing of g has run yet but constructors.  If it takes another process, or
 * a certificate of its is none to show, no instance is opened. */
static void
before_open(void *arg, const struct gen *g, struct diag *d)
{
    struct sockets_changes listeners;
    struct server *s = arg;

    contexts_free(&s->contexts);
    (void)!contexts_make(&s->contexts, g->conf, &s->kept, d);
    if (s->needs[0])
        diag_error(d, NULL, "it takes another process");
    else
        sandbox_judge(s, g, d);
    if (!s->needs[0] || !s->gen)
        return;
    sockets_foresee(&s->sockets, g->conf, &listeners);
    (void)!summary_write(s->changes, s->gen, g, &listeners, 0);
}

static struct build_options
build_options(struct server *s, const struct conf *conf)
{
    return (struct build_options){
        .images = &s->images,
        .runtime_dir = paths_runtime_dir(conf),
        .metering = &s->metering,
        .n_workers = s->settings.n_workers,
        .id = next_id(s),
        .before = s->gen,
        .before_open = before_open,
        .arg = s,
        .quarantine = &s->quarantine,
    };
}

/* The plugins and routes of a configuration that is known to be wrong, with
 * figures of its own, so that nothing of it stays. */
static void
look_for_more(struct server *s, struct conf *conf, struct diag *d)
{
    struct build_options o = build_options(s, conf);
    struct metering metering = {0};
    struct regions own;

    o.metering = &metering;
    o.n_workers = 1;
    o.before = NULL;
    if (regions_open_dry(&own) == 0 &&
        metering_init(&metering, &own.figures) == 0)
        build_check(conf, &o, d);
    metering_fini(&metering);
    regions_close(&own);
}

/* Whether certificates are good, too, where their files could be read. */
static void
look_at_contexts(struct server *s, const struct conf *conf, struct diag *d)
{
    struct contexts c;

    if (contexts_make(&c, conf, &s->kept, d) == 0)
        contexts_free(&c);
}

/* Look on without more rights than the plugins are to have. */
static void
look_on(struct server *s, struct conf *conf, struct diag *d)
{
    if (rights_drop(s->options, conf, d) < 0)
        return;
    verdict_clock_start(conf->server.probe_timeout);
    look_at_contexts(s, conf, d);
    look_for_more(s, conf, d);
}

/* As the supervisor has read it, or whoever found that there is to be none;
 * else the files. */
static struct bundle *
read_bundle(struct server *s, struct diag *d)
{
    const struct server_options *o = s->options;

    if (s->channel.bundle_fd >= 0)
        return channel_bundle(&s->channel, d);
    return bundle_from_files(o->conf_path, o->env, d);
}

struct conf *
generation_read(struct server *s, struct diag *d)
{
    struct bundle *bundle = read_bundle(s, d);
    struct conf *conf;

    if (!bundle)
        return NULL;
    conf = conf_parse_some(bundle, d);
    if (!conf) {
        bundle_free(bundle);
        return NULL;
    }
    conf->bundle = bundle;
    rights_check(s, conf, d);
    if (d->n_errors == 0)
        return conf;
    look_on(s, conf, d);
    conf_free(conf);
    return NULL;
}

/* ---- making --------------------------------------------------------------*/

struct gen *
generation_make(struct server *s, struct conf *conf, struct diag *d)
{
    const struct build_options o = build_options(s, conf);
    struct gen *g = build_gen(conf, &o, d);
    struct retiring *r;

    if (!g) {
        contexts_free(&s->contexts);
        conf_free(conf);
        return NULL;
    }
    g->facts = certificates_facts(&g->arena, conf, &s->contexts);
    s->n_gens++;
    s->last_id = g->id;
    figures_note_generation(&s->regions.figures, g->id);
    r = g->on_retired = calloc(1, sizeof *r);
    if (!r) {
        diag_error(d, NULL, "out of memory");
        generation_dispose(s, g);
        return NULL;
    }
    *r = (struct retiring){.mail.deliver = on_retired, .gen = g};
    return g;
}
