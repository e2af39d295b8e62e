/* SPDX-License-Identifier: BSD-2-Clause */
/* cert_self.h - a certificate that signs itself, for development: whoever wants
 * to trust it imports it. */
#ifndef TLS_CERT_SELF_H
#define TLS_CERT_SELF_H

#include <stddef.h>

#include "base/check.h"

#define CERT_SELF_PEM_BYTES 4096
#define CERT_SELF_DAYS 365

struct cert_self_texts {
    char chain[CERT_SELF_PEM_BYTES]; /* both NUL-terminated PEM */
    char key[CERT_SELF_PEM_BYTES];   /* the caller wipes it after use */
};

/* A new P-256 key and its certificate, valid from now on, for n host names or
 * IP addresses (as texts, those of IPv6 without brackets): 0; ERR_LIMIT: too
 * many names; ERR_INVALID: one of them is none; or ERR_NOMEM. [control] */
MUST_USE int cert_self_signed(const char *const *names, size_t n,
                              struct cert_self_texts *out);

#endif
