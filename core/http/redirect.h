/* SPDX-License-Identifier: BSD-2-Clause */
/* redirect.h - a request that should have come by TLS is shown the way there.
 *
 * Not what the host itself answers before any middleware (health, ready,
 * metrics): who asks for that is a machine beside us.  Nor what came by TLS as
 * far as a trusted proxy.  Nor below /.well-known/acme-challenge/ what a route
 * serves: who proves there that a name is his may not have a certificate yet
 * (RFC 8555 8.3).  And a target that is no path of a host (OPTIONS *, CONNECT)
 * leads nowhere. */
#ifndef HTTP_REDIRECT_H
#define HTTP_REDIRECT_H

#include <stdint.h>

struct req;

/* Whether r, which has its route, is not to go to its chain: the answer is
 * decided, 308 to https on that port, or 400 without a host.  [worker] */
int redirect_to_https(struct req *r, uint16_t port);

#endif
