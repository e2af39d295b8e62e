/* SPDX-License-Identifier: BSD-2-Clause */
/* shelf.c - see shelf.h. */
#include "base/shelf.h"

#include <string.h>

#include "base/err.h"
#include "base/hash.h"

#define REACH 64u /* slots an entry may lie in, its home the first of them */
#define NONE UINT32_MAX

#define LOAD(p) atomic_load_explicit(p, memory_order_relaxed)
#define SEE(p) atomic_load_explicit(p, memory_order_acquire)
#define SHOW(p, v) atomic_store_explicit(p, v, memory_order_release)

/* ---- states --------------------------------------------------------------*/

enum mode { FREE, CLAIMED, READY, LIVE };

/* mode | version << 2 | owner or end << 26 */
#define VERSION_MASK ((UINT64_C(1) << 24) - 1)
#define REST_BITS 38
#define REST_MAX ((UINT64_C(1) << REST_BITS) - 1)

static uint64_t
state_of(enum mode mode, uint64_t version, uint64_t rest)
{
    return (uint64_t)mode | (version & VERSION_MASK) << 2 | rest << 26;
}

static enum mode
mode_of(uint64_t state)
{
    return (enum mode)(state & 3);
}

static uint64_t
version_of(uint64_t state)
{
    return state >> 2 & VERSION_MASK;
}

static uint64_t
rest_of(uint64_t state)
{
    return state >> 26;
}

static int
is_entry(uint64_t state)
{
    return mode_of(state) >= READY;
}

/* ---- names and ends ------------------------------------------------------*/

struct shelf_seeds
shelf_seeds_new(void)
{
    return (struct shelf_seeds){{hash_seed_new(), hash_seed_new()}};
}

struct shelf_name
shelf_hash(const struct shelf_seeds *seeds, et_str name)
{
    const uint64_t high = hash_bytes(name.p, name.n, seeds->v[0]);

    return (struct shelf_name){
        {high ? high : 1, hash_bytes(name.p, name.n, seeds->v[1])}};
}

/* By the golden ratio, so that each has a home of its own. */
struct shelf_name
shelf_name_nth(const struct shelf_name *name, uint32_t i)
{
    const uint64_t high =
        name->v[0] ^ (i + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);

    return (struct shelf_name){{high ? high : 1, name->v[1]}};
}

uint64_t
shelf_end(uint64_t now_ms, uint64_t ttl_ms)
{
    return ttl_ms > 0 && now_ms <= REST_MAX && ttl_ms <= REST_MAX - now_ms
               ? now_ms + ttl_ms
               : 0;
}

int
shelf_is_over(const struct shelf_view *v, uint64_t now_ms)
{
    return v->ends_ms != 0 && v->ends_ms <= now_ms;
}

/* ---- memory --------------------------------------------------------------*/

size_t
shelf_bytes(uint32_t n_slots, size_t room)
{
    return n_slots * (sizeof(struct pair) + sizeof(struct shelf_slot) + room);
}

uint32_t
shelf_slots(size_t bytes, size_t room)
{
    return (uint32_t)(bytes / shelf_bytes(1, room)) & ~UINT32_C(3);
}

void
shelf_attach(struct shelf *s, void *memory, uint32_t n_slots, size_t room,
             const struct seats *seats)
{
    CHECK(n_slots >= REACH && n_slots % 4 == 0 && room % 8 == 0);
    *s = (struct shelf){
        .homes = memory,
        .slots = (char *)memory + n_slots * sizeof(struct pair),
        .n_slots = n_slots,
        .n_homes = n_slots - REACH + 1,
        .slot_bytes = sizeof(struct shelf_slot) + room,
        .seats = seats,
    };
}

struct shelf_slot *
shelf_slot(const struct shelf *s, uint32_t at)
{
    return (struct shelf_slot *)(void *)(s->slots + at * s->slot_bytes);
}

static uint32_t
home_of(const struct shelf *s, uint64_t high)
{
    return (uint32_t)((high >> 32) * s->n_homes >> 32);
}

