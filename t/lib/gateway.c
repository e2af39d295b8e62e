/* SPDX-License-Identifier: BSD-2-Clause */
/* gateway.c - HTTP/1.1 in front of HTTP/2; see gateway.h. */
#include "t/lib/gateway.h"

#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/ascii.h"
#include "proto/chunked.h"
#include "proto/http1.h"
#include "proto/status.h"
#include "proto/ws_shake.h"

#define READ_BYTES 65536u
#define KEPT_MAX (1u << 20) /* of either direction, before it is not read */
#define FIELDS_MAX 1000u
#define FDS_MAX 65536
#define SKIPPED_MAX 65536u /* of a body that nobody wants */

/* Bytes that grow. */
struct text {
    char *p;
    size_t n, cap;
};

/* How the answer's body ends for the test. */
enum framing { BARE, COUNTED, CHUNKED, TUNNEL };

struct gateway {
    int near, far, fd; /* fd is the test's */
    const char *scheme;
    nghttp2_session *h2;
    struct text in;   /* of the test's, not used yet */
    struct text out;  /* for the test */
    struct text head; /* the same, at out's head_at: without its end */
    size_t head_at;
    struct text sent; /* for the server */
    size_t unconsumed;
    int near_ends, far_ends; /* nothing more comes from there */
    int is_over;             /* send what is left to the test, then the end */
    int goes_away, has_settings;

    /* the request */
    int32_t stream; /* -1: none */
    struct http1 parser;
    struct http1_field fields[FIELDS_MAX];
    int is_parsing, is_last, is_head_method, is_ws, is_waiting;
    char key[64];
    int is_chunked, is_expected; /* its body; after a 100 only */
    int is_chunked_over, is_skipping;
    uint64_t left;
    size_t n_skipped;
    struct chunked chunked;
    struct text trailers;

    /* its answer */
    int status, has_length, has_begun;
    enum framing framing;
    struct text lines, behind; /* fields of the head, and behind the body */
};

static _Atomic unsigned char was_told[FDS_MAX]; /* by fd */

static void
put(struct text *t, const void *p, size_t n)
{
    if (t->cap - t->n < n + 1) {
        t->cap = (t->n + n + 1) * 2;
        t->p = realloc(t->p, t->cap);
        if (!t->p)
            abort();
    }
    memcpy(t->p + t->n, p, n);
    t->n += n;
    t->p[t->n] = '\0';
}

static void
puts_to(struct text *t, const char *s)
{
    put(t, s, strlen(s));
}

static void
used(struct text *t, size_t n)
{
    if (n == 0)
        return;
    t->n -= n;
    memmove(t->p, t->p + n, t->n);
}

/* ---- the request: HTTP/1 to HTTP/2 ----------------------------------------*/

