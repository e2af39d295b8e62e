/* SPDX-License-Identifier: BSD-2-Clause */
/* staple.c - tests of tls/staple.h. */
/* tags: asan */
#include "t/lib/unit.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "base/err.h"
#include "tls/cert.h"
#include "tls/context.h"
#include "tls/staple.h"

#define DAY 86400

/* A certificate with this serial number, issued by one of that name. */
static X509 *
certificate(long serial, const char *issuer, EVP_PKEY *key)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_NAME_new();

    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -DAY);
    X509_gmtime_adj(X509_getm_notAfter(x), DAY);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               (const unsigned char *)issuer, -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_set_subject_name(x, name);
    X509_NAME_free(name);
    X509_set_pubkey(x, key);
    ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
    return x;
}

struct made {
    EVP_PKEY *key;
    X509 *issuer, *leaf;
    STACK_OF(X509) * chain; /* that stands behind leaf: the issuer's */
    unsigned char *der;
    int n;
};

/* Whose word a response is. */
enum signer {
    ISSUER,
    STRANGER,  /* of the issuer's name, with a key of its own */
    DELEGATE,  /* with the issuer's certificate that it may */
    COLLEAGUE, /* with one that does not say so */
};

/* Something more is said in x, which key signs anew. */
static void
extend(X509 *x, EVP_PKEY *key, int nid, const char *value)
{
    X509_EXTENSION *more = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    ck_assert_int_eq(X509_add_ext(x, more, -1), 1);
    X509_EXTENSION_free(more);
    ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
}

/* signer's certificate and key, which are the caller's. */
static X509 *
certificate_of(const struct made *m, enum signer signer, EVP_PKEY **key)
{
    X509 *x;

    *key = signer == ISSUER ? m->key : EVP_EC_gen("P-256");
    if (signer == ISSUER) {
        X509_up_ref(m->issuer);
        EVP_PKEY_up_ref(m->key);
        return m->issuer;
    }
    x = certificate(9, "one", *key);
    if (signer == STRANGER)
        return x;
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "O", MBSTRING_UTF8,
                               (const unsigned char *)"delegates", -1, -1, 0);
    extend(x, m->key, NID_ext_key_usage,
           signer == DELEGATE ? "OCSPSigning" : "serverAuth");
    return x;
}

static void
sign(const struct made *m, enum signer signer, OCSP_BASICRESP *basic)
{
    EVP_PKEY *key;
    X509 *x = certificate_of(m, signer, &key);

    ck_assert_int_eq(OCSP_basic_sign(basic, x, key, EVP_sha256(), NULL, 0), 1);
    X509_free(x);
    EVP_PKEY_free(key);
}

/* A response about serial of issuer with this status; next_s: from now, 0:
 * none. */
static void
make_by(struct made *m, enum signer signer, long serial, const char *issuer,
        int status, long next_s)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -10 * DAY);
    ASN1_TIME *next = next_s ? X509_gmtime_adj(NULL, next_s) : NULL;
    ASN1_TIME *revoked = X509_gmtime_adj(NULL, -DAY);
    OCSP_RESPONSE *r;
    OCSP_CERTID *id;
    X509 *about;

    memset(m, 0, sizeof *m);
    m->key = EVP_EC_gen("P-256");
    m->issuer = certificate(1, "one", m->key);
    extend(m->issuer, m->key, NID_basic_constraints, "critical,CA:TRUE");
    m->leaf = certificate(7, "one", m->key);
    m->chain = sk_X509_new_null();
    sk_X509_push(m->chain, m->issuer);
    about = certificate(serial, issuer, m->key);
    id = OCSP_cert_to_id(EVP_sha256(), about, about);
    ck_assert_ptr_nonnull(
        OCSP_basic_add1_status(basic, id, status, 0, revoked, now, next));
    sign(m, signer, basic);
    r = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    m->n = i2d_OCSP_RESPONSE(r, &m->der);
    ck_assert_int_gt(m->n, 0);
    OCSP_RESPONSE_free(r);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    ASN1_TIME_free(revoked);
    X509_free(about);
}

static void
make(struct made *m, long serial, const char *issuer, int status, long next_s)
{
    make_by(m, ISSUER, serial, issuer, status, next_s);
}

static void
end(struct made *m)
{
    sk_X509_free(m->chain);
    X509_free(m->leaf);
    X509_free(m->issuer);
    EVP_PKEY_free(m->key);
    OPENSSL_free(m->der);
}

/* What is said of n bytes, and whether they are shown. */
static const char *
judge(const struct made *m, const void *p, size_t n, struct staple *out, int rc)
{
    static char said[512];
    const struct context_pair pair = {.ocsp = {p, n},
                                      .ocsp_path = "a.der",
                                      .chain_path = "a.pem",
                                      .at = {"a.ini", 3}};
    const struct cert cert = {.leaf = m->leaf, .chain = m->chain};
    struct diag d;

    diag_init(&d);
    ck_assert_int_eq(staple_init(out, &pair, &cert, (int64_t)time(NULL), &d),
                     rc);
    snprintf(said, sizeof said, "%s", d.first ? d.first->text : "");
    ck_assert_uint_eq(d.n_errors, rc < 0 ? 1 : 0);
    diag_fini(&d);
    return said;
}

