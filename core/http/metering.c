/* SPDX-License-Identifier: BSD-2-Clause */
/* metering.c - et.metrics/1; see metering.h. */
#include "http/metering.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/err.h"
#include "base/figures.h"
#include "base/hash.h"
#include "base/str.h"
#include "http/req.h"
#include "plug/instance.h"
#include "plug/plugin.h"

#define MAX_BYTES ((size_t)4 << 30)
#define FIRST_BUCKETS 64u
#define NAME_MAX_BYTES 300

/* ---- the registry --------------------------------------------------------*/

int
metering_init(struct metering *m, const struct figures *figures)
{
    *m = (struct metering){.figures = figures,
                           .n_buckets = FIRST_BUCKETS,
                           .seed = hash_seed_new()};
    arena_init(&m->arena, NULL, 0, NULL, MAX_BYTES);
    m->table = arena_zalloc(&m->arena, FIRST_BUCKETS * sizeof *m->table);
    return m->table ? 0 : ERR_NOMEM;
}

void
metering_fini(struct metering *m)
{
    arena_reset(&m->arena);
}

/* s with backslash, newline and, where it is a label's value, quote escaped;
 * absent without memory. */
static et_str
escaped(struct arena *a, et_str s, int is_label)
{
    char *to = arena_alloc(a, 2 * s.n + 1), *p = to;

    if (!to)
        return (et_str){NULL, 0};
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\\' || c == '\n' || (c == '"' && is_label))
            *p++ = '\\';
        *p++ = c == '\n' ? 'n' : c;
    }
    *p = '\0';
    return (et_str){to, (size_t)(p - to)};
}

/* ---- families ------------------------------------------------------------*/

static int
is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
}

static int
ends_in_unit(const char *name, const char *unit)
{
    size_t n = strlen(name), k = strlen(unit);

    return n > k && name[n - k - 1] == '_' && strcmp(name + n - k, unit) == 0;
}

/* What a metric is called when it is shown: the last part of the plugin's id,
 * its name, its unit unless the name says it already, _total of a counter. */
static et_str
shown_name(const struct plugin *p, const et_metricdef *d,
           char out[NAME_MAX_BYTES])
{
    const char *dot = strrchr(p->desc.id, '.');
    const char *tail = dot ? dot + 1 : p->desc.id;
    const char *unit = d->unit ? d->unit : "";
    int n;

    if (ends_in_unit(d->name, unit))
        unit = "";
    n = snprintf(out, NAME_MAX_BYTES, "%s%s_%s%s%s%s",
                 *tail >= '0' && *tail <= '9' ? "_" : "", tail, d->name,
                 *unit ? "_" : "", unit,
                 d->kind == ET_METRIC_COUNTER ? "_total" : "");
    CHECK(n > 0 && n < NAME_MAX_BYTES); /* plug bounds all three */
    for (char *c = out; *c; c++) {
        if (!is_word_byte(*c))
            *c = '_';
    }
    return (et_str){out, (size_t)n};
}

static struct metering_family *
find_family(struct metering *m, et_str name, uint64_t hash)
{
    struct metering_family *f = atomic_load(&m->first);

    while (f && (f->hash != hash || !str_eq(f->name, name)))
        f = atomic_load(&f->next);
    return f;
}

static struct metering_family *
new_family(struct metering *m, et_str name, uint64_t hash, uint32_t kind)
{
    struct metering_family *f = arena_zalloc(&m->arena, sizeof *f);

    if (!f)
        return NULL;
    f->hash = hash;
    f->kind = kind;
    f->name = arena_dup(&m->arena, name);
    atomic_init(&f->help, "");
    if (!f->name.p)
        return NULL;
    atomic_store_explicit(m->last ? &m->last->next : &m->first, f,
                          memory_order_release);
    m->last = f;
    return f;
}

/* A new build may explain itself better; readers may still hold the old
 * text. */
static int
set_help(struct metering *m, struct metering_family *f, const char *help,
         struct arena *scratch)
{
    et_str text = escaped(scratch, str_from_z(help), 0);

    if (!text.p)
        return ERR_NOMEM;
    if (strcmp(atomic_load(&f->help), text.p) == 0)
        return 0;
    text = arena_dup(&m->arena, text);
    if (!text.p)
        return ERR_NOMEM;
    atomic_store_explicit(&f->help, text.p, memory_order_release);
    return 0;
}