/* ---- looking -------------------------------------------------------------*/

int
shelf_peek(const struct shelf *s, uint32_t at, struct shelf_view *v)
{
    const struct shelf_slot *slot = shelf_slot(s, at);
    const uint64_t made_ms = SEE(&slot->ends_ms) & REST_MAX;

    v->at = at;
    v->state = SEE(&slot->body.a);
    v->value = SEE(&slot->body.b);
    v->ends_ms = mode_of(v->state) == LIVE ? rest_of(v->state) : made_ms;
    return is_entry(v->state) && LOAD(&slot->body.a) == v->state;
}

int
shelf_is_same(const struct shelf *s, const struct shelf_view *v)
{
    const uint64_t now = LOAD(&shelf_slot(s, v->at)->body.a);

    return is_entry(now) && version_of(now) == version_of(v->state);
}

uint64_t
shelf_id(const struct shelf_view *v)
{
    return (uint64_t)v->at << 26 | version_of(v->state) << 2 | LIVE;
}

uint32_t
shelf_place(uint64_t id)
{
    return (uint32_t)(id >> 26);
}

int
shelf_has(const struct shelf *s, uint64_t id)
{
    struct shelf_view v;

    return shelf_place(id) < s->n_slots && shelf_peek(s, shelf_place(id), &v) &&
           shelf_id(&v) == id;
}

/* What is in that slot, if it is an entry of that name.  That it is just then
 * being changed is no reason to take it for another. */
static int
meet(const struct shelf *s, uint32_t at, const struct shelf_name *name,
     struct shelf_view *v)
{
    const struct shelf_slot *slot = shelf_slot(s, at);

    for (int i = 0; i < SHELF_TRIES; i++) {
        v->at = at;
        v->state = SEE(&slot->body.a);
        if (!is_entry(v->state) || SEE(&slot->name[0]) != name->v[0] ||
            SEE(&slot->name[1]) != name->v[1])
            return 0;
        v->ends_ms = mode_of(v->state) == LIVE ? rest_of(v->state)
                                               : SEE(&slot->ends_ms) & REST_MAX;
        v->value = SEE(&slot->body.b);
        if (LOAD(&slot->body.a) == v->state)
            return 1;
    }
    return 0;
}

/* The entry of that name among those residents. */
static int
search(const struct shelf *s, uint32_t home, uint64_t residents,
       const struct shelf_name *name, struct shelf_view *v)
{
    for (; residents; residents &= residents - 1) {
        if (meet(s, home + (uint32_t)__builtin_ctzll(residents), name, v))
            return 1;
    }
    return 0;
}

/* What was not found in a home that changed meanwhile may have moved. */
int
shelf_find(const struct shelf *s, const struct shelf_name *name,
           struct shelf_view *v)
{
    const uint32_t home = home_of(s, name->v[0]);
    const struct pair *h = &s->homes[home];

    for (int i = 0; i < SHELF_TRIES; i++) {
        const uint64_t version = SEE(&h->b), residents = SEE(&h->a);
        if (search(s, home, residents, name, v))
            return 1;
        if (LIKELY(LOAD(&h->b) == version))
            return 0;
    }
    return 0;
}

/* ---- slots ---------------------------------------------------------------*/

/* The bit of a slot in the home of its name, and that home; 0 if the name does
 * not belong there. */
static uint64_t
bit_of(const struct shelf *s, uint32_t at, uint32_t *home)
{
    *home = home_of(s, LOAD(&shelf_slot(s, at)->name[0]));
    return at - *home < REACH ? UINT64_C(1) << (at - *home) : 0;
}

static int
is_known(const struct shelf *s, uint32_t at)
{
    uint32_t home;
    const uint64_t bit = bit_of(s, at, &home);

    return (SEE(&s->homes[home].a) & bit) != 0;
}

