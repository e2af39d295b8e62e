/* SPDX-License-Identifier: BSD-2-Clause */
/* cert_self.c - see cert_self.h. */
#include "tls/cert_self.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/err.h"

#define NAMES_BYTES 2048
#define DAY_S 86400L
/* The clocks of clients are behind ours, too. */
#define BEFORE_S 3600L

static int
is_ip(const char *name)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, name, bytes) == 1 ||
           inet_pton(AF_INET6, name, bytes) == 1;
}

/* A host's letters: what is written between commas must not have any. */
static int
is_host(const char *name)
{
    static const char may[] = "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*";

    return name[0] && name[strspn(name, may)] == '\0';
}

/* "DNS:localhost,IP:127.0.0.1", as X.509 extensions are configured. */
static int
write_names(const char *const *names, size_t n, char out[NAMES_BYTES])
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        int ip = is_ip(names[i]), len;
        if (!ip && !is_host(names[i]))
            return ERR_INVALID;
        len = snprintf(out + used, NAMES_BYTES - used, "%s%s:%s", i ? "," : "",
                       ip ? "IP" : "DNS", names[i]);
        if (len < 0 || (size_t)len >= NAMES_BYTES - used)
            return ERR_LIMIT;
        used += (size_t)len;
    }
    return n > 0 ? 0 : ERR_INVALID;
}

static int
extend(X509 *x, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;
    int ok;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ok = ext && X509_add_ext(x, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

/* 64 random bits, not negative. */
static int
set_serial(X509 *x)
{
    uint64_t serial;

    return RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1);
}

static int
set_subject(X509 *x, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(x);

    return X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC,
                                      (const unsigned char *)"Etude dev", -1,
                                      -1, 0) &&
           (strlen(name) > 64 || /* RFC 5280: ub-common-name */
            X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                       (const unsigned char *)name, -1, -1,
                                       0)) &&
           X509_set_issuer_name(x, subject);
}

static int
fill(X509 *x, EVP_PKEY *key, const char *first, const char *names)
{
    return X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
           X509_gmtime_adj(X509_getm_notBefore(x), -BEFORE_S) &&
           X509_gmtime_adj(X509_getm_notAfter(x), CERT_SELF_DAYS * DAY_S) &&
           set_subject(x, first) && X509_set_pubkey(x, key) &&
           extend(x, NID_basic_constraints, "critical,CA:FALSE") &&
           extend(x, NID_key_usage, "critical,digitalSignature") &&
           extend(x, NID_ext_key_usage, "serverAuth") &&
           extend(x, NID_subject_alt_name, names) &&
           X509_sign(x, key, EVP_sha256()) > 0;
}

/* What has been written to bio, as a text. */
static int
take_text(BIO *bio, char out[CERT_SELF_PEM_BYTES])
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);

    if (n <= 0 || n >= CERT_SELF_PEM_BYTES)
        return ERR_LIMIT;
    memcpy(out, p, (size_t)n);
    out[n] = '\0';
    return 0;
}

static int
write_texts(X509 *x, EVP_PKEY *key, struct cert_self_texts *out)
{
    BIO *chain = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_secmem());
    int rc = ERR_NOMEM;

    if (chain && secret && PEM_write_bio_X509(chain, x) &&
        PEM_write_bio_PKCS8PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL)) {
        rc = take_text(chain, out->chain);
        if (rc == 0)
            rc = take_text(secret, out->key);
    }
    BIO_free(chain);
    BIO_free(secret);
    return rc;
}

int
cert_self_signed(const char *const *names, size_t n,
                 struct cert_self_texts *out)
{
    char text[NAMES_BYTES];
    int rc = write_names(names, n, text);
    EVP_PKEY *key;
    X509 *x;

    if (rc < 0)
        return rc;
    key = EVP_EC_gen("P-256");
    x = X509_new();
    rc = ERR_NOMEM;
    if (key && x)
        rc = fill(x, key, names[0], text) ? write_texts(x, key, out)
                                          : ERR_INVALID;
    X509_free(x);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return rc;
}
