/* SPDX-License-Identifier: BSD-2-Clause */
/* spool.h - a file on its way into a folder: written and hashed piece by piece,
 * and seen by nobody under its name before it is whole.
 *
 * Until then it has no name at all (O_TMPFILE), so that a crash leaves nothing;
 * where the file system, or a system without /proc, cannot do that, and for the
 * moment in which it takes another file's place, it is .upload-<16 hex digits>,
 * and locked.  What a crash has left of these is not locked any more, and is
 * removed by spool_sweep.
 *
 * All of it blocks: for threads of the pool, and others that may.  A spool is
 * one thread's at a time. */
#ifndef UPLOAD_SPOOL_H
#define UPLOAD_SPOOL_H

#include <openssl/evp.h>

#include "digest.h"

#define SPOOL_NAME_MAX 128u /* bytes of a name, without its NUL */

struct spool;

/* Where they go. */
struct spool_folder {
    const char *path;
    const EVP_MD *sha256;
    int is_synced; /* what is kept is on the disk when spool_keep returns */
    int is_named;  /* do not try O_TMPFILE */
};

/* A new one, empty: 0, or errno and *s is NULL.  f stays until it is closed. */
int spool_open(struct spool **s, const struct spool_folder *f);
/* Append n bytes: 0 or errno. */
int spool_write(struct spool *s, const void *p, size_t n);
/* The hash of all that was written, after which nothing is: 0 or errno. */
int spool_digest(struct spool *s, unsigned char sha256[DIGEST_BYTES]);
/* True if the folder has something of that name. */
int spool_is_taken(const struct spool *s, const char *name);
/* True if it has a file of that name as long as this one. */
int spool_is_there(const struct spool *s, const char *name);
/* Give it that name, in one step.  0; EEXIST: there is something, and it
 * replaces nothing; or another errno. */
int spool_keep(struct spool *s, const char *name, int replaces);
/* The end of it.  What was not kept is gone.  NULL: nothing happens. */
void spool_close(struct spool *s);

/* Remove what crashes have left in the folder: how many files, or -errno. */
int spool_sweep(const char *path);

#endif
