/* SPDX-License-Identifier: BSD-2-Clause */
/* frames.c - what a client of HTTP/2 waits for; see frames.h.  What it sends is
 * in frames_out.c, what it receives in frames_in.c. */
#include "t/lib/frames.h"

#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/secure.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

/* ---- its life ------------------------------------------------------------*/

/* Over TCP or, in a run over TLS, that. */
static struct client
dial(const struct server *s)
{
    struct client c = client_dial(s->port);
#ifdef ETUDE_TLS
    struct secure how = {.fd = c.fd, .alpn = "h2"};

    if (transport_here()->is_tls) {
        c = secure_connect(&how);
        ck_assert_str_eq(how.alpn_chosen, "h2");
    }
#endif
    return c;
}

struct frames
frames_connect(const struct server *s)
{
    struct frames f = {.c = dial(s),
                       .next = 1,
                       .send = 65535,
                       .give = 65535,
                       .window = 65535,
                       .max_frame = 16384,
                       .goaway = FRAMES_NO_CODE};

    hpack_table_init(&f.table);
    for (int i = 0; i < FRAMES_N_SETTINGS; i++)
        f.peer[i] = UINT32_MAX;
    f.peer[FRAMES_HEADER_TABLE_SIZE] = 4096;
    f.peer[FRAMES_INITIAL_WINDOW_SIZE] = 65535;
    f.peer[FRAMES_MAX_FRAME_SIZE] = 16384;
    f.peer[FRAMES_ENABLE_CONNECT] = 0;
    return f;
}

struct frames
frames_open_with(const struct server *s, size_t n,
                 const uint32_t (*settings)[2])
{
    struct frames f = frames_connect(s);
    struct bytes text = {0};

    for (size_t i = 0; i < n; i++) {
        bytes_number(&text, 2, settings[i][0]);
        bytes_number(&text, 4, settings[i][1]);
        ck_assert_int_lt(f.n_changes, 8);
        f.changes[f.n_changes++] =
            (struct frames_change){settings[i][0], settings[i][1], 1};
    }
    f.is_held = 1;
    frames_raw(&f, FRAMES_PREFACE, sizeof FRAMES_PREFACE - 1);
    frames_send(&f, FRAMES_SETTINGS, 0, 0, text.p, text.n);
    ck_assert(frames_flush(&f, 20000));
    bytes_free(&text);
    frames_settle(&f);
    return f;
}

struct frames
frames_open(const struct server *s)
{
    return frames_open_with(s, 0, NULL);
}

void
frames_close(struct frames *f)
{
    client_close(&f->c);
    hpack_table_free(&f->table);
    for (size_t i = 0; i < f->n_streams; i++) {
        bytes_free(&f->streams[i].head);
        bytes_free(&f->streams[i].body);
    }
    free(f->streams);
    bytes_free(&f->used);
    bytes_free(&f->block);
    bytes_free(&f->held);
    memset(f, 0, sizeof *f);
    f->c.fd = -1;
}

/* ---- what is awaited -----------------------------------------------------*/

/* One frame more, for what is awaited. */
static void
go_on(struct frames *f, const char *what, uint32_t stream)
{
    ck_assert_msg(frames_next(f),
                  "the end (GOAWAY %d, \"%s\") instead of %s, %u", f->goaway,
                  f->why, what, stream);
}

void
frames_settle(struct frames *f)
{
    while (f->n_settings_acks < f->n_settings)
        go_on(f, "the acknowledgment of SETTINGS", 0);
}

struct answer
frames_answer(struct frames *f, uint32_t stream)
{
    struct answer a = {0};
    struct frames_stream *s;

    while (s = frames_stream(f, stream), !s->is_ended) {
        ck_assert_msg(s->reset == FRAMES_NO_CODE, "stream %u: reset with %d",
                      stream, s->reset);
        go_on(f, "an answer", stream);
    }
    a.status = s->status;
    a.head = strdup(s->head.p);
    a.n = s->body.n;
    bytes_put(&s->body, "", 0);
    a.body = s->body.p;
    s->body = (struct bytes){0};
    ck_assert_ptr_nonnull(a.head);
    return a;
}

void
frames_take(struct frames *f, uint32_t stream, int status, const char *body)
{
    struct answer a = frames_answer(f, stream);

    ck_assert_msg(a.status == status, "stream %u: %d, not %d: %s%s", stream,
                  a.status, status, a.head, a.body);
    if (body)
        ck_assert_str_eq(a.body, body);
    answer_free(&a);
}

