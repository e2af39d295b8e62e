/* SPDX-License-Identifier: BSD-2-Clause */
/* shelf.h - named entries in memory that processes share.
 *
 *     homes   [ residents | version ]              which slots have its names
 *     slots   [ home | ... up to 63 behind it ]    an entry lies in one of them
 *
 * Any thread of any process reads and changes it at any time, and may be killed
 * at any point of that: there is no lock, nobody waits for anybody, and what
 * one that was killed had begun is nothing, or is finished by whoever comes by.
 * number.h and piece.h say what entries hold; this is how they come and go.
 *
 * A name is only known by a keyed hash of 128 bits: no two names that anybody
 * will ever see have the same, whoever chooses them.  Its high half says which
 * slot is the home of an entry; the entry lies there or in one of the next 63,
 * and a word of the home says in which.  When all of them are in use, what is
 * over gives way, and then what ends first; what has no end stays.
 *
 * A slot's body is a pair (base/pair.h) of a state and a value:
 *
 *     FREE                     nothing
 *     CLAIMED  version, owner  the owner is filling it, or taking it away
 *     READY    version, owner  whole; an entry once its home says so
 *     LIVE     version, end    an entry
 *
 * and a new version begins with each claim.  Why that is enough:
 *   1. An entry is there when its home says so, and a home is only changed by
 *      swapping its residents and version as a pair that was looked at first:
 *      two that make the same name at once cannot both succeed.
 *   2. A value is only changed by swapping it together with the state, so who
 *      swaps has the very entry he looked at, however long ago that was: it
 *      would have another version.  (24 bits: sixteen million others in the
 *      meantime.)
 *   3. Removing claims first and tells the home then; what is claimed is not
 *      there for anybody, whatever the home says.
 *   4. All other words of a slot are stored with release, while it is claimed,
 *      and loaded with acquire between two looks at the state: who saw any of
 *      another version sees that the state has changed, and looks again.
 *   5. An owner is the name of a turn on a seat (base/seats.h).  What is
 *      claimed by, or READY for, one whose turn is over is for anyone to take;
 *      so is what is LIVE while its home says nothing of it.
 * Nothing that is read here is believed: a place is checked before it is used,
 * loops are bounded, and an entry that makes no sense is none.
 *
 * Zeroed memory is an empty shelf.  Times are milliseconds of the monotonic
 * clock, which processes share; 0 as an end or a time to live is never, and so
 * is what is more than eight years after the machine was started. */
#ifndef BASE_SHELF_H
#define BASE_SHELF_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/pair.h"
#include "base/seats.h"

/* How often something is tried again before it is given up.  Whoever has to
 * has been overtaken by somebody who got on; only nonsense gets there. */
#define SHELF_TRIES 10000
/* An end that is not to be changed. */
#define SHELF_SAME_END UINT64_MAX

/* The two seeds of the hash; equal for all that share names. */
struct shelf_seeds {
    uint64_t v[2];
};

/* A name, hashed. */
struct shelf_name {
    uint64_t v[2];
};

struct shelf_slot {
    struct pair body;         /* state, value */
    _Atomic uint64_t name[2]; /* [0] is never 0 once it had one */
    _Atomic uint64_t ends_ms; /* as it was made: while it is READY */
    _Atomic uint64_t whose;   /* for is_dropped */
    _Atomic uint64_t n;       /* bytes behind it */
    uint64_t reserved;
    _Atomic uint64_t words[];
};

/* What a process knows of a shelf; nothing of it is in the shared memory. */
struct shelf {
    struct pair *homes; /* a: residents, bit i: slot + i; b: version */
    char *slots;
    uint32_t n_slots, n_homes; /* 63 less */
    size_t slot_bytes;
    const struct seats *seats;
    /* Whether an entry is one of those that nobody wants any more; may be
     * NULL. */
    int (*is_dropped)(const void *of, uint64_t whose);
    const void *of;
};

/* Who changes it, and when; and what came of it, added up. */
struct shelf_hand {
    uint32_t owner; /* seats_name */
    uint64_t now_ms;
    int64_t n_entries;  /* come, less those that went */
    uint64_t n_evicted; /* of these: before they were over */
};

/* An entry as it was seen.  To change it (shelf_set, shelf_remove) is to change
 * exactly what was seen. */
struct shelf_view {
    uint32_t at;
    uint64_t state, value, ends_ms;
};

/* What an entry is made of. */
struct shelf_entry {
    struct shelf_name name;
    uint64_t whose, value, ends_ms;
    et_str bytes; /* at most as many as slots have room for */
};

/* Seeds that nobody can guess. [any] */
struct shelf_seeds shelf_seeds_new(void);
/* The hash of a name. [any] */
struct shelf_name shelf_hash(const struct shelf_seeds *seeds, et_str name);
/* Another name, of the i-th of many that belong together. [any] */
struct shelf_name shelf_name_nth(const struct shelf_name *name, uint32_t i);
/* When something that lives so long from now on ends. [any] */
uint64_t shelf_end(uint64_t now_ms, uint64_t ttl_ms);

/* The bytes of a shelf of so many slots, each with room for so many bytes, a
 * multiple of 8.  n_slots > 63. [any] */
size_t shelf_bytes(uint32_t n_slots, size_t room);
/* The slots that fit so many bytes. [any] */
uint32_t shelf_slots(size_t bytes, size_t room);
/* s is the shelf at memory, which is shared, aligned to 64, and kept as are the
 * seats. [any] */
void shelf_attach(struct shelf *s, void *memory, uint32_t n_slots, size_t room,
                  const struct seats *seats);

/* Whether there is an entry of that name, and *v: it.  It may be over
 * (shelf_is_over). [any] */
int shelf_find(const struct shelf *s, const struct shelf_name *name,
               struct shelf_view *v);
/* Whether it has ended. [any] */
int shelf_is_over(const struct shelf_view *v, uint64_t now_ms);
/* Whether v is still of the same entry, whatever value it has now. [any] */
int shelf_is_same(const struct shelf *s, const struct shelf_view *v);
/* What tells an entry from all others that its shelf has or had, never 0; and
 * whether there is an entry that has this. [any] */
uint64_t shelf_id(const struct shelf_view *v);
int shelf_has(const struct shelf *s, uint64_t id);
/* The place of an entry, from what it is known by. [any] */
uint32_t shelf_place(uint64_t id);
/* The slot of an entry. [any] */
struct shelf_slot *shelf_slot(const struct shelf *s, uint32_t at);
/* What is in slot `at` < n_slots, if it is an entry. [any] */
int shelf_peek(const struct shelf *s, uint32_t at, struct shelf_view *v);

/* Make an entry: 1; or 0: there is one of that name, *v (may be over); or
 * ERR_LIMIT: nothing would give way. [any] */
MUST_USE int shelf_make(const struct shelf *s, struct shelf_hand *hand,
                        const struct shelf_entry *e, struct shelf_view *v);
/* Make an entry in the place of the one of that name, at once, if there is one:
 * 0 or ERR_LIMIT, and nothing has changed. [any] */
MUST_USE int shelf_replace(const struct shelf *s, struct shelf_hand *hand,
                           const struct shelf_entry *e);
/* Give the entry that was seen this value and end: whether it was as it was
 * seen; *v is it as it is now. [any] */
int shelf_set(const struct shelf *s, struct shelf_view *v, uint64_t value,
              uint64_t ends_ms);
/* Remove it: whether it was as it was seen. [any] */
int shelf_remove(const struct shelf *s, struct shelf_hand *hand,
                 const struct shelf_view *v);

#endif