const char *
metering_kind_name(uint32_t kind)
{
    static const char *const kinds[] = {
        [ET_METRIC_COUNTER] = "counter",
        [ET_METRIC_GAUGE] = "gauge",
        [ET_METRIC_HISTOGRAM] = "histogram",
        [ET_METRIC_INSTANCE_GAUGE] = "gauge",
    };

    return kinds[kind];
}

/* What it is a kind of, wherever it counts. */
static uint32_t
kind_of(const et_metricdef *d)
{
    return d->kind == ET_METRIC_INSTANCE_GAUGE ? ET_METRIC_GAUGE : d->kind;
}

static void
declare(struct metering *m, const struct plugin *p, const et_metricdef *d,
        struct arena *scratch, const struct place *at, struct diag *diag)
{
    char text[NAME_MAX_BYTES];
    et_str name = shown_name(p, d, text);
    uint64_t hash = hash_bytes(name.p, name.n, m->seed);
    struct metering_family *f = find_family(m, name, hash);

    if (str_prefix(name, str_lit("etude_"))) {
        diag_error(diag, at,
                   "plugin %s: metric %s: names that begin with etude_ are "
                   "the server's own",
                   p->path, text);
        return;
    }
    if (f && f->kind != kind_of(d)) {
        diag_error(diag, at,
                   "plugin %s: metric %s is a %s, but has been a %s since "
                   "the server was started: give it another name",
                   p->path, text, metering_kind_name(d->kind),
                   metering_kind_name(f->kind));
        return;
    }
    if (!f)
        f = new_family(m, name, hash, kind_of(d));
    if (!f || set_help(m, f, d->help, scratch) < 0)
        diag_error(diag, at, "plugin %s: no memory for its metrics", p->path);
}

void
metering_declare(struct metering *m, const struct plugin *p,
                 struct arena *scratch, const struct place *at, struct diag *d)
{
    for (uint32_t i = 0; i < p->n_metrics; i++)
        declare(m, p, p->metrics[i], scratch, at, d);
}

/* ---- series --------------------------------------------------------------*/

static int
grow_table(struct metering *m)
{
    uint32_t n = m->n_buckets * 2;
    struct metering_series **table = arena_zalloc(&m->arena, n * sizeof *table);

    if (!table)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < m->n_buckets; i++) {
        for (struct metering_series *s = m->table[i], *next; s; s = next) {
            struct metering_series **at = &table[s->hash & (n - 1)];
            next = s->bucket;
            s->bucket = *at;
            *at = s;
        }
    }
    m->table = table;
    m->n_buckets = n;
    return 0;
}

/* One half of what a series is known by in the figures: its family's name and
 * kind, its labels and its bounds. */
static uint64_t
half_name(uint64_t seed, const struct metering_series *s)
{
    const struct metering_family *f = s->family;
    uint64_t h = hash_bytes(f->name.p, f->name.n, seed);

    h = hash_bytes(s->labels.p, s->labels.n, h ^ f->kind);
    return hash_bytes(s->bounds, s->n_bounds * sizeof *s->bounds, h);
}

static uint32_t
find_cells(const struct metering *m, const struct metering_series *s)
{
    const struct shelf_seeds *seeds = &m->figures->region->seeds;
    struct shelf_name name = {
        {half_name(seeds->v[0], s) | 1, half_name(seeds->v[1], s)}};

    return figures_place(m->figures, &name, s->n_cells,
                         s->family->kind == ET_METRIC_GAUGE);
}

static int
same_place(const struct metering_series *a, const struct metering_family *f,
           et_str labels, uint64_t hash)
{
    return a->hash == hash && a->family == f && str_eq(a->labels, labels);
}

static int
same_bounds(const struct metering_series *s, const et_metricdef *d)
{
    return s->n_bounds == d->n_bounds &&
           (d->n_bounds == 0 ||
            memcmp(s->bounds, d->bounds, d->n_bounds * sizeof *s->bounds) == 0);
}

static void
publish(struct metering *m, struct metering_series *s)
{
    struct metering_series **at = &m->table[s->hash & (m->n_buckets - 1)];
    struct metering_family *f = s->family;

    s->bucket = *at;
    *at = s;
    m->n_series++;
    atomic_store_explicit(f->last ? &f->last->next : &f->first, s,
                          memory_order_release);
    f->last = s;
}

