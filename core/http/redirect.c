/* SPDX-License-Identifier: BSD-2-Clause */
/* redirect.c - see redirect.h. */
#include "http/redirect.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/req.h"
#include "http/route.h"
#include "proto/ascii.h"
#include "proto/uri.h"

#define HTTPS_PORT 443

static int
is_left_alone(const struct req *r)
{
    if (r->route->priority == ROUTE_ALWAYS ||
        ascii_eq_lit(r->pub.scheme, "https"))
        return 1;
    return r->route->kind == ROUTE_SERVE &&
           str_prefix(r->pub.path, str_lit("/.well-known/acme-challenge/"));
}

/* Path and query as they were sent: nothing in them is another one's name. */
static et_str
destination(struct req *r, const struct uri *u, uint16_t port)
{
    char number[8] = "";
    const char *text;

    if (port != HTTPS_PORT)
        snprintf(number, sizeof number, ":%u", port);
    text = arena_printf(&r->arena, "https://%.*s%s%.*s%s%.*s",
                        (int)r->pub.host.n, r->pub.host.p, number,
                        (int)u->path.n, u->path.p, u->query.p ? "?" : "",
                        (int)u->query.n, u->query.n ? u->query.p : "");
    return text ? str_from_z(text) : (et_str){NULL, 0};
}

int
redirect_to_https(struct req *r, uint16_t port)
{
    static const et_str name = {"Location", 8};
    struct uri u;
    et_str to;

    if (is_left_alone(r) || uri_split(r->pub.target, r->pub.method, &u) < 0 ||
        u.path.n == 0 || u.path.p[0] != '/')
        return 0;
    if (r->pub.host.n == 0) { /* HTTP/1.0 */
        req_decide_error(r, 400);
        return 1;
    }
    to = destination(r, &u, port);
    if (!to.p || resp_set(&r->resp, &r->arena, name, to, ET_SET) < 0)
        req_decide_error(r, 500);
    else
        req_decide_error(r, 308);
    return 1;
}
