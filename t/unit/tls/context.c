/* SPDX-License-Identifier: BSD-2-Clause */
/* context.c - what a listener shows: which certificate for which name, and what
 * is said of those that are wrong. */
/* tags: asan */
#include "tls/context.h"

#include "t/lib/unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/str.h"
#include "tls/cert_self.h"
#include "tls/context_own.h"
#include "tls/tickets.h"

static struct diag diag;

static void
setup(void)
{
    context_init();
    diag_init(&diag);
}

static void
teardown(void)
{
    diag_fini(&diag);
}

/* A certificate for two names. */
static struct context_pair
pair_for(struct cert_self_texts *texts, const char *a, const char *b)
{
    const char *names[] = {a, b};

    ck_assert_int_eq(cert_self_signed(names, b ? 2 : 1, texts), 0);
    return (struct context_pair){
        .chain = str_from_z(texts->chain),
        .key = str_from_z(texts->key),
        .chain_path = "a.pem",
        .key_path = "a.key",
        .at = {"etude.ini", 7},
    };
}

static void
is_refused(const struct context_pair *pair, const char *why)
{
    struct context_spec spec = {.pairs = pair, .n_pairs = 1};

    ck_assert_ptr_null(context_new(&spec, &diag));
    ck_assert_uint_ge(diag.n_errors, 1);
    unit_has(diag.first->text, "etude.ini:7: a.");
    unit_has(diag.first->text, why);
    diag_fini(&diag);
    diag_init(&diag);
}

START_TEST(one_of_our_own)
{
    struct cert_self_texts texts;
    struct context_pair pair = pair_for(&texts, "localhost", "127.0.0.1");
    struct context_spec spec = {.pairs = &pair, .n_pairs = 1};
    struct context *c = context_new(&spec, &diag);
    struct context_cert cert;

    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(context_certs(c, &cert, 1), 1);
    ck_assert_str_eq(cert.names, "localhost, 127.0.0.1");
    ck_assert_str_eq(cert.kind, "P-256");
    ck_assert_int_eq(cert.not_after - cert.not_before,
                     CERT_SELF_DAYS * 86400L + 3600);
    ck_assert_uint_eq(strlen(cert.sha256), 64);
    ck_assert_ptr_eq(context_hold(c), c);
    context_drop(c);
    context_drop(c);
}
END_TEST

static uint32_t
site_for(const struct context *c, const char *host)
{
    uint32_t site = UINT32_MAX;

    (void)domains_find(&c->domains, str_from_z(host), &site);
    return site;
}

START_TEST(each_name_has_its_own)
{
    struct cert_self_texts texts[3];
    struct context_pair pairs[] = {
        pair_for(&texts[0], "a.example", "b.example"),
        pair_for(&texts[1], "*.example", NULL),
        pair_for(&texts[2], "c.example", "a.example"),
    };
    struct context_spec spec = {.pairs = pairs, .n_pairs = 3};
    struct context *c = context_new(&spec, &diag);

    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->n_sites, 3);
    ck_assert_uint_eq(site_for(c, "a.example"), 0);
    ck_assert_uint_eq(site_for(c, "b.example"), 0);
    ck_assert_uint_eq(site_for(c, "d.example"), 1);
    ck_assert_uint_eq(c->sites[site_for(c, "c.example")].certs[CERT_EC], 2);
    ck_assert_uint_eq(site_for(c, "example"), UINT32_MAX);
    ck_assert(context_site_covers(&c->sites[0], str_lit("B.example")));
    ck_assert(!context_site_covers(&c->sites[0], str_lit("c.example")));
    context_drop(c);
}
END_TEST

/* A renewed one behind that which it renews is good, and of no effect. */
START_TEST(one_that_nobody_is_shown_is_remarked_on)
{
    struct cert_self_texts texts[4];
    struct context_pair pairs[] = {
        pair_for(&texts[0], "*.example", "a.test"),
        pair_for(&texts[1], "b.example", NULL),
        pair_for(&texts[2], "*.example", "b.example"),
        pair_for(&texts[3], "a.test", "c.test"),
    };
    struct context_spec spec = {.pairs = pairs, .n_pairs = 4};
    struct context *c;

    pairs[2].at.line = 9;
    pairs[2].chain_path = "c.pem";
    c = context_new(&spec, &diag);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(diag.n_warnings, 1);
    unit_has(diag.first->text, "etude.ini:9: c.pem: no client is shown this");
    unit_has(diag.first->text, "(*.example: a.pem)");
    context_drop(c);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
    struct cert_self_texts a, b;
    struct context_pair pair = pair_for(&a, "a.example", NULL), bad;

    (void)pair_for(&b, "b.example", NULL);
    bad = pair;
    bad.key = str_from_z(b.key);
    is_refused(&bad, "a.key: this is not the key of a.pem");
    bad = pair;
    bad.chain = str_lit("nothing\n");
    is_refused(&bad, "a.pem: there is no certificate in PEM");
    bad.chain = str_from_z(a.key);
    is_refused(&bad, "a.pem: there is no certificate in PEM");
    bad = pair;
    bad.chain.n -= 40;
    is_refused(&bad, "a.pem: a certificate is broken (");
    bad = pair;
    bad.key = str_lit("");
    is_refused(&bad, "a.key: there is no private key in PEM");
    bad.key = str_from_z(a.chain);
    is_refused(&bad, "a.key: there is no private key in PEM");
}
END_TEST

