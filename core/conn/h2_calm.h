/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_calm.h - how much a client may have us do for nothing.
 *
 * Two purses: of frames that ask for nothing (SETTINGS, PING, PRIORITY, empty
 * DATA, WINDOW_UPDATE, those of unknown types ...) and of requests that are
 * taken back before they are answered.  Each is refilled by time, and by work
 * that was of use; who has emptied one is to be told so (ENHANCE_YOUR_CALM, RFC
 * 9113 10.5) and left. Invariant: what is in a purse is at most its size.
 *
 * A WINDOW_UPDATE that answers a small message of ours is not for nothing: one
 * for the stream and one for the connection are free.  Those that no message
 * has paid for are frames like others. */
#ifndef CONN_H2_CALM_H
#define CONN_H2_CALM_H

#include <stdint.h>

#define H2_CALM_FRAMES 2000u /* at once; as many in ten seconds */
#define H2_CALM_RESETS 200u  /* at once; as many in ten seconds */
#define H2_CALM_REFILL_MS 10000u
/* Messages that wait for those: as many of 8 bytes as fill a usual window. */
#define H2_CALM_UPDATES (2u * 8192u)

struct h2_calm {
    uint64_t at_ms; /* of the last refill */
    uint16_t frames, resets;
    uint16_t updates; /* that are free: at most H2_CALM_UPDATES */
};

/* Both are full. [any] */
void h2_calm_init(struct h2_calm *k, uint64_t now_ms);
/* One of those came: 0, or -1: too many. [any] */
int h2_calm_frame(struct h2_calm *k, uint64_t now_ms);
int h2_calm_reset(struct h2_calm *k, uint64_t now_ms);
/* A WINDOW_UPDATE: the same. [any] */
int h2_calm_update(struct h2_calm *k, uint64_t now_ms);
/* A request was answered, or a good part of one was sent. [any] */
void h2_calm_useful(struct h2_calm *k);
/* n messages went, small parts of one. [any] */
void h2_calm_message(struct h2_calm *k, uint32_t n);

#endif
