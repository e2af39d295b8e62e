/* SPDX-License-Identifier: BSD-2-Clause */
/* answer.c - see answer.h. */
#define _GNU_SOURCE
#include "answer.h"

#include <time.h>

#include "cond.h"
#include "file.h"
#include "range.h"

#define FIELDS_MAX (FILE_FIELDS_MAX + 4)

struct answer {
    const struct file *f;    /* whose name it has */
    const struct file *sent; /* whose bytes */
    enum coding coding;
    et_field fields[FIELDS_MAX];
    size_t n;
};

static int64_t
now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME_COARSE, &t);
    return t.tv_sec;
}

/* ---- fields --------------------------------------------------------------*/

static void
put(struct answer *a, const et_field *v, size_t n)
{
    memcpy(a->fields + a->n, v, n * sizeof *v);
    a->n += n;
}

static void
put_one(struct answer *a, const char *name, et_str value)
{
    a->fields[a->n].name = et_s(name);
    a->fields[a->n++].value = value;
}

/* Expires, and what says the same to newer caches. */
static int32_t
put_expires(et_req *r, struct answer *a)
{
    const int has_rule = a->f->n_fields > a->f->n_own;
    const et_str age =
        has_rule ? et_s("")
                 : et_printf(r, "max-age=%lld", (long long)a->f->expires_s);
    char *date = et_alloc(r, ET_DATE_LEN + 1);
    if (!date || !age.p)
        return ET_ENOMEM;
    et_date_to(date, now_s() + a->f->expires_s);
    put_one(a, "Expires", et_sn(date, ET_DATE_LEN));
    if (!has_rule)
        put_one(a, "Cache-Control", age);
    return 0;
}

/* The validators of what is sent, the rules of what it is called. */
static int32_t
put_fields(et_req *r, struct answer *a)
{
    static const char *const names[] = {"br", "zstd", "gzip"};
    put(a, a->sent->fields, a->sent->n_own);
    put(a, a->f->fields + a->f->n_own, (size_t)(a->f->n_fields - a->f->n_own));
    if (a->f->siblings)
        put_one(a, "Vary", et_s("Accept-Encoding"));
    if (a->coding != CODING_NONE)
        put_one(a, "Content-Encoding", et_s(names[a->coding]));
    return a->f->expires_s < 0 ? 0 : put_expires(r, a);
}

/* ---- bodies --------------------------------------------------------------*/

static et_piece
piece_of(const struct file *f, uint64_t off, uint64_t n)
{
    return f->content ? et_piece_mem(et_sn(f->content + off, n))
                      : et_piece_file(f->fd, off, n);
}

static uint32_t
answer_whole(et_req *r, struct answer *a)
{
    const struct file *f = a->sent;
    et_piece piece;
    if (put_fields(r, a) < 0 || et_add_static(r, a->fields, a->n) < 0)
        return ET_FAIL;
    if (f->content)
        return et_bytes_static(r, 200, a->f->type, et_sn(f->content, f->size));
    piece = et_piece_file(f->fd, 0, f->size);
    return et_pieces(r, 200, a->f->type, &piece, 1);
}

static et_str
content_range(et_req *r, const struct range *part, uint64_t size)
{
    return et_printf(r, "bytes %llu-%llu/%llu", (unsigned long long)part->from,
                     (unsigned long long)(part->from + part->n - 1),
                     (unsigned long long)size);
}

static uint32_t
answer_part(et_req *r, struct answer *a, const struct range *part)
{
    const et_str range = content_range(r, part, a->sent->size);
    const et_piece piece = piece_of(a->sent, part->from, part->n);
    if (!range.p || put_fields(r, a) < 0 ||
        et_add_static(r, a->fields, a->n) < 0 ||
        et_set(r, "Content-Range", range) < 0)
        return ET_FAIL;
    return et_pieces(r, 206, a->f->type, &piece, 1);
}

