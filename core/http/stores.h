/* SPDX-License-Identifier: BSD-2-Clause */
/* stores.h - et.store/1: data of plugins that outlives generations.
 *
 *   vault   what all stores hold, of all processes               base/vault.h
 *     store   "org.etude.limit" / "limit" / "seen"    while this process has it
 *       opened  one each time a state's init opens it    what the plugin holds
 *
 * Who opens a store finds it by plugin, section and name or makes it, whichever
 * worker and process does so first.  From then on any of them changes numbers
 * and values, without a lock: what one worker counts for itself is a number of
 * its own, named after the key, the process's seat and the worker.  A store is
 * open while a state that opened it lives, here or in another process; the
 * control thread drops it when that has not been so for a while.
 *
 * The lock is for the list of this process: taken in a worker's init and exit
 * and by the control thread, never by a request. */
#ifndef HTTP_STORES_H
#define HTTP_STORES_H

#include <pthread.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/vault.h"

struct store;

struct stores {
    pthread_mutex_t lock;
    const struct vault *vault;
    uint32_t owner;          /* of what this process has begun: seats_name */
    struct store *first;     /* those that are open here */
    _Atomic int has_changed; /* one was opened or closed since the last sweep */
    /* When it is due (UINT64_MAX: never), if stores are kept so long.
     * [control] */
    uint64_t sweep_ms, keep_ms;
};

/* The stores in that vault, which outlives s, for so many workers. [control] */
void stores_init(struct stores *s, const struct vault *vault,
                 uint32_t n_workers);
/* No worker runs any more, and none is open. [control] */
void stores_fini(struct stores *s);
/* Drop the stores that nobody has had open for keep_ms (now_ms: of the
 * monotonic clock).  Milliseconds until that has to be asked again, or -1:
 * there are no stores. [control] */
int stores_sweep(struct stores *s, uint64_t now_ms, uint64_t keep_ms);

/* Section of the plugin whose store this is (ET_K_STORE), for logs. [worker] */
const char *stores_section(const et_ctx *c);
/* et.store/1. [any] */
const et_store_api *stores_iface(void);

#endif
