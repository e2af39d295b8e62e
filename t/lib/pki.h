/* SPDX-License-Identifier: BSD-2-Clause */
/* pki.h - certificates for tests, made when they are wanted.
 *
 *     pki_make(&s, &(struct pki){.file = "site", .names = "a.test,*.b.test"});
 *         -> DIR/site.pem, and its key DIR/site.key of mode 0600
 *
 * All are signed by one authority of the test's process, whose certificate
 * pki_authority writes.  What fails, fails the test. */
#ifndef T_LIB_PKI_H
#define T_LIB_PKI_H

struct server;

struct pki {
    const char *file;  /* below the server's folder, without .pem */
    const char *names; /* of DNS, or numeric addresses, with commas between
                          them; the first one is the subject too */
    int is_rsa;        /* 2048 bits; else P-256 */
    int begins_days;   /* from now; below 0: it has begun */
    int ends_days;     /* from now; 0: 30 */
    int ends_s;        /* from now, instead; 0: not */
    int is_client;     /* for a client to show */
    int is_old;        /* the key that DIR/FILE.key holds is used again */
    int has_issuer;    /* the authority's certificate is behind it */
};

void pki_make(const struct server *s, const struct pki *p);
/* DIR/to: the authority's word (OCSP, DER) that DIR/FILE.pem is good, for a
 * day; is_forged: signed with a key that is not the authority's. */
void pki_ocsp(const struct server *s, const char *file, const char *to,
              int is_forged);
/* DIR/ca.pem: the authority; its path, in a static buffer. */
const char *pki_authority(const struct server *s);

#endif
