/* SPDX-License-Identifier: BSD-2-Clause */
/* method.c - see method.h. */
#include "proto/method.h"

#include <string.h>

#include "proto/ascii.h"

#define NAME(text)                                                             \
    {                                                                          \
        text, sizeof(text) - 1                                                 \
    }

static const et_str names[METHOD_COUNT] = {
    [ET_M_OTHER] = NAME(""),      [ET_M_GET] = NAME("GET"),
    [ET_M_HEAD] = NAME("HEAD"),   [ET_M_POST] = NAME("POST"),
    [ET_M_PUT] = NAME("PUT"),     [ET_M_DELETE] = NAME("DELETE"),
    [ET_M_PATCH] = NAME("PATCH"), [ET_M_OPTIONS] = NAME("OPTIONS"),
    [ET_M_TRACE] = NAME("TRACE"), [ET_M_CONNECT] = NAME("CONNECT"),
};

/* The only method a token of this length and first bytes can be. */
static uint32_t
candidate(et_str t)
{
    switch (t.n) {
    case 3: return t.p[0] == 'G' ? ET_M_GET : ET_M_PUT;
    case 4: return t.p[0] == 'H' ? ET_M_HEAD : ET_M_POST;
    case 5: return t.p[0] == 'P' ? ET_M_PATCH : ET_M_TRACE;
    case 6: return ET_M_DELETE;
    case 7: return t.p[0] == 'O' ? ET_M_OPTIONS : ET_M_CONNECT;
    default: return ET_M_OTHER;
    }
}

uint32_t
method_parse(et_str token)
{
    uint32_t m = candidate(token);

    if (m != ET_M_OTHER && memcmp(token.p, names[m].p, token.n) == 0)
        return m;
    return ET_M_OTHER;
}

et_str
method_name(uint32_t method)
{
    return names[method < METHOD_COUNT ? method : ET_M_OTHER];
}

int
method_is_token(et_str s)
{
    return ascii_all(s, ASCII_TOKEN);
}

size_t
method_list(char out[METHOD_LIST_MAX], uint32_t mask)
{
    size_t n = 0;

    for (uint32_t m = ET_M_GET; m < METHOD_COUNT; m++) {
        if (!(mask & method_bit(m)))
            continue;
        if (n > 0) {
            memcpy(out + n, ", ", 2);
            n += 2;
        }
        memcpy(out + n, names[m].p, names[m].n);
        n += names[m].n;
    }
    return n;
}
