/* SPDX-License-Identifier: BSD-2-Clause */
/* message.c - see message.h. */
#include "http/message.h"

#include <stdlib.h>
#include <string.h>

#include "proto/utf8.h"

static _Atomic size_t n_bytes;
static _Atomic size_t max_bytes = SIZE_MAX;

void
message_limit(size_t max)
{
    atomic_store_explicit(&max_bytes, max, memory_order_relaxed);
}

size_t
message_max_bytes(void)
{
    return atomic_load_explicit(&max_bytes, memory_order_relaxed);
}

size_t
message_bytes(void)
{
    return atomic_load_explicit(&n_bytes, memory_order_relaxed);
}

static void
give_bytes(size_t n)
{
    atomic_fetch_sub_explicit(&n_bytes, n, memory_order_relaxed);
}

/* Whether there is room for n more: then they are taken. */
static int
take_bytes(size_t n)
{
    size_t before =
        atomic_fetch_add_explicit(&n_bytes, n, memory_order_relaxed);
    size_t max = message_max_bytes();

    if (n <= max && before <= max - n)
        return 1;
    give_bytes(n);
    return 0;
}

/* A copy of s at *to, with a NUL behind it; *to moves behind that. */
static et_str
put(char **to, et_str s)
{
    et_str copy = {*to, s.n};

    if (s.n > 0)
        memcpy(*to, s.p, s.n);
    (*to)[s.n] = '\0';
    *to += s.n + 1;
    return copy;
}

static void
release(struct payload *p)
{
    struct message *m = CONTAINER_OF(p, struct message, payload);
    size_t bytes = m->bytes;

    free(m);
    give_bytes(bytes);
}

int32_t
message_new(struct message **out, uint32_t n_mails, uint64_t hash, et_str name,
            et_str body)
{
    size_t head = sizeof **out + n_mails * sizeof(*out)->mails[0];
    size_t bytes = head + name.n + body.n + 2;
    struct message *m;
    char *to;

    if (body.n > UINT32_MAX || !take_bytes(bytes))
        return ET_ELIMIT;
    m = malloc(bytes);
    if (!m) {
        give_bytes(bytes);
        return ET_ENOMEM;
    }
    to = (char *)m + head;
    *m = (struct message){.n_mails = n_mails, .hash = hash, .bytes = bytes};
    m->name = put(&to, name);
    m->body = put(&to, body);
    m->payload = (struct payload){
        .n = (uint32_t)body.n, .p = m->body.p, .release = release};
    atomic_init(&m->payload.refs, 1);
    for (uint32_t i = 0; i < n_mails; i++)
        m->mails[i].message = m;
    *out = m;
    return 0;
}

enum { UNKNOWN, TEXT, NO_TEXT };

int
message_is_text(struct message *m)
{
    uint8_t text = atomic_load_explicit(&m->text, memory_order_relaxed);

    if (text == UNKNOWN) {
        text = utf8_is_valid(m->body) ? TEXT : NO_TEXT;
        atomic_store_explicit(&m->text, text, memory_order_relaxed);
    }
    return text == TEXT;
}