START_TEST(a_good_one_is_shown_until_its_end)
{
    struct staple s;
    struct made m;

    make(&m, 7, "one", V_OCSP_CERTSTATUS_GOOD, DAY);
    ck_assert_str_eq(judge(&m, m.der, (size_t)m.n, &s, 0), "");
    ck_assert_uint_eq(s.der.n, (size_t)m.n);
    ck_assert_mem_eq(s.der.p, m.der, s.der.n);
    ck_assert_int_le(s.until_s, (int64_t)time(NULL) + DAY);
    ck_assert_int_gt(s.until_s, (int64_t)time(NULL) + DAY - 60);
    staple_fini(&s);
    end(&m);
    make(&m, 7, "one", V_OCSP_CERTSTATUS_GOOD, 0);
    ck_assert_str_eq(judge(&m, m.der, (size_t)m.n, &s, 0), "");
    ck_assert(s.until_s == INT64_MAX);
    staple_fini(&s);
    end(&m);
}
END_TEST

START_TEST(what_would_harm_is_said_and_not_shown)
{
    struct staple s;
    struct made m;

    make(&m, 7, "one", V_OCSP_CERTSTATUS_GOOD, -60);
    ck_assert_str_eq(judge(&m, m.der, (size_t)m.n, &s, 0),
                     "a.ini:3: a.der: this OCSP response is over: it is not "
                     "shown");
    ck_assert_uint_eq(s.der.n, 0);
    end(&m);
    make(&m, 7, "one", V_OCSP_CERTSTATUS_REVOKED, DAY);
    ck_assert_str_eq(judge(&m, m.der, (size_t)m.n, &s, 0),
                     "a.ini:3: a.der: it says that the certificate is "
                     "revoked: it is not shown");
    end(&m);
    make(&m, 7, "one", V_OCSP_CERTSTATUS_UNKNOWN, DAY);
    ck_assert_str_eq(judge(&m, m.der, (size_t)m.n, &s, 0),
                     "a.ini:3: a.der: it says that the certificate is not "
                     "known: it is not shown");
    end(&m);
}
END_TEST

START_TEST(another_certificate_s_is_a_mistake)
{
    static const char why[] =
        "a.ini:3: a.der: this OCSP response is about another certificate";
    struct staple s;
    struct made m;

    make(&m, 8, "one", V_OCSP_CERTSTATUS_GOOD, DAY);
    ck_assert_str_eq(judge(&m, m.der, (size_t)m.n, &s, ERR_INVALID), why);
    end(&m);
    make(&m, 7, "another", V_OCSP_CERTSTATUS_GOOD, DAY);
    ck_assert_str_eq(judge(&m, m.der, (size_t)m.n, &s, ERR_INVALID), why);
    end(&m);
}
END_TEST

START_TEST(so_is_the_word_of_a_stranger)
{
    static const char why[] =
        "a.ini:3: a.der: this OCSP response is not the word of the issuer in "
        "a.pem (";
    static const enum signer others[] = {STRANGER, COLLEAGUE};
    static const int words[] = {V_OCSP_CERTSTATUS_GOOD,
                                V_OCSP_CERTSTATUS_REVOKED};
    struct staple s;
    struct made m;

    for (int i = 0; i < 4; i++) {
        make_by(&m, others[i / 2], 7, "one", words[i % 2], DAY);
        unit_has(judge(&m, m.der, (size_t)m.n, &s, ERR_INVALID), why);
        ck_assert_uint_eq(s.der.n, 0);
        end(&m);
    }
}
END_TEST

START_TEST(a_delegate_s_is_the_issuer_s)
{
    struct staple s;
    struct made m;

    make_by(&m, DELEGATE, 7, "one", V_OCSP_CERTSTATUS_GOOD, DAY);
    ck_assert_str_eq(judge(&m, m.der, (size_t)m.n, &s, 0), "");
    ck_assert_uint_eq(s.der.n, (size_t)m.n);
    staple_fini(&s);
    end(&m);
}
END_TEST

START_TEST(without_the_issuer_it_is_shown_unverified)
{
    struct staple s;
    struct made m;

    make_by(&m, STRANGER, 7, "one", V_OCSP_CERTSTATUS_GOOD, DAY);
    (void)sk_X509_pop(m.chain);
    ck_assert_str_eq(judge(&m, m.der, (size_t)m.n, &s, 0),
                     "a.ini:3: a.der: whose word this is cannot be verified: "
                     "the issuer's certificate is not in a.pem");
    ck_assert_uint_eq(s.der.n, (size_t)m.n);
    staple_fini(&s);
    end(&m);
}
END_TEST

START_TEST(what_is_none_is_a_mistake)
{
    static const char why[] = "a.ini:3: a.der: this is no OCSP response in DER";
    OCSP_RESPONSE *busy =
        OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL);
    unsigned char *der = NULL;
    int n = i2d_OCSP_RESPONSE(busy, &der);
    struct staple s;
    struct made m;

    make(&m, 7, "one", V_OCSP_CERTSTATUS_GOOD, DAY);
    ck_assert_str_eq(judge(&m, "", 0, &s, ERR_INVALID), why);
    ck_assert_str_eq(judge(&m, "text", 4, &s, ERR_INVALID), why);
    for (int i = 0; i < m.n; i++)
        ck_assert_str_eq(judge(&m, m.der, (size_t)i, &s, ERR_INVALID), why);
    ck_assert_str_eq(judge(&m, der, (size_t)n, &s, 0),
                     "a.ini:3: a.der: trylater: it is not shown");
    OPENSSL_free(der);
    OCSP_RESPONSE_free(busy);
    end(&m);
}
END_TEST

UNIT_MAIN(staple, a_good_one_is_shown_until_its_end,
          what_would_harm_is_said_and_not_shown,
          another_certificate_s_is_a_mistake, so_is_the_word_of_a_stranger,
          a_delegate_s_is_the_issuer_s,
          without_the_issuer_it_is_shown_unverified, what_is_none_is_a_mistake)
