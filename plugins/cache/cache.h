/* SPDX-License-Identifier: BSD-2-Clause */
/* cache.h - what the steps share: options, a worker's cache, one request's
 * visit to it.
 *
 *     request step     look.c     looks into the store: answers, waits, or goes
 *                                 on and is to bring what is missing
 *     response, body   keep.c     judges the answer and copies it
 *     log step         cache.c    the visit is over */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <etude.h>

#include "ask.h"
#include "entry.h"
#include "fill.h"
#include "store.h"

struct options {
    int64_t memory, max_object, variants;
    int64_t ttl_ms, ttl_negative_ms;
    int64_t stale_while_revalidate_ms, stale_if_error_ms;
    int64_t wait_ms, pass_ms;
    int64_t cookies, client; /* COOKIES_*, CLIENT_* */
    et_str header;
};

enum { COOKIES_BYPASS, COOKIES_IGNORE };
enum { CLIENT_IGNORE, CLIENT_HONOUR };

/* The instance: of each worker's cache the same. */
struct site {
    const struct options *o;
    struct rules rules;
    char channel[ET_CH_NAME_MAX + 1]; /* where workers tell what has changed */
};

/* What has happened, since the beginning. */
struct counts {
    int64_t hits, stale, misses, bypasses, waits, refreshes, stored, evictions;
};

/* A worker's. */
struct cache {
    const struct site *site;
    struct store store;
    struct fills fills;
    struct secret secret;
    struct counts counts, told; /* told: to the metrics */
    struct entry *parting;      /* the one that was sent last (visit_end) */
    et_token burial;            /* the timer of what is purged; or 0 */
};

/* A request for something that may be stored, from its request step to its log
 * step. */
struct visit {
    struct key key;       /* in the step's memory, or r's: owns_key */
    const char *outcome;  /* "MISS" ...: for its answer */
    struct entry *served; /* the answer, with a reference; or NULL */
    struct entry *stale;  /* what is there, with a reference; or NULL */
    struct fill fill;     /* what it brings; begun if fill.at is set */
    struct waiter waiter; /* while it waits for another's fill */
    uint64_t asked_ms, now_ms;
    int64_t max_age_ms; /* that the client takes */
    struct ask ask;
    uint8_t is_authorized; /* it has shown credentials */
    uint8_t owns_key;
    uint8_t may_lead;  /* its answer is all that others may want */
    uint8_t is_repeat; /* nobody waits for it: it asks anew (look.c) */
    et_field *before;  /* response fields that were set when it came */
    uint32_t n_before;
};

/* The request step. [worker] */
uint32_t look_up(et_req *r, struct cache *c);
/* The response step. [worker] */
uint32_t keep_head(et_req *r, struct cache *c);
/* The body step. [worker] */
int32_t keep_piece(et_req *r, struct cache *c, const char *p, size_t n,
                   uint32_t flags);
/* The visit is over, in the log step. [worker] */
void visit_end(struct cache *c, struct visit *v);
/* Answer r with e: what the step returns. [worker] */
uint32_t visit_serve(et_req *r, struct cache *c, struct visit *v,
                     struct entry *e, const char *outcome);
/* What is stored of that key, or comes, is out of date. [worker] */
void cache_forget(struct cache *c, const struct key *k);

/* How late it is; r->start_ns is when it began. */
static inline uint64_t
cache_now_ms(const et_req *r)
{
    return r->start_ns / 1000000 +
           (uint64_t)r->http->number(r, ET_N_ELAPSED_US) / 1000;
}

#endif
