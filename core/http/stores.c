/* SPDX-License-Identifier: BSD-2-Clause */
/* stores.c - et.store/1; see stores.h. */
#include "http/stores.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/shelf.h"
#include "base/str.h"
#include "http/host.h"
#include "plug/instance.h"
#include "plug/plugin.h"

#define OPENED_MAGIC 0x5702eu
#define CACHE_LINE 64u

/* A worker's share of a store. */
struct part {
    struct shelf shelf;
    /* What the worker's figures say of it already. */
    uint32_t n_shown;
    uint64_t n_evicted_shown;
    uint32_t n_open; /* on this worker */
};

/* What tells one store from another. */
struct label {
    et_str plugin, section, name;
};

struct store {
    struct store *next;
    struct label label; /* behind the parts */
    struct shelf_seeds seeds;
    uint32_t n_open; /* on all workers */
    uint64_t unused_since_ms;
    uint32_t n_parts;
    struct part parts[]; /* [n_parts] */
};

struct opened {
    et_store pub;
    uint32_t magic;
    struct stores *stores;
    struct store *store;
    struct part *part; /* of the worker */
    struct host_worker *worker;
    struct instance_loan loan;
};

static struct opened *
opened_of(et_store *pub)
{
    struct opened *o = CONTAINER_OF(pub, struct opened, pub);

    CHECK(o->magic == OPENED_MAGIC);
    return o;
}

/* ---- the registry --------------------------------------------------------*/

void
stores_init(struct stores *s, uint32_t n_workers)
{
    *s = (struct stores){.n_workers = n_workers};
    pthread_mutex_init(&s->lock, NULL);
}

void
stores_set_memory(struct stores *s, uint64_t bytes)
{
    s->memory = bytes;
}

static void
free_store(struct store *store)
{
    while (store->n_parts > 0)
        shelf_fini(&store->parts[--store->n_parts].shelf);
    free(store);
}

void
stores_fini(struct stores *s)
{
    while (s->first) {
        struct store *store = s->first;
        s->first = store->next;
        free_store(store);
    }
    pthread_mutex_destroy(&s->lock);
}

/* How long a store has yet to be kept. */
static uint64_t
rest_ms(const struct store *store, uint64_t now_ms, uint64_t keep_ms)
{
    const uint64_t end_ms = store->unused_since_ms + keep_ms;

    return end_ms > now_ms ? end_ms - now_ms : 0;
}

int
stores_sweep(struct stores *s, uint64_t now_ms, uint64_t keep_ms)
{
    struct store *dropped = NULL, **at = &s->first, *store;
    uint64_t soonest_ms = UINT64_MAX;

    pthread_mutex_lock(&s->lock);
    while ((store = *at)) {
        const uint64_t ms =
            store->n_open > 0 ? UINT64_MAX : rest_ms(store, now_ms, keep_ms);
        if (ms > 0) {
            soonest_ms = ms < soonest_ms ? ms : soonest_ms;
            at = &store->next;
            continue;
        }
        *at = store->next;
        s->n--;
        store->next = dropped;
        dropped = store;
    }
    pthread_mutex_unlock(&s->lock);
    while ((store = dropped)) {
        dropped = store->next;
        log_debug("store %s of [plugin %s] is dropped", store->label.name.p,
                  store->label.section.p);
        free_store(store);
    }
    if (soonest_ms == UINT64_MAX)
        return -1;
    return soonest_ms < INT_MAX ? (int)soonest_ms : INT_MAX;
}

/* ---- opening -------------------------------------------------------------*/

static int
is_labelled(const struct store *s, const struct label *l)
{
    return str_eq(s->label.name, l->name) &&
           str_eq(s->label.section, l->section) &&
           str_eq(s->label.plugin, l->plugin);
}

/* Append s and a NUL at *to. */
static et_str
copied(char **to, et_str s)
{
    char *p = *to;

    memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    *to += s.n + 1;
    return (et_str){p, s.n};
}

