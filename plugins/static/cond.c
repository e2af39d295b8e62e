/* SPDX-License-Identifier: BSD-2-Clause */
/* cond.c - see cond.h. */
#include "cond.h"

/* Cut the next entity-tag off the list: 1, *tag with its quotes, *is_weak; 0 at
 * its end, and where it is malformed (RFC 9110 8.8.3). */
static int
next_tag(et_str *list, et_str *tag, int *is_weak)
{
    const char *p = list->p, *end = p ? p + list->n : NULL, *begin;
    while (p < end && (*p == ',' || *p == ' ' || *p == '\t'))
        p++;
    *is_weak = end - p >= 2 && p[0] == 'W' && p[1] == '/';
    if (*is_weak)
        p += 2;
    if (p == end || *p != '"')
        return 0;
    begin = p++;
    while (p < end && *p != '"')
        p++;
    if (p == end)
        return 0;
    *tag = et_sn(begin, (size_t)(++p - begin));
    *list = et_sn(p, (size_t)(end - p));
    return 1;
}

/* Whether the file is one of those that fields of that name list. */
static int
is_listed(const et_req *r, const char *field, et_str etag, int weak_counts)
{
    uint32_t nth;
    for (nth = 0;; nth++) {
        et_str list = r->http->header(r, et_s(field), nth), tag;
        int is_weak;
        if (!list.p)
            return 0;
        if (et_eq(et_trim(list), et_s("*")))
            return 1;
        while (next_tag(&list, &tag, &is_weak))
            if (etag.n && et_eq(tag, etag) && (weak_counts || !is_weak))
                return 1;
    }
}

/* A date that is none is as if it were not there. */
static int
is_newer(int64_t mtime, et_str date, int otherwise)
{
    int64_t t;
    return et_to_date(date, &t) < 0 ? otherwise : mtime > t;
}

enum cond
cond_judge(const et_req *r, const struct ask *a, const struct validators *v)
{
    if (a->has & ASK_IF_MATCH) {
        if (!is_listed(r, "if-match", v->etag, 0))
            return COND_FAILED;
    } else if (a->has & ASK_IF_UNMODIFIED_SINCE) {
        if (is_newer(v->mtime, a->if_unmodified_since, 0))
            return COND_FAILED;
    }
    if (a->has & ASK_IF_NONE_MATCH)
        return is_listed(r, "if-none-match", v->etag, 1) ? COND_NOT_MODIFIED
                                                         : COND_SEND;
    if (a->has & ASK_IF_MODIFIED_SINCE &&
        !is_newer(v->mtime, a->if_modified_since, 1))
        return COND_NOT_MODIFIED;
    return COND_SEND;
}

int
cond_may_be_part(const struct ask *a, const struct validators *v, int64_t now_s)
{
    et_str list = a->if_range, tag;
    int is_weak;
    int64_t t;
    if (!(a->has & ASK_IF_RANGE))
        return 1;
    if (next_tag(&list, &tag, &is_weak))
        return v->etag.n && !is_weak && et_eq(tag, v->etag);
    /* A date is a strong validator only of what has been so for a while
     * (8.8.2.2). */
    return et_to_date(a->if_range, &t) == 0 && t == v->mtime &&
           v->mtime < now_s;
}
