/* SPDX-License-Identifier: BSD-2-Clause */
/* wsock.c - see wsock.h. */
#include "t/lib/wsock.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};

void
wsock_ask(struct client *c, const char *path, const char *more)
{
    client_printf(c,
                  "GET %s HTTP/1.1\r\nHost: x.example:80\r\n"
                  "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                  "Sec-WebSocket-Key: " WSOCK_KEY "\r\n"
                  "Sec-WebSocket-Version: 13\r\n%s\r\n",
                  path, more);
}

struct answer
wsock_welcome(struct client *c)
{
    struct answer a = client_answer(c, 1);

    ck_assert_msg(a.status == 101, "%s", a.head);
    ck_assert_str_eq(answer_field(&a, "Sec-WebSocket-Accept", 0), WSOCK_ACCEPT);
    ck_assert_str_eq(answer_field(&a, "Upgrade", 0), "websocket");
    ck_assert_str_eq(answer_field(&a, "Connection", 0), "upgrade");
    ck_assert_ptr_null(answer_field(&a, "Content-Length", 0));
    return a;
}

struct client
wsock_open_with(const struct server *s, const char *path, const char *more)
{
    struct client c = client_open(s);
    struct answer a;

    wsock_ask(&c, path, more);
    a = wsock_welcome(&c);
    answer_free(&a);
    return c;
}

struct client
wsock_open(const struct server *s, const char *path)
{
    return wsock_open_with(s, path, "");
}

/* ---- out -----------------------------------------------------------------*/

static size_t
put_length(char *to, size_t n)
{
    size_t more = n < 126 ? 0 : n < 65536 ? 2 : 8;

    to[0] = (char)(0x80 | (more == 0 ? n : more == 2 ? 126 : 127));
    for (size_t i = more; i > 0; i--, n >>= 8)
        to[i] = (char)n;
    return 1 + more;
}

size_t
wsock_frame(char *to, unsigned first, const void *p, size_t n)
{
    char *at = to;

    *at++ = (char)first;
    at += put_length(at, n);
    memcpy(at, mask, 4);
    at += 4;
    for (size_t i = 0; i < n; i++)
        at[i] = (char)(((const char *)p)[i] ^ mask[i % 4]);
    return (size_t)(at - to) + n;
}

void
wsock_send(struct client *c, unsigned first, const void *p, size_t n)
{
    char *frame = malloc(n + 14);

    ck_assert_ptr_nonnull(frame);
    client_send(c, frame, wsock_frame(frame, first, p, n));
    free(frame);
}

void
wsock_text(struct client *c, const char *text)
{
    wsock_send(c, 0x81, text, strlen(text));
}

static size_t
put_close(char *to, unsigned code, const char *reason)
{
    char data[125] = {(char)(code >> 8), (char)code};

    memcpy(data + 2, reason, strlen(reason));
    return wsock_frame(to, 0x88, data, code ? 2 + strlen(reason) : 0);
}

void
wsock_close(struct client *c, unsigned code, const char *reason)
{
    char frame[139];

    client_send(c, frame, put_close(frame, code, reason));
}

void
wsock_close_late(struct client *c, unsigned code, const char *reason,
                 const char *text)
{
    char frames[278];
    size_t n = put_close(frames, code, reason);

    ck_assert_uint_le(strlen(text), 125);
    n += wsock_frame(frames + n, 0x81, text, strlen(text));
    client_send(c, frames, n);
}

/* ---- in ------------------------------------------------------------------*/

static void
use(struct client *c, size_t n)
{
    memmove(c->buf, c->buf + n, c->n - n);
    c->n -= n;
}

struct wsock_got
wsock_next(struct client *c)
{
    static _Thread_local char *last;
    struct wsock_got g;
    size_t head = 2, n;

    client_gather(c, 2);
    ck_assert_msg(!(c->buf[1] & 0x80), "a server does not mask");
    n = (unsigned char)c->buf[1];
    if (n > 125) {
        size_t more = n == 126 ? 2 : 8;
        client_gather(c, 2 + more);
        n = 0;
        for (size_t i = 0; i < more; i++)
            n = n << 8 | (unsigned char)c->buf[2 + i];
        head += more;
        ck_assert_uint_gt(n, more == 2 ? 125 : 65535);
    }
    client_gather(c, head + n);
    g = (struct wsock_got){(unsigned char)c->buf[0], NULL, n};
    free(last);
    last = malloc(n + 1);
    ck_assert_ptr_nonnull(last);
    memcpy(last, c->buf + head, n);
    last[n] = '\0';
    g.p = last;
    use(c, head + n);
    return g;
}

void
wsock_take(struct client *c, unsigned first, const void *p, size_t n)
{
    struct wsock_got g = wsock_next(c);

    ck_assert_msg(g.first == first, "%02x, not %02x: %.*s", g.first, first,
                  (int)(g.n < 200 ? g.n : 200), g.p);
    ck_assert_uint_eq(g.n, n);
    ck_assert(n == 0 || memcmp(g.p, p, n) == 0);
}

void
wsock_take_text(struct client *c, const char *text)
{
    struct wsock_got g = wsock_next(c);

    ck_assert_msg(g.first == 0x81, "%02x", g.first);
    ck_assert_str_eq(g.p, text);
}

const char *
wsock_take_close(struct client *c, unsigned code)
{
    struct wsock_got g = wsock_next(c);
    unsigned got = 0;

    ck_assert_msg(g.first == 0x88, "%02x: %s", g.first, g.p);
    ck_assert(g.n == 0 || g.n >= 2);
    if (g.n > 0)
        got = (unsigned)((unsigned char)g.p[0] << 8 | (unsigned char)g.p[1]);
    ck_assert_uint_eq(got, code);
    return g.n > 0 ? g.p + 2 : "";
}

void
wsock_ended(struct client *c, unsigned code)
{
    (void)wsock_take_close(c, code);
    ck_assert(client_is_closed(c));
    client_close(c);
}
