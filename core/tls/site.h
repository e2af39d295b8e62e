/* SPDX-License-Identifier: BSD-2-Clause */
/* site.h - the SSL_CTX of a set of certificates: protocols, ciphers, and what
 * is decided in a handshake (name, ALPN, tickets, staple).
 *
 * Mozilla's recommendations, version 5.7: "intermediate" (TLS 1.2 with AEAD and
 * ECDHE, or DHE behind it; TLS 1.3) and "modern" (TLS 1.3).  Of the ciphers the
 * first of ours counts, but for a client that puts ChaCha20 first: it knows
 * whether it has AES in hardware. */
#ifndef TLS_SITE_H
#define TLS_SITE_H

#include "base/check.h"
#include "base/diag.h"

struct context;
struct context_spec;

/* Make the SSL_CTX of each of c's sites, whose certificates are chosen: 0,
 * ERR_NOMEM, or ERR_INVALID with the reason in d.  [control] */
MUST_USE int site_open_all(struct context *c, const struct context_spec *spec,
                           struct diag *d);

#endif
