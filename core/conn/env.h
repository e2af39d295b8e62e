/* SPDX-License-Identifier: BSD-2-Clause */
/* env.h - what a connection needs of the worker that owns it.
 *
 * One per worker, used by its thread only; nothing in it is shared but the
 * body budget, the sum of all workers' buffered bodies, and the census.  Limits
 * and timeouts are values, copied when a generation becomes current: before a
 * request is pinned nothing points into a generation. */
#ifndef CONN_ENV_H
#define CONN_ENV_H

#include <stdatomic.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/blocks.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/slab.h"
#include "base/trouble.h"
#include "base/wheel.h"
#include "conn/reject.h"
#include "conn/repeat.h"
#include "conn/warm.h"
#include "http/channels.h"
#include "http/fetch.h"
#include "http/host.h"
#include "http/loops.h"
#include "http/route.h"
#include "http/streams.h"
#include "http/subs.h"
#include "http/task.h"
#include "http/waits.h"
#include "http/watches.h"
#include "proto/http1.h"
#include "proto/http1_out.h"

struct census;
struct context;
struct gen_worker;
struct giver;
struct io;

#define ENV_MAX_LISTENERS 64

/* Limits of a connection; sizes in bytes, times in milliseconds. */
struct limits {
    struct http1_limits head;
    uint64_t max_body, body_memory, discard_body, temp_max;
    uint32_t keepalive_ms; /* 0: one request a connection */
    uint32_t drain_ms;
    uint32_t handshake_ms; /* of TLS */
    uint32_t header_ms, body_ms, write_ms, idle_demote_ms, idle_grace_ms;
    uint32_t idle_soonest_ms; /* no deadline between requests is nearer */
    uint32_t body_min_rate;   /* bytes a second; 0: none */
    uint32_t read_buffer, write_buffer;
    uint32_t max_requests;   /* of a connection; UINT32_MAX: any number */
    uint32_t max_per_client; /* connections; 0: any number */
    uint32_t trusts_proxies; /* then of a client its requests count */
    uint32_t shed_requests;  /* in flight, when the first are shed; 0: never */
    uint64_t shed_lag_ns;    /* of the loop, likewise; 0: never */
    uint32_t rebalances;     /* 0 or 1 */
    uint32_t h2_streams, h2_window;
    struct streams_limits streams;
    char temp_dir[200];
};

/* A listener as a connection sees it, by id. */
struct listener_env {
    /* What it shows of itself (tls/context.h); NULL: it speaks no TLS.  The
     * control thread's, until the next order_listeners is answered: who needs
     * it for longer holds it. */
    struct context *context;
    uint8_t proxy; /* enum conf_proxy as a number: 0 off, 1 v1, 2 v2, 3 auto */
    uint8_t h2c;   /* HTTP/2 by prior knowledge */
    uint8_t is_unix;
    uint8_t is_gone; /* its connections have one more answer */
    /* Of one in the clear: where requests are led to that should come by TLS;
     * 0: nowhere. */
    uint16_t redirect_port;
    /* Of one that speaks TLS: what Strict-Transport-Security says; 0: it is not
     * sent. */
    uint32_t hsts_s;
};

/* What who is not let in by it is told. [any] */
static inline enum reject_as
listener_env_rejects(const struct listener_env *l)
{
    return l->context ? REJECT_TLS : l->h2c ? REJECT_H2C : REJECT_HTTP1;
}

/* Bytes of all buffered and of all spilled bodies of this process; several
 * threads add to them. */
struct body_budget {
    _Atomic int64_t memory, memory_max;
    _Atomic int64_t temp;
};

struct env {
    struct host_worker worker; /* what plugins see of it */
    struct io *io;
    struct clock clock;
    struct wheel wheel;
    struct slab conns, reqs, h2_streams;
    void *h2_frame; /* of all sessions (h2_heap.h) */
    struct waits waits;
    struct watches watches;
    struct loops loops;
    struct tasks tasks;
    struct channels channels;
    struct subs subs;
    struct fetches fetches;
    struct streams streams;
    struct repeats repeats;
    struct warm_places warm_places;
    struct blocks blocks;
    struct metrics *metrics;
    struct http1_common common;      /* fields of every answer */
    struct http1_common common_bare; /* ... of one with a Server of its own */
    struct limits limits;
    struct listener_env listeners[ENV_MAX_LISTENERS];
    struct rejects rejects;
    struct trouble storage, memory;
    struct gen_worker *gen; /* the current generation's part */
    struct body_budget *budget;
    struct census *census; /* of all workers' connections */
    /* More requests in flight than this: who is of that priority is shed. */
    uint32_t shed_beyond[ROUTE_PRIORITIES];
    uint32_t look_beyond; /* with no more than this, nobody is */
    uint8_t is_stopping;  /* every answer says Connection: close */
    uint8_t is_draining;  /* and idle connections have idle_grace left */
    uint8_t is_leaving;   /* another process serves: who can is given to it */
    uint8_t is_watchful;  /* draining, or giving connections away */
    uint8_t is_robbed;    /* somebody else closes its descriptors */
    uint32_t n_leaving;   /* connections that are on their way out */
    uint32_t n_strays;    /* requests that no connection has (exchange.h),
                             sessions (tls_away.h), files (warm.h) */
    uint32_t max_away;    /* handshakes that the pool has (tls_away.h) */
    struct wheel_timer retire; /* while it drains: retire.h */
    struct giver *giver; /* who is given those at their boundary, or NULL */
    /* A generation's last request on this worker is over. */
    void (*on_retired)(struct env *env, struct gen_worker *gen);
    /* A connection is gone (drain waits for the last one). */
    void (*on_closed)(struct env *env);
};

#endif
