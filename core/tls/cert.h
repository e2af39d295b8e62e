/* SPDX-License-Identifier: BSD-2-Clause */
/* cert.h - a certificate, the chain behind it and its key: from PEM texts to
 * what can be served, and what is wrong with them.
 *
 * What is wrong with a certificate is said here, once and in words, so that
 * nobody has to learn it from a client: RFC 5280 for what it is, RFC 8446 4.4.2
 * for the order of a chain. */
#ifndef TLS_CERT_H
#define TLS_CERT_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/diag.h"

struct context_cert;
struct context_pair;
struct evp_pkey_st;
struct stack_st_X509;
struct x509_st;

/* Of one name there may be one of each, side by side. */
enum cert_kind { CERT_RSA, CERT_EC, CERT_ED25519, CERT_KINDS };

struct cert {
    struct x509_st *leaf;
    struct stack_st_X509 *chain; /* behind the leaf; may be empty */
    struct evp_pkey_st *key;
    enum cert_kind kind;
    et_str *names; /* hosts, wildcards, IP addresses; lower case, own memory */
    size_t n_names;
};

/* Take a pair apart and judge it at the wall time now_s: 0, or ERR_INVALID with
 * every reason in d; ERR_NOMEM too is told there.  c is to be given back in
 * any case.  [control] */
MUST_USE int cert_init(struct cert *c, const struct context_pair *pair,
                       int64_t now_s, struct diag *d);
void cert_fini(struct cert *c); /* [any] */
/* One of its names covers host; one of them is this one (lower case). [any] */
int cert_covers(const struct cert *c, et_str host);
int cert_has(const struct cert *c, et_str name);
/* What is said of it. [any] */
void cert_describe(const struct cert *c, struct context_cert *out);

/* Certificates of authorities, PEM, one or more; NULL with the reason in d.
 * Give them back with cert_free_all. [control] */
MUST_USE struct stack_st_X509 *cert_authorities(et_str pem, const char *path,
                                                const struct place *at,
                                                struct diag *d);
void cert_free_all(struct stack_st_X509 *all);

#endif
