/* SPDX-License-Identifier: BSD-2-Clause */
/* frames.h - a client of HTTP/2 that sends exactly the frames it is told, right
 * or wrong (RFC 9113), and reads frames back.
 *
 *     struct frames f = frames_open(&s);
 *     frames_get(&f, 1, "/none");
 *     frames_take(&f, 1, 200, "");
 *     frames_close(&f);
 *
 * What is received is held against the RFC by itself: the order of frames,
 * their sizes, the windows we have given, header blocks, the fields of answers.
 * Frames of streams nobody waits for now are kept.  A call waits for some
 * seconds and fails the test then; one that sends never does, for a server may
 * have closed: what is awaited next shows what became of it. */
#ifndef T_LIB_FRAMES_H
#define T_LIB_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "t/lib/bytes.h"
#include "t/lib/client.h"
#include "t/lib/hpack.h"

struct server;

enum frames_type {
    FRAMES_DATA,
    FRAMES_HEADERS,
    FRAMES_PRIORITY,
    FRAMES_RST_STREAM,
    FRAMES_SETTINGS,
    FRAMES_PUSH_PROMISE,
    FRAMES_PING,
    FRAMES_GOAWAY,
    FRAMES_WINDOW_UPDATE,
    FRAMES_CONTINUATION,
    FRAMES_PRIORITY_UPDATE = 16 /* RFC 9218 */
};

enum frames_flag {
    FRAMES_ACK = 0x1,
    FRAMES_END_STREAM = 0x1,
    FRAMES_END_HEADERS = 0x4,
    FRAMES_PADDED = 0x8,
    FRAMES_PRIORITIZED = 0x20
};

enum frames_setting {
    FRAMES_HEADER_TABLE_SIZE = 1,
    FRAMES_ENABLE_PUSH,
    FRAMES_MAX_CONCURRENT_STREAMS,
    FRAMES_INITIAL_WINDOW_SIZE,
    FRAMES_MAX_FRAME_SIZE,
    FRAMES_MAX_HEADER_LIST_SIZE,
    FRAMES_ENABLE_CONNECT = 8, /* RFC 8441 */
    FRAMES_N_SETTINGS
};

enum frames_code {
    FRAMES_NO_ERROR,
    FRAMES_PROTOCOL_ERROR,
    FRAMES_INTERNAL_ERROR,
    FRAMES_FLOW_CONTROL_ERROR,
    FRAMES_SETTINGS_TIMEOUT,
    FRAMES_STREAM_CLOSED,
    FRAMES_FRAME_SIZE_ERROR,
    FRAMES_REFUSED_STREAM,
    FRAMES_CANCEL,
    FRAMES_COMPRESSION_ERROR,
    FRAMES_CONNECT_ERROR,
    FRAMES_ENHANCE_YOUR_CALM,
    FRAMES_NO_CODE = -1
};

#define FRAMES_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define FRAMES_GET(path)                                                       \
    ":method: GET\n:scheme: http\n:path: " path "\n:authority: x\n"
#define FRAMES_POST(path)                                                      \
    ":method: POST\n:scheme: http\n:path: " path "\n:authority: x\n"

/* A server to ask: the paths of t/fixtures/answers.c, task.c and writer.c,
 * /echo, and /request, which answers with the head it got. */
#define FRAMES_SERVER                                                          \
    "[server]\nlisten = 127.0.0.1:0\nh2c = yes\nworkers = 1\n"                 \
    "metrics = /metrics\n"
#define FRAMES_ROUTES                                                          \
    "[plugin answers]\n[plugin task]\n[plugin writer]\n[plugin echo]\n"        \
    "[route echo]\nmatch = * /echo\nhandler = echo\n"                          \
    "[route request]\nmatch = * /request\nhandler = echo\n"                    \
    "echo.show = request\n"
#define FRAMES_INI FRAMES_SERVER FRAMES_ROUTES

/* What has come on a stream. */
struct frames_stream {
    uint32_t id;
    int status, n_interim; /* n_interim: answers of status 1xx */
    struct bytes head, body;
    int has_head, is_ended;
    int reset;     /* the code of RST_STREAM, or FRAMES_NO_CODE */
    int64_t send;  /* bytes that we may send */
    int64_t give;  /* bytes that the server may send */
    size_t n_data; /* DATA frames */
};

/* The last frame that came; p is good until the next. */
struct frames_got {
    unsigned type, flags;
    uint32_t stream;
    const char *p;
    size_t n;
};

struct frames {
    struct client c;
    struct frames_got got;
    struct bytes used;  /* what got.p points into */
    struct bytes block; /* of fields that are not all there */
    uint32_t block_stream;
    int block_ends;
    struct hpack_table table;
    struct frames_stream *streams;
    size_t n_streams, cap_streams;
    uint32_t next;                    /* a stream that has not been used */
    size_t n_got;                     /* frames that came */
    uint32_t peer[FRAMES_N_SETTINGS]; /* the server's settings */
    int64_t send, give;               /* the windows of the connection */
    int64_t window;                   /* what each stream of ours begins with */
    size_t max_frame;                 /* what we take */
    int n_settings, n_settings_acks;  /* sent by us, acknowledged */
    struct frames_change {
        unsigned name;
        uint32_t value;
        int nth;  /* of our SETTINGS */
    } changes[8]; /* that are not acknowledged */
    int n_changes;
    int n_pongs;
    char pong[8];
    int goaway;    /* the code of the last GOAWAY, or FRAMES_NO_CODE */
    char why[128]; /* what it says behind that */
    uint32_t last_stream;
    int n_goaways;
    /* What may be set: */
    int is_held; /* what is sent is kept until frames_flush */
    int is_mean; /* no WINDOW_UPDATE answers DATA */
    int is_deaf; /* neither SETTINGS nor PING are acknowledged */
    struct bytes held;
};

