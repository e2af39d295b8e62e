/* SPDX-License-Identifier: BSD-2-Clause */
/* census.c - counting connections and clients; see census.h. */
#include "conn/census.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/hash.h"
#include "proto/addr.h"

#define CELLS ((size_t)CENSUS_BUCKETS * CENSUS_WAYS)
#define COUNT 0xffffu  /* of a cell: how many */
#define TRIES 1000000u /* then it never was counted */

int
census_init(struct census *s)
{
    void *p = mmap(NULL, CELLS * sizeof *s->cells, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED)
        return -errno;
    s->cells = p;
    s->seed = hash_seed_new();
    atomic_init(&s->n, 0);
    atomic_init(&s->max, UINT32_MAX);
    return 0;
}

void
census_fini(struct census *s)
{
    if (s->cells)
        munmap(s->cells, CELLS * sizeof *s->cells);
    s->cells = NULL;
}

/* ---- connections ----------------------------------------------------------*/

void
census_limit(struct census *s, uint32_t max)
{
    atomic_store_explicit(&s->max, max ? max : UINT32_MAX,
                          memory_order_relaxed);
}

int
census_enter(struct census *s)
{
    uint32_t max = atomic_load_explicit(&s->max, memory_order_relaxed);

    if (LIKELY(atomic_fetch_add_explicit(&s->n, 1, memory_order_relaxed) < max))
        return 1;
    census_leave(s);
    return 0;
}

void
census_enter_anyway(struct census *s)
{
    atomic_fetch_add_explicit(&s->n, 1, memory_order_relaxed);
}

void
census_leave(struct census *s)
{
    atomic_fetch_sub_explicit(&s->n, 1, memory_order_relaxed);
}

/* ---- clients --------------------------------------------------------------*/

uint64_t
census_key(const struct addr *a)
{
    uint64_t key = 0;

    if (a->kind != ADDR_IP)
        return 0;
    memcpy(&key, addr_is_v4(a) ? a->ip + 8 : a->ip, sizeof key);
    return key ? key : 1; /* ::/64, where ::1 is */
}

uint64_t
census_key_of(int fd)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    struct addr a;

    if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0)
        return 0;
    addr_from_sockaddr((struct sockaddr *)&sa, &a);
    return census_key(&a);
}

/* One to one, so that what differs stays different. */
static uint64_t
mix(uint64_t x, uint64_t seed)
{
    x ^= seed;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (x ^ x >> 31) + seed;
}

static _Atomic uint64_t *
bucket_of(const struct census *s, uint64_t who)
{
    return s->cells + (who % CENSUS_BUCKETS) * CENSUS_WAYS;
}

/* The cell says who and not 0. */
static int
is_of(uint64_t cell, uint64_t who)
{
    return (cell & COUNT) && (cell ^ who) <= COUNT;
}

static uint32_t
count(const struct census *s, uint64_t who)
{
    const _Atomic uint64_t *b = bucket_of(s, who);
    uint32_t n = 0;

    for (uint32_t i = 0; i < CENSUS_WAYS; i++) {
        uint64_t cell = atomic_load(&b[i]);
        if (is_of(cell, who))
            n += cell & COUNT;
    }
    return n;
}

/* The cell of who, else a free one; *cell is what it held.  NULL: neither. */
static _Atomic uint64_t *
find(const struct census *s, uint64_t who, uint64_t *cell)
{
    _Atomic uint64_t *b = bucket_of(s, who), *unused = NULL;

    for (uint32_t i = 0; i < CENSUS_WAYS; i++) {
        *cell = atomic_load(&b[i]);
        if (is_of(*cell, who))
            return &b[i];
        if (!unused && *cell == 0)
            unused = &b[i];
    }
    *cell = 0;
    return unused;
}

uint64_t
census_join(struct census *s, uint64_t key, uint32_t max, int *rc)
{
    uint64_t who = mix(key, s->seed), cell;
    _Atomic uint64_t *at;

    *rc = 0;
    if (key == 0 || who == 0)
        return 0;
    do {
        at = find(s, who, &cell);
        if (!at)
            return 0;
        if ((cell & COUNT) >= max) {
            *rc = ERR_LIMIT;
            return 0;
        }
    } while (!atomic_compare_exchange_weak(
        at, &cell, cell ? cell + 1 : (who & ~(uint64_t)COUNT) | 1));
    /* Two that came at once may have a cell each: together they count. */
    if (LIKELY(count(s, who) <= max))
        return who;
    census_part(s, who);
    *rc = ERR_LIMIT;
    return 0;
}

void
census_part(struct census *s, uint64_t who)
{
    uint32_t tries = 0;
    uint64_t cell;
    _Atomic uint64_t *at;

    if (who == 0)
        return;
    /* It is there; a look that others overtake may miss it. */
    do {
        CHECK(tries++ < TRIES);
        at = find(s, who, &cell);
    } while (!at || cell == 0 ||
             !atomic_compare_exchange_weak(at, &cell,
                                           (cell & COUNT) == 1 ? 0 : cell - 1));
}

uint32_t
census_count(const struct census *s, uint64_t key)
{
    return key ? count(s, mix(key, s->seed)) : 0;
}
