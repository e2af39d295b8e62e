/* SPDX-License-Identifier: BSD-2-Clause */
/* site.c - see site.h. */
#include "tls/site.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/str.h"
#include "tls/context_own.h"
#include "tls/signing.h"
#include "tls/tickets.h"

#define CIPHERS_12                                                             \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"               \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"               \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"               \
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"                     \
    "DHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_13                                                             \
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"                           \
    "TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"
#define DHE_GROUP "ffdhe2048"  /* RFC 7919; of TLS 1.2 alone */
#define SECURITY_LEVEL 2       /* 112 bits: RSA of 2048, no SHA-1 */
#define EARLY_BYTES 16384u     /* of requests before the handshake is over */
#define CLIENT_CHAIN_MAX 65536 /* bytes of a client's certificates */

/* ---- what is decided in a handshake --------------------------------------*/

/* RFC 6066 3: whom the client wants. */
static int
on_name(SSL *ssl, int *alert, void *arg)
{
    struct context_site *site = arg;
    struct context *c = site->context;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    uint32_t i;

    (void)alert;
    if (!name)
        return SSL_TLSEXT_ERR_NOACK;
    if (!domains_find(&c->domains, (et_str){name, strlen(name)}, &i))
        return SSL_TLSEXT_ERR_NOACK;
    if (&c->sites[i] != site && !SSL_set_SSL_CTX(ssl, c->sites[i].ssl))
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    return SSL_TLSEXT_ERR_OK;
}

/* One of ours is among those the client has. */
static int
offers(const unsigned char *in, unsigned n, const char *name, size_t len,
       const unsigned char **out, unsigned char *out_len)
{
    for (unsigned at = 0; at < n; at += 1u + in[at])
        if (in[at] == len && at + 1 + len <= n &&
            memcmp(in + at + 1, name, len) == 0) {
            *out = in + at + 1;
            *out_len = (unsigned char)len;
            return 1;
        }
    return 0;
}

/* RFC 7301 3.2: a client that speaks none of ours is told so. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
        const unsigned char *in, unsigned n, void *arg)
{
    const struct context *c = ((struct context_site *)arg)->context;

    (void)ssl;
    if ((c->has_h2 && offers(in, n, "h2", 2, out, out_len)) ||
        offers(in, n, "http/1.1", 8, out, out_len) ||
        offers(in, n, "http/1.0", 8, out, out_len))
        return SSL_TLSEXT_ERR_OK;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Whose certificate is sent: ssl's is chosen by now. */
static const struct context_shown *
shown_by(SSL *ssl)
{
    const struct context_site *site = context_site_of(ssl);
    const X509 *leaf = SSL_get_certificate(ssl);

    for (uint32_t kind = 0; kind < CERT_KINDS; kind++) {
        uint32_t i = site->certs[kind];
        if (i != CONTEXT_NONE && site->context->shown[i].cert.leaf == leaf)
            return &site->context->shown[i];
    }
    return NULL;
}

/* RFC 6066 8: the staple, if there is one. */
static int
on_status(SSL *ssl, void *arg)
{
    const struct context_shown *s = shown_by(ssl);
    unsigned char *copy;

    (void)arg;
    if (!s || s->staple.der.n == 0 || s->staple.until_s <= (int64_t)time(NULL))
        return SSL_TLSEXT_ERR_NOACK;
    copy = OPENSSL_memdup(s->staple.der.p, s->staple.der.n);
    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)s->staple.der.n);
    return SSL_TLSEXT_ERR_OK;
}

static int
set_mac_key(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac,
                                          sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params);
}

static int
seal_ticket(struct context *c, struct ticket_key *key, unsigned char *name,
            unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    tickets_current(c->tickets, (int64_t)time(NULL), key);
    memcpy(name, key->name, sizeof key->name);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(c->ticket_cipher)) != 1 ||
        !EVP_EncryptInit_ex2(cipher, c->ticket_cipher, key->aes, iv, NULL) ||
        !set_mac_key(mac, key))
        return -1;
    return 1;
}

static int
open_ticket(struct context *c, struct ticket_key *key, int is_once,
            const unsigned char *name, const unsigned char *iv,
            EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    enum tickets_found found =
        tickets_find(c->tickets, (int64_t)time(NULL), name, key);

    if (found == TICKETS_UNKNOWN)
        return 0;
    if (!EVP_DecryptInit_ex2(cipher, c->ticket_cipher, key->aes, iv, NULL) ||
        !set_mac_key(mac, key))
        return -1;
    return found == TICKETS_OLD || is_once ? 2 : 1;
}

