/* SPDX-License-Identifier: BSD-2-Clause */
/* status.h - status codes, their phrases and their pre-baked lines.
 *
 * Every code in IANA's registry has a row; a lookup is two loads.  A code
 * without a row is sent with an empty phrase, which RFC 9112 4 allows. */
#ifndef PROTO_STATUS_H
#define PROTO_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"

#define STATUS_MIN 100u
#define STATUS_MAX 599u
/* Longest status line with its CRLF. */
#define STATUS_LINE_MAX 48

/* "Not Found" of 404; "" if the registry has none. [any] */
et_str status_phrase(unsigned status);
/* Write "HTTP/1.1 404 Not Found" CRLF to p, which has room for STATUS_LINE_MAX
 * bytes (all may be written); returns its length.  A code without a phrase
 * gives "HTTP/1.1 599 " CRLF, one outside 100..599 the line of 500. [any] */
size_t status_put_line(char *p, unsigned status);
/* False for what never carries a body: 1xx, 204, 304 (RFC 9110 6.4.1). */
static inline int
status_has_body(unsigned status)
{
    return status >= 200 && status != 204 && status != 304;
}

#endif
