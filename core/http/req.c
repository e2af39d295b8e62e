/* SPDX-License-Identifier: BSD-2-Clause */
/* req.c - one request; see req.h. */
#include "http/req.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "http/fetch.h"
#include "http/host.h"
#include "proto/field.h"
#include "proto/status.h"

/* Ids are unique in the process: the worker's index in the top 16 bits. */
static _Thread_local uint64_t last_id;

void
req_init(struct req *r, struct blocks *blocks, et_worker *worker,
         const struct clock *clock)
{
    /* Field by field: clearing the whole costs more than all that is needed.
     * The rest of pub is set by req_adopt_head and dispatch, before anyone
     * sees it. */
    r->pub.ctx = (et_ctx){sizeof r->pub, ET_K_REQ, worker->ctx.host};
    r->pub.http = host_http();
    r->pub.worker = worker;
    r->pub.mine = NULL;
    r->pub.method = ET_M_OTHER;
    r->pub.status = r->pub.reserved0 = 0;
    r->magic = REQ_MAGIC;
    r->entered = r->waiting = r->member = r->is_spoilt = r->miss = 0;
    r->has_said = r->phase = r->crashed = r->has_panicked = r->has_pause = 0;
    r->chain = NULL;
    r->route = NULL;
    r->gen = NULL;
    r->mine = NULL;
    r->upgrade = NULL;
    r->session = NULL;
    r->clock = clock;
    r->names = r->values = NULL;
    r->n_params = r->allow = r->n_fields = 0;
    r->has_tail = r->is_repeat = r->first = 0;
    r->base = NULL;
    r->body = r->peer_text = r->trailers = (et_str){NULL, 0};
    r->body_bytes = -1;
    r->fetches = NULL;
    resp_init(&r->resp);
    arena_init(&r->arena, r + 1, REQ_SLOT_BYTES - sizeof *r, blocks,
               REQ_ARENA_MAX_BYTES);
}

void
req_fini(struct req *r)
{
    if (UNLIKELY(r->fetches))
        fetch_close_of(r, 0);
    resp_fini(&r->resp);
    arena_reset(&r->arena);
    r->magic = 0;
}

int
req_reserve_fields(struct req *r, uint32_t max)
{
    r->fields = arena_alloc(&r->arena, max * sizeof *r->fields);
    return r->fields ? 0 : ERR_NOMEM;
}

int
req_adopt_head(struct req *r, const char *head)
{
    struct http1 *h = &r->head;
    char *copy = arena_alloc(&r->arena, h->head_len);

    if (!copy)
        return ERR_NOMEM;
    memcpy(copy, head, h->head_len);
    r->base = copy;
    r->n_fields = h->n_fields;
    r->pub.method = h->method;
    r->pub.method_s = http1_method(h, copy);
    r->pub.proto = h->version;
    r->pub.target = http1_target(h, copy);
    r->pub.id = ((uint64_t)r->pub.worker->index << 48) | ++last_id;
    r->pub.start_ns = r->clock->mono_ns;
    return 0;
}

et_str
req_field(const struct req *r, et_str name, uint32_t nth)
{
    for (uint32_t i = 0; i < r->n_fields; i++) {
        et_str at = http1_name(&r->fields[i], r->base);
        if (str_eq_nocase(at, name) && nth-- == 0)
            return http1_value(&r->fields[i], r->base);
    }
    return (et_str){NULL, 0};
}

/* ---- error answers -------------------------------------------------------*/

static et_str
dress_html(struct req *r, uint32_t status, et_str text)
{
    const char *page = arena_printf(
        &r->arena,
        "<!doctype html>\n<title>%u %.*s</title>\n<h1>%u %.*s</h1>\n"
        "<p>%.*s</p>\n",
        status, (int)status_phrase(status).n, status_phrase(status).p, status,
        (int)status_phrase(status).n, status_phrase(status).p, (int)text.n,
        text.p);

    return str_from_z(page);
}

static et_str
dress_json(struct req *r, uint32_t status, et_str text)
{
    const char *page =
        arena_printf(&r->arena, "{\"status\":%u,\"error\":\"%.*s\"}\n", status,
                     (int)text.n, text.p);

    return str_from_z(page);
}

/* A blank at either end of a value is not part of it. */
static et_str
trimmed(et_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = (et_str){s.p + 1, s.n - 1};
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

et_str
req_trailer(const struct req *r, et_str name, uint32_t nth)
{
    et_str left = r->trailers;

    while (left.n > 0) {
        size_t colon = (size_t)((char *)memchr(left.p, ':', left.n) - left.p);
        size_t end = (size_t)((char *)memchr(left.p, '\r', left.n) - left.p);
        if (str_eq_nocase((et_str){left.p, colon}, name) && nth-- == 0)
            return trimmed((et_str){left.p + colon + 1, end - colon - 1});
        left = (et_str){left.p + end + 2, left.n - end - 2};
    }
    return (et_str){NULL, 0};
}

static et_str
dress_text(struct req *r, uint32_t status, et_str text)
{
    const char *page =
        arena_printf(&r->arena, "%u %.*s\n", status, (int)text.n, text.p);

    return str_from_z(page);
}

/* True if the text can stand in HTML and JSON as it is. */
static int
is_harmless(et_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] < ' ' || strchr("<>&\"\\", text.p[i]))
            return 0;
    }
    return 1;
}

void
req_decide_error_text(struct req *r, uint32_t status, et_str text)
{
    static const et_str html = {"text/html; charset=utf-8", 24};
    static const et_str json = {"application/json", 16};
    static const et_str plain = {"text/plain; charset=utf-8", 25};
    enum field_form form = FIELD_TEXT;
    et_str type = plain, page;

    if (text.n > 0 && text.p[text.n - 1] == '\n') /* each form ends its line */
        text.n--;
    if (is_harmless(text))
        form = field_accept(req_field(r, (et_str){"accept", 6}, 0));
    if (form == FIELD_HTML) {
        page = dress_html(r, status, text);
        type = html;
    } else if (form == FIELD_JSON) {
        page = dress_json(r, status, text);
        type = json;
    } else {
        page = dress_text(r, status, text);
    }
    resp_reply_mem(&r->resp, (uint16_t)status, page.p ? type : (et_str){0},
                   page.p, page.n);
    r->pub.status = status;
}

void
req_decide_error(struct req *r, uint32_t status)
{
    req_decide_error_text(r, status, status_phrase(status));
}
