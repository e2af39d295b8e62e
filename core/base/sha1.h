/* SPDX-License-Identifier: BSD-2-Clause */
/* sha1.h - SHA-1 (FIPS 180-4), for the handshake of WebSocket.
 *
 * Two texts of one digest can be had for money: nothing may rest on it that
 * somebody gains by forging.  RFC 6455 wants it as a sign that a server has
 * read the key, once a connection and of 60 bytes: plain C is enough. */
#ifndef BASE_SHA1_H
#define BASE_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_LEN 20

/* The digest of n bytes. [any] */
void sha1_of(const void *p, size_t n, uint8_t out[SHA1_LEN]);

#endif
