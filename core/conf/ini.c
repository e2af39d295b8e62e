/* SPDX-License-Identifier: BSD-2-Clause */
/* ini.c - see ini.h.
 *
 *   text -> next_line() takes one logical line apart -> "k17=17" -> inih
 *        -> on_pair() finds line 17 again -> handler->on_key
 *
 * A section header goes to the handler from next_line itself, since inih does
 * not tell of one without keys; inih gets "[s3]" so that it knows where it is.
 */
#include "conf/ini.h"

#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/describe.h"
#include "conf/value.h"

enum { END_OF_LINE = -1 };

enum where {
    NOWHERE,     /* before the first section header */
    IN_SECTION,  /* below one the handler was told of */
    IN_MALFORMED /* below one that could not be read: keys are not told */
};

struct reader {
    const char *p, *end; /* what is left of the text */
    const char *eol;     /* end of the physical line p is in: LF or end */
    uint32_t line;       /* number of that line */
    uint32_t first;      /* line the logical line began in */
    int is_bad;          /* a fault of this logical line was reported */
    enum where where;
    int n_faults;
    const char *file;
    struct diag *d;
    const struct ini_handler *handler;
    void *arg;
    uint32_t seq; /* of stand-ins handed to inih */
    et_str key;
    size_t value_n;
    char value[INI_MAX_VALUE];
};

/* Report the first fault of a logical line. */
static void PRINTF(2, 3) fault(struct reader *r, const char *fmt, ...)
{
    struct place at = {r->file, r->line};
    char text[512];
    va_list ap;

    if (r->is_bad)
        return;
    r->is_bad = 1;
    r->n_faults++;
    if (!r->d)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    diag_error(r->d, &at, "%s", text);
}

/* ---- bytes ----------------------------------------------------------------*/

static int
is_blank(int c)
{
    return c == ' ' || c == '\t';
}

static void
check_bytes(struct reader *r)
{
    const unsigned char *p = (const unsigned char *)r->p;
    const unsigned char *end = (const unsigned char *)r->eol;
    size_t len;

    if (end > p && end[-1] == '\r')
        end--;
    for (; p < end; p += len) {
        if (*p == '\0')
            fault(r, "a NUL byte");
        else if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
            fault(r, "a control byte (0x%02x)", *p);
        len = str_utf8_len(p, (size_t)(end - p));
        if (len == 0) {
            fault(r, "not UTF-8 (byte 0x%02x)", *p);
            len = 1;
        }
    }
}

/* Enter the physical line that begins at p. */
static void
enter_line(struct reader *r)
{
    const char *eol = memchr(r->p, '\n', (size_t)(r->end - r->p));

    r->eol = eol ? eol : r->end;
    r->line++;
    check_bytes(r);
}

static void
skip_blanks(struct reader *r)
{
    while (r->p < r->eol && is_blank(*r->p))
        r->p++;
}

/* LF, CR LF or the end of the text. */
static int
is_end_of_line(const struct reader *r, const char *p)
{
    return p == r->eol || (p + 1 == r->eol && *p == '\r');
}

/* Go past the end of the physical line. */
static void
leave_line(struct reader *r)
{
    r->p = r->eol < r->end ? r->eol + 1 : r->end;
}

/* ---- values ---------------------------------------------------------------*/

static void
put(struct reader *r, int c)
{
    if (r->value_n == INI_MAX_VALUE) {
        fault(r, "value longer than %u bytes", INI_MAX_VALUE);
        return;
    }
    r->value[r->value_n++] = (char)c;
}

/* If p is at a backslash that ends the line, go on to the next line. */
static int
is_continued(struct reader *r)
{
    if (r->p == r->eol || *r->p != '\\' || !is_end_of_line(r, r->p + 1))
        return 0;
    if (r->eol == r->end || r->eol + 1 == r->end) {
        fault(r, "a backslash continues the line, but no line follows");
        r->p = r->eol;
        return 0;
    }
    leave_line(r);
    enter_line(r);
    skip_blanks(r);
    return 1;
}

/* The next byte of the logical line, continuations done, or END_OF_LINE; p
 * stays. */
static int
peek(struct reader *r)
{
    while (is_continued(r))
        ;
    return is_end_of_line(r, r->p) ? END_OF_LINE : (unsigned char)*r->p;
}

static int
begins_comment(int c)
{
    return c == ';' || c == '#';
}

/* Nothing but blanks and a comment may follow. */
static void
expect_end(struct reader *r, const char *behind)
{
    char shown[300];

    skip_blanks(r);
    if (is_end_of_line(r, r->p) || begins_comment(*r->p))
        return;
    describe_text((et_str){r->p, (size_t)(r->eol - r->p)}, shown,
                  sizeof(shown));
    fault(r, "unexpected text behind %s: \"%s\"", behind, shown);
}

/* p is behind the opening quote. */
static void
read_quoted(struct reader *r)
{
    int c;

    while ((c = peek(r)) != '"') {
        if (c == END_OF_LINE) {
            fault(r, "a quote is not closed");
            return;
        }
        r->p++;
        if (c == '\\') {
            c = is_end_of_line(r, r->p) ? END_OF_LINE : (unsigned char)*r->p;
            if (c != '"' && c != '\\') {
                fault(r, "inside quotes only \\\" and \\\\ are known");
                return;
            }
            r->p++;
        }
        put(r, c);
    }
    r->p++;
    expect_end(r, "the closing quote");
}

/* Behind the opening quote at p: where the closing one is on this physical
 * line, or NULL. */
static const char *
closing_quote(const struct reader *r)
{
    const char *q;

    for (q = r->p + 1; q < r->eol; q++) {
        if (*q == '"')
            return q;
        if (*q == '\\' && q + 1 < r->eol)
            q++;
    }
    return NULL;
}

