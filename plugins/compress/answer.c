/* SPDX-License-Identifier: BSD-2-Clause */
/* answer.c - see answer.h. */
#define _GNU_SOURCE
#define ET_NEED 1
#include "answer.h"

#include "words.h"

static int
has(const et_req *r, const char *field)
{
    return r->http->get(r, et_s(field), 0).p != NULL;
}

/* Without a body, or of a part: 206 is a part of what it is as it is. */
static int
is_status(uint32_t status)
{
    return status >= 200 && status != 204 && status != 205 && status != 206 &&
           status != 304;
}

/* Something of n bytes (below 0: nobody knows) with r's fields. */
static int
may_be_coded(const et_req *r, const struct plan *p, int64_t n)
{
    return p->n_codings > 0 && (n < 0 || (n > 0 && n >= p->o->min_size)) &&
           !has(r, "Content-Encoding") &&
           !words_has(r, "Cache-Control", "no-transform");
}

int
answer_may(const et_req *r, const struct plan *p)
{
    return is_status(r->status) &&
           plan_has_type(p, r->http->get(r, et_s("Content-Type"), 0)) &&
           may_be_coded(r, p, et_answer_bytes(r)) && !has(r, "Content-Range");
}

/* Of all that r's answer has a part of, by its Content-Range; or -1. */
static int64_t
bytes_of_all(const et_req *r)
{
    et_str range = r->http->get(r, et_s("Content-Range"), 0);
    int64_t n;
    (void)et_cut(&range, '/');
    return et_to_int(range, 0, INT64_MAX, &n) < 0 ? -1 : n;
}

/* Several parts have their type within. */
int
answer_may_all(const et_req *r, const struct plan *p)
{
    et_str type = r->http->get(r, et_s("Content-Type"), 0);
    const int is_known = plan_has_type(p, type);
    return may_be_coded(r, p, bytes_of_all(r)) &&
           (is_known ||
            et_eq_nocase(et_cut(&type, ';'), et_s("multipart/byteranges")));
}

int32_t
answer_vary(et_req *r)
{
    static const et_field vary = {{"Vary", 4}, {"Accept-Encoding", 15}};
    if (words_has(r, "Vary", "Accept-Encoding") || words_has(r, "Vary", "*"))
        return 0;
    return et_add_static(r, &vary, 1);
}

static int32_t
weaken(et_req *r)
{
    const et_str tag = r->http->get(r, et_s("ETag"), 0);
    et_str weak;
    if (tag.n == 0 || tag.p[0] != '"')
        return 0;
    weak = et_printf(r, "W/%.*s", ET_STR(tag));
    return weak.p ? et_set(r, "ETag", weak) : ET_ENOMEM;
}

int32_t
answer_dress(et_req *r, enum coding coding)
{
    static const char *const untrue[] = {"Accept-Ranges", "Content-Digest",
                                         "Repr-Digest", "Digest",
                                         "Content-MD5"};
    const et_field said = {et_s("Content-Encoding"), et_s(coder_names[coding])};
    size_t i;
    for (i = 0; i < sizeof untrue / sizeof untrue[0]; i++)
        if (has(r, untrue[i]))
            (void)et_del(r, untrue[i]);
    return et_add_static(r, &said, 1) < 0 ? ET_ENOMEM : weaken(r);
}

/* Whether the list has W/ in front of the tag. */
static int
is_weak_in(et_str list, et_str tag)
{
    const char *at = list.p, *end = list.p + list.n;
    while ((at = (const char *)memmem(at, (size_t)(end - at), tag.p, tag.n)) !=
           NULL) {
        if (at - list.p >= 2 && at[-2] == 'W' && at[-1] == '/')
            return 1;
        at += tag.n;
    }
    return 0;
}

int32_t
answer_not_modified(et_req *r)
{
    const et_str tag = r->http->get(r, et_s("ETag"), 0);
    et_str list;
    uint32_t nth;
    if (tag.n == 0 || tag.p[0] != '"')
        return 0;
    for (nth = 0;
         (list = r->http->header(r, et_s("if-none-match"), nth)).p != NULL;
         nth++)
        if (list.n && is_weak_in(list, tag))
            return answer_vary(r) < 0 ? ET_ENOMEM : weaken(r);
    return 0;
}
