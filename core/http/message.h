/* SPDX-License-Identifier: BSD-2-Clause */
/* message.h - what is published once and read by many.
 *
 *     one allocation:  [ struct message | mails | name | NUL | body | NUL ]
 *
 * A message is written by who publishes it and read-only from then on.  It is
 * there as long as somebody has a reference; who gives the last one back, on
 * whatever thread, frees it.  WebSockets send the body from where it lies: it
 * is a payload (payload.h).  All messages of the process together are bounded:
 * so is what workers that are busy, or readers that are slow, can hold.
 * Invariant: the bytes of all of them are at most the limit they were made
 * under.
 *
 * Not here: who gets it (channels.h), and where it waits (backlog.h). */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "http/payload.h"
#include "io/mailbox.h"

struct channels;
struct message;

/* Its way to one worker. */
struct message_mail {
    struct mail mail;
    struct message *message;
    struct channels *to;
    struct message_mail *next; /* of those that have come to it */
};

struct message {
    struct payload payload; /* body; whose references are the message's */
    _Atomic uint8_t text;   /* what message_is_text has found out */
    uint32_t n_mails;
    uint64_t hash; /* of name, as channels.c has it */
    et_str name;   /* of its channel; followed by a NUL, as body is */
    et_str body;
    size_t bytes; /* of all of it */
    struct message_mail mails[];
};

/* From now on all messages are at most max_bytes. [control] */
void message_limit(size_t max_bytes);
/* That limit; how many bytes there are now. [any] */
size_t message_max_bytes(void);
size_t message_bytes(void);

/* *out: a message with one reference, and n_mails mails that lead back to it.
 * 0, ET_ELIMIT: the limit; ET_ENOMEM. [any] */
MUST_USE int32_t message_new(struct message **out, uint32_t n_mails,
                             uint64_t hash, et_str name, et_str body);
/* n references more. [any], who has one */
static inline void
message_ref(struct message *m, uint32_t n)
{
    payload_ref(&m->payload, n);
}
/* n references less. [any], who has them */
static inline void
message_unref(struct message *m, uint32_t n)
{
    payload_unref(&m->payload, n);
}
/* Whether its body is UTF-8, which is looked at once: by each worker, if all
 * ask at the same time. [any], who has a reference */
int message_is_text(struct message *m);

#endif
