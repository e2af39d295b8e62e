/* SPDX-License-Identifier: BSD-2-Clause */
/* exposition.c - all figures as text; see exposition.h. */
#include "http/exposition.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/figures.h"
#include "base/metrics.h"
#include "base/str.h"
#include "conf/conf.h"
#include "http/gen.h"
#include "http/metering.h"
#include "http/req.h"
#include "proto/ascii.h"

#define FIRST_BYTES ((size_t)64 << 10)

/* ---- text ----------------------------------------------------------------*/

/* Room for n more bytes. */
static int
room(struct exposition *x, size_t n)
{
    size_t cap = x->cap ? x->cap : FIRST_BYTES;
    void *p;

    if (LIKELY(n <= x->cap - x->n))
        return 0;
    while (cap - x->n < n)
        cap *= 2;
    p = x->p ? mremap(x->p, x->cap, cap, MREMAP_MAYMOVE)
             : mmap(NULL, cap, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return ERR_NOMEM;
    x->p = p;
    x->cap = cap;
    return 0;
}

void
exposition_free(void *arg)
{
    struct exposition *x = arg;

    if (x->p)
        munmap(x->p, x->cap);
    *x = (struct exposition){NULL, 0, 0};
}

static int
put(struct exposition *x, et_str s)
{
    if (room(x, s.n) < 0)
        return ERR_NOMEM;
    memcpy(x->p + x->n, s.p, s.n);
    x->n += s.n;
    return 0;
}

/* The strings up to a NULL. */
static int
put_all(struct exposition *x, const char *const *v)
{
    int rc = 0;

    for (; *v && rc == 0; v++)
        rc = put(x, str_from_z(*v));
    return rc;
}
#define PUT(x, ...) put_all(x, (const char *const[]){__VA_ARGS__, NULL})

struct number {
    char text[ASCII_U64_MAX + 2];
};

static const char *
in_decimal(struct number *n, int64_t value)
{
    char *p = n->text;
    uint64_t size = (uint64_t)value;

    if (value < 0) {
        *p++ = '-';
        size = 0 - size;
    }
    p[ascii_from_u64(p, size)] = '\0';
    return n->text;
}

/* ---- what is said --------------------------------------------------------*/

static int
put_head(struct exposition *x, const char *name, const char *help,
         const char *kind)
{
    return PUT(x, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind,
               "\n");
}

static int
put_own(struct exposition *x, const struct metering *m, enum metric id)
{
    const int is_gauge = metrics_kind(id) != METRIC_COUNTER;
    char name[80];
    struct number n;

    snprintf(name, sizeof name, "etude_%s%s", metrics_name(id),
             is_gauge ? "" : "_total");
    if (put_head(x, name, metrics_help(id), is_gauge ? "gauge" : "counter") < 0)
        return ERR_NOMEM;
    return PUT(x, name, " ",
               in_decimal(&n, (int64_t)figures_total(m->figures, id)), "\n");
}

/* A figure that is always 1: what there is to say is in its label. */
static int
put_conf(struct exposition *x, const char *hash)
{
    if (put_head(x, "etude_config_info",
                 "the configuration that serves, by "
                 "the hash of its texts, variables and plugins",
                 "gauge") < 0)
        return ERR_NOMEM;
    return PUT(x, "etude_config_info{hash=\"", hash, "\"} 1\n");
}

static int
put_value(struct exposition *x, const struct metering *m,
          const struct metering_series *s)
{
    struct number n;

    return PUT(x, s->family->name.p, "{", s->labels.p, "} ",
               in_decimal(&n, metering_sum(m, s, 0)), "\n");
}

/* Cumulated buckets; the count is what they add up to, not read again. */
static int
put_histogram(struct exposition *x, const struct metering *m,
              const struct metering_series *s)
{
    const char *name = s->family->name.p;
    struct number bound, value;
    int64_t count = 0;
    int rc = 0;

    for (uint32_t i = 0; i <= s->n_bounds && rc == 0; i++) {
        count += metering_sum(m, s, 1 + i);
        rc = PUT(x, name, "_bucket{", s->labels.p, ",le=\"",
                 i < s->n_bounds ? in_decimal(&bound, s->bounds[i]) : "+Inf",
                 "\"} ", in_decimal(&value, count), "\n");
    }
    if (rc == 0)
        rc = PUT(x, name, "_sum{", s->labels.p, "} ",
                 in_decimal(&value, metering_sum(m, s, 0)), "\n");
    if (rc == 0)
        rc = PUT(x, name, "_count{", s->labels.p, "} ",
                 in_decimal(&value, count), "\n");
    return rc;
}

static int
put_family(struct exposition *x, const struct metering *m,
           const struct metering_family *f)
{
    const struct metering_series *s =
        atomic_load_explicit(&f->first, memory_order_acquire);
    int has_head = 0, rc = 0;

    for (; s && rc == 0;
         s = atomic_load_explicit(&s->next, memory_order_acquire)) {
        if (!metering_is_shown(m, s))
            continue;
        if (!has_head++)
            rc = put_head(x, f->name.p,
                          atomic_load_explicit(&f->help, memory_order_acquire),
                          metering_kind_name(f->kind));
        if (rc == 0)
            rc = f->kind == ET_METRIC_HISTOGRAM ? put_histogram(x, m, s)
                                                : put_value(x, m, s);
    }
    return rc;
}

int
exposition_write(struct exposition *x, const struct metering *m,
                 const char *conf_hash)
{
    const struct metering_family *f =
        atomic_load_explicit(&m->first, memory_order_acquire);
    int rc = 0;

    for (uint32_t id = 0; id < METRIC_COUNT && rc == 0; id++)
        rc = put_own(x, m, (enum metric)id);
    if (rc == 0)
        rc = put_conf(x, conf_hash);
    for (; f && rc == 0;
         f = atomic_load_explicit(&f->next, memory_order_acquire))
        rc = put_family(x, m, f);
    return rc;
}

uint32_t
exposition_answer(et_req *pub, void *self)
{
    struct req *r = req_of(pub);
    const struct gen *gen = r->gen->gen;
    struct exposition *x = arena_zalloc(&r->arena, sizeof *x);

    (void)self;
    if (!x)
        return ET_FAIL;
    if (exposition_write(x, gen->metering, gen->conf->hash) < 0 ||
        (gen->facts.n > 0 && put(x, gen->facts) < 0)) {
        exposition_free(x);
        return ET_FAIL;
    }
    resp_reply_ref(&r->resp, 200,
                   str_lit("text/plain; version=0.0.4; charset=utf-8"), x->p,
                   x->n, exposition_free, x);
    return ET_DONE;
}
