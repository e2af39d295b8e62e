/* SPDX-License-Identifier: BSD-2-Clause */
/* hearing.h - a WebSocket that is sent what is published to a channel.
 *
 *     channel --deliver--> [ backlog, bounded ] --on_room--> the stream's queue
 *                              | full: the oldest goes, or the stream (1008)
 *
 * What a stream has room for goes straight to it: then there is no backlog, and
 * its order is that of the channel.  All streams send the one body there is of
 * a message (payload.h); no plugin is called.  A hearing is its stream's: it
 * ends with that, and goes with it from one generation to the next.
 * Invariant: with a backlog, the stream will say that it has room. */
#ifndef HTTP_HEARING_H
#define HTTP_HEARING_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/slab.h"

/* Of a worker, at most max.  0 or ERR_NOMEM. [worker] */
MUST_USE int hearing_init(struct slab *hearings, uint32_t max);

/* As et_channel_api has subscribe_ws and unsubscribe_ws. [worker] */
int32_t hearing_begin(et_ws *s, et_str channel, uint32_t type,
                      uint32_t max_queue, uint32_t policy);
void hearing_end(et_ws *s, et_str channel);

#endif
