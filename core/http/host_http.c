/* SPDX-License-Identifier: BSD-2-Clause */
/* host_http.c - et.http/1 over struct req; see host.h and abi/etude_abi.h for
 * what each call promises. */
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "http/client.h"
#include "http/filter.h"
#include "http/gen.h"
#include "http/host.h"
#include "http/req.h"
#include "http/route.h"
#include "os/closer.h"
#include "plug/guard.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "proto/addr.h"
#include "proto/field.h"
#include "proto/uri.h"
#include "tls/session.h"

static const et_str absent = {NULL, 0};

/* ---- the request ---------------------------------------------------------*/

static et_str
http_header(const et_req *pub, et_str name, uint32_t nth)
{
    return req_field(req_of(pub), name, nth);
}

static int32_t
http_header_at(const et_req *pub, uint32_t i, et_str *name, et_str *value)
{
    const struct req *r = req_of(pub);

    if (i >= r->n_fields)
        return ET_EINVAL;
    *name = http1_name(&r->fields[i], r->base);
    *value = http1_value(&r->fields[i], r->base);
    return 0;
}

static et_str
http_param(const et_req *pub, et_str name)
{
    const struct req *r = req_of(pub);

    for (uint32_t i = 0; i < r->n_params; i++) {
        if (str_eq(r->names[i], name))
            return r->values[i];
    }
    return absent;
}

/* Memory of the request.  When there is none the request is spoilt: whatever
 * its steps answer from then on is a 500, never something cut. */
static void *
take(struct req *r, size_t n)
{
    void *p = arena_alloc(&r->arena, n);

    if (UNLIKELY(!p))
        r->is_spoilt = 1;
    return p;
}

static et_str
copied(struct req *r, et_str s)
{
    et_str copy = arena_dup(&r->arena, s);

    if (UNLIKELY(!copy.p))
        r->is_spoilt = 1;
    return copy;
}

/* A raw value of a query or form, decoded into the arena when it must be. */
static et_str
decoded(struct req *r, et_str raw)
{
    char *to;

    if (!raw.p || !uri_form_is_coded(raw))
        return raw;
    to = take(r, raw.n);
    return to ? (et_str){to, uri_form_decode(raw, to)} : absent;
}

static et_str
http_query(et_req *pub, et_str name, uint32_t nth)
{
    return decoded(req_of(pub), uri_query_find(pub->query, name, nth));
}

static et_str
http_form(et_req *pub, et_str name, uint32_t nth)
{
    static const et_str form = {"application/x-www-form-urlencoded", 33};
    static const et_str type_name = {"content-type", 12};
    struct req *r = req_of(pub);
    et_str list = req_field(r, type_name, 0), type;

    if (!r->body.p || field_param_next(&list, &type) != 1 ||
        !str_eq_nocase(type, form))
        return absent;
    return decoded(r, uri_query_find(r->body, name, nth));
}

static et_str
http_cookie(const et_req *pub, et_str name)
{
    static const et_str cookie = {"cookie", 6};
    const struct req *r = req_of(pub);

    for (uint32_t i = 0;; i++) {
        et_str field = req_field(r, cookie, i), value;
        if (!field.p)
            return absent;
        value = field_cookie(field, name);
        if (value.p)
            return value;
    }
}

static et_str
http_trailer(const et_req *pub, et_str name, uint32_t nth)
{
    const struct req *r = req_of(pub);

    /* While it comes it may end within a line. */
    return r->body_bytes >= 0 ? req_trailer(r, name, nth) : absent;
}

static et_str
http_body(const et_req *pub)
{
    return req_of(pub)->body;
}

/* ---- who asks, when ------------------------------------------------------*/

static et_str
addr_text(struct req *r, const struct addr *a)
{
    char text[ADDR_TEXT_MAX];

    return copied(r, (et_str){text, addr_format(a, text)});
}

static et_str
socket_peer(struct req *r)
{
    struct addr a;

    return r->sink->peer(r, &a) < 0 ? (et_str){"-", 1} : addr_text(r, &a);
}

