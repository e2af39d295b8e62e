/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_zip.h - the messages of one connection, deflated and inflated (RFC 7692
 * section 7.2), as ws_deflate.h has agreed.
 *
 * A context exists from the first compressed message on, or, where nothing is
 * kept between messages, while there is one.  All memory comes from the
 * worker's blocks: at most ws_zip_cost of it between messages. */
#ifndef PROTO_WS_ZIP_H
#define PROTO_WS_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "proto/ws_deflate.h"

struct blocks;
struct ws_zip;

/* What is offered: windows of 4 KiB, where that may be said (a client that does
 * not offer to be told has 32 KiB).  fresh: nothing is kept between messages.
 * [any] */
struct ws_deflate_terms ws_zip_terms(int fresh);
/* Bytes that are held between messages, at most. [any] */
uint32_t ws_zip_cost(const struct ws_deflate *agreed);

/* NULL without memory. [worker] */
MUST_USE struct ws_zip *ws_zip_new(struct blocks *blocks,
                                   const struct ws_deflate *agreed);
void ws_zip_free(struct ws_zip *z);
/* What ws_zip_new was given. [worker] */
const struct ws_deflate *ws_zip_agreed(const struct ws_zip *z);

/* Go on with the n bytes at p: *used of them, to *made of the cap bytes at out.
 * 0, ERR_NOMEM, or ERR_INVALID: that is not deflated; then z is of no more use.
 * *made == cap: there may be more, call again.  One that goes back further than
 * the client's window is found out only where that is not at hand. [worker] */
MUST_USE int ws_zip_inflate(struct ws_zip *z, const char *p, size_t n,
                            size_t *used, char *out, size_t cap, size_t *made);
/* What a sender has left off at the end of each message. */
#define WS_ZIP_TAIL "\x00\x00\xff\xff"
#define WS_ZIP_TAIL_LEN 4u
/* The message and its tail have been inflated: 0, or ERR_INVALID: it does not
 * end where it does. [worker] */
MUST_USE int ws_zip_inflated(struct ws_zip *z);

/* Room for n > 0 bytes deflated. [any] */
size_t ws_zip_bound(size_t n);
/* A whole message, at most ws_zip_bound(n) bytes at out: how many; or
 * ERR_NOMEM, and z is of no more use. [worker] */
MUST_USE int64_t ws_zip_deflate(struct ws_zip *z, const char *p, size_t n,
                                char *out);

#endif
