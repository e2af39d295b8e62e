/* SPDX-License-Identifier: BSD-2-Clause */
/* ws.c - WebSocket frames, whole and in pieces: the same messages, the same
 * end; and what is written is read back.  The first byte of the input says what
 * is allowed. */
#include "proto/ws.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Everything that a reader has said. */
struct result {
    uint8_t *bytes; /* payload of messages, control frames in between */
    size_t n;
    uint64_t events; /* a sum over what ended where */
    size_t message;  /* of the message that is not complete */
    int rc, has_begun;
};

static void
require(int ok)
{
    if (!ok)
        abort();
}

static void
note(struct result *r, uint64_t what)
{
    r->events = (r->events ^ what) * 0x9e3779b97f4a7c15u + 1;
}

static void
on_data(const struct ws *w, struct result *r)
{
    require(w->opcode == WS_OP_TEXT || w->opcode == WS_OP_BINARY);
    require(w->is_first == !r->has_begun && (w->data.n > 0 || w->is_last));
    r->has_begun = !w->is_last;
    r->message += w->data.n;
    if (!w->is_last)
        return;
    note(r, w->opcode | w->is_compressed << 8 | (uint64_t)r->message << 16);
    r->message = 0;
}

static void
on_control(const struct ws *w, struct result *r)
{
    require(w->data.n <= WS_CONTROL_MAX);
    note(r, (unsigned)r->rc | (uint64_t)w->data.n << 8);
    for (size_t i = 0; i < w->data.n; i++)
        note(r, (uint8_t)w->data.p[i]);
    if (r->rc != WS_CLOSE)
        return;
    note(r, w->code);
    require(utf8_is_valid(w->data));
    require(ws_code_is_valid(w->code) ||
            (w->code == WS_CODE_NONE && w->data.n == 0));
}

/* One piece, in a block of exactly its size. */
static void
feed(struct ws *w, const uint8_t *data, size_t n, struct result *r)
{
    char *copy = malloc(n);
    size_t i = 0, used;

    require(copy != NULL);
    memcpy(copy, data, n);
    do {
        r->rc = ws_next(w, copy + i, n - i, &used);
        require(used <= n - i && (r->rc != WS_MORE || used == n - i));
        i += used;
        if (r->rc == WS_DATA) {
            require(w->data.n == 0 || w->data.p + w->data.n == copy + i);
            if (w->data.n > 0)
                memcpy(r->bytes + r->n, w->data.p, w->data.n);
            r->n += w->data.n;
            on_data(w, r);
        } else if (r->rc > 0) {
            on_control(w, r);
        }
    } while (r->rc > 0 && r->rc != WS_CLOSE);
    free(copy);
}

static void
drain(struct ws *w, const uint8_t *data, size_t n)
{
    char rest[16] = {0};
    size_t used;

    if (n > sizeof rest)
        n = sizeof rest;
    if (n > 0)
        memcpy(rest, data, n);
    require(ws_next(w, rest, n, &used) == WS_MORE && used == n);
}

static struct result
read_frames(const uint8_t *data, size_t size, unsigned allowed, int is_cut)
{
    static const uint64_t limits[] = {200, 16, 70000, UINT64_MAX};
    struct result r = {.bytes = malloc(size + 1)};
    uint32_t seed = (uint32_t)size;
    struct ws w;
    size_t i = 0;

    require(r.bytes != NULL);
    ws_init(&w, limits[allowed >> 1 & 3], limits[allowed >> 3 & 3],
            allowed & 1);
    while (i < size && r.rc == WS_MORE) {
        size_t n = size - i;
        seed = seed * 1103515245u + 12345u + data[i];
        if (is_cut && n > 1 + (seed >> 16) % 5)
            n = 1 + (seed >> 16) % 5;
        feed(&w, data + i, n, &r);
        i += n;
    }
    if (r.rc != WS_MORE)
        drain(&w, data, size);
    return r;
}

/* A text that is wrong is handed out up to the piece that is wrong. */
static void
compare(const struct result *whole, const struct result *cut)
{
    require(whole->rc == cut->rc && whole->events == cut->events);
    require(whole->rc == ERR_UTF8 ? whole->n <= cut->n : whole->n == cut->n);
    require(memcmp(whole->bytes, cut->bytes, whole->n) == 0);
}

/* Behind the writer's head a client's mask, which is 1, 2, 3, 4. */
static void
check_writer(const uint8_t *data, size_t size)
{
    uint8_t *frame = malloc(WS_HEAD_MAX + 4 + size);
    unsigned first = WS_FIN | WS_RSV1 | WS_OP_BINARY;
    size_t head_len;
    struct result r;

    require(frame != NULL);
    head_len = ws_frame_head((char *)frame, first, size);
    frame[1] |= 0x80;
    memcpy(frame + head_len, "\1\2\3\4", 4);
    for (size_t i = 0; i < size; i++)
        frame[head_len + 4 + i] = (uint8_t)(data[i] ^ (i % 4 + 1));
    r = read_frames(frame, head_len + 4 + size, 0x1f, size % 2);
    require(r.rc == WS_MORE && r.message == 0 && r.events != 0);
    require(r.n == size && memcmp(r.bytes, data, size) == 0);
    free(r.bytes);
    free(frame);
}

static void
check_close(const uint8_t *data, size_t size)
{
    et_str reason = {(const char *)data + 2, size - 2};
    char out[WS_CONTROL_MAX];
    unsigned code = (unsigned)data[0] << 8 | data[1];
    int n = ws_close_payload(out, code, reason);

    if (n < 0 || (n == 0 && code == WS_CODE_NONE))
        return;
    require(n >= 2 && (size_t)n <= size);
    require(memcmp(out, data, (size_t)n) == 0);
    require((size_t)n == size || n > (int)WS_CONTROL_MAX - 4);
    require(utf8_is_valid((et_str){out + 2, (size_t)n - 2}));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole, cut;

    if (size < 2)
        return 0;
    whole = read_frames(data + 1, size - 1, data[0], 0);
    cut = read_frames(data + 1, size - 1, data[0], 1);
    compare(&whole, &cut);
    free(whole.bytes);
    free(cut.bytes);
    check_writer(data, size);
    check_close(data, size);
    return 0;
}
