/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_ids.h - the numbers of a client's streams: which of those below the
 * highest were left out (RFC 9113 5.1.1).
 *
 *     1 3 5 . . . . 15 17 . 21      . is a gap: 7 to 13, 19
 *
 * What comes late on a number that was used may be no fault of the client's;
 * one that was left out must not begin a stream any more.  The gaps are kept,
 * the newest few: one that is forgotten counts as used.  Clients count up by
 * two and have none. */
#ifndef CONN_H2_IDS_H
#define CONN_H2_IDS_H

#include <stdint.h>

#define H2_IDS_GAPS 4u

/* Zeros at first. */
struct h2_ids {
    int32_t top; /* the highest that was used; 0: none */
    uint32_t n;  /* gaps there have been */
    struct {
        int32_t from, to; /* both are of it; 0: it is none */
    } gaps[H2_IDS_GAPS];
};

/* A stream has that number: odd, and higher than all before. [any] */
void h2_ids_use(struct h2_ids *ids, int32_t id);
/* Whether id, which is odd, was left out. [any] */
int h2_ids_is_gap(const struct h2_ids *ids, int32_t id);

#endif
