/* SPDX-License-Identifier: BSD-2-Clause */
/* log_text.c - see log_text.h. */
#include "base/log_text.h"

#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"

static const struct {
    const char *name, *padded, *prefix;
} levels[] = {
    [LOG_ERROR] = {"error", "error", "<3>"},
    [LOG_WARN] = {"warn", "warn ", "<4>"},
    [LOG_INFO] = {"info", "info ", "<6>"},
    [LOG_DEBUG] = {"debug", "debug", "<7>"},
};

const char *
log_text_prefix(enum log_level level)
{
    return levels[level].prefix;
}

et_str
log_text_cut(et_str s, size_t max)
{
    if (s.n <= max)
        return s;
    s.n = max;
    /* Back to the first byte of the character that did not fit. */
    for (size_t i = 0; i < 3 && s.n > 0 && (s.p[s.n] & 0xc0) == 0x80; i++)
        s.n--;
    return s;
}

static char *
put(char *p, const char *text)
{
    size_t n = strlen(text);

    memcpy(p, text, n);
    return p + n;
}

static char *
put_hex(char *p, const char *before, uint8_t c)
{
    static const char digits[] = "0123456789abcdef";

    p = put(p, before);
    *p++ = digits[c >> 4];
    *p++ = digits[c & 15];
    return p;
}

/* The escape of a byte below 0x80, or NULL if it needs none or a number. */
static const char *
short_escape(uint8_t c, enum log_format format)
{
    switch (c) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    case '\\': return "\\\\";
    case '"': return format == LOG_JSON ? "\\\"" : NULL;
    default: return NULL;
    }
}

static int
is_plain(uint8_t c)
{
    return c >= 0x20 && c <= 0x7e && c != '\\' && c != '"';
}

/* What p begins with, escaped if it has to be; *taken bytes of it. */
static char *
put_odd(char *out, enum log_format format, const uint8_t *p, size_t n,
        size_t *taken)
{
    const char *escape = short_escape(p[0], format);
    size_t len;

    *taken = 1;
    if (escape)
        return put(out, escape);
    if (p[0] < 0x20 || p[0] == 0x7f)
        return put_hex(out, format == LOG_JSON ? "\\u00" : "\\x", p[0]);
    if (p[0] < 0x80) {
        *out = (char)p[0];
        return out + 1;
    }
    len = str_utf8_len(p, n);
    if (len == 0 && format == LOG_JSON)
        return put(out, "\\ufffd");
    if (len == 0)
        return put_hex(out, "\\x", p[0]);
    *taken = len;
    if (p[0] == 0xc2 && p[1] < 0xa0)
        return put_hex(out, "\\u00", p[1]);
    memcpy(out, p, len);
    return out + len;
}

static char *
put_escaped(char *out, enum log_format format, et_str s)
{
    const uint8_t *p = (const uint8_t *)s.p;
    size_t i = 0;

    while (i < s.n) {
        size_t run = i, taken;

        while (run < s.n && is_plain(p[run]))
            run++;
        memcpy(out, p + i, run - i);
        out += run - i;
        i = run;
        if (i == s.n)
            break;
        out = put_odd(out, format, p + i, s.n - i, &taken);
        i += taken;
    }
    return out;
}

/* A thread's name in text: "worker 1" is shown as worker=1. */
static char *
put_thread(char *out, et_str name)
{
    char *end = put_escaped(out, LOG_TEXT, name);
    char *blank = memchr(out, ' ', (size_t)(end - out));

    if (blank)
        *blank = '=';
    return end;
}

static char *
put_member(char *out, const char *key, et_str value)
{
    if (!value.p)
        return out;
    *out++ = ',';
    *out++ = '"';
    out = put(out, key);
    out = put(out, "\":\"");
    out = put_escaped(out, LOG_JSON, value);
    *out++ = '"';
    return out;
}

static char *
put_json(char *out, const char *time, const struct log_text *r)
{
    out = put(out, "{\"time\":\"");
    out = put(out, time);
    out = put(out, "\",\"level\":\"");
    out = put(out, levels[r->level].name);
    *out++ = '"';
    out = put_member(out, "thread", r->thread);
    out = put_member(out, "where", r->where);
    out = put_member(out, "text", r->text);
    return put(out, "}\n");
}

static char *
put_text(char *out, const char *time, const struct log_text *r)
{
    out = put(out, time);
    *out++ = ' ';
    out = put(out, levels[r->level].padded);
    *out++ = ' ';
    if (r->thread.p)
        out = put_thread(out, r->thread);
    if (r->thread.p && r->where.p)
        *out++ = ' ';
    if (r->where.p)
        out = put_escaped(out, LOG_TEXT, r->where);
    if (r->thread.p || r->where.p)
        out = put(out, ": ");
    out = put_escaped(out, LOG_TEXT, r->text);
    *out++ = '\n';
    return out;
}

size_t
log_text_format(char *out, enum log_format format, const struct log_text *r)
{
    char time[CLOCK_TEXT_LEN], *end;

    clock_iso(time, r->wall_s, r->wall_ns);
    if (format == LOG_JSON)
        end = put_json(out, time, r);
    else
        end = put_text(out, time, r);
    CHECK((size_t)(end - out) <= LOG_TEXT_ROOM);
    return (size_t)(end - out);
}
