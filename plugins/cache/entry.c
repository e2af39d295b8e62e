/* SPDX-License-Identifier: BSD-2-Clause */
/* entry.c - see entry.h. */
#include "entry.h"

/* What malloc adds to two pieces of memory, about. */
#define OVERHEAD 32u

static int
is_content(et_str name)
{
    return name.n > 8 && et_eq_nocase(et_sn(name.p, 8), et_s("content-")) &&
           !et_eq_nocase(name, et_s("content-location"));
}

static size_t
text_bytes(const struct head *h)
{
    size_t i, n = key_bytes(h->key) + h->vary.n + h->selected.n + h->type.n;
    for (i = 0; i < h->n_fields; i++)
        n += h->fields[i].name.n + h->fields[i].value.n;
    return n;
}

size_t
entry_bytes(const struct head *h)
{
    return sizeof(struct entry) + h->n_fields * sizeof(et_field) +
           text_bytes(h) + OVERHEAD;
}

static et_str
put(char **at, et_str s)
{
    const et_str copy = et_sn(*at, s.n);
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

/* Those that are about the content (content != 0), or the others. */
static void
put_fields(struct entry *e, char **at, const struct head *h, int content)
{
    size_t i;
    for (i = 0; i < h->n_fields; i++) {
        et_field *f = &e->fields[e->n_fields];
        if (is_content(h->fields[i].name) != content)
            continue;
        f->name = put(at, h->fields[i].name);
        f->value = put(at, h->fields[i].value);
        e->n_fields++;
        if (et_eq_nocase(f->name, et_s("etag")))
            e->etag = et_trim(f->value);
        else if (et_eq_nocase(f->name, et_s("last-modified")))
            e->last_modified = et_trim(f->value);
    }
}

struct entry *
entry_new(const struct head *h)
{
    const size_t fields = h->n_fields * sizeof(et_field);
    struct entry *e = malloc(sizeof *e + fields + text_bytes(h));
    char *at;
    if (!e)
        return NULL;
    memset(e, 0, sizeof *e);
    e->fields = (et_field *)(e + 1);
    at = (char *)e->fields + fields;
    key_copy(h->key, at, &e->key);
    at += key_bytes(h->key);
    e->vary = put(&at, h->vary);
    e->selected = put(&at, h->selected);
    e->type = put(&at, h->type);
    put_fields(e, &at, h, 0);
    e->n_304 = e->n_fields;
    put_fields(e, &at, h, 1);
    e->status = h->status;
    e->terms = h->terms;
    e->stored_ms = h->now_ms;
    e->refs = 1;
    e->bytes = entry_bytes(h);
    return e;
}

void
entry_free(struct entry *e)
{
    free(e->body);
    free(e);
}

int64_t
entry_age_ms(const struct entry *e, uint64_t now_ms)
{
    /* A request that has waited is older than what it has waited for. */
    const uint64_t here = now_ms > e->stored_ms ? now_ms - e->stored_ms : 0;
    return e->terms.age_ms + (int64_t)here;
}
