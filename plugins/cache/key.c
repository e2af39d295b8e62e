/* SPDX-License-Identifier: BSD-2-Clause */
/* key.c - see key.h. */
#include "key.h"

/* ---- text that is put together -------------------------------------------*/

struct text {
    char *p;
    size_t n, cap;
    int is_short; /* of room */
};

static void
put(struct text *t, et_str s)
{
    if (s.n > t->cap - t->n) {
        t->is_short = 1;
        return;
    }
    if (s.n)
        memcpy(t->p + t->n, s.p, s.n);
    t->n += s.n;
}

static void
put_lower(struct text *t, et_str s)
{
    const size_t from = t->n;
    size_t i;
    put(t, s);
    for (i = from; i < t->n; i++)
        t->p[i] = et_lower(t->p[i]);
}

/* ---- the key -------------------------------------------------------------*/

/* Behind the host; it may be in every link of the answer. */
static et_str
port_of(et_str s)
{
    size_t n = s.n;
    while (n > 0 && s.p[n - 1] >= '0' && s.p[n - 1] <= '9')
        n--;
    return n > 0 && s.p[n - 1] == ':' ? et_sn(s.p + n, s.n - n) : et_s("");
}

/* host, or what is in its place in a target in absolute-form, which then counts
 * (RFC 9112 3.2.2); and *rest: what is behind that. */
static et_str
authority_of(const et_req *r, et_str host, et_str *rest)
{
    const char *p = r->target.p, *end = p + r->target.n, *from;
    *rest = r->target;
    if (key_is_plain(r))
        return host;
    while (p < end && *p != ':')
        p++;
    p += end - p >= 3 ? 3 : end - p; /* "://" */
    for (from = p; p < end && *p != '/' && *p != '?';)
        p++;
    *rest = et_sn(p, (size_t)(end - p));
    return et_sn(from, (size_t)(p - from));
}

int
key_is_as_written(const et_req *r, et_str host)
{
    const size_t n = r->host.n;
    if (!key_is_plain(r))
        return 0;
    if (host.n == 0) /* HTTP/1.0 */
        return 1;
    if (host.n < n || !et_eq_nocase(r->host, et_sn(host.p, n)))
        return 0;
    return host.n == n || (host.p[n] == ':' && host.n > n + 1 &&
                           port_of(host).n == host.n - n - 1);
}

int32_t
key_make(const et_req *r, et_str host, const struct secret *s,
         char room[KEY_MAX], struct key *out)
{
    static const et_str end = {"", 1};
    struct text t = {room, 0, KEY_MAX, 0};
    et_str target;
    const et_str authority = authority_of(r, host, &target);
    put(&t, r->scheme);
    put(&t, end);
    put(&t, r->host);
    put(&t, end);
    put(&t, port_of(authority));
    put(&t, end);
    if (target.n == 0 || target.p[0] == '?')
        put(&t, et_s("/"));
    put(&t, target);
    if (t.is_short || r->path.n > KEY_MAX)
        return ET_ELIMIT;
    key_from(et_sn(room, t.n), s, out);
    out->path = r->path;
    return 0;
}

/* What is in front of the next NUL, cut off; all of it without one. */
static et_str
next_part(et_str *text)
{
    const char *end = memchr(text->p, 0, text->n);
    const size_t n = end ? (size_t)(end - text->p) : text->n;
    const et_str part = et_sn(text->p, n);
    *text = end ? et_sn(end + 1, text->n - n - 1) : et_sn(text->p + n, 0);
    return part;
}

void
key_from(et_str text, const struct secret *s, struct key *out)
{
    et_str rest = text;
    const char *mark;
    out->text = text;
    out->hash = hash_of(s, text);
    (void)next_part(&rest);
    out->host = next_part(&rest);
    out->port = next_part(&rest);
    mark = memchr(rest.p, '?', rest.n);
    out->query = mark ? et_sn(mark + 1, (size_t)(rest.p + rest.n - mark - 1))
                      : et_s(NULL);
    out->path = et_s("");
}

size_t
key_bytes(const struct key *k)
{
    return k->text.n + k->path.n;
}

void
key_copy(const struct key *k, char *to, struct key *out)
{
    const struct key from = *k;
    memcpy(to, from.text.p, from.text.n);
    memcpy(to + from.text.n, from.path.p, from.path.n);
    out->text = et_sn(to, from.text.n);
    out->host = et_sn(to + (from.host.p - from.text.p), from.host.n);
    out->port = et_sn(to + (from.port.p - from.text.p), from.port.n);
    out->query = from.query.p
                     ? et_sn(to + (from.query.p - from.text.p), from.query.n)
                     : from.query;
    out->path = et_sn(to + from.text.n, from.path.n);
    out->hash = from.hash;
}

/* ---- purges --------------------------------------------------------------*/

