/* SPDX-License-Identifier: BSD-2-Clause */
/* arrival.h - how a worker takes connections in.
 *
 *     acceptor, other workers --records--> [ mailbox ] --+
 *     listeners of its own ------------------------------+--> conn_open
 *                      no slot, or enough for this turn: [ held ]
 *
 * To begin a connection may take a whole handshake, and more may come meanwhile
 * than are begun: so a turn spends some 2 ms on new ones (at least one is
 * begun), and what is left waits for the next, which is at once (is_behind).
 * Who is held waits in order, and the worker's own listeners pause.  What they
 * have accepted by then comes all the same: where there is a slot, but no place
 * among the held, it is begun at once.  Invariant: nobody is turned away for
 * want of time. */
#ifndef WORK_ARRIVAL_H
#define WORK_ARRIVAL_H

#include <stdint.h>

struct worker;

/* A connection for w, from a listener of its own: fd is the worker's from now
 * on.  Without a free slot it is held (overload = queue) or rejected; it is
 * held, too, if this turn has had its share. [worker] */
void arrival_take(struct worker *w, int fd, uint8_t listener);
/* There may be room again: for who is held, oldest first, then for the queue.
 * [worker] */
void arrival_take_held(struct worker *w);
/* Nobody takes them any more: how many there were. [worker] */
uint32_t arrival_drop_held(struct worker *w);
/* The listeners of w's own stop accepting, or go on, unless it winds up.
 * [worker] */
void arrival_pause(struct worker *w, int pause);
/* Take what the mailbox has: its connections, as many as the turn has time for,
 * and all mail - what wakes for that may be among them. [worker] */
void arrival_take_mail(struct worker *w);

#endif
