/* SPDX-License-Identifier: BSD-2-Clause */
/* waits.c - see waits.h. */
#include "http/waits.h"

#include <sched.h>
#include <stddef.h>

#include "abi/etude_abi.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/metrics.h"

#define SLOT_BITS 20
#define SERIAL_BITS 34
#define SERIAL_MASK ((1ull << SERIAL_BITS) - 1)

_Static_assert(WAITS_MAX == 1u << SLOT_BITS, "a slot has its bits");
_Static_assert(WAITS_MAX_WORKERS == 1u << (64 - SLOT_BITS - SERIAL_BITS),
               "and a worker");
_Static_assert(offsetof(struct wait, state) == SLAB_KEPT_AT,
               "a free slot's state is read");

enum state { FREE, ARMED, FIRED, HELD };

#define STATE(serial, s) ((serial) << 2 | (s))

static struct waits *_Atomic tables[WAITS_MAX_WORKERS];

int
waits_init(struct waits *t, uint32_t worker, uint32_t max,
           struct mailbox *mailbox, struct metrics *metrics)
{
    CHECK(worker < WAITS_MAX_WORKERS && max <= WAITS_MAX);
    t->mailbox = mailbox;
    t->metrics = metrics;
    t->worker = worker;
    t->seed = hash_seed_new();
    atomic_init(&t->n_made, 0);
    atomic_init(&t->n_posting, 0);
    atomic_init(&t->is_closed, 0);
    if (slab_init(&t->slab, sizeof(struct wait), max) < 0)
        return ERR_NOMEM;
    atomic_store_explicit(&tables[worker], t, memory_order_release);
    return 0;
}

void
waits_fini(struct waits *t)
{
    if (!t->slab.base)
        return;
    atomic_store_explicit(&tables[t->worker], NULL, memory_order_release);
    slab_fini(&t->slab);
}

/* ---- tokens --------------------------------------------------------------*/

static uint64_t
serial_of(uint64_t state)
{
    return state >> 2;
}

/* Some slot's next serial; 0 is nobody's, and no slot's but a new one's. */
static uint64_t
next_serial(const struct waits *t, uint32_t slot, uint64_t serial)
{
    serial = (serial ? serial + 1 : t->seed + slot) & SERIAL_MASK;
    return serial ? serial : 1;
}

static uint64_t
pack(uint32_t worker, uint32_t slot, uint64_t serial)
{
    return (uint64_t)worker << (SLOT_BITS + SERIAL_BITS) |
           (uint64_t)slot << SERIAL_BITS | serial;
}

/* The slot that token names, whatever is in it. */
static struct wait *
slot_of(struct waits *t, uint64_t token)
{
    uint32_t slot = (uint32_t)(token >> SERIAL_BITS) & (WAITS_MAX - 1);

    if (!t || slot >= atomic_load_explicit(&t->n_made, memory_order_acquire))
        return NULL;
    return slab_at(&t->slab, slot);
}

uint64_t
waits_token(const struct wait *w)
{
    uint64_t state = atomic_load_explicit(&w->state, memory_order_relaxed);

    return pack(w->table->worker, slab_index(&w->table->slab, w),
                serial_of(state));
}

static struct waits *
table_of(uint64_t token)
{
    return atomic_load_explicit(&tables[token >> (SLOT_BITS + SERIAL_BITS)],
                                memory_order_acquire);
}

struct wait *
waits_find(uint64_t token)
{
    struct wait *w = slot_of(table_of(token), token);
    uint64_t state;

    if (!w || token == 0)
        return NULL;
    state = atomic_load_explicit(&w->state, memory_order_relaxed);
    return state == STATE(token & SERIAL_MASK, ARMED) ||
                   state == STATE(token & SERIAL_MASK, HELD)
               ? w
               : NULL;
}

/* ---- armed, woken, taken back --------------------------------------------*/

static void
deliver(void *reader, struct mail *m)
{
    struct wait *w = CONTAINER_OF(m, struct wait, mail);
    int32_t rc = w->rc;

    (void)reader;
    atomic_store_explicit(
        &w->state,
        STATE(serial_of(atomic_load_explicit(&w->state, memory_order_relaxed)),
              FREE),
        memory_order_relaxed);
    if (!w->is_ignored)
        w->on_fired(w, rc);
    slab_give(&w->table->slab, w);
}

static struct wait *
take(struct waits *t, void (*on_fired)(struct wait *w, int32_t rc), void *owner,
     enum state state)
{
    struct wait *w = slab_take(&t->slab);
    uint64_t serial;

    if (!w) {
        metrics_add(t->metrics, METRIC_waits_refused, 1);
        return NULL;
    }
    serial = next_serial(
        t, slab_index(&t->slab, w),
        serial_of(atomic_load_explicit(&w->state, memory_order_relaxed)));
    w->table = t;
    w->mail.deliver = deliver;
    w->on_fired = on_fired;
    w->owner = owner;
    w->is_ignored = 0;
    w->timer = (struct wheel_timer){.prev = NULL};
    atomic_store_explicit(&t->n_made, t->slab.fresh, memory_order_release);
    atomic_store_explicit(&w->state, STATE(serial, state),
                          memory_order_release);
    return w;
}

struct wait *
waits_arm(struct waits *t, void (*on_fired)(struct wait *w, int32_t rc),
          void *owner)
{
    return take(t, on_fired, owner, ARMED);
}

struct wait *
waits_hold(struct waits *t, void *owner)
{
    return take(t, NULL, owner, HELD);
}

int32_t
waits_fire(uint64_t token, int32_t rc)
{
    uint64_t armed = STATE(token & SERIAL_MASK, ARMED);
    struct waits *t = table_of(token);
    struct wait *w = slot_of(t, token);

    if (!w || token == 0 ||
        !atomic_compare_exchange_strong_explicit(
            &w->state, &armed, STATE(token & SERIAL_MASK, FIRED),
            memory_order_acquire, memory_order_relaxed))
        return ET_ESTALE;
    w->rc = rc;
    mailbox_post(t->mailbox, &w->mail);
    return 0;
}

int32_t
waits_post(uint64_t token, struct mail *m)
{
    struct waits *t = table_of(token);
    const struct wait *w = slot_of(t, token);
    int32_t rc = ET_ESTALE;

    if (!w || token == 0)
        return ET_ESTALE;
    atomic_fetch_add(&t->n_posting, 1);
    if (!atomic_load(&t->is_closed) &&
        atomic_load(&w->state) == STATE(token & SERIAL_MASK, HELD)) {
        mailbox_post(t->mailbox, m);
        rc = 0;
    }
    atomic_fetch_sub(&t->n_posting, 1);
    return rc;
}

void
waits_close(struct waits *t)
{
    atomic_store(&t->is_closed, 1);
    while (atomic_load(&t->n_posting) > 0)
        sched_yield();
}

int
waits_cancel(struct wait *w)
{
    uint64_t state = atomic_load_explicit(&w->state, memory_order_relaxed);
    uint64_t armed = STATE(serial_of(state), ARMED);

    if ((state & 3) == HELD) {
        atomic_store_explicit(&w->state, STATE(serial_of(state), FREE),
                              memory_order_relaxed);
        slab_give(&w->table->slab, w);
        return 1;
    }
    if (!atomic_compare_exchange_strong_explicit(
            &w->state, &armed, STATE(serial_of(state), FREE),
            memory_order_relaxed, memory_order_relaxed))
        return 0;
    slab_give(&w->table->slab, w);
    return 1;
}

void
waits_forget(struct wait *w)
{
    if (!waits_cancel(w))
        w->is_ignored = 1;
}
