/* SPDX-License-Identifier: BSD-2-Clause */
/* access-log.c - one line per answered request: common, combined or JSON.
 *
 * A line is composed on the stack after the answer is sent, each value cut so
 * that all of them fit, and queued with et.log/1: the file is opened, rotated
 * and written by the server, and a full queue drops lines, never requests. */
#include <etude.h>

#define LINE_MAX_BYTES 8000
#define TARGET_MAX_BYTES 3000
#define VALUE_MAX_BYTES 1000

enum format { FORMAT_COMMON, FORMAT_COMBINED, FORMAT_JSON };

struct options {
    int64_t format; /* enum format */
    et_str path;
};

ET_OPTIONS(struct options, NULL,
           ET_OPT_CHOICE(format, "common", "common|combined|json",
                         "what a line looks like"),
           ET_OPT_PATH(path, NULL, 0,
                       "file to append to; none: the server's log"));

struct access_log {
    const et_log *log;
    int32_t channel;
    int64_t format;
};

ET_NEED_IFACE(ET_IF_LOG, et_log, write);

static int32_t
access_log_open(et_conf *c, const void *options, void *inst, et_err *e)
{
    const struct options *o = (const struct options *)options;
    struct access_log *a = (struct access_log *)inst;
    char text[300];
    et_err why = {text, sizeof text, 0};
    a->format = o->format;
    a->log = et_iface(c, ET_IF_LOG, et_log, write);
    a->channel = a->log->open(c, o->path.p ? o->path : et_s(""), &why);
    if (a->channel < 0)
        return et_seterr(e, "path: %.*s", (int)why.n, why.p);
    return 0;
}

ET_INSTANCE(struct access_log, access_log_open, NULL);

struct line {
    char p[LINE_MAX_BYTES];
    size_t n;
};

static void
put(struct line *l, et_str s)
{
    if (s.n > sizeof l->p - l->n)
        s.n = sizeof l->p - l->n;
    if (s.n)
        memcpy(l->p + l->n, s.p, s.n);
    l->n += s.n;
}

static void
put_number(struct line *l, int64_t x)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)x);
    put(l, et_s(digits));
}

/* At most max bytes of s; what could fake a line or a terminal sequence is
 * written as \xHH. */
static void
put_plain(struct line *l, et_str s, size_t max)
{
    static const char hex[] = "0123456789abcdef";
    const size_t end = l->n + max;
    size_t i;
    for (i = 0; i < s.n && l->n + 4 <= end; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        const char e[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
        const int is_safe = c >= ' ' && c < 0x7f && c != '"' && c != '\\';
        put(l, is_safe ? et_sn(&s.p[i], 1) : et_sn(e, 4));
    }
}

static void
put_or_dash(struct line *l, et_str s)
{
    put(l, et_s(" \""));
    put_plain(l, s.n ? s : et_s("-"), VALUE_MAX_BYTES);
    put(l, et_s("\""));
}

static et_str
version(const et_req *r)
{
    if (r->proto >= 20)
        return et_s("HTTP/2.0");
    return et_s(r->proto == 10 ? "HTTP/1.0" : "HTTP/1.1");
}

static et_str
peer(et_req *r)
{
    const et_str p = et_peer(r);
    return p.n ? p : et_s("-"); /* a Unix socket has none */
}

/* 203.0.113.7 - - [21/Nov/2026:02:21:00 +0000] "GET / HTTP/1.1" 200 5 */
static void
put_common(struct line *l, et_req *r)
{
    put_plain(l, peer(r), VALUE_MAX_BYTES);
    put(l, et_s(" - - ["));
    put(l, r->http->text(r, ET_T_CLF_TIME));
    put(l, et_s("] \""));
    put_plain(l, r->method_s, VALUE_MAX_BYTES);
    put(l, et_s(" "));
    put_plain(l, r->target, TARGET_MAX_BYTES);
    put(l, et_s(" "));
    put(l, version(r));
    put(l, et_s("\" "));
    put_number(l, r->status);
    put(l, et_s(" "));
    put_number(l, r->http->number(r, ET_N_SENT_BYTES));
}

/* ... and "Referer" "User-Agent". */
static void
put_combined(struct line *l, et_req *r)
{
    put_common(l, r);
    put_or_dash(l, et_header(r, "Referer"));
    put_or_dash(l, et_header(r, "User-Agent"));
}

/* key is what goes before the value: ,"name": */
static void
put_json(struct line *l, const char *key, et_str s, size_t max)
{
    put(l, et_s(key));
    if (!s.p)
        put(l, et_s("null"));
    else if (max + 2 <= sizeof l->p - l->n)
        l->n += et_quote_to(l->p + l->n, max + 2, s);
}

static void
put_object(struct line *l, et_req *r)
{
    put_json(l, "{\"time\":", r->http->text(r, ET_T_ISO_TIME), 64);
    put_json(l, ",\"peer\":", peer(r), 64);
    put_json(l, ",\"method\":", r->method_s, 64);
    put_json(l, ",\"target\":", r->target, TARGET_MAX_BYTES);
    put_json(l, ",\"version\":", version(r), 64);
    put_json(l, ",\"host\":", r->host, 512);
    put_json(l, ",\"route\":", r->http->text(r, ET_T_ROUTE), 128);
    put(l, et_s(",\"status\":"));
    put_number(l, r->status);
    put(l, et_s(",\"bytes\":"));
    put_number(l, r->http->number(r, ET_N_SENT_BYTES));
    put(l, et_s(",\"us\":"));
    put_number(l, r->http->number(r, ET_N_ELAPSED_US));
    put(l, et_s(",\"id\":"));
    put_number(l, (int64_t)r->id);
    put_json(l, ",\"referer\":", et_header(r, "Referer"), VALUE_MAX_BYTES);
    put_json(l, ",\"agent\":", et_header(r, "User-Agent"), VALUE_MAX_BYTES);
    put(l, et_s("}"));
}

ET_LOG(write_line)
{
    const struct access_log *a = (const struct access_log *)self;
    struct line l;
    l.n = 0;
    switch (a->format) {
    case FORMAT_COMBINED: put_combined(&l, r); break;
    case FORMAT_JSON: put_object(&l, r); break;
    default: put_common(&l, r);
    }
    /* Dropped lines are counted by the server. */
    (void)a->log->write(r, a->channel, l.p, l.n);
    return ET_NEXT;
}

ET_PLUGIN_AS("org.etude.access-log", "1.0.0", ET_P_UNMAP_OK,
             "a line for every answered request");
