/* SPDX-License-Identifier: BSD-2-Clause */
/* balance.h - which worker gets a connection.
 *
 * A choice and nothing else: what the workers have to do is asked of the
 * caller. */
#ifndef WORK_BALANCE_H
#define WORK_BALANCE_H

#include <stdint.h>

enum balance { /* in the order of enum conf_balance */
               BALANCE_ROUND_ROBIN,
               BALANCE_LEAST, /* the one with the fewest connections */
               BALANCE_HASH,  /* the client's own, as long as there is room */
};

#define BALANCE_FULL UINT64_MAX

/* The workers as the choice sees them. */
struct balance_workers {
    uint32_t n;
    uint32_t next; /* whose turn it is */
    /* Connections of worker i, or BALANCE_FULL: it takes none. */
    uint64_t (*load)(const void *ctx, uint32_t i);
    const void *ctx;
};

/* The worker for a connection of client key (0: unknown, then by turns); -1:
 * none has room. [any]
 *
 * BALANCE_HASH is rendezvous hashing: each pair of client and worker has a
 * rank, the highest one wins.  With one worker more a client stays or moves to
 * that one, which 1/n of them do; with one full, its clients alone move. */
int balance_pick(enum balance kind, const struct balance_workers *w,
                 uint64_t key);

#endif
