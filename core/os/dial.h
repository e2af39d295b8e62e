/* SPDX-License-Identifier: BSD-2-Clause */
/* dial.h - connections to others, without waiting for them.
 *
 *     dial_open -> the descriptor is writable -> dial_result: 0, it is there
 *
 * The descriptors are close-on-exec and non-blocking. */
#ifndef OS_DIAL_H
#define OS_DIAL_H

#include <stdint.h>

#include "base/check.h"

/* Begin to connect to that address, IPv6 or IPv4 as ::ffff:a.b.c.d, and port in
 * host order.  The descriptor, or -errno: it has failed already. [any] */
MUST_USE int dial_open(const uint8_t ip[16], uint16_t port);
/* How it went, once fd is writable or has failed: 0 or -errno. [any] */
MUST_USE int dial_result(int fd);
/* Whether a connection that ought to be quiet is: nothing has come, and the
 * other end is open as far as is known here. [any] */
int dial_is_quiet(int fd);

#endif
