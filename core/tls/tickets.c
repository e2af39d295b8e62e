/* SPDX-License-Identifier: BSD-2-Clause */
/* tickets.c - see tickets.h. */
#include "tls/tickets.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/sha256.h"

#define HOUR_S 3600
#define SECRET_BYTES 32
/* A clock that jumps by more hours than this has nothing to do with the keys
 * there were. */
#define MAX_HOURS 100000
#define TAG "tickets"

struct tickets {
    _Atomic uint32_t n_refs;
    int is_file;
    pthread_mutex_t lock;         /* of what follows */
    int64_t hour;                 /* keys[0] is its */
    uint8_t secret[SECRET_BYTES]; /* of the hour after it */
    uint32_t n_keys;
    struct ticket_key keys[TICKETS_MAX_KEYS]; /* the newest first */
};

/* How tickets_save lays it out. */
struct saved {
    char tag[8];
    int64_t hour;
    uint8_t secret[SECRET_BYTES];
    struct ticket_key keys[TICKETS_OLD_HOURS + 1]; /* zero: none */
};

_Static_assert(sizeof(struct ticket_key) == TICKETS_KEY_BYTES, "no padding");
_Static_assert(sizeof(struct saved) == TICKETS_SAVED_BYTES, "no padding");

/* n <= 32 bytes that the secret gives for a purpose of eight letters. */
static void
derive(const uint8_t secret[SECRET_BYTES], const char purpose[8], uint8_t *out,
       size_t n)
{
    uint8_t digest[SHA256_LEN];
    struct sha256 s;

    sha256_init(&s);
    sha256_add(&s, purpose, 8);
    sha256_add(&s, secret, SECRET_BYTES);
    sha256_end(&s, digest);
    memcpy(out, digest, n);
    explicit_bzero(digest, sizeof digest);
    explicit_bzero(&s, sizeof s);
}

/* The next hour begins: it has a key, and its secret is forgotten for that of
 * the hour after it. */
static void
next_hour(struct tickets *t)
{
    uint8_t after[SECRET_BYTES];

    memmove(t->keys + 1, t->keys, TICKETS_OLD_HOURS * sizeof *t->keys);
    derive(t->secret, "tkt name", t->keys[0].name, sizeof t->keys[0].name);
    derive(t->secret, "tkt hmac", t->keys[0].mac, sizeof t->keys[0].mac);
    derive(t->secret, "tkt aes ", t->keys[0].aes, sizeof t->keys[0].aes);
    derive(t->secret, "tkt next", after, sizeof after);
    memcpy(t->secret, after, sizeof after);
    explicit_bzero(after, sizeof after);
    if (t->n_keys <= TICKETS_OLD_HOURS)
        t->n_keys++;
    t->hour++;
}

/* Keys as of now.  A clock that is set back leaves them as they are. */
static void
advance(struct tickets *t, int64_t wall_s)
{
    int64_t hour = wall_s / HOUR_S;

    if (t->is_file)
        return;
    if (hour - t->hour > MAX_HOURS) {
        memset(t->keys, 0, sizeof t->keys);
        t->n_keys = 0;
        t->hour = hour - 1;
    }
    while (t->hour < hour)
        next_hour(t);
}

static struct tickets *
blank(void)
{
    struct tickets *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    atomic_init(&t->n_refs, 1);
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

struct tickets *
tickets_new(int64_t wall_s)
{
    struct tickets *t = blank();

    if (!t)
        return NULL;
    if (getrandom(t->secret, sizeof t->secret, 0) != sizeof t->secret) {
        tickets_drop(t);
        return NULL;
    }
    t->hour = wall_s / HOUR_S - 1;
    advance(t, wall_s);
    return t;
}

struct tickets *
tickets_from_file(et_str bytes, const char *path, const struct place *at,
                  struct diag *d)
{
    size_t n = bytes.n / TICKETS_KEY_BYTES;
    struct tickets *t;

    if (bytes.n % TICKETS_KEY_BYTES != 0 || n == 0 || n > TICKETS_MAX_KEYS) {
        diag_error(d, at,
                   "%s: %zu bytes are no ticket keys: 1 to %d times %d bytes "
                   "(openssl rand %d > FILE)",
                   path, bytes.n, TICKETS_MAX_KEYS, TICKETS_KEY_BYTES,
                   TICKETS_KEY_BYTES);
        return NULL;
    }
    t = blank();
    if (!t) {
        diag_error(d, at, "%s: out of memory", path);
        return NULL;
    }
    t->is_file = 1;
    t->n_keys = (uint32_t)n;
    memcpy(t->keys, bytes.p, bytes.n);
    return t;
}

size_t
tickets_save(struct tickets *t, uint8_t out[TICKETS_SAVED_BYTES])
{
    struct saved s = {.tag = TAG};

    if (t->is_file)
        return 0;
    pthread_mutex_lock(&t->lock);
    s.hour = t->hour;
    memcpy(s.secret, t->secret, sizeof s.secret);
    memcpy(s.keys, t->keys, sizeof s.keys);
    pthread_mutex_unlock(&t->lock);
    memcpy(out, &s, sizeof s);
    explicit_bzero(&s, sizeof s);
    return sizeof s;
}

static uint32_t
count_keys(const struct ticket_key *keys, uint32_t max)
{
    static const struct ticket_key none;
    uint32_t n = 0;

    while (n < max && memcmp(&keys[n], &none, sizeof none) != 0)
        n++;
    return n;
}

struct tickets *
tickets_load(et_str saved)
{
    struct tickets *t;
    struct saved s;

    if (saved.n != sizeof s)
        return NULL;
    memcpy(&s, saved.p, sizeof s);
    t = memcmp(s.tag, TAG, sizeof TAG) == 0 && s.hour >= 0 ? blank() : NULL;
    if (t) {
        t->hour = s.hour;
        memcpy(t->secret, s.secret, sizeof s.secret);
        memcpy(t->keys, s.keys, sizeof s.keys);
        t->n_keys = count_keys(s.keys, TICKETS_OLD_HOURS + 1);
    }
    explicit_bzero(&s, sizeof s);
    return t;
}

struct tickets *
tickets_hold(struct tickets *t)
{
    if (t)
        atomic_fetch_add_explicit(&t->n_refs, 1, memory_order_relaxed);
    return t;
}

void
tickets_drop(struct tickets *t)
{
    if (!t ||
        atomic_fetch_sub_explicit(&t->n_refs, 1, memory_order_acq_rel) > 1)
        return;
    pthread_mutex_destroy(&t->lock);
    explicit_bzero(t, sizeof *t);
    free(t);
}

void
tickets_current(struct tickets *t, int64_t wall_s, struct ticket_key *out)
{
    pthread_mutex_lock(&t->lock);
    advance(t, wall_s);
    *out = t->keys[0];
    pthread_mutex_unlock(&t->lock);
}

enum tickets_found
tickets_find(struct tickets *t, int64_t wall_s,
             const uint8_t name[TICKETS_NAME_BYTES], struct ticket_key *out)
{
    enum tickets_found found = TICKETS_UNKNOWN;

    pthread_mutex_lock(&t->lock);
    advance(t, wall_s);
    for (uint32_t i = 0; i < t->n_keys; i++) {
        if (memcmp(t->keys[i].name, name, TICKETS_NAME_BYTES) != 0)
            continue;
        *out = t->keys[i];
        found = i == 0 ? TICKETS_CURRENT : TICKETS_OLD;
        break;
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}
