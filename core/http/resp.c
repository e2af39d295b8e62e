/* SPDX-License-Identifier: BSD-2-Clause */
/* resp.c - a response while it is being decided; see resp.h. */
#include "http/resp.h"

#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "proto/field.h"

/* RFC 9110 7.6.1, 9112 6 and 9113 8.2.2: what frames a message or names the
 * hop. */
static const et_str host_owned[] = {
    {"connection", 10},     {"transfer-encoding", 17},
    {"content-length", 14}, {"date", 4},
    {"keep-alive", 10},     {"proxy-connection", 16},
    {"upgrade", 7},         {"te", 2},
    {"trailer", 7},
};

/* What is needed before the body, or by whoever passes it on (RFC 9110 6.5.1).
 */
static const et_str no_trailer[] = {
    {"content-type", 12},
    {"content-encoding", 16},
    {"content-range", 13},
    {"cache-control", 13},
    {"expires", 7},
    {"vary", 4},
    {"set-cookie", 10},
    {"location", 8},
    {"www-authenticate", 16},
    {"retry-after", 11},
    {"host", 4},
    {"authorization", 13},
};

static const et_str type_name = {"content-type", 12};
static const et_str server_name = {"server", 6};

void
resp_init(struct resp *p)
{
    p->status = 0;
    p->committed = 0;
    p->has_server = 0;
    p->dress = 0;
    p->is_written = 0;
    p->fields_len = 0;
    p->type = (et_str){NULL, 0};
    p->fields = NULL;
    p->last_field = &p->fields;
    p->sent_bytes = 0;
    p->trailers = NULL;
    p->filters = NULL;
    segment_init(&p->body);
}

void
resp_clear(struct resp *p)
{
    segment_clear(&p->body);
    p->status = 0;
    p->dress = 0;
    p->is_written = 0;
    p->type = (et_str){NULL, 0};
    p->trailers = NULL;
}

void
resp_drop_fields(struct resp *p)
{
    p->fields = NULL;
    p->last_field = &p->fields;
    p->fields_len = 0;
    p->has_server = 0;
    p->filters = NULL;
}

static void
decide(struct resp *p, uint16_t status, et_str type, enum segment_kind kind,
       uint64_t n)
{
    segment_clear(&p->body);
    p->status = status;
    p->dress = 0;
    p->is_written = 0;
    p->type = type;
    p->first = (struct segment){.kind = kind, .fd = -1, .n = n};
}

void
resp_reply_mem(struct resp *p, uint16_t status, et_str type, const void *body,
               uint64_t n)
{
    decide(p, status, type, SEGMENT_MEM, n);
    p->first.p = body;
    segment_put(&p->body, &p->first);
}

void
resp_reply_ref(struct resp *p, uint16_t status, et_str type, const void *body,
               uint64_t n, void (*release)(void *), void *arg)
{
    decide(p, status, type, SEGMENT_REF, n);
    p->first.p = body;
    p->first.release = release;
    p->first.arg = arg;
    segment_put(&p->body, &p->first);
}

void
resp_reply_file(struct resp *p, uint16_t status, et_str type, int fd,
                uint64_t off, uint64_t n)
{
    decide(p, status, type, SEGMENT_FILE, n);
    p->first.fd = fd;
    p->first.off = off;
    segment_put(&p->body, &p->first);
}

static void
put_piece(struct resp *p, struct segment *s, const et_piece *piece)
{
    *s = (struct segment){.kind = piece->p ? SEGMENT_REF : SEGMENT_FILE,
                          .fd = piece->p ? -1 : piece->fd,
                          .is_lent = 1,
                          .p = piece->p,
                          .off = piece->off,
                          .n = piece->n,
                          .release = piece->release,
                          .arg = piece->arg};
    segment_put(&p->body, s);
}

int32_t
resp_reply_pieces(struct resp *p, struct arena *a, uint16_t status, et_str type,
                  const et_piece *pieces, size_t n)
{
    struct segment *more = NULL;

    if (n > 1) {
        if (n > SIZE_MAX / sizeof *more)
            return ET_ENOMEM;
        more = arena_alloc(a, (n - 1) * sizeof *more);
        if (!more)
            return ET_ENOMEM;
    }
    decide(p, status, type, SEGMENT_MEM, 0);
    for (size_t i = 0; i < n; i++)
        put_piece(p, i == 0 ? &p->first : &more[i - 1], &pieces[i]);
    return 0;
}

void
resp_write(struct resp *p, uint16_t status, et_str type, uint64_t length)
{
    resp_clear(p);
    p->status = status;
    p->type = type;
    p->is_written = 1;
    p->left = length;
    p->last_trailer = &p->trailers;
}

static int
is_one_of(et_str name, const et_str *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq_nocase(name, v[i]))
            return 1;
    }
    return 0;
}

