/* SPDX-License-Identifier: BSD-2-Clause */
/* frames_out.c - what a client of HTTP/2 sends; see frames.h. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "t/lib/frames.h"

void
frames_raw(struct frames *f, const void *p, size_t n)
{
    if (f->is_held)
        bytes_put(&f->held, p, n);
    else
        (void)client_try_send(&f->c, p, n);
}

int
frames_flush(struct frames *f, int ms)
{
    size_t n = f->held.n, sent = 0;

    f->is_held = 0;
    if (n > 0)
        sent = client_pour(&f->c, f->held.p, n, ms);
    f->held.n = 0;
    return sent == n;
}

void
frames_send_as(struct frames *f, size_t length, unsigned type, unsigned flags,
               uint32_t stream, const void *p, size_t n)
{
    struct bytes frame = {0};

    bytes_number(&frame, 3, length);
    bytes_number(&frame, 1, type);
    bytes_number(&frame, 1, flags);
    bytes_number(&frame, 4, stream);
    bytes_put(&frame, p, n);
    frames_raw(f, frame.p, frame.n);
    bytes_free(&frame);
}

void
frames_send(struct frames *f, unsigned type, unsigned flags, uint32_t stream,
            const void *p, size_t n)
{
    if (type == FRAMES_HEADERS && stream >= f->next)
        f->next = (stream | 1) + 2;
    if (type == FRAMES_SETTINGS && !(flags & FRAMES_ACK))
        f->n_settings++;
    frames_send_as(f, n, type, flags, stream, p, n);
}

void
frames_block(struct frames *f, uint32_t stream, unsigned flags,
             const struct bytes *block)
{
    frames_send(f, FRAMES_HEADERS, FRAMES_END_HEADERS | flags, stream, block->p,
                block->n);
}

void
frames_head(struct frames *f, uint32_t stream, unsigned flags, const char *text)
{
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, text);
    frames_block(f, stream, flags, &block);
    bytes_free(&block);
}

void
frames_get(struct frames *f, uint32_t stream, const char *path)
{
    struct bytes block = {0};

    hpack_indexed(&block, 2); /* :method: GET */
    hpack_indexed(&block, 6); /* :scheme: http */
    hpack_named(&block, HPACK_PLAIN, 4, path);
    hpack_named(&block, HPACK_PLAIN, 1, "x");
    frames_block(f, stream, FRAMES_END_STREAM, &block);
    bytes_free(&block);
}

void
frames_post(struct frames *f, uint32_t stream, const char *path,
            const char *more)
{
    struct bytes block = {0};

    hpack_indexed(&block, 3); /* :method: POST */
    hpack_indexed(&block, 6);
    hpack_named(&block, HPACK_PLAIN, 4, path);
    hpack_named(&block, HPACK_PLAIN, 1, "x");
    hpack_fields(&block, HPACK_PLAIN, more);
    frames_block(f, stream, 0, &block);
    bytes_free(&block);
}

void
frames_data(struct frames *f, uint32_t stream, unsigned flags, const void *p,
            size_t n)
{
    f->send -= (int64_t)n;
    frames_stream(f, stream)->send -= (int64_t)n;
    frames_send(f, FRAMES_DATA, flags, stream, p, n);
}

/* What may be sent on a stream now. */
static int64_t
room(struct frames *f, uint32_t stream)
{
    int64_t most = frames_stream(f, stream)->send;

    if (most > f->send)
        most = f->send;
    if (most > f->peer[FRAMES_MAX_FRAME_SIZE])
        most = f->peer[FRAMES_MAX_FRAME_SIZE];
    return most;
}

void
frames_upload(struct frames *f, uint32_t stream, const void *p, size_t n)
{
    const char *at = p;

    do {
        int64_t most = room(f, stream);
        size_t k = most < 0 || n < (size_t)most ? n : (size_t)most;
        while (n > 0 && most <= 0) {
            ck_assert_msg(frames_next(f), "the end (GOAWAY %d, \"%s\") at %zu",
                          f->goaway, f->why, n);
            most = room(f, stream);
            k = most > 0 && (size_t)most < n ? (size_t)most : n;
        }
        frames_data(f, stream, k == n ? FRAMES_END_STREAM : 0, at, k);
        at += k;
        n -= k;
    } while (n > 0);
}

void
frames_setting(struct frames *f, unsigned name, uint32_t value)
{
    struct bytes p = {0};

    bytes_number(&p, 2, name);
    bytes_number(&p, 4, value);
    frames_send(f, FRAMES_SETTINGS, 0, 0, p.p, p.n);
    bytes_free(&p);
    if (f->n_changes < (int)(sizeof f->changes / sizeof f->changes[0]))
        f->changes[f->n_changes++] =
            (struct frames_change){name, value, f->n_settings};
}

void
frames_ping(struct frames *f, const char *eight)
{
    frames_send(f, FRAMES_PING, 0, 0, eight, 8);
}

void
frames_goaway(struct frames *f, uint32_t last, uint32_t code)
{
    struct bytes p = {0};

    bytes_number(&p, 4, last);
    bytes_number(&p, 4, code);
    frames_send(f, FRAMES_GOAWAY, 0, 0, p.p, p.n);
    bytes_free(&p);
}

/* A frame of one number. */
static void
send_number(struct frames *f, unsigned type, uint32_t stream, uint32_t number)
{
    struct bytes p = {0};

    bytes_number(&p, 4, number);
    frames_send(f, type, 0, stream, p.p, p.n);
    bytes_free(&p);
}

void
frames_window(struct frames *f, uint32_t stream, uint32_t increment)
{
    if (stream == 0)
        f->give += increment;
    else
        frames_stream(f, stream)->give += increment;
    send_number(f, FRAMES_WINDOW_UPDATE, stream, increment);
}

void
frames_reset(struct frames *f, uint32_t stream, uint32_t code)
{
    send_number(f, FRAMES_RST_STREAM, stream, code);
}

void
frames_priority(struct frames *f, uint32_t stream, uint32_t depends,
                unsigned weight)
{
    struct bytes p = {0};

    bytes_number(&p, 4, depends);
    bytes_number(&p, 1, weight);
    frames_send(f, FRAMES_PRIORITY, 0, stream, p.p, p.n);
    bytes_free(&p);
}

void
frames_update(struct frames *f, uint32_t stream, const char *value)
{
    struct bytes p = {0};

    bytes_number(&p, 4, stream);
    bytes_puts(&p, value);
    frames_send(f, FRAMES_PRIORITY_UPDATE, 0, 0, p.p, p.n);
    bytes_free(&p);
}
