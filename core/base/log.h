/* SPDX-License-Identifier: BSD-2-Clause */
/* log.h - one line per record, written by nobody who serves.
 *
 *     worker 0 -> [ring] --+
 *     worker 1 -> [ring] --+-- log_drain --> [buffer] -> server's log
 *     acceptor -> [ring] --+                 [buffer] -> channel 1 ...
 *
 * Each thread that logs has a ring of its own (one producer, the control
 * thread the one consumer); a full ring drops the record and counts it.  The
 * control thread drains all rings into their files.  A thread without a ring
 * (start-up, the control thread itself, tests) writes straight to the files,
 * under a lock that no thread with a ring ever takes.
 *
 *   2026-11-21T02:21:00.123Z warn  worker=1 limit@users: text
 *   {"time":"2026-11-21T02:21:00.123Z","level":"warn","thread":"worker 1",
 *    "where":"limit@users","text":"text"}          (on one line)
 *
 * If stderr is the journal's ($JOURNAL_STREAM names it), "<4>" and the like
 * stand before each line.  Channel 0 is the server's log; others are
 * whole-line files opened for plugins (et.log/1), written as they are.
 *
 * Nobody waits for a file that is not on a disk: what a pipe, terminal or
 * socket will not take now, and what a full disk refuses, stays in that file's
 * buffer (64 KiB); when the buffer is full, records are dropped and counted,
 * and the log says how many when the file takes them again: what is written and
 * what is said to be lost are all there was, for a report that finds no room
 * itself comes later.  Only the end of the process cuts this off.  Descriptors
 * that were inherited are never made non-blocking: others share them.  The
 * process must ignore SIGPIPE. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

enum log_level { LOG_ERROR = 1, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* Longer texts, contexts and thread names are cut; longer lines dropped. */
#define LOG_TEXT_MAX 2000
#define LOG_WHERE_MAX 128
#define LOG_NAME_MAX 31
#define LOG_LINE_MAX 8000

#define LOG_CHANNELS_MAX 1024
#define LOG_RING_MIN 1024 /* bytes */

struct log_ring;

/* A ring of len bytes (a power of two, LOG_RING_MIN or more; a record that
 * would fill more than half of it is dropped) for a thread called name
 * ("worker 1", copied); or NULL without memory. [control] */
MUST_USE struct log_ring *log_ring_new(const char *name, size_t len);
/* Its thread uses it no more: write out what it still holds, free it; NULL is
 * nothing. [control] */
void log_ring_free(struct log_ring *r);
/* The calling thread writes to r from now on (NULL: directly). [any] */
void log_use_ring(struct log_ring *r);
/* Written to by a producer after a record, or one that it dropped, if the
 * consumer said it sleeps: an eventfd.  -1: never wake.  Set before threads
 * start. [control] */
void log_set_wake_fd(int fd);

/* Records above level are dropped; LOG_INFO at first. [any] */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* LOG_TEXT at first. [any] */
void log_set_format(enum log_format format);

/* Write a record of the server's own.  where is a short context such as
 * "limit@users" or NULL.  Control bytes in the text are escaped, so a
 * record is one line whatever it is given. [any] */
void log_write(enum log_level level, const char *where, const char *text,
               size_t n);
void log_printf(enum log_level level, const char *where, const char *fmt, ...)
    PRINTF(3, 4);
#define log_error(...) log_printf(LOG_ERROR, NULL, __VA_ARGS__)
#define log_warn(...) log_printf(LOG_WARN, NULL, __VA_ARGS__)
#define log_info(...) log_printf(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_printf(LOG_DEBUG, NULL, __VA_ARGS__)

/* Write n bytes to the server's log as they are, past every lock and buffer:
 * the last words of a process that cannot trust its own memory. [signal-safe]
 */
void log_raw(const char *p, size_t n);

/* Queue one line of at most LOG_LINE_MAX bytes (newline added) for channel; 0,
 * or ERR_LIMIT when it is too long or there was no room, and the line is
 * dropped and counted. [any] */
int log_line(uint32_t channel, const char *p, size_t n);

/* Open or find the channel that appends to path (created with mode 0640; "":
 * the server's log; "/dev/stdout" and "/dev/stderr": those descriptors);
 * > 0, or -errno (-EMFILE: too many channels).  Each open is matched by one
 * close; the file is closed with the last. [control] */
MUST_USE int log_channel_open(const char *path);
/* Write out what is queued for the channel and let go of it; what its file will
 * not take is lost, and said so. [control] */
void log_channel_close(int channel);
/* Send the server's log to path (NULL: stderr).  0 or -errno, and it stays as
 * it was. [control] */
MUST_USE int log_server_open(const char *path);
/* Files are opened by open(arg, path) from now on, in this thread: what
 * log_open_path would return.  It may log.  NULL: by log_open_path itself.
 * [control] */
void log_set_opener(int (*open)(void *arg, const char *path), void *arg);
/* Open path to append to it (made with mode 0640): a descriptor that may be
 * non-blocking, or -errno; a named pipe that nobody reads is -ENXIO.
 * [control] */
MUST_USE int log_open_path(const char *path);
/* Open every file anew (after logrotate).  The number that failed: each is
 * said in the log and stays as it was. [control] */
int log_reopen(void);

/* Move every ring's records into the files; returns how many.  When it
 * returns 0 the consumer may sleep until the wake fd is written - but if
 * log_is_behind, only for a while (LOG_RETRY_MS), then drain again. [control]
 */
size_t log_drain(void);
/* The process ends: drain until every file has taken what it was given and what
 * was lost is said, at most for ms milliseconds. [control] */
void log_finish(uint32_t ms);
#define LOG_FINISH_MS 500
/* Some file has not taken all that it was given, or a loss is not reported yet.
 * [control] */
int log_is_behind(void);
#define LOG_RETRY_MS 20
/* Records lost since start: rings full, and files that would not take them
 * (ENOSPC, EAGAIN on a full pipe), whether the log has said so yet or not.
 * [any] */
uint64_t log_dropped(void);

#endif
