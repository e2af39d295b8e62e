/* SPDX-License-Identifier: BSD-2-Clause */
/* resp.h - a response while it is being decided: status, fields, body.
 *
 * Fields keep the order in which they were set.  Fields that frame the message
 * or belong to the connection are the protocol's and refused here.  Memory is
 * the request's arena. */
#ifndef HTTP_RESP_H
#define HTTP_RESP_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "http/segment.h"

struct arena;
struct filter;

struct resp_field {
    struct resp_field *next;
    et_str name, value;
};

struct resp {
    uint16_t status;     /* 0: not decided */
    uint8_t committed;   /* the head is on its way: nothing may change */
    uint8_t has_server;  /* a step has set Server itself */
    uint8_t dress;       /* an error text the host may render by Accept */
    uint8_t is_written;  /* piece by piece, by who has decided it (writer.h) */
    uint32_t fields_len; /* bytes of "name: value CRLF" of all fields */
    et_str type;         /* media type; empty: none sent */
    struct resp_field *fields, **last_field;
    struct segment_queue body;
    struct segment first; /* so that the usual body needs no allocation */
    uint64_t sent_bytes;  /* body bytes handed to the kernel */
    uint64_t left;        /* of is_written: still to be written, or
                             RESP_ANY_LENGTH */
    struct resp_field *trailers, **last_trailer; /* of is_written */
    struct filter *filters; /* see the body first, innermost first (filter.h) */
    struct filter *passing; /* of filters: the one that runs, or NULL */
    struct segment_queue source; /* of filters: what they have not seen yet */
    uint32_t at, burst;          /* of is_written: for who sends it */
    uint8_t framing;             /* likewise */
    uint8_t is_bare;             /* of is_written: no body goes with it */
};

#define RESP_ANY_LENGTH UINT64_MAX

/* Nothing decided, no fields. [worker] */
void resp_init(struct resp *p);
/* Decide on a body that is written piece by piece, of so many bytes, or
 * RESP_ANY_LENGTH; keeps type. [worker] */
void resp_write(struct resp *p, uint16_t status, et_str type, uint64_t length);
/* A field behind the body of an answer that is written (RFC 9110 6.5), copied
 * to a: as resp_set, but ET_EPHASE if it is not one. [worker] */
int32_t resp_trailer(struct resp *p, struct arena *a, et_str name,
                     et_str value);
/* Drop what is decided (status, type, body), keep the fields. [worker] */
void resp_clear(struct resp *p);
/* No field is set, and nobody filters. [worker] */
void resp_drop_fields(struct resp *p);
/* Release the body. [worker] */
static inline void
resp_fini(struct resp *p)
{
    segment_clear(&p->body);
    if (UNLIKELY(p->filters != NULL))
        segment_clear(&p->source);
}
/* Decide: keeps type and, for MEM, the body's bytes. [worker] */
void resp_reply_mem(struct resp *p, uint16_t status, et_str type,
                    const void *body, uint64_t n);
void resp_reply_ref(struct resp *p, uint16_t status, et_str type,
                    const void *body, uint64_t n, void (*release)(void *),
                    void *arg);
void resp_reply_file(struct resp *p, uint16_t status, et_str type, int fd,
                     uint64_t off, uint64_t n);
/* Decide on n pieces, one behind another; keeps what they point to, not the
 * array.  0; ET_ENOMEM: nothing is decided, and no release called. [worker] */
MUST_USE int32_t resp_reply_pieces(struct resp *p, struct arena *a,
                                   uint16_t status, et_str type,
                                   const et_piece *pieces, size_t n);
/* Set (replace), add or delete (mode ET_SET, ET_ADD, ET_DEL) a field; copies
 * to a.  0, ET_EINVAL (no token, CR, LF, NUL, or a field the host owns),
 * ET_EPHASE (committed), ET_ENOMEM. [worker] */
int32_t resp_set(struct resp *p, struct arena *a, et_str name, et_str value,
                 uint32_t mode);
/* Add n fields, whose strings stay: all or none.  0, ET_EINVAL (as resp_set, or
 * Content-Type), ET_ELIMIT, ET_EPHASE, ET_ENOMEM. [worker] */
int32_t resp_add(struct resp *p, struct arena *a, const et_field *fields,
                 size_t n);
/* Add a field that the host owns; both strings stay.  0 or ET_ENOMEM. [worker]
 */
int32_t resp_set_own(struct resp *p, struct arena *a, et_str name,
                     et_str value);
/* The nth value of a field; p == NULL if there is none. [worker] */
et_str resp_get(const struct resp *p, et_str name, uint32_t nth);

#endif
