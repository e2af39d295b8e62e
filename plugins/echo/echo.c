/* SPDX-License-Identifier: BSD-2-Clause */
/* echo.c - a handler that shows what arrived, for tests and for debugging
 * clients and proxies.
 *
 * show = body (default) answers the decoded request body with the request's
 * own Content-Type; show = request answers method, target and header fields as
 * text.  Any method; always 200.  Nothing is copied for show = body. */
#include <etude.h>

enum show { SHOW_BODY, SHOW_REQUEST };

struct options {
    int64_t show; /* enum show */
};

ET_OPTIONS(struct options, NULL,
           ET_OPT_CHOICE(show, "body", "body|request",
                         "what to answer: the body, or the request's head"));

static uint32_t
show_body(et_req *r)
{
    et_str type = et_header(r, "Content-Type");
    if (!type.n)
        type = et_s("application/octet-stream");
    return et_bytes_static(r, 200, type, et_body(r));
}

/* Bytes that "GET /x HTTP/1.1\n" and "Name: value\n" for each field take. */
static size_t
head_length(const et_req *r, uint32_t n_fields)
{
    size_t n = r->method_s.n + 1 + r->target.n + strlen(" HTTP/1.1\n");
    et_str name, value;
    uint32_t i;
    for (i = 0; i < n_fields; i++)
        if (r->http->header_at(r, i, &name, &value) == 0)
            n += name.n + 2 + value.n + 1;
    return n;
}

static char *
append(char *at, et_str s)
{
    if (s.n)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

static uint32_t
show_request(et_req *r)
{
    const uint32_t n_fields = (uint32_t)r->http->number(r, ET_N_HEADERS);
    char *text = (char *)et_alloc(r, head_length(r, n_fields));
    char *at = text;
    et_str name, value;
    uint32_t i;
    if (!text)
        return ET_FAIL;
    at = append(append(append(at, r->method_s), et_s(" ")), r->target);
    at = append(at, et_s(r->proto >= 20   ? " HTTP/2.0\n"
                         : r->proto == 10 ? " HTTP/1.0\n"
                                          : " HTTP/1.1\n"));
    for (i = 0; i < n_fields; i++) {
        if (r->http->header_at(r, i, &name, &value) != 0)
            continue;
        at = append(append(append(at, name), et_s(": ")), value);
        at = append(at, et_s("\n"));
    }
    return et_bytes_static(r, 200, et_s("text/plain; charset=utf-8"),
                           et_sn(text, (size_t)(at - text)));
}

ET_HANDLER_BODY(echo)
{
    const struct options *o = (const struct options *)self;
    return o->show == SHOW_REQUEST ? show_request(r) : show_body(r);
}

ET_PLUGIN_AS("org.etude.echo", "1.0.0", ET_P_UNMAP_OK,
             "answers what it was sent");
