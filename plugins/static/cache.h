/* SPDX-License-Identifier: BSD-2-Clause */
/* cache.h - the files that one worker keeps open.
 *
 *     newest -> [ ] [s] [ ] [s] [ ] <- oldest      s: seen since the hand
 * passed ^ hand, towards the newest; what it finds unseen goes
 *
 * SIEVE (Zhang et al., NSDI 2024): a hit is one store, nothing is moved.  What
 * is thrown out while an answer uses it lives until that is over. */
#ifndef STATIC_CACHE_H
#define STATIC_CACHE_H

#include <etude.h>

struct file;

struct cache {
    struct file **buckets;
    uint32_t mask;
    struct file *newest, *oldest, *hand;
    struct file *open_newest, *open_oldest; /* that hold a descriptor */
    uint8_t is_odd, is_sweeping;            /* rounds of the sweep */
    uint64_t n, n_open, bytes;
    uint64_t max, max_open, max_bytes;
};

/* At most so many files, so many of them open, so many bytes.  0 or
 * ET_ENOMEM. */
int32_t cache_init(struct cache *c, uint64_t max, uint64_t max_open,
                   uint64_t max_bytes);
void cache_fini(struct cache *c);
/* What is kept under that key, or NULL. */
struct file *cache_find(const struct cache *c, et_str key);
/* Keep f, with a reference of the cache's own, instead of what is there under
 * its key; others go as there is need.  What is larger than all is not kept. */
void cache_put(struct cache *c, struct file *f);
/* Throw f out, which is kept. */
void cache_drop(struct cache *c, struct file *f);
/* How many can be open at most. */
static inline uint64_t
cache_max_open(const struct cache *c)
{
    return c->max < c->max_open ? c->max : c->max_open;
}
/* There is no descriptor left: throw out a quarter of the open ones, but two at
 * least, of those that no answer uses, the oldest ones.  How many. */
uint64_t cache_yield(struct cache *c);
/* A round of looks at the open ones, each once: what was not compared with the
 * disk since the round before is thrown out, unless a request waits for its
 * name.  At most so many looks now; whether some are left, for the next call.
 */
int cache_sweep(struct cache *c, uint64_t looks);

#endif
