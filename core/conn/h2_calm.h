/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_calm.h - how much a client may have us do for nothing.
 *
 * Two purses: of frames that ask for nothing (SETTINGS, PING, PRIORITY, empty
 * DATA, WINDOW_UPDATE, those of unknown types ...) and of requests that are
 * taken back before they are answered.  Each is refilled by time, and by work
 * that was of use; who has emptied one is to be told so (ENHANCE_YOUR_CALM, RFC
 * 9113 10.5) and left. Invariant: what is in a purse is at most its size. */
#ifndef CONN_H2_CALM_H
#define CONN_H2_CALM_H

#include <stdint.h>

#define H2_CALM_FRAMES 2000u /* at once; as many in ten seconds */
#define H2_CALM_RESETS 200u  /* at once; as many in ten seconds */
#define H2_CALM_REFILL_MS 10000u

struct h2_calm {
    uint64_t at_ms; /* of the last refill */
    uint32_t frames, resets;
};

/* Both are full. [any] */
void h2_calm_init(struct h2_calm *k, uint64_t now_ms);
/* One of those came: 0, or -1: too many. [any] */
int h2_calm_frame(struct h2_calm *k, uint64_t now_ms);
int h2_calm_reset(struct h2_calm *k, uint64_t now_ms);
/* A request was answered, or a good part of one was sent. [any] */
void h2_calm_useful(struct h2_calm *k);

#endif
