/* SPDX-License-Identifier: BSD-2-Clause */
/* field.c - see field.h. */
#include "proto/field.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/err.h"
#include "base/str.h"
#include "proto/ascii.h"

/* ---- lists ---------------------------------------------------------------*/

/* Index of the first sep outside a quoted-string, s.n if there is none, or
 * ERR_FIELD. */
static int64_t
find_separator(et_str s, char sep)
{
    int quoted = 0;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (c == sep && !quoted)
            return (int64_t)i;
    }
    return quoted ? ERR_FIELD : (int64_t)s.n;
}

static int
cut(et_str *list, char sep, et_str *item)
{
    while (list->n > 0) {
        int64_t at = find_separator(*list, sep);
        size_t used;

        if (at < 0)
            return (int)at;
        *item = str_trim((et_str){list->p, (size_t)at});
        used = (size_t)at + ((size_t)at < list->n);
        list->p += used;
        list->n -= used;
        if (item->n > 0)
            return 1;
    }
    return 0;
}

int
field_list_next(et_str *list, et_str *item)
{
    return cut(list, ',', item);
}

int
field_param_next(et_str *params, et_str *item)
{
    return cut(params, ';', item);
}

et_str
field_token(et_str s)
{
    size_t n = 0;

    while (n < s.n && ascii_is(s.p[n], ASCII_TOKEN))
        n++;
    return (et_str){s.p, n};
}

int
field_list_has(et_str list, const char *token)
{
    et_str item;

    while (field_list_next(&list, &item) > 0)
        if (ascii_eq_lit(item, token))
            return 1;
    return 0;
}

/* ---- strings -------------------------------------------------------------*/

int
field_pair(et_str s, et_str *name, et_str *value)
{
    const char *eq = s.n > 0 ? memchr(s.p, '=', s.n) : NULL;
    size_t at;

    if (eq == NULL)
        return ERR_FIELD;
    at = (size_t)(eq - s.p);
    *name = str_trim((et_str){s.p, at});
    *value = str_trim((et_str){eq + 1, s.n - at - 1});
    return 0;
}

int
field_unquote(et_str s, char *out, size_t *out_len)
{
    size_t n = 0;

    if (s.n == 0 || s.p[0] != '"') {
        if (s.n > 0)
            memmove(out, s.p, s.n);
        *out_len = s.n;
        return 0;
    }
    if (s.n < 2)
        return ERR_FIELD;
    for (size_t i = 1; i < s.n - 1; i++) {
        if (s.p[i] == '"')
            return ERR_FIELD;
        if (s.p[i] == '\\' && ++i == s.n - 1)
            return ERR_FIELD;
        out[n++] = s.p[i];
    }
    if (s.p[s.n - 1] != '"')
        return ERR_FIELD;
    *out_len = n;
    return 0;
}

/* ---- for output ----------------------------------------------------------*/

int
field_name_is_valid(et_str s)
{
    return ascii_all(s, ASCII_TOKEN);
}

#ifdef __SSE2__
#define FIELD_STEP 16

/* True if one of FIELD_STEP bytes is below 0x20 or is 0x7f: HTAB too, so it is
 * a suspicion, not a verdict. */
static inline int
has_control(const char *p)
{
    const __m128i low = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f);
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i bad = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(x, low), x),
                               _mm_cmpeq_epi8(x, del));

    return _mm_movemask_epi8(bad);
}
#else
#define FIELD_STEP 8

