/* SPDX-License-Identifier: BSD-2-Clause */
/* crowd.h - clients in a process of their own, each asking again as soon as it
 * has its answer.
 *
 *     struct crowd *c = crowd_start(s.port, 50, "GET / HTTP/1.1\r\n...", "",
 * 0);
 *     ... ; ck_assert_str_eq(crowd_end(c), "");
 *
 * An answer is good if its status is 200, its body begins as said and is whole;
 * one that says Connection: close is none without a flag that allows it.  The
 * first that is not good ends the crowd, and crowd_end says why. */
#ifndef T_LIB_CROWD_H
#define T_LIB_CROWD_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

/* A connection that ends is opened again: only a refused one is bad. */
#define CROWD_MAY_CLOSE 1
/* A connection a request. */
#define CROWD_SHORT 2
/* An answer may say Connection: close, then the next request is asked on
 * another connection; one that ends without it is bad, but for HTTP/2's that
 * GOAWAY has told to, in front of the request. */
#define CROWD_MAY_LEAVE 4

struct crowd {
    pid_t pid;
    int flags;
    _Atomic int is_over;
    _Atomic int is_excused; /* CROWD_MAY_CLOSE, for a while */
    _Atomic uint64_t n_answers, n_closed, n_left, n_connects;
    char why[400]; /* "" while all is well */
};

/* n connections to 127.0.0.1:port; when this returns each has been answered
 * once. */
struct crowd *crowd_start(uint16_t port, uint32_t n, const char *request,
                          const char *body, int flags);
/* Until so many more answers have come, or it is over (bounded). */
void crowd_wait(struct crowd *c, uint64_t n);
/* Have it end; what was not good, or "".  The counters stay until the next
 * crowd_start. */
const char *crowd_end(struct crowd *c);

#endif
