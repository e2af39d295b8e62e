/* SPDX-License-Identifier: BSD-2-Clause */
/* log_out.h - the files behind the log: the server's and the channels'.
 *
 * The consumer's half of log.h.  It knows nothing of threads: every function
 * is called by log.c under its lock.
 *
 * What is lost is counted in two places: in n_lost for good, and until it has
 * been said, where it was lost - in its file, or in n_owed if that is gone.  A
 * report is no record: without room it is not lost but comes later.
 * Invariant: what has been said + what is still counted where it was lost ==
 * log_out_lost(). */
#ifndef BASE_LOG_OUT_H
#define BASE_LOG_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/log.h"

struct log_text;

/* LOG_TEXT at first. */
void log_out_set_format(enum log_format format);
/* Add a record to the server's log, or a line to a channel.  0, or ERR_LIMIT:
 * lost, and counted. */
int log_out_text(const struct log_text *t);
int log_out_line(uint32_t channel, const char *p, size_t n);
/* Say in the server's log what thread (or NULL) has lost.  0, or ERR_LIMIT: it
 * could not be said now, and is still to be. */
MUST_USE int log_out_report(const char *thread, const char *fmt, ...)
    PRINTF(2, 3);
/* Count n records more that never came here, and have been reported or... */
void log_out_count_lost(uint64_t n);
/* ...are still to be: the next flush that can says so. */
void log_out_owe(uint64_t n);
/* Write all that is pending as far as the files take it, and say what they
 * lost if they take it again. */
void log_out_flush(void);
/* Something is pending, or is still to be reported. */
int log_out_is_behind(void);
/* Records counted as lost so far. */
uint64_t log_out_lost(void);

/* The descriptor of the server's log; whoever has no lock looks at it as it is
 * at some moment. [signal-safe] */
int log_out_server_fd(void);

/* As in log.h, with fd of log_file_fetch(path), which is not done under the
 * lock: whoever opens may log.  If they fail it is the caller's. */
MUST_USE int log_out_server_open(const char *path, int fd);
MUST_USE int log_out_channel_open(const char *path, int fd);
void log_out_channel_close(int channel);
/* Whether log_out_channel_open has a use for a descriptor. */
int log_out_needs_file(const char *path);
/* The files are those of 0, the server's log, to log_out_n_files() - 1; the
 * path of one that is opened anew after logrotate, or NULL; and its new
 * descriptor, or -errno, which is said: 1 if it failed. */
uint32_t log_out_n_files(void);
const char *log_out_path(uint32_t i);
int log_out_renew(uint32_t i, int fd);

#endif
