/* SPDX-License-Identifier: BSD-2-Clause */
/* client.h - who asks, and by which scheme, behind the proxies that are
 * believed (`trusted_proxies`, `client_address`). */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "abi/etude_abi.h"
#include "base/check.h"
#include "proto/addr.h"

struct req;

struct client {
    struct addr addr; /* the first hop from the right that is not trusted */
    et_str scheme;    /* as a trusted proxy says, else the connection's */
};

/* Of a request with a pinned generation.  0, or -errno of the socket. [worker]
 */
MUST_USE int client_find(struct req *r, struct client *out);

#endif
