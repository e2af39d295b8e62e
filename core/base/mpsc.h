/* SPDX-License-Identifier: BSD-2-Clause */
/* mpsc.h - many threads push, one takes everything: a mailbox without locks.
 *
 * Nodes are embedded in what is posted, so a push cannot fail.  The list is a
 * stack while it grows; the taker empties it in one exchange and turns it
 * round.  Nothing is ever popped singly, so there is no ABA.
 *
 * What a producer wrote before its push is seen by the taker.  Only the push
 * that finds the list empty has to wake the taker: every later one before the
 * next take will be found by that same wake-up. */
#ifndef BASE_MPSC_H
#define BASE_MPSC_H

#include <stdatomic.h>

#include "base/check.h"

struct mpsc_node {
    struct mpsc_node *next;
};

/* Zeroed memory is an empty list. */
struct mpsc {
    _Alignas(64) _Atomic(struct mpsc_node *) top;
};

/* Empty, whatever was there. [any] */
void mpsc_init(struct mpsc *l);
/* Hand n over; it is the taker's from now on.  1 if the list was empty: the
 * caller must wake the taker; else 0. [any] */
MUST_USE int mpsc_push(struct mpsc *l, struct mpsc_node *n);
/* All nodes, oldest first, linked by next up to NULL; NULL if none.  A node's
 * next must be read before the node is freed or pushed again. [owner] */
MUST_USE struct mpsc_node *mpsc_take_all(struct mpsc *l);
/* Nothing is waiting.  A push may come at any moment. [any] */
int mpsc_is_empty(const struct mpsc *l);

#endif
