/* SPDX-License-Identifier: BSD-2-Clause */
/* pairs.h - what a [listen NAME] says of TLS, put together and judged.
 *
 *     tls.certificate = a.pem     \
 *     tls.certificate = b.pem      \   pairs: a.pem, a.key; b.pem, b.pem
 *     tls.key         = a.key      /
 *
 * The nth key and OCSP response belong to the nth certificate; a key that is
 * not named is looked for in the certificate's file.  Judged is what can be
 * told without looking into the files: whether they could be read, who else may
 * read what is secret, and keys that mean nothing without another one.  What is
 * in them is tls/context.h's. */
#ifndef CONF_PAIRS_H
#define CONF_PAIRS_H

#include "base/arena.h"
#include "base/check.h"
#include "base/diag.h"
#include "conf/conf.h"

struct bundle;
struct section;

struct pairs {
    struct arena *a;
    struct diag *d;
    const struct bundle *bundle; /* where the files are */
    int is_strict;               /* [server] module_owner */
};

/* Fill in to->pairs and the places behind them; to has the values of s.  What
 * is wrong is in p->d.  0 or ERR_NOMEM. [control] */
MUST_USE int pairs_of(const struct pairs *p, const struct section *s,
                      struct conf_listen *to);
/* Complain of a file that could not be read, or that everybody may read: it is
 * named by this key of the section with that title. [control] */
void pairs_check_secret(const struct pairs *p, const char *title,
                        const char *key, et_str path, const struct place *at);

#endif