static struct metering_series *
new_series(struct metering *m, struct metering_family *f, const et_metricdef *d,
           et_str labels, uint64_t hash)
{
    struct metering_series *s;
    int64_t *bounds;

    if (m->n_series >= m->n_buckets && grow_table(m) < 0)
        return NULL;
    s = arena_zalloc(&m->arena, sizeof *s);
    bounds = arena_alloc(&m->arena, d->n_bounds * sizeof *bounds);
    if (!s || !bounds)
        return NULL;
    if (d->n_bounds > 0)
        memcpy(bounds, d->bounds, d->n_bounds * sizeof *bounds);
    s->family = f;
    s->hash = hash;
    s->labels = arena_dup(&m->arena, labels);
    s->bounds = bounds;
    s->n_bounds = d->n_bounds;
    s->n_cells = d->kind == ET_METRIC_HISTOGRAM ? d->n_bounds + 2 : 1;
    s->place = s->labels.p ? find_cells(m, s) : FIGURES_NONE;
    if (s->place == FIGURES_NONE)
        return NULL;
    publish(m, s);
    return s;
}

static struct metering_series *
series_for(struct metering *m, struct metering_family *f, const et_metricdef *d,
           et_str labels)
{
    uint64_t hash = hash_bytes(labels.p, labels.n, m->seed ^ f->hash);
    struct metering_series *s = m->table[hash & (m->n_buckets - 1)];

    while (s && (!same_place(s, f, labels, hash) || !same_bounds(s, d)))
        s = s->bucket;
    return s ? s : new_series(m, f, d, labels, hash);
}

/* Of the series of one place, which differ in their bounds, show only this
 * one: their buckets have no common total. */
static void
show(struct metering *m, struct metering_series *s)
{
    struct metering_series *o = m->table[s->hash & (m->n_buckets - 1)];

    for (; o; o = o->bucket) {
        if (same_place(o, s->family, s->labels, s->hash))
            atomic_store(&o->is_hidden, o != s);
    }
}

/* A gauge that nobody kept up to date meanwhile begins anew. */
static void
hold(struct metering *m, struct metering_series *s)
{
    if (atomic_load(&s->n_users) == 0 && s->family->kind == ET_METRIC_GAUGE)
        figures_zero(m->figures, s->place);
    atomic_fetch_add(&s->n_users, 1);
    show(m, s);
}

static void
let_go(struct metering *m, struct metering_series *s)
{
    struct metering_series *o = m->table[s->hash & (m->n_buckets - 1)];

    CHECK(atomic_load(&s->n_users) > 0);
    if (atomic_fetch_sub(&s->n_users, 1) > 1)
        return;
    for (; o; o = o->bucket) {
        if (same_place(o, s->family, s->labels, s->hash) &&
            atomic_load(&o->n_users) > 0) {
            show(m, o);
            return;
        }
    }
}

/* What the series of a member are told apart by. */
struct labels {
    et_str route;    /* instance and route */
    et_str instance; /* the front of it: of all routes the same */
};

static int
make_labels(struct arena *a, const char *instance, const char *route,
            struct labels *out)
{
    et_str i = escaped(a, str_from_z(instance), 1);
    et_str r = escaped(a, str_from_z(route), 1);
    const char *text =
        i.p && r.p ? arena_printf(a, "instance=\"%s\",route=\"%s\"", i.p, r.p)
                   : NULL;

    if (!text)
        return ERR_NOMEM;
    out->route = str_from_z(text);
    out->instance = (et_str){text, strlen("instance=\"\"") + strlen(i.p)};
    return 0;
}

static et_str
labels_for(const struct labels *l, const et_metricdef *d)
{
    return d->kind == ET_METRIC_INSTANCE_GAUGE ? l->instance : l->route;
}

int
metering_hold(struct metering *m, const struct instance *i, const char *route,
              struct arena *a, struct metering_set **out)
{
    const struct plugin *p = i->plugin;
    struct metering_set *set;
    struct labels labels;