static et_str
effective_peer(struct req *r)
{
    struct client client;

    if (!r->peer_text.p && r->gen && client_find(r, &client) == 0)
        r->peer_text = addr_text(r, &client.addr);
    return r->peer_text.p ? r->peer_text : (et_str){"-", 1};
}

static et_str
time_text(struct req *r, uint32_t which)
{
    const struct clock *c = r->clock;
    char text[CLOCK_TEXT_LEN];
    int n = which == ET_T_CLF_TIME ? clock_clf(text, c->wall_s)
                                   : clock_iso(text, c->wall_s, c->wall_ns);

    return copied(r, (et_str){text, (size_t)n});
}

static et_str
session_text(const struct session *s, uint32_t which)
{
    switch (which) {
    case ET_T_TLS_VERSION: return session_version(s);
    case ET_T_TLS_CIPHER: return session_cipher(s);
    case ET_T_TLS_NAME: return session_name(s);
    case ET_T_CLIENT_SUBJECT: return s->peer.subject;
    case ET_T_CLIENT_SHA256: return s->peer.sha256;
    default: return s->peer.names;
    }
}

/* Copied: the request may outlive the connection. */
static et_str
secret_text(struct req *r, uint32_t which)
{
    et_str s = r->session ? session_text(r->session, which) : absent;

    return s.p ? copied(r, s) : absent;
}

static et_str
http_text(et_req *pub, uint32_t which)
{
    struct req *r = req_of(pub);

    switch (which) {
    case ET_T_PEER: return effective_peer(r);
    case ET_T_SOCKET_PEER: return socket_peer(r);
    case ET_T_ROUTE: return str_from_z(r->route ? r->route->name : "");
    case ET_T_INSTANCE:
        return str_from_z(r->chain ? r->chain->members[r->member].name : "");
    case ET_T_CLF_TIME:
    case ET_T_ISO_TIME: return time_text(r, which);
    case ET_T_TLS_VERSION:
    case ET_T_TLS_CIPHER:
    case ET_T_TLS_NAME:
    case ET_T_CLIENT_SUBJECT:
    case ET_T_CLIENT_SHA256:
    case ET_T_CLIENT_NAMES: return secret_text(r, which);
    case ET_T_TAIL: return r->has_tail ? r->values[r->n_params - 1] : absent;
    default: return absent;
    }
}

static int
has_body(const struct req *r)
{
    return r->head.is_chunked || r->head.content_length > 0;
}

/* ---- the answer, in a response step ---------------------------------------*/

static int64_t
answer_bytes(const struct req *r)
{
    const struct resp *p = &r->resp;

    if (r->phase != CHAIN_IN_RESPONSE || !filter_only_looks(r) ||
        (p->is_written && p->left == RESP_ANY_LENGTH))
        return -1;
    return (int64_t)(p->is_written ? p->left : p->body.bytes);
}

static et_str
http_answer_body(const et_req *pub)
{
    const struct req *r = req_of(pub);
    const struct segment *s = segment_peek(&r->resp.body);

    if (r->phase != CHAIN_IN_RESPONSE || r->resp.filters || r->resp.is_written)
        return absent;
    if (!s)
        return (et_str){"", 0};
    return s->next || s->kind == SEGMENT_FILE ? absent
                                              : (et_str){s->p, (size_t)s->n};
}

static int64_t
http_number(const et_req *pub, uint32_t which)
{
    struct req *r = req_of(pub);
    struct addr a;

    switch (which) {
    case ET_N_HEADERS: return r->n_fields;
    case ET_N_BODY_BYTES: return has_body(r) ? r->body_bytes : 0;
    case ET_N_SENT_BYTES: return (int64_t)r->resp.sent_bytes;
    case ET_N_ELAPSED_US:
        return (int64_t)((clock_mono_ns() - pub->start_ns) / 1000);
    case ET_N_RETIRING:
        return r->gen && (r->gen->is_old || r->gen->is_stopping);
    case ET_N_PEER_PORT: return r->sink->peer(r, &a) < 0 ? 0 : a.port;
    case ET_N_ANSWER_BYTES: return answer_bytes(r);
    case ET_N_REPEATED: return r->is_repeat ? 1 + (r->member != r->first) : 0;
    case ET_N_MAY_FILTER: return filter_may_begin(r);
    default: return -1;
    }
}