START_TEST(of_several_all_that_is_wrong_is_said)
{
    struct cert_self_texts a;
    struct context_pair pairs[2] = {pair_for(&a, "a.example", NULL)};
    struct context_spec spec = {.pairs = pairs, .n_pairs = 2};

    pairs[1] = pairs[0];
    pairs[0].key = str_lit("");
    pairs[1].chain = str_lit("");
    ck_assert_ptr_null(context_new(&spec, &diag));
    ck_assert_uint_eq(diag.n_errors, 2);
}
END_TEST

/* ---- certificates of another make ----------------------------------------*/

struct made {
    X509 *x;
    EVP_PKEY *key;
};

/* Of so many seconds around now, signed by issuer, or by itself. */
static struct made
make(EVP_PKEY *key, const char *name, long from_s, long until_s,
     const struct made *issuer, int is_ca)
{
    struct made m = {X509_new(), key};
    X509_NAME *subject = X509_get_subject_name(m.x);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
                                              is_ca ? "CA:TRUE" : "CA:FALSE");

    ck_assert_ptr_nonnull(key);
    X509_set_version(m.x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(m.x), 1);
    X509_gmtime_adj(X509_getm_notBefore(m.x), from_s);
    X509_gmtime_adj(X509_getm_notAfter(m.x), until_s);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(m.x,
                         issuer ? X509_get_subject_name(issuer->x) : subject);
    X509_set_pubkey(m.x, key);
    X509_add_ext(m.x, ext, -1);
    X509_EXTENSION_free(ext);
    if (issuer)
        key = issuer->key;
    ck_assert_int_gt(
        X509_sign(m.x, key, EVP_PKEY_is_a(key, "ED448") ? NULL : EVP_sha256()),
        0);
    return m;
}

static void
made_free(struct made *m)
{
    X509_free(m->x);
    EVP_PKEY_free(m->key);
}

static et_str
text_of(BIO *bio)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);

    return (et_str){p, (size_t)n};
}

/* The pair of m, whose chain is m's and issuer's certificate. */
static struct context_pair
pair_of(BIO *bios[2], const struct made *m, const struct made *issuer)
{
    for (int i = 0; i < 2; i++)
        bios[i] = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bios[0], m->x);
    if (issuer)
        PEM_write_bio_X509(bios[0], issuer->x);
    PEM_write_bio_PrivateKey(bios[1], m->key, NULL, NULL, 0, NULL, NULL);
    return (struct context_pair){
        .chain = text_of(bios[0]),
        .key = text_of(bios[1]),
        .chain_path = "a.pem",
        .key_path = "a.key",
        .at = {"etude.ini", 7},
    };
}

static void
made_is_refused(struct made m, const struct made *issuer, const char *why)
{
    BIO *bios[2];
    struct context_pair pair = pair_of(bios, &m, issuer);

    is_refused(&pair, why);
    BIO_free(bios[0]);
    BIO_free(bios[1]);
    made_free(&m);
}

START_TEST(times_and_keys_that_nobody_would_take)
{
    made_is_refused(
        make(EVP_EC_gen("P-256"), "a", -9 * 86400, -2 * 86400 - 60, NULL, 0),
        NULL, "expired on ");
    made_is_refused(make(EVP_EC_gen("P-256"), "a", 9000, 90000, NULL, 0), NULL,
                    "is not valid before ");
    made_is_refused(make(EVP_RSA_gen(1024), "a", -60, 86400, NULL, 0), NULL,
                    "an RSA key of 1024 bits; 2048 is the least");
    made_is_refused(
        make(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), "a", -60, 86400, NULL, 0),
        NULL, "keys are RSA, ECDSA or Ed25519");
}
END_TEST

