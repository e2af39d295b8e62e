/* SPDX-License-Identifier: BSD-2-Clause */
/* line.h - whose turn it is: of the long bodies of a worker one goes on at a
 * time, so that what a library looks back at stays in the CPU's caches.
 *
 *     enter --> the line --> the turn --> rest --> enter --> ... --> leave
 *                ^    ^         |          |
 *      behind it |    +-- in front of it --+--> whoever is next may work
 *                +-- LINE_TURN bytes
 *
 * Who comes waits behind the others.  Who has the turn has it for LINE_TURN
 * bytes; while it does something else, waits for its client, say, the next one
 * may begin with its own, but then it goes on first when it comes back: a
 * client that is slow keeps nobody, and what has begun comes to its end.
 *
 * Invariants: at most one is at work; while nobody is, the first in the line,
 * if any, has been called. */
#ifndef COMPRESS_LINE_H
#define COMPRESS_LINE_H

#include <etude.h>

#define LINE_TURN 1048576u /* bytes, if somebody waits */

/* Of one body; zeroed at first. */
struct place {
    struct place *next; /* in the line */
    et_token token;     /* it waits, and was not called: to be woken by this */
    size_t taken;       /* bytes of its turn; 0: it has none */
};

/* Of one worker; zeroed at first. */
struct line {
    struct place *at_work; /* or NULL: those that have a turn rest */
    struct place *first, **end;
};

/* p, whose task calls, is about to take n bytes: waits until it is at work.  0;
 * or below 0, and it is not: ET_ECANCEL, ET_ETIME, ET_ERETIRE, or ET_ELIMIT
 * (more wait than may). [worker] */
int32_t line_enter(struct line *l, struct place *p, et_req *r, size_t n);
/* p, at work or not, does something else now. [worker] */
void line_rest(struct line *l, const struct place *p, const et_req *r);
/* Its turn is over, if it has one. [worker] */
void line_leave(struct line *l, struct place *p, const et_req *r);

#endif
