/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_head.c - see h2_head.h. */
#include "conn/h2_head.h"

#include <string.h>

#include "base/blocks.h"
#include "base/err.h"
#include "base/str.h"
#include "proto/ascii.h"
#include "proto/http1.h"
#include "proto/method.h"
#include "proto/uri.h"

/* What a line of HTTP/1 has besides: ": " CRLF; of the first one, its blanks,
 * version and CRLF. */
#define LINE_MORE 4u
#define FIRST_MORE 12u
#define TEXT_MIN 1024u
#define CRUMB_MORE "; " /* between crumbs: RFC 9113 8.2.3 */

void
h2_head_begin(struct h2_head *h, struct blocks *blocks, struct http1 *to)
{
    *h = (struct h2_head){.blocks = blocks, .to = to};
    to->version = 20;
    to->keep_alive = 1;
    to->method = ET_M_OTHER;
}

static void
give_crumbs(struct h2_head *h)
{
    if (h->crumbs)
        blocks_give(h->blocks, h->crumbs, h->crumbs_cap);
    h->crumbs = NULL;
}

void
h2_head_fini(struct h2_head *h)
{
    if (h->text)
        blocks_give(h->blocks, h->text, h->cap);
    h->text = NULL;
    give_crumbs(h);
}

static void
fail(struct h2_head *h, int why)
{
    if (h->bad == 0)
        h->bad = (int16_t)why;
}

/* Room for more bytes behind the n of *text, a block of *cap or NULL. */
static int
grow(struct h2_head *h, char **text, uint32_t n, uint32_t *cap, size_t more)
{
    size_t want = n + more > TEXT_MIN ? 2 * (n + more) : TEXT_MIN, got;
    char *to = blocks_take(h->blocks, want, &got);

    if (!to) {
        fail(h, ERR_NOMEM);
        return -1;
    }
    if (*text) {
        memcpy(to, *text, n);
        blocks_give(h->blocks, *text, *cap);
    }
    *text = to;
    *cap = (uint32_t)got;
    return 0;
}

/* Where s, which is not in the text, is in it now. */
static uint32_t
put(struct h2_head *h, et_str s)
{
    uint32_t at = h->n;

    if (h->bad ||
        (s.n > h->cap - h->n && grow(h, &h->text, h->n, &h->cap, s.n) < 0))
        return 0;
    if (s.n > 0)
        memcpy(h->text + h->n, s.p, s.n);
    h->n += (uint32_t)s.n;
    return at;
}

static void
put_crumb(struct h2_head *h, et_str s)
{
    if (h->bad || (s.n > h->crumbs_cap - h->n_crumbs &&
                   grow(h, &h->crumbs, h->n_crumbs, &h->crumbs_cap, s.n) < 0))
        return;
    if (s.n > 0)
        memcpy(h->crumbs + h->n_crumbs, s.p, s.n);
    h->n_crumbs += (uint32_t)s.n;
}

/* ---- fields --------------------------------------------------------------*/

static void
add_field(struct h2_head *h, et_str name, et_str value, uint8_t id)
{
    struct http1 *to = h->to;
    struct http1_field *f;

    if (to->n_fields >= to->limits.max_fields) {
        fail(h, ERR_FIELDS_MANY);
        return;
    }
    f = &to->fields[to->n_fields];
    *f = (struct http1_field){
        .name_off = put(h, name),
        .name_len = (uint16_t)name.n,
        .value_off = put(h, value),
        .value_len = (uint32_t)value.n,
        .id = id,
    };
    to->n_fields++;
}

static void
on_host(struct h2_head *h, et_str value)
{
    struct http1 *to = h->to;
    struct uri_host host;

    if (uri_host_parse(value, &host) < 0) {
        fail(h, ERR_HOST);
        return;
    }
    add_field(h, (et_str){"host", 4}, value, HTTP1_F_HOST);
    if (h->bad)
        return;
    to->has_host = 1;
    to->host_off = to->fields[to->n_fields - 1].value_off;
    to->host_len = (uint32_t)value.n;
    to->host_name_len = (uint32_t)host.name.n;
    to->host_has_upper = host.has_upper;
}

/* Behind :authority it must say the same. */
static void
on_host_field(struct h2_head *h, et_str value)
{
    const struct http1 *to = h->to;

    if (!to->has_host)
        on_host(h, value);
    else if (!str_eq_nocase(value,
                            http1_str(h->text, to->host_off, to->host_len)))
        fail(h, H2_HEAD_MALFORMED);
}

static void
on_length(struct h2_head *h, et_str value)
{
    uint64_t v;

    if (h->to->content_length >= 0 || ascii_to_u64(value, INT64_MAX, &v) < 0)
        fail(h, H2_HEAD_MALFORMED);
    else
        h->to->content_length = (int64_t)v;
}

/* The first one is a field; with the second begins the text of all, which takes
 * the place of its value at the end: other fields may come between them. */
