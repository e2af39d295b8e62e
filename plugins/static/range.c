/* SPDX-License-Identifier: BSD-2-Clause */
/* range.c - see range.h. */
#include "range.h"

/* The digits at the front of *s: how many; a number that is too large is the
 * largest. */
static size_t
take_number(et_str *s, uint64_t *out)
{
    size_t i;
    uint64_t n = 0;
    for (i = 0; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
        const uint64_t digit = (uint64_t)(s->p[i] - '0');
        n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
    }
    *s = et_sn(s->p + i, s->n - i);
    *out = n;
    return i;
}

/* One of them: 1 and *r; 0: it is outside of the file; -1: malformed. */
static int
read_spec(et_str s, uint64_t size, struct range *r)
{
    uint64_t first, last;
    const size_t n_first = take_number(&s, &first);
    size_t n_last;
    if (s.n == 0 || *s.p != '-')
        return -1;
    s = et_sn(s.p + 1, s.n - 1);
    n_last = take_number(&s, &last);
    if (s.n || (n_first == 0 && n_last == 0))
        return -1;
    if (n_first == 0 && last > 0 && size == 0)
        return -1;      /* satisfiable, but there is no way to say so */
    if (n_first == 0) { /* so many at the end */
        r->n = last < size ? last : size;
        r->from = size - r->n;
        return r->n > 0;
    }
    if (n_last && last < first)
        return -1;
    if (first >= size)
        return 0;
    r->from = first;
    r->n = (!n_last || last >= size ? size - 1 : last) - first + 1;
    return 1;
}

static int
touch(const struct range *a, const struct range *b)
{
    const struct range *low = a->from < b->from ? a : b;
    const struct range *high = low == a ? b : a;
    return high->from <= low->from + low->n + RANGE_GAP;
}

static void
unite(struct range *a, const struct range *b)
{
    const uint64_t from = a->from < b->from ? a->from : b->from;
    const uint64_t end_a = a->from + a->n, end_b = b->from + b->n;
    a->n = (end_a > end_b ? end_a : end_b) - from;
    a->from = from;
}

/* The first of those behind the ith that it touches, or n. */
static int
touched(const struct range *v, int n, int i)
{
    int k;
    for (k = i + 1; k < n && !touch(&v[i], &v[k]); k++)
        continue;
    return k;
}

/* One more at the end of v; whatever touches is united, in the place of the
 * first, until nothing does: how many there are. */
static int
add(struct range *v, int n, struct range r)
{
    int i, k;
    v[n++] = r;
    for (i = 0; i < n; i++)
        while ((k = touched(v, n, i)) < n) {
            unite(&v[i], &v[k]);
            n--;
            memmove(&v[k], &v[k + 1], (size_t)(n - k) * sizeof *v);
        }
    return n;
}

/* Cut the next element off the list; 0 at its end. */
static int
next(et_str *list, et_str *item)
{
    const char *comma;
    size_t n;
    if (!list->p)
        return 0;
    comma = memchr(list->p, ',', list->n);
    n = comma ? (size_t)(comma - list->p) : list->n;
    *item = et_trim(et_sn(list->p, n));
    *list = comma ? et_sn(comma + 1, list->n - n - 1) : et_s(NULL);
    return 1;
}

int
range_parse(et_str value, uint64_t size, struct range out[RANGE_MAX])
{
    struct range v[RANGE_MAX + 1];
    int n = 0, specs = 0, rc;
    et_str item;
    if (value.n < 6 || !et_eq_nocase(et_sn(value.p, 6), et_s("bytes=")))
        return RANGE_ALL;
    value = et_sn(value.p + 6, value.n - 6);
    while (next(&value, &item)) {
        struct range r;
        if (item.n == 0) /* RFC 9110 5.6.1.2 */
            continue;
        rc = ++specs > RANGE_SPECS_MAX ? -1 : read_spec(item, size, &r);
        if (rc > 0 && (n = add(v, n, r)) > RANGE_MAX)
            rc = -1;
        if (rc < 0)
            return RANGE_ALL;
    }
    memcpy(out, v, (size_t)n * sizeof *v);
    return specs == 0 ? RANGE_ALL : n == 0 ? RANGE_NONE : n;
}
