/* SPDX-License-Identifier: BSD-2-Clause */
/* choice.h - which certificates a client can be shown, as its hello says.
 *
 * A name that stands in a certificate is stronger than a wildcard that covers
 * it: its site has the certificates with the name alone.  A client that can do
 * with none of their kinds is shown those of the wildcards, which are another
 * site, the first one's fallback. */
#ifndef TLS_CHOICE_H
#define TLS_CHOICE_H

#include "base/check.h"

struct cert;
struct ssl_st;

/* Whether ssl's client, whose hello is read, takes this certificate: its key's
 * kind, for the version that is spoken. [any] */
int choice_takes(struct ssl_st *ssl, const struct cert *cert);
/* ssl shows its site's fallback from now on, if the client takes none of the
 * site's certificates and one of those.  0, or ERR_NOMEM.  To be called when
 * OpenSSL asks for the certificate. [any] */
MUST_USE int choice_make(struct ssl_st *ssl);

#endif
