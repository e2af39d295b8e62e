/* SPDX-License-Identifier: BSD-2-Clause */
/* addresses.h - what a configuration wants to listen on.
 *
 *     listen = localhost:80, unix:/run/x  ->  127.0.0.1:80, [::1]:80, unix:...
 *
 * Names become addresses, each with its options; what is wrong with them is
 * found before one is opened, with the same words whether that is to follow
 * (sockets.c) or not (preflight.c, for -t).  All of it [control]. */
#ifndef SERVE_ADDRESSES_H
#define SERVE_ADDRESSES_H

#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"
#include "conn/env.h"
#include "os/sock.h"

struct conf;
struct conf_listen;

struct wanted {
    struct sock_address address;
    struct sock_options options;
    const struct conf_listen *listen; /* who wants it */
};

struct addresses {
    struct wanted v[ENV_MAX_LISTENERS];
    uint32_t n;
};

/* All that conf wants, which outlives out.  0; or a negative -errno (the
 * first), with every reason in d: a name that does not resolve, an owner that
 * does not exist, two addresses that cannot be listened on at once. */
MUST_USE int addresses_read(struct addresses *out, const struct conf *conf,
                            struct diag *d);
/* What would keep them from being opened, as far as it can be seen without
 * doing so, is an error in d. */
void addresses_check(const struct addresses *a, struct diag *d);
/* Report in d that l cannot be listened on, and why; returns rc. */
int addresses_fail(const struct conf_listen *l, int rc, const char *why,
                   struct diag *d);

#endif
