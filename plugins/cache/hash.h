/* SPDX-License-Identifier: BSD-2-Clause */
/* hash.h - SipHash-1-3 (Aumasson and Bernstein): who does not know the secret
 * cannot choose what collides. */
#ifndef CACHE_HASH_H
#define CACHE_HASH_H

#include <etude.h>

struct secret {
    uint64_t k[2];
};

/* Of bytes that come from clients. [any] */
uint64_t hash_of(const struct secret *s, et_str text);

#endif
