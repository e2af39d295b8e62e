/* SPDX-License-Identifier: BSD-2-Clause */
/* status.c - see status.h.
 *
 * One table makes three things: the lines, the place of the phrase in them,
 * and the index by code.  A code without a row has the line of row 0, into
 * which its digits are written. */
#include "proto/status.h"

#include <string.h>

#include "base/check.h"

/* clang-format off */
#define STATUS_TABLE(X)                                                        \
    X(100, "Continue")                                                         \
    X(101, "Switching Protocols")                                              \
    X(102, "Processing")                                                       \
    X(103, "Early Hints")                                                      \
    X(104, "Upload Resumption Supported")                                      \
    X(200, "OK")                                                               \
    X(201, "Created")                                                          \
    X(202, "Accepted")                                                         \
    X(203, "Non-Authoritative Information")                                    \
    X(204, "No Content")                                                       \
    X(205, "Reset Content")                                                    \
    X(206, "Partial Content")                                                  \
    X(207, "Multi-Status")                                                     \
    X(208, "Already Reported")                                                 \
    X(226, "IM Used")                                                          \
    X(300, "Multiple Choices")                                                 \
    X(301, "Moved Permanently")                                                \
    X(302, "Found")                                                            \
    X(303, "See Other")                                                        \
    X(304, "Not Modified")                                                     \
    X(305, "Use Proxy")                                                        \
    X(306, "Unused")                                                           \
    X(307, "Temporary Redirect")                                               \
    X(308, "Permanent Redirect")                                               \
    X(400, "Bad Request")                                                      \
    X(401, "Unauthorized")                                                     \
    X(402, "Payment Required")                                                 \
    X(403, "Forbidden")                                                        \
    X(404, "Not Found")                                                        \
    X(405, "Method Not Allowed")                                               \
    X(406, "Not Acceptable")                                                   \
    X(407, "Proxy Authentication Required")                                    \
    X(408, "Request Timeout")                                                  \
    X(409, "Conflict")                                                         \
    X(410, "Gone")                                                             \
    X(411, "Length Required")                                                  \
    X(412, "Precondition Failed")                                              \
    X(413, "Content Too Large")                                                \
    X(414, "URI Too Long")                                                     \
    X(415, "Unsupported Media Type")                                           \
    X(416, "Range Not Satisfiable")                                            \
    X(417, "Expectation Failed")                                               \
    X(418, "I'm a teapot")                                                     \
    X(421, "Misdirected Request")                                              \
    X(422, "Unprocessable Content")                                            \
    X(423, "Locked")                                                           \
    X(424, "Failed Dependency")                                                \
    X(425, "Too Early")                                                        \
    X(426, "Upgrade Required")                                                 \
    X(428, "Precondition Required")                                            \
    X(429, "Too Many Requests")                                                \
    X(431, "Request Header Fields Too Large")                                  \
    X(451, "Unavailable For Legal Reasons")                                    \
    X(500, "Internal Server Error")                                            \
    X(501, "Not Implemented")                                                  \
    X(502, "Bad Gateway")                                                      \
    X(503, "Service Unavailable")                                              \
    X(504, "Gateway Timeout")                                                  \
    X(505, "HTTP Version Not Supported")                                       \
    X(506, "Variant Also Negotiates")                                          \
    X(507, "Insufficient Storage")                                             \
    X(508, "Loop Detected")                                                    \
    X(510, "Not Extended")                                                     \
    X(511, "Network Authentication Required")
/* clang-format on */

#define CODE_AT (sizeof("HTTP/1.1 ") - 1)
#define PREFIX_LEN (sizeof("HTTP/1.1 200 ") - 1)
#define BARE_LEN (PREFIX_LEN + 2)

enum row {
    ROW_NONE,
#define X(code, text) ROW_##code,
    STATUS_TABLE(X)
#undef X
};

struct line {
    char text[STATUS_LINE_MAX - 1];
    uint8_t len;
};

static const struct line lines[] = {
    [ROW_NONE] = {"HTTP/1.1 000 \r\n", BARE_LEN},
#define X(code, text)                                                          \
    [ROW_##code] = {"HTTP/1.1 " #code " " text "\r\n",                         \
                    sizeof("HTTP/1.1 " #code " " text "\r\n") - 1},
    STATUS_TABLE(X)
#undef X
};

static const uint8_t row_of[STATUS_MAX + 1] = {
#define X(code, text) [code] = ROW_##code,
    STATUS_TABLE(X)
#undef X
};

size_t
status_put_line(char *p, unsigned status)
{
    const struct line *l;

    if (UNLIKELY(status < STATUS_MIN || status > STATUS_MAX))
        status = 500;
    l = &lines[row_of[status]];
    memcpy(p, l->text, sizeof l->text);
    if (UNLIKELY(row_of[status] == ROW_NONE)) {
        p[CODE_AT] = (char)('0' + status / 100);
        p[CODE_AT + 1] = (char)('0' + status / 10 % 10);
        p[CODE_AT + 2] = (char)('0' + status % 10);
    }
    return l->len;
}

et_str
status_phrase(unsigned status)
{
    const struct line *l;

    if (status > STATUS_MAX)
        status = 0;
    l = &lines[row_of[status]];
    return (et_str){l->text + PREFIX_LEN, l->len - BARE_LEN};
}