static ssize_t
body_piece(struct gateway *g, uint8_t *to, size_t cap, uint32_t *flags)
{
    size_t k = 0, spent;
    et_str data = {NULL, 0};
    int rc;

    if (g->framing == TUNNEL || !g->is_chunked) {
        k = g->in.n < cap ? g->in.n : cap;
        if (g->framing != TUNNEL && k > g->left)
            k = (size_t)g->left;
        if (k > 0)
            memcpy(to, g->in.p, k);
        used(&g->in, k);
        g->left -= g->framing == TUNNEL ? 0 : k;
        if (g->framing == TUNNEL ? g->near_ends && k == 0 : g->left == 0)
            *flags |= NGHTTP2_DATA_FLAG_EOF;
        return (ssize_t)k;
    }
    for (;;) {
        size_t most = g->in.n < cap ? g->in.n : cap;
        rc = chunked_next(&g->chunked, g->in.p, most, &spent, &data);
        if (rc < 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        put(&g->trailers, g->chunked.trailer.p, g->chunked.trailer.n);
        if (rc == CHUNKED_DATA)
            memcpy(to, data.p, k = data.n);
        used(&g->in, spent);
        g->is_chunked_over |= rc == CHUNKED_DONE;
        if (rc == CHUNKED_DONE)
            *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (rc != CHUNKED_MORE || spent == 0 || g->in.n == 0)
            return (ssize_t)k;
    }
}

/* "name: value" CRLF: the next of lines, which are changed. */
static int
next_line(char **at, nghttp2_nv *nv)
{
    char *end = strstr(*at, "\r\n"), *colon;

    if (!end || end == *at || !(colon = memchr(*at, ':', (size_t)(end - *at))))
        return 0;
    for (char *p = *at; p < colon; p++)
        *p = (char)ascii_lower(*p);
    *nv =
        (nghttp2_nv){.name = (uint8_t *)*at, .namelen = (size_t)(colon - *at)};
    for (colon++; *colon == ' ' || *colon == '\t';)
        colon++;
    nv->value = (uint8_t *)colon;
    nv->valuelen = (size_t)(end - colon);
    while (nv->valuelen > 0 &&
           (colon[nv->valuelen - 1] == ' ' || colon[nv->valuelen - 1] == '\t'))
        nv->valuelen--;
    *at = end + 2;
    return 1;
}

static ssize_t
on_read(nghttp2_session *h2, int32_t stream, uint8_t *to, size_t cap,
        uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct gateway *g = user;
    int is_due = g->in.n || g->near_ends || (!g->is_chunked && !g->left);
    ssize_t n = 0;

    if (is_due && (!g->is_ws || g->has_begun))
        n = body_piece(g, to, cap, flags);

    (void)source;
    if (n == 0 && !(*flags & NGHTTP2_DATA_FLAG_EOF)) {
        if (g->near_ends) /* a body that never comes whole */
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        g->is_waiting = 1;
        return NGHTTP2_ERR_DEFERRED;
    }
    if ((*flags & NGHTTP2_DATA_FLAG_EOF) && g->trailers.n > 0) {
        nghttp2_nv nv[FIELDS_MAX];
        size_t k = 0;
        for (char *at = g->trailers.p;
             k < FIELDS_MAX && next_line(&at, &nv[k]);)
            k++;
        if (k > 0) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            nghttp2_submit_trailer(h2, stream, nv, k);
        }
    }
    return n;
}

static int
is_of_connection(et_str name)
{
    static const char *const names[] = {
        "connection",        "keep-alive", "proxy-connection", "upgrade",
        "transfer-encoding", "host",       "http2-settings"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name.n == strlen(names[i]) &&
            strncasecmp(name.p, names[i], name.n) == 0)
            return 1;
    return 0;
}

static nghttp2_nv
pair_of(et_str name, et_str value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.p,
                        .namelen = name.n,
                        .value = (uint8_t *)(uintptr_t)value.p,
                        .valuelen = value.n};
}

static et_str
of(const char *s)
{
    return (et_str){s, strlen(s)};
}

/* WebSocket's fields: what is left of them in HTTP/2. */
static int
take_ws(struct gateway *g, et_str name, et_str value)
{
    if (name.n == 7 && strncasecmp(name.p, "upgrade", 7) == 0 && value.n == 9 &&
        strncasecmp(value.p, "websocket", 9) == 0)
        g->is_ws = 1;
    if (name.n != 17 || strncasecmp(name.p, "sec-websocket-key", 17) != 0)
        return 0;
    snprintf(g->key, sizeof g->key, "%.*s", (int)value.n, value.p);
    return 1;
}

static int
asks_for_ws(struct gateway *g)
{
    const struct http1 *h = &g->parser;

    g->is_ws = 0;
    for (uint32_t i = 0; i < h->n_fields; i++)
        take_ws(g, http1_name(&h->fields[i], g->in.p),
                http1_value(&h->fields[i], g->in.p));
    return g->is_ws;
}

/* In absolute-form it has the host, too (RFC 9112 3.2.2). */
static size_t
put_target(nghttp2_nv *nv, et_str target, et_str method)
{
    const char *end = target.p + target.n, *host, *path;
    size_t n = 0;

    if (target.n < 8 || strncasecmp(target.p, "http", 4) != 0 ||
        !(host = memmem(target.p, target.n, "://", 3))) {
        nv[0] = pair_of(of(":path"), target);
        return 1;
    }
    host += 3;
    path = host + strcspn(host, "/? ");
    nv[n++] = pair_of(of(":authority"), (et_str){host, (size_t)(path - host)});
    if (path < end && *path == '/')
        nv[n++] = pair_of(of(":path"), (et_str){path, (size_t)(end - path)});
    else
        nv[n++] = pair_of(of(":path"), method.n == 7 ? of("*") : of("/"));
    return n;
}

