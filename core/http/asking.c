/* SPDX-License-Identifier: BSD-2-Clause */
/* asking.c - see asking.h. */
#include "http/asking.h"

#include <string.h>

#include "base/arena.h"
#include "proto/ascii.h"
#include "proto/field.h"
#include "proto/http1_out.h"
#include "proto/method.h"
#include "proto/uri.h"

#define HTTP_PORT 80u

/* What the host says itself: how the body ends, and what is about the
 * connection. */
static int
is_host_s(et_str name)
{
    static const char *const names[] = {
        "connection", "content-length",    "expect",
        "keep-alive", "proxy-connection",  "te",
        "trailer",    "transfer-encoding", "upgrade",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (ascii_eq_lit(name, names[i]))
            return 1;
    return 0;
}

/* ---- whom ----------------------------------------------------------------*/

static int32_t
set_end(struct wire_end *end, et_str authority)
{
    struct uri_host host;

    if (uri_host_parse(authority, &host) < 0 || host.port == 0)
        return ET_EINVAL;
    if (host.is_v6) /* without its brackets */
        host.name = (et_str){host.name.p + 1, host.name.n - 2};
    if (host.name.n == 0 || host.name.n > WIRES_HOST_LEN)
        return ET_EINVAL;
    end->port = host.port < 0 ? HTTP_PORT : (uint16_t)host.port;
    end->len = (uint16_t)host.name.n;
    uri_host_lower(host.name, end->host);
    return 0;
}

static int32_t
take_apart(struct asking *a, const et_fetch_ask *ask, struct uri *uri)
{
    uint32_t method = method_parse(ask->method);

    if (!method_is_token(ask->method) || method == ET_M_CONNECT)
        return ET_EINVAL;
    a->is_head = method == ET_M_HEAD;
    a->is_safe =
        method != ET_M_OTHER && method != ET_M_POST && method != ET_M_PATCH;
    if (ask->url.n > ASKING_HEAD_MAX)
        return ET_ELIMIT;
    if (uri_split(ask->url, method, uri) < 0 || uri->form != URI_ABSOLUTE)
        return ET_EINVAL;
    if (!ascii_eq_lit(uri->scheme, "http"))
        return ET_ENOTSUP;
    return set_end(&a->end, uri->authority);
}

/* ---- its head ------------------------------------------------------------*/

/* Bytes that its fields take; *host is the value of a Host among them, else as
 * it is. */
static int64_t
check_fields(const et_fetch_ask *ask, et_str *host)
{
    struct uri_host parsed;
    int64_t n = 0;
    int n_hosts = 0;

    for (size_t i = 0; i < ask->n_fields; i++) {
        const et_field *f = &ask->fields[i];
        if (!field_name_is_valid(f->name) || !field_value_is_valid(f->value) ||
            is_host_s(f->name))
            return ET_EINVAL;
        n += (int64_t)(f->name.n + f->value.n + HTTP1_OUT_FIELD_MORE);
        if (n > ASKING_HEAD_MAX)
            return ET_ELIMIT;
        if (!ascii_eq_lit(f->name, "host"))
            continue;
        if (n_hosts++ || uri_host_parse(f->value, &parsed) < 0)
            return ET_EINVAL;
        *host = f->value;
    }
    return n;
}

/* A method whose request has a content says so, also of none: RFC 9110 8.6. */
static char *
put_framing(char *p, const struct asking *a, et_str method_s)
{
    uint32_t method = method_parse(method_s);

    if (a->is_chunked)
        return http1_out_chunked(p);
    if (!a->is_streamed && a->body.n == 0 && method != ET_M_POST &&
        method != ET_M_PUT && method != ET_M_PATCH)
        return p;
    return http1_out_length(p, a->is_streamed ? a->left : a->body.n);
}

static char *
put_line(char *p, et_str method, const struct uri *uri)
{
    p = http1_out_put(p, method.p, method.n);
    p = http1_out_lit(p, " ");
    p = http1_out_put(p, uri->path.p, uri->path.n);
    if (uri->query.p) {
        p = http1_out_lit(p, "?");
        p = http1_out_put(p, uri->query.p, uri->query.n);
    }
    return http1_out_lit(p, " HTTP/1.1\r\n");
}

static int32_t
write_head(struct asking *a, const et_fetch_ask *ask, const struct uri *uri,
           struct arena *arena)
{
    et_str host = uri->authority;
    int64_t n = check_fields(ask, &host);
    char *p, *start;

    if (n < 0)
        return (int32_t)n;
    n += (int64_t)(ask->method.n + ask->url.n + host.n + HTTP1_OUT_MAX);
    if (n > ASKING_HEAD_MAX)
        return ET_ELIMIT;
    p = start = arena_alloc(arena, (size_t)n);
    if (!p)
        return ET_ENOMEM;
    p = put_line(p, ask->method, uri);
    p = http1_out_field(p, (et_str){"Host", 4}, host);
    for (size_t i = 0; i < ask->n_fields; i++)
        if (!ascii_eq_lit(ask->fields[i].name, "host"))
            p = http1_out_field(p, ask->fields[i].name, ask->fields[i].value);
    p = http1_out_end(put_framing(p, a, ask->method));
    a->head = (et_str){start, (size_t)(p - start)};
    return 0;
}

int32_t
asking_make(struct asking *a, const et_fetch_ask *ask, struct arena *arena)
{
    struct uri uri;
    int32_t rc;

    *a = (struct asking){.is_streamed = (ask->flags & ET_FETCH_STREAM) != 0};
    if (a->is_streamed && ask->flags & ET_FETCH_LENGTH)
        a->left = ask->body.n;
    else if (a->is_streamed)
        a->is_chunked = 1;
    else
        a->body = ask->body;
    rc = take_apart(a, ask, &uri);
    return rc < 0 ? rc : write_head(a, ask, &uri, arena);
}
