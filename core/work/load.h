/* SPDX-License-Identifier: BSD-2-Clause */
/* load.h - how busy a worker is, and how long who comes has to wait.
 *
 *     |-- work --|... wait ...|-- work --|.. wait ..|
 *     began      ended        began
 *
 * share is the part of a window that was work, in thousandths; blocked by a
 * plugin is busy, too, which is why it is not processor time.  lag is what a
 * request has to wait for: as long as the last turn's work took, decaying
 * slowly while turns are shorter and at once while there is nothing to do.
 * One clock is read and one subtraction made a turn.  Time is an argument. */
#ifndef WORK_LOAD_H
#define WORK_LOAD_H

#include <stdatomic.h>
#include <stdint.h>

#define LOAD_WINDOW_NS UINT64_C(100000000)
#define LOAD_ALL 1000u /* a share: no wait at all */

/* Zeroed memory is a worker that has done nothing yet. */
struct load {
    uint64_t began_ns, ended_ns;
    uint64_t window_ns; /* when it began */
    uint64_t busy_ns;   /* in it */
    uint64_t lag_ns;
    uint32_t share; /* of the window before */
    /* For others; 0: it waits.  Its own thread is the one that writes. */
    _Atomic uint64_t works_since_ns;
    _Atomic uint64_t seen_ns; /* when share was that */
    _Atomic uint32_t seen_share;
};

/* The wait is over, the work of a turn begins. [worker] */
void load_begin(struct load *l, uint64_t now_ns);
/* The work is done, a wait begins.  True if a window has ended: share is new.
 * [worker] */
int load_end(struct load *l, uint64_t now_ns);
/* The share of another worker as of now: of one that has been in one turn for
 * longer than a window LOAD_ALL, of one that sleeps 0. [any] */
uint32_t load_seen(const struct load *l, uint64_t now_ns);

#endif