static size_t
put_pseudo(struct gateway *g, nghttp2_nv *nv, const char *text)
{
    const struct http1 *h = &g->parser;
    et_str method = http1_method(h, text), target = http1_target(h, text);
    size_t n = 0, k;

    if (method.n == 7 && memcmp(method.p, "CONNECT", 7) == 0) {
        nv[n++] = pair_of(of(":method"), method);
        nv[n++] = pair_of(of(":authority"), target);
        return n;
    }
    nv[n++] = pair_of(of(":method"), g->is_ws ? of("CONNECT") : method);
    if (g->is_ws)
        nv[n++] = pair_of(of(":protocol"), of("websocket"));
    nv[n++] = pair_of(of(":scheme"), of(g->scheme));
    n += k = put_target(nv + n, target, method);
    if (h->has_host && k == 1)
        nv[n++] = pair_of(of(":authority"),
                          http1_str(text, h->host_off, h->host_len));
    return n;
}

/* What is known of an answer: nothing. */
static void
forget_answer(struct gateway *g)
{
    g->has_begun = g->has_length = 0;
    g->status = 0;
    g->framing = BARE;
    g->lines.n = g->behind.n = 0;
}

static void
submit(struct gateway *g)
{
    nghttp2_nv nv[FIELDS_MAX + 8];
    const struct http1 *h = &g->parser;
    nghttp2_data_provider body = {.read_callback = on_read};
    char *text = strndup(g->in.p, h->head_len); /* names become lower case */
    size_t n = 0;
    int has_body;

    g->is_chunked = 0;
    n = put_pseudo(g, nv, text);
    for (uint32_t i = 0; i < h->n_fields; i++) {
        et_str name = http1_name(&h->fields[i], text);
        et_str value = http1_value(&h->fields[i], text);
        for (size_t k = 0; k < name.n; k++)
            text[h->fields[i].name_off + k] = (char)ascii_lower(name.p[k]);
        if (!is_of_connection(name) && !take_ws(g, name, value))
            nv[n++] = pair_of(name, value);
    }
    has_body = h->is_chunked || h->content_length > 0;
    g->is_chunked = h->is_chunked;
    g->left = h->content_length > 0 ? (uint64_t)h->content_length : 0;
    chunked_init(&g->chunked, UINT64_MAX, KEPT_MAX);
    g->trailers.n = 0;
    g->is_head_method = http1_method(h, text).n == 4 &&
                        memcmp(text + h->method_off, "HEAD", 4) == 0;
    g->is_last = !h->keep_alive;
    g->is_expected = h->expect_continue;
    g->is_waiting = g->is_chunked_over = 0;
    g->n_skipped = 0;
    forget_answer(g);
    used(&g->in, h->head_len);
    g->is_parsing = 0;
    g->stream = nghttp2_submit_request(
        g->h2, NULL, nv, n, has_body || g->is_ws ? &body : NULL, NULL);
    free(text);
    if (g->stream < 0)
        g->is_over = 1;
}

static int
body_is_left(const struct gateway *g)
{
    return g->is_chunked ? !g->is_chunked_over : g->left > 0;
}

/* As a server of HTTP/1 does: a small rest of a body that nobody wants is
 * skipped, behind a larger one the connection ends. */
static int
may_skip(const struct gateway *g)
{
    return !g->is_expected && g->left <= SKIPPED_MAX &&
           g->n_skipped <= SKIPPED_MAX;
}

static void
skip_chunks(struct gateway *g)
{
    size_t spent = 0;
    et_str data;
    int rc;

    do {
        rc = chunked_next(&g->chunked, g->in.p, g->in.n, &spent, &data);
        used(&g->in, rc < 0 ? 0 : spent);
        g->n_skipped += spent;
    } while (rc >= 0 && rc != CHUNKED_DONE && spent > 0 && g->in.n > 0);
    g->is_chunked_over = rc == CHUNKED_DONE;
    g->is_over |= rc < 0 || !may_skip(g);
}