/* 1, 2: with this key, and with 2 the client is given another ticket, as it is
 * in TLS 1.3 each time, where a client uses one once (RFC 8446 C.4); 0: it is
 * none of ours, a full handshake follows; -1. */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
          EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts)
{
    struct context *c = context_site_of(ssl)->context;
    struct ticket_key key;
    int is_once = SSL_version(ssl) >= TLS1_3_VERSION;
    int rc = encrypts ? seal_ticket(c, &key, name, iv, cipher, mac)
                      : open_ticket(c, &key, is_once, name, iv, cipher, mac);

    OPENSSL_cleanse(&key, sizeof key);
    return rc;
}

/* The host that a hello names of which OpenSSL has not yet read that; absent:
 * none.  Of one that is none the handshake fails later. */
static et_str
hello_name(SSL *ssl)
{
    const unsigned char *p;
    size_t n, len;

    /* RFC 6066 3: bytes of the list, type, bytes of the name, name */
    if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) ||
        n < 5 || p[2] != TLSEXT_NAMETYPE_host_name)
        return (et_str){NULL, 0};
    len = (size_t)p[3] << 8 | p[4];
    return len <= n - 5 ? (et_str){(const char *)p + 5, len}
                        : (et_str){NULL, 0};
}

/* RFC 6066 3: a session of TLS 1.2 is one with the host that was named when it
 * began, and known, and does not go on with another; in 1.3 each handshake has
 * its own. */
static int
is_same_host(SSL *ssl, const SSL_SESSION *session)
{
    const char *was = SSL_SESSION_get0_hostname(session);

    return SSL_version(ssl) >= TLS1_3_VERSION ||
           str_eq_nocase(str_from_z(was ? was : ""), hello_name(ssl));
}

/* The client's certificate, if it has shown one, would still do: a ticket is
 * good for longer than some of them.  Its authority is in the session's id. */
static int
is_still_known(SSL_SESSION *session)
{
    const X509 *x = SSL_SESSION_get0_peer(session);

    return LIKELY(!x) || (X509_cmp_current_time(X509_get0_notBefore(x)) < 0 &&
                          X509_cmp_current_time(X509_get0_notAfter(x)) > 0);
}

/* Where it does not go on, a full handshake follows. */
static SSL_TICKET_RETURN
on_session(SSL *ssl, SSL_SESSION *session, const unsigned char *key_name,
           size_t n, SSL_TICKET_STATUS status, void *arg)
{
    (void)key_name;
    (void)n;
    (void)arg;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (!is_same_host(ssl, session) || !is_still_known(session))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
                                        : SSL_TICKET_RETURN_USE_RENEW;
}

/* ---- how an SSL_CTX is made ----------------------------------------------*/

/* For clients of TLS 1.2 that have no curves, with RSA: the group, whose keys
 * are made in each handshake. */
static int
set_dhe(SSL_CTX *ssl)
{
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    EVP_PKEY *group = NULL;
    int is_set = maker && EVP_PKEY_paramgen_init(maker) == 1 &&
                 EVP_PKEY_CTX_set_group_name(maker, DHE_GROUP) == 1 &&
                 EVP_PKEY_paramgen(maker, &group) == 1 &&
                 SSL_CTX_set0_tmp_dh_pkey(ssl, group) == 1;

    EVP_PKEY_CTX_free(maker);
    if (!is_set)
        EVP_PKEY_free(group);
    return is_set;
}

static int
set_protocols(SSL_CTX *ssl, const struct context_spec *spec)
{
    int min = spec->profile == CONTEXT_MODERN ? TLS1_3_VERSION : TLS1_2_VERSION;

    SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
    return SSL_CTX_set_min_proto_version(ssl, min) &&
           SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) &&
           SSL_CTX_set_cipher_list(ssl, CIPHERS_12) &&
           SSL_CTX_set_ciphersuites(ssl, CIPHERS_13) &&
           SSL_CTX_set1_groups_list(ssl, GROUPS) && set_dhe(ssl);
}

/* The anti-replay of OpenSSL is a cache of the process, which a request to the
 * next process does not see: who turns early data on has requests that may come
 * twice (RFC 8446 8), and so only safe ones are answered (RFC 8470). */
static void
set_options(SSL_CTX *ssl, const struct context_spec *spec)
{
    uint64_t options =
        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_ANTI_REPLAY;

    if (!spec->tickets)
        options |= SSL_OP_NO_TICKET;
    /* Ours: the fastest first.  But a client that puts ChaCha20 first has no
     * AES in hardware, and gets it. */
    options |= SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;
    SSL_CTX_set_options(ssl, options);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ssl, TICKETS_LIFETIME_S);
    SSL_CTX_set_max_early_data(ssl, spec->has_early_data ? EARLY_BYTES : 0);
    SSL_CTX_set_recv_max_early_data(ssl, EARLY_BYTES);
    SSL_CTX_set_max_cert_list(ssl, CLIENT_CHAIN_MAX);
}

