/* SPDX-License-Identifier: BSD-2-Clause */
/* describe.c - see describe.h. */
#include "conf/describe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/diag.h"
#include "conf/unit.h"

#define SHOWN_BYTES 60u /* of a value in a message */
#define MAX_CHOICES 32u

/* clang-format off */
/* What a type takes, after "expected". */
static const char *const descriptions[VALUE_TYPES] = {
    [VALUE_STR] = "a text",
    [VALUE_INT] = "a whole number",
    [VALUE_BOOL] = "yes or no",
    [VALUE_SIZE] = "a size such as 4096, 64k or 1MiB",
    [VALUE_TIME] = "a time such as 250ms, 10s, 5m, 2h or 1d",
    [VALUE_PATH] = "a path",
    [VALUE_RATE] = "a rate such as 100/s, 6000/m or 1000/h",
    [VALUE_LIST] = "a text",
    [VALUE_HEADER] = "a header field \"Name: value\"",
    [VALUE_HEADERS] = "a header field \"Name: value\"",
    [VALUE_MODE] = "octal permissions such as 0660",
    [VALUE_TARGET] = "a request path such as /healthz",
    [VALUE_NAMES] = "instance names with commas between them, each once",
    [VALUE_HOSTS] = "host names such as example.com or *.example.com, "
                    "without port",
    [VALUE_NETS] = "networks such as 10.0.0.0/8 or fd00::/8",
    [VALUE_LISTEN] = "host:port, [v6]:port, :port, *:port or unix:/path",
    [VALUE_GLOBS] = "a file name or a pattern such as conf.d/*.ini",
    [VALUE_PATHS] = "a path",
    [VALUE_MATCH] = "METHOD /path, GET,POST /path or * /path",
    [VALUE_PREFIX] = "a path such as /api/*",
    [VALUE_HANDLER] = "INSTANCE or INSTANCE:ROUTE",
};
/* clang-format on */

/* A text in a caller's buffer that is cut rather than overrun. */
struct out {
    char *p;
    size_t cap, n;
};

static void PRINTF(2, 3) out_add(struct out *o, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(o->p + o->n, o->cap - o->n, fmt, ap);
    va_end(ap);
    if (n > 0)
        o->n += (size_t)n < o->cap - o->n ? (size_t)n : o->cap - o->n - 1;
}

static void
add_byte(struct out *o, char c)
{
    if (o->n + 1 == o->cap)
        return;
    o->p[o->n++] = c;
    o->p[o->n] = '\0';
}

void
describe_text(et_str s, char *buf, size_t cap)
{
    struct out o = {buf, cap, 0};
    size_t i;

    buf[0] = '\0';
    for (i = 0; i < s.n && i < SHOWN_BYTES; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < 0x20 || c == 0x7f)
            out_add(&o, "\\x%02x", c);
        else
            add_byte(&o, (char)c);
    }
    while (i < s.n && ((unsigned char)s.p[i] & 0xc0) == 0x80)
        add_byte(&o, s.p[i++]); /* not in the middle of a character */
    if (i < s.n)
        out_add(&o, "...");
}

static void
add_number(struct out *o, uint32_t type, int64_t n)
{
    char text[32];

    unit_write(type, n, text, sizeof(text));
    out_add(o, "%s", text);
}

static void
add_choices(struct out *o, const char *choices)
{
    et_str item;
    int is_first = 1;

    while (value_next_choice(&choices, &item)) {
        out_add(o, "%s%.*s",
                is_first  ? ""
                : choices ? ", "
                          : " or ",
                (int)item.n, item.p);
        is_first = 0;
    }
}

static void
add_bounds(struct out *o, const struct value_spec *spec)
{
    if (spec->min == 0 && spec->max == 0)
        return;
    if (spec->max == INT64_MAX) {
        if (spec->min == 0 && spec->type != VALUE_INT)
            return; /* sizes and times are never below 0 */
        out_add(o, ", at least ");
        add_number(o, spec->type, spec->min);
        return;
    }
    if (spec->min == INT64_MIN || (spec->min == 0 && spec->type != VALUE_INT)) {
        out_add(o, ", at most ");
    } else {
        out_add(o, ", from ");
        add_number(o, spec->type, spec->min);
        out_add(o, " to ");
    }
    add_number(o, spec->type, spec->max);
}

static void
add_description(struct out *o, const struct value_spec *spec)
{
    if (spec->word)
        out_add(o, "%s or ", spec->word);
    if (spec->type == VALUE_CHOICE)
        add_choices(o, spec->choices);
    else
        out_add(o, "%s", descriptions[spec->type]);
    add_bounds(o, spec);
}

void
describe_spec(const struct value_spec *spec, char *buf, size_t cap)
{
    struct out o = {buf, cap, 0};

    buf[0] = '\0';
    add_description(&o, spec);
}

/* A guess at what was meant, where one is cheap to make. */
static void
add_guess(struct out *o, const struct value_spec *spec, et_str text)
{
    char names[MAX_CHOICES][32], got[32];
    const char *known[MAX_CHOICES], *rest = spec->choices, *near;
    et_str item;
    int64_t port;
    size_t n = 0;

    if (spec->type == VALUE_LISTEN && value_int(text, &port) == 0 && port > 0)
        out_add(o, "; did you mean \":%.*s\"?", (int)text.n, text.p);
    if (spec->type != VALUE_CHOICE || text.n >= sizeof(got))
        return;
    for (; n < MAX_CHOICES && value_next_choice(&rest, &item); n++) {
        snprintf(names[n], sizeof(names[n]), "%.*s", (int)item.n, item.p);
        known[n] = names[n];
    }
    snprintf(got, sizeof(got), "%.*s", (int)text.n, text.p);
    near = diag_nearest(got, known, n);
    if (near)
        out_add(o, "; did you mean \"%s\"?", near);
}

void
describe_complain(const struct value_spec *spec, et_str text, int secret,
                  char *why, size_t cap)
{
    struct out o = {why, cap, 0};
    char shown[4 * SHOWN_BYTES + 16];

    why[0] = '\0';
    out_add(&o, "expected ");
    add_description(&o, spec);
    if (secret) {
        out_add(&o, ", found something else (secret)");
        return;
    }
    describe_text(text, shown, sizeof(shown));
    out_add(&o, ", found \"%s\"", shown);
    add_guess(&o, spec, text);
}
