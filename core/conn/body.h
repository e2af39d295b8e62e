/* SPDX-License-Identifier: BSD-2-Clause */
/* body.h - receiving a request's body: collected, or read and dropped.
 *
 * A collected body is one contiguous span: in the request's arena while it is
 * small, then in a block of the worker's, and beyond `body_memory` (or the
 * budget of all workers) in an unlinked file of `temp_dir`, mapped when it is
 * complete.  Framing is RFC 9112 section 6: Content-Length or chunked; of
 * HTTP/2 whatever comes, until body_shut. */
#ifndef CONN_BODY_H
#define CONN_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "proto/chunked.h"

struct env;
struct req;

/* Results of body_feed besides a negative ERR_*. */
#define BODY_MORE 0
#define BODY_DONE 1

struct body {
    struct env *env;
    struct req *req;
    struct chunked chunked;
    uint64_t left;         /* of Content-Length */
    uint64_t max;          /* bytes allowed */
    uint64_t n;            /* decoded bytes seen */
    uint64_t began_ms;     /* for the minimum rate */
    char *p;               /* collected, or mapped */
    size_t cap;            /* of p */
    size_t block;          /* p is a block of this size; 0: arena or map */
    size_t map_len;        /* p is a mapping of this length */
    uint64_t reserved;     /* taken from the memory budget */
    uint64_t spilled;      /* taken from the temp budget */
    uint32_t trailers_cap; /* room at req->trailers */
    int fd;                /* spill file, or -1 */
    uint8_t is_chunked;    /* or its length is not announced */
    uint8_t is_framed;     /* by who feeds it (HTTP/2) */
    uint8_t is_shut;       /* of is_framed: no more comes */
    uint8_t collects;      /* else the bytes are dropped, but for body_read */
    uint8_t streams;
    int failed; /* of body_read: an ERR_*, for good */
};

/* The body of r's head, of at most max bytes (RFC 9112 6.3), its trailers as
 * large as a header; nothing is kept until body_collect.  r must have one
 * (chunked, or a length above 0). */
void body_init(struct body *b, struct env *env, struct req *r, uint64_t max);
/* From now on keep what comes.  0, or ERR_BODY_LARGE if the announced length
 * is above the maximum. [worker] */
MUST_USE int body_collect(struct body *b);
/* From now on drop what comes. [worker] */
void body_drop(struct body *b);
/* Use up to n bytes at p; *used is how many.  BODY_MORE: all of them and more
 * is to come.  BODY_DONE: the body ends at *used; req->body is set if it was
 * collected.  Else ERR_CHUNK, ERR_BODY_LARGE, ERR_STORAGE, ERR_NOMEM. */
MUST_USE int body_feed(struct body *b, const char *p, size_t n, size_t *used);
/* Nothing comes behind what has come, of a body of HTTP/2 (RFC 9113 8.1):
 * body_read says so.  If it is collected, it is whole, as with BODY_DONE; or
 * ERR_NOMEM. [worker] */
MUST_USE int body_shut(struct body *b);
/* From now on it is read piece by piece.  0; ERR_BODY_LARGE, as body_collect;
 * or what a body_read has failed with: it is not to be called again. [worker]
 */
MUST_USE int body_stream(struct body *b);
/* Decode what there is of n bytes at p, *used of them, into out, at most cap
 * bytes (> 0): how many; 0: there is nothing for now, or, if *is_done, nothing
 * more; else ERR_CHUNK, ERR_BODY_LARGE ... [worker] */
MUST_USE int64_t body_read(struct body *b, const char *p, size_t n,
                           size_t *used, char *out, size_t cap, int *is_done);
/* Bytes still to come, or UINT64_MAX if the length is not announced. */
uint64_t body_remaining(const struct body *b);
/* Give back block, mapping, file and budget. [worker] */
void body_fini(struct body *b);

#endif