/* The rest of a body whose answer is there already. */
static void
skip(struct gateway *g)
{
    size_t k = g->in.n < g->left ? g->in.n : (size_t)g->left;

    if (g->in.n > 0 && g->is_chunked) {
        skip_chunks(g);
    } else if (!g->is_chunked) {
        used(&g->in, k);
        g->left -= k;
    }
    g->is_skipping = body_is_left(g);
    g->is_over |= g->is_skipping && g->near_ends;
}

/* Look for the next request in what the test has sent. */
static void
ask(struct gateway *g)
{
    static const struct http1_limits limits = {KEPT_MAX, KEPT_MAX, FIELDS_MAX};
    int rc;

    if (g->is_skipping && g->stream < 0)
        skip(g);
    if (g->stream >= 0 || g->in.n == 0 || g->is_over || g->far_ends ||
        g->is_skipping)
        return;
    if (!g->is_parsing)
        http1_init(&g->parser, g->fields, &limits);
    g->is_parsing = 1;
    rc = http1_parse(&g->parser, g->in.p, g->in.n);
    if (rc == HTTP1_MORE) {
        g->is_over |= g->near_ends;
        return;
    }
    if (rc < 0) {
        fprintf(stderr, "gateway: not a request (%d): %.*s\n", rc, (int)g->in.n,
                g->in.p);
        g->is_over = 1;
        return;
    }
    if (asks_for_ws(g) && !g->has_settings) /* is extended CONNECT known? */
        return;
    submit(g);
}

/* ---- the answer: HTTP/2 to HTTP/1 -----------------------------------------*/

static int
on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
          size_t name_len, const uint8_t *value, size_t value_len,
          uint8_t flags, void *user)
{
    struct gateway *g = user;
    struct text *to = g->has_begun ? &g->behind : &g->lines;
    size_t at;

    (void)h2;
    (void)flags;
    if (frame->hd.stream_id != g->stream)
        return 0;
    if (name_len == 7 && memcmp(name, ":status", 7) == 0) {
        g->status = atoi((const char *)value);
        return 0;
    }
    if (name_len == 14 && memcmp(name, "content-length", 14) == 0)
        g->has_length = 1;
    at = to->n;
    put(to, name, name_len);
    for (size_t i = at; i < to->n; i++) /* as servers of HTTP/1 write them */
        if (i == at || to->p[i - 1] == '-')
            to->p[i] = (char)toupper((unsigned char)to->p[i]);
    puts_to(to, ": ");
    put(to, value, value_len);
    puts_to(to, "\r\n");
    return 0;
}

static void
status_line(struct text *to, int status)
{
    et_str phrase = status_phrase((unsigned)status);
    char line[128];

    snprintf(line, sizeof line, "HTTP/1.1 %d %.*s\r\n", status, (int)phrase.n,
             phrase.p);
    puts_to(to, line);
}

static void
begin_answer(struct gateway *g, int is_all)
{
    int has_none = g->is_head_method || g->status == 204 || g->status == 304;

    g->has_begun = 1;
    g->head_at = g->out.n; /* behind what the test has not read yet */
    if (g->is_ws && g->status == 200) {
        char accept[WS_SHAKE_ACCEPT_LEN];
        g->framing = TUNNEL;
        status_line(&g->head, 101);
        puts_to(&g->head, "Upgrade: websocket\r\nConnection: upgrade\r\n");
        if (ws_shake_accept(of(g->key), accept) == 0) {
            puts_to(&g->head, "Sec-WebSocket-Accept: ");
            put(&g->head, accept, sizeof accept);
            puts_to(&g->head, "\r\n");
        }
        put(&g->head, g->lines.p, g->lines.n);
        if (g->is_waiting)
            nghttp2_session_resume_data(g->h2, g->stream);
        return;
    }
    if (g->is_ws && g->is_waiting) /* it is none, and has no more to say */
        nghttp2_session_resume_data(g->h2, g->stream);
    status_line(&g->head, g->status);
    put(&g->head, g->lines.p ? g->lines.p : "", g->lines.n);
    g->framing = has_none || is_all ? BARE : g->has_length ? COUNTED : CHUNKED;
    if (g->framing == CHUNKED)
        puts_to(&g->head, "Transfer-Encoding: chunked\r\n");
    else if (is_all && !has_none && !g->has_length)
        puts_to(&g->head, "Content-Length: 0\r\n");
}

