/* SPDX-License-Identifier: BSD-2-Clause */
/* rebalance.h - a worker that is much busier than another gives it connections.
 *
 *     CALM -- busy, another much less --> COUNTING -- still --> GIVING ->
 * RESTING
 *       ^-------------------------------------+------------------------------+
 *
 * One window (load.h) a state.  COUNTING finds out how many connections make
 * requests at all; half of what would even the two out is given, each at the
 * end of one of its requests, so it is the busy ones that go.  RESTING lets
 * both loads settle before they are looked at again.  A connection that was
 * moved stays for MOVED_REST_S, wherever it is.
 *
 * It goes as a parcel of the giver's own, through the taker's pipe. */
#ifndef WORK_REBALANCE_H
#define WORK_REBALANCE_H

#include <stdint.h>

#include "base/check.h"
#include "conn/conn_give.h"
#include "work/parcel.h"

struct worker;

#define REBALANCE_PARCELS 64 /* on their way from one worker, at most */

enum rebalance_state {
    REBALANCE_CALM,
    REBALANCE_COUNTING,
    REBALANCE_GIVING,
    REBALANCE_RESTING,
};

struct rebalance {
    struct giver giver;
    enum rebalance_state state;
    struct worker *to;
    uint32_t n_busy; /* connections that made a request in this window */
    uint32_t n_left; /* to give */
    uint32_t n_rest; /* windows to rest */
    uint8_t window;  /* which one it is, modulo 256, never 0 */
    struct parcel parcels[REBALANCE_PARCELS];
};

/* A window of w's load has ended: decide about the next one. [worker] */
void rebalance_window(struct worker *w, uint64_t now_ns);
/* Give nothing from now on; what is on its way stays or arrives. [worker] */
void rebalance_stop(struct worker *w);
/* How many connections to give, of n_busy that make up share, to a worker with
 * their_share: half of what would even the two out, but not the only one.
 * [any] */
uint32_t rebalance_amount(uint32_t n_busy, uint32_t share,
                          uint32_t their_share);

#endif
