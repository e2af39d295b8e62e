/* SPDX-License-Identifier: BSD-2-Clause */
/* file.h - whole files: read with a bound, and told apart from one another.
 *
 * For start and reload: blocks on the disk, allocates with malloc.  Nothing a
 * worker calls.  All functions return 0 or a count, or -errno. */
#ifndef OS_FILE_H
#define OS_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

/* What a file was when it was looked at.  Two equal identities mean the same
 * content as far as the file system can tell. */
struct file_id {
    uint64_t dev, ino, size;
    int64_t mtime_ns, ctime_ns;
};

/* Identity of an open file, and of what path leads to.  -errno. [any] */
MUST_USE int file_id_fd(int fd, struct file_id *out);
MUST_USE int file_id_path(const char *path, struct file_id *out);
int file_id_equal(const struct file_id *a, const struct file_id *b);

/* The whole of path, from its start: *p is malloc'ed (the caller frees it), *n
 * its bytes, and p[n] is NUL.  Nobody is waited for: what is no file but a
 * FIFO, a socket or a device (a terminal, a pipe at /dev/stdin) is -ESPIPE,
 * except /dev/null, which is an empty one.  -EFBIG when there are more than max
 * bytes; on any failure *p is NULL. [any] */
MUST_USE int file_read(const char *path, size_t max, char **p, size_t *n);
/* What is open already, of any kind, from its current offset to its end; else
 * as file_read. [any] */
MUST_USE int file_read_fd(int fd, size_t max, char **p, size_t *n);
/* Why file_read failed with rc. [any] */
const char *file_explain(int rc);
/* Exactly n bytes from this offset on, wherever the current one is: 0, or
 * -ENODATA if the file ends before. [any] */
MUST_USE int file_read_at(int fd, uint64_t offset, void *p, size_t n);
/* Write all n bytes at the current offset, through short writes and EINTR.
 * [any] */
MUST_USE int file_write_fd(int fd, const void *p, size_t n);
/* Whether something can be made in the folder of path.  0 or -errno. [any] */
MUST_USE int file_check_folder(const char *path);
/* Whether path could be opened for writing and, if there is nothing, be made;
 * nothing is opened.  0 or the -errno of that open. [any] */
MUST_USE int file_check_write(const char *path);
/* Put a file with these bytes in the place of path, by rename: a reader sees
 * the old one or the new one.  mode as for open. [any] */
MUST_USE int file_replace(const char *path, const void *p, size_t n,
                          unsigned mode);
/* Open on /dev/null whichever of the descriptors 0 to 2 is closed, before
 * something else becomes one of them and is written to.  0 or -errno.
 * [control] */
MUST_USE int file_open_standard(void);

#endif
