/* SPDX-License-Identifier: BSD-2-Clause */
/* fill.h - answers that are on their way into the store, and who waits for
 * them.
 *
 *     first request for a key   leads a fill, and goes on to the handler
 *     others meanwhile          wait
 *     the fill ends             all of them look again, and find what has been
 *                               stored; or the first of them leads
 *
 * How a fill ends - stored, not to be stored, failed, taking too long - makes
 * no difference here: who waited looks into the store and decides anew.  All of
 * it lies in the memory of requests.
 *
 * One that has begun patience_ms ago leads no more: what it brings is stored
 * all the same, when it comes. */
#ifndef CACHE_FILL_H
#define CACHE_FILL_H

#include <etude.h>

#include "key.h"

struct entry;
struct fill;

struct waiter {
    struct fill *fill;
    struct waiter *next, **at; /* of the fill; at: NULL, it does not wait */
    et_token token;
};

struct fill {
    struct fill *chain, **at; /* in its bucket; at: NULL, it is in none */
    struct key key;
    et_str vary, selected; /* what it is for, if that is known (key.h) */
    struct entry *entry;   /* what has come; NULL: nothing is stored yet */
    uint8_t leads;         /* others wait for it */
    uint8_t is_void;       /* what it brings is out of date already */
    uint64_t began_ms;
    et_token timer; /* of patience_ms, while somebody waits; or 0 */
    struct waiter *waiters, **last;
};

struct fills {
    struct fill **buckets;
    uint32_t mask;
    uint64_t n;
    et_loop *loop;
    uint64_t patience_ms;
};

/* 0 or ET_ENOMEM. */
int32_t fills_init(struct fills *s, et_loop *loop, uint64_t patience_ms);
void fills_fini(struct fills *s);
/* The one that leads for that key and selection at now_ms, or NULL. [worker] */
struct fill *fills_find(const struct fills *s, const struct key *k,
                        et_str selected, uint64_t now_ms);
/* f, which is set but for its links, has begun. [worker] */
void fill_begin(struct fills *s, struct fill *f);
/* It is over, however it went: who waits for it looks again.  Once more is
 * fine. [worker] */
void fill_end(struct fills *s, struct fill *f);
/* w, whose token that is, waits for f, which was found at now_ms: 0; or below
 * 0: it cannot, there is no timer to be had. [worker] */
int32_t fill_wait(struct fills *s, struct fill *f, struct waiter *w,
                  et_token token, uint64_t now_ms);
/* It does not. [worker] */
void fill_leave(struct waiter *w);

/* What comes of that key, or matches (key_matches), is not to be stored.
 * [worker] */
void fills_void_key(struct fills *s, const struct key *k);
void fills_void_matching(struct fills *s, et_str pattern);

#endif
