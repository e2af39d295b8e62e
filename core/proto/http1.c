/* SPDX-License-Identifier: BSD-2-Clause */
/* http1.c - see http1.h.
 *
 * One function per state.  A state reads from the cursor, moves it and returns
 * NEXT (it has set the state that follows), HTTP1_MORE, HTTP1_DONE or an error.
 * The cursor's end is where the bytes end or where a limit forbids to look
 * further, whichever comes first; MORE at a limit becomes that limit's error,
 * so that cut and whole input end alike.
 *
 * All states are inlined into one function per width of the scanner: a head
 * that comes whole runs through them without a dispatch, its cursor never
 * leaves the registers, and only between two calls it is kept in struct http1
 * (as offsets). */
#include "proto/http1.h"

#include <endian.h>
#include <string.h>

#include "base/err.h"
#include "proto/ascii.h"
#include "proto/field.h"
#include "proto/method.h"
#include "proto/scan.h"
#include "proto/uri.h"

#define NEXT 2
#define EMPTY_LINES_MAX 4
#define NAME_LEN_MAX 0xffff
#define VERSION_LEN 10
#define PORT_DIGITS 5u /* more are leading zeros */

/* A state is inlined into every parse_*. */
#define STATE static inline __attribute__((always_inline)) int

/*     buf ... start ...... p ......... end
 *             |  scanned   |  to scan  |  */
struct cursor {
    const char *buf;   /* the head's first byte */
    const char *start; /* of what is being read: method, name, value ... */
    const char *p, *end;
    unsigned state; /* enum http1_state */
};

static inline uint32_t
offset(const struct cursor *c, const char *p)
{
    return (uint32_t)(p - c->buf);
}

/* What is being read begins at p. */
static inline int
go(struct cursor *c, enum http1_state state, const char *p)
{
    c->state = state;
    c->start = c->p = p;
    return NEXT;
}

/* Bits of h->connection. */
#define CONN_CLOSE 1u
#define CONN_KEEP_ALIVE 2u
#define CONN_UPGRADE 4u

void
http1_init(struct http1 *h, struct http1_field *fields,
           const struct http1_limits *limits)
{
    *h = (struct http1){
        .content_length = -1,
        .fields = fields,
        .limits = *limits,
        .state = HTTP1_S_START,
    };
}

void
http1_init_reply(struct http1 *h, struct http1_field *fields,
                 const struct http1_limits *limits, uint8_t version,
                 uint32_t at)
{
    http1_init(h, fields, limits);
    h->version = version;
    h->is_reply = h->has_host = 1; /* none is wanted, and none looked at */
    h->fields_off = h->start = h->pos = at;
    h->state = HTTP1_S_NAME;
}

/* ---- names ---------------------------------------------------------------*/

#define LOWER UINT64_C(0x2020202020202020)

