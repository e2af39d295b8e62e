/* SPDX-License-Identifier: BSD-2-Clause */
/* shelf.c - see shelf.h. */
#include "base/shelf.h"

#include <string.h>
#include <sys/mman.h>

#include "base/asan.h"
#include "base/err.h"
#include "base/hash.h"

#define REACH 64u /* slots an entry may lie in, its home the first of them */
#define NONE UINT32_MAX
/* Over 60 % of all slots in use, the reach of some home would be full often. */
#define HOMES_OF(entries) ((entries) / 3 * 5 + (entries) % 3 * 5 / 3)
/* Entries that are over and that a new one clears away in passing. */
#define CLEARED_AT_ONCE 2

/* The lowest bit of a name's second half: a counter and a value of the same
 * name are two entries with one home. */
enum kind { COUNTER, VALUE };

#define LOAD(p) atomic_load_explicit(p, memory_order_relaxed)
#define SEE(p) atomic_load_explicit(p, memory_order_acquire)
#define SHOW(p, v) atomic_store_explicit(p, v, memory_order_release)

/* ---- names ---------------------------------------------------------------*/

struct shelf_seeds
shelf_seeds_new(void)
{
    return (struct shelf_seeds){{hash_seed_new(), hash_seed_new()}};
}

struct shelf_name
shelf_hash(const struct shelf_seeds *seeds, et_str name)
{
    uint64_t high = hash_bytes(name.p, name.n, seeds->v[0]);

    return (struct shelf_name){{high ? high : 1, /* 0 is a free slot's */
                                hash_bytes(name.p, name.n, seeds->v[1])}};
}

static uint64_t
second_half(const struct shelf_name *name, enum kind kind)
{
    return (name->v[1] & ~UINT64_C(1)) | kind;
}

static uint32_t
home_of(const struct shelf *s, uint64_t high)
{
    return (uint32_t)((high >> 32) * s->n_homes >> 32);
}

/* ---- memory --------------------------------------------------------------*/

/* The parts of a shelf's mapping, one after the other. */
struct plan {
    uint32_t n_max, n_slots;
    size_t values, slots, items, places, tags, bytes;
};

static struct plan
plan(size_t max_bytes)
{
    struct plan p = {.n_max = (uint32_t)(max_bytes / SHELF_ENTRY_BYTES)};
    size_t value_bytes = max_bytes & ~(BUDDY_MAX_BYTES - 1);

    p.n_slots = HOMES_OF(p.n_max) + REACH - 1;
    p.slots = p.values + value_bytes;
    p.items = p.slots + p.n_slots * sizeof(struct shelf_slot);
    p.places = p.items + p.n_max * sizeof(struct due_item);
    p.tags = p.places + p.n_slots * sizeof(uint32_t);
    p.bytes = p.tags + value_bytes / BUDDY_UNIT;
    return p;
}

