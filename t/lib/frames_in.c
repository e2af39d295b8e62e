/* SPDX-License-Identifier: BSD-2-Clause */
/* frames_in.c - what a client of HTTP/2 receives, and whether it is as RFC 9113
 * has it; see frames.h. */
#include <check.h>
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/frames.h"

static uint32_t
number(const char *p, size_t len)
{
    uint32_t value = 0;

    for (size_t i = 0; i < len; i++)
        value = value << 8 | (unsigned char)p[i];
    return value;
}

struct frames_stream *
frames_stream(struct frames *f, uint32_t id)
{
    struct frames_stream *s;

    for (size_t i = f->n_streams; i > 0; i--)
        if (f->streams[i - 1].id == id)
            return &f->streams[i - 1];
    if (f->n_streams == f->cap_streams) {
        f->cap_streams = f->cap_streams * 2 + 16;
        f->streams = realloc(f->streams, f->cap_streams * sizeof f->streams[0]);
        ck_assert_ptr_nonnull(f->streams);
    }
    s = &f->streams[f->n_streams++];
    *s = (struct frames_stream){.id = id,
                                .reset = FRAMES_NO_CODE,
                                .send = f->peer[FRAMES_INITIAL_WINDOW_SIZE],
                                .give = f->window};
    return s;
}

/* ---- heads ---------------------------------------------------------------*/

/* What an answer must not have (8.2, 8.2.2). */
static void
check_field(const char *line, size_t n)
{
    static const char *const of_connections[] = {
        "connection: ", "keep-alive: ", "proxy-connection: ",
        "transfer-encoding: ", "upgrade: "};

    for (size_t i = 0; i < n && (i == 0 || line[i] != ':'); i++)
        ck_assert_msg(!isupper((unsigned char)line[i]), "%s", line);
    for (size_t i = 0; i < sizeof of_connections / sizeof of_connections[0];
         i++)
        ck_assert_msg(
            strncmp(line, of_connections[i], strlen(of_connections[i])) != 0,
            "%s", line);
}

static void
check_fields(const char *text)
{
    for (const char *end; (end = strstr(text, "\r\n")); text = end + 2) {
        ck_assert_msg(text[0] != ':', "%s", text);
        check_field(text, (size_t)(end - text));
    }
}

static void
take_head(struct frames_stream *s, const struct bytes *fields)
{
    char line[32];

    if (s->has_head) { /* trailers */
        check_fields(fields->p);
        bytes_put(&s->head, fields->p, fields->n);
        return;
    }
    ck_assert_msg(fields->n > 13 && !strncmp(fields->p, ":status: ", 9),
                  "no status: %s", fields->p);
    s->status = atoi(fields->p + 9);
    ck_assert_int_ge(s->status, 100);
    check_fields(fields->p + 14);
    if (s->status < 200) {
        s->n_interim++;
        return;
    }
    s->has_head = 1;
    snprintf(line, sizeof line, "HTTP/2 %d\r\n", s->status);
    bytes_puts(&s->head, line);
    bytes_put(&s->head, fields->p + 14, fields->n - 14);
}

/* All of a block is there. */
static void
end_block(struct frames *f)
{
    struct frames_stream *s = frames_stream(f, f->block_stream);
    struct bytes fields = {0};
    int had_head = s->has_head;

    bytes_put(&fields, "", 0);
    hpack_decode(&f->table, f->block.p, f->block.n, &fields);
    take_head(s, &fields);
    ck_assert_msg(!had_head || f->block_ends, "trailers without an end");
    s->is_ended |= f->block_ends;
    ck_assert(!s->is_ended || s->has_head);
    bytes_free(&fields);
    bytes_free(&f->block);
    f->block_stream = 0;
}

/* ---- frames --------------------------------------------------------------*/

/* One may come on it now (5.1). */
static struct frames_stream *
open_stream(struct frames *f)
{
    struct frames_stream *s;

    ck_assert_msg(f->got.stream % 2 == 1 && f->got.stream < f->next,
                  "a frame of type %u on stream %u", f->got.type,
                  f->got.stream);
    s = frames_stream(f, f->got.stream);
    ck_assert_msg(!s->is_ended, "a frame of type %u behind the end of %u",
                  f->got.type, s->id);
    ck_assert_msg(s->reset == FRAMES_NO_CODE,
                  "a frame of type %u behind RST_STREAM of %u", f->got.type,
                  s->id);
    return s;
}

