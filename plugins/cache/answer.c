/* SPDX-License-Identifier: BSD-2-Clause */
/* answer.c - see answer.h. */
#include "answer.h"

#include "store.h"

/* ---- conditions (RFC 9110 13) --------------------------------------------*/

/* Without the mark of a weak one. */
static et_str
opaque(et_str tag)
{
    return tag.n > 2 && tag.p[0] == 'W' && tag.p[1] == '/'
               ? et_sn(tag.p + 2, tag.n - 2)
               : tag;
}

/* Is tag one of a list of entity-tags, compared weakly?  8.8.3: no quote is
 * within one. */
static int
is_listed(et_str list, et_str tag)
{
    const char *p = list.p, *end = p + list.n;
    while (p < end) {
        const char *open = memchr(p, '"', (size_t)(end - p));
        const char *close =
            open ? memchr(open + 1, '"', (size_t)(end - open - 1)) : NULL;
        if (!close)
            return 0;
        if (et_eq(et_sn(open, (size_t)(close - open) + 1), tag))
            return 1;
        p = close + 1;
    }
    return 0;
}

static int
is_any_listed(const et_req *r, const struct entry *e)
{
    uint32_t nth;
    et_str s;
    for (nth = 0; (s = r->http->header(r, et_s("if-none-match"), nth)).p; nth++)
        if (et_eq(et_trim(s), et_s("*")) ||
            (e->etag.n && is_listed(s, opaque(e->etag))))
            return 1;
    return 0;
}

static int
is_not_modified(const et_req *r, const struct ask *a, const struct entry *e)
{
    int64_t since, modified;
    if (e->status != 200)
        return 0;
    if (a->has & ASK_IF_NONE_MATCH) /* 13.1.3: then the date does not count */
        return is_any_listed(r, e);
    return a->has & ASK_IF_MODIFIED_SINCE &&
           et_to_date(a->if_modified_since, &since) == 0 &&
           et_to_date(e->last_modified, &modified) == 0 && modified <= since;
}

/* ---- a part (RFC 9110 14) ------------------------------------------------*/

/* Digits at *p: 1 and the number; 0: none, or more than any body has. */
static int
read_number(const char **p, const char *end, uint64_t *n)
{
    const char *from = *p;
    for (*n = 0; *p < end && **p >= '0' && **p <= '9' && *p - from < 18; (*p)++)
        *n = 10 * *n + (uint64_t)(**p - '0');
    return *p > from;
}

/* The one part that r asks for: 1, from *from on *n bytes; 0: all of it, as
 * also for several parts, and what cannot be understood; -1: there is no such
 * part. */
static int
read_range(et_str s, uint64_t size, uint64_t *from, uint64_t *n)
{
    const char *p = s.p + 6, *end = s.p + s.n;
    uint64_t last;
    int has_first, has_last;
    if (s.n < 7 || !et_eq_nocase(et_sn(s.p, 6), et_s("bytes=")))
        return 0;
    has_first = read_number(&p, end, from);
    if (p == end || *p++ != '-')
        return 0;
    has_last = read_number(&p, end, &last);
    if (p != end || (!has_first && !has_last) ||
        (has_first && has_last && last < *from))
        return 0;
    if (!has_first) { /* the last so many */
        *n = last < size ? last : size;
        *from = size - *n;
        return *n > 0 ? 1 : -1;
    }
    if (*from >= size)
        return -1;
    *n = (has_last && last < size ? last + 1 : size) - *from;
    return 1;
}

/* 13.1.5: with If-Range, only of just what the client has. */
static int
wants_part(const et_req *r, const struct ask *a, const struct entry *e)
{
    if (r->method != ET_M_GET || e->status != 200 || !(a->has & ASK_RANGE))
        return 0;
    return !(a->has & ASK_IF_RANGE) ||
           (e->etag.n && e->etag.p[0] == '"' && et_eq(a->if_range, e->etag));
}

/* ---- all of it -----------------------------------------------------------*/

static void
let_go(void *arg)
{
    store_unref(arg);
}

static uint32_t
send_piece(et_req *r, struct entry *e, uint32_t status, uint64_t from,
           uint64_t n)
{
    et_piece piece = et_piece_mem(et_sn(e->body_n ? e->body + from : "", n));
    piece.release = let_go;
    piece.arg = store_ref(e);
    return r->http->reply_pieces(r, status, e->type, &piece, 1);
}

static uint32_t
send_part(et_req *r, struct entry *e, uint64_t from, uint64_t n)
{
    const et_str said =
        et_printf(r, "bytes %llu-%llu/%zu", (unsigned long long)from,
                  (unsigned long long)(from + n - 1), e->body_n);
    if (!said.p || et_set(r, "Content-Range", said) < 0)
        return ET_FAIL;
    return send_piece(r, e, 206, from, n);
}

static uint32_t
refuse_part(et_req *r, const struct entry *e)
{
    const et_str said = et_printf(r, "bytes */%zu", e->body_n);
    if (!said.p || et_set(r, "Content-Range", said) < 0)
        return ET_FAIL;
    return et_error(r, 416, "no such part of it\n");
}

static int32_t
add_own(et_req *r, int64_t age_ms, et_str name, const char *outcome)
{
    et_field own[2];
    own[0].name = et_s("Age");
    own[0].value = et_printf(r, "%lld", (long long)(age_ms / 1000));
    own[1].name = name;
    own[1].value = et_s(outcome);
    return own[0].value.p ? et_add_static(r, own, name.n ? 2 : 1) : ET_ENOMEM;
}

uint32_t
answer_entry(et_req *r, const struct ask *a, struct entry *e, int64_t age_ms,
             et_str name, const char *outcome)
{
    const int is_304 = is_not_modified(r, a, e);
    uint64_t from = 0, n = e->body_n;
    const int part = !is_304 && wants_part(r, a, e)
                         ? read_range(a->range, e->body_n, &from, &n)
                         : 0;
    if (add_own(r, age_ms, name, outcome) < 0)
        return ET_FAIL;
    if (part < 0)
        return refuse_part(r, e);
    if (et_add_static(r, e->fields, is_304 ? e->n_304 : e->n_fields) < 0)
        return ET_FAIL;
    if (is_304)
        return et_status(r, 304);
    return part ? send_part(r, e, from, n)
                : send_piece(r, e, e->status, 0, e->body_n);
}
