/* SPDX-License-Identifier: BSD-2-Clause */
/* wires.h - a worker's connections to others: those in use, and idle ones that
 * are kept for the next request to the same authority.
 *
 *     wires_dial --> used --wires_keep--> idle --wires_reuse--> used
 *                      +----wires_drop----- + --closed by the peer, too old,
 *                      v                   v   or too many--> closed
 *
 * An idle one is watched: whatever comes, a byte or the end, it is closed.  It
 * belongs to the worker, and to no generation.
 *
 * Invariant: n_idle <= max_idle. */
#ifndef HTTP_WIRES_H
#define HTTP_WIRES_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/wheel.h"
#include "io/io.h"
#include "proto/addr.h"

struct clock;

#define WIRES_HOST_LEN 255u

/* Whom it leads to. */
struct wire_end {
    uint16_t port, len;
    char host[WIRES_HOST_LEN]; /* name in lower case, or address */
};

struct wires {
    struct slab slab;
    struct list used, idle; /* idle: the newest in front */
    struct io *io;
    struct wheel *wheel;
    const struct clock *clock;
    uint32_t n_idle, max_idle;
    uint64_t idle_ms;
};

struct wire {
    struct io_source source; /* first: its generation is kept by the slab */
    struct wires *pool;
    struct list link;
    struct wheel_timer timer; /* while it is idle */
    /* What wires_wait waited for has come; or NULL: it is idle. */
    void (*on_ready)(struct wire *w, uint32_t events);
    void *owner;
    struct wire_end end;
};

/* At most max at once, idle ones among them; of these at most max_idle, each
 * for at most idle_ms.  0 or ERR_NOMEM. [worker] */
MUST_USE int wires_init(struct wires *s, uint32_t max, uint32_t max_idle,
                        uint64_t idle_ms, struct io *io, struct wheel *wheel,
                        const struct clock *clock);
/* All are closed; those in use are gone for their owners. [worker] */
void wires_close(struct wires *s);
/* The io is closed. [control] */
void wires_fini(struct wires *s);

/* An idle connection to that end, open as far as is known; NULL: none.
 * [worker] */
struct wire *wires_reuse(struct wires *s, const struct wire_end *end);
/* A new one to that end, at that address: it is there once it is writable, and
 * dial_result says so.  NULL: *rc is why, a -errno (-ENOBUFS: there are as many
 * as may be). [worker] */
struct wire *wires_dial(struct wires *s, const struct wire_end *end,
                        const struct addr *at, int *rc);

/* Once, when it is ready for events (POLLIN, POLLOUT) or has failed, on_ready
 * is called, from the loop; a new call replaces the one before. [worker] */
void wires_wait(struct wire *w, uint32_t events,
                void (*on_ready)(struct wire *w, uint32_t events), void *owner);
/* It is needed no more, and may serve others: nothing is on its way. [worker]
 */
void wires_keep(struct wire *w);
/* Closed. [worker] */
void wires_drop(struct wire *w);

static inline int
wires_fd(const struct wire *w)
{
    return w->source.fd;
}

#endif