START_TEST(a_chain_is_in_order)
{
    struct made root = make(EVP_EC_gen("P-256"), "root", -60, 86400, NULL, 1);
    struct made other = make(EVP_EC_gen("P-256"), "other", -60, 86400, NULL, 1);
    struct made leaf =
        make(EVP_RSA_gen(2048), "a.example", -60, 86400, &root, 0);
    BIO *bios[2];
    struct context_pair pair = pair_of(bios, &leaf, &root);
    struct context_spec spec = {.pairs = &pair, .n_pairs = 1};
    struct context *c = context_new(&spec, &diag);
    struct context_cert cert;

    ck_assert_ptr_nonnull(c);
    context_certs(c, &cert, 1);
    ck_assert_str_eq(cert.kind, "RSA 2048");
    ck_assert_str_eq(cert.names, "a.example");
    context_drop(c);
    BIO_free(bios[0]);
    BIO_free(bios[1]);
    made_is_refused(leaf, &other,
                    "certificate 1 was not issued by certificate 2");
    made_free(&root);
    made_free(&other);
}
END_TEST

START_TEST(rsa_and_ecdsa_of_a_name_are_side_by_side)
{
    struct made made[2] = {
        make(EVP_RSA_gen(2048), "a.example", -60, 86400, NULL, 0),
        make(EVP_EC_gen("P-384"), "a.example", -60, 86400, NULL, 0),
    };
    BIO *bios[4];
    struct context_pair pairs[] = {pair_of(bios, &made[0], NULL),
                                   pair_of(bios + 2, &made[1], NULL)};
    struct context_spec spec = {.pairs = pairs, .n_pairs = 2};
    struct context *c = context_new(&spec, &diag);

    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->n_sites, 1);
    ck_assert_uint_eq(c->sites[0].certs[CERT_RSA], 0);
    ck_assert_uint_eq(c->sites[0].certs[CERT_EC], 1);
    context_drop(c);
    for (int i = 0; i < 4; i++)
        BIO_free(bios[i]);
    made_free(&made[0]);
    made_free(&made[1]);
}
END_TEST

/* A wildcard's certificate is of another site, whatever its key is. */
START_TEST(a_wildcard_is_what_a_name_falls_back_to)
{
    for (int order = 0; order < 2; order++) {
        uint32_t rsa = order ? 1 : 0, ec = 1 - rsa, exact, wild;
        struct made made[2];
        BIO *bios[4];
        struct context_pair pairs[2];
        struct context_spec spec = {.pairs = pairs, .n_pairs = 2};
        struct context *c;

        made[rsa] = make(EVP_RSA_gen(2048), "a.example", -60, 86400, NULL, 0);
        made[ec] = make(EVP_EC_gen("P-256"), "*.example", -60, 86400, NULL, 0);
        for (int i = 0; i < 2; i++)
            pairs[i] = pair_of(bios + 2 * i, &made[i], NULL);
        c = context_new(&spec, &diag);
        ck_assert_ptr_nonnull(c);
        ck_assert_uint_eq(c->n_sites, 2);
        exact = site_for(c, "a.example");
        wild = site_for(c, "b.example");
        ck_assert_uint_eq(exact, rsa);
        ck_assert_uint_eq(c->sites[exact].certs[CERT_RSA], rsa);
        ck_assert_uint_eq(c->sites[exact].certs[CERT_EC], CONTEXT_NONE);
        ck_assert_uint_eq(c->sites[exact].fallback, wild);
        ck_assert_uint_eq(wild, ec);
        ck_assert_uint_eq(c->sites[wild].certs[CERT_EC], ec);
        ck_assert_uint_eq(c->sites[wild].certs[CERT_RSA], CONTEXT_NONE);
        ck_assert_uint_eq(c->sites[wild].fallback, CONTEXT_NONE);
        context_drop(c);
        for (int i = 0; i < 4; i++)
            BIO_free(bios[i]);
        made_free(&made[0]);
        made_free(&made[1]);
    }
}
END_TEST

START_TEST(names_that_make_no_certificate)
{
    static const char *const bad[] = {"", "a,DNS:b", "a b", "a\n"};
    struct cert_self_texts texts;
    const char *long_one[40];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_lt(cert_self_signed(&bad[i], 1, &texts), 0);
    ck_assert_int_lt(cert_self_signed(bad, 0, &texts), 0);
    for (size_t i = 0; i < 40; i++)
        long_one[i] = "a-rather-long-name-of-a-host-that-has-many-letters."
                      "and-some-more.example";
    ck_assert_int_lt(cert_self_signed(long_one, 40, &texts), 0);
    long_one[0] = "::1";
    ck_assert_int_eq(cert_self_signed(long_one, 2, &texts), 0);
}
END_TEST

UNIT_MAIN_IN(setup, teardown, context, one_of_our_own, each_name_has_its_own,
             one_that_nobody_is_shown_is_remarked_on, what_is_wrong_is_said,
             of_several_all_that_is_wrong_is_said,
             times_and_keys_that_nobody_would_take, a_chain_is_in_order,
             rsa_and_ecdsa_of_a_name_are_side_by_side,
             a_wildcard_is_what_a_name_falls_back_to,
             names_that_make_no_certificate)
