/* SPDX-License-Identifier: BSD-2-Clause */
/* stores.h - et.store/1: data of plugins that outlives generations.
 *
 *   store  "org.etude.limit" / "limit" / "seen"      one a name, any generation
 *     part   worker 0: shelf   worker 1: shelf       counters and values
 *   opened  one each time a state's init opens it    what the plugin holds
 *
 * One registry a process.  Who opens a store finds it by plugin, section and
 * name or makes it, for all workers at once; from then on a worker changes its
 * own part and reads the counters of the others, without a lock (base/shelf.h).
 * A store is open while a state that opened it lives.  The control thread drops
 * it when that has not been so for a while.
 *
 * The lock is for the registry and n_open: taken in a worker's init and exit
 * and by the control thread, never by a request.  Invariant: a store with
 * n_open > 0 is in the list and stays. */
#ifndef HTTP_STORES_H
#define HTTP_STORES_H

#include <pthread.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct store;

/* Stores alive at once: more than plugins have reason for, and few enough that
 * one which makes up names is stopped. */
#define STORES_MAX 1024u

struct stores {
    pthread_mutex_t lock;
    struct store *first;
    uint32_t n, n_workers;
    uint64_t memory; /* bytes of a store that is made; by the control thread,
                        while nobody opens one */
};

/* An empty registry for so many workers. [control] */
void stores_init(struct stores *s, uint32_t n_workers);
/* Free all of it: no worker runs any more. [control] */
void stores_fini(struct stores *s);
/* Stores made from now on hold so many bytes, over all workers.  While no
 * worker prepares a generation. [control] */
void stores_set_memory(struct stores *s, uint64_t bytes);
/* Drop the stores that nobody has had open for keep_ms (now_ms: of the
 * monotonic clock).  Milliseconds until that has to be asked again, or -1: not
 * before a generation is gone. [control] */
int stores_sweep(struct stores *s, uint64_t now_ms, uint64_t keep_ms);

/* Section of the plugin whose store this is (ET_K_STORE), for logs. [worker] */
const char *stores_section(const et_ctx *c);
/* et.store/1. [any] */
const et_store_api *stores_iface(void);

#endif
