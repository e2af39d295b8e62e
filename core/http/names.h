/* SPDX-License-Identifier: BSD-2-Clause */
/* names.h - addresses of hosts that plugins ask, as one worker knows them.
 *
 *     names_find: an address itself -> at once
 *                 known, and fresh   -> at once
 *                 else               -> one job for all who wait for it
 *
 * The system is asked (getaddrinfo), on the pool (jobs.h).  What it says is
 * good for NAMES_KEEP_MS, that it knows nothing for NAMES_KEEP_BAD_MS: it does
 * not say how long it would be.  At most NAMES_MAX are kept, the one that was
 * asked for longest ago gives way. */
#ifndef HTTP_NAMES_H
#define HTTP_NAMES_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/list.h"
#include "base/slab.h"
#include "proto/addr.h"

struct host_worker;
struct name;

#define NAMES_MAX 256u
#define NAMES_ADDRESSES 8u /* of a host, at most */
#define NAMES_LEN 253u     /* bytes of a name: RFC 1035 2.3.4, as text */
#define NAMES_KEEP_MS 30000u
#define NAMES_KEEP_BAD_MS 1000u

struct names {
    struct slab slab;
    struct list all; /* asked for last in front */
    struct name *buckets[NAMES_MAX];
    struct host_worker *worker;
    uint64_t seed;
};

/* Zeroed but for on_named, before it waits for the first time. */
struct names_waiter {
    struct list link;
    /* From the loop, and w waits no more: n addresses, valid until this
     * returns; or 0, and there are none because of why (ET_ECONN: no such host,
     * ET_ELIMIT: `pool_queue`, ET_ENOMEM). */
    void (*on_named)(struct names_waiter *w, const struct addr *v, uint32_t n,
                     int32_t why);
};

/* 0 or ERR_NOMEM. [worker] */
MUST_USE int names_init(struct names *s, struct host_worker *worker);
/* Nobody waits any more: what has been asked for is let go. [worker] */
void names_close(struct names *s);
/* No job runs any more. [control] */
void names_fini(struct names *s);

/* The addresses of host, a name in lower case, an IPv4 address or an IPv6 one
 * without brackets: how many, at most NAMES_ADDRESSES, copied to v; 0: w will
 * be told; ET_ECONN: it is known that there are none; ET_EINVAL: too long;
 * ET_ELIMIT: too many are being asked for, or `max_waits`, `pool_queue`;
 * ET_ENOMEM. [worker] */
MUST_USE int32_t names_find(struct names *s, et_str host,
                            struct names_waiter *w,
                            struct addr v[NAMES_ADDRESSES]);
/* w does not wait any more, if it did. [worker] */
void names_leave(struct names_waiter *w);

#endif