/* What no content has in it, unless by a chance that nobody lives to see: it is
 * not known before it is sent. */
static et_str
boundary(et_req *r)
{
    uint64_t x = r->id * UINT64_C(0x9e3779b97f4a7c15) ^ r->start_ns;
    uint64_t y =
        r->start_ns * UINT64_C(0xd6e8feb86659fd93) ^ (uint64_t)(uintptr_t)r;
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    y = (y ^ y >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return et_printf(r, "%016llx%016llx", (unsigned long long)(x ^ x >> 32),
                     (unsigned long long)(y ^ y >> 32));
}

/* RFC 9110 14.6 */
static uint32_t
answer_parts(et_req *r, struct answer *a, const struct range *parts, int n)
{
    et_piece pieces[2 * RANGE_MAX + 1];
    const et_str mark = boundary(r);
    const et_str type =
        et_printf(r, "multipart/byteranges; boundary=%.*s", ET_STR(mark));
    const et_str end = et_printf(r, "\r\n--%.*s--\r\n", ET_STR(mark));
    const char *before = "";
    int i;
    for (i = 0; i < n; i++, before = "\r\n") {
        const et_str range = content_range(r, &parts[i], a->sent->size);
        const et_str head = et_printf(
            r, "%s--%.*s\r\nContent-Type: %.*s\r\nContent-Range: %.*s\r\n\r\n",
            before, ET_STR(mark), ET_STR(a->f->type), ET_STR(range));
        if (!head.p)
            return ET_FAIL;
        pieces[2 * i] = et_piece_mem(head);
        pieces[2 * i + 1] = piece_of(a->sent, parts[i].from, parts[i].n);
    }
    if (!end.p || !type.p || put_fields(r, a) < 0 ||
        et_add_static(r, a->fields, a->n) < 0)
        return ET_FAIL;
    pieces[2 * n] = et_piece_mem(end);
    return et_pieces(r, 206, type, pieces, (size_t)(2 * n + 1));
}

static uint32_t
answer_range(et_req *r, const struct ask *ask, struct answer *a)
{
    struct range parts[RANGE_MAX];
    const int n = range_parse(ask->range, a->sent->size, parts);
    if (n == RANGE_ALL)
        return answer_whole(r, a);
    if (n == RANGE_NONE) {
        const et_str range =
            et_printf(r, "bytes */%llu", (unsigned long long)a->sent->size);
        if (!range.p || et_set(r, "Content-Range", range) < 0)
            return ET_FAIL;
        return et_error(r, 416, "no such part of it");
    }
    return n == 1 ? answer_part(r, a, parts) : answer_parts(r, a, parts, n);
}

/* ---- all of it -----------------------------------------------------------*/

static uint32_t
answer_not_modified(et_req *r, struct answer *a)
{
    a->coding = CODING_NONE; /* it is not said of what is not sent */
    if (put_fields(r, a) < 0 || et_add_static(r, a->fields, a->n) < 0)
        return ET_FAIL;
    return et_status(r, 304);
}

uint32_t
answer_file(et_req *r, const struct ask *ask, const struct file *f,
            const struct file *coded, enum coding coding)
{
    struct answer a;
    a.f = f;
    a.sent = coded ? coded : f;
    a.coding = coded ? coding : CODING_NONE;
    a.n = 0;
    if (ask->has & ASK_CONDITIONS) {
        const enum cond c = cond_judge(r, ask, &a.sent->validators);
        if (c == COND_FAILED)
            return et_error(r, 412, "it is not what you expect");
        if (c == COND_NOT_MODIFIED)
            return answer_not_modified(r, &a);
    }
    /* RFC 9110 14.2: of GET only */
    if (ask->has & ASK_RANGE && r->method == ET_M_GET &&
        cond_may_be_part(ask, &a.sent->validators, now_s()))
        return answer_range(r, ask, &a);
    return answer_whole(r, &a);
}