/* The end of the head is written as late as can be: then it is known whether
 * the server goes away. */
static void
close_head(struct gateway *g)
{
    struct text body = {0};

    if (g->head.n == 0)
        return;
    if ((g->goes_away || g->is_last) && g->framing != TUNNEL)
        puts_to(&g->head, "Connection: close\r\n");
    puts_to(&g->head, "\r\n");
    if (g->out.n > g->head_at)
        put(&body, g->out.p + g->head_at, g->out.n - g->head_at);
    g->out.n = g->head_at;
    put(&g->out, g->head.p, g->head.n);
    if (body.n > 0)
        put(&g->out, body.p, body.n);
    g->head.n = 0;
    free(body.p);
}

static void
on_fields(struct gateway *g, const nghttp2_frame *frame)
{
    int is_all = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    if (g->has_begun) /* trailers */
        return;
    if (g->status >= 200) {
        begin_answer(g, is_all);
        return;
    }
    status_line(&g->out, g->status);
    put(&g->out, g->lines.p ? g->lines.p : "", g->lines.n);
    puts_to(&g->out, "\r\n");
    g->lines.n = 0;
    g->is_expected = 0;
}

static void
end_answer(struct gateway *g)
{
    if (g->framing == CHUNKED) {
        puts_to(&g->out, "0\r\n");
        put(&g->out, g->behind.p ? g->behind.p : "", g->behind.n);
        puts_to(&g->out, "\r\n");
    }
    if (g->framing != TUNNEL && body_is_left(g)) {
        g->is_skipping = 1;
        g->is_last |= !may_skip(g);
    }
    g->is_over |= g->framing == TUNNEL || g->is_last;
}

static int
on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *user)
{
    struct gateway *g = user;

    (void)h2;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        g->goes_away = 1;
        was_told[g->fd] = frame->goaway.error_code == NGHTTP2_NO_ERROR;
    }
    if (frame->hd.type == NGHTTP2_SETTINGS &&
        !(frame->hd.flags & NGHTTP2_FLAG_ACK))
        g->has_settings = 1;
    if (frame->hd.stream_id != g->stream || g->stream < 0)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS)
        on_fields(g, frame);
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) && g->has_begun)
        end_answer(g);
    return 0;
}

static int
on_chunk(nghttp2_session *h2, uint8_t flags, int32_t stream, const uint8_t *p,
         size_t n, void *user)
{
    struct gateway *g = user;
    char line[CHUNKED_HEAD_MAX];

    (void)h2;
    (void)flags;
    g->unconsumed += n;
    if (stream != g->stream || n == 0)
        return 0;
    if (g->framing == CHUNKED)
        put(&g->out, line, chunked_head(line, n));
    put(&g->out, p, n);
    if (g->framing == CHUNKED)
        puts_to(&g->out, CHUNKED_CRLF);
    return 0;
}

static int
on_stream_close(nghttp2_session *h2, int32_t stream, uint32_t error, void *user)
{
    struct gateway *g = user;

    (void)h2;
    if (stream != g->stream)
        return 0;
    g->stream = -1;
    if (error != NGHTTP2_NO_ERROR || !g->has_begun)
        g->is_over = 1; /* in the middle */
    return 0;
}

/* ---- the thread -----------------------------------------------------------*/