static int
set_tickets(SSL_CTX *ssl, const struct context *c)
{
    if (!SSL_CTX_set_session_id_context(ssl, c->sid, sizeof c->sid))
        return 0;
    if (!c->tickets)
        return SSL_CTX_set_num_tickets(ssl, 0);
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket) == 1 &&
           SSL_CTX_set_session_ticket_cb(ssl, NULL, on_session, NULL) == 1;
}

static int
set_callbacks(SSL_CTX *ssl, struct context_site *site)
{
    SSL_CTX_set_app_data(ssl, site);
    SSL_CTX_set_alpn_select_cb(ssl, on_alpn, site);
    return SSL_CTX_set_tlsext_servername_callback(ssl, on_name) == 1 &&
           SSL_CTX_set_tlsext_servername_arg(ssl, site) == 1 &&
           SSL_CTX_set_tlsext_status_cb(ssl, on_status) == 1;
}

static int
set_certificates(SSL_CTX *ssl, const struct context_site *site)
{
    for (uint32_t kind = 0; kind < CERT_KINDS; kind++) {
        const struct cert *cert;
        if (site->certs[kind] == CONTEXT_NONE)
            continue;
        cert = &site->context->shown[site->certs[kind]].cert;
        if (SSL_CTX_use_cert_and_key(ssl, cert->leaf, cert->key, cert->chain,
                                     0) != 1)
            return 0;
    }
    return 1;
}

/* ---- whose clients are known ---------------------------------------------*/

static X509_STORE *
store_of(STACK_OF(X509) * all)
{
    X509_STORE *store = X509_STORE_new();

    for (int i = 0; store && i < sk_X509_num(all); i++)
        if (X509_STORE_add_cert(store, sk_X509_value(all, i)) != 1) {
            X509_STORE_free(store);
            return NULL;
        }
    return store;
}

static STACK_OF(X509_NAME) * names_of(STACK_OF(X509) * all)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();

    for (int i = 0; names && i < sk_X509_num(all); i++) {
        X509_NAME *name =
            X509_NAME_dup(X509_get_subject_name(sk_X509_value(all, i)));
        if (!name || !sk_X509_NAME_push(names, name)) {
            X509_NAME_free(name);
            sk_X509_NAME_pop_free(names, X509_NAME_free);
            return NULL;
        }
    }
    return names;
}

static int
set_clients(SSL_CTX *ssl, const struct context_spec *spec,
            STACK_OF(X509) * authorities)
{
    int mode = SSL_VERIFY_PEER;
    STACK_OF(X509_NAME) * names;
    X509_STORE *store;

    if (spec->verify == CONTEXT_NO_CLIENTS)
        return 1;
    if (spec->verify == CONTEXT_CLIENTS_MUST)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    store = store_of(authorities);
    names = names_of(authorities);
    if (!store || !names) {
        X509_STORE_free(store);
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return 0;
    }
    SSL_CTX_set_verify(ssl, mode, NULL);
    SSL_CTX_set_client_CA_list(ssl, names);
    return SSL_CTX_set0_verify_cert_store(ssl, store) == 1;
}

/* ---- all of it -----------------------------------------------------------*/

static int
complain(const struct context_site *site, const struct context_spec *spec,
         struct diag *d)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(code);
    uint32_t kind = 0;

    while (site->certs[kind] == CONTEXT_NONE)
        kind++;
    diag_error(d, &spec->pairs[site->certs[kind]].at,
               "%s: OpenSSL does not take this certificate (%s)",
               spec->pairs[site->certs[kind]].chain_path,
               reason ? reason : "no reason is known");
    ERR_clear_error();
    return ERR_INVALID;
}

static int
open_site(struct context_site *site, const struct context_spec *spec,
          STACK_OF(X509) * authorities, struct diag *d)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());

    site->ssl = ssl;
    if (!ssl)
        return ERR_NOMEM;
    set_options(ssl, spec);
    if (!set_protocols(ssl, spec) || !set_tickets(ssl, site->context) ||
        !set_callbacks(ssl, site) || !set_certificates(ssl, site) ||
        !set_clients(ssl, spec, authorities))
        return complain(site, spec, d);
    if (site->fallback != CONTEXT_NONE ||
        (spec->has_offload && site->certs[CERT_RSA] != CONTEXT_NONE))
        signing_ask(ssl);
    return 0;
}

int
site_open_all(struct context *c, const struct context_spec *spec,
              struct diag *d)
{
    STACK_OF(X509) *authorities = NULL;
    int rc = 0;

    c->ticket_cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    if (!c->ticket_cipher)
        return ERR_NOMEM;
    if (spec->verify != CONTEXT_NO_CLIENTS) {
        authorities = cert_authorities(spec->client_ca, spec->client_ca_path,
                                       &spec->client_ca_at, d);
        if (!authorities)
            return ERR_INVALID;
    }
    for (uint32_t i = 0; rc == 0 && i < c->n_sites; i++)
        rc = open_site(&c->sites[i], spec, authorities, d);
    cert_free_all(authorities);
    return rc;
}
