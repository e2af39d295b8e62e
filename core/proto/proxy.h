/* SPDX-License-Identifier: BSD-2-Clause */
/* proxy.h - the PROXY protocol header in front of a connection, v1 and v2.
 *
 * A pure function of the bytes so far: no state is kept between calls, the
 * header is short.  Whether its sender may be believed is the caller's matter.
 */
#ifndef PROTO_PROXY_H
#define PROTO_PROXY_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "proto/addr.h"

/* versions of proxy_parse */
#define PROXY_V1 1u
#define PROXY_V2 2u

/* Results of proxy_parse besides the negative ERR_*. */
#define PROXY_MORE 0
#define PROXY_DONE 1

/* A header is at most this long, a longer one is refused. */
#define PROXY_HEAD_MAX 4096u

struct proxy {
    uint32_t head_len; /* bytes to skip */
    uint8_t version;   /* 1 or 2; 0: there is no header, head_len is 0 */
    uint8_t is_local;  /* the proxy speaks for itself: its socket is the peer */
    uint8_t is_tls;    /* v2: the client spoke TLS to the proxy */
    struct addr src, dst; /* with ports; ADDR_NONE: not told (and is_local) */
};

/* Read the header the n bytes at p begin with.  versions: which are allowed;
 * with is_optional, bytes that cannot begin an allowed header are no error but
 * PROXY_DONE with version 0.  PROXY_MORE: the verdict needs more bytes (n of
 * the next call is larger, p may differ).  ERR_INVALID: malformed or absent;
 * ERR_LIMIT: longer than PROXY_HEAD_MAX.  n == 0 gives PROXY_MORE. [any] */
int proxy_parse(const char *p, size_t n, uint32_t versions, int is_optional,
                struct proxy *out) MUST_USE;

#endif
