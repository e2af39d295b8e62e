/* SPDX-License-Identifier: BSD-2-Clause */
/* context.h - what a listener shows of itself: certificates, protocols, rules.
 *
 *     context -> site (an SSL_CTX) for each set of certificates that one name
 *                has: RSA and ECDSA side by side
 *             -> names, exact and with a wildcard -> site       (domains.h)
 *     site    -> fallback, of wildcards, for clients that can do with none of
 *                the certificates that have the name            (choice.h)
 *
 * Immutable once made, and counted: it may be used by all threads, and lives
 * until the last session that shows it is over.  TLS 1.2 and 1.3 as Mozilla's
 * "intermediate" has them, or 1.3 alone ("modern"); no renegotiation, no
 * compression, sessions in tickets only. */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/diag.h"

struct context;
struct tickets;

/* A certificate chain and its key, PEM texts, borrowed for the call. */
struct context_pair {
    et_str chain, key;
    const char *chain_path, *key_path; /* for messages */
    et_str ocsp;                       /* DER of an OCSP response to staple */
    const char *ocsp_path;
    struct place at; /* of the certificate in the ini */
};

/* In the order of the choices in the ini. */
enum context_profile { CONTEXT_INTERMEDIATE, CONTEXT_MODERN };
enum context_verify {
    CONTEXT_NO_CLIENTS,  /* no certificate of the client is asked for */
    CONTEXT_CLIENTS_MAY, /* it may have none, but not a wrong one */
    CONTEXT_CLIENTS_MUST
};

/* Whether the kernel makes the records (os/ktls.h), or why it does not. */
enum context_ktls {
    CONTEXT_KTLS_OFF,       /* it is not to */
    CONTEXT_KTLS_ON,        /* it does, if the cipher is such that it can */
    CONTEXT_KTLS_NO_KERNEL, /* it is to, and cannot */
    CONTEXT_KTLS_EARLY_DATA /* it could, but for early data: text that goes
                               before the handshake is over is OpenSSL's */
};

struct context_spec {
    const struct context_pair *pairs; /* the first is shown to who names none */
    size_t n_pairs;                   /* at least one */
    enum context_profile profile;
    enum context_verify verify;
    et_str client_ca; /* PEM of the authorities, absent: no clients */
    const char *client_ca_path;
    struct place client_ca_at;
    uint8_t has_h2;          /* ALPN: h2 in front of http/1.1 */
    uint8_t has_early_data;  /* TLS 1.3 0-RTT (RFC 8446 2.3) */
    enum context_ktls ktls;  /* one of the first three */
    uint8_t has_offload;     /* what signs with RSA stops before it
                                (signing.h) */
    struct tickets *tickets; /* held; NULL: no session is resumed */
};

/* What is said of a certificate. */
struct context_cert {
    char names[256]; /* "example.com, *.example.com", cut with ", ..." */
    char kind[16];   /* "RSA 2048", "P-256" */
    int64_t not_before, not_after; /* seconds since the epoch */
    char sha256[65];               /* of the leaf, in hexadecimal */
    uint8_t is_stapled;            /* an OCSP response is shown with it */
};

/* Without OpenSSL: 0; then a listener with TLS must be refused. [any] */
int context_is_built(void);

/* Once in a process, before anything else of OpenSSL is used there; plugins
 * may use it, too. [any] */
void context_init(void);

/* NULL with every reason in d: a certificate that is over or has another key,
 * a chain out of order, what is no PEM ... [control] */
MUST_USE struct context *context_new(const struct context_spec *spec,
                                     struct diag *d);
/* One more holder. [any] */
struct context *context_hold(struct context *c);
/* The last one frees it; NULL is fine. [any] */
void context_drop(struct context *c);

/* [any] */
enum context_ktls context_ktls(const struct context *c);
/* "off", "on", "no kernel", "early data". [any] */
const char *context_ktls_text(enum context_ktls ktls);

/* What the pairs are, in their order: at most cap are written to out; returns
 * how many there are. [any] */
uint32_t context_certs(const struct context *c, struct context_cert *out,
                       uint32_t cap);

#endif