static void
on_cookie(struct h2_head *h, et_str name, et_str value)
{
    const struct http1_field *first = &h->to->fields[h->cookie];

    if (!h->has_cookie) {
        h->has_cookie = 1;
        h->cookie = (uint16_t)h->to->n_fields;
        add_field(h, name, value, HTTP1_F_COOKIE);
        return;
    }
    if (h->n_crumbs == 0)
        put_crumb(h, http1_value(first, h->text));
    put_crumb(h, str_lit(CRUMB_MORE));
    put_crumb(h, value);
}

static void
on_field(struct h2_head *h, et_str name, et_str value, uint8_t id)
{
    switch (id) {
    case HTTP1_F_HOST: on_host_field(h, value); return;
    case HTTP1_F_COOKIE: on_cookie(h, name, value); return;
    case HTTP1_F_CONTENT_LENGTH: on_length(h, value); break;
    case HTTP1_F_EXPECT:
        if (ascii_eq_lit(value, "100-continue"))
            h->to->expect_continue = 1;
        else
            fail(h, ERR_EXPECT);
        break;
    default: break;
    }
    add_field(h, name, value, id);
}

/* ---- pseudo-fields -------------------------------------------------------*/

static void
on_method(struct h2_head *h, et_str value)
{
    h->to->method = (uint8_t)method_parse(value);
    h->to->method_off = put(h, value);
    h->to->method_len = (uint32_t)value.n;
}

static void
on_path(struct h2_head *h, et_str value)
{
    h->to->target_off = put(h, value);
    h->to->target_len = (uint32_t)value.n;
}

static void
on_protocol(struct h2_head *h, et_str value)
{
    h->has_protocol = 1;
    h->is_websocket = (uint8_t)str_eq(value, str_lit("websocket"));
}

static void
on_pseudo(struct h2_head *h, et_str name, et_str value)
{
    if (str_eq(name, str_lit(":method")))
        on_method(h, value);
    else if (str_eq(name, str_lit(":path")))
        on_path(h, value);
    else if (str_eq(name, str_lit(":authority")))
        on_host(h, value);
    else if (str_eq(name, str_lit(":protocol")))
        on_protocol(h, value);
}

static int
is_too_much(const struct h2_head *h)
{
    const struct http1 *to = h->to;

    return h->list_bytes + 2 > to->limits.max_header;
}

/* What a field adds to the head as HTTP/1 has it. */
static size_t
size_of(const struct h2_head *h, et_str name, et_str value, uint8_t id)
{
    if (id == HTTP1_F_COOKIE && h->has_cookie)
        return sizeof CRUMB_MORE - 1 + value.n;
    return name.n + value.n + LINE_MORE;
}

void
h2_head_field(struct h2_head *h, et_str name, et_str value)
{
    int is_pseudo = name.n > 0 && name.p[0] == ':';
    uint8_t id = is_pseudo ? 0 : http1_field_id(name.p, name.n);

    if (is_pseudo && name.n + value.n > h->to->limits.max_line)
        fail(h, ERR_TARGET_LONG);
    else if (!is_pseudo)
        h->list_bytes += size_of(h, name, value, id);
    if (is_too_much(h) || name.n > UINT16_MAX)
        fail(h, ERR_FIELDS_LARGE);
    if (h->bad)
        return;
    if (is_pseudo)
        on_pseudo(h, name, value);
    else
        on_field(h, name, value, id);
}

/* ---- the end -------------------------------------------------------------*/

static void
join_cookies(struct h2_head *h)
{
    struct http1_field *cookie = &h->to->fields[h->cookie];
    et_str all = {h->crumbs, h->n_crumbs};
    uint32_t at = put(h, all);

    if (!h->bad) {
        cookie->value_off = at;
        cookie->value_len = (uint32_t)all.n;
    }
    give_crumbs(h);
}

static void
judge(struct h2_head *h, int has_body)
{
    struct http1 *to = h->to;

    if (to->method_len + to->target_len + FIRST_MORE > to->limits.max_line)
        fail(h, ERR_TARGET_LONG);
    if (!to->has_host)
        fail(h, ERR_HOST);
    if (to->method == ET_M_CONNECT && !h->has_protocol && !h->bad) {
        to->target_off = to->host_off; /* authority-form */
        to->target_len = to->host_len;
    }
    if (h->is_websocket && !h->bad) {
        to->method = ET_M_GET; /* to routes and plugins */
        to->method_off = put(h, str_lit("GET"));
        to->method_len = 3;
        to->has_upgrade = 1;
        to->content_length = -1;
        return;
    }
    if (h->has_protocol)
        fail(h, ERR_METHOD);
    if (has_body && to->content_length <= 0)
        to->is_chunked = 1; /* it ends when the stream does */
    if (!has_body && to->content_length > 0)
        fail(h, H2_HEAD_MALFORMED);
}

int
h2_head_end(struct h2_head *h, int has_body)
{
    if (h->n_crumbs > 0)
        join_cookies(h);
    judge(h, has_body);
    h->to->head_len = h->n;
    return h->bad;
}
