/* SPDX-License-Identifier: BSD-2-Clause */
/* cache.c - see cache.h. */
#include "cache.h"

#include "file.h"

/* wyhash's step: names come from clients, but what is kept is there as a file,
 * so that they cannot choose what collides. */
static uint32_t
hash_of(et_str s)
{
    uint64_t h = s.n * UINT64_C(0x9e3779b97f4a7c15), x;
    const char *p = s.p;
    size_t n = s.n;
    for (; n >= 8; n -= 8, p += 8) {
        unsigned __int128 m;
        memcpy(&x, p, 8);
        m = (unsigned __int128)(h ^ x) * UINT64_C(0xa0761d6478bd642f);
        h = (uint64_t)m ^ (uint64_t)(m >> 64);
    }
    for (x = 0; n > 0; n--, p++)
        x = x << 8 | (unsigned char)*p;
    h = (h ^ x) * UINT64_C(0xe7037ed1a0b428db);
    return (uint32_t)(h >> 32 ^ h);
}

int32_t
cache_init(struct cache *c, uint64_t max, uint64_t max_open, uint64_t max_bytes)
{
    uint32_t n = 16;
    while (n < max && n < 1u << 24)
        n *= 2;
    c->buckets = calloc(n, sizeof(struct file *));
    c->mask = n - 1;
    c->max = max;
    c->max_open = max_open;
    c->max_bytes = max_bytes;
    return c->buckets ? 0 : ET_ENOMEM;
}

void
cache_fini(struct cache *c)
{
    while (c->newest)
        cache_drop(c, c->newest);
    free(c->buckets);
}

struct file *
cache_find(const struct cache *c, et_str key)
{
    const uint32_t hash = hash_of(key);
    struct file *f = c->buckets[hash & c->mask];
    while (f && (f->hash != hash || !et_eq(f->key, key)))
        f = f->chain;
    if (f)
        f->is_seen = 1;
    return f;
}

static void
link_open(struct cache *c, struct file *f)
{
    f->open_newer = NULL;
    f->open_older = c->open_newest;
    *(c->open_newest ? &c->open_newest->open_newer : &c->open_oldest) = f;
    c->open_newest = f;
}

static void
unlink_open(struct cache *c, const struct file *f)
{
    *(f->open_newer ? &f->open_newer->open_older : &c->open_newest) =
        f->open_older;
    *(f->open_older ? &f->open_older->open_newer : &c->open_oldest) =
        f->open_newer;
}

static void
unlink_file(struct cache *c, struct file *f)
{
    struct file **at = &c->buckets[f->hash & c->mask];
    while (*at != f)
        at = &(*at)->chain;
    *at = f->chain;
    *(f->newer ? &f->newer->older : &c->newest) = f->older;
    *(f->older ? &f->older->newer : &c->oldest) = f->newer;
    if (c->hand == f)
        c->hand = f->newer;
    if (f->fd >= 0)
        unlink_open(c, f);
}

void
cache_drop(struct cache *c, struct file *f)
{
    unlink_file(c, f);
    c->n--;
    c->n_open -= f->fd >= 0;
    c->bytes -= file_bytes(f);
    f->is_kept = 0;
    file_unref(f);
}

/* One that was not seen since the hand was there before; an open one, if it is
 * descriptors that are wanted. */
static struct file *
next_victim(struct cache *c, int must_be_open)
{
    struct file *f = c->hand ? c->hand : c->oldest;
    uint64_t left = 2 * c->n;
    while (f->is_seen || (must_be_open && f->fd < 0)) {
        f->is_seen = 0;
        f = f->newer ? f->newer : c->oldest;
        if (left-- == 0)
            break;
    }
    c->hand = f->newer;
    return f;
}

static void
make_room(struct cache *c, const struct file *f)
{
    const uint64_t bytes = file_bytes(f), open = f->fd >= 0;
    while (c->n && (c->n + 1 > c->max || c->bytes + bytes > c->max_bytes ||
                    c->n_open + open > c->max_open))
        cache_drop(c, next_victim(c, open && c->n_open + open > c->max_open));
}

void
cache_put(struct cache *c, struct file *f)
{
    struct file *old = cache_find(c, f->key);
    if (old == f)
        return;
    if (old)
        cache_drop(c, old);
    if (c->max == 0 || file_bytes(f) > c->max_bytes ||
        (f->fd >= 0 && c->max_open == 0))
        return;
    make_room(c, f);
    f->hash = hash_of(f->key);
    f->is_kept = 1;
    f->is_seen = 0;
    f->is_odd = c->is_odd;
    f->chain = c->buckets[f->hash & c->mask];
    c->buckets[f->hash & c->mask] = f;
    f->newer = NULL;
    f->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = f;
    c->newest = f;
    if (f->fd >= 0)
        link_open(c, f);
    c->n++;
    c->n_open += f->fd >= 0;
    c->bytes += file_bytes(f);
    file_ref(f);
}

/* Two are what one look takes: a file and its sibling, a folder and a link. */
uint64_t
cache_yield(struct cache *c)
{
    const uint64_t enough = c->n_open > 8 ? c->n_open / 4 : 2;
    struct file *f, *next;
    uint64_t n = 0;
    for (f = c->open_oldest; f && n < enough; f = next) {
        next = f->open_newer;
        if (f->refs > 1)
            continue;
        cache_drop(c, f);
        n++;
    }
    return n;
}

/* Those that the round has yet to see are the oldest ones: who was seen, or
 * came meanwhile, is behind them. */
static struct file *
next_unswept(const struct cache *c)
{
    struct file *f = c->open_oldest;
    return f && f->is_odd != c->is_odd ? f : NULL;
}

/* Somebody has its content hashed, which may take longer than a round. */
static int
is_awaited(const struct file *f)
{
    return f->is_nameless && f->refs > 1;
}

int
cache_sweep(struct cache *c, uint64_t looks)
{
    struct file *f;
    if (!c->is_sweeping)
        c->is_odd ^= 1;
    while ((f = next_unswept(c)) && looks-- > 0) {
        if (f->checked_ms == f->swept_ms && !is_awaited(f)) {
            cache_drop(c, f);
            continue;
        }
        f->swept_ms = f->checked_ms;
        f->is_odd = c->is_odd;
        unlink_open(c, f);
        link_open(c, f);
    }
    c->is_sweeping = f != NULL;
    return c->is_sweeping;
}
