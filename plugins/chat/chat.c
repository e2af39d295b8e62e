/* SPDX-License-Identifier: BSD-2-Clause */
/* chat.c - rooms to talk in, over WebSockets, and a page for it.
 *
 *     client --text--> publish "chat/ROOM" --> all streams of the room, by the
 *                  \                           host (et_ws_subscribe)
 *                   \-> publish "chat" -------> the log of each worker
 *
 * A room is a channel, so its clients may be on any worker.  What is said last
 * in it is kept by every worker (rooms.h), for those who come to it; that goes
 * first, so that who comes meanwhile gets a message twice rather than never,
 * and its id says that it is the same one.  A worker may have one for its log
 * on its way, then, that was not sent to a room in which it had nobody: who
 * comes in has a mark sent after it, and is told what is in the log when that
 * has come back, and was not before. */
#define _GNU_SOURCE
#include <etude.h>
#include <time.h>

#include "page.h"
#include "rooms.h"
#include "wire.h"

#define LOG_CHANNEL "chat"
#define ROOM_CHANNEL "chat/"
/* Of what waits to be sent: all of a log, and more. */
#define QUEUE_BYTES (ROOM_BYTES + 65536u)
#define CODE_RESTART 1012u
#define CODE_LATER 1013u

struct options {
    int64_t history, max_rooms, max_message;
    et_rate rate;
};

ET_OPTIONS(struct options, NULL,
           ET_OPT_INT(history, "50", 0, 1000,
                      "messages of a room that are sent to who comes in, of 32 "
                      "KiB at most"),
           ET_OPT_INT(max_rooms, "100", 1, 1000, "rooms with somebody in them"),
           ET_OPT_SIZE(max_message, "2k", 1, 8000, "bytes of a message"),
           ET_OPT_RATE(rate, "5/s", "messages of one client"));

ET_NEED_IFACE(ET_IF_WS, et_ws_api, close);
ET_NEED_IFACE(ET_IF_CHANNEL, et_channel_api, unsubscribe_ws);

struct chat { /* of a worker */
    const struct options *options;
    et_loop *loop;
    struct rooms rooms;
    struct client *coming; /* their marks are on their way */
    uint64_t last_mark;
    int64_t last_ms; /* of a message: each has a time of its own */
};

struct client {
    struct room *room;
    struct client *next; /* in coming */
    et_ws *stream;
    uint64_t mark;             /* 0: it is not among those */
    uint32_t n_kept;           /* of the room, when it was sent the log */
    int64_t credit, credit_ms; /* of a message: options->rate.per_ms */
    int is_in, is_warned;
    size_t name_len;
    char name[WIRE_NAME_MAX];
};

/* ---- what a worker has ---------------------------------------------------*/

/* What comes back to who has sent it, and nobody else can use. */
struct mark {
    char no_room; /* 0: where the name's length is */
    const struct chat *of;
    uint64_t n;
};

static void
stop_coming(struct chat *c, struct client *me)
{
    struct client **at = &c->coming;
    if (me->mark == 0)
        return;
    while (*at != me)
        at = &(*at)->next;
    *at = me->next;
    me->mark = 0;
}

/* What was said last, from at on: 0, or below 0 if it does not fit into the
 * queue; what is all of a log does, when nothing waits yet. */
static int32_t
send_log(et_ws *s, const struct room *room, size_t at)
{
    et_str message;
    int32_t rc = 0;
    while (rc == 0 && (message = rooms_next(room, &at)).p)
        rc = et_ws_send(s, ET_WS_TEXT, message.p, message.n);
    return rc;
}

/* All that was on its way is in the log by now. */
static void
on_mark(struct chat *c, et_str message)
{
    struct client *me = c->coming;
    struct mark mark;
    if (message.n != sizeof mark)
        return; /* another plugin's */
    memcpy(&mark, message.p, sizeof mark);
    if (mark.of != c)
        return;
    while (me && me->mark != mark.n)
        me = me->next;
    if (!me)
        return; /* it has left */
    stop_coming(c, me);
    if (send_log(me->stream, me->room, rooms_since(me->room, me->n_kept)) < 0)
        (void)et_ws_close(me->stream, CODE_LATER, "too slow");
}

