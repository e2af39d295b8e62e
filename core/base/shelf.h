/* SPDX-License-Identifier: BSD-2-Clause */
/* shelf.h - named counters and small values of one thread, with an end each.
 *
 * One thread, the owner, changes a shelf; any other may read its counters at
 * the same time, without a lock and without ever waiting.  Values are the
 * owner's alone.  All memory is mapped at init and bounded; entries that are
 * over, and then the one nearest to its end, give way to new ones.
 *
 *     slots   [ home | ... up to 63 behind it ... ]    hashed, open addressing
 *     due     which entry ends first                   see due.h
 *     values  the bytes of values                      see buddy.h
 *
 * A name is only known by a keyed hash of 128 bits: no two names that anybody
 * will ever see have the same, whoever chooses them.  Its high half says which
 * slot is the home of an entry; the entry lies there or in one of the next 63,
 * and a word of the home says in which of them its entries are.
 *
 * What a reader relies on:
 *   1. an entry never moves: it stays in its slot until it is gone, and its
 *      bit in its home stays set as long;
 *   2. a slot is given to another name, or begins anew with the same, only
 *      while its version is odd; whoever meets an odd version, or another one
 *      after reading than before, has met a moment at which the name he looks
 *      for was not there or was over, and says so;
 *   3. what is stored between two versions is stored with release and loaded
 *      with acquire, so a reader who saw any of it sees the version too.
 * So a reader gets a value that this very name had while he looked, or 0.
 *
 * Times are milliseconds of any clock that does not go back; 0 as an end or a
 * time to live means never.  Invariant: held_bytes <= max_bytes. */
#ifndef BASE_SHELF_H
#define BASE_SHELF_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/buddy.h"
#include "base/check.h"
#include "base/due.h"

#define SHELF_VALUE_MAX BUDDY_MAX_BYTES
/* What an entry counts for, beside the block of a value: its slot and those
 * that are kept free around it, and its place in due. */
#define SHELF_ENTRY_BYTES 104u

/* The two seeds of the hash; equal for all shelves that share names. */
struct shelf_seeds {
    uint64_t v[2];
};

/* A name, hashed. */
struct shelf_name {
    uint64_t v[2];
};

struct shelf_slot {
    _Atomic uint64_t residents; /* bit i: slot + i has this slot as its home */
    _Atomic uint64_t version;   /* odd: being given away */
    _Atomic uint64_t name[2];   /* name[0] == 0: free */
    _Atomic int64_t value;      /* of a counter; or where a value's bytes are */
    _Atomic uint64_t ends_ms;
};

struct shelf {
    /* Never changed: */
    struct shelf_slot *slots; /* n_homes and 63 more */
    uint32_t n_homes;
    void *map;
    size_t map_bytes, max_bytes;
    /* The owner's: */
    _Alignas(64) uint32_t n; /* entries */
    size_t held_bytes;
    uint64_t n_evicted; /* before they were over */
    struct due due;
    struct buddy values;
};

/* Seeds that nobody can guess. [any] */
struct shelf_seeds shelf_seeds_new(void);
/* The hash of a name. [any] */
struct shelf_name shelf_hash(const struct shelf_seeds *seeds, et_str name);

/* An empty shelf that holds max_bytes, below 64 GiB; 0 or ERR_NOMEM.  Address
 * space for about twice of it is mapped, pages are touched as they are
 * needed. [owner] */
MUST_USE int shelf_init(struct shelf *s, size_t max_bytes);
/* Unmap it; nobody reads it any more. [owner] */
void shelf_fini(struct shelf *s);

/* Add delta to the counter of that name and set *value to what it is then,
 * within 0 and INT64_MAX.  Who begins to count gives it ttl_ms to live; a
 * later add may bring its end nearer, never put it off.  A counter that is 0
 * takes no room.  0, or ERR_LIMIT: no room for one more entry. [owner] */
MUST_USE int shelf_add(struct shelf *s, const struct shelf_name *name,
                       int64_t delta, uint64_t now_ms, uint64_t ttl_ms,
                       int64_t *value);
/* The counter of that name, 0 if there is none or it is over. [any] */
int64_t shelf_count(const struct shelf *s, const struct shelf_name *name,
                    uint64_t now_ms);

/* Keep a copy of value under that name; whatever it was before is gone in any
 * case.  0; ERR_LIMIT: no room; ERR_INVALID: longer than SHELF_VALUE_MAX, or a
 * slice of this shelf. [owner] */
MUST_USE int shelf_put(struct shelf *s, const struct shelf_name *name,
                       et_str value, uint64_t now_ms, uint64_t ttl_ms);
/* The value of that name, borrowed until the next call that changes the shelf;
 * absent if there is none or it is over. [owner] */
et_str shelf_get(struct shelf *s, const struct shelf_name *name,
                 uint64_t now_ms);
/* Neither a counter nor a value has that name any more. [owner] */
void shelf_del(struct shelf *s, const struct shelf_name *name);

#endif
