/* SPDX-License-Identifier: BSD-2-Clause */
/* dispatch.c - from a complete head to its chain; see dispatch.h. */
#include "http/dispatch.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/conf.h"
#include "http/client.h"
#include "http/gen.h"
#include "http/req.h"
#include "http/route.h"
#include "http/router.h"
#include "proto/uri.h"
#include "tls/session.h"

static const et_str absent = {NULL, 0};

/* The host routes are chosen by: lower case, without port and final dot.  A
 * target in absolute-form overrides the field (RFC 9112 3.2.2). */
static int
set_host(struct req *r, const struct uri *u)
{
    struct uri_host h;
    char *lower;

    if (u->form == URI_ABSOLUTE) {
        if (uri_host_parse(u->authority, &h) < 0)
            return ERR_HOST;
    } else {
        h.name = http1_host(&r->head, r->base);
        h.has_upper = r->head.host_has_upper;
    }
    if (h.has_upper) {
        lower = arena_alloc(&r->arena, h.name.n);
        if (!lower)
            return ERR_NOMEM;
        uri_host_lower(h.name, lower);
        h.name.p = lower;
    }
    r->pub.host = h.name;
    return 0;
}

/* Only a trusted proxy can say it is another than the connection's. */
static void
set_scheme(struct req *r)
{
    struct client client;

    r->pub.scheme = r->session ? (et_str){"https", 5} : (et_str){"http", 4};
    if (UNLIKELY(r->gen->gen->trust.n > 0) && client_find(r, &client) == 0)
        r->pub.scheme = client.scheme;
}

static int
set_path(struct req *r, const struct uri *u)
{
    char *to;
    size_t n;

    r->pub.query = u->query;
    r->pub.path = u->path;
    if (u->path_is_plain || u->path.n == 0 || u->path.p[0] != '/')
        return 0;
    to = arena_alloc(&r->arena, u->path.n);
    if (!to)
        return ERR_NOMEM;
    if (uri_normalise(u->path, to, &n) < 0)
        return ERR_TARGET;
    r->pub.path = (et_str){to, n};
    return 0;
}

static int
set_chain(struct req *r, const struct route *route)
{
    size_t bytes;

    r->route = route;
    r->chain = r->gen->chains[route->index];
    bytes = r->chain->n_members * sizeof *r->mine;
    r->mine = arena_alloc(&r->arena, bytes);
    if (!r->mine)
        return ERR_NOMEM;
    memset(r->mine, 0, bytes);
    return 0;
}

/* Why nobody serves it, as the route that says so. */
static void
set_miss(struct req *r, enum router_result result, const struct route *route)
{
    r->miss = DISPATCH_NOT_FOUND;
    if (r->pub.method == ET_M_OTHER || r->pub.method == ET_M_CONNECT)
        r->miss = DISPATCH_UNKNOWN;
    else if (r->pub.path.n == 1 && r->pub.path.p[0] == '*')
        r->miss = DISPATCH_OPTIONS;
    else if (result == ROUTER_METHOD)
        r->miss =
            r->pub.method == ET_M_OPTIONS ? DISPATCH_OPTIONS : DISPATCH_METHOD;
    else if (result == ROUTER_SLASH && route->slash_redirect)
        r->miss = DISPATCH_SLASH;
}

/* What comes early may come twice: only safe methods are for that (RFC 9110
 * 9.2.1). */
static int
is_too_early(const struct req *r)
{
    const uint32_t safe = 1u << ET_M_GET | 1u << ET_M_HEAD | 1u << ET_M_OPTIONS;

    return session_is_early(r->session) && !(safe >> r->pub.method & 1);
}

int
dispatch(struct req *r)
{
    const struct gen *g = r->gen->gen;
    struct router_match m;
    enum router_result result;
    struct uri u;
    int rc = uri_split(r->pub.target, r->pub.method, &u);

    if (rc < 0)
        return rc;
    set_scheme(r);
    rc = set_host(r, &u);
    if (rc == 0 && UNLIKELY(r->session != NULL) &&
        !session_serves(r->session, r->pub.host))
        rc = ERR_MISDIRECTED;
    if (rc == 0)
        rc = set_path(r, &u);
    if (rc < 0)
        return rc;
    m.values =
        arena_alloc(&r->arena, router_max_params(g->router) * sizeof *m.values);
    if (!m.values)
        return ERR_NOMEM;
    result = router_find(g->router, &r->pub, &m);
    if (result == ROUTER_FOUND) {
        r->names = m.rule->params;
        r->values = m.values;
        r->n_params = m.n_values;
        r->has_tail = m.rule->has_tail;
    } else {
        r->allow = result == ROUTER_METHOD ? m.allow : 0;
        set_miss(r, result, m.target);
    }
    rc = set_chain(r, m.target);
    if (rc == 0 && UNLIKELY(r->session != NULL) && is_too_early(r))
        rc = ERR_EARLY;
    return rc;
}

