/* SPDX-License-Identifier: BSD-2-Clause */
/* words.c - see words.h. */
#include "words.h"

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
            if (et_eq_nocase(et_cut(&list, ','), et_s(element)))
                return 1;
    }
}
