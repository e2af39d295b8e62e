/* SPDX-License-Identifier: BSD-2-Clause */
/* vault.c - see vault.h. */
#include "base/vault.h"

#include <limits.h>
#include <string.h>

#define MAGIC UINT64_C(0x65747564652d7374) /* "etude-st" */
#define FORMAT 1u

#define N_STORES 1024u /* slots; fewer are used, so that all find one */
#define LABEL_ROOM (VAULT_LABEL_MAX + 1u)
#define HALF_MIN (32u << 10)
/* A store that somebody else has open is looked at again after so long. */
#define LOOK_AGAIN_MS 60000u

enum { WORD_STORES }; /* how many there are */

/* ---- memory --------------------------------------------------------------*/

/* Its parts, one after the other behind the head, at multiples of 64. */
struct plan {
    uint32_t n_numbers, n_pieces;
    size_t open, stores, numbers, pieces, bytes;
};

static size_t
aligned(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

static uint32_t
slots_of(uint64_t memory, size_t room)
{
    const uint64_t half = memory / 2;
    const uint32_t n =
        shelf_slots(half < HALF_MIN ? HALF_MIN : (size_t)half, room);

    return n < 64 ? 64 : n;
}

static struct plan
plan(uint64_t memory)
{
    struct plan p = {.n_numbers = slots_of(memory, 0),
                     .n_pieces = slots_of(memory, ET_STORE_VALUE_MAX),
                     .open = REGION_HEAD_BYTES};

    p.stores = p.open + N_STORES * SEATS_MAX * sizeof(uint32_t);
    p.numbers = aligned(p.stores + shelf_bytes(N_STORES, LABEL_ROOM));
    p.pieces = aligned(p.numbers + shelf_bytes(p.n_numbers, 0));
    p.bytes = aligned(p.pieces + shelf_bytes(p.n_pieces, ET_STORE_VALUE_MAX));
    return p;
}

static size_t
bytes_of(uint64_t memory)
{
    return plan(memory).bytes;
}

const struct region_kind *
vault_kind(void)
{
    static const struct region_kind kind = {
        .name = "etude-stores",
        .magic = MAGIC,
        .format = FORMAT,
        .bytes = bytes_of,
    };

    return &kind;
}

static int
is_dropped(const void *of, uint64_t whose)
{
    const struct vault *v = of;

    return !shelf_has(&v->stores, whose);
}

void
vault_attach(struct vault *v, struct region *r, size_t bytes, uint32_t seat)
{
    const struct plan p = plan(r->measure);
    char *at = (char *)r;

    CHECK(p.bytes == bytes);
    *v = (struct vault){
        .region = r, .bytes = bytes, .seat = seat, .seeds = r->seeds};
    v->open = (_Atomic uint32_t(*)[SEATS_MAX])(void *)(at + p.open);
    shelf_attach(&v->stores, at + p.stores, N_STORES, LABEL_ROOM, &r->seats);
    shelf_attach(&v->numbers, at + p.numbers, p.n_numbers, 0, &r->seats);
    shelf_attach(&v->pieces, at + p.pieces, p.n_pieces, ET_STORE_VALUE_MAX,
                 &r->seats);
    v->numbers.is_dropped = v->pieces.is_dropped = is_dropped;
    v->numbers.of = v->pieces.of = v;
}

/* ---- opening -------------------------------------------------------------*/

/* The store of that label as it is, made if there is none; ERR_LIMIT. */
static int
find_or_make(const struct vault *v, struct shelf_hand *hand, et_str label,
             struct shelf_view *view)
{
    _Atomic uint64_t *n = &v->region->words[WORD_STORES];
    struct shelf_entry e = {.name = shelf_hash(&v->seeds, label),
                            .bytes = label};
    int rc;

    if (shelf_find(&v->stores, &e.name, view))
        return 0;
    if (atomic_load(n) >= VAULT_STORES_MAX)
        return -1;
    e.bytes.n = label.n < VAULT_LABEL_MAX ? label.n : VAULT_LABEL_MAX;
    rc = shelf_make(&v->stores, hand, &e, view);
    if (rc > 0)
        atomic_fetch_add(n, 1);
    return rc < 0 ? -1 : 0;
}

/* First it is said that it is open, and then that it is not unused: a sweep
 * that has not seen the one fails at the other, and so does this call if the
 * store went in between. */
uint64_t
vault_open(const struct vault *v, struct shelf_hand *hand, et_str label)
{
    struct shelf_hand own = *hand; /* stores are not among the figures */
    struct shelf_view view;

    for (int i = 0; i < SHELF_TRIES; i++) {
        if (find_or_make(v, &own, label, &view) < 0)
            return 0;
        atomic_store(&v->open[view.at][hand->owner % SEATS_MAX], hand->owner);
        if (shelf_set(&v->stores, &view, 0, 0))
            return shelf_id(&view);
    }
    return 0;
}

static int
is_open(const struct vault *v, uint32_t at)
{
    for (uint32_t i = 0; i < SEATS_MAX; i++) {
        const uint32_t owner = atomic_load(&v->open[at][i]);
        if (owner % SEATS_MAX == i && seats_is_on(&v->region->seats, owner))
            return 1;
    }
    return 0;
}

/* Nobody has it open from now on: whether it was as it was seen. */
static int
note_unused(const struct vault *v, struct shelf_view *view, uint64_t now_ms)
{
    return shelf_set(&v->stores, view, now_ms ? now_ms : 1, 0);
}

void
vault_close(const struct vault *v, const struct shelf_hand *hand, uint64_t id)
{
    const uint32_t at = shelf_place(id);
    struct shelf_view view;

    CHECK(at < v->stores.n_slots);
    atomic_store(&v->open[at][hand->owner % SEATS_MAX], 0);
    if (!is_open(v, at) && shelf_peek(&v->stores, at, &view) &&
        shelf_id(&view) == id)
        (void)note_unused(v, &view, hand->now_ms);
}

/* ---- the end -------------------------------------------------------------*/

/* How long a store has yet to be kept.  Who opens one that is not unused
 * changes nothing by saying so once more: so it is looked at again once it is.
 */
static uint64_t
rest_ms(const struct vault *v, struct shelf_view *view, uint64_t now_ms,
        uint64_t keep_ms)
{
    if (is_open(v, view->at))
        return LOOK_AGAIN_MS;
    if ((view->value == 0 || view->value > now_ms) &&
        (!note_unused(v, view, now_ms) || is_open(v, view->at)))
        return LOOK_AGAIN_MS;
    return view->value + keep_ms > now_ms ? view->value + keep_ms - now_ms : 0;
}

static void
drop(const struct vault *v, struct shelf_hand *hand,
     const struct shelf_view *view, void (*on_dropped)(et_str label))
{
    char label[LABEL_ROOM + 1];
    int n = piece_copy(&v->stores, view, label);

    n = n < 0 ? 0 : n;
    label[n] = '\0';
    if (!shelf_remove(&v->stores, hand, view))
        return;
    atomic_fetch_sub(&v->region->words[WORD_STORES], 1);
    on_dropped((et_str){label, (size_t)n});
}

int
vault_sweep(const struct vault *v, struct shelf_hand *hand, uint64_t keep_ms,
            void (*on_dropped)(et_str label))
{
    struct shelf_hand own = *hand;
    uint64_t soonest_ms = UINT64_MAX;
    struct shelf_view view;

    if (atomic_load(&v->region->words[WORD_STORES]) == 0)
        return -1;
    for (uint32_t at = 0; at < v->stores.n_slots; at++) {
        uint64_t ms;
        if (!shelf_peek(&v->stores, at, &view))
            continue;
        ms = rest_ms(v, &view, hand->now_ms, keep_ms);
        if (ms == 0)
            drop(v, &own, &view, on_dropped);
        else if (ms < soonest_ms)
            soonest_ms = ms;
    }
    if (soonest_ms == UINT64_MAX)
        return -1;
    return soonest_ms < INT_MAX ? (int)soonest_ms : INT_MAX;
}
