/* SPDX-License-Identifier: BSD-2-Clause */
/* upgrade.c - the handshake of a WebSocket; see upgrade.h. */
#include "http/upgrade.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "http/chain.h"
#include "http/host.h"
#include "http/req.h"
#include "http/stream.h"
#include "http/stream_task.h"
#include "http/streams.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "proto/ascii.h"
#include "proto/field.h"
#include "proto/http1_out.h"
#include "proto/ws_zip.h"

#define STR(lit) ((et_str){lit, sizeof(lit) - 1})

/* ---- answers that say no -------------------------------------------------*/

static uint32_t
refuse(struct req *r, uint32_t status, const char *why)
{
    r->upgrade = NULL;
    req_decide_error_text(r, status, (et_str){why, strlen(why)});
    r->pub.status = status;
    return r->is_spoilt ? ET_FAIL : ET_DONE;
}

/* The same, with what the client is to do (RFC 9110 15.5.22, RFC 6455 4.4). */
static uint32_t
refuse_until(struct req *r, const char *why)
{
    struct resp *resp = &r->resp;
    struct arena *a = &r->arena;

    if (r->head.version >= 20) /* there is no Upgrade (RFC 9113 8.6) */
        return refuse(r, 400, why);
    if (resp_set_own(resp, a, STR("Upgrade"), STR("websocket")) < 0 ||
        resp_set_own(resp, a, STR("Connection"), STR("upgrade")) < 0 ||
        resp_set(resp, a, STR("Sec-WebSocket-Version"), STR("13"), ET_SET) < 0)
        return ET_FAIL;
    return refuse(r, 426, why);
}

static uint32_t
refuse_method(struct req *r)
{
    if (resp_set(&r->resp, &r->arena, STR("Allow"), STR("GET, HEAD"), ET_SET) <
        0)
        return ET_FAIL;
    return refuse(r, 405, "a WebSocket begins with GET");
}

/* ---- what the request has to be ------------------------------------------*/

/* Whether one of the fields of that name lists token. */
static int
has_token(const struct req *r, et_str name, const char *token)
{
    et_str value;

    for (uint32_t i = 0; (value = req_field(r, name, i)).p; i++) {
        if (field_list_has(value, token))
            return 1;
    }
    return 0;
}

/* The value of a field that is there once; else absent. */
static et_str
only(const struct req *r, et_str name)
{
    return req_field(r, name, 1).p ? (et_str){NULL, 0} : req_field(r, name, 0);
}

static int
is_handshake(const struct req *r)
{
    if (r->head.version >= 20) /* RFC 8441: extended CONNECT */
        return r->head.has_upgrade;
    return r->head.version > 10 && has_token(r, STR("upgrade"), "websocket") &&
           has_token(r, STR("connection"), "upgrade");
}

static int
has_content(const struct req *r)
{
    return r->head.is_chunked || r->head.content_length > 0;
}

/* ---- whose page it is ----------------------------------------------------*/

/* Host and port, but for a port that scheme has anyway. */
static et_str
without_port(et_str authority, et_str scheme)
{
    et_str usual = ascii_eq_lit(scheme, "https") ? STR(":443") : STR(":80");
    size_t n = authority.n;

    if (n > usual.n && memcmp(authority.p + n - usual.n, usual.p, usual.n) == 0)
        authority.n -= usual.n;
    return authority;
}

/* Whether origin is scheme://host of what was asked, whichever scheme that was:
 * in front of this server there may be one that has the TLS. */
static int
is_same_host(et_str origin, et_str host)
{
    const char *mark = memmem(origin.p, origin.n, "://", 3);
    et_str scheme, authority;

    if (!mark || !host.p)
        return 0;
    scheme = (et_str){origin.p, (size_t)(mark - origin.p)};
    authority = (et_str){mark + 3, origin.n - scheme.n - 3};
    return str_eq_nocase(without_port(authority, scheme),
                         without_port(host, scheme));
}

