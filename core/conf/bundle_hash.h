/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_hash.h - which configuration this is, in sixteen digits.
 *
 * The beginning of a SHA-256 over what a bundle holds: the texts, what their
 * ${...} stood for, the hashes of the images.  Not over where and since when
 * there are files of it: touched, or in another folder, they are the same as
 * before, but for a path in a ${file:...}.  A dump that was read has the hash
 * of the bundle that was written.
 *
 * It tells configurations apart and proves nothing.  Secrets are among what is
 * hashed: whoever knows all the rest could try whether a guess fits. */
#ifndef CONF_BUNDLE_HASH_H
#define CONF_BUNDLE_HASH_H

struct bundle;

#define BUNDLE_HASH_LEN 16

/* Lower-case hexadecimal, NUL-terminated; of what b holds by now. [control] */
void bundle_hash(const struct bundle *b, char out[BUNDLE_HASH_LEN + 1]);

#endif
