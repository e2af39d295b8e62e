/* SPDX-License-Identifier: BSD-2-Clause */
/* stream_in.c - what comes on a WebSocket: bytes, frames, messages; see
 * stream.h.
 *
 * A message that comes in one piece is shown to the plugin where it lies; any
 * other is put together in a block that grows as it comes, never ahead of it.
 *
 *     reading: [ struct | text ......... cap ]     the first one, of 1 KiB
 *              [ text .......................... cap ]   any larger one
 */
#include "http/stream.h"

#include <string.h>

#include "base/blocks.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "http/host.h"
#include "http/stream_task.h"
#include "http/streams.h"
#include "proto/utf8.h"
#include "proto/ws.h"
#include "proto/ws_zip.h"

#define CODE_LATER 1013u /* registered: try again later */

struct stream_reading {
    size_t size; /* of the block it is in */
    char *text;
    size_t n, cap;
    size_t text_size; /* of the block text is in; 0: behind this */
    struct utf8 utf8; /* of a text that was compressed, so far */
    uint8_t is_inflated;
    struct ws ws;
    char first[];
};

/* ---- what is put together ------------------------------------------------*/

static struct stream_reading *
new_reading(struct stream *s, const struct ws *ws)
{
    size_t size;
    struct stream_reading *r = blocks_take(s->all->blocks, sizeof *r, &size);

    if (!r)
        return NULL;
    r->size = size;
    r->text = r->first;
    r->n = r->text_size = 0;
    r->is_inflated = 0;
    r->cap = size - sizeof *r;
    r->ws = *ws;
    s->reading = r;
    return r;
}

/* The block that text is in goes back. */
static void
give_text(struct stream *s)
{
    struct stream_reading *r = s->reading;

    if (r->text_size == 0)
        return;
    if (r->is_inflated)
        s->all->inflated_bytes -= r->text_size;
    blocks_give(s->all->blocks, r->text, r->text_size);
}

static void
drop_text(struct stream *s)
{
    struct stream_reading *r = s->reading;

    give_text(s);
    r->text = r->first;
    r->n = r->text_size = 0;
    r->cap = r->size - sizeof *r;
}

void
stream_in_drop(struct stream *s)
{
    struct stream_reading *r = s->reading;

    if (!r)
        return;
    drop_text(s);
    s->reading = NULL;
    blocks_give(s->all->blocks, r, r->size);
}

/* Whether so many bytes may take the place of the block that text is in: few
 * that are sent may be very many, so there is a bound for all that the clients
 * of a worker have it hold.  One alone may be as large as a message. */
static int
may_hold(const struct stream *s, size_t want)
{
    const struct streams *all = s->all;
    uint64_t others = all->inflated_bytes - s->reading->text_size;

    return others == 0 || others + want <= all->limits->deflate_memory;
}

/* Room for n more bytes of text, or for some at least: 0 or ERR_NOMEM. */
static int
make_room(struct stream *s, size_t n)
{
    struct stream_reading *r = s->reading;
    size_t want = 2 * r->cap, got;
    char *to;

    if (n <= r->cap - r->n)
        return 0;
    if (want < r->n + n)
        want = r->n + n;
    if (r->is_inflated && !may_hold(s, want))
        return ERR_NOMEM;
    to = want <= BLOCKS_MAX_BYTES ? blocks_take(s->all->blocks, want, &got)
                                  : NULL;
    if (!to)
        return ERR_NOMEM;
    if (r->n > 0)
        memcpy(to, r->text, r->n);
    give_text(s);
    r->text = to;
    r->cap = r->text_size = got;
    if (r->is_inflated)
        s->all->inflated_bytes += got;
    return 0;
}

static int
collect(struct stream *s, et_str piece)
{
    struct stream_reading *r = s->reading;

    if (piece.n > s->max_message - r->n)
        return ERR_WS_LARGE;
    if (make_room(s, piece.n) < 0)
        return ERR_NOMEM;
    if (piece.n > 0)
        memcpy(r->text + r->n, piece.p, piece.n);
    r->n += piece.n;
    return 0;
}

/* It is only inflated as far as it may be large, and a byte more. */
static int
inflate_piece(struct stream *s, unsigned opcode, et_str piece)
{
    struct stream_reading *r = s->reading;
    size_t used, made, room;
    int rc;

    do {
        if (make_room(s, 1) < 0)
            return ERR_NOMEM;
        room = r->cap - r->n;
        if (room > s->max_message - r->n + 1)
            room = s->max_message - r->n + 1;
        rc = ws_zip_inflate(s->zip, piece.p, piece.n, &used, r->text + r->n,
                            room, &made);
        if (rc < 0)
            return rc;
        if (opcode == WS_OP_TEXT &&
            utf8_feed(&r->utf8, r->text + r->n, made) < 0)
            return ERR_UTF8;
        r->n += made;
        if (r->n > s->max_message)
            return ERR_WS_LARGE;
        piece.p += used;
        piece.n -= used;
        if (used == 0 && made == 0)
            break;
    } while (made == room || piece.n > 0);
    return 0;
}

/* All of it has come: its end, and what only the whole can tell. */
static int
inflate_end(struct stream *s, unsigned opcode)
{
    const struct stream_reading *r = s->reading;
    int rc = inflate_piece(s, opcode, (et_str){WS_ZIP_TAIL, WS_ZIP_TAIL_LEN});

    if (rc == 0)
        rc = ws_zip_inflated(s->zip);
    if (rc == 0 && opcode == WS_OP_TEXT && !utf8_is_whole(&r->utf8))
        rc = ERR_UTF8;
    return rc;
}

