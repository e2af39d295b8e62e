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
#include "base/str.h"
#include "http/host.h"
#include "plug/instance.h"
#include "plug/plugin.h"

#define OPENED_MAGIC 0x5702eu
/* Of a worker's own numbers; those of the whole server have none. */
#define LANE(seat, worker) ((seat)*SEATS_LANES_MAX + (worker))

/* What tells one store from another: the plugin's id, the section and the name,
 * with a NUL behind the first two. */
struct label {
    et_str all;
    const char *section;
};

/* A store that is open in this process. */
struct store {
    struct store *next;
    uint64_t id; /* in the vault */
    struct shelf_seeds seeds;
    uint32_t n_open;
    struct label label; /* behind it */
};

struct opened {
    et_store pub;
    uint32_t magic;
    uint32_t lane;
    struct stores *stores;
    struct store *store;
    struct host_worker *worker;
    struct instance_loan loan;
    uint64_t value[ET_STORE_VALUE_MAX / sizeof(uint64_t)]; /* that get found */
};

static struct opened *
opened_of(et_store *pub)
{
    struct opened *o = CONTAINER_OF(pub, struct opened, pub);

    CHECK(o->magic == OPENED_MAGIC);
    return o;
}

/* ---- the process ---------------------------------------------------------*/

void
stores_init(struct stores *s, const struct vault *vault, uint32_t n_workers)
{
    struct seats *seats = &vault->region->seats;

    *s = (struct stores){.vault = vault,
                         .owner = seats_name(seats, vault->seat)};
    seats_set_lanes(seats, vault->seat, n_workers);
    pthread_mutex_init(&s->lock, NULL);
}

void
stores_fini(struct stores *s)
{
    CHECK(s->first == NULL);
    pthread_mutex_destroy(&s->lock);
}

static void
on_dropped(et_str label)
{
    const char *section = label.p + strnlen(label.p, label.n);
    const char *name;

    section += section < label.p + label.n;
    name = section + strlen(section);
    name += name < label.p + label.n;
    log_debug("store %s of [plugin %s] is dropped", name, section);
}

/* All that could be dropped is looked at, so not more often than needed. */
int
stores_sweep(struct stores *s, uint64_t now_ms, uint64_t keep_ms)
{
    struct shelf_hand hand = {.owner = s->owner, .now_ms = now_ms};
    int ms;

    if (atomic_exchange(&s->has_changed, 0) || now_ms >= s->sweep_ms ||
        keep_ms != s->keep_ms) {
        s->keep_ms = keep_ms;
        ms = vault_sweep(s->vault, &hand, keep_ms, on_dropped);
        s->sweep_ms = ms < 0 ? UINT64_MAX : now_ms + (uint64_t)ms;
    }
    if (s->sweep_ms == UINT64_MAX)
        return -1;
    return s->sweep_ms - now_ms < INT_MAX ? (int)(s->sweep_ms - now_ms)
                                          : INT_MAX;
}

/* ---- opening -------------------------------------------------------------*/

static struct store *
new_store(const struct instance *i, et_str name)
{
    const et_str plugin = str_from_z(i->plugin->desc.id);
    const et_str section = i->conf.instance;
    const size_t n = plugin.n + 1 + section.n + 1 + name.n;
    struct store *s = calloc(1, sizeof *s + n + 1);
    char *to;

    if (!s)
        return NULL;
    to = (char *)(s + 1);
    s->label.all = (et_str){to, n};
    s->label.section = to + plugin.n + 1;
    memcpy(to, plugin.p, plugin.n);
    memcpy(to + plugin.n + 1, section.p, section.n);
    memcpy(to + n - name.n, name.p, name.n);
    return s;
}

/* Two stores have no name in common, nor has one with another of its label that
 * was dropped before it. */
static void
set_seeds(struct store *s, const struct vault *v)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);

    s->seeds.v[0] = v->seeds.v[0] ^ s->id * odd;
    s->seeds.v[1] = v->seeds.v[1] + s->id * odd;
}

static struct shelf_hand
hand_of(const struct stores *s, const struct host_worker *w)
{
    return (struct shelf_hand){.owner = s->owner, .now_ms = w->clock->mono_ms};
}

