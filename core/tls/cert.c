/* SPDX-License-Identifier: BSD-2-Clause */
/* cert.c - see cert.h. */
#include "tls/cert.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"
#include "tls/cert_names.h"
#include "tls/context.h"
#include "tls/domains.h"

#define DAY_S 86400
#define MIN_RSA_BITS 2048 /* what security level 2 of OpenSSL wants */

/* ---- texts to objects ----------------------------------------------------*/

/* What OpenSSL has to say of its last failure, and nothing is left of it. */
static const char *
why(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return text ? text : "no reason is known";
}

static BIO *
text_bio(et_str text)
{
    return BIO_new_mem_buf(text.p ? text.p : "", (int)text.n);
}

/* The certificates of a text in their order, other PEM blocks passed over.
 * NULL: one of them is broken, or no memory. */
static STACK_OF(X509) * read_certificates(et_str pem)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    BIO *bio = text_bio(pem);
    X509 *x = NULL;
    unsigned long code;

    while (all && bio && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        if (!sk_X509_push(all, x)) {
            X509_free(x);
            break;
        }
    BIO_free(bio);
    code = ERR_peek_last_error();
    if (all && (!x && ERR_GET_LIB(code) == ERR_LIB_PEM &&
                ERR_GET_REASON(code) == PEM_R_NO_START_LINE)) {
        ERR_clear_error(); /* the end, as it should be */
        return all;
    }
    sk_X509_pop_free(all, X509_free);
    return NULL;
}

/* A key with a passphrase is not asked for one. */
static int
no_passphrase(char *buf, int cap, int is_writing, void *was_asked)
{
    (void)buf;
    (void)cap;
    (void)is_writing;
    *(int *)was_asked = 1;
    return -1;
}

static EVP_PKEY *
read_key(const struct context_pair *pair, struct diag *d)
{
    int was_asked = 0;
    BIO *bio = text_bio(pair->key);
    EVP_PKEY *key =
        bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &was_asked)
            : NULL;

    BIO_free(bio);
    if (key)
        return key;
    if (was_asked)
        diag_error(d, &pair->at,
                   "%s: the private key has a passphrase, which nobody could "
                   "give at a start: openssl pkey -in FILE -out FILE",
                   pair->key_path);
    else
        diag_error(d, &pair->at, "%s: there is no private key in PEM (%s)",
                   pair->key_path, why());
    ERR_clear_error();
    return NULL;
}

/* ---- what may be wrong ---------------------------------------------------*/

static int64_t
seconds_of(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0;
}

/* "2027-03-01" */
static const char *
day_of(int64_t s, char out[16])
{
    time_t at = (time_t)s;
    struct tm tm;

    if (!gmtime_r(&at, &tm) || strftime(out, 16, "%Y-%m-%d", &tm) == 0)
        strcpy(out, "?");
    return out;
}

/* The nth of a file, for messages. */
static void
judge_time(const X509 *x, int nth, const struct context_pair *pair,
           int64_t now_s, struct diag *d)
{
    int64_t from = seconds_of(X509_get0_notBefore(x)),
            until = seconds_of(X509_get0_notAfter(x));
    char day[16];

    if (until < now_s)
        diag_error(d, &pair->at,
                   "%s: certificate %d expired on %s, %lld day(s) ago",
                   pair->chain_path, nth, day_of(until, day),
                   (long long)((now_s - until) / DAY_S));
    else if (from > now_s)
        diag_error(d, &pair->at, "%s: certificate %d is not valid before %s",
                   pair->chain_path, nth, day_of(from, day));
}

/* Each has been issued by the one behind it (RFC 8446 4.4.2 would allow more;
 * clients do not). */
static void
judge_chain(const struct cert *c, const struct context_pair *pair,
            int64_t now_s, struct diag *d)
{
    X509 *x = c->leaf;

    judge_time(x, 1, pair, now_s, d);
    for (int i = 0; i < sk_X509_num(c->chain); i++) {
        X509 *issuer = sk_X509_value(c->chain, i);
        judge_time(issuer, i + 2, pair, now_s, d);
        if (X509_check_issued(issuer, x) != X509_V_OK) {
            diag_error(d, &pair->at,
                       "%s: certificate %d was not issued by certificate %d: "
                       "the server's comes first, then its issuer, and so on",
                       pair->chain_path, i + 1, i + 2);
            return;
        }
        x = issuer;
    }
}

static void
judge_key(struct cert *c, const struct context_pair *pair, struct diag *d)
{
    int id = EVP_PKEY_get_base_id(c->key);

    if (X509_check_private_key(c->leaf, c->key) != 1) {
        ERR_clear_error();
        diag_error(d, &pair->at, "%s: this is not the key of %s",
                   pair->key_path, pair->chain_path);
        return;
    }
    c->kind = id == EVP_PKEY_RSA  ? CERT_RSA
              : id == EVP_PKEY_EC ? CERT_EC
                                  : CERT_ED25519;
    if (c->kind == CERT_ED25519 && id != EVP_PKEY_ED25519)
        diag_error(d, &pair->at,
                   "%s: keys are RSA, ECDSA or Ed25519, and this one is not",
                   pair->key_path);
    if (c->kind == CERT_RSA && EVP_PKEY_get_bits(c->key) < MIN_RSA_BITS)
        diag_error(d, &pair->at, "%s: an RSA key of %d bits; %d is the least",
                   pair->key_path, EVP_PKEY_get_bits(c->key), MIN_RSA_BITS);
}

