/* SPDX-License-Identifier: BSD-2-Clause */
/* cert_names.h - the names that stand in a certificate: its subjectAltName's
 * hosts and addresses (RFC 5280 4.2.1.6), or where there are none its
 * commonName. */
#ifndef TLS_CERT_NAMES_H
#define TLS_CERT_NAMES_H

#include <stddef.h>

#include "base/check.h"

struct x509_st;

/* What a name is: a host or wildcard; an address, IPv6 as a URI has it, in
 * brackets. */
typedef int cert_names_fn(void *ctx, const char *name, size_t n);

/* Call fn with each until it returns less than 0: that, or 0.  A name with a
 * byte that no host has (NUL among them) is passed over. [any] */
MUST_USE int cert_names_each(struct x509_st *x, cert_names_fn *fn, void *ctx);

#endif
