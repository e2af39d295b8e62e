/* SPDX-License-Identifier: BSD-2-Clause */
/* incoming.c - see incoming.h. */
#include "http/incoming.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/blocks.h"
#include "base/err.h"

#define BUFFER_BYTES 4096u
#define TRAILER_MAX 8192u

static void
begin_head(struct incoming *in)
{
    static const struct http1_limits limits = {
        INCOMING_LINE_MAX, INCOMING_HEADER_MAX, INCOMING_FIELDS_MAX};

    reply_init(&in->head, in->fields, &limits);
}

void
incoming_init(struct incoming *in, struct blocks *blocks, int is_head,
              uint64_t max_body)
{
    memset(in, 0, offsetof(struct incoming, head));
    in->blocks = blocks;
    in->is_head = (uint8_t)is_head;
    in->max_body = max_body ? max_body : UINT64_MAX;
    begin_head(in);
}

void
incoming_fini(struct incoming *in)
{
    if (in->buf)
        blocks_give(in->blocks, in->buf, in->cap);
    in->buf = NULL;
    in->cap = in->start = in->end = 0;
    in->span = (et_str){NULL, 0};
}

/* Up to n bytes: how many; INCOMING_MORE; or ET_ECONN: an error, or with *ended
 * the end. */
static int64_t
receive(struct incoming *in, int fd, char *p, size_t n, int *ended)
{
    ssize_t k;

    do
        k = recv(fd, p, n, MSG_DONTWAIT);
    while (k < 0 && errno == EINTR);
    *ended = k == 0;
    if (k > 0) {
        in->has_bytes = 1;
        return k;
    }
    return k < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? INCOMING_MORE
                                                              : ET_ECONN;
}

/* ---- the head ------------------------------------------------------------*/

/* Room behind what is in the buffer: 0 or ET_ENOMEM.  The parser's limits end
 * it before it is of no class of blocks any more. */
static int32_t
make_room(struct incoming *in)
{
    size_t n = in->end - in->start, cap;
    char *p;

    if (in->start > 0)
        memmove(in->buf, in->buf + in->start, n);
    in->start = 0;
    in->end = n;
    if (in->end < in->cap)
        return 0;
    p = blocks_take(in->blocks, in->cap ? 2 * in->cap : BUFFER_BYTES, &cap);
    if (!p)
        return ET_ENOMEM;
    if (n > 0)
        memcpy(p, in->buf, n);
    incoming_fini(in);
    in->buf = p;
    in->cap = cap;
    in->end = n;
    return 0;
}

/* How its body will be read: 0 or ET_ELIMIT. */
static int32_t
begin_body(struct incoming *in)
{
    uint64_t length = (uint64_t)in->head.head.content_length;

    in->has_head = 1;
    in->start += in->head.head.head_len;
    in->framing = (uint8_t)reply_body(&in->head, in->is_head);
    in->is_over = in->framing == REPLY_NONE;
    in->left = in->max_body;
    if (in->framing == REPLY_CHUNKED)
        chunked_init(&in->chunked, in->max_body, TRAILER_MAX);
    if (in->framing != REPLY_LENGTH)
        return 0;
    in->left = length;
    return length > in->max_body ? ET_ELIMIT : 0;
}

/* What is in the buffer; as incoming_head. */
static int32_t
judge_head(struct incoming *in)
{
    for (;;) {
        int rc =
            reply_parse(&in->head, in->buf + in->start, in->end - in->start);
        if (rc == HTTP1_MORE)
            return INCOMING_MORE;
        if (rc < 0 || in->head.status == 101)
            return ET_EPROTO;
        if (in->head.status >= 200)
            return begin_body(in);
        if (in->n_interim++ == INCOMING_INTERIM_MAX)
            return ET_EPROTO;
        in->start += in->head.head.head_len;
        begin_head(in);
    }
}

