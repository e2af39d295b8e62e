/* SPDX-License-Identifier: BSD-2-Clause */
/* mime.c - see mime.h. */
#include "mime.h"

#define BUCKETS 1024u
#define END_MAX 32u

/* As the file stands there when the plugin is built. */
__asm__(".pushsection .rodata\n"
        ".globl mime_table\n"
        ".hidden mime_table\n"
        ".type mime_table, %object\n"
        "mime_table:\n"
        ".incbin \"conf/mime.types\"\n"
        ".byte 0\n"
        ".size mime_table, . - mime_table\n"
        ".popsection\n");

struct piece {
    struct piece *next;
    char text[];
};

struct end {
    struct end *next;
    et_str end, type;
};

struct mime {
    et_str charset;
    struct piece *pieces; /* all memory */
    struct end *buckets[BUCKETS];
};

static void *
take(struct mime *m, size_t n)
{
    struct piece *p = malloc(sizeof *p + n);
    if (!p)
        return NULL;
    p->next = m->pieces;
    m->pieces = p;
    return p->text;
}

struct mime *
mime_new(et_str charset)
{
    struct mime *m = calloc(1, sizeof *m);
    if (m)
        m->charset = charset;
    return m;
}

void
mime_free(struct mime *m)
{
    struct piece *p, *next;
    if (!m)
        return;
    for (p = m->pieces; p; p = next) {
        next = p->next;
        free(p);
    }
    free(m);
}

static uint32_t
hash(et_str s)
{
    uint32_t h = 2166136261u;
    size_t i;
    for (i = 0; i < s.n; i++)
        h = (h ^ (uint8_t)et_lower(s.p[i])) * 16777619u;
    return h % BUCKETS;
}

static et_str
find_end(const struct mime *m, et_str end)
{
    const struct end *e;
    if (end.n == 0 || end.n > END_MAX)
        return et_s(NULL);
    for (e = m->buckets[hash(end)]; e; e = e->next)
        if (et_eq_nocase(e->end, end))
            return e->type;
    return et_s(NULL);
}

et_str
mime_find(const struct mime *m, et_str name)
{
    size_t i;
    for (i = 1; i < name.n; i++) /* ".html" has no end */
        if (name.p[i] == '.') {
            const et_str type =
                find_end(m, et_sn(name.p + i + 1, name.n - i - 1));
            if (type.p)
                return type;
        }
    return et_s(NULL);
}

static int
ends_with(et_str s, const char *end)
{
    const size_t n = strlen(end);
    return s.n >= n && et_eq_nocase(et_sn(s.p + s.n - n, n), et_s(end));
}

static int
has_charset(et_str type)
{
    return (type.n > 5 && et_eq_nocase(et_sn(type.p, 5), et_s("text/"))) ||
           ends_with(type, "/xml") || ends_with(type, "+xml") ||
           ends_with(type, "/javascript");
}

et_str
mime_with_charset(struct mime *m, et_str type)
{
    static const char between[] = "; charset=";
    const size_t n_between = sizeof between - 1;
    const int is_text = m->charset.n && has_charset(type);
    const size_t n = type.n + (is_text ? n_between + m->charset.n : 0);
    char *p = take(m, n + 1);
    if (!p)
        return et_s(NULL);
    memcpy(p, type.p, type.n);
    if (is_text) {
        memcpy(p + type.n, between, n_between);
        memcpy(p + type.n + n_between, m->charset.p, m->charset.n);
    }
    return et_sn(p, n);
}

/* ---- reading -------------------------------------------------------------*/

static int
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line; empty at its end. */
static et_str
word(et_str *line)
{
    size_t from = 0, to;
    et_str w;
    while (from < line->n && is_blank(line->p[from]))
        from++;
    for (to = from; to < line->n && !is_blank(line->p[to]); to++)
        continue;
    w = et_sn(line->p + from, to - from);
    *line = et_sn(line->p + to, line->n - to);
    return w;
}

int
mime_is_type(et_str s)
{
    const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
    return slash && et_is_token(et_sn(s.p, (size_t)(slash - s.p))) &&
           et_is_token(et_sn(slash + 1, (size_t)(s.p + s.n - slash - 1)));
}

static int32_t
add(struct mime *m, et_str end, et_str type)
{
    struct end **bucket, *e;
    char *text;
    if (end.p[0] == '.')
        end = et_sn(end.p + 1, end.n - 1);
    if (end.n == 0 || end.n > END_MAX || memchr(end.p, '/', end.n))
        return ET_EINVAL;
    e = take(m, sizeof *e);
    text = take(m, end.n);
    if (!e || !text)
        return ET_ENOMEM;
    memcpy(text, end.p, end.n);
    bucket = &m->buckets[hash(end)];
    e->end = et_sn(text, end.n);
    e->type = type;
    e->next = *bucket;
    *bucket = e;
    return 0;
}

static int32_t
read_line(struct mime *m, et_str line)
{
    const char *note = line.n ? memchr(line.p, '#', line.n) : NULL;
    et_str type, end;
    int32_t rc;
    if (note)
        line.n = (size_t)(note - line.p);
    type = word(&line);
    if (type.n == 0)
        return 0;
    if (!mime_is_type(type))
        return ET_EINVAL;
    type = mime_with_charset(m, type);
    if (!type.p)
        return ET_ENOMEM;
    while ((end = word(&line)).n)
        if ((rc = add(m, end, type)) < 0)
            return rc;
    return 0;
}

int32_t
mime_read(struct mime *m, et_str text, unsigned *line)
{
    int32_t rc = 0;
    for (*line = 1; text.n && rc == 0; ++*line) {
        const char *nl = memchr(text.p, '\n', text.n);
        const size_t n = nl ? (size_t)(nl - text.p) : text.n;
        rc = read_line(m, et_sn(text.p, n));
        if (rc < 0)
            break;
        text = nl ? et_sn(nl + 1, text.n - n - 1) : et_sn(text.p + n, 0);
    }
    return rc;
}
