/* SPDX-License-Identifier: BSD-2-Clause */
/* staple.h - an OCSP response that is shown with a certificate (RFC 6066 8, RFC
 * 6960): is it one, of this certificate, and until when.
 *
 * A client may end the handshake for a response that is over, of another
 * certificate or not its issuer's word, and none for one that is missing.  So
 * what is none, or another's, is a mistake; what is over - whoever fetches it
 * has failed, perhaps - is said and not shown, and what is going to be over is
 * shown until then.  The signature is judged by the issuer in the certificate's
 * chain; where that is missing it is the client's to judge, which is said. */
#ifndef TLS_STAPLE_H
#define TLS_STAPLE_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/diag.h"

struct cert;
struct context_pair;

struct staple {
    et_str der;      /* own memory; absent: there is nothing to show */
    int64_t until_s; /* wall time; from then on neither */
};

/* That of pair, which is cert, at this wall time.  0 (out may be absent, with a
 * warning in d), or ERR_INVALID or ERR_NOMEM with the reason in
 * d.  Give it back with staple_fini. [control] */
MUST_USE int staple_init(struct staple *out, const struct context_pair *pair,
                         const struct cert *cert, int64_t now_s,
                         struct diag *d);
void staple_fini(struct staple *s); /* [any] */

#endif
