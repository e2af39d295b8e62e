/* SPDX-License-Identifier: BSD-2-Clause */
/* pki.c - certificates for tests; see pki.h. */
#include "t/lib/pki.h"

#include <arpa/inet.h>
#include <check.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "t/lib/server.h"

#define DAY_S (24L * 60 * 60)

static struct {
    pthread_once_t once;
    X509 *certificate;
    EVP_PKEY *key;
} authority = {.once = PTHREAD_ONCE_INIT};

static EVP_PKEY *
make_key(int is_rsa)
{
    EVP_PKEY *key = is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");

    ck_assert_ptr_nonnull(key);
    return key;
}

static void
extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *e;
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ck_assert_msg(e != NULL, "extension \"%s\"", value);
    ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

/* A certificate of key without extensions, not yet signed. */
static X509 *
make_blank(const char *subject, EVP_PKEY *key, long begins_s, long ends_s)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    BIGNUM *serial = BN_new();

    ck_assert_int_eq(X509_set_version(x, X509_VERSION_3), 1);
    ck_assert_int_eq(BN_rand(serial, 64, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY),
                     1);
    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x));
    BN_free(serial);
    X509_gmtime_adj(X509_getm_notBefore(x), begins_s);
    X509_gmtime_adj(X509_getm_notAfter(x), ends_s);
    ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                (const unsigned char *)subject,
                                                -1, -1, 0),
                     1);
    ck_assert_int_eq(X509_set_pubkey(x, key), 1);
    return x;
}

static void
make_authority(void)
{
    EVP_PKEY *key = make_key(0);
    X509 *x = make_blank("Tests", key, -DAY_S, 3650 * DAY_S);

    X509_set_issuer_name(x, X509_get_subject_name(x));
    extend(x, x, NID_basic_constraints, "critical,CA:TRUE");
    extend(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(x, x, NID_subject_key_identifier, "hash");
    ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
    authority.certificate = x;
    authority.key = key;
}

static int
is_address(const char *name)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, name, bytes) == 1 ||
           inet_pton(AF_INET6, name, bytes) == 1;
}

/* "a.test,127.0.0.1" -> "DNS:a.test,IP:127.0.0.1"; the first one to first. */
static void
list_names(const char *names, char *first, size_t first_cap, char *list,
           size_t cap)
{
    char copy[512], *rest = copy, *name;
    size_t n = 0;

    snprintf(copy, sizeof copy, "%s", names);
    first[0] = list[0] = '\0';
    while ((name = strsep(&rest, ",")) != NULL) {
        if (!first[0])
            snprintf(first, first_cap, "%s", name);
        n += (size_t)snprintf(list + n, cap - n, "%s%s:%s", n ? "," : "",
                              is_address(name) ? "IP" : "DNS", name);
        ck_assert_uint_lt(n, cap);
    }
}

static void
write_key(const char *path, EVP_PKEY *key)
{
    FILE *f = fopen(path, "we");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fchmod(fileno(f), 0600), 0);
    ck_assert_int_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL),
                     1);
    ck_assert_int_eq(fclose(f), 0);
}

static EVP_PKEY *
read_key(const char *path)
{
    FILE *f = fopen(path, "re");
    EVP_PKEY *key;

    ck_assert_ptr_nonnull(f);
    key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    ck_assert_ptr_nonnull(key);
    return key;
}

/* Its issuer's is behind it, if that is not NULL. */
static void
write_certificate(const char *path, X509 *x, X509 *issuer)
{
    FILE *f = fopen(path, "we");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(PEM_write_X509(f, x), 1);
    if (issuer)
        ck_assert_int_eq(PEM_write_X509(f, issuer), 1);
    ck_assert_int_eq(fclose(f), 0);
}

static long
ends_s(const struct pki *p)
{
    if (p->ends_s)
        return p->ends_s;
    return (p->ends_days ? p->ends_days : 30) * DAY_S;
}

void
pki_make(const struct server *s, const struct pki *p)
{
    char path[PATH_MAX], subject[256], names[1024];
    EVP_PKEY *key;
    X509 *x, *ca;

    pthread_once(&authority.once, make_authority);
    ca = authority.certificate;
    snprintf(path, sizeof path, "%s/%s.key", s->dir, p->file);
    key = p->is_old ? read_key(path) : make_key(p->is_rsa);
    list_names(p->names, subject, sizeof subject, names, sizeof names);
    x = make_blank(subject, key, (p->begins_days ? p->begins_days : -1) * DAY_S,
                   ends_s(p));
    X509_set_issuer_name(x, X509_get_subject_name(ca));
    extend(x, ca, NID_basic_constraints, "critical,CA:FALSE");
    extend(x, ca, NID_subject_alt_name, names);
    extend(x, ca, NID_authority_key_identifier, "keyid");
    extend(x, ca, NID_ext_key_usage,
           p->is_client ? "clientAuth" : "serverAuth");
    ck_assert_int_gt(X509_sign(x, authority.key, EVP_sha256()), 0);
    write_key(path, key);
    snprintf(path, sizeof path, "%s/%s.pem", s->dir, p->file);
    write_certificate(path, x, p->has_issuer ? ca : NULL);
    X509_free(x);
    EVP_PKEY_free(key);
}

static X509 *
read_certificate(const struct server *s, const char *file)
{
    char path[PATH_MAX];
    FILE *f;
    X509 *x;

    snprintf(path, sizeof path, "%s/%s.pem", s->dir, file);
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    x = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    ck_assert_ptr_nonnull(x);
    return x;
}

/* Forged, it comes with a certificate of the authority's name. */
static void
sign_ocsp(OCSP_BASICRESP *basic, int is_forged)
{
    EVP_PKEY *key = is_forged ? make_key(0) : authority.key;
    X509 *x = authority.certificate;

    if (is_forged) {
        x = X509_dup(x);
        ck_assert_int_eq(X509_set_pubkey(x, key), 1);
        ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
    }
    ck_assert_int_eq(OCSP_basic_sign(basic, x, key, EVP_sha256(), NULL, 0), 1);
    if (is_forged) {
        X509_free(x);
        EVP_PKEY_free(key);
    }
}

void
pki_ocsp(const struct server *s, const char *file, const char *to,
         int is_forged)
{
    X509 *x = read_certificate(s, file);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -60);
    ASN1_TIME *next = X509_gmtime_adj(NULL, DAY_S);
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), x, authority.certificate);
    OCSP_RESPONSE *response;
    unsigned char *der = NULL;
    int n;
    char path[PATH_MAX];
    FILE *f;

    ck_assert_ptr_nonnull(OCSP_basic_add1_status(
        basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, now, next));
    sign_ocsp(basic, is_forged);
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    snprintf(path, sizeof path, "%s/%s", s->dir, to);
    f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    n = i2d_OCSP_RESPONSE(response, &der);
    ck_assert_int_gt(n, 0);
    ck_assert_uint_eq(fwrite(der, 1, (size_t)n, f), (size_t)n);
    OPENSSL_free(der);
    ck_assert_int_eq(fclose(f), 0);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    OCSP_CERTID_free(id);
    X509_free(x);
}

const char *
pki_authority(const struct server *s)
{
    static char path[PATH_MAX];

    pthread_once(&authority.once, make_authority);
    snprintf(path, sizeof path, "%s/ca.pem", s->dir);
    write_certificate(path, authority.certificate, NULL);
    return path;
}
