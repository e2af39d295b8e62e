/* SPDX-License-Identifier: BSD-2-Clause */
/* build.c - from a configuration to a generation; see build.h. */
#include "serve/build.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "conf/conf.h"
#include "conn/h2.h"
#include "http/gen.h"
#include "http/router.h"
#include "proto/addr.h"
#include "serve/builder.h"
#include "serve/instances.h"
#include "serve/routes.h"
#include "serve/rules.h"
#include "serve/sections.h"

#define GEN_MAX_BYTES ((size_t)4 << 30)

/* ---- the parts that need no file of their own ----------------------------*/

/* Refused, and not served as something else; each place once, which may be
 * that of many listeners. */
static void
check_listens(const struct conf *conf, struct diag *d)
{
    const struct place *said = NULL;

    for (size_t i = 0; i < conf->n_listens; i++) {
        const struct place *at = &conf->listens[i].h2c_at;
        if (h2_is_built() || !conf->listens[i].h2c ||
            (said && said->line == at->line && said->file == at->file))
            continue;
        diag_error(d, at, "h2c: this server is built without HTTP/2");
        said = at;
    }
}

static int
set_trust(struct builder *b)
{
    const struct conf_server *c = &b->conf->server;
    struct addr_cidr *v =
        arena_alloc(&b->gen->arena, (c->trusted_proxies.n + 1) * sizeof *v);
    struct place at = conf_place(b->conf, &c->trusted_proxies);

    if (!v)
        return ERR_NOMEM;
    for (size_t i = 0; i < c->trusted_proxies.n; i++) {
        et_str s = c->trusted_proxies.v[i];
        if (addr_cidr_parse(s, &v[i]) < 0)
            diag_error(b->diag, &at,
                       "[server] trusted_proxies: expected an address or CIDR "
                       "block (10.0.0.0/8), found \"%.*s\"",
                       (int)s.n, s.p);
    }
    b->gen->trust = (struct addr_trust){
        .v = v,
        .n = c->trusted_proxies.n,
        .source = (uint8_t)c->client_address,
    };
    return 0;
}

static struct gen *
new_gen(struct conf *conf, const struct build_options *o)
{
    struct gen *g = calloc(1, sizeof *g);

    if (!g)
        return NULL;
    g->id = o->id;
    g->conf = conf;
    g->n_workers = o->n_workers;
    g->metering = o->metering;
    atomic_init(&g->workers_left, o->n_workers);
    arena_init(&g->arena, NULL, 0, NULL, GEN_MAX_BYTES);
    g->workers = calloc(o->n_workers, sizeof *g->workers);
    if (g->workers)
        return g;
    free(g);
    return NULL;
}

/* ---- the whole -----------------------------------------------------------*/

static int
build_routes(struct builder *b)
{
    b->gen->router = router_new(&b->gen->arena);
    if (!b->gen->router)
        return ERR_NOMEM;
    rules_tell(b);
    return router_build(b->gen->router, routes_bind, b, b->diag);
}

/* All but the opening of the instances. */
static void
build(struct builder *b, const struct build_options *o)
{
    check_listens(b->conf, b->diag);
    if (sections_load(b, o->images, o->runtime_dir) < 0 || set_trust(b) < 0 ||
        build_routes(b) == ERR_NOMEM)
        builder_out_of_memory(b);
    else
        instances_check_unused(b);
}

/* Not if this process is not to: nothing of it has run then. */
static int
may_open(struct builder *b, const struct build_options *o)
{
    uint32_t n = b->diag->n_errors;

    if (b->is_sound && o->before_open)
        o->before_open(o->arg, b->gen, b->diag);
    return b->diag->n_errors == n;
}

/* One attempt: what there is of a generation, with what is wrong in b->diag;
 * NULL: out of memory. */
static void
attempt(struct builder *b, const struct build_options *o)
{
    b->gen = new_gen((struct conf *)(uintptr_t)b->conf, o);
    if (!b->gen) {
        builder_out_of_memory(b);
        return;
    }
    build(b, o);
    if (!b->begins_again && may_open(b, o))
        instances_open(b); /* those that are good, for what they may find */
    sections_free(b);
}

/* One of the two below: a generation without errors if opens, else NULL.  Each
 * further attempt is one with fewer sections (outage.h), so there is an end. */
static struct gen *
build_or_check(struct conf *conf, const struct build_options *o, struct diag *d,
               int opens)
{
    struct builder b;
    struct diag found;
    uint32_t n_errors;

    diag_init(&found);
    do {
        b = (struct builder){
            .conf = conf,
            .before = o->before,
            .quarantine = o->quarantine,
            .diag = &found,
            .is_sound = opens,
        };
        diag_fini(&found);   /* all of it is found again */
        found.says_once = 1; /* a section's fault shows in each of its routes */
        attempt(&b, o);
        if (b.begins_again)
            gen_free(b.gen);
    } while (b.begins_again);
    n_errors = found.n_errors;
    diag_merge(d, &found);
    diag_fini(&found);
    if (b.gen && opens && n_errors == 0)
        return b.gen;
    if (b.gen)
        gen_free(b.gen);
    return NULL;
}

struct gen *
build_gen(struct conf *conf, const struct build_options *o, struct diag *d)
{
    struct gen *g = build_or_check(conf, o, d, 1);

    if (g)
        bundle_hash(conf->bundle, conf->hash);
    return g;
}

void
build_check(struct conf *conf, const struct build_options *o, struct diag *d)
{
    (void)!build_or_check(conf, o, d, 0);
}

void
build_free(struct gen *g)
{
    struct conf *conf = (struct conf *)(uintptr_t)g->conf;

    gen_free(g);
    conf_free(conf);
}
