/* SPDX-License-Identifier: BSD-2-Clause */
/* peer.h - who the other end is, by the certificate it has shown and that was
 * verified: as texts, made once. */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include "abi/etude_abi.h"
#include "base/check.h"

struct x509_st;

#define PEER_TEXT_MAX 2048 /* of each; what is longer is cut */

struct peer {
    et_str subject; /* "CN=alice,O=Example" (RFC 4514) */
    et_str sha256;  /* of the certificate, 64 digits */
    et_str names;   /* "DNS:a.example, email:a@b.example, URI:spiffe://..." */
    void *memory;   /* they lie there; NULL: nobody is known */
};

/* Who x is: 0 or ERR_NOMEM, and then it is nobody. [worker] */
MUST_USE int peer_init(struct peer *p, struct x509_st *x);
/* Nobody is known any more; nothing for zeroes. [worker] */
void peer_fini(struct peer *p);

#endif
