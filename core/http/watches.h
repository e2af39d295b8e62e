/* SPDX-License-Identifier: BSD-2-Clause */
/* watches.h - descriptors of plugins that a worker waits for, each once.
 *
 *     arm -> on_ready, once             the descriptor stays its owner's:
 *        \-> cancel: it is not called   it must be open until either
 *
 * The memory of one that is over is used again when the kernel holds nothing of
 * it; its source's generation outlives that (io/io.h). */
#ifndef HTTP_WATCHES_H
#define HTTP_WATCHES_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/slab.h"
#include "io/io.h"

struct watch {
    struct io_source source; /* first: its generation is kept by the slab */
    struct watches *table;
    void (*on_ready)(struct watch *w, uint32_t events);
    void *owner;
};

struct watches {
    struct slab slab;
    struct io *io;
};

/* Room for max of them.  0 or ERR_NOMEM. [worker] */
MUST_USE int watches_init(struct watches *t, uint32_t max, struct io *io);
/* Whether events are some of ET_FD_*, which are those of poll(2), and nothing
 * else. [any] */
static inline int
watches_knows(uint32_t events)
{
    return events && !(events & ~(ET_FD_IN | ET_FD_OUT));
}

/* The io is closed. [control] */
void watches_fini(struct watches *t);
/* Wait until fd is ready for events (ET_FD_*), or has failed: then
 * on_ready is called, from the loop, and w is over.  NULL: no room.
 * [worker] */
MUST_USE struct watch *
watches_arm(struct watches *t, int fd, uint32_t events,
            void (*on_ready)(struct watch *w, uint32_t events), void *owner);
/* w, whose on_ready has not been called, is over, too. [worker] */
void watches_cancel(struct watch *w);

#endif