static int
is_host_owned(et_str name)
{
    return is_one_of(name, host_owned, ARRAY_LEN(host_owned));
}

static void
field_remove(struct resp *p, et_str name)
{
    struct resp_field **at = &p->fields;

    while (*at) {
        struct resp_field *f = *at;
        if (!str_eq_nocase(f->name, name)) {
            at = &f->next;
            continue;
        }
        p->fields_len -= (uint32_t)(f->name.n + f->value.n + 4);
        *at = f->next;
    }
    p->last_field = at;
}

/* One more behind *last. */
static int32_t
put_field(struct resp_field ***last, struct arena *a, et_str name, et_str value)
{
    struct resp_field *f = arena_alloc(a, sizeof *f);

    if (!f)
        return ET_ENOMEM;
    f->next = NULL;
    f->name = arena_dup(a, name);
    f->value = arena_dup(a, value);
    if (!f->name.p || !f->value.p)
        return ET_ENOMEM;
    **last = f;
    *last = &f->next;
    return 0;
}

static int32_t
field_append(struct resp *p, struct arena *a, et_str name, et_str value)
{
    int32_t rc = put_field(&p->last_field, a, name, value);

    if (rc == 0)
        p->fields_len += (uint32_t)(name.n + value.n + 4);
    return rc;
}

/* Content-Type lives in type, so that it is sent once whoever sets it. */
static int32_t
set_type(struct resp *p, struct arena *a, et_str value, uint32_t mode)
{
    et_str copy = {NULL, 0};

    if (mode != ET_DEL) {
        copy = arena_dup(a, value);
        if (!copy.p)
            return ET_ENOMEM;
    }
    p->type = copy;
    return 0;
}

/* May a step set that? */
static int32_t
judge(et_str name, et_str value, int has_value)
{
    if (!field_name_is_valid(name) || is_host_owned(name) ||
        (has_value && !field_value_is_valid(value)))
        return ET_EINVAL;
    return has_value && value.n > 65536 ? ET_ELIMIT : 0;
}

int32_t
resp_trailer(struct resp *p, struct arena *a, et_str name, et_str value)
{
    int32_t rc = judge(name, value, 1);

    if (!p->is_written)
        return ET_EPHASE;
    if (rc == 0 && is_one_of(name, no_trailer, ARRAY_LEN(no_trailer)))
        return ET_EINVAL;
    return rc < 0 ? rc : put_field(&p->last_trailer, a, name, value);
}

int32_t
resp_set(struct resp *p, struct arena *a, et_str name, et_str value,
         uint32_t mode)
{
    int32_t rc;

    if (p->committed)
        return ET_EPHASE;
    if (mode > ET_DEL)
        return ET_EINVAL;
    rc = judge(name, value, mode != ET_DEL);
    if (rc < 0)
        return rc;
    if (str_eq_nocase(name, type_name))
        return set_type(p, a, value, mode);
    if (str_eq_nocase(name, server_name))
        p->has_server = 1; /* removed for good, or theirs */
    if (mode != ET_ADD)
        field_remove(p, name);
    return mode == ET_DEL ? 0 : field_append(p, a, name, value);
}

static int32_t
judge_all(const et_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int32_t rc = judge(fields[i].name, fields[i].value, 1);
        if (rc == 0 && str_eq_nocase(fields[i].name, type_name))
            rc = ET_EINVAL;
        if (rc < 0)
            return rc;
    }
    return 0;
}

int32_t
resp_add(struct resp *p, struct arena *a, const et_field *fields, size_t n)
{
    struct resp_field *f;
    int32_t rc = p->committed ? ET_EPHASE : judge_all(fields, n);

    if (rc < 0 || n == 0)
        return rc;
    if (n > SIZE_MAX / sizeof *f || !(f = arena_alloc(a, n * sizeof *f)))
        return ET_ENOMEM;
    for (size_t i = 0; i < n; i++, f++) {
        *f = (struct resp_field){NULL, fields[i].name, fields[i].value};
        p->fields_len += (uint32_t)(f->name.n + f->value.n + 4);
        p->has_server |= (uint8_t)str_eq_nocase(f->name, server_name);
        *p->last_field = f;
        p->last_field = &f->next;
    }
    return 0;
}

int32_t
resp_set_own(struct resp *p, struct arena *a, et_str name, et_str value)
{
    return field_append(p, a, name, value);
}

et_str
resp_get(const struct resp *p, et_str name, uint32_t nth)
{
    if (str_eq_nocase(name, type_name))
        return nth == 0 && p->type.n ? p->type : (et_str){NULL, 0};
    for (const struct resp_field *f = p->fields; f; f = f->next) {
        if (str_eq_nocase(f->name, name) && nth-- == 0)
            return f->value;
    }
    return (et_str){NULL, 0};
}