/* ---- once more -----------------------------------------------------------*/

static int32_t
http_repeat(et_req *pub, const et_str *without, size_t n)
{
    struct req *r = req_of(pub);

    if (r->phase != CHAIN_IN_REQUEST || r->entered == r->chain->n_req ||
        (r->is_repeat && r->member == r->first) || r->resp.committed ||
        pub->method != ET_M_GET || has_body(r) || r->head.has_upgrade ||
        !chain_is_at(r))
        return ET_EPHASE;
    if (r->gen->is_old || r->gen->is_stopping)
        return ET_ERETIRE;
    return req_worker(r)->repeat(r, without, n);
}

/* ---- memory --------------------------------------------------------------*/

static void *
http_alloc(et_req *pub, size_t n)
{
    return take(req_of(pub), n);
}

static char *
http_reserve(et_req *pub, size_t want, size_t *cap)
{
    struct req *r = req_of(pub);
    char *p = arena_reserve(&r->arena, want, cap);

    if (UNLIKELY(!p))
        r->is_spoilt = 1;
    return p;
}

static void
http_commit(et_req *pub, size_t n)
{
    arena_commit(&req_of(pub)->arena, n);
}

/* ---- the response --------------------------------------------------------*/

static int32_t
http_set(et_req *pub, et_str name, et_str value, uint32_t mode)
{
    struct req *r = req_of(pub);

    int32_t rc = resp_set(&r->resp, &r->arena, name, value, mode);

    if (UNLIKELY(rc == ET_ENOMEM))
        r->is_spoilt = 1;
    return rc;
}

static et_str
http_get(const et_req *pub, et_str name, uint32_t nth)
{
    return resp_get(&req_of(pub)->resp, name, nth);
}

static __attribute__((noinline)) int
refuse(struct req *r, uint32_t status)
{
    const char *name = r->chain ? r->chain->members[r->member].name : "host";

    r->has_said |= r->resp.committed || !r->is_spoilt;
    if (r->resp.committed)
        log_error("%s: answers a request that is answered already", name);
    else if (!r->is_spoilt)
        log_printf(LOG_ERROR, name,
                   "answers with status %u or a malformed type", status);
    return 0;
}

/* May a response be decided now, with these? */
static inline int
is_decidable(struct req *r, uint32_t status, et_str type)
{
    if (LIKELY(!r->is_spoilt && !r->resp.committed && status - 200 < 400 &&
               field_value_is_valid(type)))
        return 1;
    return refuse(r, status);
}

int
host_http_accepts(struct req *r, uint32_t status, et_str type)
{
    return is_decidable(r, status, type);
}

static uint32_t
http_reply(et_req *pub, uint32_t status, et_str type, const void *p, size_t n,
           uint32_t flags)
{
    struct req *r = req_of(pub);

    if (!is_decidable(r, status, type))
        return ET_FAIL;
    if (flags & ET_R_COPY) {
        p = copied(r, (et_str){p, n}).p;
        type = copied(r, type);
        if (r->is_spoilt)
            return ET_FAIL;
    }
    if (flags & ET_R_DRESS)
        req_decide_error_text(r, status, (et_str){p, n});
    else
        resp_reply_mem(&r->resp, (uint16_t)status, type, p, n);
    pub->status = status;
    return ET_DONE;
}

static uint32_t
http_reply_ref(et_req *pub, uint32_t status, et_str type, const void *p,
               size_t n, void (*release)(void *arg), void *arg)
{
    struct req *r = req_of(pub);

    if (!is_decidable(r, status, type)) {
        if (release)
            release(arg);
        return ET_FAIL;
    }
    resp_reply_ref(&r->resp, (uint16_t)status, type, p, n, release, arg);
    pub->status = status;
    return ET_DONE;
}

static uint32_t
http_reply_file(et_req *pub, uint32_t status, et_str type, int32_t fd,
                uint64_t off, uint64_t n)
{
    struct req *r = req_of(pub);

    if (fd < 0 || !is_decidable(r, status, type)) {
        if (fd >= 0)
            closer_take(fd);
        return ET_FAIL;
    }
    resp_reply_file(&r->resp, (uint16_t)status, type, fd, off, n);
    pub->status = status;
    return ET_DONE;
}

