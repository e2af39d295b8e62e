/* SPDX-License-Identifier: BSD-2-Clause */
/* piece.c - see piece.h. */
#include "base/piece.h"

#include <string.h>

#define SEE(p) atomic_load_explicit(p, memory_order_acquire)

int
piece_put(const struct shelf *s, struct shelf_hand *hand,
          const struct shelf_name *name, uint64_t whose, et_str bytes,
          uint64_t ttl_ms)
{
    const struct shelf_entry e = {.name = *name,
                                  .whose = whose,
                                  .ends_ms = shelf_end(hand->now_ms, ttl_ms),
                                  .bytes = bytes};
    int rc = shelf_replace(s, hand, &e);

    if (rc < 0)
        piece_drop(s, hand, name);
    return rc;
}

int
piece_copy(const struct shelf *s, const struct shelf_view *v, void *out)
{
    const struct shelf_slot *slot = shelf_slot(s, v->at);
    const size_t room = s->slot_bytes - sizeof *slot;
    const uint64_t n = SEE(&slot->n);

    if (n > room)
        return -1;
    for (size_t i = 0; i * sizeof(uint64_t) < n; i++) {
        const uint64_t word = SEE(&slot->words[i]);
        memcpy((char *)out + i * sizeof word, &word, sizeof word);
    }
    return shelf_is_same(s, v) ? (int)n : -1;
}

int
piece_get(const struct shelf *s, const struct shelf_name *name, uint64_t now_ms,
          void *out)
{
    struct shelf_view v;

    for (int i = 0; i < SHELF_TRIES && shelf_find(s, name, &v); i++) {
        int n;
        if (shelf_is_over(&v, now_ms))
            return -1;
        n = piece_copy(s, &v, out);
        if (n >= 0)
            return n;
        if (shelf_is_same(s, &v)) /* no other: it makes no sense */
            return -1;
    }
    return -1;
}

void
piece_drop(const struct shelf *s, struct shelf_hand *hand,
           const struct shelf_name *name)
{
    struct shelf_view v;

    for (int i = 0; i < SHELF_TRIES && shelf_find(s, name, &v); i++) {
        if (shelf_remove(s, hand, &v))
            return;
    }
}