static struct store *
new_store(uint32_t n_workers, const struct label *l)
{
    const size_t parts = n_workers * sizeof(struct part);
    const size_t text = l->plugin.n + l->section.n + l->name.n + 3;
    const size_t bytes = sizeof(struct store) + parts + text;
    struct store *s = aligned_alloc(CACHE_LINE, (bytes + CACHE_LINE - 1) &
                                                    ~(size_t)(CACHE_LINE - 1));
    char *to;

    if (!s)
        return NULL;
    memset(s, 0, bytes);
    to = (char *)s + sizeof(struct store) + parts;
    s->label.plugin = copied(&to, l->plugin);
    s->label.section = copied(&to, l->section);
    s->label.name = copied(&to, l->name);
    s->seeds = shelf_seeds_new();
    return s;
}

/* A store with a shelf for each worker, in the list; NULL without memory. */
static struct store *
make_store(struct stores *s, const struct label *l)
{
    struct store *store = new_store(s->n_workers, l);

    if (!store)
        return NULL;
    while (store->n_parts < s->n_workers) {
        if (shelf_init(&store->parts[store->n_parts].shelf,
                       s->memory / s->n_workers) < 0) {
            free_store(store);
            return NULL;
        }
        store->n_parts++;
    }
    store->next = s->first;
    s->first = store;
    s->n++;
    return store;
}

/* The store of that label, open once more; NULL, and why. */
static struct store *
take_store(struct stores *s, const struct label *l, const char **why)
{
    struct store *store;

    pthread_mutex_lock(&s->lock);
    store = s->first;
    while (store && !is_labelled(store, l))
        store = store->next;
    *why = s->n < STORES_MAX ? "out of memory" : "there are too many stores";
    if (!store && s->n < STORES_MAX)
        store = make_store(s, l);
    if (store)
        store->n_open++;
    pthread_mutex_unlock(&s->lock);
    return store;
}

static void
let_go(struct stores *s, struct store *store, uint64_t now_ms)
{
    pthread_mutex_lock(&s->lock);
    CHECK(store->n_open > 0);
    store->n_open--;
    store->unused_since_ms = now_ms;
    pthread_mutex_unlock(&s->lock);
}

/* Bring the worker's figures up to date. */
static void
show(const struct opened *o)
{
    struct part *p = o->part;
    struct metrics *m = o->worker->metrics;
    const uint32_t n = p->n_open > 0 ? p->shelf.n : 0;

    if (n != p->n_shown)
        metrics_add(m, METRIC_store_entries, (uint64_t)n - p->n_shown);
    if (UNLIKELY(p->shelf.n_evicted != p->n_evicted_shown))
        metrics_add(m, METRIC_store_evictions,
                    p->shelf.n_evicted - p->n_evicted_shown);
    p->n_shown = n;
    p->n_evicted_shown = p->shelf.n_evicted;
}

static void
give_back(struct instance_loan *l)
{
    struct opened *o = CONTAINER_OF(l, struct opened, loan);

    o->part->n_open--;
    show(o);
    let_go(o->stores, o->store, o->worker->clock->mono_ms);
    o->magic = 0;
    free(o);
}

static struct opened *
new_opened(struct host_worker *w, const struct label *l, const char **why)
{
    struct opened *o = calloc(1, sizeof *o);

    *why = "out of memory";
    if (!o)
        return NULL;
    o->store = take_store(w->stores, l, why);
    if (!o->store) {
        free(o);
        return NULL;
    }
    o->pub = (et_store){
        .ctx = {sizeof o->pub, ET_K_STORE, host_get()},
        .api = stores_iface(),
    };
    o->magic = OPENED_MAGIC;
    o->stores = w->stores;
    o->part = &o->store->parts[w->pub.index];
    o->worker = w;
    o->loan.give_back = give_back;
    o->part->n_open++;
    show(o);
    return o;
}

const char *
stores_section(const et_ctx *c)
{
    et_store *pub = CONTAINER_OF((et_ctx *)(uintptr_t)c, et_store, ctx);

    return opened_of(pub)->store->label.section.p;
}