static int
may_come(const struct req *r, const et_ws_ask *ask)
{
    et_str origin = req_field(r, STR("origin"), 0);

    if (!origin.p)
        return 1; /* no browser */
    if (req_field(r, STR("origin"), 1).p)
        return 0;
    for (size_t i = 0; i < ask->n_origins; i++) {
        if (str_eq(ask->origins[i], STR("*")) ||
            str_eq_nocase(ask->origins[i], origin))
            return 1;
    }
    return ask->n_origins == 0 &&
           is_same_host(origin, req_field(r, STR("host"), 0));
}

/* ---- what is agreed on ---------------------------------------------------*/

static int
agree_protocol(const struct req *r, const et_ws_ask *ask, struct upgrade *u)
{
    et_str value;
    int rc = 0;

    for (uint32_t i = 0;
         rc == 0 && (value = req_field(r, STR("sec-websocket-protocol"), i)).p;
         i++)
        rc = ws_shake_protocol(value, ask->protocols, ask->n_protocols,
                               &u->protocol);
    if (rc <= 0)
        u->protocol = (et_str){NULL, 0};
    return rc < 0 ? rc : 0;
}

static int
agree_compression(const struct req *r, const et_ws_ask *ask, struct upgrade *u)
{
    const struct streams *all = req_worker(r)->streams;
    const struct streams_limits *l = all->limits;
    const struct ws_deflate_terms terms =
        ws_zip_terms(l->deflate == STREAMS_FRESH);
    et_str value;
    int rc = 0;

    for (uint32_t i = 0;
         rc == 0 &&
         (value = req_field(r, STR("sec-websocket-extensions"), i)).p;
         i++)
        rc = ws_deflate_choose(value, &terms, &u->deflate);
    u->has_deflate =
        rc > 0 && l->deflate != STREAMS_PLAIN && !(ask->flags & ET_WS_PLAIN) &&
        all->zip_bytes + ws_zip_cost(&u->deflate) <= l->deflate_memory;
    return rc < 0 ? rc : 0;
}

static uint32_t
at_most(uint64_t wanted, uint64_t otherwise, uint64_t max)
{
    uint64_t n = wanted ? wanted : otherwise;

    return (uint32_t)(n < max ? n : max);
}

static void
set_limits(const struct req *r, const et_ws_ask *ask, struct upgrade *u)
{
    const struct streams_limits *l = req_worker(r)->streams->limits;

    u->max_message =
        at_most(ask->max_message, l->max_message, ET_WS_MESSAGE_MAX);
    u->queue_max = at_most(ask->queue, l->queue, UINT32_MAX);
    u->ping_ms = ask->ping_ms == UINT32_MAX ? 0
                 : ask->ping_ms             ? ask->ping_ms
                                            : l->ping_ms;
}

/* ---- et.ws/1 -------------------------------------------------------------*/

/* A copy of ask with all fields there are today. */
static et_ws_ask
complete(const et_ws_ask *ask)
{
    et_ws_ask whole = {.size = sizeof whole};

    if (ask && ask->size > sizeof whole.size)
        memcpy(&whole, ask,
               ask->size < sizeof whole ? ask->size : sizeof whole);
    return whole;
}

static uint32_t
agree(struct req *r, const struct upgrade *who, const et_ws_ask *ask)
{
    const struct chain_member *m = &r->chain->members[r->member];
    struct upgrade *u = arena_zalloc(&r->arena, sizeof *u);

    if (!u) {
        r->is_spoilt = 1;
        return ET_FAIL;
    }
    *u = *who;
    u->instance = m->instance;
    u->member = r->member;
    if (r->head.version < 20 && /* RFC 8441 5: there is none */
        ws_shake_accept(only(r, STR("sec-websocket-key")), u->accept) < 0)
        return refuse(r, 400, "malformed Sec-WebSocket-Key");
    if (agree_protocol(r, ask, u) < 0)
        return refuse(r, 400, "malformed Sec-WebSocket-Protocol");
    if (agree_compression(r, ask, u) < 0)
        return refuse(r, 400, "malformed Sec-WebSocket-Extensions");
    set_limits(r, ask, u);
    r->upgrade = u;
    return ET_TAKE;
}