static void
unpad(struct frames_got *g)
{
    size_t padding;

    if (!(g->flags & FRAMES_PADDED))
        return;
    ck_assert_uint_ge(g->n, 1);
    padding = (unsigned char)g->p[0];
    ck_assert_uint_lt(padding, g->n);
    g->p++;
    g->n -= 1 + padding;
}

static void
take_data(struct frames *f)
{
    struct frames_stream *s = open_stream(f);
    size_t n = f->got.n;

    ck_assert_msg(s->has_head, "DATA before the head of %u", s->id);
    s->give -= (int64_t)n;
    f->give -= (int64_t)n;
    ck_assert_msg(n == 0 || (s->give >= 0 && f->give >= 0),
                  "more than the window: %lld of %u, %lld", (long long)s->give,
                  s->id, (long long)f->give);
    unpad(&f->got);
    bytes_put(&s->body, f->got.p, f->got.n);
    s->is_ended = f->got.flags & FRAMES_END_STREAM;
    s->n_data++;
    if (f->is_mean || n == 0)
        return;
    frames_window(f, 0, (uint32_t)n);
    if (!s->is_ended)
        frames_window(f, s->id, (uint32_t)n);
}

static void
take_headers(struct frames *f)
{
    (void)open_stream(f);
    unpad(&f->got);
    if (f->got.flags & FRAMES_PRIORITIZED) {
        ck_assert_uint_ge(f->got.n, 5);
        f->got.p += 5;
        f->got.n -= 5;
    }
    f->block_stream = f->got.stream;
    f->block_ends = (f->got.flags & FRAMES_END_STREAM) != 0;
    bytes_put(&f->block, f->got.p, f->got.n);
    if (f->got.flags & FRAMES_END_HEADERS)
        end_block(f);
}

static void
take_continuation(struct frames *f)
{
    ck_assert_msg(f->block_stream != 0, "CONTINUATION of nothing");
    bytes_put(&f->block, f->got.p, f->got.n);
    if (f->got.flags & FRAMES_END_HEADERS)
        end_block(f);
}

static void
take_rst_stream(struct frames *f)
{
    ck_assert_uint_eq(f->got.n, 4);
    ck_assert_msg(f->got.stream % 2 == 1 && f->got.stream < f->next,
                  "RST_STREAM of stream %u", f->got.stream);
    frames_stream(f, f->got.stream)->reset = (int)number(f->got.p, 4);
}

/* The server's; what it changes of the windows of streams (6.9.2). */
static void
take_setting(struct frames *f, unsigned name, uint32_t value)
{
    if (name == 0 || name >= FRAMES_N_SETTINGS)
        return;
    if (name == FRAMES_INITIAL_WINDOW_SIZE) {
        ck_assert_uint_le(value, INT32_MAX);
        for (size_t i = 0; i < f->n_streams; i++)
            f->streams[i].send += (int64_t)value - f->peer[name];
    }
    if (name == FRAMES_MAX_FRAME_SIZE)
        ck_assert(value >= 16384 && value < 1 << 24);
    if (name == FRAMES_ENABLE_PUSH)
        ck_assert_uint_eq(value, 0);
    f->peer[name] = value;
}

/* One of ours, which the server goes by from now on. */
static void
change(struct frames *f, unsigned name, uint32_t value)
{
    if (name == FRAMES_MAX_FRAME_SIZE)
        f->max_frame = value;
    if (name == FRAMES_HEADER_TABLE_SIZE)
        f->table.limit = value;
    if (name != FRAMES_INITIAL_WINDOW_SIZE)
        return;
    for (size_t i = 0; i < f->n_streams; i++)
        f->streams[i].give += (int64_t)value - f->window;
    f->window = value;
}

static void
take_settings_ack(struct frames *f)
{
    int n = 0;

    ck_assert_uint_eq(f->got.n, 0);
    ck_assert_int_lt(f->n_settings_acks, f->n_settings);
    f->n_settings_acks++;
    for (int i = 0; i < f->n_changes; i++)
        if (f->changes[i].nth <= f->n_settings_acks)
            change(f, f->changes[i].name, f->changes[i].value);
        else
            f->changes[n++] = f->changes[i];
    f->n_changes = n;
}

static void
take_settings(struct frames *f)
{
    ck_assert_uint_eq(f->got.stream, 0);
    if (f->got.flags & FRAMES_ACK) {
        take_settings_ack(f);
        return;
    }
    ck_assert_uint_eq(f->got.n % 6, 0);
    for (size_t i = 0; i < f->got.n; i += 6)
        take_setting(f, number(f->got.p + i, 2), number(f->got.p + i + 2, 4));
    if (!f->is_deaf)
        frames_send(f, FRAMES_SETTINGS, FRAMES_ACK, 0, "", 0);
}

