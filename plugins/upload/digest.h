/* SPDX-License-Identifier: BSD-2-Clause */
/* digest.h - SHA-256 hashes as they are written: the fields of RFC 9530, and
 * hexadecimal.  Pure functions: no I/O, no memory but the caller's. [any] */
#ifndef UPLOAD_DIGEST_H
#define UPLOAD_DIGEST_H

#include <etude.h>

#define DIGEST_BYTES 32u
#define DIGEST_HEX 64u    /* characters, without a NUL */
#define DIGEST_BASE64 44u /* the same, padded */

/* The hash behind sha-256 in the value of a Content-Digest or Repr-Digest
 * field, which is a dictionary of RFC 9651: 1, and it is in sha256; 0: it has
 * other algorithms only; ET_EINVAL: it is malformed.  As there, the last one
 * of a key counts. */
int32_t digest_of_field(et_str value, unsigned char sha256[DIGEST_BYTES]);
/* 64 hexadecimal digits in lower case: 1, and their bytes; else 0. */
int digest_of_hex(et_str hex, unsigned char sha256[DIGEST_BYTES]);
/* The same, written: 64 digits and a NUL. */
void digest_to_hex(const unsigned char sha256[DIGEST_BYTES],
                   char hex[DIGEST_HEX + 1]);
/* As base64: 44 characters and a NUL. */
void digest_to_base64(const unsigned char sha256[DIGEST_BYTES],
                      char text[DIGEST_BASE64 + 1]);

#endif