/* What is called for as long as the stream lives is not on a stack. */
static int
is_static(const struct req *r, const et_ws_calls *calls)
{
    const struct instance *i = r->chain->members[r->member].instance;
    const struct image *image = i ? i->plugin->image : NULL;
    uintptr_t at = (uintptr_t)calls;

    return !image || image->end == 0 || (at >= image->start && at < image->end);
}

static int
may_begin(const struct req *r)
{
    return chain_is_at(r) && r->phase == CHAIN_IN_REQUEST && !r->is_spoilt &&
           req_worker(r)->streams;
}

uint32_t
upgrade_begin(struct req *r, const struct upgrade *who, const et_ws_ask *given)
{
    const et_ws_ask ask = complete(given);

    if (!may_begin(r))
        return ET_FAIL;
    r->upgrade = NULL;
    if (r->pub.method != ET_M_GET && r->pub.method != ET_M_HEAD)
        return refuse_method(r);
    if (r->pub.method == ET_M_HEAD || !is_handshake(r))
        return refuse_until(r, "this is a WebSocket");
    if (!str_eq(only(r, STR("sec-websocket-version")), STR("13")))
        return refuse_until(r, "version 13 is spoken here");
    if (has_content(r))
        return refuse(r, 400, "a WebSocket does not begin with content");
    if (!may_come(r, &ask))
        return refuse(r, 403, "not from this origin");
    return agree(r, who, &ask);
}

static uint32_t
ws_accept(et_req *pub, const et_ws_calls *calls, const et_ws_ask *ask,
          void *data)
{
    static const char not_static[] =
        "its et_ws_calls are not static: they have to outlive the step";
    struct req *r = req_of(pub);
    struct upgrade who = {.calls = calls, .data = data};

    if (!calls || !may_begin(r))
        return ET_FAIL;
    r->upgrade = NULL;
    if (!is_static(r, calls))
        return host_http()->fail(pub, not_static, sizeof not_static - 1);
    who.self = r->chain->members[r->member].self;
    return upgrade_begin(r, &who, ask);
}

int
upgrade_is_on(const struct req *r)
{
    return r->upgrade && r->upgrade->member == r->member;
}

const et_ws_api *
upgrade_iface(void)
{
    static const et_ws_api iface = {
        .size = sizeof iface,
        .accept = ws_accept,
        .send = stream_out_send,
        .close = stream_close,
        .token = stream_token,
        .post = stream_post,
        .open = stream_task_open,
        .recv = stream_task_recv,
        .put = stream_task_put,
    };

    return &iface;
}

/* ---- the answer ----------------------------------------------------------*/

size_t
upgrade_max(const struct upgrade *u)
{
    return sizeof "Upgrade: websocket\r\nConnection: upgrade\r\n"
                  "Sec-WebSocket-Accept: \r\nSec-WebSocket-Protocol: \r\n"
                  "Sec-WebSocket-Extensions: \r\n" +
           WS_SHAKE_ACCEPT_LEN + u->protocol.n + WS_DEFLATE_ANSWER_MAX;
}

char *
upgrade_put(const struct upgrade *u, char *p)
{
    char terms[WS_DEFLATE_ANSWER_MAX];

    p = http1_out_field(p, STR("Upgrade"), STR("websocket"));
    p = http1_out_connection(p, HTTP1_OUT_UPGRADE);
    p = http1_out_field(p, STR("Sec-WebSocket-Accept"),
                        (et_str){u->accept, WS_SHAKE_ACCEPT_LEN});
    if (u->protocol.p)
        p = http1_out_field(p, STR("Sec-WebSocket-Protocol"), u->protocol);
    if (u->has_deflate)
        p = http1_out_field(
            p, STR("Sec-WebSocket-Extensions"),
            (et_str){terms, ws_deflate_answer(terms, &u->deflate)});
    return p;
}
