/* SPDX-License-Identifier: BSD-2-Clause */
/* key.h - what an answer is stored under.
 *
 * The key is scheme, host in lower case, port and target as they came, with a
 * NUL behind each but the last: whoever may tell two requests apart by these
 * gets an answer of his own.  Of a target in absolute-form it is what is behind
 * host and port: that is the same address (RFC 9112 3.2).  Beside it is the
 * path as routes see it, for purges.  What an answer varies on (Vary) is no
 * part of the key, but text of its own: the values of those fields, brought
 * into a form in which what means the same is the same.
 */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

#include <etude.h>

#include "hash.h"

#define KEY_MAX 4096u    /* bytes of text */
#define SELECT_MAX 1024u /* bytes of the values that one answer varies on */
#define VARY_MAX 8u      /* fields it may vary on */

struct key {
    et_str text;
    et_str host, port;  /* port: as Host has it, empty without one */
    et_str path, query; /* query: absent if there is none */
    uint64_t hash;      /* of text */
};

/* Is r's target in origin-form, which others' are? */
static inline int
key_is_plain(const et_req *r)
{
    return r->target.n > 0 && r->target.p[0] == '/';
}
/* Is r's address written as it is in its key, but for case: in origin-form, and
 * host, the field Host, without a dot behind the name or a colon without a
 * port?  What its handler makes of it is good for others, then. [worker] */
int key_is_as_written(const et_req *r, et_str host);
/* The key of r, whose field Host that is, its text in room; path is r's own. 0,
 * or ET_ELIMIT: it is too long. [worker] */
int32_t key_make(const et_req *r, et_str host, const struct secret *s,
                 char room[KEY_MAX], struct key *out);
/* The key of that text, which another worker has made and which stays; it has
 * no path. [any] */
void key_from(et_str text, const struct secret *s, struct key *out);
/* Bytes that key_copy needs. */
size_t key_bytes(const struct key *k);
/* A copy in the memory at to. [any] */
void key_copy(const struct key *k, char *to, struct key *out);
static inline int
key_eq(const struct key *a, const struct key *b)
{
    return a->hash == b->hash && et_eq(a->text, b->text);
}

/* Is it what an administrator means by "/path", "host/path", "host:port/path",
 * each with a '*' behind it for all that begins so, or "*"?  Without a '?' any
 * query will do, without a ':' any port. [any] */
int key_matches(const struct key *k, et_str pattern);

/* The names in the fields Vary of r's answer, in lower case, with a comma
 * behind each, into room; of an error Accept is one, by which the server may
 * dress its text.  Absent if they are too many or too long, or "*" is
 * one of them. [worker] */
et_str key_vary(const et_req *r, char room[SELECT_MAX]);
/* The values of r's fields of these names, into room; absent: too long.
 * [worker] */
et_str key_select(const et_req *r, et_str vary, char room[SELECT_MAX]);

#endif
