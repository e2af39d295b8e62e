/* SPDX-License-Identifier: BSD-2-Clause */
/* memfd.h - private copies of bytes that the loader may map as code.
 *
 * First choice is a sealed memfd: no name, no writer, gone with its last
 * descriptor.  Where the machine forbids executing from one, a private file:
 * mode 0500, named .etude-<random>-<name>, held by a shared lock for as long
 * as its descriptor is open, so that a later process can tell what a crashed
 * one left behind.  Functions return -errno on failure. */
#ifndef OS_MEMFD_H
#define OS_MEMFD_H

#include <limits.h>
#include <stddef.h>

#include "base/check.h"

/* A memfd called name (for /proc/PID/maps; cut to 200 bytes) that holds the n
 * bytes and is sealed against every change.  Returns the fd (close-on-exec).
 * [any] */
MUST_USE int memfd_new(const char *name, const void *p, size_t n);

/* An empty memfd called name, to be written and then finished.  Returns the fd
 * (close-on-exec). [any] */
MUST_USE int memfd_open(const char *name);
/* It is written, with this result: sealed against every change if that is 0.
 * Returns the fd, or -errno, and it is closed. [any] */
MUST_USE int memfd_finish(int fd, int rc);

/* Whether the kernel maps this fd PROT_EXEC: 0, or -errno (-EPERM or -EACCES
 * on a noexec mount, under vm.memfd_noexec or a security module). [any] */
MUST_USE int memfd_may_exec(int fd);

/* The same bytes as a private file in folder dir; path receives its name.
 * Returns a read-only fd that holds the lock.  The caller unlinks path when
 * nothing maps it any more. [any] */
MUST_USE int memfd_file_new(const char *dir, const char *name, const void *p,
                            size_t n, char path[PATH_MAX]);
/* Remove private files in dir that no process holds.  Returns how many, or
 * -errno if dir cannot be read. [any] */
int memfd_file_sweep(const char *dir);

#endif
