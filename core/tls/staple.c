/* SPDX-License-Identifier: BSD-2-Clause */
/* staple.c - see staple.h. */
#include "tls/staple.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "tls/cert.h"
#include "tls/context.h"

/* One response being judged. */
struct judge {
    const struct context_pair *pair;
    const struct cert *cert;
    int64_t now_s;
    struct diag *diag;
};

static int
refuse(const struct judge *j, const char *why)
{
    diag_error(j->diag, &j->pair->at, "%s: %s", j->pair->ocsp_path, why);
    return ERR_INVALID;
}

/* It is not shown: 0. */
static int
leave_out(const struct judge *j, const char *why)
{
    diag_warn(j->diag, &j->pair->at, "%s: %s: it is not shown",
              j->pair->ocsp_path, why);
    return 0;
}

/* Who issued leaf, by the hash of the name that id has. */
static int
is_of_issuer(const X509 *leaf, const ASN1_OBJECT *algorithm,
             const ASN1_OCTET_STRING *hash)
{
    const EVP_MD *md = EVP_get_digestbyobj(algorithm);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    return md &&
           X509_NAME_digest(X509_get_issuer_name(leaf), md, digest, &n) == 1 &&
           (int)n == ASN1_STRING_length(hash) &&
           memcmp(ASN1_STRING_get0_data(hash), digest, n) == 0;
}

static int
is_about(const X509 *leaf, OCSP_SINGLERESP *single)
{
    const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
    ASN1_OCTET_STRING *issuer;
    ASN1_INTEGER *serial;
    ASN1_OBJECT *algorithm;

    return OCSP_id_get0_info(&issuer, &algorithm, NULL, &serial,
                             (OCSP_CERTID *)(uintptr_t)id) == 1 &&
           ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0 &&
           is_of_issuer(leaf, algorithm, issuer);
}

static OCSP_SINGLERESP *
find(const struct judge *j, OCSP_BASICRESP *basic)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        if (is_about(j->cert->leaf, single))
            return single;
    }
    return NULL;
}

/* Without an end it is shown until another one is there. */
static int64_t
end_of(const ASN1_GENERALIZEDTIME *next)
{
    struct tm tm;

    return next && ASN1_TIME_to_tm(next, &tm) ? (int64_t)timegm(&tm)
                                              : INT64_MAX;
}

static int
keep(const struct judge *j, int64_t until_s, struct staple *out)
{
    char *copy = malloc(j->pair->ocsp.n);

    if (!copy) {
        (void)refuse(j, err_text(ERR_NOMEM));
        return ERR_NOMEM;
    }
    memcpy(copy, j->pair->ocsp.p, j->pair->ocsp.n);
    out->der.p = copy;
    out->der.n = j->pair->ocsp.n;
    out->until_s = until_s;
    return 0;
}

/* A store in which issuer is all that is trusted, at j's time; NULL: no memory.
 */
static X509_STORE *
trust(const struct judge *j, X509 *issuer)
{
    X509_STORE *store = X509_STORE_new();

    if (!store || X509_STORE_add_cert(store, issuer) != 1) {
        X509_STORE_free(store);
        return NULL;
    }
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)j->now_s);
    return store;
}

/* RFC 6960 4.2.2.2: who signs is the issuer, or has a certificate of the
 * issuer's for this. */
static int
judge_signature(const struct judge *j, OCSP_BASICRESP *basic)
{
    X509 *issuer = sk_X509_value(j->cert->chain, 0);
    X509_STORE *store;
    const char *why;
    int is_good;

    if (!issuer) {
        diag_warn(j->diag, &j->pair->at,
                  "%s: whose word this is cannot be verified: the issuer's "
                  "certificate is not in %s",
                  j->pair->ocsp_path, j->pair->chain_path);
        return 0;
    }
    store = trust(j, issuer);
    if (!store) {
        (void)refuse(j, err_text(ERR_NOMEM));
        return ERR_NOMEM;
    }
    is_good = OCSP_basic_verify(basic, j->cert->chain, store,
                                OCSP_PARTIAL_CHAIN) == 1;
    X509_STORE_free(store);
    if (is_good)
        return 0;
    why = ERR_reason_error_string(ERR_peek_last_error());
    diag_error(j->diag, &j->pair->at,
               "%s: this OCSP response is not the word of the issuer in %s "
               "(%s)",
               j->pair->ocsp_path, j->pair->chain_path,
               why ? why : "no reason is known");
    ERR_clear_error();
    return ERR_INVALID;
}

static int
judge_single(const struct judge *j, OCSP_BASICRESP *basic,
             OCSP_SINGLERESP *single, struct staple *out)
{
    ASN1_GENERALIZEDTIME *next = NULL;
    int status = OCSP_single_get0_status(single, NULL, NULL, NULL, &next);
    int64_t until_s = end_of(next);
    int rc;

    if (until_s <= j->now_s)
        return leave_out(j, "this OCSP response is over");
    rc = judge_signature(j, basic);
    if (rc < 0)
        return rc;
    if (status != V_OCSP_CERTSTATUS_GOOD)
        return leave_out(j, status == V_OCSP_CERTSTATUS_REVOKED
                                ? "it says that the certificate is revoked"
                                : "it says that the certificate is not known");
    return keep(j, until_s, out);
}

static int
judge_basic(const struct judge *j, OCSP_RESPONSE *r, struct staple *out)
{
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(r);
    OCSP_SINGLERESP *single = basic ? find(j, basic) : NULL;
    int rc;

    if (single)
        rc = judge_single(j, basic, single, out);
    else
        rc = refuse(j, basic ? "this OCSP response is about another certificate"
                             : "this is no OCSP response in DER");
    OCSP_BASICRESP_free(basic);
    return rc;
}

int
staple_init(struct staple *out, const struct context_pair *pair,
            const struct cert *cert, int64_t now_s, struct diag *d)
{
    const struct judge j = {pair, cert, now_s, d};
    const unsigned char *p = (const unsigned char *)pair->ocsp.p;
    OCSP_RESPONSE *r;
    int rc;

    *out = (struct staple){{NULL, 0}, 0};
    if (pair->ocsp.n == 0 && !pair->ocsp_path)
        return 0;
    r = pair->ocsp.n > 0 && pair->ocsp.n < LONG_MAX
            ? d2i_OCSP_RESPONSE(NULL, &p, (long)pair->ocsp.n)
            : NULL;
    if (!r)
        rc = refuse(&j, "this is no OCSP response in DER");
    else if (OCSP_response_status(r) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        rc = leave_out(&j, OCSP_response_status_str(OCSP_response_status(r)));
    else
        rc = judge_basic(&j, r, out);
    OCSP_RESPONSE_free(r);
    return rc;
}

void
staple_fini(struct staple *s)
{
    free((void *)(uintptr_t)s->der.p);
}