/* Takes made, or frees it: the store of its label, open once more; NULL: there
 * are too many. */
static struct store *
take_store(struct stores *s, struct store *made, const struct host_worker *w)
{
    struct shelf_hand hand = hand_of(s, w);
    struct store *store;

    pthread_mutex_lock(&s->lock);
    store = s->first;
    while (store && !str_eq(store->label.all, made->label.all))
        store = store->next;
    if (!store) {
        made->id = vault_open(s->vault, &hand, made->label.all);
        if (made->id != 0) {
            set_seeds(made, s->vault);
            made->next = s->first;
            s->first = store = made;
        }
    }
    if (store)
        store->n_open++;
    pthread_mutex_unlock(&s->lock);
    atomic_store(&s->has_changed, 1);
    if (store != made)
        free(made);
    return store;
}

static void
let_go(struct stores *s, struct store *store, const struct host_worker *w)
{
    const struct shelf_hand hand = hand_of(s, w);
    struct store **at = &s->first;

    pthread_mutex_lock(&s->lock);
    CHECK(store->n_open > 0);
    if (--store->n_open == 0) {
        while (*at != store)
            at = &(*at)->next;
        *at = store->next;
        vault_close(s->vault, &hand, store->id);
        free(store);
    }
    pthread_mutex_unlock(&s->lock);
    atomic_store(&s->has_changed, 1);
}

static void
give_back(struct instance_loan *l)
{
    struct opened *o = CONTAINER_OF(l, struct opened, loan);

    let_go(o->stores, o->store, o->worker);
    o->magic = 0;
    free(o);
}

static struct opened *
new_opened(struct host_worker *w, const struct instance *i, et_str name,
           const char **why)
{
    struct opened *o = calloc(1, sizeof *o);
    struct store *made = o ? new_store(i, name) : NULL;

    *why = made ? "there are too many stores" : "out of memory";
    if (made)
        o->store = take_store(w->stores, made, w);
    if (!o || !o->store) {
        free(o);
        return NULL;
    }
    o->pub = (et_store){
        .ctx = {sizeof o->pub, ET_K_STORE, host_get()},
        .api = stores_iface(),
    };
    o->magic = OPENED_MAGIC;
    o->stores = w->stores;
    o->worker = w;
    o->lane = LANE(w->stores->vault->seat, w->pub.index);
    o->loan.give_back = give_back;
    return o;
}

