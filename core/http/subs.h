/* SPDX-License-Identifier: BSD-2-Clause */
/* subs.h - et.channel/1: publishing, and the subscriptions of tasks.
 *
 *     channel --deliver--> [ backlog, bounded ] --next--> the task
 *                              | full: the oldest goes, or all of it
 *
 * A subscription is its task's (task_own): it ends with that, however that
 * ends.  Those of loops are theirs (loops.h).
 *
 *     LIVE --unsubscribe, or its owner is over--> gone
 *       |         \--and another part waits in next--> OVER --it is told-->
 * gone
 *       +--too slow (ET_CH_DROP_SELF)--> DROPPED --unsubscribe ...--> gone */
#ifndef HTTP_SUBS_H
#define HTTP_SUBS_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/slab.h"

struct req;

/* A worker's. */
struct subs {
    struct slab items;
    struct slab chunks;   /* of backlog.h, of all its queues */
    struct slab hearings; /* of WebSockets: hearing.h */
};

/* At most max subscriptions.  0 or ERR_NOMEM. [worker] */
MUST_USE int subs_init(struct subs *s, uint32_t max);
/* None is left. [control] */
void subs_fini(struct subs *s);

/* Whose subscription that is (ET_K_SUB), for logs. [worker] */
const struct req *subs_request(const et_ctx *c);
/* et.channel/1. [any] */
const et_channel_api *subs_iface(void);

#endif
