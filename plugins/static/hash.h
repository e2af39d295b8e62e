/* SPDX-License-Identifier: BSD-2-Clause */
/* hash.h - a name for content: FNV-1a of 128 bits.
 *
 * It tells versions of a file from each other.  It is no proof: who makes the
 * files could make two of one hash, and would deceive nobody but himself. */
#ifndef STATIC_HASH_H
#define STATIC_HASH_H

#include <etude.h>

struct hash {
    unsigned __int128 h;
    uint64_t n;
};

void hash_init(struct hash *h);
void hash_add(struct hash *h, const void *p, size_t n);
/* As an entity-tag, with quotes: its length, at most 60. */
int hash_text(const struct hash *h, char *out);

#endif