/* A connection, over TLS in a run over that (transport.h), and no byte; the
 * rest is for the caller. */
struct frames frames_connect(const struct server *s);
/* With the preface and our SETTINGS, of n pairs of name and value; the server's
 * SETTINGS and its acknowledgment have come. */
struct frames frames_open(const struct server *s);
struct frames frames_open_with(const struct server *s, size_t n,
                               const uint32_t (*settings)[2]);
void frames_close(struct frames *f);
/* What is_held has kept; false if the server did not take all, which it has ms
 * milliseconds for from one piece to the next. */
int frames_flush(struct frames *f, int ms);

/* ---- out */

/* Bytes that are no frame. */
void frames_raw(struct frames *f, const void *p, size_t n);
void frames_send(struct frames *f, unsigned type, unsigned flags,
                 uint32_t stream, const void *p, size_t n);
/* The same, and the frame's length says `length` whatever follows. */
void frames_send_as(struct frames *f, size_t length, unsigned type,
                    unsigned flags, uint32_t stream, const void *p, size_t n);
/* HEADERS with END_HEADERS and flags: a block, or what hpack_fields makes of
 * text. */
void frames_block(struct frames *f, uint32_t stream, unsigned flags,
                  const struct bytes *block);
void frames_head(struct frames *f, uint32_t stream, unsigned flags,
                 const char *text);
/* A whole request. */
void frames_get(struct frames *f, uint32_t stream, const char *path);
/* A head of a POST, with more fields ("" or lines "name: value\n"). */
void frames_post(struct frames *f, uint32_t stream, const char *path,
                 const char *more);
void frames_data(struct frames *f, uint32_t stream, unsigned flags,
                 const void *p, size_t n);
/* All n bytes as the server's windows allow, the last with END_STREAM. */
void frames_upload(struct frames *f, uint32_t stream, const void *p, size_t n);
/* SETTINGS with one value, by which what comes is judged from its
 * acknowledgment on. */
void frames_setting(struct frames *f, unsigned name, uint32_t value);
/* All SETTINGS of ours are acknowledged. */
void frames_settle(struct frames *f);
void frames_ping(struct frames *f, const char *eight);
void frames_goaway(struct frames *f, uint32_t last, uint32_t code);
void frames_window(struct frames *f, uint32_t stream, uint32_t increment);
void frames_reset(struct frames *f, uint32_t stream, uint32_t code);
/* PRIORITY; depends: another stream, | 1u << 31 exclusively. */
void frames_priority(struct frames *f, uint32_t stream, uint32_t depends,
                     unsigned weight);
void frames_update(struct frames *f, uint32_t stream, const char *value);

/* ---- in */

/* The next frame is in f->got; false at the end of the connection. */
int frames_next(struct frames *f);
/* All frames that have come, without waiting; false at the end. */
int frames_poll(struct frames *f);
/* What has come on a stream so far; it stays where it is until the next call
 * that receives. */
struct frames_stream *frames_stream(struct frames *f, uint32_t id);
/* All of the answer on a stream; a reset in its place fails the test.  Its head
 * is as HTTP/1 has it, for answer_field; trailers are behind it. */
struct answer frames_answer(struct frames *f, uint32_t stream);
void frames_take(struct frames *f, uint32_t stream, int status,
                 const char *body);
/* Until n bytes of a body have come. */
void frames_take_data(struct frames *f, uint32_t stream, size_t n);
/* Until the stream is reset, with that code. */
void frames_take_reset(struct frames *f, uint32_t stream, int code);
/* Until GOAWAY with that code; the last stream it names. */
uint32_t frames_take_goaway(struct frames *f, int code);
/* frames_take_goaway, then the end; f is closed. */
void frames_ended(struct frames *f, int code);
/* The end, and no GOAWAY but with the code NO_ERROR; f is closed. */
void frames_over(struct frames *f);
/* All that was sent so far has been read by the server (a PING, and its
 * acknowledgment). */
void frames_sync(struct frames *f);
/* The server answers a request on a stream that has not been used. */
void frames_serves(struct frames *f);

/* Errors.  Where a code is expected the generic PROTOCOL_ERROR is good, too
 * (5.4).
 *
 * A stream error (5.4.2): RST_STREAM with the code, and the connection serves
 * on; or, as 5.4.1 has it, the error is one of the connection, GOAWAY with the
 * code and the end.  f is closed. */
void frames_refused(struct frames *f, uint32_t stream, int code);
/* What was sent on a closed stream is such an error, of type STREAM_CLOSED, or
 * the server takes no notice (5.1); there is no answer. */
void frames_closed(struct frames *f, uint32_t stream);
/* The same of a request that is malformed (8.1.1), which may be answered with
 * a status of 4xx, too. */
void frames_malformed(struct frames *f, uint32_t stream);

#endif
