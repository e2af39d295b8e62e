/* SPDX-License-Identifier: BSD-2-Clause */
/* ratio.c - how often the store has what is asked for, beside an LRU of the
 * same number of bytes, on traces that are the same each time.
 *
 * Objects are asked for as often as Zipf says, by their rank; in a third of the
 * runs every fifth request is for something that is never asked for again, in
 * another a scan goes through a tenth of all objects now and then.  With
 * CACHE_RATIO in the environment it prints what README.md quotes. */
#include <math.h>

#include "plugins/cache/key.h"
#include "plugins/cache/store.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define N 100000u
#define REQUESTS 300000u
#define BODY 700u
#define NEVER N /* ids of what is asked for once begin here */

/* ---- traces --------------------------------------------------------------*/

enum kind { PLAIN, ONCE, SCAN };

static double upto[N]; /* of all requests, those for ranks up to this one */
static uint64_t seed;

static uint64_t
next_random(void)
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void
make_zipf(double s)
{
    double sum = 0;

    for (uint32_t i = 0; i < N; i++)
        upto[i] = sum += pow(i + 1, -s);
    for (uint32_t i = 0; i < N; i++)
        upto[i] /= sum;
    seed = 1;
}

static uint32_t
next_zipf(void)
{
    const double x = (double)(next_random() >> 11) / 9007199254740992.0;
    uint32_t low = 0, high = N - 1;

    while (low < high) {
        const uint32_t mid = (low + high) / 2;

        if (upto[mid] < x)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static uint32_t
next_id(enum kind kind, uint32_t i)
{
    if (kind == ONCE && i % 5 == 0)
        return NEVER + i;
    if (kind == SCAN && i % 100000 >= 90000)
        return i % 100000 - 90000 + N / 2;
    return next_zipf();
}

/* ---- an LRU, of as many objects of one size ------------------------------*/

struct node {
    struct node *newer, *older;
    int is_kept;
};

static struct {
    struct node nodes[NEVER + REQUESTS];
    struct node *newest, *oldest;
    size_t n, max;
} lru;

static void
lru_remove(struct node *v)
{
    *(v->newer ? &v->newer->older : &lru.newest) = v->older;
    *(v->older ? &v->older->newer : &lru.oldest) = v->newer;
    v->is_kept = 0;
    lru.n--;
}

static void
lru_put(struct node *v)
{
    v->newer = NULL;
    v->older = lru.newest;
    *(lru.newest ? &lru.newest->newer : &lru.oldest) = v;
    lru.newest = v;
    v->is_kept = 1;
    lru.n++;
}

static int
lru_has(uint32_t id)
{
    struct node *v = &lru.nodes[id];
    const int has = v->is_kept;

    if (has)
        lru_remove(v);
    else if (lru.n == lru.max)
        lru_remove(lru.oldest);
    lru_put(v);
    return has;
}

/* ---- the store -----------------------------------------------------------*/

static const struct secret secret = {{3, 4}};
static struct store store;

/* All keys are of one length, so that all entries are of one size. */
static struct key
key_of(char room[64], uint32_t id)
{
    struct key k;
    const int n =
        snprintf(room, 64, "http%cx%c%c/%010u", 0, 0, 0, (unsigned)id);

    key_from(et_sn(room, (size_t)n), &secret, &k);
    k.path = et_sn(room + n - 11, 11);
    return k;
}

static struct entry *
make(uint32_t id)
{
    static const char body[BODY];
    char room[64];
    const struct key k = key_of(room, id);
    struct entry *e;
    struct head h;

    memset(&h, 0, sizeof h);
    h.key = &k;
    h.status = 200;
    e = store_new(&store, &h);
    ck_assert_ptr_nonnull(e);
    ck_assert_int_eq(store_append(&store, e, body, sizeof body), 0);
    return e;
}

static int
store_has(uint32_t id)
{
    static const et_req nobody;
    char room[64];
    const struct key k = key_of(room, id);
    struct entry *e;

    if (store_find(&store, &k, &nobody))
        return 1;
    e = make(id);
    store_keep(&store, e);
    store_unref(e);
    return 0;
}

/* ---- both ----------------------------------------------------------------*/

/* A store for n objects: 100 more are never kept at once, but that the one that
 * comes is there beside those that are. */
static void
begin(size_t n)
{
    struct entry *e;

    ck_assert_int_eq(store_init(&store, 1 << 20, 1), 0);
    e = make(0);
    store_keep(&store, e);
    lru.max = n;
    n *= e->bytes;
    store_unref(e);
    store_fini(&store);
    ck_assert_int_eq(store_init(&store, n, 1), 0);
    memset(lru.nodes, 0, sizeof lru.nodes);
    lru.newest = lru.oldest = NULL;
    lru.n = 0;
}

/* Requests of a hundred that find something, behind a first quarter that fills
 * both. */
static void
compare(double s, size_t objects, enum kind kind)
{
    static const char *const names[] = {"", ", a fifth once", ", scans"};
    uint32_t ours = 0, theirs = 0, n = 0;

    make_zipf(s);
    begin(objects);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        const uint32_t id = next_id(kind, i);
        const int a = store_has(id), b = lru_has(id);

        if (i < REQUESTS / 4)
            continue;
        ours += (uint32_t)a;
        theirs += (uint32_t)b;
        n++;
    }
    if (getenv("CACHE_RATIO"))
        printf("Zipf %.1f, room for %zu of %u%s: %.1f %%, LRU %.1f %%\n", s,
               objects, N, names[kind], 100.0 * ours / n, 100.0 * theirs / n);
    ck_assert_uint_le(store.bytes, store.max);
    ck_assert_msg(ours >= theirs, "Zipf %.1f, %zu%s: %u < %u of %u", s, objects,
                  names[kind], ours, theirs, n);
    store_fini(&store);
}

static void
compare_all(enum kind kind)
{
    static const double skews[] = {0.8, 1.0};

    for (size_t i = 0; i < sizeof skews / sizeof skews[0]; i++) {
        compare(skews[i], N / 100, kind);
        compare(skews[i], N / 10, kind);
    }
}

START_TEST(zipf)
{
    compare_all(PLAIN);
}
END_TEST

START_TEST(zipf_and_what_is_asked_for_once)
{
    compare_all(ONCE);
}
END_TEST

START_TEST(zipf_and_scans)
{
    compare_all(SCAN);
}
END_TEST

UNIT_MAIN(ratio, zipf, zipf_and_what_is_asked_for_once, zipf_and_scans)