/* ---- messages ------------------------------------------------------------*/

struct message {
    struct stream *s;
    uint32_t type;
    et_str text;
};

static int
call_message(void *arg)
{
    const struct message *m = arg;
    struct stream *s = m->s;

    s->calls->message(&s->pub, s->self, m->type, m->text.p, m->text.n);
    return 0;
}

/* size: of the block that text is in and that may be kept; 0: none may.  It may
 * count as one that is_inflated.  0, or ERR_NOMEM. */
static int
tell(struct stream *s, unsigned opcode, et_str text, size_t size,
     int is_inflated)
{
    struct message m = {s,
                        opcode == WS_OP_TEXT ? ET_WS_TEXT : ET_WS_BINARY,
                        {text.p ? text.p : "", text.n}};

    metrics_add(s->all->worker->metrics, METRIC_ws_messages_in, 1);
    if (s->has_task)
        return stream_task_message(s, m.type, m.text, size, is_inflated);
    if (ET_HAS(s->calls, et_ws_calls, message) && s->calls->message)
        (void)!stream_call(s, call_message, &m);
    return 0;
}

/* What was put together is whole. */
static int
tell_whole(struct stream *s, unsigned opcode)
{
    struct stream_reading *r = s->reading;
    et_str text = {r->text, r->n};
    size_t size = s->has_task ? r->text_size : 0;
    int is_inflated = r->is_inflated, rc;

    if (size > 0) { /* a task keeps it as it is */
        r->text_size = 0;
        drop_text(s);
    }
    rc = tell(s, opcode, text, size, is_inflated);
    if (s->reading) /* or it has crashed */
        drop_text(s);
    return rc;
}

/* A piece of a message, with more of it to come or behind others. */
static int
take_piece(struct stream *s, struct ws *ws)
{
    et_str piece = ws->data;
    unsigned opcode = ws->opcode;
    int is_compressed = ws->is_compressed, is_last = ws->is_last, rc;
    int is_first = ws->is_first;

    if (!s->reading && !new_reading(s, ws))
        return ERR_NOMEM;
    if (is_first) {
        s->reading->is_inflated = (uint8_t)is_compressed;
        utf8_init(&s->reading->utf8);
    }
    rc = is_compressed ? inflate_piece(s, opcode, piece) : collect(s, piece);
    if (rc == 0 && is_last && is_compressed)
        rc = inflate_end(s, opcode);
    return rc < 0 || !is_last ? rc : tell_whole(s, opcode);
}

static int
take_data(struct stream *s, struct ws *ws)
{
    if (s->is_closing)
        return 0; /* nobody wants it any more */
    if (!ws->is_first || !ws->is_last || ws->is_compressed)
        return take_piece(s, ws);
    if (ws->data.n > s->max_message)
        return ERR_WS_LARGE;
    return tell(s, ws->opcode, ws->data, 0, 0);
}

/* ---- frames --------------------------------------------------------------*/

static unsigned
code_of(int err)
{
    if (err == ERR_NOMEM)
        return CODE_LATER;
    return err == ERR_INVALID ? WS_CODE_DATA : ws_code_of(err);
}

/* One result of ws_next: 0, or what it fails with. */
static int
take_frame(struct stream *s, struct ws *ws, int what)
{
    switch (what) {
    case WS_DATA: return take_data(s, ws);
    case WS_PING:
        return s->is_closing ? 0 : stream_out_control(s, WS_OP_PONG, ws->data);
    case WS_CLOSE: stream_closed(s, ws->code, ws->data); return 0;
    default: return what < 0 ? what : 0;
    }
}

int
stream_in_is_blocked(const struct stream *s)
{
    return s->is_full || s->is_held || stream_out_waiting(s) > s->queue_max / 2;
}

/* What frames may hold: a little more than the message, if that is compressed
 * to no avail. */
static void
begin_reading(const struct stream *s, struct ws *ws)
{
    uint64_t max = s->max_message;

    if (s->zip)
        max = ws_zip_bound(s->max_message);
    ws_init(ws, max, max, s->zip != NULL);
}

/* Keep what has been read of a frame or a message, and nothing else. */
static int
keep(struct stream *s, const struct ws *here)
{
    const struct ws *ws = s->reading ? &s->reading->ws : here;

    if (!ws_is_between(ws))
        return s->reading || new_reading(s, here) ? 0 : ERR_NOMEM;
    stream_in_drop(s);
    return 0;
}

size_t
stream_in_feed(struct stream *s, char *p, size_t n)
{
    struct ws here;
    size_t used = 0, k;
    int rc = 0;

    if (n == 0)
        return 0;
    s->heard_ms = s->all->worker->clock->mono_ms;
    s->is_pinged = 0;
    if (!s->reading)
        begin_reading(s, &here);
    while (rc == 0 && used < n && !s->is_over && !stream_in_is_blocked(s)) {
        struct ws *ws = s->reading ? &s->reading->ws : &here;
        int what = ws_next(ws, p + used, n - used, &k);
        used += k;
        rc = take_frame(s, ws, what);
    }
    if (rc == 0 && !s->is_over)
        rc = keep(s, &here);
    if (rc < 0)
        stream_fail(s, code_of(rc));
    return used;
}
