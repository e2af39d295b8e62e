/* SPDX-License-Identifier: BSD-2-Clause */
/* handed.h - a connection on its way from one server process to another.
 *
 * What goes through the sockets of INHERIT and LEAVE (ctl.h): one message a
 * connection, its descriptor with it.  The two processes may be of different
 * programs; what is new stands in front of reserved, and 0 there means that
 * nothing is said of it. */
#ifndef CTL_HANDED_H
#define CTL_HANDED_H

#include <stdint.h>

#include "base/check.h"

#define HANDED_VERSION 1u
#define HANDED_ADDRESS 16

struct handed_message {
    uint32_t version;
    uint32_t socket;     /* it came from: the supervisor's id, 0: one gone */
    uint64_t since_ms;   /* idle since, CLOCK_MONOTONIC */
    uint32_t n_requests; /* it has had */
    uint16_t peer_port;
    uint8_t peer_kind; /* ADDR_NONE (0): ask the socket */
    uint8_t awaits_proxy;
    uint8_t is_orphan;
    uint8_t pad[7];
    uint8_t peer_ip[HANDED_ADDRESS];
    uint8_t reserved[80];
};

/* As pass_send and pass_recv. [control] */
MUST_USE int handed_send(int end, struct handed_message *m, int fd);
MUST_USE int handed_recv(int end, struct handed_message *m, int *fd);

#endif
