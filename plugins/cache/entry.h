/* SPDX-License-Identifier: BSD-2-Clause */
/* entry.h - a stored answer: its head in one piece of memory, its body in
 * another.
 *
 * It is written while it comes and never again.  Who sends it holds a
 * reference, so that what is thrown out meanwhile lives until that is over. One
 * without an answer (ENTRY_PASS) remembers that there is none to store. */
#ifndef CACHE_ENTRY_H
#define CACHE_ENTRY_H

#include <etude.h>

#include "key.h"
#include "policy.h"

struct store;

#define ENTRY_FIELDS_MAX 64u

/* What an entry is made of; borrowed. */
struct head {
    const struct key *key;
    et_str vary, selected; /* what it varies on (key.h) */
    uint32_t status;       /* ENTRY_PASS: no answer */
    et_str type;
    const et_field *fields;
    size_t n_fields;
    struct terms terms;
    uint64_t now_ms;
};

#define ENTRY_PASS 0u

struct entry {
    /* the store's */
    struct store *store;
    struct entry *chain;         /* in its bucket, younger ones first */
    struct entry *newer, *older; /* among all */
    uint8_t is_seen;
    uint32_t refs;
    size_t bytes; /* of all its memory */
    /* what it is */
    struct key key;
    et_str vary, selected;
    uint32_t status;
    et_str type;
    et_field *fields; /* those that go with 304, then the others */
    size_t n_fields, n_304;
    et_str etag, last_modified; /* of fields, or absent */
    struct terms terms;
    uint64_t stored_ms; /* when it came; its age then is in terms */
    uint64_t asked_ms;  /* when somebody was last sent to ask for it anew */
    uint64_t tried_ms;  /* when that has last brought an error */
    char *body;
    size_t body_n, body_cap;
};

/* Bytes that one with that head takes, without a body. */
size_t entry_bytes(const struct head *h);
/* A copy of all that h says; NULL: no memory. */
struct entry *entry_new(const struct head *h);
void entry_free(struct entry *e);
/* At now_ms. [any] */
int64_t entry_age_ms(const struct entry *e, uint64_t now_ms);

#endif
