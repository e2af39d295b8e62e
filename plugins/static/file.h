/* SPDX-License-Identifier: BSD-2-Clause */
/* file.h - a file or folder beneath the root, open, with all that an answer
 * says about it made once.
 *
 * A small one is its content and no descriptor, a larger one a descriptor.
 * Nothing in it changes but what the cache keeps, and that a large one has no
 * entity tag of its content until somebody has wanted one (naming.h); it is
 * loaded on whatever thread may wait, and from then on one worker's. */
#ifndef STATIC_FILE_H
#define STATIC_FILE_H

#include <errno.h>
#include <etude.h>
#include <sys/stat.h>

#include "ask.h"
#include "cond.h"
#include "hash.h"

struct site;

#define FILE_FIELDS_MAX 4
/* Of a content that is hashed without a pause: by the pool; when it is loaded,
 * on a worker perhaps. */
#define FILE_SLICE_BYTES ((uint64_t)4 << 20)
#define FILE_QUICK_BYTES ((uint64_t)64 << 10)

struct file {
    /* the cache's */
    struct file *chain;                   /* in its bucket */
    struct file *newer, *older;           /* among all */
    struct file *open_newer, *open_older; /* among those with a descriptor */
    uint32_t hash;
    uint8_t is_kept, is_seen;
    uint8_t is_odd;      /* the round of the sweep that was here last */
    uint64_t checked_ms; /* when it was compared with what is there */
    uint64_t swept_ms;   /* checked_ms, as that round has found it */
    uint32_t refs;
    /* what it is */
    uint8_t is_folder;
    uint8_t is_far;      /* not on the root's device, or that is not one here */
    uint8_t siblings;    /* of it, compressed: bits 1 << enum coding */
    uint8_t is_nameless; /* its entity tag is not known yet */
    int fd;              /* -1: content; a folder has neither */
    char *content;
    uint64_t size;
    struct stat st;
    struct validators validators;
    struct hash sum; /* while is_nameless, of sum.n bytes: naming.h's */
    et_str type;
    et_field fields[FILE_FIELDS_MAX]; /* Last-Modified, Accept-Ranges, ETag (if
                                         it has one), then those by rules */
    uint8_t n_own, n_fields;          /* n_own: not by rules */
    int64_t expires_s;                /* from now; -1: nothing is said */
    et_str key;                       /* its path, NUL-terminated */
    char text[];
};

/* Load path, relative to the root and NUL-terminated: 0 and *out with one
 * reference; or -errno, -EAGAIN: not without waiting. [any] */
int file_load(const struct site *s, et_str path, int may_wait,
              struct file **out);
/* Is f what is there now?  1; 0; or -EAGAIN, as above, or for want of a
 * descriptor. [any] */
int file_is_current(const struct site *s, const struct file *f, int may_wait);
/* Has nothing changed between the two, of one path? [any] */
int file_is_same(const struct file *a, const struct file *b);
/* Hash the next slice of f, which is_nameless: 1: there is more; 0: that was
 * all; or -errno.  Waits; one thread at a time. [any] */
int file_hash_on(struct file *f);
/* That was all of it: f has an entity tag from now on. [worker] */
void file_name(struct file *f);
/* Is rc that there is no descriptor left? */
static inline int
file_is_starved(int rc)
{
    return rc == -EMFILE || rc == -ENFILE;
}

/* The name of the sibling of that coding: ".br", ".zst", ".gz". */
const char *file_ending(enum coding coding);

static inline void
file_ref(struct file *f)
{
    f->refs++;
}
void file_unref(struct file *f);
/* Bytes that it takes up. */
size_t file_bytes(const struct file *f);

#endif