/* The home says no more of a slot, which is claimed by us. */
static void
forget(const struct shelf *s, struct shelf_hand *hand, uint32_t at)
{
    uint32_t home;
    const uint64_t bit = bit_of(s, at, &home);
    struct pair *h = &s->homes[home];

    for (int i = 0; i < SHELF_TRIES; i++) {
        const uint64_t version = SEE(&h->b), residents = SEE(&h->a);
        if (!(residents & bit))
            return;
        if (pair_swap(h, residents, version, residents & ~bit, version + 1)) {
            hand->n_entries--;
            return;
        }
    }
}

/* A slot that is as it was seen becomes ours, and no entry. */
static int
claim(const struct shelf *s, struct shelf_hand *hand,
      const struct shelf_view *v)
{
    const uint64_t claimed =
        state_of(CLAIMED, version_of(v->state) + 1, hand->owner);

    if (!pair_swap(&shelf_slot(s, v->at)->body, v->state, v->value, claimed, 0))
        return 0;
    if (mode_of(v->state) != FREE)
        forget(s, hand, v->at);
    return 1;
}

/* What is claimed by us is free. */
static void
release(const struct shelf *s, uint32_t at)
{
    struct shelf_slot *slot = shelf_slot(s, at);

    SHOW(&slot->body.a, state_of(FREE, version_of(LOAD(&slot->body.a)), 0));
}

/* Whether anyone may have it. */
static int
is_for_taking(const struct shelf *s, const struct shelf_view *v,
              uint64_t now_ms)
{
    const int is_left = !seats_is_on(s->seats, (uint32_t)rest_of(v->state));

    switch (mode_of(v->state)) {
    case FREE: return 1;
    case CLAIMED: return is_left;
    case READY:
        if (!is_known(s, v->at))
            return is_left;
        break;
    default:
        if (!is_known(s, v->at))
            return 1;
        break;
    }
    return shelf_is_over(v, now_ms) ||
           (s->is_dropped &&
            s->is_dropped(s->of, SEE(&shelf_slot(s, v->at)->whose)));
}

/* A slot in reach that is for taking; else the entry that ends first, *victim;
 * else NONE.  Each name begins to look somewhere else, so that slots that are
 * free do not end up far from the homes that need one. */
static uint32_t
take_first(const struct shelf *s, struct shelf_hand *hand,
           const struct shelf_name *name, struct shelf_view *victim)
{
    const uint32_t home = home_of(s, name->v[0]);

    struct shelf_view v;

    victim->at = NONE;
    victim->ends_ms = UINT64_MAX;
    for (uint32_t i = 0; i < REACH; i++) {
        const uint32_t at = home + (uint32_t)(name->v[1] + i) % REACH;
        const int is_one = shelf_peek(s, at, &v);
        if (is_for_taking(s, &v, hand->now_ms)) {
            if (claim(s, hand, &v))
                return at;
        } else if (is_one && v.ends_ms != 0 && v.ends_ms < victim->ends_ms &&
                   is_known(s, at)) {
            *victim = v;
        }
    }
    return NONE;
}

static uint32_t
take_slot(const struct shelf *s, struct shelf_hand *hand,
          const struct shelf_name *name)
{
    struct shelf_view victim;

    for (int i = 0; i < SHELF_TRIES; i++) {
        const uint32_t at = take_first(s, hand, name, &victim);
        if (at != NONE || victim.at == NONE)
            return at;
        if (claim(s, hand, &victim)) {
            hand->n_evicted++;
            return victim.at;
        }
    }
    return NONE;
}

/* ---- coming --------------------------------------------------------------*/

static void
write_bytes(const struct shelf *s, struct shelf_slot *slot, et_str bytes)
{
    CHECK(bytes.n <= s->slot_bytes - sizeof *slot);
    for (size_t i = 0; i < bytes.n; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, bytes.p + i,
               bytes.n - i < sizeof word ? bytes.n - i : sizeof word);
        SHOW(&slot->words[i / sizeof word], word);
    }
    SHOW(&slot->n, bytes.n);
}

/* *v: a slot with all of the entry, READY for its home to know it; whether
 * there is one.  What v says is kept: once the slot is known, somebody else may
 * remove the entry and use the slot, and it is not ours any more. */