int32_t
incoming_head(struct incoming *in, int fd)
{
    int32_t rc;

    do {
        int64_t n;
        int ended;
        rc = make_room(in);
        if (rc < 0)
            return rc;
        n = receive(in, fd, in->buf + in->end, in->cap - in->end, &ended);
        if (n < 0)
            return (int32_t)n;
        in->end += (size_t)n;
        rc = judge_head(in);
    } while (rc == INCOMING_MORE);
    return rc;
}

int32_t
incoming_show(const struct incoming *in, struct arena *arena, et_reply *out)
{
    const struct http1 *h = &in->head.head;
    char *text = arena_alloc(arena, h->head_len);
    et_field *fields = arena_alloc(arena, h->n_fields * sizeof *fields);

    if (!text || !fields)
        return ET_ENOMEM;
    memcpy(text, in->buf + in->start - h->head_len, h->head_len);
    for (uint32_t i = 0; i < h->n_fields; i++)
        fields[i] = (et_field){http1_name(&h->fields[i], text),
                               http1_value(&h->fields[i], text)};
    out->status = in->head.status;
    out->fields = fields;
    out->n_fields = h->n_fields;
    out->length = h->content_length;
    return 0;
}

/* ---- the body ------------------------------------------------------------*/

/* Up to n bytes as they come, those in the buffer first; as receive. */
static int64_t
take(struct incoming *in, int fd, char *p, size_t n, int *ended)
{
    size_t there = in->end - in->start;

    *ended = 0;
    if (there == 0)
        return receive(in, fd, p, n, ended);
    if (n > there)
        n = there;
    memcpy(p, in->buf + in->start, n);
    in->start += n;
    return (int64_t)n;
}

static int64_t
read_plain(struct incoming *in, int fd, char *p, size_t n)
{
    int has_length = in->framing == REPLY_LENGTH, ended;
    int64_t k;

    if (has_length && n > in->left)
        n = (size_t)in->left;
    k = take(in, fd, p, n, &ended);
    if (ended && !has_length) {
        in->is_over = 1;
        return 0;
    }
    if (k < 0)
        return k;
    if ((uint64_t)k > in->left)
        return ET_ELIMIT;
    in->left -= (uint64_t)k;
    in->is_over = has_length && in->left == 0;
    return k;
}

/* More of what is coded: 1, or what is to be said instead. */
static int64_t
refill(struct incoming *in, int fd)
{
    int ended;
    int64_t n = receive(in, fd, in->buf, in->cap, &ended);

    if (n < 0)
        return n;
    in->start = 0;
    in->end = (size_t)n;
    return 1;
}

/* The next span of decoded bytes: 1; or what is to be said instead. */
static int64_t
decode(struct incoming *in, int fd)
{
    int64_t rc = 1;
    size_t used;
    int found;

    do {
        if (in->start == in->end && (rc = refill(in, fd)) != 1)
            return rc;
        found = chunked_next(&in->chunked, in->buf + in->start,
                             in->end - in->start, &used, &in->span);
        in->start += used;
    } while (found == CHUNKED_MORE);
    if (found == CHUNKED_DATA)
        return 1;
    in->is_over = found == CHUNKED_DONE;
    if (found == CHUNKED_DONE)
        return 0;
    return found == ERR_BODY_LARGE ? ET_ELIMIT : ET_EPROTO;
}

static int64_t
read_chunked(struct incoming *in, int fd, char *p, size_t n)
{
    int64_t rc = in->span.n > 0 ? 1 : decode(in, fd);

    if (rc != 1)
        return rc;
    if (n > in->span.n)
        n = in->span.n;
    memcpy(p, in->span.p, n);
    in->span = (et_str){in->span.p + n, in->span.n - n};
    return (int64_t)n;
}

int64_t
incoming_read(struct incoming *in, int fd, char *p, size_t n)
{
    if (in->is_over)
        return 0;
    return in->framing == REPLY_CHUNKED ? read_chunked(in, fd, p, n)
                                        : read_plain(in, fd, p, n);
}

int
incoming_may_stay(const struct incoming *in)
{
    return in->is_over && in->framing != REPLY_TO_END &&
           in->head.head.keep_alive && in->start == in->end;
}
