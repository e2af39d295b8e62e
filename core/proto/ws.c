/* SPDX-License-Identifier: BSD-2-Clause */
/* ws.c - see ws.h.
 *
 * One function per state takes one byte; payload is taken in spans. */
#include "proto/ws.h"

#include <string.h>

#include "base/err.h"

#define RSV2_AND_3 0x30u
#define OPCODE 0x0fu
#define OPCODES 0x0707u /* those there are, a bit each */
#define MASKED 0x80u
#define LENGTH_16 126u
#define LENGTH_64 127u
#define REASON_MAX (WS_CONTROL_MAX - 2)

enum state {
    S_FIRST,     /* before FIN, RSV and opcode */
    S_SECOND,    /* before the mask bit and the short length */
    S_LENGTH_16, /* in a length of two bytes */
    S_LENGTH_64, /* in one of eight */
    S_MASK,
    S_PAYLOAD, /* not in the table: read in spans */
    S_ENDED,   /* behind a close frame or an error: nothing is read */
};

void
ws_init(struct ws *w, uint64_t max_frame, uint64_t max_message, int has_deflate)
{
    *w = (struct ws){
        .max_frame = max_frame,
        .max_message = max_message,
        .has_deflate = has_deflate != 0,
        .state = S_FIRST,
    };
}

static inline int
to(struct ws *w, enum state s)
{
    w->state = (uint8_t)s;
    return 0;
}

static inline int
is_control(const struct ws *w)
{
    return (w->head & OPCODE) >= WS_OP_CLOSE;
}

/* A message whose UTF-8 is ours to judge. */
static inline int
is_text(const struct ws *w)
{
    return w->opcode == WS_OP_TEXT && !w->is_compressed;
}

/* ---- the payload ---------------------------------------------------------*/

static int
tell_data(struct ws *w, int is_last)
{
    w->is_first = !w->is_told;
    w->is_last = is_last != 0;
    w->is_told = 1;
    w->in_message = !is_last;
    return WS_DATA;
}

static int
take_data(struct ws *w)
{
    int is_last = w->left == 0 && (w->head & WS_FIN) != 0;

    if (is_text(w) && utf8_feed(&w->text, w->data.p, w->data.n) < 0)
        return ERR_UTF8;
    if (is_last && is_text(w) && !utf8_is_whole(&w->text))
        return ERR_UTF8;
    return w->data.n > 0 || is_last ? tell_data(w, is_last) : WS_MORE;
}

static int
read_close(struct ws *w)
{
    const uint8_t *code = (const uint8_t *)w->control;

    w->code = WS_CODE_NONE;
    if (w->data.n == 0)
        return WS_CLOSE;
    if (w->data.n == 1)
        return ERR_WS_CLOSE;
    w->code = (uint16_t)(code[0] << 8 | code[1]);
    w->data.p += 2;
    w->data.n -= 2;
    if (!ws_code_is_valid(w->code))
        return ERR_WS_CLOSE;
    return utf8_is_valid(w->data) ? WS_CLOSE : ERR_UTF8;
}

static int
take_control(struct ws *w)
{
    if (w->data.n > 0)
        memcpy(w->control + w->control_len, w->data.p, w->data.n);
    w->control_len = (uint8_t)(w->control_len + w->data.n);
    if (w->left > 0)
        return WS_MORE;
    w->data = (et_str){w->control, w->control_len};
    if ((w->head & OPCODE) == WS_OP_CLOSE)
        return read_close(w);
    return (w->head & OPCODE) == WS_OP_PING ? WS_PING : WS_PONG;
}

/* Payload of the frame, unmasked; empty if it has none. */
static int
take_payload(struct ws *w, et_str piece)
{
    w->data = piece;
    w->left -= piece.n;
    if (w->left == 0)
        to(w, S_FIRST);
    return is_control(w) ? take_control(w) : take_data(w);
}

/* ---- the head ------------------------------------------------------------*/

static int
on_first_of_data(struct ws *w, uint8_t byte)
{
    int is_new = (byte & OPCODE) != WS_OP_CONTINUATION;

    if ((byte & WS_RSV1) && (!is_new || !w->has_deflate))
        return ERR_WS_FRAME;
    if (is_new == w->in_message)
        return ERR_WS_ORDER;
    if (!is_new)
        return to(w, S_SECOND);
    w->in_message = 1;
    w->is_told = 0;
    w->opcode = byte & OPCODE;
    w->is_compressed = (byte & WS_RSV1) != 0;
    w->message_len = 0;
    utf8_init(&w->text);
    return to(w, S_SECOND);
}

static int
on_first(struct ws *w, uint8_t byte)
{
    if ((byte & RSV2_AND_3) || !(OPCODES >> (byte & OPCODE) & 1))
        return ERR_WS_FRAME;
    w->head = byte;
    if (!is_control(w))
        return on_first_of_data(w, byte);
    if ((byte & WS_RSV1) || !(byte & WS_FIN))
        return ERR_WS_FRAME;
    w->control_len = 0;
    return to(w, S_SECOND);
}