static void
judge_purpose(const struct cert *c, const struct context_pair *pair,
              struct diag *d)
{
    if (X509_check_purpose(c->leaf, X509_PURPOSE_SSL_SERVER, 0) != 1)
        diag_error(d, &pair->at,
                   "%s: this certificate is not one for servers (its key "
                   "usage says so)",
                   pair->chain_path);
    if (c->n_names == 0)
        diag_warn(d, &pair->at, "%s: no host name stands in this certificate",
                  pair->chain_path);
}

/* ---- names ---------------------------------------------------------------*/

static int
add_name(void *ctx, const char *name, size_t n)
{
    struct cert *c = ctx;
    et_str *names;
    char *copy;

    if (n > DOMAINS_NAME_MAX)
        return 0;
    names = realloc(c->names, (c->n_names + 1) * sizeof *names);
    if (!names)
        return ERR_NOMEM;
    c->names = names;
    copy = malloc(n);
    if (!copy)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        copy[i] =
            (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
    names[c->n_names++] = (et_str){copy, n};
    return 0;
}

/* ---- all of it -----------------------------------------------------------*/

static int
read_chain(struct cert *c, const struct context_pair *pair, struct diag *d)
{
    c->chain = read_certificates(pair->chain);
    if (!c->chain) {
        diag_error(d, &pair->at, "%s: a certificate is broken (%s)",
                   pair->chain_path, why());
        return ERR_INVALID;
    }
    c->leaf = sk_X509_shift(c->chain);
    if (!c->leaf) {
        diag_error(d, &pair->at, "%s: there is no certificate in PEM",
                   pair->chain_path);
        return ERR_INVALID;
    }
    if (cert_names_each(c->leaf, add_name, c) < 0) {
        diag_error(d, &pair->at, "%s: out of memory", pair->chain_path);
        return ERR_NOMEM;
    }
    return 0;
}

int
cert_init(struct cert *c, const struct context_pair *pair, int64_t now_s,
          struct diag *d)
{
    uint32_t n_errors = d->n_errors;
    int rc;

    *c = (struct cert){0};
    rc = read_chain(c, pair, d);
    c->key = read_key(pair, d);
    if (rc == 0) {
        judge_chain(c, pair, now_s, d);
        judge_purpose(c, pair, d);
    }
    if (rc == 0 && c->key)
        judge_key(c, pair, d);
    ERR_clear_error();
    if (rc == 0 && d->n_errors > n_errors)
        rc = ERR_INVALID;
    return rc;
}

void
cert_fini(struct cert *c)
{
    for (size_t i = 0; i < c->n_names; i++)
        free((void *)(uintptr_t)c->names[i].p);
    free(c->names);
    X509_free(c->leaf);
    sk_X509_pop_free(c->chain, X509_free);
    EVP_PKEY_free(c->key);
    *c = (struct cert){0};
}

int
cert_covers(const struct cert *c, et_str host)
{
    for (size_t i = 0; i < c->n_names; i++)
        if (domains_covers(c->names[i], host))
            return 1;
    return 0;
}

int
cert_has(const struct cert *c, et_str name)
{
    for (size_t i = 0; i < c->n_names; i++)
        if (str_eq(c->names[i], name))
            return 1;
    return 0;
}

struct stack_st_X509 *
cert_authorities(et_str pem, const char *path, const struct place *at,
                 struct diag *d)
{
    STACK_OF(X509) *all = read_certificates(pem);

    if (all && sk_X509_num(all) > 0)
        return all;
    if (all)
        diag_error(d, at, "%s: there is no certificate in PEM", path);
    else
        diag_error(d, at, "%s: a certificate is broken (%s)", path, why());
    cert_free_all(all);
    return NULL;
}

void
cert_free_all(struct stack_st_X509 *all)
{
    sk_X509_pop_free(all, X509_free);
}

/* ---- for people ----------------------------------------------------------*/

static void
write_names(const struct cert *c, char *to, size_t cap)
{
    static const char more[] = ", ...";
    size_t used = 0;

    to[0] = '\0';
    for (size_t i = 0; i < c->n_names; i++) {
        et_str name = c->names[i];
        if (used + name.n + 2 + sizeof more > cap) {
            memcpy(to + used, i ? more : more + 2, sizeof more - (i ? 0 : 2));
            return;
        }
        used += (size_t)snprintf(to + used, cap - used, "%s%.*s", i ? ", " : "",
                                 (int)name.n, name.p);
    }
}

static void
write_kind(const struct cert *c, char *to, size_t cap)
{
    static const char *const curves[][2] = {
        {"prime256v1", "P-256"},
        {"secp384r1", "P-384"},
        {"secp521r1", "P-521"},
    };
    char group[64] = "EC";

    if (c->kind == CERT_RSA) {
        snprintf(to, cap, "RSA %d", EVP_PKEY_get_bits(c->key));
        return;
    }
    if (c->kind == CERT_ED25519)
        strcpy(group, "Ed25519");
    else
        EVP_PKEY_get_group_name(c->key, group, sizeof group, NULL);
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (strcmp(group, curves[i][0]) == 0)
            strcpy(group, curves[i][1]);
    snprintf(to, cap, "%.*s", (int)cap - 1, group);
}

void
cert_describe(const struct cert *c, struct context_cert *out)
{
    unsigned char digest[SHA256_LEN];

    write_names(c, out->names, sizeof out->names);
    write_kind(c, out->kind, sizeof out->kind);
    out->not_before = seconds_of(X509_get0_notBefore(c->leaf));
    out->not_after = seconds_of(X509_get0_notAfter(c->leaf));
    out->sha256[0] = '\0';
    if (X509_digest(c->leaf, EVP_sha256(), digest, NULL) == 1)
        sha256_hex(digest, out->sha256);
}
