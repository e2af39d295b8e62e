/* SPDX-License-Identifier: BSD-2-Clause */
/* handover.h - connections that come from, or go to, another server process.
 *
 *     a process that leaves                       the one that serves
 *     worker --parcel--> control thread --socket--> control thread
 *                                           --parcel--> acceptor --> worker
 *
 * The supervisor gives each of them an end of the socket (INHERIT, LEAVE of
 * ctl/ctl.h; what goes through it is ctl/handed.h).  What is here moves them
 * on, a turn of the control thread at a time, and never waits: what the heir
 * does not take stays, and goes to the next heir if that one dies; without room
 * here, the socket holds them.  All of it [control]. */
#ifndef SERVE_HANDOVER_H
#define SERVE_HANDOVER_H

#include <poll.h>
#include <stdint.h>

#include "base/check.h"

struct mail;
struct parcel;
struct server;

#define HANDOVER_SOURCES 4
#define HANDOVER_POLLS (HANDOVER_SOURCES + 1)
#define HANDOVER_RETRY_MS 20

struct handover {
    int is_ordered; /* this process is to leave */
    int is_told;    /* that what was idle has left */
    int heir;       /* where its connections go; -1: nowhere, for now */
    int is_stuck;   /* the heir's socket is full */
    struct parcel *first, **last;  /* to go */
    int sources[HANDOVER_SOURCES]; /* where connections come from */
    uint32_t n_sources;
};

/* Nobody comes or goes. */
void handover_init(struct handover *h);
/* Close all; the connections that are here were idle, nothing is owed to them.
 */
void handover_fini(struct handover *h);
/* LEAVE: to the other end of fd, which is taken; -1: nobody is there.  Whoever
 * was there before is not any more. */
void handover_order(struct handover *h, int fd);
/* INHERIT: fd, which is taken, is to be read until its end. */
void handover_add(struct handover *h, int fd);

/* What to poll for, [HANDOVER_POLLS], and how long at most if timeout_ms (-1:
 * for ever) is more than that. */
void handover_poll(const struct server *s, struct pollfd *p);
int handover_timeout(const struct server *s, int timeout_ms);
/* Move on what can be moved. */
void handover_turn(struct server *s);
/* A parcel for the heir: deliver of struct mail, with struct server. */
void handover_post(void *server, struct mail *m);

#endif
