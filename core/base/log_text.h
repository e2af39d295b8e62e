/* SPDX-License-Identifier: BSD-2-Clause */
/* log_text.h - a log record as a line of text or JSON.
 *
 * Pure: bytes in, bytes out.  Whatever a record holds, its line is one line:
 * control bytes are escaped (C0, DEL and C1), the backslash too, and so are
 * bytes that are not UTF-8.  Called by log.c only. */
#ifndef BASE_LOG_TEXT_H
#define BASE_LOG_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/log.h"

struct log_text {
    int64_t wall_s;
    uint32_t wall_ns;
    enum log_level level;
    et_str thread, where, text; /* where or thread absent: left out */
};

/* Room that any line fits in: each byte may need six. */
#define LOG_TEXT_ROOM (6 * (LOG_TEXT_MAX + LOG_WHERE_MAX + LOG_NAME_MAX) + 160)

/* The journal's prefix of a level: "<4>". [any] */
#define LOG_TEXT_PREFIX_LEN 3
const char *log_text_prefix(enum log_level level);
/* s, cut to max bytes where no UTF-8 character is torn. [any] */
et_str log_text_cut(et_str s, size_t max);
/* Write r's line, its newline included, to out, which has LOG_TEXT_ROOM bytes;
 * its length.  The slices of r are no longer than their maxima. [any] */
size_t log_text_format(char *out, enum log_format format,
                       const struct log_text *r);

#endif
