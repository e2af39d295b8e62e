/* SPDX-License-Identifier: BSD-2-Clause */
/* pairs.c - see pairs.h. */
#include "conf/pairs.h"

#include <sys/stat.h>

#include "base/err.h"
#include "conf/bundle_paper.h"
#include "conf/section.h"
#include "conf/value.h"

/* One section being judged. */
struct judge {
    const struct pairs *p;
    const struct section *s;
    struct conf_listen *to;
};

/* The nth line (from 0) that gives a key, or NULL. */
static const struct section_entry *
line_of(const struct judge *j, const char *key, size_t n)
{
    const struct section_entry *e;

    for (e = j->s->first; e; e = e->next)
        if (!e->is_replaced && value_eq(e->key, key) && n-- == 0)
            return e;
    return NULL;
}

static int
is_given(const struct judge *j, const char *key)
{
    return line_of(j, key, 0) != NULL;
}

/* Where that line is, else the section. */
static struct place
place_of(const struct judge *j, const char *key, size_t n)
{
    const struct section_entry *e = line_of(j, key, n);

    return e ? e->at : j->s->at;
}

/* Complain at the nth line of a key. */
static void
complain(const struct judge *j, const char *key, size_t n, const char *why)
{
    struct place at = place_of(j, key, n);

    diag_error(j->p->d, &at, "%s %s: %s", j->s->title, key, why);
}

/* ---- files ----------------------------------------------------------------*/

/* The file, if it could be read. */
static const struct bundle_paper *
check_file(const struct pairs *p, const char *title, const char *key,
           et_str path, const struct place *at)
{
    const struct bundle_paper *paper = bundle_paper_find(p->bundle, path);

    if (paper && !paper->why)
        return paper;
    diag_error(p->d, at, "%s %s: cannot read %.*s: %s", title, key, (int)path.n,
               path.p, paper ? paper->why : "nobody has read it");
    return NULL;
}

void
pairs_check_secret(const struct pairs *p, const char *title, const char *key,
                   et_str path, const struct place *at)
{
    const struct bundle_paper *paper = check_file(p, title, key, path, at);
    static const char fmt[] =
        "%s %s: everybody may %s %.*s (mode %04o): chmod 0600";
    const char *what;

    if (!paper || !(paper->mode & (S_IROTH | S_IWOTH)))
        return;
    what = paper->mode & S_IROTH ? "read" : "write to";
    if (p->is_strict)
        diag_error(p->d, at, fmt, title, key, what, (int)path.n, path.p,
                   paper->mode);
    else
        diag_warn(p->d, at, fmt, title, key, what, (int)path.n, path.p,
                  paper->mode);
}

/* A certificate without a tls.key has its key behind it. */
static void
check_own_key(const struct judge *j, const struct conf_pair *pair)
{
    const struct bundle_paper *paper = check_file(
        j->p, j->s->title, "tls.certificate", pair->certificate, &pair->at);

    if (!paper)
        return;
    if (bundle_paper_has_key(paper))
        pairs_check_secret(j->p, j->s->title, "tls.certificate",
                           pair->certificate, &pair->at);
    else
        diag_error(j->p->d, &pair->at,
                   "%s tls.certificate: there is no key in %s, nor a tls.key "
                   "for it",
                   j->s->title, pair->certificate.p);
}

static void
check_pair(const struct judge *j, const struct conf_pair *pair)
{
    const struct pairs *p = j->p;
    const char *title = j->s->title;

    if (pair->key.p == pair->certificate.p) {
        check_own_key(j, pair);
    } else {
        (void)check_file(p, title, "tls.certificate", pair->certificate,
                         &pair->at);
        pairs_check_secret(p, title, "tls.key", pair->key, &pair->key_at);
    }
    if (pair->ocsp.n)
        (void)check_file(p, title, "tls.ocsp", pair->ocsp, &pair->ocsp_at);
}

/* ---- pairs ----------------------------------------------------------------*/