int
shelf_init(struct shelf *s, size_t max_bytes)
{
    struct plan p = plan(max_bytes);
    char *map;

    CHECK(max_bytes < (size_t)64 << 30);
    map = mmap(NULL, p.bytes, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return ERR_NOMEM;
    (void)madvise(map, p.bytes, MADV_NOHUGEPAGE); /* see slab_init */
    *s = (struct shelf){.slots = (struct shelf_slot *)(void *)(map + p.slots),
                        .n_homes = HOMES_OF(p.n_max),
                        .map = map,
                        .map_bytes = p.bytes,
                        .max_bytes = max_bytes};
    due_init(&s->due, (struct due_item *)(void *)(map + p.items),
             (uint32_t *)(void *)(map + p.places));
    buddy_init(&s->values, map + p.values, p.slots - p.values,
               (uint8_t *)(map + p.tags));
    return 0;
}

void
shelf_fini(struct shelf *s)
{
    ASAN_UNPOISON(s->map, s->map_bytes);
    munmap(s->map, s->map_bytes);
    *s = (struct shelf){0};
}

/* ---- entries, as the owner sees them -------------------------------------*/

/* What the value of a VALUE entry says: its block and its length. */
static int64_t
place_of(uint32_t block, size_t n)
{
    return (int64_t)((uint64_t)block << 32 | n);
}

static uint32_t
block_of(int64_t place)
{
    return (uint32_t)((uint64_t)place >> 32);
}

static size_t
length_of(int64_t place)
{
    return (uint32_t)place;
}

static int
is_over(uint64_t ends_ms, uint64_t now_ms)
{
    return ends_ms != 0 && ends_ms <= now_ms;
}

static uint64_t
end_after(uint64_t now_ms, uint64_t ttl_ms)
{
    if (ttl_ms == 0)
        return 0;
    return ttl_ms < UINT64_MAX - now_ms ? now_ms + ttl_ms : UINT64_MAX;
}

static uint32_t
find(const struct shelf *s, const struct shelf_name *name, enum kind kind)
{
    const uint32_t home = home_of(s, name->v[0]);
    uint64_t bits = LOAD(&s->slots[home].residents);

    for (; bits; bits &= bits - 1) {
        const uint32_t at = home + (uint32_t)__builtin_ctzll(bits);
        const struct shelf_slot *slot = &s->slots[at];
        if (LOAD(&slot->name[0]) == name->v[0] &&
            LOAD(&slot->name[1]) == second_half(name, kind))
            return at;
    }
    return NONE;
}

/* Give a slot to a name, or have it begin anew with the same. */
static void
give(struct shelf *s, uint32_t at, const struct shelf_name *name,
     enum kind kind, int64_t value, uint64_t ends_ms)
{
    struct shelf_slot *slot = &s->slots[at];
    const uint64_t version = LOAD(&slot->version);

    atomic_store_explicit(&slot->version, version + 1, memory_order_relaxed);
    SHOW(&slot->name[0], name->v[0]);
    SHOW(&slot->name[1], second_half(name, kind));
    SHOW(&slot->value, value);
    SHOW(&slot->ends_ms, ends_ms);
    SHOW(&slot->version, version + 2);
    if (ends_ms)
        due_set(&s->due, at, ends_ms);
    else
        due_drop(&s->due, at);
}

/* A reader may still find it for a moment, with the value it had. */
static void
clear(struct shelf *s, uint32_t at)
{
    struct shelf_slot *slot = &s->slots[at];
    const uint32_t home = home_of(s, LOAD(&slot->name[0]));
    const int64_t value = LOAD(&slot->value);
    struct shelf_slot *h = &s->slots[home];

    SHOW(&h->residents, LOAD(&h->residents) & ~(UINT64_C(1) << (at - home)));
    SHOW(&slot->name[0], 0);
    due_drop(&s->due, at);
    s->n--;
    s->held_bytes -= SHELF_ENTRY_BYTES;
    if ((LOAD(&slot->name[1]) & 1) == VALUE) {
        s->held_bytes -= buddy_bytes(length_of(value));
        buddy_give(&s->values, block_of(value), length_of(value));
    }
}

/* ---- room ----------------------------------------------------------------*/

static void
evict(struct shelf *s, uint32_t at, uint64_t now_ms)
{
    s->n_evicted += !is_over(LOAD(&s->slots[at].ends_ms), now_ms);
    clear(s, at);
}

/* Clear what is over away, a few entries only: others will do the rest. */
static void
tidy(struct shelf *s, uint64_t now_ms)
{
    uint64_t ends_ms;

    for (int i = 0; i < CLEARED_AT_ONCE; i++) {
        const uint32_t at = due_first(&s->due, &ends_ms);
        if (at == DUE_NONE || !is_over(ends_ms, now_ms))
            return;
        clear(s, at);
    }
}

static int
evict_first(struct shelf *s, uint64_t now_ms)
{
    uint64_t ends_ms;
    const uint32_t at = due_first(&s->due, &ends_ms);

    if (at == DUE_NONE)
        return ERR_LIMIT;
    evict(s, at, now_ms);
    return 0;
}

static int
make_room(struct shelf *s, size_t bytes, uint64_t now_ms)
{
    if (bytes > s->max_bytes)
        return ERR_LIMIT;
    while (s->held_bytes > s->max_bytes - bytes) {
        if (evict_first(s, now_ms) < 0)
            return ERR_LIMIT;
    }
    return 0;
}

/* A free slot for an entry of that home.  That none is within reach happens to
 * one in some hundred thousand of a full shelf: then the first to end of those
 * within reach has to go. */
static uint32_t
slot_near(struct shelf *s, uint32_t home, uint64_t now_ms)
{
    uint64_t soonest_ms = UINT64_MAX;
    uint32_t first = NONE;

    for (uint32_t at = home; at < home + REACH; at++) {
        const uint64_t ends_ms = LOAD(&s->slots[at].ends_ms);
        if (LOAD(&s->slots[at].name[0]) == 0)
            return at;
        if (ends_ms != 0 && ends_ms < soonest_ms) {
            soonest_ms = ends_ms;
            first = at;
        }
    }
    if (first != NONE)
        evict(s, first, now_ms);
    return first;
}

static int
insert(struct shelf *s, const struct shelf_name *name, enum kind kind,
       int64_t value, uint64_t now_ms, uint64_t ends_ms)
{
    const uint32_t home = home_of(s, name->v[0]);
    struct shelf_slot *h = &s->slots[home];
    const uint32_t at = slot_near(s, home, now_ms);

    if (at == NONE)
        return ERR_LIMIT;
    give(s, at, name, kind, value, ends_ms);
    SHOW(&h->residents, LOAD(&h->residents) | UINT64_C(1) << (at - home));
    s->n++;
    s->held_bytes += SHELF_ENTRY_BYTES;
    return 0;
}

/* ---- counters ------------------------------------------------------------*/

static int64_t
sum_of(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : 0;
    return sum > 0 ? sum : 0;
}

static void
come_nearer(struct shelf *s, uint32_t at, uint64_t ends_ms)
{
    struct shelf_slot *slot = &s->slots[at];
    const uint64_t now_ends_ms = LOAD(&slot->ends_ms);

    if (ends_ms == 0 || (now_ends_ms != 0 && now_ends_ms <= ends_ms))
        return;
    SHOW(&slot->ends_ms, ends_ms);
    due_set(&s->due, at, ends_ms);
}

static int
begin(struct shelf *s, const struct shelf_name *name, int64_t value,
      uint64_t now_ms, uint64_t ends_ms)
{
    if (value == 0)
        return 0;
    tidy(s, now_ms);
    if (make_room(s, SHELF_ENTRY_BYTES, now_ms) < 0)
        return ERR_LIMIT;
    return insert(s, name, COUNTER, value, now_ms, ends_ms);
}

int
shelf_add(struct shelf *s, const struct shelf_name *name, int64_t delta,
          uint64_t now_ms, uint64_t ttl_ms, int64_t *value)
{
    const uint64_t ends_ms = end_after(now_ms, ttl_ms);
    const uint32_t at = find(s, name, COUNTER);
    struct shelf_slot *slot = &s->slots[at == NONE ? 0 : at];
    const int is_new = at == NONE || is_over(LOAD(&slot->ends_ms), now_ms);

    *value = sum_of(is_new ? 0 : LOAD(&slot->value), delta);
    if (at == NONE)
        return begin(s, name, *value, now_ms, ends_ms);
    if (*value == 0) {
        clear(s, at);
    } else if (is_new) {
        give(s, at, name, COUNTER, *value, ends_ms);
    } else {
        SHOW(&slot->value, *value);
        come_nearer(s, at, ends_ms);
    }
    return 0;
}

/* What a reader finds in a slot; *is_it unless it is another name's by now. */
static int64_t
look(const struct shelf_slot *slot, const struct shelf_name *name,
     uint64_t now_ms, int *is_it)
{
    const uint64_t version = SEE(&slot->version);
    const int is_named = SEE(&slot->name[0]) == name->v[0] &&
                         SEE(&slot->name[1]) == second_half(name, COUNTER);
    const int64_t value = SEE(&slot->value);
    const uint64_t ends_ms = SEE(&slot->ends_ms);

    *is_it = is_named && version % 2 == 0 && LOAD(&slot->version) == version;
    return is_over(ends_ms, now_ms) ? 0 : value;
}

int64_t
shelf_count(const struct shelf *s, const struct shelf_name *name,
            uint64_t now_ms)
{
    const struct shelf_slot *home = &s->slots[home_of(s, name->v[0])];
    uint64_t bits = SEE(&home->residents);
    int is_it;

    for (; bits; bits &= bits - 1) {
        const int64_t value =
            look(home + __builtin_ctzll(bits), name, now_ms, &is_it);
        if (is_it)
            return value;
    }
    return 0;
}

/* ---- values --------------------------------------------------------------*/

static int
is_own(const struct shelf *s, et_str value)
{
    const uintptr_t map = (uintptr_t)s->map;

    return (uintptr_t)value.p >= map && (uintptr_t)value.p < map + s->map_bytes;
}

/* A block for n bytes.  The bound may leave room and the blocks be too small:
 * then some more entries have to go. */
static uint32_t
take_block(struct shelf *s, size_t n, uint64_t now_ms)
{
    uint32_t block = buddy_take(&s->values, n);

    while (block == BUDDY_NONE && evict_first(s, now_ms) == 0)
        block = buddy_take(&s->values, n);
    return block;
}

int
shelf_put(struct shelf *s, const struct shelf_name *name, et_str value,
          uint64_t now_ms, uint64_t ttl_ms)
{
    const uint32_t at = find(s, name, VALUE);
    uint32_t block;

    if (value.n > SHELF_VALUE_MAX || is_own(s, value))
        return ERR_INVALID;
    if (at != NONE)
        clear(s, at);
    tidy(s, now_ms);
    if (make_room(s, SHELF_ENTRY_BYTES + buddy_bytes(value.n), now_ms) < 0)
        return ERR_LIMIT;
    block = take_block(s, value.n, now_ms);
    if (block == BUDDY_NONE)
        return ERR_LIMIT;
    if (value.n)
        memcpy(buddy_at(&s->values, block), value.p, value.n);
    if (insert(s, name, VALUE, place_of(block, value.n), now_ms,
               end_after(now_ms, ttl_ms)) < 0) {
        buddy_give(&s->values, block, value.n);
        return ERR_LIMIT;
    }
    s->held_bytes += buddy_bytes(value.n);
    return 0;
}

et_str
shelf_get(struct shelf *s, const struct shelf_name *name, uint64_t now_ms)
{
    const uint32_t at = find(s, name, VALUE);
    int64_t place;

    if (at == NONE)
        return (et_str){NULL, 0};
    if (is_over(LOAD(&s->slots[at].ends_ms), now_ms)) {
        clear(s, at);
        return (et_str){NULL, 0};
    }
    place = LOAD(&s->slots[at].value);
    return (et_str){buddy_at(&s->values, block_of(place)), length_of(place)};
}

void
shelf_del(struct shelf *s, const struct shelf_name *name)
{
    for (int kind = COUNTER; kind <= VALUE; kind++) {
        const uint32_t at = find(s, name, (enum kind)kind);
        if (at != NONE)
            clear(s, at);
    }
}
