/* SPDX-License-Identifier: BSD-2-Clause */
/* chunked.c - see chunked.h.
 *
 * One function per state takes one byte; only chunk data is taken in spans.
 *
 *   chunk = SIZE [ EXT ] CRLF DATA CRLF      EXT = *( BWS ; BWS name
 *   last  = 0    [ EXT ] CRLF trailers CRLF            [ BWS = BWS value ] )
 *
 * BWS is read only where something follows it: "5 " CRLF is malformed. */
#include "proto/chunked.h"

#include "base/err.h"
#include "proto/ascii.h"

enum state {
    S_SIZE_FIRST, /* before the first digit */
    S_SIZE,
    S_EXT_BWS,        /* blanks behind a size or a value: ';' must follow */
    S_EXT_NAME_FIRST, /* behind ';' */
    S_EXT_NAME,
    S_EXT_NAME_BWS,    /* blanks behind a name: '=' or ';' must follow */
    S_EXT_VALUE_FIRST, /* behind '=' */
    S_EXT_VALUE,
    S_EXT_QUOTED,
    S_EXT_ESCAPE,     /* behind '\' in a quoted-string */
    S_EXT_QUOTED_END, /* behind the closing quote */
    S_SIZE_LF,
    S_DATA_CR,
    S_DATA_LF,
    S_TRAILER, /* at the start of a trailer line */
    S_TRAILER_NAME,
    S_TRAILER_VALUE,
    S_TRAILER_LF,
    S_END_LF, /* in the blank line */
    S_DATA,   /* not in the table: read in spans */
    S_DONE,
};

void
chunked_init(struct chunked *c, uint64_t max_body, uint32_t max_trailer)
{
    *c = (struct chunked){
        .max_body = max_body,
        .max_trailer = max_trailer,
        .state = S_SIZE_FIRST,
    };
}

static inline int
to(struct chunked *c, enum state s)
{
    c->state = (uint8_t)s;
    return 0;
}

static inline int
is_blank(char ch)
{
    return ch == ' ' || ch == '\t';
}

/* ---- the chunk line ------------------------------------------------------*/

static int
on_digit(struct chunked *c, unsigned digit)
{
    if (c->left > UINT64_MAX >> 4)
        return ERR_BODY_LARGE;
    c->left = c->left << 4 | digit;
    if (c->left > c->max_body - c->body_len)
        return ERR_BODY_LARGE;
    return to(c, S_SIZE);
}

static int
on_size_first(struct chunked *c, char ch)
{
    unsigned digit = ascii_hex_digit(ch);

    c->left = 0;
    return digit < 16 ? on_digit(c, digit) : ERR_CHUNK;
}

static int
on_size(struct chunked *c, char ch)
{
    unsigned digit = ascii_hex_digit(ch);

    if (digit < 16)
        return on_digit(c, digit);
    if (ch == '\r')
        return to(c, S_SIZE_LF);
    if (ch == ';')
        return to(c, S_EXT_NAME_FIRST);
    return is_blank(ch) ? to(c, S_EXT_BWS) : ERR_CHUNK;
}

static int
on_ext_bws(struct chunked *c, char ch)
{
    if (ch == ';')
        return to(c, S_EXT_NAME_FIRST);
    return is_blank(ch) ? 0 : ERR_CHUNK;
}

static int
on_ext_name_first(struct chunked *c, char ch)
{
    if (ascii_is(ch, ASCII_TOKEN))
        return to(c, S_EXT_NAME);
    return is_blank(ch) ? 0 : ERR_CHUNK;
}

/* What may follow a complete name or value. */
static int
on_ext_end(struct chunked *c, char ch)
{
    if (ch == '\r')
        return to(c, S_SIZE_LF);
    if (ch == ';')
        return to(c, S_EXT_NAME_FIRST);
    return is_blank(ch) ? to(c, S_EXT_BWS) : ERR_CHUNK;
}

static int
on_ext_name(struct chunked *c, char ch)
{
    if (ascii_is(ch, ASCII_TOKEN))
        return 0;
    if (ch == '=')
        return to(c, S_EXT_VALUE_FIRST);
    return is_blank(ch) ? to(c, S_EXT_NAME_BWS) : on_ext_end(c, ch);
}

static int
on_ext_name_bws(struct chunked *c, char ch)
{
    if (ch == '=')
        return to(c, S_EXT_VALUE_FIRST);
    return on_ext_bws(c, ch);
}

static int
on_ext_value_first(struct chunked *c, char ch)
{
    if (ch == '"')
        return to(c, S_EXT_QUOTED);
    if (ascii_is(ch, ASCII_TOKEN))
        return to(c, S_EXT_VALUE);
    return is_blank(ch) ? 0 : ERR_CHUNK;
}

static int
on_ext_value(struct chunked *c, char ch)
{
    return ascii_is(ch, ASCII_TOKEN) ? 0 : on_ext_end(c, ch);
}

static int
on_ext_quoted(struct chunked *c, char ch)
{
    if (ch == '"')
        return to(c, S_EXT_QUOTED_END);
    if (ch == '\\')
        return to(c, S_EXT_ESCAPE);
    return ascii_is(ch, ASCII_VALUE) ? 0 : ERR_CHUNK;
}

static int
on_ext_escape(struct chunked *c, char ch)
{
    return ascii_is(ch, ASCII_VALUE) ? to(c, S_EXT_QUOTED) : ERR_CHUNK;
}

