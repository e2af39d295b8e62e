/* SPDX-License-Identifier: BSD-2-Clause */
/* store.c - see store.h. */
#include "store.h"

/* Bytes that a bucket is there for; the first room of a body. */
#define BUCKET_BYTES 2048u
#define BODY_FIRST 1024u
/* What is freed at once is this, where one takes as long as so many bytes do,
 * about: a thousand small ones, or four of 1 MiB. */
#define BURY_BYTES (4u << 20)
#define BURY_ONE 4096u

int32_t
store_init(struct store *s, uint64_t max, uint32_t max_variants)
{
    uint32_t n = 64;
    while (n < max / BUCKET_BYTES && n < 1u << 24)
        n *= 2;
    memset(s, 0, sizeof *s);
    s->buckets = calloc(n, sizeof(struct entry *));
    s->mask = n - 1;
    s->max = max;
    s->max_variants = max_variants;
    return s->buckets ? 0 : ET_ENOMEM;
}

void
store_fini(struct store *s)
{
    (void)store_purge(s, et_s("*"));
    while (store_bury(s))
        ;
    free(s->buckets);
}

static struct entry **
bucket_of(const struct store *s, const struct key *k)
{
    return &s->buckets[k->hash & s->mask];
}

struct entry *
store_find(struct store *s, const struct key *k, const et_req *r)
{
    struct entry *e;
    char room[SELECT_MAX];
    for (e = *bucket_of(s, k); e; e = e->chain) {
        if (!key_eq(&e->key, k))
            continue;
        if (r && e->vary.n) {
            const et_str selected = key_select(r, e->vary, room);
            if (!selected.p || !et_eq(selected, e->selected))
                continue;
        }
        if (r)
            e->is_seen = 1;
        return e;
    }
    return NULL;
}

/* ---- room ----------------------------------------------------------------*/

static void
unlink_entry(struct store *s, struct entry *e)
{
    struct entry **at = bucket_of(s, &e->key);
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    *(e->newer ? &e->newer->older : &s->newest) = e->older;
    *(e->older ? &e->older->newer : &s->oldest) = e->newer;
    if (s->hand == e)
        s->hand = e->newer;
    s->n--;
    s->answers -= e->status != ENTRY_PASS;
}

void
store_drop(struct store *s, struct entry *e)
{
    unlink_entry(s, e);
    s->kept -= e->bytes;
    store_unref(e);
}

void
store_unref(struct entry *e)
{
    if (!e || --e->refs > 0)
        return;
    e->store->bytes -= e->bytes;
    entry_free(e);
}

/* One that is dead is freed, unless somebody sends it. */
static void
bury_one(struct store *s)
{
    struct entry *e = s->dead;
    s->dead = e->older;
    s->kept -= e->bytes;
    store_unref(e);
}

int
store_bury(struct store *s)
{
    size_t n = 0;
    while (s->dead && n < BURY_BYTES) {
        n += BURY_ONE + s->dead->bytes;
        bury_one(s);
    }
    return s->dead != NULL;
}

/* One that was not seen since the hand was there before. */
static struct entry *
next_victim(struct store *s)
{
    struct entry *e = s->hand ? s->hand : s->oldest;
    while (e->is_seen) {
        e->is_seen = 0;
        e = e->newer ? e->newer : s->oldest;
    }
    s->hand = e->newer;
    return e;
}

/* Room for n bytes more, which are not kept yet.  All that is not may take half
 * of the room: who fetches slowly what he has asked for empties no cache. */
static int32_t
make_room(struct store *s, size_t n)
{
    if (n > s->max / 2 || s->bytes - s->kept > s->max / 2 - n)
        return ET_ELIMIT;
    while (s->dead && s->bytes + n > s->max)
        bury_one(s);
    while (s->n && s->bytes + n > s->max) {
        store_drop(s, next_victim(s));
        s->evictions++;
    }
    return s->bytes + n > s->max ? ET_ELIMIT : 0;
}

struct entry *
store_new(struct store *s, const struct head *h)
{
    struct entry *e;
    if (make_room(s, entry_bytes(h)) < 0)
        return NULL;
    e = entry_new(h);
    if (!e)
        return NULL;
    e->store = s;
    s->bytes += e->bytes;
    return e;
}

/* Its body's memory is cap bytes, at least as many as there are. */
static int32_t
resize(struct store *s, struct entry *e, size_t cap)
{
    char *p = realloc(e->body, cap);
    if (!p)
        return ET_ELIMIT;
    s->bytes -= e->body_cap;
    s->bytes += cap;
    e->bytes -= e->body_cap;
    e->bytes += cap;
    e->body = p;
    e->body_cap = cap;
    return 0;
}

int32_t
store_append(struct store *s, struct entry *e, const char *p, size_t n)
{
    if (n > e->body_cap - e->body_n) {
        size_t cap = e->body_cap ? 2 * e->body_cap : BODY_FIRST;
        if (cap < e->body_n + n)
            cap = e->body_n + n;
        if (make_room(s, cap - e->body_cap) < 0 || resize(s, e, cap) < 0)
            return ET_ELIMIT;
    }
    if (n)
        memcpy(e->body + e->body_n, p, n);
    e->body_n += n;
    return 0;
}

/* ---- what is kept --------------------------------------------------------*/

/* What e takes the place of, and what is too many of one key. */
static void
make_way(struct store *s, const struct entry *e)
{
    struct entry *o, *next;
    uint32_t n = 1;
    for (o = *bucket_of(s, &e->key); o; o = next) {
        next = o->chain;
        if (!key_eq(&o->key, &e->key))
            continue;
        /* That there is nothing to store is said of all that a key selects,
         * and is over when something is. */
        if (o->status == ENTRY_PASS ||
            (et_eq(o->vary, e->vary) && et_eq(o->selected, e->selected)) ||
            ++n > s->max_variants)
            store_drop(s, o);
    }
}

void
store_keep(struct store *s, struct entry *e)
{
    struct entry **bucket = bucket_of(s, &e->key);
    make_way(s, e);
    if (e->body_n && e->body_n < e->body_cap)
        (void)resize(s, e, e->body_n);
    e->chain = *bucket;
    *bucket = e;
    e->newer = NULL;
    e->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
    s->n++;
    s->answers += e->status != ENTRY_PASS;
    s->kept += e->bytes;
    store_ref(e);
}

uint64_t
store_drop_key(struct store *s, const struct key *k)
{
    uint64_t n = 0;
    struct entry *e;
    for (; (e = store_find(s, k, NULL)); n++)
        store_drop(s, e);
    return n;
}

/* Each one, however many there are. */
static void
purge_all(struct store *s)
{
    if (s->oldest) {
        s->oldest->older = s->dead;
        s->dead = s->newest;
    }
    s->newest = s->oldest = s->hand = NULL;
    s->n = s->answers = 0;
    memset(s->buckets, 0, (s->mask + (size_t)1) * sizeof *s->buckets);
}

uint64_t
store_purge(struct store *s, et_str pattern)
{
    const uint64_t n = s->answers;
    struct entry *e, *older;
    if (et_eq(pattern, et_s("*"))) {
        purge_all(s);
        return n;
    }
    for (e = s->newest; e; e = older) {
        older = e->older;
        if (!key_matches(&e->key, pattern))
            continue;
        unlink_entry(s, e);
        e->older = s->dead;
        s->dead = e;
    }
    return n - s->answers;
}
