/* SPDX-License-Identifier: BSD-2-Clause */
/* host.h - the host as a plugin sees it: et_host and its interfaces.
 *
 * host_http.c implements et.http/1 over struct req; host.c is the table of
 * interfaces by id and et.log/1. */
#ifndef HTTP_HOST_H
#define HTTP_HOST_H

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/trouble.h"

struct channels;
struct clock;
struct fetches;
struct jobs;
struct loops;
struct metrics;
struct req;
struct stores;
struct subs;
struct streams;
struct tasks;
struct waits;
struct watches;
struct wheel;

#define HOST_WORKER_MAGIC 0x307eu

/* A worker as plugins hold it, and what the calls they make with it need of
 * ours.  All of it lives as long as the worker. */
struct host_worker {
    et_worker pub;
    uint32_t magic;
    const struct clock *clock; /* of its turn */
    struct metrics *metrics;   /* its own figures */
    struct stores *stores;     /* where it opens them */
    struct wheel *wheel;
    struct waits *waits;
    struct watches *watches;
    struct loops *loops;
    struct tasks *tasks;
    struct channels *channels;
    struct subs *subs;
    struct fetches *fetches;
    struct streams *streams;
    struct jobs *jobs; /* of the process */
    /* r once more, for nobody: et.http/1 repeat, of a request that may; the
     * layer above is who carries requests (conn/repeat.h). */
    int32_t (*repeat)(struct req *r, const et_str *without, size_t n);
    struct trouble memory; /* of requests, whose steps run out of it */
};

static inline struct host_worker *
host_worker_of(et_worker *pub)
{
    struct host_worker *w = CONTAINER_OF(pub, struct host_worker, pub);

    CHECK(pub->ctx.kind == ET_K_WORKER && w->magic == HOST_WORKER_MAGIC);
    return w;
}

/* w is worker index of n_workers; what else it needs is the caller's to set.
 * [control] */
void host_worker_init(struct host_worker *w, uint32_t index,
                      uint32_t n_workers);

/* The one host of this process. [any] */
const et_host *host_get(void);
/* Records above level are not formatted by plugins any more. [control] */
void host_set_log_level(uint32_t level);
/* Whether a response of that status and type may be decided now; why not is
 * logged. [worker] */
MUST_USE int host_http_accepts(struct req *r, uint32_t status, et_str type);
/* et.http/1 and et.log/1. [any] */
const et_http *host_http(void);
const et_log *host_log(void);

#endif
