/* SPDX-License-Identifier: BSD-2-Clause */
/* listener.h - a listening socket being accepted from, by whichever thread.
 *
 * The acceptor has one per address (accept = pipe); every worker has one of
 * its own per address (accept = reuseport).  Running out of descriptors or
 * memory backs off and recovers by itself: it is said once, a client that can
 * be reached by the reserve descriptor is told so, nothing spins.
 *
 * Several processes may accept from the socket, and the kernel wakes one of
 * them.  If that one has been killed nobody takes the connection: its io_uring
 * is taken down after the process is gone, so that even a successor can have
 * connections come of which it hears nothing.  A new listener therefore looks
 * by itself now and then, ever more seldom, and no more after half a minute.
 */
#ifndef WORK_LISTENER_H
#define WORK_LISTENER_H

#include <stdint.h>

#include "base/wheel.h"
#include "conn/reject.h"
#include "io/io.h"

struct io;
struct wheel;

struct listener {
    struct io_source io;
    struct wheel_timer timer; /* back-off */
    struct wheel_timer look;  /* for what nobody was woken for */
    uint32_t look_ms;         /* until the next look */
    struct io *loop;
    struct wheel *wheel;
    /* A connection. [owner's thread] */
    void (*on_conn)(struct listener *l, int fd);
    /* The socket is accepted empty and closed. */
    void (*on_end)(struct listener *l);
    void *owner;
    void *on_end_arg; /* the owner's, for on_end */
    int32_t fd;
    int32_t reserve_fd;
    uint8_t id;
    uint8_t rejects_as; /* enum reject_as; the owner's, who may change it */
    uint8_t is_paused;  /* by listener_pause */
    uint8_t is_backing_off;
};

/* Accept from fd, which becomes the listener's.  The caller has zeroed l the
 * first time and set on_conn, on_end and owner. [owner] */
void listener_start(struct listener *l, struct io *io, struct wheel *wheel,
                    int fd, uint8_t id);
/* No room: leave connections in the kernel's queue for now, or go on. */
void listener_pause(struct listener *l, int pause);
/* Accept what is queued, then close the socket and call on_end. [owner] */
void listener_end(struct listener *l);

#endif
