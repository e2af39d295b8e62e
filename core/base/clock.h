/* SPDX-License-Identifier: BSD-2-Clause */
/* clock.h - the time of one loop turn, and the texts made from it.
 *
 * A worker reads the clocks once a turn; everything in the turn sees the same
 * moment.  date is the IMF-fixdate of RFC 9110 5.6.7, rebuilt when the second
 * changes.  A clock starts as zeroed memory.  No locale and no time zone is
 * looked at: all texts are UTC, years 0 to 9999. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_DATE_LEN 29

struct clock {
    uint64_t mono_ns; /* CLOCK_MONOTONIC */
    uint64_t mono_ms;
    int64_t wall_s; /* CLOCK_REALTIME */
    uint32_t wall_ns;
    char date[CLOCK_DATE_LEN + 1]; /* "Sun, 06 Nov 1994 08:49:37 GMT" */
};

/* Read both clocks. [owner] */
void clock_update(struct clock *c);
/* Set them, for tests. [owner] */
void clock_set(struct clock *c, uint64_t mono_ns, int64_t wall_s,
               uint32_t wall_ns);
/* The monotonic clock right now, for measuring inside a turn. [any] */
uint64_t clock_mono_ns(void);
/* The same as of the kernel's last tick, some milliseconds ago: at a fraction
 * of the price. [any] */
uint64_t clock_coarse_ns(void);
/* UTC texts of a wall time, NUL-terminated; return their length. [any]
 *   iso: 2026-11-21T02:21:00.123Z      clf: 21/Nov/2026:02:21:00 +0000 */
#define CLOCK_TEXT_LEN 32
int clock_iso(char out[CLOCK_TEXT_LEN], int64_t wall_s, uint32_t wall_ns);
int clock_clf(char out[CLOCK_TEXT_LEN], int64_t wall_s);
/* Waits in milliseconds, as poll takes them: until due_ns, rounded up; -1, for
 * ever, if due_ns is 0.  And the shorter of two. [any] */
int clock_wait_ms(uint64_t due_ns, uint64_t now_ns);
int clock_sooner(int a_ms, int b_ms);
/* So many seconds, NUL-terminated: "1d 2h 3m 4s", "3m 0s"; returns out. [any]
 */
#define CLOCK_SPAN_LEN 40
const char *clock_span(char out[CLOCK_SPAN_LEN], uint64_t s);

#endif
