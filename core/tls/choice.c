/* SPDX-License-Identifier: BSD-2-Clause */
/* choice.c - see choice.h. */
#include "tls/choice.h"

#include <openssl/ssl.h>

#include "base/err.h"
#include "tls/context_own.h"

/* RFC 8446 4.2.3: of ECDSA each with one curve. */
#define SCHEME_P256 0x0403
#define SCHEME_P384 0x0503
#define SCHEME_P521 0x0603
#define SCHEME_ED25519 0x0807
#define SCHEME_PSS_SHA256 0x0804
#define SCHEME_PSS_SHA384 0x0805
#define SCHEME_PSS_SHA512 0x0806

/* ---- TLS 1.3 -------------------------------------------------------------*/

static int
scheme_fits(int scheme, const struct cert *cert)
{
    int bits = EVP_PKEY_get_bits(cert->key);

    switch (scheme) {
    case SCHEME_P256: return cert->kind == CERT_EC && bits == 256;
    case SCHEME_P384: return cert->kind == CERT_EC && bits == 384;
    case SCHEME_P521: return cert->kind == CERT_EC && bits == 521;
    case SCHEME_ED25519: return cert->kind == CERT_ED25519;
    case SCHEME_PSS_SHA256:
    case SCHEME_PSS_SHA384:
    case SCHEME_PSS_SHA512: return cert->kind == CERT_RSA;
    default: return 0;
    }
}

static int
takes_13(SSL *ssl, const struct cert *cert)
{
    int n = SSL_get_sigalgs(ssl, -1, NULL, NULL, NULL, NULL, NULL);

    for (int i = 0; i < n; i++) {
        unsigned char low = 0, high = 0;
        SSL_get_sigalgs(ssl, i, NULL, NULL, NULL, &low, &high);
        if (scheme_fits(high << 8 | low, cert))
            return 1;
    }
    return 0;
}

/* ---- TLS 1.2 -------------------------------------------------------------*/

/* The cipher says what kind of key signs: is there one that both have? */
static int
has_cipher(SSL *ssl, const struct cert *cert)
{
    int auth = cert->kind == CERT_RSA ? NID_auth_rsa : NID_auth_ecdsa;
    STACK_OF(SSL_CIPHER) *theirs = SSL_get_client_ciphers(ssl);
    STACK_OF(SSL_CIPHER) *ours = SSL_get_ciphers(ssl);

    for (int i = 0; theirs && i < sk_SSL_CIPHER_num(ours); i++) {
        const SSL_CIPHER *c = sk_SSL_CIPHER_value(ours, i);
        if (SSL_CIPHER_get_auth_nid(c) == auth &&
            sk_SSL_CIPHER_find(theirs, c) >= 0)
            return 1;
    }
    return 0;
}

/* And a signature, and for ECDSA the key's curve among the client's groups (RFC
 * 8422 5.1). */
static int
takes_12(SSL *ssl, const struct cert *cert)
{
    const int want = CERT_PKEY_SIGN | CERT_PKEY_EE_PARAM;

    return has_cipher(ssl, cert) &&
           (SSL_check_chain(ssl, cert->leaf, cert->key, cert->chain) & want) ==
               want;
}

/* ---- one or the other ----------------------------------------------------*/

int
choice_takes(struct ssl_st *ssl, const struct cert *cert)
{
    return SSL_version(ssl) >= TLS1_3_VERSION ? takes_13(ssl, cert)
                                              : takes_12(ssl, cert);
}

static int
takes_any(SSL *ssl, const struct context_site *site)
{
    for (uint32_t kind = 0; kind < CERT_KINDS; kind++) {
        uint32_t i = site->certs[kind];
        if (i != CONTEXT_NONE &&
            choice_takes(ssl, &site->context->shown[i].cert))
            return 1;
    }
    return 0;
}

int
choice_make(struct ssl_st *ssl)
{
    const struct context_site *site = context_site_of(ssl), *fallback;

    if (site->fallback == CONTEXT_NONE || takes_any(ssl, site))
        return 0;
    fallback = &site->context->sites[site->fallback];
    if (!takes_any(ssl, fallback))
        return 0;
    return SSL_set_SSL_CTX(ssl, fallback->ssl) ? 0 : ERR_NOMEM;
}
