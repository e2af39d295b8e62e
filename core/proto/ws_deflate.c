/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_deflate.c - see ws_deflate.h.
 *
 * extensions = 1#( token *( ";" name [ "=" value ] ) ), a value being a token
 * or a quoted-string that is one without its quotes (RFC 6455 section 9.1). */
#include "proto/ws_deflate.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "proto/ascii.h"
#include "proto/field.h"

#define EXTENSION "permessage-deflate"

enum param_id {
    SERVER_NO_CONTEXT,
    CLIENT_NO_CONTEXT,
    SERVER_BITS,
    CLIENT_BITS,
    N_PARAMS,
};

/* In an offer. */
static const struct param {
    const char *name;
    uint8_t may_have_value, must_have_value;
} params[N_PARAMS] = {
    [SERVER_NO_CONTEXT] = {"server_no_context_takeover", 0, 0},
    [CLIENT_NO_CONTEXT] = {"client_no_context_takeover", 0, 0},
    [SERVER_BITS] = {"server_max_window_bits", 1, 1},
    [CLIENT_BITS] = {"client_max_window_bits", 1, 0},
};

struct offer {
    uint8_t has[N_PARAMS];
    uint8_t bits[N_PARAMS]; /* the value; WS_DEFLATE_BITS_MAX without one */
};

/* ---- reading an offer ----------------------------------------------------*/

static int
is_quoted(et_str s)
{
    return s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
}

/* A token, in quotes or not. */
static int
is_value(et_str s)
{
    if (!is_quoted(s))
        return ascii_all(s, ASCII_TOKEN);
    for (size_t i = 1; i < s.n - 1; i++) {
        i += s.p[i] == '\\';
        if (!ascii_is(s.p[i], ASCII_TOKEN))
            return 0;
    }
    return s.n > 2;
}

/* A number of bits without leading zeros; 0 if it is none. */
static uint8_t
read_bits(et_str s)
{
    uint64_t bits;

    if (is_quoted(s))
        s = (et_str){s.p + 1, s.n - 2};
    if (ascii_to_u64(s, WS_DEFLATE_BITS_MAX, &bits) < 0 || s.p[0] == '0')
        return 0;
    return bits >= WS_DEFLATE_BITS_MIN ? (uint8_t)bits : 0;
}

/* One parameter; value.p is NULL if it has none.  False if with it the offer
 * has to be declined. */
static int
take_param(struct offer *o, et_str name, et_str value)
{
    int id = 0;

    while (id < N_PARAMS && !ascii_eq_lit(name, params[id].name))
        id++;
    if (id == N_PARAMS || o->has[id])
        return 0;
    o->has[id] = 1;
    o->bits[id] = WS_DEFLATE_BITS_MAX;
    if (value.p == NULL)
        return !params[id].must_have_value;
    o->bits[id] = read_bits(value);
    return params[id].may_have_value && o->bits[id] > 0;
}

/* name [ "=" value ], or ERR_FIELD. */
static int
read_param(et_str item, et_str *name, et_str *value)
{
    *name = item;
    *value = (et_str){NULL, 0};
    if (field_pair(item, name, value) == 0 && !is_value(*value))
        return ERR_FIELD;
    return ascii_all(*name, ASCII_TOKEN) ? 0 : ERR_FIELD;
}

/* One element of the list, which was cut where no quotes are open: 1 if it is
 * an offer that may be accepted, 0 if it has to be declined or is of another
 * extension, ERR_FIELD. */
static int
read_offer(et_str item, struct offer *o)
{
    et_str part, name, value;
    int is_good;

    *o = (struct offer){0};
    if (field_param_next(&item, &part) <= 0 || !ascii_all(part, ASCII_TOKEN))
        return ERR_FIELD;
    is_good = ascii_eq_lit(part, EXTENSION);
    while (field_param_next(&item, &part) > 0) {
        if (read_param(part, &name, &value) < 0)
            return ERR_FIELD;
        is_good = is_good && take_param(o, name, value);
    }
    return is_good;
}

/* ---- agreeing ------------------------------------------------------------*/

static uint8_t
lesser(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

/* 1, or 0 if the offer is beyond the terms. */
static int
agree(const struct offer *o, const struct ws_deflate_terms *t,
      struct ws_deflate *out)
{
    *out = (struct ws_deflate){
        .server_bits = t->server_bits_max,
        .client_bits = WS_DEFLATE_BITS_MAX,
        .server_no_context = o->has[SERVER_NO_CONTEXT] | t->server_no_context,
        .client_no_context = o->has[CLIENT_NO_CONTEXT] | t->client_no_context,
    };
    if (o->has[SERVER_BITS])
        out->server_bits = lesser(o->bits[SERVER_BITS], out->server_bits);
    if (o->has[CLIENT_BITS])
        out->client_bits = lesser(o->bits[CLIENT_BITS], t->client_bits_max);
    out->names_server_bits =
        o->has[SERVER_BITS] || out->server_bits < WS_DEFLATE_BITS_MAX;
    return out->server_bits >= t->server_bits_min;
}

int
ws_deflate_choose(et_str offers, const struct ws_deflate_terms *terms,
                  struct ws_deflate *agreed)
{
    int rc, is_agreed = 0;
    struct offer o;
    et_str item;

    while ((rc = field_list_next(&offers, &item)) > 0) {
        rc = read_offer(item, &o);
        if (rc < 0)
            return rc;
        if (rc > 0 && !is_agreed)
            is_agreed = agree(&o, terms, agreed);
    }
    return rc < 0 ? rc : is_agreed;
}

/* ---- the answer ----------------------------------------------------------*/

static char *
put(char *p, const char *text)
{
    size_t n = strlen(text);

    memcpy(p, text, n);
    return p + n;
}

static char *
put_bits(char *p, const char *text, uint8_t bits)
{
    p = put(p, text);
    return p + ascii_from_u64(p, bits);
}

size_t
ws_deflate_answer(char out[WS_DEFLATE_ANSWER_MAX],
                  const struct ws_deflate *agreed)
{
    char *p = put(out, EXTENSION);

    if (agreed->server_no_context)
        p = put(p, "; server_no_context_takeover");
    if (agreed->client_no_context)
        p = put(p, "; client_no_context_takeover");
    if (agreed->names_server_bits)
        p = put_bits(p, "; server_max_window_bits=", agreed->server_bits);
    if (agreed->client_bits < WS_DEFLATE_BITS_MAX)
        p = put_bits(p, "; client_max_window_bits=", agreed->client_bits);
    return (size_t)(p - out);
}
