/* SPDX-License-Identifier: BSD-2-Clause */
/* ask.c - see ask.h. */
#include "ask.h"

/* ---- the fields ----------------------------------------------------------*/

static const struct {
    const char *name;
    size_t n;
    uint32_t bit;
} fields[] = {
    {"range", 5, ASK_RANGE},
    {"accept", 6, ASK_ACCEPT},
    {"if-match", 8, ASK_IF_MATCH},
    {"if-range", 8, ASK_IF_RANGE},
    {"if-none-match", 13, ASK_IF_NONE_MATCH},
    {"accept-encoding", 15, ASK_ACCEPT_ENCODING},
    {"if-modified-since", 17, ASK_IF_MODIFIED_SINCE},
    {"if-unmodified-since", 19, ASK_IF_UNMODIFIED_SINCE},
};

static uint32_t
bit_of(et_str name)
{
    size_t i;
    for (i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (name.n == fields[i].n &&
            et_eq_nocase(name, et_sn(fields[i].name, fields[i].n)))
            return fields[i].bit;
    return 0;
}

static et_str *
place_of(struct ask *a, uint32_t bit)
{
    switch (bit) {
    case ASK_IF_MODIFIED_SINCE: return &a->if_modified_since;
    case ASK_IF_UNMODIFIED_SINCE: return &a->if_unmodified_since;
    case ASK_IF_RANGE: return &a->if_range;
    case ASK_RANGE: return &a->range;
    default: return NULL;
    }
}

void
ask_read(const et_req *r, struct ask *a)
{
    et_str name, value;
    uint32_t i;
    a->has = 0;
    for (i = 0; r->http->header_at(r, i, &name, &value) == 0; i++) {
        const char c = et_lower(name.n ? name.p[0] : ' ');
        uint32_t bit;
        et_str *place;
        if (c != 'a' && c != 'i' && c != 'r')
            continue;
        bit = bit_of(name);
        place = place_of(a, bit);
        if (place)
            *place = a->has & bit ? et_s("") : value;
        a->has |= bit;
    }
}

/* ---- what is liked, and how much -----------------------------------------*/

/* Call on(arg, name, q) for each element of all fields of that name. */
static void
each(const et_req *r, const char *field,
     void (*on)(void *arg, et_str name, int q), void *arg)
{
    uint32_t nth;
    for (nth = 0;; nth++) {
        et_str list = r->http->header(r, et_s(field), nth);
        if (!list.p)
            return;
        while (list.p) {
            et_str item = et_cut(&list, ',');
            const et_str name = et_cut(&item, ';');
            if (name.n)
                on(arg, name, et_weight(item));
        }
    }
}

/* ---- codings -------------------------------------------------------------*/

struct codings {
    int q[CODINGS + 1]; /* -1: not named */
    int any;
};

static void
on_coding(void *arg, et_str name, int q)
{
    static const char *const names[] = {"br", "zstd", "gzip", "identity"};
    struct codings *c = arg;
    int i;
    if (et_eq(name, et_s("*")))
        c->any = q;
    if (et_eq_nocase(name, et_s("x-gzip"))) /* RFC 9110 8.4.1.3 */
        name = et_s("gzip");
    for (i = 0; i <= CODINGS; i++)
        if (et_eq_nocase(name, et_s(names[i])))
            c->q[i] = q;
}

enum coding
ask_coding(const et_req *r, const struct ask *a, unsigned there)
{
    struct codings c = {{-1, -1, -1, -1}, -1};
    int i, best = CODING_NONE, best_q = 0;
    if (!there || !(a->has & ASK_ACCEPT_ENCODING))
        return CODING_NONE;
    each(r, "accept-encoding", on_coding, &c);
    for (i = 0; i < CODINGS; i++) {
        const int q = c.q[i] < 0 ? c.any : c.q[i];
        if (!(there & 1u << i) || q <= best_q)
            continue;
        best = i;
        best_q = q;
    }
    return c.q[CODING_NONE] > best_q ? CODING_NONE : (enum coding)best;
}

/* ---- types ---------------------------------------------------------------*/

/* How much a kind is liked, by the range that names it most exactly (RFC 9110
 * 12.5.1): 0: none does, 1: any, 2: all of its kind, 3: its own. */
struct liking {
    int q, rank;
};

struct types {
    struct liking html, json;
};

static void
like(struct liking *l, int rank, int q)
{
    if (rank > l->rank)
        *l = (struct liking){q, rank};
}

static void
on_type(void *arg, et_str name, int q)
{
    struct types *t = arg;
    if (et_eq_nocase(name, et_s("application/json")))
        like(&t->json, 3, q);
    else if (et_eq_nocase(name, et_s("application/*")))
        like(&t->json, 2, q);
    else if (et_eq_nocase(name, et_s("text/html")))
        like(&t->html, 3, q);
    else if (et_eq_nocase(name, et_s("text/*")))
        like(&t->html, 2, q);
    else if (et_eq(name, et_s("*/*"))) {
        like(&t->html, 1, q);
        like(&t->json, 1, q);
    }
}

int
ask_wants_json(const et_req *r, const struct ask *a)
{
    struct types t = {{0, 0}, {0, 0}};
    if (!(a->has & ASK_ACCEPT))
        return 0;
    each(r, "accept", on_type, &t);
    return t.json.q > t.html.q ||
           (t.json.q == t.html.q && t.json.q > 0 && t.json.rank > t.html.rank);
}
