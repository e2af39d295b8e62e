/* SPDX-License-Identifier: BSD-2-Clause */
/* wheel.h - a hierarchical timer wheel with a resolution of 16 ms.
 *
 * Timers are embedded in their owners; arming and cancelling are O(1), the
 * wheel allocates nothing.  Time is an argument, so that tests own the clock.
 * A timer fires at the first advance at or after its due time rounded up to
 * the resolution, never early.  In its callback a timer may be armed again,
 * and any timer may be armed or cancelled, or its memory given up; what is
 * armed there for the past fires at the next advance.
 *
 *     tick  = ....|ddddd d|ddddd d|ddddd d|ddddd d|ddddd d|   6 bits a level
 *     level          4       3       2       1       0
 *
 * A timer waits on the level of the highest digit in which its tick and the
 * wheel's differ, in the slot of its own digit there, and comes down a level
 * whenever the wheel reaches that slot.  The top level goes round: what is
 * further away than 2^30 ticks (198 days) is met there once a turn and waits.
 * Invariant: a bit of occupied is set where the slot is not empty. */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include <stdint.h>

#define WHEEL_RESOLUTION_MS 16
#define WHEEL_LEVELS 5
#define WHEEL_SLOTS 64

/* Zeroed memory with fn set is a timer that is not armed. */
struct wheel_timer {
    struct wheel_timer *next, **prev; /* prev == NULL: not armed */
    uint64_t due_ms;
    void (*fn)(struct wheel_timer *t, uint64_t now_ms);
};

struct wheel {
    uint64_t now_tick;
    uint64_t occupied[WHEEL_LEVELS]; /* bit s: slot s is not empty */
    uint32_t n_armed;
    struct wheel_timer *slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

/* No timer is armed, and it is now_ms.  It allocates nothing; there is no
 * fini. [any] */
void wheel_init(struct wheel *w, uint64_t now_ms);
/* Arm t, moving it if it is armed.  due_ms in the past fires at the next
 * advance. [owner] */
void wheel_arm(struct wheel *w, struct wheel_timer *t, uint64_t due_ms);
/* Make sure that t does not fire; it need not be armed. [owner] */
void wheel_cancel(struct wheel *w, struct wheel_timer *t);
/* t will fire unless it is cancelled. [owner] */
static inline int
wheel_is_armed(const struct wheel_timer *t)
{
    return t->prev != 0;
}
/* Fire all that is due at now_ms, in the order of their ticks.  Costs what is
 * due and comes down, not how far the time has moved; a time before an earlier
 * one counts as that. [owner] */
void wheel_advance(struct wheel *w, uint64_t now_ms);
/* Milliseconds from now_ms until advance could have something to do (0: now),
 * or -1 if no timer is armed.  May be early, never late. [owner] */
int64_t wheel_next_ms(const struct wheel *w, uint64_t now_ms);

#endif