static int
on_length_end(struct ws *w)
{
    w->need = 4;
    to(w, S_MASK);
    if (is_control(w))
        return 0;
    if (w->left > w->max_frame || w->left > w->max_message - w->message_len)
        return ERR_WS_LARGE;
    w->message_len += w->left;
    return 0;
}

static int
on_second(struct ws *w, uint8_t byte)
{
    unsigned len = byte & ~MASKED;

    if (!(byte & MASKED))
        return ERR_WS_MASK;
    if (is_control(w) && len > WS_CONTROL_MAX)
        return ERR_WS_FRAME;
    w->left = len < LENGTH_16 ? len : 0;
    if (len < LENGTH_16)
        return on_length_end(w);
    w->need = len == LENGTH_16 ? 2 : 8;
    return to(w, len == LENGTH_16 ? S_LENGTH_16 : S_LENGTH_64);
}

static int
on_length_16(struct ws *w, uint8_t byte)
{
    w->left = w->left << 8 | byte;
    if (--w->need > 0)
        return 0;
    return w->left < LENGTH_16 ? ERR_WS_FRAME : on_length_end(w);
}

static int
on_length_64(struct ws *w, uint8_t byte)
{
    w->left = w->left << 8 | byte;
    if (--w->need > 0)
        return 0;
    if (w->left <= UINT16_MAX || w->left > INT64_MAX)
        return ERR_WS_FRAME;
    return on_length_end(w);
}

static int
on_mask(struct ws *w, uint8_t byte)
{
    w->mask[4 - w->need] = byte;
    if (--w->need > 0)
        return 0;
    w->phase = 0;
    to(w, S_PAYLOAD);
    return w->left > 0 ? 0 : take_payload(w, (et_str){NULL, 0});
}

/* ---- the engine ----------------------------------------------------------*/

/* Eight bytes at a time, wherever p and the mask stand. */
static void
unmask(struct ws *w, char *p, size_t n)
{
    char key[8];
    uint64_t keys, word;
    size_t i = 0;

    for (unsigned k = 0; k < sizeof key; k++)
        key[k] = (char)w->mask[(w->phase + k) % 4];
    memcpy(&keys, key, sizeof keys);
    for (; n - i >= sizeof word; i += sizeof word) {
        memcpy(&word, p + i, sizeof word);
        word ^= keys;
        memcpy(p + i, &word, sizeof word);
    }
    for (; i < n; i++)
        p[i] ^= key[i % 8];
    w->phase = (uint8_t)((w->phase + n) % 4);
}

static int (*const states[])(struct ws *w, uint8_t byte) = {
    [S_FIRST] = on_first,         [S_SECOND] = on_second,
    [S_LENGTH_16] = on_length_16, [S_LENGTH_64] = on_length_64,
    [S_MASK] = on_mask,
};

int
ws_next(struct ws *w, char *p, size_t n, size_t *used)
{
    size_t i = 0;
    int rc = WS_MORE;

    if (w->state == S_ENDED)
        i = n;
    while (i < n && rc == WS_MORE) {
        size_t span = n - i < w->left ? n - i : (size_t)w->left;

        if (w->state < S_PAYLOAD) {
            rc = states[w->state](w, (uint8_t)p[i++]);
        } else {
            unmask(w, p + i, span);
            rc = take_payload(w, (et_str){p + i, span});
            i += span;
        }
    }
    if (rc < 0 || rc == WS_CLOSE)
        to(w, S_ENDED);
    *used = i;
    return rc;
}

int
ws_is_between(const struct ws *w)
{
    return w->state == S_FIRST && !w->in_message;
}

/* ---- codes ---------------------------------------------------------------*/

unsigned
ws_code_of(int err)
{
    switch (err) {
    case ERR_UTF8: return WS_CODE_DATA;
    case ERR_WS_LARGE: return WS_CODE_LARGE;
    default: return WS_CODE_PROTOCOL;
    }
}

int
ws_code_is_valid(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

/* ---- the writer ----------------------------------------------------------*/

static void
store_be(char *p, uint64_t v, size_t n)
{
    while (n-- > 0) {
        p[n] = (char)v;
        v >>= 8;
    }
}

size_t
ws_frame_head(char out[WS_HEAD_MAX], unsigned first, uint64_t n)
{
    size_t more = n < LENGTH_16 ? 0 : n <= UINT16_MAX ? 2 : 8;

    out[0] = (char)first;
    out[1] = (char)(more == 0 ? n : more == 2 ? LENGTH_16 : LENGTH_64);
    store_be(out + 2, n, more);
    return 2 + more;
}

int
ws_close_payload(char out[WS_CONTROL_MAX], unsigned code, et_str reason)
{
    size_t n = reason.n < REASON_MAX ? reason.n : REASON_MAX;

    if (code == WS_CODE_NONE && n == 0)
        return 0;
    if (!ws_code_is_valid(code))
        return ERR_WS_CLOSE;
    if (!utf8_is_valid(reason))
        return ERR_UTF8;
    while (n < reason.n && (reason.p[n] & 0xc0) == 0x80)
        n--;
    store_be(out, code, 2);
    if (n > 0)
        memcpy(out + 2, reason.p, n);
    return (int)(2 + n);
}
