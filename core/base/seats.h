/* SPDX-License-Identifier: BSD-2-Clause */
/* seats.h - which processes work on shared memory, as that memory says.
 *
 * A process that is given a seat is known by it and by its turn on it: the
 * turns of a seat are counted, odd while one is taken.  Who starts processes
 * and learns of their ends gives and frees seats, nobody else, so that a turn
 * that is over is one whose process does not run any more.  What a process
 * leaves behind under its seat goes on with the next one on it.
 *
 * Zeroed memory is seats that nobody has. */
#ifndef BASE_SEATS_H
#define BASE_SEATS_H

#include <stdatomic.h>
#include <stdint.h>

/* One that serves, one that is to, two that still drain. */
#define SEATS_MAX 4u
#define SEATS_LANES_MAX 1024u
#define SEATS_NONE UINT32_MAX

struct seats {
    _Atomic uint32_t turns[SEATS_MAX];
    _Atomic uint32_t
        begun[SEATS_MAX]; /* the turn that has made itself at home */
    _Atomic uint32_t lanes[SEATS_MAX]; /* most that a turn has had */
};

/* The turn of whoever is given a seat that is free, or SEATS_NONE. [owner] */
uint32_t seats_give(struct seats *s, uint32_t seat);
/* Its process has ended, or was never started. [owner] */
void seats_free(struct seats *s, uint32_t seat);
/* Whether that seat is taken, by anybody. [any] */
int seats_is_taken(const struct seats *s, uint32_t seat);
/* Whoever has that seat has put in order what the one before has left; whether
 * that is so of the one who has it now. [any] */
void seats_begin(struct seats *s, uint32_t seat);
int seats_has_begun(const struct seats *s, uint32_t seat);
/* The name of a turn on a seat, below 2^SEATS_NAME_BITS; whether it goes on.
 * [any] */
#define SEATS_NAME_BITS 24u
uint32_t seats_name(const struct seats *s, uint32_t seat);
int seats_is_on(const struct seats *s, uint32_t name);

/* This seat has had so many lanes.  [owner] */
void seats_set_lanes(struct seats *s, uint32_t seat, uint32_t n);
/* How many, at most SEATS_LANES_MAX whatever is written there. [any] */
uint32_t seats_lanes(const struct seats *s, uint32_t seat);

#endif
