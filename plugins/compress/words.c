/* SPDX-License-Identifier: BSD-2-Clause */
/* words.c - see words.h. */
#include "words.h"

et_str
words_cut(et_str *list, char c)
{
    const et_str all = *list;
    const char *at = all.n ? (const char *)memchr(all.p, c, all.n) : NULL;
    const size_t n = at ? (size_t)(at - all.p) : all.n;
    *list = at ? et_sn(at + 1, all.n - n - 1) : et_s(NULL);
    return et_trim(et_sn(all.p, n));
}

et_str
words_next(et_str *list)
{
    et_str rest = et_trim(*list);
    size_t n = 0;
    while (n < rest.n && rest.p[n] != ' ' && rest.p[n] != '\t')
        n++;
    *list = et_sn(rest.p + n, rest.n - n);
    return et_sn(rest.p, n);
}

int
words_has(const et_req *r, const char *field, const char *element)
{
    uint32_t nth;
    for (nth = 0;; nth++) {
        et_str list = r->http->get(r, et_s(field), nth);
        if (!list.p)
            return 0;
        while (list.p)
            if (et_eq_nocase(words_cut(&list, ','), et_s(element)))
                return 1;
    }
}
