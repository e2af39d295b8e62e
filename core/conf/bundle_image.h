/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_image.h - the plugins' files in a bundle: bytes that were read once.
 *
 *     bundle --> image --> image       fd: a sealed memfd, which the loader's
 *                  |         |         copy and other bundles share
 *                 path, sha256, fd
 *
 * An image is found by the path the configuration leads to and stays what it
 * was when that path was first looked at.  Nothing here knows what is in it:
 * plug/image.h judges the bytes before it adds them.
 *
 * Invariants: no path twice; the bytes have that hash; fd >= 0 or bytes, not
 * both. */
#ifndef CONF_BUNDLE_IMAGE_H
#define CONF_BUNDLE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/sha256.h"
#include "os/file.h"

#define BUNDLE_IMAGE_MAX 4096u                           /* of a bundle */
#define BUNDLE_IMAGE_MAX_BYTES ((size_t)512 << 20)       /* of one */
#define BUNDLE_IMAGE_MAX_BYTES_TOTAL ((uint64_t)4 << 30) /* of all */

struct bundle;

struct bundle_image {
    struct bundle_image *next;
    const char *path; /* absolute */
    int fd;           /* a sealed memfd, the bundle's own; or -1 */
    int no_memfd;     /* why it is -1: the -errno of the memfd that was refused;
                         else 0 */
    char *bytes;      /* where they are if fd is -1 */
    uint64_t n;       /* bytes */
    uint8_t sha256[SHA256_LEN];
    struct file_id source; /* the file it was read from */
};

/* The image at path, or NULL. [control] */
const struct bundle_image *bundle_image_find(const struct bundle *b,
                                             const char *path);
/* Add an image: path (copied), n, sha256 and source as in like, and like's
 * bytes - through its fd, which is duplicated, or, if that is -1, a copy of
 * bytes.  NULL, with the reason in why as the end of a sentence that begins
 * with the path: a bound is reached, the path is there already, or the system
 * refuses. [control] */
MUST_USE const struct bundle_image *
bundle_image_add(struct bundle *b, const struct bundle_image *like,
                 const void *bytes, char *why, size_t why_cap);
/* n bytes of an image from offset on, all within it: 0, or -errno. [control] */
MUST_USE int bundle_image_read(const struct bundle_image *img, uint64_t offset,
                               void *p, size_t n);
/* All bytes of an image; *p is malloc'ed, the caller frees it.  0, or -errno
 * and *p is NULL. [control] */
MUST_USE int bundle_image_load(const struct bundle_image *img, char **p);
/* Close them all, as bundle_free does. [control] */
void bundle_image_close(struct bundle *b);

#endif
