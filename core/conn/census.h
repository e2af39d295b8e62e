/* SPDX-License-Identifier: BSD-2-Clause */
/* census.h - how many connections there are, in all and of each client.
 *
 * One for the process; whoever lets a connection in counts it, whoever ends it
 * takes it back, without locks and exactly.
 *
 *     client -> 64 mixed bits: [ 48: who | 16: bucket ]   (one to one)
 *     bucket -> 16 cells of 64 bits: [ 48: who | 16: how many ], 0: free
 *
 * Bucket and cell together hold all 64 bits, so two clients are never taken for
 * one.  If its first two come in the same instant a client may have two cells
 * for a while; all of its cells count.  A client whose bucket is full of others
 * is let in uncounted: for that sixteen of all that are here must meet in one
 * bucket of 65536, which nobody can bring about who does not know the seed.
 *
 * A client is an IPv4 address, or the /64 of an IPv6 one: whoever has one
 * address of it has them all. */
#ifndef CONN_CENSUS_H
#define CONN_CENSUS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/check.h"

struct addr;

#define CENSUS_BUCKETS 65536u
#define CENSUS_WAYS 16u

struct census {
    _Atomic uint32_t n;   /* connections that are counted */
    _Atomic uint32_t max; /* of them; UINT32_MAX: any number */
    uint64_t seed;
    _Atomic uint64_t *cells; /* [CENSUS_BUCKETS * CENSUS_WAYS] */
};

/* Nobody is here and any number may come.  Memory is touched as clients come,
 * 8 MiB at most.  0 or -errno. [control] */
MUST_USE int census_init(struct census *s);
void census_fini(struct census *s);

/* How many connections there may be; 0: any number. [any] */
void census_limit(struct census *s, uint32_t max);
/* Count a connection: true, or false when there are as many as there may be.
 * [any] */
MUST_USE int census_enter(struct census *s);
/* Count one that is let in whatever the number (it was here before). [any] */
void census_enter_anyway(struct census *s);
void census_leave(struct census *s);
/* True when census_enter would say no. [any] */
static inline int
census_is_full(const struct census *s)
{
    return atomic_load_explicit(&s->n, memory_order_relaxed) >=
           atomic_load_explicit(&s->max, memory_order_relaxed);
}

/* The client at an address as a number: the same one in every process. 0: no
 * IP address. [any] */
uint64_t census_key(const struct addr *a);
/* The same of the other end of a socket. [any] */
uint64_t census_key_of(int fd);
/* Count one more of client key, if there are fewer than max (of 0..65535) of
 * it.  What census_part takes, or 0: it is not counted (key is 0, its bucket is
 * full); or ERR_LIMIT in *rc.  *rc is 0 otherwise. [any] */
uint64_t census_join(struct census *s, uint64_t key, uint32_t max, int *rc);
/* One less; what: of census_join.  0 is nothing. [any] */
void census_part(struct census *s, uint64_t what);
/* How many of client key there are. [any] */
uint32_t census_count(const struct census *s, uint64_t key);

#endif