static inline int
has_control(const char *p)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t w, del;

    memcpy(&w, p, sizeof w);
    del = w ^ ones * 0x7f;
    return (((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & high ? 1 : 0;
}
#endif

int
field_value_is_valid(et_str s)
{
    size_t i;

    if (s.n < FIELD_STEP)
        return s.n == 0 || ascii_all(s, ASCII_VALUE);
    for (i = 0; i + FIELD_STEP <= s.n; i += FIELD_STEP) {
        if (has_control(s.p + i))
            return ascii_all(s, ASCII_VALUE);
    }
    return !has_control(s.p + s.n - FIELD_STEP) || ascii_all(s, ASCII_VALUE);
}

/* ---- cookies -------------------------------------------------------------*/

/* Cookie values are split at every ';': quotes do not protect one there. */
static et_str
cookie_cut(et_str *s)
{
    const char *semi = memchr(s->p, ';', s->n);
    size_t n = semi != NULL ? (size_t)(semi - s->p) : s->n;
    et_str item = str_trim((et_str){s->p, n});

    n += semi != NULL;
    s->p += n;
    s->n -= n;
    return item;
}

et_str
field_cookie(et_str cookies, et_str name)
{
    while (cookies.n > 0) {
        et_str k, v, item = cookie_cut(&cookies);

        if (field_pair(item, &k, &v) < 0)
            continue;
        if (k.n != name.n || memcmp(k.p, name.p, k.n) != 0)
            continue;
        if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
            return (et_str){v.p + 1, v.n - 2};
        return v;
    }
    return (et_str){NULL, 0};
}

/* ---- preferences ---------------------------------------------------------*/

/* How well one media type does: the quality of the most specific range that
 * names it, and how specific that was (0 unnamed, 1 any, 2 type, 3 exact). */
struct rating {
    const char *type, *any_subtype;
    int quality, precision;
};

/* A weight in thousandths, "0.5" is 500; -1 if malformed. */
static int
parse_quality(et_str s)
{
    static const int scale[] = {0, 0, 100, 10, 1};
    int q;

    if (s.n == 0 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1'))
        return -1;
    if (s.n > 1 && s.p[1] != '.')
        return -1;
    q = (s.p[0] - '0') * 1000;
    for (size_t i = 2; i < s.n; i++) {
        if (!ascii_is(s.p[i], ASCII_DIGIT))
            return -1;
        q += (s.p[i] - '0') * scale[i];
    }
    return q <= 1000 ? q : -1;
}

static int
range_quality(et_str params)
{
    et_str item, k, v;
    int q = 1000;

    while (field_param_next(&params, &item) > 0)
        if (field_pair(item, &k, &v) == 0 && ascii_eq_lit(k, "q"))
            q = parse_quality(v);
    return q;
}

static void
rate(struct rating *r, et_str range, int quality)
{
    int precision = ascii_eq_lit(range, r->type)          ? 3
                    : ascii_eq_lit(range, r->any_subtype) ? 2
                    : ascii_eq_lit(range, "*/*")          ? 1
                                                          : 0;

    if (precision == 0 || precision < r->precision)
        return;
    r->precision = precision;
    r->quality = quality;
}

static int
is_preferred(const struct rating *a, const struct rating *b)
{
    if (a->quality != b->quality)
        return a->quality > b->quality;
    return a->precision == 3 && b->precision < 3 && a->quality > 0;
}

enum field_form
field_accept(et_str accept)
{
    struct rating r[] = {
        [FIELD_TEXT] = {"text/plain", "text/*", 0, 0},
        [FIELD_HTML] = {"text/html", "text/*", 0, 0},
        [FIELD_JSON] = {"application/json", "application/*", 0, 0},
    };
    enum field_form best = FIELD_TEXT;
    et_str item, range;
    int rc;

    while ((rc = field_list_next(&accept, &item)) > 0) {
        et_str params = item;
        int quality;

        if (field_param_next(&params, &range) <= 0)
            return FIELD_TEXT;
        quality = range_quality(params);
        if (quality < 0)
            return FIELD_TEXT;
        for (size_t i = 0; i < ARRAY_LEN(r); i++)
            rate(&r[i], range, quality);
    }
    if (is_preferred(&r[FIELD_HTML], &r[best]))
        best = FIELD_HTML;
    if (is_preferred(&r[FIELD_JSON], &r[best]))
        best = FIELD_JSON;
    return rc < 0 ? FIELD_TEXT : best;
}