static void
take_ping(struct frames *f)
{
    ck_assert_uint_eq(f->got.n, 8);
    ck_assert_uint_eq(f->got.stream, 0);
    if (f->got.flags & FRAMES_ACK) {
        f->n_pongs++;
        memcpy(f->pong, f->got.p, 8);
    } else if (!f->is_deaf) {
        frames_send(f, FRAMES_PING, FRAMES_ACK, 0, f->got.p, 8);
    }
}

static void
take_goaway(struct frames *f)
{
    uint32_t last;

    ck_assert_uint_ge(f->got.n, 8);
    ck_assert_uint_eq(f->got.stream, 0);
    last = number(f->got.p, 4);
    ck_assert_msg(f->n_goaways == 0 || last <= f->last_stream,
                  "GOAWAY names stream %u behind %u", last, f->last_stream);
    f->last_stream = last;
    f->goaway = (int)number(f->got.p + 4, 4);
    f->n_goaways++;
    snprintf(f->why, sizeof f->why, "%.*s", (int)(f->got.n - 8), f->got.p + 8);
}

static void
take_window_update(struct frames *f)
{
    uint32_t increment;
    int64_t *window = &f->send;

    ck_assert_uint_eq(f->got.n, 4);
    increment = number(f->got.p, 4);
    ck_assert(increment > 0 && increment <= INT32_MAX);
    if (f->got.stream != 0) {
        ck_assert_uint_lt(f->got.stream, f->next);
        window = &frames_stream(f, f->got.stream)->send;
    }
    *window += increment;
    ck_assert_int_le(*window, INT32_MAX);
}

static void
take(struct frames *f)
{
    switch (f->got.type) {
    case FRAMES_DATA: take_data(f); break;
    case FRAMES_HEADERS: take_headers(f); break;
    case FRAMES_RST_STREAM: take_rst_stream(f); break;
    case FRAMES_SETTINGS: take_settings(f); break;
    case FRAMES_PING: take_ping(f); break;
    case FRAMES_GOAWAY: take_goaway(f); break;
    case FRAMES_WINDOW_UPDATE: take_window_update(f); break;
    case FRAMES_CONTINUATION: take_continuation(f); break;
    case FRAMES_PUSH_PROMISE: ck_abort_msg("PUSH_PROMISE");
    default: break;
    }
}

/* All n bytes of it are in c.buf. */
static int
gather(struct frames *f, size_t n)
{
    while (f->c.n < n)
        if (!client_more(&f->c)) {
            ck_assert_msg(f->c.n == 0, "a frame is cut");
            return 0;
        }
    return 1;
}

int
frames_next(struct frames *f)
{
    size_t n;

    if (!gather(f, 9))
        return 0;
    n = number(f->c.buf, 3);
    ck_assert_msg(n <= f->max_frame, "a frame of %zu bytes", n);
    if (!gather(f, 9 + n))
        return 0;
    f->used.n = 0;
    bytes_put(&f->used, f->c.buf, 9 + n);
    f->c.n -= 9 + n;
    memmove(f->c.buf, f->c.buf + 9 + n, f->c.n + 1);
    f->got = (struct frames_got){
        .type = (unsigned char)f->used.p[3],
        .flags = (unsigned char)f->used.p[4],
        .stream = number(f->used.p + 5, 4),
        .p = f->used.p + 9,
        .n = n,
    };
    ck_assert_msg(f->n_got++ > 0 || (f->got.type == FRAMES_SETTINGS &&
                                     !(f->got.flags & FRAMES_ACK)),
                  "the server begins with a frame of type %u", f->got.type);
    ck_assert_uint_le(f->got.stream, INT32_MAX);
    ck_assert_msg(f->block_stream == 0 || (f->got.type == FRAMES_CONTINUATION &&
                                           f->got.stream == f->block_stream),
                  "a frame of type %u within a block of fields", f->got.type);
    take(f);
    return 1;
}

int
frames_poll(struct frames *f)
{
    struct pollfd in = {.fd = f->c.fd, .events = POLLIN};

    while (poll(&in, 1, 0) > 0 && client_more(&f->c))
        in.revents = 0;
    while (f->c.n >= 9 && f->c.n >= 9 + number(f->c.buf, 3))
        frames_next(f);
    return in.revents == 0;
}