static int
lay(const struct shelf *s, struct shelf_hand *hand, const struct shelf_entry *e,
    struct shelf_view *v)
{
    const uint32_t at = take_slot(s, hand, &e->name);
    struct shelf_slot *slot;

    if (at == NONE)
        return 0;
    slot = shelf_slot(s, at);
    SHOW(&slot->name[0], e->name.v[0]);
    SHOW(&slot->name[1], e->name.v[1]);
    SHOW(&slot->ends_ms, e->ends_ms);
    SHOW(&slot->whose, e->whose);
    write_bytes(s, slot, e->bytes);
    SHOW(&slot->body.b, e->value);
    *v = (struct shelf_view){
        .at = at,
        .state = state_of(READY, version_of(LOAD(&slot->body.a)), hand->owner),
        .value = e->value,
        .ends_ms = e->ends_ms};
    SHOW(&slot->body.a, v->state);
    return 1;
}

/* What is READY and known is LIVE. */
static void
settle(const struct shelf *s, struct shelf_view *v)
{
    const uint64_t live = state_of(LIVE, version_of(v->state), v->ends_ms);

    if (pair_swap(&shelf_slot(s, v->at)->body, v->state, v->value, live,
                  v->value))
        v->state = live;
}

int
shelf_make(const struct shelf *s, struct shelf_hand *hand,
           const struct shelf_entry *e, struct shelf_view *v)
{
    const uint32_t home = home_of(s, e->name.v[0]);
    struct pair *h = &s->homes[home];
    struct shelf_view own;
    int is_laid = 0, rc = ERR_LIMIT;

    for (int i = 0; i < SHELF_TRIES; i++) {
        const uint64_t version = SEE(&h->b), residents = SEE(&h->a);
        if (search(s, home, residents, &e->name, v)) {
            rc = 0;
            break;
        }
        if (!is_laid && !(is_laid = lay(s, hand, e, &own)))
            break;
        if (!pair_swap(h, residents, version,
                       residents | UINT64_C(1) << (own.at - home), version + 1))
            continue;
        hand->n_entries++;
        settle(s, &own);
        *v = own;
        return 1;
    }
    if (is_laid && claim(s, hand, &own))
        release(s, own.at);
    return rc;
}

int
shelf_replace(const struct shelf *s, struct shelf_hand *hand,
              const struct shelf_entry *e)
{
    const uint32_t home = home_of(s, e->name.v[0]);
    struct pair *h = &s->homes[home];
    struct shelf_view own, v;

    if (!lay(s, hand, e, &own))
        return ERR_LIMIT;
    for (int i = 0; i < SHELF_TRIES; i++) {
        const uint64_t version = SEE(&h->b), residents = SEE(&h->a);
        const int has_old = search(s, home, residents, &e->name, &v);
        const uint64_t old = has_old ? UINT64_C(1) << (v.at - home) : 0;
        if (!pair_swap(h, residents, version,
                       (residents & ~old) | UINT64_C(1) << (own.at - home),
                       version + 1))
            continue;
        hand->n_entries += !has_old;
        if (has_old && claim(s, hand, &v)) /* else it is for taking */
            release(s, v.at);
        settle(s, &own);
        return 0;
    }
    if (claim(s, hand, &own))
        release(s, own.at);
    return ERR_LIMIT;
}

/* ---- changing ------------------------------------------------------------*/

int
shelf_set(const struct shelf *s, struct shelf_view *v, uint64_t value,
          uint64_t ends_ms)
{
    const uint64_t state = state_of(LIVE, version_of(v->state), ends_ms);

    if (!pair_swap(&shelf_slot(s, v->at)->body, v->state, v->value, state,
                   value))
        return 0;
    v->state = state;
    v->value = value;
    v->ends_ms = ends_ms;
    return 1;
}

int
shelf_remove(const struct shelf *s, struct shelf_hand *hand,
             const struct shelf_view *v)
{
    if (!claim(s, hand, v))
        return 0;
    release(s, v->at);
    return 1;
}