static inline uint64_t
load64(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t
load32(const char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

/* p and lit have n bytes, 4 <= n <= 24.  OR-ing 0x20 is a comparison without
 * case here: only a capital becomes a letter that way, and of all bytes only CR
 * becomes '-', which is in no name and no value. */
static inline __attribute__((always_inline)) int
is_name(const char *p, const char *lit, size_t n)
{
    if (n < 8)
        return (load32(p) | (uint32_t)LOWER) == load32(lit) &&
               (load32(p + (n - 4)) | (uint32_t)LOWER) == load32(lit + (n - 4));
    if ((load64(p) | LOWER) != load64(lit))
        return 0;
    if (n > 16 && (load64(p + 8) | LOWER) != load64(lit + 8))
        return 0;
    return (load64(p + (n - 8)) | LOWER) == load64(lit + (n - 8));
}

#define IS(p, lit) is_name(p, lit, sizeof(lit) - 1)

uint8_t
http1_field_id(const char *name, size_t n)
{
    switch (n) {
    case 4: return IS(name, "host") ? HTTP1_F_HOST : HTTP1_F_OTHER;
    case 6:
        if (IS(name, "accept"))
            return HTTP1_F_ACCEPT;
        if (IS(name, "cookie"))
            return HTTP1_F_COOKIE;
        return IS(name, "expect") ? HTTP1_F_EXPECT : HTTP1_F_OTHER;
    case 7: return IS(name, "upgrade") ? HTTP1_F_UPGRADE : HTTP1_F_OTHER;
    case 9:
        if (IS(name, "forwarded"))
            return HTTP1_F_FORWARDED;
        return IS(name, "x-real-ip") ? HTTP1_F_X_REAL_IP : HTTP1_F_OTHER;
    case 10: return IS(name, "connection") ? HTTP1_F_CONNECTION : HTTP1_F_OTHER;
    case 12:
        return IS(name, "content-type") ? HTTP1_F_CONTENT_TYPE : HTTP1_F_OTHER;
    case 13:
        return IS(name, "authorization") ? HTTP1_F_AUTHORIZATION
                                         : HTTP1_F_OTHER;
    case 14:
        return IS(name, "content-length") ? HTTP1_F_CONTENT_LENGTH
                                          : HTTP1_F_OTHER;
    case 15:
        if (IS(name, "accept-encoding"))
            return HTTP1_F_ACCEPT_ENCODING;
        return IS(name, "x-forwarded-for") ? HTTP1_F_X_FORWARDED_FOR
                                           : HTTP1_F_OTHER;
    case 17:
        return IS(name, "transfer-encoding") ? HTTP1_F_TRANSFER_ENCODING
                                             : HTTP1_F_OTHER;
    default: return HTTP1_F_OTHER;
    }
}

/* Every request has a Host: it is found without a call. */
static inline uint8_t
field_id(const char *name, size_t n)
{
    if (n == 4)
        return IS(name, "host") ? HTTP1_F_HOST : HTTP1_F_OTHER;
    return http1_field_id(name, n);
}

et_str
http1_field_name(uint8_t id)
{
    static const char *const names[HTTP1_F_COUNT] = {[HTTP1_F_OTHER] = "",
#define X(name, text) [HTTP1_F_##name] = text,
                                                     HTTP1_FIELD_TABLE(X)
#undef X
    };

    if (id >= HTTP1_F_COUNT)
        id = HTTP1_F_OTHER;
    return (et_str){names[id], strlen(names[id])};
}

/* ---- the request line ----------------------------------------------------*/

/* start stays at the first byte of all; empty lines are counted by p. */
STATE
state_start(struct http1 *h, struct cursor *c)
{
    while (c->p < c->end && *c->p == '\r') {
        if (c->p == c->start + 2 * EMPTY_LINES_MAX)
            return ERR_REQUEST_LINE;
        if (c->p + 1 == c->end)
            return HTTP1_MORE;
        if (c->p[1] != '\n')
            return ERR_REQUEST_LINE;
        c->p += 2;
    }
    if (c->p == c->end)
        return HTTP1_MORE;
    h->line_off = h->method_off = offset(c, c->p);
    return go(c, HTTP1_S_METHOD, c->p);
}

STATE
state_method(struct http1 *h, struct cursor *c)
{
    if (LIKELY(c->end - c->start >= 4 && memcmp(c->start, "GET ", 4) == 0)) {
        h->method = ET_M_GET;
        h->method_len = 3;
        h->target_off = h->method_off + 4;
        return go(c, HTTP1_S_TARGET, c->start + 4);
    }
    c->p = scan_token_plain(c->p, c->end);
    if (c->p == c->end)
        return HTTP1_MORE;
    if (*c->p != ' ' || c->p == c->start)
        return ERR_REQUEST_LINE;
    h->method_len = (uint32_t)(c->p - c->start);
    h->method = (uint8_t)method_parse((et_str){c->start, h->method_len});
    h->target_off = h->method_off + h->method_len + 1;
    return go(c, HTTP1_S_TARGET, c->p + 1);
}

STATE
state_target(struct http1 *h, struct cursor *c, enum scan_level level)
{
    c->p = scan_target(level, c->p, c->end, c->buf);
    if (c->p == c->end)
        return HTTP1_MORE;
    if (c->p == c->start)
        return ERR_REQUEST_LINE;
    if (*c->p != ' ')
        return *c->p == '\r' || *c->p == '\n' ? ERR_REQUEST_LINE : ERR_TARGET;
    h->target_len = (uint32_t)(c->p - c->start);
    return go(c, HTTP1_S_VERSION, c->p + 1);
}

/* Byte i of "HTTP/" DIGIT "." DIGIT CRLF. */
static int
is_version_byte(char c, size_t i)
{
    static const char model[] = "HTTP/0.0\r\n";

    if (i == 5 || i == 7)
        return ascii_is(c, ASCII_DIGIT);
    return c == model[i];
}

#define PROTOCOL_NAME_MAX 8

/* The version of another protocol, NAME "/" DIGIT "." DIGIT CRLF (a name in
 * capitals: ours in small letters is a mistake), is one we do
 * not speak; anything else is no request line. */
static int
judge_other_protocol(const char *p, size_t n)
{
    static const char model[] = "/0.0\r\n";
    size_t name = 0;

    while (name < n && name < PROTOCOL_NAME_MAX &&
           ascii_is(p[name], ASCII_UPPER))
        name++;
    for (size_t i = 0; i < sizeof model - 1; i++) {
        if (name + i >= n)
            return HTTP1_MORE;
        if (model[i] == '0' ? !ascii_is(p[name + i], ASCII_DIGIT)
                            : p[name + i] != model[i])
            return ERR_REQUEST_LINE;
    }
    return name > 0 ? ERR_VERSION : ERR_REQUEST_LINE;
}

/* 10, 11, HTTP1_MORE or an error for the n bytes so far. */
static int
judge_version(const char *p, size_t n)
{
    for (size_t i = 0; i < n && i < VERSION_LEN; i++)
        if (!is_version_byte(p[i], i))
            return judge_other_protocol(p, n);
    if (n < VERSION_LEN)
        return HTTP1_MORE;
    if (p[5] != '1')
        return ERR_VERSION;
    return p[7] == '0' ? 10 : 11;
}

STATE
state_version(struct http1 *h, struct cursor *c)
{
    size_t n = (size_t)(c->end - c->start);
    int version = 11;

    if (UNLIKELY(n < VERSION_LEN ||
                 memcmp(c->start, "HTTP/1.1\r\n", VERSION_LEN) != 0))
        version = judge_version(c->start, n);
    if (version <= 0)
        return version;
    h->version = (uint8_t)version;
    h->fields_off = offset(c, c->start + VERSION_LEN);
    return go(c, HTTP1_S_NAME, c->start + VERSION_LEN);
}

/* ---- what the fields mean ------------------------------------------------*/

static int
rare_host(struct http1 *h, const char *buf)
{
    struct uri_host host;

    if (uri_host_parse(http1_str(buf, h->host_off, h->host_len), &host) < 0)
        return ERR_HOST;
    h->host_name_len = (uint32_t)host.name.n;
    h->host_has_upper = host.has_upper;
    return 0;
}

/* ":" and up to five digits, up to end: a port, of at most 65535.  All digits
 * at once: after the XOR each byte is 0..9, which 6 does not carry out of the
 * low half.  What lies before the digits, if only the field's name, is shifted
 * out; five digits compare as the number they are. */
static inline int
is_port(const char *p, const char *end)
{
    size_t n = (size_t)(end - p) - 1;
    uint64_t text = load64(end - 8), v;

    if (n > PORT_DIGITS || *p != ':')
        return 0;
    v = le64toh(text ^ UINT64_C(0x3030303030303030)) >> (56 - 8 * n) >> 8;
    if (((v | (v + UINT64_C(0x0606060606))) & UINT64_C(0xf0f0f0f0f0)) != 0)
        return 0;
    return n < PORT_DIGITS || (be64toh(text) & UINT64_C(0xffffffffff)) <=
                                  UINT64_C(0x3635353335); /* "65535" */
}

/* Most hosts are lower-case names or IPv4 addresses without a final dot, with a
 * usual port or none; uri.h judges the others.  The CR behind the value stops
 * the scanner. */
STATE
on_host(struct http1 *h, const struct cursor *c, uint32_t len,
        enum scan_level level)
{
    const char *p = c->start, *end = p + len;
    const char *name_end = scan_host(level, p, c->end, c->buf);

    if (h->has_host)
        return h->is_reply ? 0 : ERR_HOST;
    h->has_host = 1;
    h->host_off = offset(c, p);
    h->host_len = len;
    if (UNLIKELY(name_end == p || name_end[-1] == '.'))
        return rare_host(h, c->buf);
    if (name_end != end && UNLIKELY(!is_port(name_end, end)))
        return rare_host(h, c->buf);
    h->host_name_len = (uint32_t)(name_end - p);
    return 0;
}

static int
on_content_length(struct http1 *h, const char *buf, const struct http1_field *f)
{
    uint64_t v;

    if (h->content_length >= 0)
        return ERR_LENGTH;
    if (ascii_to_u64(http1_value(f, buf), INT64_MAX, &v) < 0)
        return ERR_LENGTH;
    h->content_length = (int64_t)v;
    return 0;
}

/* Chunked, once, is the only coding known; it takes no parameters. */
static int
on_transfer_encoding(struct http1 *h, const char *buf,
                     const struct http1_field *f)
{
    et_str list = http1_value(f, buf), item;
    int rc, seen = 0;

    while ((rc = field_list_next(&list, &item)) > 0) {
        et_str name = field_token(item);

        seen = 1;
        if (name.n == 0)
            return ERR_FRAMING;
        if (!ascii_eq_lit(name, "chunked"))
            return ERR_CODING;
        if (h->is_chunked || name.n != item.n)
            return ERR_FRAMING;
        h->is_chunked = 1;
    }
    return rc < 0 || !seen ? ERR_FRAMING : 0;
}

/* The two values nearly all clients send; 0 for any other. */
static uint8_t
connection_quick(et_str v)
{
    if (v.n == 10 && IS(v.p, "keep-alive"))
        return CONN_KEEP_ALIVE;
    return v.n == 5 && IS(v.p, "close") ? CONN_CLOSE : 0;
}

static int
on_connection(struct http1 *h, const char *buf, const struct http1_field *f)
{
    et_str list = http1_value(f, buf), item;
    uint8_t quick = connection_quick(list);
    int rc;

    if (quick) {
        h->connection |= quick;
        return 0;
    }
    while ((rc = field_list_next(&list, &item)) > 0) {
        if (field_token(item).n != item.n)
            return ERR_FIELD;
        if (ascii_eq_lit(item, "close"))
            h->connection |= CONN_CLOSE;
        else if (ascii_eq_lit(item, "keep-alive"))
            h->connection |= CONN_KEEP_ALIVE;
        else if (ascii_eq_lit(item, "upgrade"))
            h->connection |= CONN_UPGRADE;
    }
    return rc < 0 ? ERR_FIELD : 0;
}

/* RFC 9110 10.1.1: ignored in HTTP/1.0; 417 for what is not understood. */
static int
on_expect(struct http1 *h, const char *buf, const struct http1_field *f)
{
    if (h->version < 11 || h->is_reply)
        return 0;
    if (!ascii_eq_lit(http1_value(f, buf), "100-continue"))
        return ERR_EXPECT;
    h->expect_continue = 1;
    return 0;
}

static int
on_rare_field(struct http1 *h, const char *buf, const struct http1_field *f)
{
    switch (f->id) {
    case HTTP1_F_CONTENT_LENGTH: return on_content_length(h, buf, f);
    case HTTP1_F_TRANSFER_ENCODING: return on_transfer_encoding(h, buf, f);
    case HTTP1_F_CONNECTION: return on_connection(h, buf, f);
    case HTTP1_F_EXPECT: return on_expect(h, buf, f);
    case HTTP1_F_UPGRADE: h->has_upgrade = 1; return 0;
    default: return 0;
    }
}

/* Everything that needs the whole head to be judged. */
STATE
on_head(struct http1 *h, struct cursor *c)
{
    if (h->is_chunked && (h->content_length >= 0 || h->version < 11))
        return ERR_FRAMING;
    if (h->version >= 11 && !h->has_host)
        return ERR_HOST;
    if (h->version < 11 || !(h->connection & CONN_UPGRADE))
        h->has_upgrade = 0;
    if (h->version >= 11)
        h->keep_alive = !(h->connection & CONN_CLOSE);
    else
        h->keep_alive =
            (h->connection & (CONN_CLOSE | CONN_KEEP_ALIVE)) == CONN_KEEP_ALIVE;
    h->head_len = offset(c, c->p);
    c->state = HTTP1_S_DONE;
    return HTTP1_DONE;
}

/* ---- the field lines -----------------------------------------------------*/

/* At CR where a field line would start: the blank line, or nothing. */
STATE
state_blank(struct http1 *h, struct cursor *c)
{
    if (c->end - c->p < 2)
        return HTTP1_MORE;
    if (c->p[1] != '\n')
        return ERR_FIELD;
    c->p += 2;
    return on_head(h, c);
}

STATE
state_name(struct http1 *h, struct cursor *c, enum scan_level level)
{
    struct http1_field *f = &h->fields[h->n_fields];
    size_t n;

    c->p = scan_token(level, c->p, c->end, c->buf);
    n = (size_t)(c->p - c->start);
    if (c->p == c->end)
        return HTTP1_MORE;
    if (n == 0 || *c->p != ':')
        return ERR_FIELD;
    if (n > NAME_LEN_MAX)
        return ERR_FIELDS_LARGE;
    if (h->n_fields == h->limits.max_fields)
        return ERR_FIELDS_MANY;
    f->name_off = offset(c, c->start);
    f->name_len = (uint16_t)n;
    f->id = field_id(c->start, n);
    f->reserved0 = 0;
    return go(c, HTTP1_S_OWS, c->p + 1);
}

STATE
state_ows(struct cursor *c)
{
    const char *p = c->p;

    while (p < c->end && (*p == ' ' || *p == '\t'))
        p++;
    c->p = p;
    return p == c->end ? HTTP1_MORE : go(c, HTTP1_S_VALUE, p);
}

/* The value reaches to c->p; of what is not above a blank it can hold blanks
 * and tabs only. */
STATE
on_value(struct http1 *h, const struct cursor *c, enum scan_level level)
{
    struct http1_field *f = &h->fields[h->n_fields++];
    const char *p = c->p;

    while (p > c->start && (unsigned char)p[-1] <= ' ')
        p--;
    f->value_off = offset(c, c->start);
    f->value_len = (uint32_t)(p - c->start);
    if (f->id == HTTP1_F_HOST)
        return on_host(h, c, (uint32_t)(p - c->start), level);
    if (f->id != HTTP1_F_OTHER && f->id <= HTTP1_F_UPGRADE)
        return on_rare_field(h, c->buf, f);
    return 0;
}

STATE
state_value(struct http1 *h, struct cursor *c, enum scan_level level)
{
    int rc;

    c->p = scan_value(level, c->p, c->end, c->buf);
    if (c->p == c->end)
        return HTTP1_MORE;
    if (*c->p != '\r')
        return ERR_FIELD;
    if (c->end - c->p < 2)
        return HTTP1_MORE;
    if (c->p[1] != '\n')
        return ERR_FIELD;
    rc = on_value(h, c, level);
    return rc < 0 ? rc : go(c, HTTP1_S_NAME, c->p + 2);
}

/* ---- the engine ----------------------------------------------------------*/

static int
over_limit(unsigned state)
{
    switch (state) {
    case HTTP1_S_METHOD: return ERR_METHOD;
    case HTTP1_S_TARGET:
    case HTTP1_S_VERSION: return ERR_TARGET_LONG;
    default: return ERR_FIELDS_LARGE;
    }
}

STATE
parse_line(struct http1 *h, struct cursor *c, enum scan_level level)
{
    int rc = NEXT;

    if (c->state == HTTP1_S_METHOD)
        rc = state_method(h, c);
    if (rc == NEXT && c->state == HTTP1_S_TARGET)
        rc = state_target(h, c, level);
    if (rc == NEXT && c->state == HTTP1_S_VERSION)
        rc = state_version(h, c);
    return rc;
}

STATE
parse_fields(struct http1 *h, struct cursor *c, enum scan_level level)
{
    int rc = NEXT;

    while (rc == NEXT) {
        if (c->state == HTTP1_S_NAME && c->p == c->start && c->p < c->end &&
            *c->p == '\r')
            return state_blank(h, c);
        if (c->state == HTTP1_S_NAME)
            rc = state_name(h, c, level);
        if (rc == NEXT && c->state == HTTP1_S_OWS)
            rc = state_ows(c);
        if (rc == NEXT && c->state == HTTP1_S_VALUE)
            rc = state_value(h, c, level);
    }
    return rc;
}

/* Let the cursor end max bytes behind off, or at n. */
STATE
clamp(struct cursor *c, size_t n, size_t off, size_t max)
{
    int is_cut = n - off >= max;

    c->end = c->buf + (is_cut ? off + max : n);
    return is_cut;
}

STATE
run(struct http1 *h, struct cursor *c, size_t n, enum scan_level level)
{
    int rc = NEXT, is_cut = 0;

    if (c->state == HTTP1_S_START)
        rc = state_start(h, c);
    if (rc == NEXT && c->state < HTTP1_S_NAME) {
        is_cut = clamp(c, n, h->line_off, h->limits.max_line);
        rc = parse_line(h, c, level);
    }
    if (rc == NEXT) {
        is_cut = clamp(c, n, h->fields_off, h->limits.max_header);
        rc = parse_fields(h, c, level);
    }
    return rc == HTTP1_MORE && is_cut ? over_limit(c->state) : rc;
}

STATE
parse(struct http1 *h, const char *buf, size_t n, enum scan_level level)
{
    struct cursor c = {buf, buf + h->start, buf + h->pos, buf + n, h->state};
    int rc;

    if (UNLIKELY(c.state == HTTP1_S_DONE))
        return HTTP1_DONE;
    rc = run(h, &c, n, level);
    h->start = offset(&c, c.start);
    h->pos = offset(&c, c.p);
    h->state = (uint8_t)c.state;
    return rc;
}

static int
parse_plain(struct http1 *h, const char *buf, size_t n)
{
    return parse(h, buf, n, SCAN_PLAIN);
}

#ifdef __x86_64__
SCAN_TARGET_SSSE3 static int
parse_ssse3(struct http1 *h, const char *buf, size_t n)
{
    return parse(h, buf, n, SCAN_SSSE3);
}
#else
#define parse_ssse3 parse_plain
#endif

static int (*parse_in_use)(struct http1 *h, const char *buf,
                           size_t n) = parse_plain;

void
http1_use_level(int at_most)
{
    static int (*const levels[])(struct http1 * h, const char *buf,
                                 size_t n) = {
        [SCAN_PLAIN] = parse_plain,
        [SCAN_SSSE3] = parse_ssse3,
    };
    int best = (int)scan_best();

    parse_in_use = levels[best < at_most ? best : at_most];
}

void
http1_init_simd(void)
{
    http1_use_level(SCAN_SSSE3);
}

int
http1_relimit(struct http1 *h, struct http1_field *fields,
              const struct http1_limits *limits)
{
    int is_line = h->state < HTTP1_S_NAME;
    uint32_t n = h->pos - (is_line ? h->line_off : h->fields_off);

    if (h->n_fields > limits->max_fields)
        return ERR_FIELDS_MANY;
    if (h->state != HTTP1_S_START &&
        n >= (is_line ? limits->max_line : limits->max_header))
        return over_limit(h->state);
    if (fields != h->fields)
        memcpy(fields, h->fields, h->n_fields * sizeof *fields);
    h->fields = fields;
    h->limits = *limits;
    return 0;
}

int
http1_parse(struct http1 *h, const char *buf, size_t n)
{
    return parse_in_use(h, buf, n);
}