const char *
stores_section(const et_ctx *c)
{
    et_store *pub = CONTAINER_OF((et_ctx *)(uintptr_t)c, et_store, ctx);

    return opened_of(pub)->store->label.section;
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
    struct opened *o;
    const char *why;

    if (!i)
        return refuse(NULL, name, "not opened within the init of a state");
    if (name.n == 0 || name.n > ET_STORE_NAME_MAX)
        return refuse(i, name, "its name is empty or too long");
    o = new_opened(w, i, name, &why);
    if (!o)
        return refuse(i, name, why);
    instance_lend(&o->loan);
    return &o->pub;
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
outcome(const struct opened *o, const struct shelf_hand *hand, int rc)
{
    struct metrics *m = o->worker->metrics;

    if (hand->n_entries != 0)
        metrics_add(m, METRIC_store_entries, (uint64_t)hand->n_entries);
    if (UNLIKELY(hand->n_evicted > 0))
        metrics_add(m, METRIC_store_evictions, hand->n_evicted);
    if (LIKELY(rc >= 0))
        return rc;
    metrics_add(m, METRIC_store_refusals, 1);
    return ET_ELIMIT;
}

static int64_t
store_add(et_store *pub, et_str key, int64_t delta, uint64_t ttl_ms)
{
    const struct opened *o = opened_of(pub);
    struct shelf_hand hand = hand_of(o->stores, o->worker);
    struct shelf_name name;
    int64_t value;
    int32_t rc;

    if (hash(o, key, &name) < 0)
        return ET_EINVAL;
    name = shelf_name_nth(&name, o->lane);
    rc = outcome(o, &hand,
                 number_add(&o->stores->vault->numbers, &hand, &name,
                            o->store->id, delta, ttl_ms, &value));
    return rc < 0 ? rc : value;
}

/* What the workers of one seat have counted. */
static int
add_up(const struct opened *o, const struct shelf_name *key, uint32_t seat,
       int64_t *sum)
{
    const struct vault *v = o->stores->vault;
    const uint32_t n = seats_lanes(&v->region->seats, seat);

    for (uint32_t i = 0; i < n; i++) {
        const struct shelf_name name = shelf_name_nth(key, LANE(seat, i));
        if (__builtin_add_overflow(
                *sum, number_get(&v->numbers, &name, o->worker->clock->mono_ms),
                sum))
            return ERR_LIMIT;
    }
    return 0;
}

static int64_t
store_total(et_store *pub, et_str key)
{
    const struct opened *o = opened_of(pub);
    struct shelf_name name;
    int64_t sum = 0;

    if (hash(o, key, &name) < 0)
        return ET_EINVAL;
    for (uint32_t seat = 0; seat < SEATS_MAX; seat++) {
        if (add_up(o, &name, seat, &sum) < 0)
            return INT64_MAX;
    }
    return sum > 0 ? sum : 0;
}

static int32_t
store_put(et_store *pub, et_str key, et_str value, uint64_t ttl_ms)
{
    const struct opened *o = opened_of(pub);
    const struct shelf *pieces = &o->stores->vault->pieces;
    struct shelf_hand hand = hand_of(o->stores, o->worker);
    struct shelf_name name;

    if (hash(o, key, &name) < 0 || value.n > ET_STORE_VALUE_MAX)
        return ET_EINVAL;
    return outcome(
        o, &hand, piece_put(pieces, &hand, &name, o->store->id, value, ttl_ms));
}

static et_str
store_get(et_store *pub, et_str key)
{
    struct opened *o = opened_of(pub);
    struct shelf_name name;
    int n = -1;

    if (hash(o, key, &name) == 0)
        n = piece_get(&o->stores->vault->pieces, &name,
                      o->worker->clock->mono_ms, o->value);
    return n < 0 ? (et_str){NULL, 0}
                 : (et_str){(const char *)o->value, (size_t)n};
}

static int32_t
store_del(et_store *pub, et_str key)
{
    const struct opened *o = opened_of(pub);
    struct shelf_hand hand = hand_of(o->stores, o->worker);
    struct shelf_name name, own;
    int64_t value;
    int rc;

    if (hash(o, key, &name) < 0)
        return ET_EINVAL;
    own = shelf_name_nth(&name, o->lane);
    rc = number_add(&o->stores->vault->numbers, &hand, &own, o->store->id,
                    -INT64_MAX, 0, &value);
    piece_drop(&o->stores->vault->pieces, &hand, &name);
    return outcome(o, &hand, rc);
}

static int32_t
store_cell(et_store *pub, et_str key, int64_t *value)
{
    const struct opened *o = opened_of(pub);
    struct shelf_name name;

    if (hash(o, key, &name) < 0)
        return ET_EINVAL;
    *value = number_get(&o->stores->vault->numbers, &name,
                        o->worker->clock->mono_ms);
    return 0;
}

static int32_t
store_swap(et_store *pub, et_str key, int64_t *was, int64_t to, uint64_t ttl_ms)
{
    const struct opened *o = opened_of(pub);
    struct shelf_hand hand = hand_of(o->stores, o->worker);
    struct shelf_name name;

    if (hash(o, key, &name) < 0)
        return ET_EINVAL;
    return outcome(o, &hand,
                   number_swap(&o->stores->vault->numbers, &hand, &name,
                               o->store->id, was, to, ttl_ms));
}

static const et_store_api iface = {
    .size = sizeof iface,
    .open = store_open,
    .add = store_add,
    .total = store_total,
    .put = store_put,
    .get = store_get,
    .del = store_del,
    .cell = store_cell,
    .swap = store_swap,
};

_Static_assert(ET_STORE_SAME_END == SHELF_SAME_END, "as it is promised");

const et_store_api *
stores_iface(void)
{
    return &iface;
}
