/* SPDX-License-Identifier: BSD-2-Clause */
/* tickets.h - the keys of session tickets (RFC 5077, RFC 8446 4.6.1).
 *
 * A ticket is what a client keeps of a session, encrypted for us.  Two kinds:
 *
 *     random   each hour has a key of its own, made from a secret that the
 *              next hour's secret is made from too and then forgotten: whoever
 *              takes a process over reads no ticket of long ago.  The current
 *              key encrypts, those of the last TICKETS_OLD_HOURS still decrypt.
 *              Who has the same state at one moment has the same keys for ever.
 *     a file's the same ones for as long as it is not changed, so that several
 *              machines share them: the first encrypts, all of them decrypt.
 *
 * Counted, any thread.  A lock is taken once a ticket, for as long as it takes
 * to copy a key, or to make those of the hours that have begun.  Knows nothing
 * of OpenSSL. */
#ifndef TLS_TICKETS_H
#define TLS_TICKETS_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/diag.h"

#define TICKETS_NAME_BYTES 16
#define TICKETS_KEY_BYTES 80 /* of a file: name, HMAC key, AES key */
#define TICKETS_MAX_KEYS 16
#define TICKETS_OLD_HOURS 2
/* A ticket can be decrypted for at least so long, so that is what it says. */
#define TICKETS_LIFETIME_S (TICKETS_OLD_HOURS * 3600)

struct tickets;

struct ticket_key {
    uint8_t name[TICKETS_NAME_BYTES]; /* stands in the ticket, readable */
    uint8_t mac[32];                  /* HMAC-SHA256 */
    uint8_t aes[32];                  /* AES-256-CBC */
};

/* What tickets_find says of a key. */
enum tickets_found {
    TICKETS_UNKNOWN,
    TICKETS_CURRENT,
    TICKETS_OLD, /* the client is given another ticket */
};

/* Keys from random bytes of the kernel's, as of a wall time, and from a file of
 * so many times TICKETS_KEY_BYTES: NULL with the reason in d.  NULL also
 * without memory. [control] */
MUST_USE struct tickets *tickets_new(int64_t wall_s);
MUST_USE struct tickets *tickets_from_file(et_str bytes, const char *path,
                                           const struct place *at,
                                           struct diag *d);
/* The state of random keys as bytes, for the process that takes over: how many
 * were written to out; 0 for those of a file, which the other one reads. They
 * are secrets. [any] */
#define TICKETS_SAVED_BYTES (16 + 32 + (TICKETS_OLD_HOURS + 1) * 80)
size_t tickets_save(struct tickets *t, uint8_t out[TICKETS_SAVED_BYTES]);
/* ... and back; NULL: these bytes are none, or no memory. [control] */
MUST_USE struct tickets *tickets_load(et_str saved);

/* One more holder; NULL is fine. [any] */
struct tickets *tickets_hold(struct tickets *t);
/* The last one wipes and frees it; NULL is fine. [any] */
void tickets_drop(struct tickets *t);

/* The key that encrypts at this wall time. [any] */
void tickets_current(struct tickets *t, int64_t wall_s, struct ticket_key *out);
/* The key a ticket names, if it may still decrypt. [any] */
enum tickets_found tickets_find(struct tickets *t, int64_t wall_s,
                                const uint8_t name[TICKETS_NAME_BYTES],
                                struct ticket_key *out);

#endif