static void
make_pair(const struct judge *j, size_t i, struct conf_pair *out)
{
    const struct conf_listen *l = j->to;

    out->certificate = out->key = l->tls_certificate.v[i];
    out->at = out->key_at = place_of(j, "tls.certificate", i);
    if (i < l->tls_key.n) {
        out->key = l->tls_key.v[i];
        out->key_at = place_of(j, "tls.key", i);
    }
    if (i < l->tls_ocsp.n && l->tls_ocsp.v[i].n) {
        out->ocsp = l->tls_ocsp.v[i];
        out->ocsp_at = place_of(j, "tls.ocsp", i);
    }
}

static int
make_pairs(const struct judge *j)
{
    size_t n = j->to->tls_certificate.n;
    struct conf_pair *v = arena_zalloc(j->p->a, (n + 1) * sizeof(*v));

    if (!v)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        make_pair(j, i, &v[i]);
        check_pair(j, &v[i]);
    }
    j->to->pairs = v;
    j->to->n_pairs = n;
    return 0;
}

/* ---- what makes no sense --------------------------------------------------*/

/* More of what belongs to certificates than there are certificates. */
static void
check_count(const struct judge *j, const char *key, size_t n)
{
    size_t most = j->to->tls_certificate.n;

    if (most > 0 && n > most)
        complain(j, key, most,
                 "there is no tls.certificate that it belongs to");
}

/* Nothing of TLS without a certificate. */
static void
check_plain(const struct judge *j)
{
    static const char *const keys[] = {
        "tls.key",  "tls.ocsp",       "tls.client",  "tls.client_ca",
        "tls.hsts", "tls.early_data", "tls.profile", "tls.offload"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (is_given(j, keys[i]))
            complain(j, keys[i], 0, "there is no tls.certificate");
}

static void
check_clients(const struct judge *j)
{
    const struct conf_listen *l = j->to;
    struct place at = place_of(j, "tls.client_ca", 0);

    if (l->tls_client && !l->tls_client_ca.n)
        complain(j, "tls.client", 0,
                 "without tls.client_ca nobody's certificate is a good one");
    if (!l->tls_client && l->tls_client_ca.n)
        complain(j, "tls.client_ca", 0,
                 "nobody is asked for a certificate: tls.client = optional or "
                 "required");
    if (l->tls_client_ca.n)
        (void)check_file(j->p, j->s->title, "tls.client_ca", l->tls_client_ca,
                         &at);
}

static void
check_secure(const struct judge *j)
{
    const struct conf_listen *l = j->to;

    check_count(j, "tls.key", l->tls_key.n);
    check_count(j, "tls.ocsp", l->tls_ocsp.n);
    check_clients(j);
    if (l->redirect)
        complain(j, "redirect", 0, "this listener speaks TLS itself");
    if (l->tls_self_signed && is_given(j, "tls.certificate"))
        complain(j, "tls.self_signed", 0, "there is a tls.certificate");
    else if (l->tls_self_signed && is_given(j, "tls.key"))
        complain(j, "tls.key", 0, "there is no tls.certificate");
    else if (l->tls_self_signed && is_given(j, "tls.ocsp"))
        complain(j, "tls.ocsp", 0, "there is no tls.certificate");
}

int
pairs_of(const struct pairs *p, const struct section *s, struct conf_listen *to)
{
    const struct judge j = {.p = p, .s = s, .to = to};
    int rc = make_pairs(&j);

    if (rc)
        return rc;
    to->client_ca_at = place_of(&j, "tls.client_ca", 0);
    to->self_signed_at = place_of(&j, "tls.self_signed", 0);
    if (is_given(&j, "tls.certificate") || to->tls_self_signed)
        check_secure(&j);
    else
        check_plain(&j);
    if (is_given(&j, "redirect_port") && !to->redirect)
        complain(&j, "redirect_port", 0, "there is no redirect = https");
    return 0;
}
