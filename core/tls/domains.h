/* SPDX-License-Identifier: BSD-2-Clause */
/* domains.h - which of several things a host's name means: certificates by the
 * names that stand in them.
 *
 * A name is a host in lower case without a final dot, or "*." and such a name,
 * which covers one label more and no other number of them (RFC 9525 6.3).  An
 * exact name is stronger than a wildcard; of the same name twice the first one
 * counts.  Filled, then sealed, then only looked into: by any thread.
 *
 * No DNS, no OpenSSL, no knowledge of what the numbers mean. */
#ifndef TLS_DOMAINS_H
#define TLS_DOMAINS_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

#define DOMAINS_NAME_MAX 255 /* RFC 1035 2.3.4 */

struct domains {
    struct domains_row *rows; /* sealed: sorted */
    uint32_t n, cap;
};

/* No names. [control] */
void domains_init(struct domains *d);
void domains_fini(struct domains *d); /* [any] */
/* What name means; it is copied.  0, ERR_NOMEM, or ERR_LIMIT: longer than
 * DOMAINS_NAME_MAX. [control] */
MUST_USE int domains_add(struct domains *d, et_str name, uint32_t value);
/* All of them are there. [control] */
void domains_seal(struct domains *d);
/* What host means, in any case, with a final dot or without: 1; 0: nothing.
 * [any] */
int domains_find(const struct domains *d, et_str host, uint32_t *value);
/* Whether a name, which may be a wildcard, covers a host (or is the same
 * wildcard), as domains_find does it. [any] */
int domains_covers(et_str name, et_str host);

#endif
