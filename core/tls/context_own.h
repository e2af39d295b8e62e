/* SPDX-License-Identifier: BSD-2-Clause */
/* context_own.h - a context from the inside: for session.c, and for the tests
 * of what a context is. */
#ifndef TLS_CONTEXT_OWN_H
#define TLS_CONTEXT_OWN_H

#include <stdatomic.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "tls/cert.h"
#include "tls/context.h"
#include "tls/domains.h"
#include "tls/staple.h"

struct evp_cipher_st;
struct ssl_ctx_st;
struct ssl_st;

#define CONTEXT_NONE UINT32_MAX

/* A set of certificates that some names share: what an SSL_CTX has as its app
 * data. */
struct context_site {
    struct context *context;
    struct ssl_ctx_st *ssl;
    uint32_t certs[CERT_KINDS]; /* that have the names: indices; CONTEXT_NONE */
    uint32_t wild[CERT_KINDS];  /* whose wildcards cover them, likewise */
    uint32_t fallback;          /* the site with those (choice.h), likewise */
};

struct context_shown {
    struct cert cert;
    struct staple staple;
};

struct context {
    _Atomic uint32_t n_refs;
    uint8_t has_h2, has_early_data, has_offload;
    enum context_ktls ktls;
    uint8_t sid[32]; /* sessions are good where this is the same */
    struct context_shown *shown;
    uint32_t n_shown;
    struct context_site *sites; /* the first is for who names none of them */
    uint32_t n_sites;
    struct domains domains; /* -> sites */
    struct tickets *tickets;
    struct evp_cipher_st *ticket_cipher;
};

/* The site a session shows. [any] */
struct context_site *context_site_of(struct ssl_st *ssl);
/* One of its certificates covers host. [any] */
int context_site_covers(const struct context_site *site, et_str host);

#endif