static int
begins_with(et_str s, et_str with)
{
    return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

/* "host" or "host:port" */
static int
is_authority(const struct key *k, et_str s)
{
    const size_t n = k->host.n;
    if (s.n < n || !et_eq_nocase(k->host, et_sn(s.p, n)))
        return 0;
    return s.n == n ||
           (s.p[n] == ':' && et_eq(k->port, et_sn(s.p + n + 1, s.n - n - 1)));
}

int
key_matches(const struct key *k, et_str pattern)
{
    const int is_prefix = pattern.n > 0 && pattern.p[pattern.n - 1] == '*';
    const char *slash, *mark;
    et_str path;
    if (is_prefix && --pattern.n == 0)
        return 1;
    slash = memchr(pattern.p, '/', pattern.n);
    if (!slash)
        return 0;
    if (slash > pattern.p &&
        !is_authority(k, et_sn(pattern.p, (size_t)(slash - pattern.p))))
        return 0;
    path = et_sn(slash, (size_t)(pattern.p + pattern.n - slash));
    mark = memchr(path.p, '?', path.n);
    if (mark) {
        const et_str query =
            et_sn(mark + 1, (size_t)(path.p + path.n - mark - 1));
        path.n = (size_t)(mark - path.p);
        return et_eq(k->path, path) && k->query.p &&
               (is_prefix ? begins_with(k->query, query)
                          : et_eq(k->query, query));
    }
    return is_prefix ? begins_with(k->path, path) : et_eq(k->path, path);
}

/* ---- Vary ----------------------------------------------------------------*/

/* Cut the next member off a list of names. */
static et_str
next_name(et_str *list)
{
    const char *comma = memchr(list->p, ',', list->n);
    const size_t n = comma ? (size_t)(comma - list->p) : list->n;
    const et_str name = et_trim(et_sn(list->p, n));
    *list = comma ? et_sn(comma + 1, list->n - n - 1) : et_sn(list->p + n, 0);
    return name;
}

et_str
key_vary(const et_req *r, char room[SELECT_MAX])
{
    struct text t = {room, 0, SELECT_MAX, 0};
    uint32_t nth, n = 0;
    if (r->status >= 400)
        put(&t, et_s("accept,"));
    for (nth = 0;; nth++) {
        et_str list = r->http->get(r, et_s("Vary"), nth);
        if (!list.p)
            break;
        while (list.n > 0) {
            const et_str name = next_name(&list);
            if (name.n == 0)
                continue;
            if (et_eq(name, et_s("*")) || ++n > VARY_MAX)
                return et_s(NULL);
            put_lower(&t, name);
            put(&t, et_s(","));
        }
    }
    return t.is_short ? et_s(NULL) : et_sn(room, t.n);
}

/* Codings by whose names Accept-Encoding is brought into one form. */
static const char *const codings[] = {"br",      "zstd",     "gzip",
                                      "deflate", "identity", "*"};
#define N_CODINGS (sizeof codings / sizeof codings[0])

/* The weight of a member "name;q=0.5", in thousandths (RFC 9110 12.4.2), and
 * its name; -1: that is no weight. */
static int
weight_of(et_str member, et_str *name)
{
    const char *mark = member.n ? memchr(member.p, ';', member.n) : NULL;
    const size_t n = mark ? (size_t)(mark - member.p) : member.n;
    et_str q;
    int weight = 0, unit = 1000;
    size_t i;
    *name = et_trim(et_sn(member.p, n));
    if (!mark)
        return 1000;
    q = et_trim(et_sn(mark + 1, member.n - n - 1));
    if (q.n < 3 || q.n > 7 || et_lower(q.p[0]) != 'q' || q.p[1] != '=')
        return -1;
    for (i = 2; i < q.n; i++) {
        if (i == 3 ? q.p[i] != '.' : q.p[i] < '0' || q.p[i] > '9')
            return -1;
        if (i == 3)
            continue;
        weight += (q.p[i] - '0') * unit;
        unit /= 10;
    }
    return weight <= 1000 ? weight : -1;
}

/* Weights by coding, -1 where it is not named; or -1: one is named that is
 * none of these, or has no such weight. */
static int
read_codings(const et_req *r, int weights[N_CODINGS])
{
    uint32_t nth;
    size_t i;
    for (i = 0; i < N_CODINGS; i++)
        weights[i] = -1;
    for (nth = 0;; nth++) {
        et_str list = r->http->header(r, et_s("accept-encoding"), nth);
        if (!list.p)
            return 0;
        while (list.n > 0) {
            et_str name;
            const int weight = weight_of(next_name(&list), &name);
            for (i = 0; i < N_CODINGS; i++)
                if (et_eq_nocase(name, et_s(codings[i])))
                    break;
            if (weight < 0 || (i == N_CODINGS && name.n > 0))
                return -1;
            if (i < N_CODINGS)
                weights[i] = weight;
        }
    }
}

/* What is taken, best first, and then what is not; spaces, case, weights that
 * change no order and the order of equals are gone. */
static int
put_codings(struct text *t, const et_req *r)
{
    int weights[N_CODINGS];
    size_t i, k;
    if (read_codings(r, weights) < 0)
        return -1;
    for (k = 0; k < N_CODINGS; k++) {
        size_t best = 0;
        for (i = 1; i < N_CODINGS; i++)
            if (weights[i] > weights[best])
                best = i;
        if (weights[best] < 0)
            break;
        put(t, et_s(weights[best] > 0 ? "+" : "-"));
        put(t, et_s(codings[best]));
        weights[best] = -1;
    }
    return 0;
}

static void
put_values(struct text *t, const et_req *r, et_str name)
{
    uint32_t nth;
    for (nth = 0;; nth++) {
        const et_str value = r->http->header(r, name, nth);
        if (!value.p)
            return;
        put(t, et_s(nth ? ", " : "="));
        put(t, et_trim(value));
    }
}

et_str
key_select(const et_req *r, et_str vary, char room[SELECT_MAX])
{
    struct text t = {room, 0, SELECT_MAX, 0};
    while (vary.n > 0) {
        const et_str name = next_name(&vary);
        if (!et_eq(name, et_s("accept-encoding")) || put_codings(&t, r) < 0)
            put_values(&t, r, name);
        put(&t, et_sn("", 1));
    }
    return t.is_short ? et_s(NULL) : et_sn(room, t.n);
}