static void
release_all(const et_piece *pieces, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (pieces[i].release)
            pieces[i].release(pieces[i].arg);
    }
}

static int
are_pieces(const et_piece *pieces, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!pieces[i].p && pieces[i].n > 0 && pieces[i].fd < 0)
            return 0;
    }
    return 1;
}

static uint32_t
http_reply_pieces(et_req *pub, uint32_t status, et_str type,
                  const et_piece *pieces, size_t n)
{
    struct req *r = req_of(pub);
    int32_t rc = ET_EINVAL;

    if (is_decidable(r, status, type) && are_pieces(pieces, n))
        rc = resp_reply_pieces(&r->resp, &r->arena, (uint16_t)status, type,
                               pieces, n);
    if (UNLIKELY(rc < 0)) {
        r->is_spoilt |= rc == ET_ENOMEM;
        release_all(pieces, n);
        return ET_FAIL;
    }
    pub->status = status;
    return ET_DONE;
}

static int32_t
http_add(et_req *pub, const et_field *fields, size_t n)
{
    struct req *r = req_of(pub);
    int32_t rc = resp_add(&r->resp, &r->arena, fields, n);

    if (UNLIKELY(rc == ET_ENOMEM))
        r->is_spoilt = 1;
    return rc;
}

static int32_t
http_answer_field(const et_req *pub, uint32_t i, et_str *name, et_str *value)
{
    const struct resp_field *f = req_of(pub)->resp.fields;

    while (f && i-- > 0)
        f = f->next;
    if (!f)
        return ET_EINVAL;
    *name = f->name;
    *value = f->value;
    return 0;
}

static uint32_t
http_fail(et_req *pub, const char *p, size_t n)
{
    struct req *r = req_of(pub);

    r->has_said = 1;
    log_write(LOG_ERROR, r->chain ? r->chain->members[r->member].name : NULL, p,
              n);
    return ET_FAIL;
}

static void
log_panic(const struct req *r, const char *p, size_t n)
{
    const char *step;
    const struct chain_member *m = chain_running(r, &step);
    const struct image *i = m->instance ? m->instance->plugin->image : NULL;

    log_write(LOG_ERROR, m->name, p, n);
    log_printf(LOG_ERROR, m->name,
               "panic in its %s, route %s: plugin %s %s, sha256 %.12s, build "
               "%s, request %llu",
               step, r->route ? r->route->name : "none", i ? i->note.id : "",
               i ? i->note.version : "", i ? i->hash_hex : "",
               i && i->build_id[0] ? i->build_id : "-",
               (unsigned long long)r->pub.id);
}

static void
http_panic(et_req *pub, const char *p, size_t n)
{
    const struct guard *g = &guard_here;
    struct req *r = req_of(pub);

    CHECK((g->call == GUARD_STEPS || g->call == GUARD_LOG) &&
          g->who.subject == r);
    r->has_said = r->has_panicked = 1;
    log_panic(r, p, n);
    guard_leave("panic");
}

static const et_http http_iface = {
    .size = sizeof http_iface,
    .header = http_header,
    .header_at = http_header_at,
    .param = http_param,
    .query = http_query,
    .form = http_form,
    .cookie = http_cookie,
    .body = http_body,
    .text = http_text,
    .number = http_number,
    .alloc = http_alloc,
    .reserve = http_reserve,
    .commit = http_commit,
    .set = http_set,
    .get = http_get,
    .reply = http_reply,
    .reply_ref = http_reply_ref,
    .reply_file = http_reply_file,
    .fail = http_fail,
    .panic = http_panic,
    .trailer = http_trailer,
    .filter = filter_ask,
    .emit = filter_emit,
    .reply_pieces = http_reply_pieces,
    .add = http_add,
    .answer_field = http_answer_field,
    .watch = filter_ask_to_look,
    .answer_body = http_answer_body,
    .repeat = http_repeat,
};

const et_http *
host_http(void)
{
    return &http_iface;
}