/* A value that does not begin with a quote: as it stands, but a pair of quotes
 * in it protects ';' and '#'. */
static void
read_plain(struct reader *r)
{
    const char *close;
    size_t kept = 0; /* without blanks at the end */
    int c, before = ' ';

    while ((c = peek(r)) != END_OF_LINE) {
        if (begins_comment(c) && is_blank(before))
            break;
        close = c == '"' ? closing_quote(r) : NULL;
        while (close && r->p < close)
            put(r, *r->p++);
        put(r, *r->p++);
        before = c;
        if (!is_blank(c))
            kept = r->value_n;
    }
    r->value_n = kept;
}

static void
read_value(struct reader *r)
{
    int c;

    r->value_n = 0;
    while (is_blank(c = peek(r)))
        r->p++;
    if (c == '"') {
        r->p++;
        read_quoted(r);
    } else if (begins_comment(c)) {
        fault(r,
              "no value before the comment: write \"\" for an empty one, "
              "or quote a value that begins with '%c'",
              c);
    } else {
        read_plain(r);
    }
}

/* ---- lines ----------------------------------------------------------------*/

static int
is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* The line has no '='. */
static void
refuse_line(struct reader *r, et_str line)
{
    char shown[300];

    describe_text(line, shown, sizeof(shown));
    fault(r, "expected \"key = value\" or \"[section]\", found \"%s\"%s", shown,
          memchr(line.p, ':', line.n) ? " (':' does not end a key)" : "");
}

static void
refuse_key(struct reader *r, et_str line)
{
    char shown[300];

    describe_text(line, shown, sizeof(shown));
    fault(r, "a key is made of letters, digits, '-', '_' and '.', found \"%s\"",
          shown);
}

/* "key =": 1 if r->key is good and p behind the '='. */
static int
read_key(struct reader *r)
{
    const char *start = r->p;
    const char *equal = memchr(start, '=', (size_t)(r->eol - start));
    et_str line = {start, (size_t)(r->eol - start)};
    size_t i;

    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (!equal) {
        refuse_line(r, line);
        return 0;
    }
    r->key = str_trim((et_str){start, (size_t)(equal - start)});
    r->p = equal + 1;
    for (i = 0; i < r->key.n && is_name_byte(r->key.p[i]); i++)
        ;
    if (i == 0 || i < r->key.n)
        refuse_key(r, line);
    else if (i > INI_MAX_NAME)
        fault(r, "key longer than %u bytes", INI_MAX_NAME);
    return !r->is_bad;
}

/* Take a key and its value apart; 1 if they are to be told. */
static int
read_pair(struct reader *r)
{
    if (read_key(r))
        read_value(r);
    if (r->is_bad)
        read_plain(r); /* past lines that continue it: one fault is enough */
    if (r->where == NOWHERE)
        fault(r, "a key outside a section");
    return !r->is_bad && r->where == IN_SECTION;
}

static void
read_section(struct reader *r)
{
    const char *close = memchr(r->p, ']', (size_t)(r->eol - r->p));
    et_str name;

    r->where = IN_MALFORMED;
    if (!close) {
        fault(r, "a section header without ']'");
        return;
    }
    name = str_trim((et_str){r->p + 1, (size_t)(close - r->p - 1)});
    r->p = close + 1;
    expect_end(r, "']'");
    if (name.n == 0)
        fault(r, "a section header without a name");
    if (name.n > INI_MAX_NAME)
        fault(r, "section header longer than %u bytes", INI_MAX_NAME);
    if (r->is_bad)
        return;
    r->where = IN_SECTION;
    r->handler->on_section(r->arg, name, r->first);
}

/* inih's reader: the stand-in for the next logical line that has one. */
static char *
next_line(char *str, int num, void *stream)
{
    struct reader *r = stream;
    char kind;

    while (r->p < r->end) {
        r->is_bad = 0;
        enter_line(r);
        r->first = r->line;
        skip_blanks(r);
        kind = '\0';
        if (!is_end_of_line(r, r->p) && *r->p == '[') {
            read_section(r);
            kind = r->where == IN_SECTION ? 's' : '\0';
        } else if (!is_end_of_line(r, r->p) && !begins_comment(*r->p)) {
            kind = read_pair(r) ? 'k' : '\0';
        }
        leave_line(r);
        if (!kind)
            continue;
        r->seq++;
        snprintf(str, (size_t)num, kind == 's' ? "[s%u]\n" : "k%u=%u\n", r->seq,
                 r->seq);
        return str;
    }
    return NULL;
}

/* inih's handler: the stand-in came back, so the line it stands for is told. */
static int
on_pair(void *user, const char *section, const char *name, const char *value)
{
    struct reader *r = user;
    char expected[16];

    snprintf(expected, sizeof(expected), "k%u", r->seq);
    CHECK(section[0] == 's' && strcmp(name, expected) == 0 &&
          strcmp(value, expected + 1) == 0);
    r->handler->on_key(r->arg, r->key, (et_str){r->value, r->value_n},
                       r->first);
    return 1;
}

int
ini_read(et_str text, const char *file, struct diag *d,
         const struct ini_handler *h, void *arg)
{
    struct reader r;

    if (text.n == 0)
        return 0;
    memset(&r, 0, sizeof(r));
    r.p = text.p;
    r.end = text.p + text.n;
    r.file = file;
    r.d = d;
    r.handler = h;
    r.arg = arg;
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        r.p += 3;
    if (ini_parse_stream(next_line, &r, on_pair, &r) != 0)
        return ERR_NOMEM; /* it has no other complaint about stand-ins */
    return r.n_faults;
}
