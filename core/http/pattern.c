/* SPDX-License-Identifier: BSD-2-Clause */
/* pattern.c - from text to segments; see pattern.h. */
#include "http/pattern.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define SHOWN_BYTES 100

struct parser {
    struct pattern *out;
    struct pattern_segment *segments;
    et_str *params;
    char *text; /* where unescaped text goes; never longer than the source */
    char *why;
    size_t cap;
};

static int
shown(et_str s)
{
    return s.n < SHOWN_BYTES ? (int)s.n : SHOWN_BYTES;
}

static int
is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

static int
is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
}

static int
is_special(char c)
{
    return c != '\0' && strchr(":*?#%\\", c) != NULL;
}

static int
is_name(et_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '-')
            return 0;
    }
    return s.n > 0;
}

/* Why the special byte at raw.p[i] cannot stand in text; 0 if it can. */
static int
refuse_special(const struct parser *q, et_str raw, size_t i)
{
    char c = raw.p[i];
    size_t left = raw.n - i;

    if (c == ':' || c == '*') {
        snprintf(q->why, q->cap,
                 "'%c' in the middle of \"%.*s\": a parameter is a whole "
                 "segment (write \\%c for the character)",
                 c, shown(raw), raw.p, c);
        return ERR_INVALID;
    }
    if (c == '?' || c == '#') {
        snprintf(q->why, q->cap,
                 "'%c' in \"%.*s\": a pattern is a path only (write \\%c for "
                 "the character)",
                 c, shown(raw), raw.p, c);
        return ERR_INVALID;
    }
    if (c != '%' || left < 3 || !is_hex(raw.p[i + 1]) ||
        !is_hex(raw.p[i + 2]) || memcmp(raw.p + i, "%2F", 3) == 0)
        return 0;
    if (memcmp(raw.p + i, "%2f", 3) == 0)
        snprintf(q->why, q->cap, "%%2f is never seen: paths have %%2F");
    else
        snprintf(q->why, q->cap,
                 "%.3s is never seen: paths are decoded first (write the "
                 "character itself, or \\%% for a percent sign)",
                 raw.p + i);
    return ERR_INVALID;
}

static int
parse_text(struct parser *q, et_str raw, struct pattern_segment *s)
{
    char *start = q->text;

    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] == '\\') {
            if (i + 1 == raw.n || !is_special(raw.p[i + 1])) {
                snprintf(q->why, q->cap,
                         "a backslash in \"%.*s\" that is not in front of "
                         "one of : * ? # %% \\",
                         shown(raw), raw.p);
                return ERR_INVALID;
            }
            i++;
        } else if (is_special(raw.p[i])) {
            int rc = refuse_special(q, raw, i);
            if (rc < 0)
                return rc;
        }
        *q->text++ = raw.p[i];
    }
    s->text = (et_str){start, (size_t)(q->text - start)};
    if (str_eq(s->text, str_lit(".")) || str_eq(s->text, str_lit(".."))) {
        snprintf(q->why, q->cap,
                 "\"%.*s\" is never seen: paths are normalised first",
                 (int)s->text.n, s->text.p);
        return ERR_INVALID;
    }
    return 0;
}

static int
parse_param(struct parser *q, et_str raw, struct pattern_segment *s)
{
    struct pattern *out = q->out;

    s->text = (et_str){raw.p + 1, raw.n - 1};
    if (s->kind == PATTERN_TAIL && s->text.n == 0)
        s->text = raw;
    else if (!is_name(s->text)) {
        snprintf(q->why, q->cap,
                 "\"%.*s\" is not a parameter: '%c' and a name of letters, "
                 "digits, '_' and '-' (write \\%c for the character)",
                 shown(raw), raw.p, raw.p[0], raw.p[0]);
        return ERR_INVALID;
    }
    for (uint32_t i = 0; i < out->n_params; i++) {
        if (str_eq(q->params[i], s->text)) {
            snprintf(q->why, q->cap, "two parameters are called \"%.*s\"",
                     shown(s->text), s->text.p);
            return ERR_INVALID;
        }
    }
    q->params[out->n_params++] = s->text;
    return 0;
}

/* One segment; is_last: no slash follows it. */
static int
parse_segment(struct parser *q, et_str raw, int is_last)
{
    struct pattern_segment *s = &q->segments[q->out->n_segments++];
    char c = raw.n > 0 ? raw.p[0] : '\0';

    if (c != ':' && c != '*') {
        s->kind = PATTERN_TEXT;
        return parse_text(q, raw, s);
    }
    s->kind = c == ':' ? PATTERN_PARAM : PATTERN_TAIL;
    if (s->kind == PATTERN_TAIL && !is_last) {
        snprintf(q->why, q->cap,
                 "\"%.*s\" takes all the rest: nothing can follow it",
                 shown(raw), raw.p);
        return ERR_INVALID;
    }
    return parse_param(q, raw, s);
}

static int
parse_segments(struct parser *q)
{
    et_str text = q->out->text;
    size_t at = 0;

    while (at < text.n) { /* at a slash */
        const char *from = text.p + at + 1;
        size_t left = text.n - at - 1;
        const char *slash = memchr(from, '/', left);
        size_t n = slash ? (size_t)(slash - from) : left;
        int rc;
        *q->text++ = '/';
        rc = parse_segment(q, (et_str){from, n}, slash == NULL);
        if (rc < 0)
            return rc;
        at += 1 + n;
    }
    return 0;
}

static size_t
count_slashes(et_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '/';
    return n;
}

int
pattern_parse(struct arena *a, et_str text, struct pattern *out, char *why,
              size_t cap)
{
    struct parser q = {.out = out, .why = why, .cap = cap};
    size_t n = count_slashes(text);
    char *start;
    int rc;

    memset(out, 0, sizeof *out);
    if (text.n == 0 || text.p[0] != '/') {
        snprintf(why, cap,
                 "expected a path that begins with '/', found "
                 "\"%.*s\"",
                 shown(text), text.n > 0 ? text.p : "");
        return ERR_INVALID;
    }
    out->text = arena_dup(a, text);
    q.segments = arena_alloc(a, n * sizeof *q.segments);
    q.params = arena_alloc(a, n * sizeof *q.params);
    q.text = start = arena_alloc(a, text.n);
    if (!out->text.p || !q.segments || !q.params || !start) {
        snprintf(why, cap, "out of memory");
        return ERR_NOMEM;
    }
    out->segments = q.segments;
    out->params = q.params;
    rc = parse_segments(&q);
    if (rc == 0 && out->n_params == 0)
        out->path = (et_str){start, (size_t)(q.text - start)};
    return rc;
}