/* Of "chat": the length of the room's name in a byte, the name, the message. */
static void
on_logged(et_loop *l, void *arg, et_str channel, et_str message)
{
    struct chat *c = (struct chat *)arg;
    const size_t n = message.n > 0 ? (unsigned char)message.p[0] : 0;
    struct room *room;
    (void)l;
    (void)channel;
    if (message.n > 0 && n == 0) {
        on_mark(c, message);
        return;
    }
    if (n == 0 || n > WIRE_ROOM_MAX || message.n < 1 + n)
        return; /* another plugin's */
    room = rooms_get(&c->rooms, et_sn(message.p + 1, n));
    if (room)
        rooms_keep(&c->rooms, room,
                   et_sn(message.p + 1 + n, message.n - 1 - n));
}

static int32_t
init(et_worker *w, const void *from, void *state, et_err *e)
{
    struct chat *c = (struct chat *)state;
    c->options = (const struct options *)from;
    c->loop = et_loop_open(w);
    if (!c->loop || !et_listen(c->loop, et_s(LOG_CHANNEL), on_logged, c) ||
        rooms_init(&c->rooms, (uint32_t)c->options->max_rooms,
                   (uint32_t)c->options->history) < 0) {
        et_seterr(e, "no memory, or [server] max_waits or max_subscriptions");
        return ET_ENOMEM;
    }
    return 0;
}

static void
fini(et_worker *w, void *state)
{
    (void)w;
    rooms_fini(&((struct chat *)state)->rooms);
}

static int32_t
save(et_worker *w, const void *state, void *out,
     int32_t (*put)(void *out, const void *p, size_t n))
{
    (void)w;
    return rooms_save(&((const struct chat *)state)->rooms, out, put);
}

static int32_t
load(et_worker *w, void *state, uint32_t layout, const void *p, size_t n,
     et_err *e)
{
    (void)w;
    if (layout == ROOMS_LAYOUT &&
        rooms_load(&((struct chat *)state)->rooms, (const char *)p, n) == 0)
        return 0;
    et_seterr(e, "not a log of rooms in a layout that is known");
    return ET_EINVAL;
}

ET_STATE_SAVED(struct chat, ROOMS_LAYOUT, init, fini, save, load);

/* ---- telling -------------------------------------------------------------*/

