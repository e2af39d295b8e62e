/* SPDX-License-Identifier: BSD-2-Clause */
/* notify.h - what a service manager is told, if it wants to hear it: the
 * datagrams of sd_notify(3).
 *
 * $NOTIFY_SOCKET says where to; $WATCHDOG_USEC that WATCHDOG=1 is expected so
 * often.  A manager that does not listen is no failure of ours: what cannot be
 * sent is lost. */
#ifndef SUPER_NOTIFY_H
#define SUPER_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/check.h"

struct notify {
    int fd; /* -1: nobody listens */
    socklen_t len;
    struct sockaddr_un to;
    uint64_t every_ns; /* half of the watchdog's interval; 0: there is none */
    uint64_t due_ns;   /* monotonic: when the next WATCHDOG=1 is */
};

/* As the environment says. [control] */
void notify_open(struct notify *n, char *const *env);
void notify_close(struct notify *n);
/* Send lines such as "READY=1\nSTATUS=serving". [control] */
void notify_send(const struct notify *n, const char *lines);
/* RELOADING=1 with the time that goes with it. [control] */
void notify_reloading(const struct notify *n);
/* We live: to be called at due_ns. [control] */
void notify_alive(struct notify *n, uint64_t now_ns);

#endif
