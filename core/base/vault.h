/* SPDX-License-Identifier: BSD-2-Clause */
/* vault.h - the memory of all stores: which there are, and what is in them.
 *
 *     region  head, format, seats                            region.h
 *     open    by store and seat: the turn that has it open
 *     stores  label -> when it was last closed, 0: open      shelf.h
 *     numbers                                                number.h
 *     pieces                                                 piece.h
 *
 * Half of its size is for numbers and half for pieces; stores come on top.  A
 * store is an entry like any other, so what is said in shelf.h of threads and
 * processes that come and go at any moment is true of it too.  What it holds
 * carries its id, and is dropped with it: nobody finds it any more, and its
 * slots are for taking.
 *
 * Whether a store is open is not a count, which a killed process would leave
 * wrong, but by seat the name of the turn (seats.h) that has it open: one that
 * is over has nothing open.  Who closes it last notes when; if nobody could,
 * the next sweep does. */
#ifndef BASE_VAULT_H
#define BASE_VAULT_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/number.h"
#include "base/piece.h"
#include "base/region.h"

/* Stores alive at once: more than plugins have reason for, and few enough that
 * one which makes up names is stopped. */
#define VAULT_STORES_MAX 512u
#define VAULT_LABEL_MAX 191u

struct vault {
    struct region *region; /* the memory, while it is in use */
    size_t bytes;
    uint32_t seat; /* of this process */
    struct shelf stores, numbers, pieces;
    struct shelf_seeds seeds;
    _Atomic uint32_t (*open)[SEATS_MAX];
};

/* A region of stores; its measure is what they may hold, in bytes, of at least
 * 64 KiB. [any] */
const struct region_kind *vault_kind(void);
/* v is what is in the region, which has that kind and is kept; this process has
 * that seat. [any] */
void vault_attach(struct vault *v, struct region *r, size_t bytes,
                  uint32_t seat);

/* The id of the store of that label, open for whoever has that seat and hand;
 * or 0: there is no room for one more. [any] */
uint64_t vault_open(const struct vault *v, struct shelf_hand *hand,
                    et_str label);
/* It is not open any more for whoever has that hand. [any] */
void vault_close(const struct vault *v, const struct shelf_hand *hand,
                 uint64_t id);
/* Drop stores that nobody has had open for keep_ms and tell of each by its
 * label, which is cut to VAULT_LABEL_MAX and ends in a NUL.  Milliseconds until
 * that has to be asked again, or -1: there are no stores. [any] */
int vault_sweep(const struct vault *v, struct shelf_hand *hand,
                uint64_t keep_ms, void (*on_dropped)(et_str label));

#endif