static et_store *
refuse(const struct instance *i, et_str name, const char *why)
{
    log_printf(LOG_WARN, i ? i->name : NULL, "store \"%.*s\": %s",
               (int)(name.n < ET_STORE_NAME_MAX ? name.n : ET_STORE_NAME_MAX),
               name.n ? name.p : "", why);
    return NULL;
}

/* ---- et.store/1 ----------------------------------------------------------*/

static et_store *
store_open(et_worker *pub, et_str name)
{
    const struct instance *i = instance_in_init();
    struct host_worker *w = host_worker_of(pub);
    struct label label = {.name = name};
    struct opened *o;
    const char *why;

    if (!i)
        return refuse(NULL, name, "not opened within the init of a state");
    if (name.n == 0 || name.n > ET_STORE_NAME_MAX)
        return refuse(i, name, "its name is empty or too long");
    label.plugin = str_from_z(i->plugin->desc.id);
    label.section = i->conf.instance;
    o = new_opened(w, &label, &why);
    if (!o)
        return refuse(i, name, why);
    instance_lend(&o->loan);
    return &o->pub;
}

static uint64_t
now_of(const struct opened *o)
{
    return o->worker->clock->mono_ms;
}

static int
hash(const struct opened *o, et_str key, struct shelf_name *out)
{
    if (UNLIKELY(key.n > ET_STORE_KEY_MAX))
        return ET_EINVAL;
    *out = shelf_hash(&o->store->seeds, key);
    return 0;
}

/* What a change came to, for the figures and the plugin. */
static int32_t
outcome(const struct opened *o, int rc)
{
    show(o);
    if (LIKELY(rc == 0))
        return 0;
    if (rc != ERR_LIMIT)
        return ET_EINVAL;
    metrics_add(o->worker->metrics, METRIC_store_refusals, 1);
    return ET_ELIMIT;
}

static int64_t
store_add(et_store *pub, et_str key, int64_t delta, uint64_t ttl_ms)
{
    const struct opened *o = opened_of(pub);
    struct shelf_name name;
    int64_t value;
    int32_t rc;

    if (hash(o, key, &name) < 0)
        return ET_EINVAL;
    rc = outcome(
        o, shelf_add(&o->part->shelf, &name, delta, now_of(o), ttl_ms, &value));
    return rc < 0 ? rc : value;
}

static int64_t
store_total(et_store *pub, et_str key)
{
    const struct opened *o = opened_of(pub);
    const struct store *s = o->store;
    struct shelf_name name;
    int64_t sum = 0;

    if (hash(o, key, &name) < 0)
        return ET_EINVAL;
    for (uint32_t i = 0; i < s->n_parts; i++) {
        if (__builtin_add_overflow(
                sum, shelf_count(&s->parts[i].shelf, &name, now_of(o)), &sum))
            return INT64_MAX;
    }
    return sum;
}

static int32_t
store_put(et_store *pub, et_str key, et_str value, uint64_t ttl_ms)
{
    const struct opened *o = opened_of(pub);
    struct shelf_name name;

    if (hash(o, key, &name) < 0)
        return ET_EINVAL;
    return outcome(o,
                   shelf_put(&o->part->shelf, &name, value, now_of(o), ttl_ms));
}

static et_str
store_get(et_store *pub, et_str key)
{
    const struct opened *o = opened_of(pub);
    struct shelf_name name;
    et_str value = {NULL, 0};

    if (hash(o, key, &name) == 0)
        value = shelf_get(&o->part->shelf, &name, now_of(o));
    show(o);
    return value;
}

static int32_t
store_del(et_store *pub, et_str key)
{
    const struct opened *o = opened_of(pub);
    struct shelf_name name;

    if (hash(o, key, &name) < 0)
        return ET_EINVAL;
    shelf_del(&o->part->shelf, &name);
    return outcome(o, 0);
}

static const et_store_api iface = {
    .size = sizeof iface,
    .open = store_open,
    .add = store_add,
    .total = store_total,
    .put = store_put,
    .get = store_get,
    .del = store_del,
};

_Static_assert(ET_STORE_VALUE_MAX == SHELF_VALUE_MAX, "as it is promised");

const et_store_api *
stores_iface(void)
{
    return &iface;
}