/* What there is for the server, as far as it is taken.  Below 0: it is gone. */
static int
send_far(struct gateway *g)
{
    const uint8_t *p;
    ssize_t n;

    while (g->sent.n < READ_BYTES &&
           (n = nghttp2_session_mem_send(g->h2, &p)) > 0)
        put(&g->sent, p, (size_t)n);
    while (g->sent.n > 0) {
        n = send(g->far, g->sent.p, g->sent.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        used(&g->sent, (size_t)n);
        if (g->sent.n == 0 && (n = nghttp2_session_mem_send(g->h2, &p)) > 0)
            put(&g->sent, p, (size_t)n);
    }
    return 0;
}

static int
send_near(struct gateway *g)
{
    close_head(g);
    while (g->out.n > 0) {
        ssize_t n =
            send(g->near, g->out.p, g->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        used(&g->out, (size_t)n);
    }
    if (g->unconsumed > 0) { /* the test has it, or can */
        nghttp2_session_consume_connection(g->h2, g->unconsumed);
        if (g->stream >= 0)
            nghttp2_session_consume_stream(g->h2, g->stream, g->unconsumed);
        g->unconsumed = 0;
    }
    return 0;
}

static void
read_far(struct gateway *g)
{
    static __thread uint8_t buf[READ_BYTES];
    ssize_t n = recv(g->far, buf, sizeof buf, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0 && nghttp2_session_mem_recv(g->h2, buf, (size_t)n) == n)
        return;
    g->far_ends = g->is_over = 1;
}

static void
read_near(struct gateway *g)
{
    static __thread char buf[READ_BYTES];
    ssize_t n = recv(g->near, buf, sizeof buf, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        put(&g->in, buf, (size_t)n);
    else
        g->near_ends = 1;
    if (g->is_waiting && g->stream >= 0) {
        g->is_waiting = 0;
        nghttp2_session_resume_data(g->h2, g->stream);
    }
}

/* One turn; below 0: it is over. */
static int
turn(struct gateway *g)
{
    struct pollfd p[2] = {{.fd = g->near}, {.fd = g->far}};

    ask(g);
    if (send_far(g) < 0)
        g->far_ends = g->is_over = 1;
    if (g->stream < 0) /* the end of a body was its end */
        ask(g);
    if (send_near(g) < 0)
        return -1;
    if (send_far(g) < 0) /* what was consumed */
        g->far_ends = g->is_over = 1;
    if (g->out.n == 0 &&
        (g->is_over || (g->near_ends && g->stream < 0 && g->in.n == 0)))
        return -1;
    if (!g->near_ends && g->in.n < KEPT_MAX)
        p[0].events |= POLLIN;
    if (g->out.n > 0)
        p[0].events |= POLLOUT;
    if (!g->far_ends && g->out.n < KEPT_MAX)
        p[1].events |= POLLIN;
    if (!g->far_ends && g->sent.n > 0)
        p[1].events |= POLLOUT;
    if (g->far_ends)
        p[1].fd = -1;
    if (poll(p, 2, -1) < 0)
        return errno == EINTR ? 0 : -1;
    if (p[0].revents & POLLIN)
        read_near(g);
    else if (p[0].revents & (POLLHUP | POLLERR)) /* closed, not only shut */
        return -1;
    if (p[1].revents & (POLLIN | POLLHUP | POLLERR))
        read_far(g);
    return 0;
}

static void *
serve(void *arg)
{
    struct gateway *g = arg;

    while (turn(g) == 0)
        continue;
    nghttp2_session_del(g->h2);
    close(g->far);
    close(g->near);
    free(g->in.p);
    free(g->out.p);
    free(g->head.p);
    free(g->sent.p);
    free(g->lines.p);
    free(g->behind.p);
    free(g->trailers.p);
    free(g);
    return NULL;
}

static void
begin(struct gateway *g)
{
    nghttp2_session_callbacks *on;
    nghttp2_option *options;

    nghttp2_session_callbacks_new(&on);
    nghttp2_session_callbacks_set_on_header_callback(on, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(on, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(on, on_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(on, on_stream_close);
    nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_max_send_header_block_length(options, KEPT_MAX);
    ck_assert_int_eq(nghttp2_session_client_new2(&g->h2, on, g, options), 0);
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(on);
    ck_assert_int_eq(nghttp2_submit_settings(g->h2, NGHTTP2_FLAG_NONE, NULL, 0),
                     0);
}

int
gateway_open(int fd, const char *scheme)
{
    struct gateway *g = calloc(1, sizeof *g);
    pthread_t thread;
    int pair[2];

    ck_assert_ptr_nonnull(g);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                     0);
    g->near = pair[0];
    g->far = fd;
    g->fd = pair[1];
    ck_assert_int_lt(g->fd, FDS_MAX);
    was_told[g->fd] = 0;
    g->scheme = scheme;
    g->stream = -1;
    begin(g);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, g), 0);
    pthread_detach(thread);
    return pair[1];
}

int
gateway_was_told(int fd)
{
    return was_told[fd];
}
