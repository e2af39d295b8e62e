/* SPDX-License-Identifier: BSD-2-Clause */
/* store.h - the answers that one worker keeps.
 *
 *     newest -> [ ] [s] [ ] [s] [ ] <- oldest
 *                        ^ hand, towards the newest; what it finds unseen goes
 *
 * SIEVE (Zhang et al., NSDI 2024): a hit is one store, nothing is moved.  What
 * differs in what it varies on is side by side in one bucket, under one key.
 *
 *     bytes <= max, whatever happens: those that are coming and those that are
 *     thrown out and still being sent are counted, too
 *
 * A purge may be of very many: what it is for is found no more at once, and
 * freed a piece at a time (store_bury), or when room is needed. */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include <etude.h>

#include "entry.h"

struct store {
    struct entry **buckets;
    uint32_t mask, max_variants;
    struct entry *newest, *oldest, *hand;
    struct entry *dead;  /* purged and not freed yet; by older */
    uint64_t n, answers; /* entries; those that have an answer */
    uint64_t evictions;
    uint64_t bytes, kept, max; /* kept: of those that are, or dead */
};

/* At most max bytes, and max_variants of one key.  0 or ET_ENOMEM. */
int32_t store_init(struct store *s, uint64_t max, uint32_t max_variants);
/* Nobody holds anything any more. */
void store_fini(struct store *s);
/* The youngest that is kept under that key and was selected as r would; or, if
 * r is NULL, any.  NULL: none. [worker] */
struct entry *store_find(struct store *s, const struct key *k, const et_req *r);
/* One with one reference, which is not kept yet; NULL: there is no room, even
 * if all that can be thrown out is. [worker] */
struct entry *store_new(struct store *s, const struct head *h);
/* n bytes more of its body: 0 or ET_ELIMIT, likewise. [worker] */
int32_t store_append(struct store *s, struct entry *e, const char *p, size_t n);
/* Keep e from now on, with a reference of the store's own, instead of what is
 * there of the same key and selection. [worker] */
void store_keep(struct store *s, struct entry *e);
/* Throw e out, which is kept. [worker] */
void store_drop(struct store *s, struct entry *e);
/* Throw out all of that key: how many. [worker] */
uint64_t store_drop_key(struct store *s, const struct key *k);
/* All that match (key_matches) are kept no more, and their memory is to be
 * freed by store_bury: how many answers. [worker] */
uint64_t store_purge(struct store *s, et_str pattern);
/* Free some of what was purged, in less than a millisecond or so.  Is there
 * more?  [worker] */
int store_bury(struct store *s);

static inline struct entry *
store_ref(struct entry *e)
{
    e->refs++;
    return e;
}
/* NULL is fine. */
void store_unref(struct entry *e);

#endif
