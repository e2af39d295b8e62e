/* SPDX-License-Identifier: BSD-2-Clause */
/* accept.c - see accept.h. */
#include "accept.h"

#define ANY (CODINGS + 1) /* "*"; CODING_NONE is "identity" */

/* By enum coding, CODING_NONE, ANY; below 0: not named. */
struct weights {
    int q[CODINGS + 2];
};

static int
place_of(et_str name)
{
    int i;
    if (et_eq(name, et_s("*")))
        return ANY;
    if (et_eq_nocase(name, et_s("identity")))
        return CODING_NONE;
    if (et_eq_nocase(name, et_s("x-gzip"))) /* RFC 9110 8.4.1.3 */
        return CODING_GZIP;
    for (i = 0; i < CODINGS; i++)
        if (et_eq_nocase(name, et_s(coder_names[i])))
            return i;
    return -1;
}

static void
read_list(struct weights *w, et_str list)
{
    while (list.p) {
        et_str item = et_cut(&list, ',');
        const et_str name = et_cut(&item, ';');
        const int i = place_of(name);
        if (i >= 0)
            w->q[i] = et_weight(item);
    }
}

enum coding
accept_coding(const et_req *r, const enum coding *order, size_t n)
{
    struct weights w;
    enum coding best = CODING_NONE;
    int best_q = 0;
    et_str list;
    uint32_t nth;
    size_t i;
    for (i = 0; i < CODINGS + 2; i++)
        w.q[i] = -1;
    for (nth = 0;
         (list = r->http->header(r, et_s("accept-encoding"), nth)).p != NULL;
         nth++)
        read_list(&w, list);
    for (i = 0; i < n; i++) {
        const int q = w.q[order[i]] < 0 ? w.q[ANY] : w.q[order[i]];
        if (q > best_q) {
            best = order[i];
            best_q = q;
        }
    }
    return w.q[CODING_NONE] > best_q ? CODING_NONE : best;
}
