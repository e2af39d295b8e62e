/* SPDX-License-Identifier: BSD-2-Clause */
/* err.h - every way in which something expected can fail, in one table.
 *
 * Functions return 0 or a count when they succeed and one of these, all
 * negative, when they do not.  A row is (name, text for a human, the HTTP
 * status a request ends with if this stops it).  System calls that failed
 * return -errno from the os and io layers instead; the two never mix: each
 * header says which of them its functions return. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* clang-format off */
#define ERR_TABLE(X)                                                           \
    X(ERR_NOMEM,        "out of memory", 503)                                  \
    X(ERR_LIMIT,        "a configured limit was reached", 503)                 \
    X(ERR_INVALID,      "malformed", 400)                                      \
    X(ERR_STORAGE,      "no room for the request body", 507)                   \
    X(ERR_REQUEST_LINE, "malformed request line", 400)                         \
    X(ERR_METHOD,       "unknown method", 501)                                 \
    X(ERR_TARGET,       "malformed request target", 400)                       \
    X(ERR_TARGET_LONG,  "request target too long", 414)                        \
    X(ERR_VERSION,      "HTTP version not supported", 505)                     \
    X(ERR_FIELD,        "malformed header field", 400)                         \
    X(ERR_FIELDS_LARGE, "header fields too large", 431)                        \
    X(ERR_FIELDS_MANY,  "too many header fields", 431)                         \
    X(ERR_HOST,         "missing, repeated or malformed Host", 400)            \
    X(ERR_LENGTH,       "malformed or conflicting Content-Length", 400)        \
    X(ERR_CODING,       "unknown transfer coding", 501)                        \
    X(ERR_FRAMING,      "conflicting message framing", 400)                    \
    X(ERR_CHUNK,        "malformed chunk", 400)                                \
    X(ERR_BODY_LARGE,   "request body too large", 413)                         \
    X(ERR_TIMEOUT,      "request not complete in time", 408)                   \
    X(ERR_EXPECT,       "unknown expectation", 417)                            \
    X(ERR_EARLY,        "too early: the handshake is not over", 425)           \
    X(ERR_MISDIRECTED,  "this host is not served on this connection", 421)     \
    X(ERR_UTF8,         "text that is not UTF-8", 400)                         \
    X(ERR_WS_FRAME,     "malformed WebSocket frame", 400)                      \
    X(ERR_WS_MASK,      "WebSocket frame without mask", 400)                   \
    X(ERR_WS_ORDER,     "WebSocket fragments out of order", 400)               \
    X(ERR_WS_CLOSE,     "malformed WebSocket close", 400)                      \
    X(ERR_WS_LARGE,     "WebSocket message too large", 413)                    \
    X(ERR_STATUS_LINE,  "malformed status line", 502)
/* clang-format on */

enum err {
    ERR_NONE = 0,
    ERR_BASE_ = -1000, /* below any -errno */
#define X(name, text, status) name,
    ERR_TABLE(X)
#undef X
        ERR_END_
};

/* "malformed chunk" for ERR_CHUNK; "unknown error" outside the table. [any] */
const char *err_text(int err);
/* "ERR_CHUNK" for ERR_CHUNK; "ERR_UNKNOWN" outside the table. [any] */
const char *err_name(int err);
/* 400 for ERR_CHUNK; 500 outside the table. [any] */
int err_status(int err);

#endif
