/* SPDX-License-Identifier: BSD-2-Clause */
/* ask.h - what a request says about the file it wants: the fields that matter
 * here, found in one walk over all of them. */
#ifndef STATIC_ASK_H
#define STATIC_ASK_H

#include <etude.h>

/* Bits of ask.has. */
#define ASK_IF_MATCH 1u
#define ASK_IF_NONE_MATCH 2u
#define ASK_IF_MODIFIED_SINCE 4u
#define ASK_IF_UNMODIFIED_SINCE 8u
#define ASK_IF_RANGE 16u
#define ASK_RANGE 32u
#define ASK_ACCEPT_ENCODING 64u
#define ASK_ACCEPT 128u

/* Any of these makes the answer depend on more than the file. */
#define ASK_CONDITIONS                                                         \
    (ASK_IF_MATCH | ASK_IF_NONE_MATCH | ASK_IF_MODIFIED_SINCE |                \
     ASK_IF_UNMODIFIED_SINCE)

struct ask {
    uint32_t has;
    /* Empty where there are two of them: a list of dates is no date (RFC 9110
     * 13.1.3, 13.1.4), and one field's parts are no other's. */
    et_str if_modified_since, if_unmodified_since, if_range, range;
};

/* [worker] */
void ask_read(const et_req *r, struct ask *a);

/* Content codings of what lies there compressed, best first. */
enum coding { CODING_BR, CODING_ZSTD, CODING_GZIP, CODING_NONE };
#define CODINGS 3

/* Of those that are there (bit 1 << coding) the one that Accept-Encoding likes
 * best (RFC 9110 12.5.3), CODING_NONE before what it likes less; among equals
 * br, zstd, gzip. [worker] */
enum coding ask_coding(const et_req *r, const struct ask *a, unsigned there);

/* True if Accept likes JSON better than HTML. [worker] */
int ask_wants_json(const et_req *r, const struct ask *a);

#endif
