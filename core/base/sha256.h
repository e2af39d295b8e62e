/* SPDX-License-Identifier: BSD-2-Clause */
/* sha256.h - SHA-256 (FIPS 180-4), for telling images apart by content.
 *
 * With the instructions of the processor 1 GB/s and more, else 100 MB/s: for
 * start and reload, not for the request path. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN 32
#define SHA256_HEX_LEN 64

struct sha256 {
    uint32_t h[8];
    uint64_t n_bytes;
    uint8_t block[64];
    int is_plain; /* set by a test: do without the instructions */
};

/* Nothing added yet. [owner] */
void sha256_init(struct sha256 *s);
/* Add n bytes; any division into adds gives the same digest. [owner] */
void sha256_add(struct sha256 *s, const void *p, size_t n);
/* The digest of all bytes added; s is used up. [owner] */
void sha256_end(struct sha256 *s, uint8_t out[SHA256_LEN]);
/* The digest of n bytes at once. [any] */
void sha256_of(const void *p, size_t n, uint8_t out[SHA256_LEN]);
/* Lower-case hexadecimal, NUL-terminated. [any] */
void sha256_hex(const uint8_t digest[SHA256_LEN], char out[SHA256_HEX_LEN + 1]);

#endif