/* The line is over: account for it. */
static int
on_size_lf(struct chunked *c, char ch)
{
    uint64_t paid = CHUNKED_HEAD_MAX + 2 * (uint64_t)CHUNKED_EXCESS_MAX;

    if (ch != '\n')
        return ERR_CHUNK;
    if (c->left < CHUNKED_EXCESS_MAX)
        paid = CHUNKED_HEAD_MAX + 2 * c->left;
    c->excess += c->line_len;
    c->excess = c->excess > paid ? c->excess - (uint32_t)paid : 0;
    if (c->excess > CHUNKED_EXCESS_MAX)
        return ERR_CHUNK;
    c->line_len = 0;
    c->body_len += c->left;
    return to(c, c->left > 0 ? S_DATA : S_TRAILER);
}

/* ---- behind the data -----------------------------------------------------*/

static int
on_data_cr(struct chunked *c, char ch)
{
    return ch == '\r' ? to(c, S_DATA_LF) : ERR_CHUNK;
}

static int
on_data_lf(struct chunked *c, char ch)
{
    return ch == '\n' ? to(c, S_SIZE_FIRST) : ERR_CHUNK;
}

/* ---- trailers ------------------------------------------------------------*/

static int
count_trailer(struct chunked *c)
{
    return ++c->trailer_len > c->max_trailer ? ERR_FIELDS_LARGE : 0;
}

static int
on_trailer(struct chunked *c, char ch)
{
    if (ch == '\r')
        return to(c, S_END_LF);
    if (!ascii_is(ch, ASCII_TOKEN))
        return ERR_FIELD;
    to(c, S_TRAILER_NAME);
    return count_trailer(c);
}

static int
on_trailer_name(struct chunked *c, char ch)
{
    if (ch == ':')
        to(c, S_TRAILER_VALUE);
    else if (!ascii_is(ch, ASCII_TOKEN))
        return ERR_FIELD;
    return count_trailer(c);
}

static int
on_trailer_value(struct chunked *c, char ch)
{
    if (ch == '\r')
        to(c, S_TRAILER_LF);
    else if (!ascii_is(ch, ASCII_VALUE))
        return ERR_FIELD;
    return count_trailer(c);
}

static int
on_trailer_lf(struct chunked *c, char ch)
{
    if (ch != '\n')
        return ERR_FIELD;
    to(c, S_TRAILER);
    return count_trailer(c);
}

static int
on_end_lf(struct chunked *c, char ch)
{
    return ch == '\n' ? to(c, S_DONE) : ERR_CHUNK;
}

/* ---- the engine ----------------------------------------------------------*/

static int (*const states[])(struct chunked *c, char ch) = {
    [S_SIZE_FIRST] = on_size_first,
    [S_SIZE] = on_size,
    [S_EXT_BWS] = on_ext_bws,
    [S_EXT_NAME_FIRST] = on_ext_name_first,
    [S_EXT_NAME] = on_ext_name,
    [S_EXT_NAME_BWS] = on_ext_name_bws,
    [S_EXT_VALUE_FIRST] = on_ext_value_first,
    [S_EXT_VALUE] = on_ext_value,
    [S_EXT_QUOTED] = on_ext_quoted,
    [S_EXT_ESCAPE] = on_ext_escape,
    [S_EXT_QUOTED_END] = on_ext_end,
    [S_SIZE_LF] = on_size_lf,
    [S_DATA_CR] = on_data_cr,
    [S_DATA_LF] = on_data_lf,
    [S_TRAILER] = on_trailer,
    [S_TRAILER_NAME] = on_trailer_name,
    [S_TRAILER_VALUE] = on_trailer_value,
    [S_TRAILER_LF] = on_trailer_lf,
    [S_END_LF] = on_end_lf,
};

static int
on_byte(struct chunked *c, char ch)
{
    if (c->state <= S_SIZE_LF && ++c->line_len > CHUNKED_LINE_MAX)
        return ERR_CHUNK;
    return states[c->state](c, ch);
}

static int
take_data(struct chunked *c, const char *p, size_t n, et_str *data)
{
    *data = (et_str){p, n < c->left ? n : (size_t)c->left};
    c->left -= data->n;
    if (c->left == 0)
        to(c, S_DATA_CR);
    return CHUNKED_DATA;
}

/* Of the n bytes at p, which are used, the k that are of the trailer section:
 * nothing but its end can be behind them. */
static et_str
trailer_of(const struct chunked *c, const char *p, size_t n, uint32_t k)
{
    size_t behind = c->state == S_DONE ? 2 : c->state == S_END_LF ? 1 : 0;

    if (k == 0)
        return (et_str){NULL, 0};
    return (et_str){p + n - k - (behind < n - k ? behind : n - k), k};
}

int
chunked_next(struct chunked *c, const char *p, size_t n, size_t *used,
             et_str *data)
{
    uint32_t before = c->trailer_len;
    size_t i = 0;
    int rc = 0;

    while (i < n && c->state < S_DATA && rc == 0)
        rc = on_byte(c, p[i++]);
    c->trailer = trailer_of(c, p, i, c->trailer_len - before);
    if (rc == 0 && c->state == S_DATA && i < n) {
        rc = take_data(c, p + i, n - i, data);
        i += data->n;
    }
    *used = i;
    return rc == 0 && c->state == S_DONE ? CHUNKED_DONE : rc;
}

size_t
chunked_head(char out[CHUNKED_HEAD_MAX], uint64_t n)
{
    size_t digits = (size_t)(67 - __builtin_clzll(n | 1)) / 4;

    for (size_t i = digits; i-- > 0; n >>= 4)
        out[i] = "0123456789abcdef"[n & 15];
    out[digits] = '\r';
    out[digits + 1] = '\n';
    return digits + 2;
}