void
frames_take_data(struct frames *f, uint32_t stream, size_t n)
{
    while (frames_stream(f, stream)->body.n < n) {
        ck_assert(!frames_stream(f, stream)->is_ended);
        go_on(f, "DATA", stream);
    }
}

/* The code that is expected, or the one that is always good. */
static int
is_code(int got, int code)
{
    return got == code ||
           (code != FRAMES_NO_ERROR && got == FRAMES_PROTOCOL_ERROR);
}

void
frames_take_reset(struct frames *f, uint32_t stream, int code)
{
    while (frames_stream(f, stream)->reset == FRAMES_NO_CODE)
        go_on(f, "RST_STREAM", stream);
    ck_assert_msg(is_code(frames_stream(f, stream)->reset, code),
                  "stream %u: reset with %d, not %d", stream,
                  frames_stream(f, stream)->reset, code);
}

uint32_t
frames_take_goaway(struct frames *f, int code)
{
    while (f->n_goaways == 0 || (code != 0 && f->goaway == 0))
        ck_assert_msg(frames_next(f), "the end without GOAWAY %d", code);
    ck_assert_msg(is_code(f->goaway, code), "GOAWAY %d, not %d", f->goaway,
                  code);
    return f->last_stream;
}

void
frames_ended(struct frames *f, int code)
{
    (void)frames_take_goaway(f, code);
    while (frames_next(f))
        continue;
    ck_assert(is_code(f->goaway, code));
    frames_close(f);
}

void
frames_over(struct frames *f)
{
    while (frames_next(f))
        continue;
    ck_assert_int_le(f->goaway, FRAMES_NO_ERROR);
    frames_close(f);
}

void
frames_sync(struct frames *f)
{
    int before = f->n_pongs;

    frames_ping(f, "in step.");
    while (f->n_pongs == before || memcmp(f->pong, "in step.", 8) != 0)
        go_on(f, "the acknowledgment of a PING", 0);
}

void
frames_serves(struct frames *f)
{
    uint32_t stream = f->next;

    frames_get(f, stream, "/mem/5");
    frames_take(f, stream, 200, "abcde");
}

/* The first of an answer, a reset, GOAWAY with an error, and the end. */
static struct frames_stream
outcome(struct frames *f, uint32_t stream)
{
    struct frames_stream *s;

    while (s = frames_stream(f, stream),
           !s->is_ended && s->reset == FRAMES_NO_CODE && f->goaway <= 0)
        go_on(f, "an error", stream);
    return *s;
}

void
frames_refused(struct frames *f, uint32_t stream, int code)
{
    struct frames_stream s = outcome(f, stream);
    int pongs = f->n_pongs;

    frames_ping(f, "refused."); /* GOAWAY may be behind RST_STREAM */
    while (f->n_pongs == pongs && f->goaway <= 0)
        go_on(f, "GOAWAY", stream);
    if (f->goaway > 0) {
        frames_ended(f, code);
        return;
    }
    ck_assert_msg(s.reset != FRAMES_NO_CODE, "stream %u: answered with %d",
                  stream, s.status);
    ck_assert_msg(is_code(s.reset, code), "stream %u: reset with %d, not %d",
                  stream, s.reset, code);
    frames_serves(f);
    frames_close(f);
}

void
frames_closed(struct frames *f, uint32_t stream)
{
    int was_reset = frames_stream(f, stream)->reset != FRAMES_NO_CODE,
        was_ended = frames_stream(f, stream)->is_ended, pongs = f->n_pongs;

    frames_ping(f, "closed..");
    while (f->n_pongs == pongs && f->goaway <= 0)
        go_on(f, "an error", stream);
    if (!was_ended)
        ck_assert_msg(!frames_stream(f, stream)->has_head, "it is answered");
    if (f->goaway > 0) {
        frames_ended(f, FRAMES_STREAM_CLOSED);
        return;
    }
    if (!was_reset && frames_stream(f, stream)->reset != FRAMES_NO_CODE)
        frames_take_reset(f, stream, FRAMES_STREAM_CLOSED);
    frames_serves(f);
    frames_close(f);
}

void
frames_malformed(struct frames *f, uint32_t stream)
{
    struct frames_stream s = outcome(f, stream);

    if (f->goaway > 0 || !s.is_ended) {
        frames_refused(f, stream, FRAMES_PROTOCOL_ERROR);
        return;
    }
    ck_assert_msg(s.status >= 400 && s.status < 500,
                  "stream %u: answered with %d", stream, s.status);
    frames_serves(f);
    frames_close(f);
}
