/* SPDX-License-Identifier: BSD-2-Clause */
/* log_file.h - a file that lines are appended to, without waiting for it.
 *
 *     buffer   [ written | start ... pending ... end | room ]
 *
 * Lines are put into the buffer; flush hands over as much as the file takes.
 * What it does not take stays, half a line included, so a line is never torn
 * by a full pipe or disk.  Without room a line is counted as lost, and with the
 * file goes what it did not take.
 * Used by log.c only, under its lock.
 * Invariant: start <= end <= LOG_FILE_BUFFER_BYTES. */
#ifndef BASE_LOG_FILE_H
#define BASE_LOG_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define LOG_FILE_BUFFER_BYTES 65536u
#define LOG_FILE_MODE 0640 /* of one that is made */

/* How a descriptor is written to without waiting. */
enum log_file_kind {
    LOG_FILE_REGULAR, /* a disk: it is waited for */
    LOG_FILE_SOCKET,  /* MSG_DONTWAIT */
    LOG_FILE_OTHER,   /* pipe, terminal: RWF_NOWAIT where the kernel has it,
                         else poll and a write that a ready pipe takes whole */
};

struct log_file {
    char *path; /* NULL: an inherited descriptor, never closed */
    char *buffer;
    int fd;
    int error; /* errno of the last write; 0: it took all */
    uint32_t start, end;
    uint8_t kind;
    uint8_t has_nowait;
    uint8_t is_journal; /* $JOURNAL_STREAM is this descriptor */
    uint64_t n_lost;    /* lines since the log last said so */
};

/* Who opens from now on: open(arg, path) returns what open(2) would, or -errno;
 * NULL: log_file_open_path. [control] */
void log_file_set_opener(int (*open)(void *arg, const char *path), void *arg);
/* Open path to append to it; what nobody reads is not waited for.  -errno.
 * [control] */
MUST_USE int log_file_open_path(const char *path);
/* A descriptor for path, which may mean an inherited one (NULL: stderr), or
 * -errno; for log_file_use or _renew, which alone know when to close it.
 * [control] */
MUST_USE int log_file_fetch(const char *path);
/* Use fd, that log_file_fetch has returned for path, and fail as that did.  If
 * f had another file, what is pending goes there as far as it can, the rest to
 * the new one.  0 or -errno, and f is as it was and fd still the caller's, for
 * log_file_drop.  Zeroed memory is a file not yet opened. [control] */
MUST_USE int log_file_use(struct log_file *f, const char *path, int fd);
/* Nobody uses what log_file_fetch has returned for path. [control] */
void log_file_drop(const char *path, int fd);
/* Fetch and use. [control] */
MUST_USE int log_file_open(struct log_file *f, const char *path);
/* Use fd, that log_file_fetch(f->path) has returned, in the place of the old
 * one.  0 or -errno, as log_file_use. [control] */
MUST_USE int log_file_renew(struct log_file *f, int fd);
/* Open the same path anew.  0 or -errno. [control] */
MUST_USE int log_file_reopen(struct log_file *f);
/* Flush, close, free what f holds.  How many lines were pending even then, one
 * that is half written included. [control] */
uint64_t log_file_close(struct log_file *f);
/* Room for n bytes (at most LOG_FILE_BUFFER_BYTES) behind what is pending, or
 * NULL and one more line is lost. */
MUST_USE char *log_file_room(struct log_file *f, size_t n);
/* The same for a line that can come later: NULL and nothing is lost. */
MUST_USE char *log_file_try_room(struct log_file *f, size_t n);
/* The first n bytes of the room are a line now. */
void log_file_added(struct log_file *f, size_t n);
/* Write what the file takes; 1 if nothing is pending any more, else 0 and
 * f->error says why. */
int log_file_flush(struct log_file *f);

#endif