static int64_t
ms_of(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static et_str
channel_of(char out[sizeof ROOM_CHANNEL + WIRE_ROOM_MAX],
           const struct room *room)
{
    const size_t n = sizeof ROOM_CHANNEL - 1;
    memcpy(out, ROOM_CHANNEL, n);
    memcpy(out + n, room->name, room->name_len);
    return et_sn(out, n + room->name_len);
}

/* To the logs of all workers; message has room for a name in front of it. */
static int32_t
log_message(et_ws *s, const struct room *room, char *message, size_t n)
{
    char *at = message - room->name_len - 1;
    at[0] = (char)room->name_len;
    memcpy(at + 1, room->name, room->name_len);
    return et_publish(s, et_s(LOG_CHANNEL),
                      et_sn(at, (size_t)(message + n - at)));
}

/* Everybody in the room of s hears of it: 0 or below 0. */
static int32_t
tell(et_ws *s, struct chat *c, enum wire_kind kind, et_str text)
{
    const struct client *me = (const struct client *)s->data;
    char buffer[1 + WIRE_ROOM_MAX + WIRE_MAX];
    char *message = buffer + 1 + WIRE_ROOM_MAX;
    char name[sizeof ROOM_CHANNEL + WIRE_ROOM_MAX];
    const et_str channel = channel_of(name, me->room);
    const int64_t now_ms = ms_of(CLOCK_REALTIME);
    int32_t rc = 0;
    size_t n;
    c->last_ms = now_ms > c->last_ms ? now_ms : c->last_ms + 1;
    n = wire_write(message, kind,
                   (uint64_t)c->last_ms * 1024 + s->worker->index % 1024,
                   c->last_ms, et_sn(me->name, me->name_len), text);
    if (kind == WIRE_TEXT && c->options->history > 0)
        rc = log_message(s, me->room, message, n);
    return rc < 0 ? rc : et_publish(s, channel, et_sn(message, n));
}

static void
complain(et_ws *s, const char *why)
{
    (void)et_ws_text(s, "{\"error\":\"%s\"}", why);
}

/* ---- coming in -----------------------------------------------------------*/

static int32_t
subscribe(et_ws *s, const struct room *room)
{
    char name[sizeof ROOM_CHANNEL + WIRE_ROOM_MAX];
    const et_channel_api *api =
        et_iface(s, ET_IF_CHANNEL, et_channel_api, subscribe_ws);
    /* Who is too slow is closed, and comes again: with a gap one would not
     * know what the others talk about. */
    return api ? api->subscribe_ws(s, channel_of(name, room), ET_WS_TEXT, 0,
                                   ET_CH_DROP_SELF)
               : ET_ENOTSUP;
}

/* Behind all that was published for the log before s was subscribed. */
static int32_t
send_mark(et_ws *s, struct chat *c)
{
    struct client *me = (struct client *)s->data;
    struct mark mark;
    if (c->options->history == 0)
        return 0;
    memset(&mark, 0, sizeof mark);
    mark.of = c;
    mark.n = me->mark = ++c->last_mark;
    me->n_kept = me->room->n_kept;
    me->stream = s;
    me->next = c->coming;
    c->coming = me;
    return et_publish(s, et_s(LOG_CHANNEL),
                      et_sn((const char *)&mark, sizeof mark));
}

static void
come_in(et_ws *s, struct chat *c, et_str name)
{
    struct client *me = (struct client *)s->data;
    char quoted[2 * WIRE_NAME_MAX + 2];
    if (me->is_in) {
        complain(s, "you are in");
        return;
    }
    if (!wire_is_clean(name, WIRE_NAME_MAX)) {
        complain(s, "a name has 1 to 40 bytes, something to see and no control "
                    "characters");
        return;
    }
    memcpy(me->name, name.p, me->name_len = name.n);
    if (send_log(s, me->room, 0) < 0 || subscribe(s, me->room) < 0 ||
        send_mark(s, c) < 0 || tell(s, c, WIRE_JOIN, et_s("")) < 0) {
        (void)et_ws_close(s, CODE_LATER, "no room");
        return;
    }
    me->is_in = 1;
    (void)et_ws_text(s, "{\"welcome\":%.*s,\"max\":%lld}",
                     (int)et_quote_to(quoted, sizeof quoted, name), quoted,
                     (long long)c->options->max_message);
}

/* ---- talking -------------------------------------------------------------*/

static void
say(et_ws *s, struct chat *c, et_str text)
{
    const struct client *me = (const struct client *)s->data;
    if (!me->is_in)
        complain(s, "who are you?");
    else if (text.n > (size_t)c->options->max_message)
        complain(s, "too long");
    else if (!wire_is_clean(text, WIRE_TEXT_MAX))
        complain(s, "nothing to see, or control characters");
    else if (tell(s, c, WIRE_TEXT, text) < 0)
        complain(s, "too much is said, try again");
}

/* Whether one more message may come now: a bucket that holds what may come in
 * the time of the rate. */
static int
may_go_on(struct client *me, et_rate rate)
{
    const int64_t now_ms = ms_of(CLOCK_MONOTONIC_COARSE);
    int64_t passed_ms = now_ms - me->credit_ms;
    if (passed_ms > rate.per_ms)
        passed_ms = rate.per_ms;
    me->credit_ms = now_ms;
    me->credit += passed_ms * rate.count;
    if (me->credit > rate.per_ms * rate.count)
        me->credit = rate.per_ms * rate.count;
    if (me->credit < rate.per_ms)
        return 0;
    me->credit -= rate.per_ms;
    return 1;
}

static void
on_message(et_ws *s, void *self, uint32_t type, const char *p, size_t n)
{
    struct chat *c = (struct chat *)self;
    struct client *me = (struct client *)s->data;
    struct wire_said said;
    int32_t rc;
    if (!me)
        return;
    if (!may_go_on(me, c->options->rate)) {
        if (!me->is_warned)
            complain(s, "slowly, please: that was not told");
        me->is_warned = 1;
        return;
    }
    me->is_warned = 0;
    rc = type == ET_WS_TEXT ? wire_read(p, n, &said) : ET_EINVAL;
    if (rc < 0)
        complain(s, rc == ET_ELIMIT ? "too long" : "not understood");
    else if (said.kind == WIRE_HELLO)
        come_in(s, c, et_sn(said.p, said.n));
    else
        say(s, c, et_sn(said.p, said.n));
}

/* ---- begin and end -------------------------------------------------------*/

static void
on_open(et_ws *s, void *self)
{
    struct chat *c = (struct chat *)self;
    struct room *room =
        rooms_of_ticket(&c->rooms, (uint32_t)(uintptr_t)s->data);
    struct client *me = (struct client *)calloc(1, sizeof *me);
    s->data = me;
    if (!room || !me) {
        (void)et_ws_close(s, CODE_LATER, "no room");
        free(me);
        s->data = NULL;
        return;
    }
    room->n_here++;
    me->room = room;
    me->credit = c->options->rate.per_ms * c->options->rate.count;
    me->credit_ms = ms_of(CLOCK_MONOTONIC_COARSE);
}

/* Who is to come again has not left. */
static void
on_close(et_ws *s, void *self, uint32_t code, et_str reason)
{
    struct client *me = (struct client *)s->data;
    (void)reason;
    if (!me)
        return;
    if (me->is_in && code != CODE_RESTART)
        (void)tell(s, (struct chat *)self, WIRE_LEAVE, et_s(""));
    stop_coming((struct chat *)self, me);
    me->room->n_here--;
    free(me);
}

/* Now, not when the old build must end: the new one has the log. */
static void
on_retiring(et_ws *s, void *self)
{
    (void)self;
    (void)et_ws_close(s, CODE_RESTART, "come again");
}

static const et_ws_calls calls = {ET_WS_CALLS,         on_open,     on_message,
                                  NULL /* writable */, on_retiring, on_close};

ET_ROUTE("GET", "/chat/:room", room, ET_B_NONE, "a WebSocket of a room")
{
    struct chat *c = (struct chat *)self;
    const et_str name = et_param(r, "room");
    struct room *room;
    et_ws_ask ask = {ET_WS_ASK, NULL, 0, NULL, 0, 0, 0, 0, 0};
    if (!wire_is_room(name))
        return et_error(r, 404,
                        "a room's name has 1 to 64 bytes of UTF-8, no "
                        "slash and no control characters\n");
    room = rooms_get(&c->rooms, name);
    if (!room)
        return et_error(r, 503, "there are too many rooms\n");
    ask.max_message = c->options->max_message > (int64_t)WIRE_NAME_MAX
                          ? WIRE_SENT_MAX((uint64_t)c->options->max_message)
                          : WIRE_SENT_MAX(WIRE_NAME_MAX);
    ask.queue = QUEUE_BYTES;
    return et_ws_accept(r, &calls, &ask,
                        (void *)(uintptr_t)rooms_ticket(&c->rooms, room));
}

ET_ROUTE("GET", "/chat", page, ET_B_NONE, "a page to chat on")
{
    (void)self;
    et_set(r, "Content-Security-Policy", et_s(page_policy));
    et_set(r, "X-Content-Type-Options", et_s("nosniff"));
    et_set(r, "Referrer-Policy", et_s("no-referrer"));
    return et_bytes_static(r, 200, et_s("text/html; charset=utf-8"),
                           et_s(page_text));
}

ET_PLUGIN_AS("org.etude.chat", "1.0.0", ET_P_UNMAP_OK,
             "rooms to talk in, over WebSockets, with a page");