    *out = NULL;
    if (p->n_metrics == 0)
        return 0;
    set = arena_alloc(a, sizeof *set + p->n_metrics * sizeof set->v[0]);
    if (!set || make_labels(a, i->name, route, &labels) < 0)
        return ERR_NOMEM;
    set->n = 0;
    *out = set; /* what it has so far is held, and released with it */
    for (; set->n < p->n_metrics; set->n++) {
        const et_metricdef *d = p->metrics[set->n];
        char text[NAME_MAX_BYTES];
        et_str name = shown_name(p, d, text);
        struct metering_family *f =
            find_family(m, name, hash_bytes(name.p, name.n, m->seed));
        if (!f || f->kind != kind_of(d))
            return ERR_INVALID;
        set->v[set->n] = series_for(m, f, d, labels_for(&labels, d));
        if (!set->v[set->n])
            return ERR_NOMEM;
        hold(m, set->v[set->n]);
    }
    return 0;
}

void
metering_release(struct metering *m, const struct metering_set *set)
{
    for (uint32_t i = 0; set && i < set->n; i++)
        let_go(m, set->v[i]);
}

struct metering_slot *
metering_slots(const struct metering *m, const struct metering_set *set,
               uint32_t worker, struct arena *a)
{
    struct metering_slot *v = set ? arena_alloc(a, set->n * sizeof *v) : NULL;

    for (uint32_t i = 0; v && i < set->n; i++) {
        const struct metering_series *s = set->v[i];
        v[i] = (struct metering_slot){
            .cells = figures_cell(m->figures, 1 + worker, s->place),
            .bounds = s->bounds,
            .n_bounds = s->n_bounds,
            .kind = s->family->kind,
        };
    }
    return v;
}

/* ---- readers -------------------------------------------------------------*/

int64_t
metering_sum(const struct metering *m, const struct metering_series *s,
             uint32_t cell)
{
    CHECK(cell < s->n_cells);
    return figures_sum(m->figures, s->place + cell,
                       s->family->kind == ET_METRIC_GAUGE);
}

int
metering_is_shown(const struct metering *m, const struct metering_series *s)
{
    if (atomic_load_explicit(&s->is_hidden, memory_order_relaxed))
        return 0;
    if (atomic_load_explicit(&s->n_users, memory_order_relaxed) > 0)
        return 1;
    if (s->family->kind == ET_METRIC_GAUGE)
        return 0;
    for (uint32_t i = 0; i < s->n_cells; i++) {
        if (metering_sum(m, s, i) != 0)
            return 1;
    }
    return 0;
}

/* ---- et.metrics/1 --------------------------------------------------------*/

/* The slot of a metric at the step that runs, or NULL. */
static inline const struct metering_slot *
slot_of(const et_req *pub, uint32_t metric)
{
    const struct req *r = req_of(pub);
    const struct chain_member *m = &r->chain->members[r->member];

    return LIKELY(metric - 1 < m->n_slots) ? &m->slots[metric - 1] : NULL;
}

/* The cell is this worker's alone: no locked instruction is needed. */
static inline void
bump(_Atomic int64_t *cell, int64_t n)
{
    uint64_t value = (uint64_t)atomic_load_explicit(cell, memory_order_relaxed);

    atomic_store_explicit(cell, (int64_t)(value + (uint64_t)n),
                          memory_order_relaxed);
}

static void
add(et_req *r, uint32_t metric, int64_t n)
{
    const struct metering_slot *s = slot_of(r, metric);

    if (s && (s->kind == ET_METRIC_GAUGE ||
              (s->kind == ET_METRIC_COUNTER && n >= 0)))
        bump(s->cells, n);
}

static void
set(et_req *r, uint32_t metric, int64_t value)
{
    const struct metering_slot *s = slot_of(r, metric);

    if (s && s->kind == ET_METRIC_GAUGE)
        atomic_store_explicit(s->cells, value, memory_order_relaxed);
}

static void
observe(et_req *r, uint32_t metric, int64_t value)
{
    const struct metering_slot *s = slot_of(r, metric);
    uint32_t i = 0;

    if (!s || s->kind != ET_METRIC_HISTOGRAM)
        return;
    while (i < s->n_bounds && value > s->bounds[i])
        i++;
    bump(s->cells, value);
    bump(s->cells + 1 + i, 1);
}

static const et_metrics iface = {
    .size = sizeof iface,
    .add = add,
    .set = set,
    .observe = observe,
};

const et_metrics *
metering_iface(void)
{
    return &iface;
}