/* ---- the host's own answers ----------------------------------------------*/

static int32_t
add_allow(struct req *r, uint32_t mask)
{
    static const et_str name = {"Allow", 5};
    char text[ROUTER_ALLOW_MAX_BYTES];
    size_t n;

    mask |= 1u << ET_M_OPTIONS;
    n = router_allow(r->gen->gen->router, mask, text, sizeof text);
    return resp_set(&r->resp, &r->arena, name, (et_str){text, n}, ET_SET);
}

/* The path of a target, without dot segments (they would lead here again) and
 * with its final slash toggled, then the query, in the arena; n 0: none. */
static et_str
other_form(struct req *r, const struct uri *u)
{
    char *to = arena_alloc(&r->arena, u->path.n + u->query.n + 2);
    size_t n;

    if (!to)
        return absent;
    n = uri_remove_dots(u->path, to);
    if (n > 0 && to[n - 1] == '/')
        n--;
    else
        to[n++] = '/';
    if (u->query.p) {
        to[n++] = '?';
        memcpy(to + n, u->query.p, u->query.n);
        n += u->query.n;
    }
    return (et_str){to, n};
}

/* A path of two leading slashes would read as another host: no redirect. */
static int
redirect(struct req *r)
{
    static const et_str name = {"Location", 8};
    struct uri u;
    et_str to;

    if (uri_split(r->pub.target, r->pub.method, &u) < 0 || u.path.n < 2)
        return -1;
    to = other_form(r, &u);
    if (to.n < 2 || to.p[1] == '/' || to.p[1] == '\\' ||
        resp_set(&r->resp, &r->arena, name, to, ET_SET) < 0)
        return -1;
    req_decide_error(r, 308);
    return 0;
}

uint32_t
dispatch_answer_miss(et_req *pub, void *self)
{
    struct req *r = req_of(pub);
    /* What OPTIONS * says of the server as a whole. */
    const uint32_t known = 1u << ET_M_GET | 1u << ET_M_HEAD | 1u << ET_M_POST |
                           1u << ET_M_PUT | 1u << ET_M_DELETE |
                           1u << ET_M_PATCH;

    (void)self;
    switch ((enum dispatch_miss)r->miss) {
    case DISPATCH_OPTIONS:
        resp_reply_mem(&r->resp, 204, absent, NULL, 0);
        return add_allow(r, r->allow ? r->allow : known) < 0 ? ET_FAIL
                                                             : ET_DONE;
    case DISPATCH_METHOD:
        req_decide_error(r, 405);
        return add_allow(r, r->allow) < 0 ? ET_FAIL : ET_DONE;
    case DISPATCH_SLASH:
        if (redirect(r) == 0)
            return ET_DONE;
        break;
    case DISPATCH_UNKNOWN: req_decide_error(r, 501); return ET_DONE;
    case DISPATCH_NOT_FOUND: break;
    }
    req_decide_error(r, 404);
    return ET_DONE;
}

uint32_t
dispatch_answer_closed(et_req *pub, void *self)
{
    (void)self;
    req_decide_error(req_of(pub), 503);
    return ET_DONE;
}

uint32_t
dispatch_answer_health(et_req *pub, void *self)
{
    static const et_str plain = {"text/plain; charset=utf-8", 25};
    struct req *r = req_of(pub);

    (void)self;
    resp_reply_mem(&r->resp, 200, plain, "ok\n", 3);
    return ET_DONE;
}

uint32_t
dispatch_answer_ready(et_req *pub, void *self)
{
    struct req *r = req_of(pub);

    if (!r->gen->is_stopping)
        return dispatch_answer_health(pub, self);
    req_decide_error(r, 503);
    return ET_DONE;
}

/* ---- limits --------------------------------------------------------------*/

uint64_t
dispatch_max_body(const struct req *r, uint64_t otherwise)
{
    return r->route->max_body >= 0 ? (uint64_t)r->route->max_body : otherwise;
}

uint32_t
dispatch_body_ms(const struct req *r, uint32_t otherwise)
{
    int64_t own = r && r->route ? r->route->body_timeout_ms : -1;

    return own >= 0 ? (uint32_t)own : otherwise;
}

uint32_t
dispatch_write_ms(const struct req *r, uint32_t otherwise)
{
    int64_t own = r && r->route ? r->route->write_timeout_ms : -1;

    return own >= 0 ? (uint32_t)own : otherwise;
}

uint32_t
dispatch_wait_ms(const struct req *r)
{
    int64_t own = r->route->wait_timeout_ms;

    return (uint32_t)(own >= 0 ? own : r->gen->gen->conf->server.wait_timeout);
}
