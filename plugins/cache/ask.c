/* SPDX-License-Identifier: BSD-2-Clause */
/* ask.c - see ask.h. */
#include "ask.h"

static const struct {
    const char *name;
    size_t n;
    uint32_t bit;
} fields[] = {
    {"host", 4, ASK_HOST},
    {"range", 5, ASK_RANGE},
    {"cookie", 6, ASK_COOKIE},
    {"pragma", 6, ASK_PRAGMA},
    {"upgrade", 7, ASK_UPGRADE},
    {"if-match", 8, ASK_IF_MATCH},
    {"if-range", 8, ASK_IF_RANGE},
    {"authorization", 13, ASK_AUTHORIZATION},
    {"cache-control", 13, ASK_CACHE_CONTROL},
    {"if-none-match", 13, ASK_IF_NONE_MATCH},
    {"if-modified-since", 17, ASK_IF_MODIFIED_SINCE},
    {"if-unmodified-since", 19, ASK_IF_UNMODIFIED_SINCE},
    {"sec-websocket-version", 21, ASK_UPGRADE},
};

static uint32_t
bit_of(et_str name)
{
    size_t i;
    for (i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (name.n == fields[i].n &&
            et_eq_nocase(name, et_sn(fields[i].name, fields[i].n)))
            return fields[i].bit;
    return 0;
}

static et_str *
place_of(struct ask *a, uint32_t bit)
{
    switch (bit) {
    case ASK_IF_MODIFIED_SINCE: return &a->if_modified_since;
    case ASK_IF_RANGE: return &a->if_range;
    case ASK_RANGE: return &a->range;
    case ASK_HOST: return &a->host;
    default: return NULL;
    }
}

void
ask_read(const et_req *r, struct ask *a)
{
    et_str name, value;
    uint32_t i;
    int says_no_cache = 0;
    memset(a, 0, sizeof *a);
    control_init(&a->control);
    for (i = 0; r->http->header_at(r, i, &name, &value) == 0; i++) {
        const uint32_t bit = bit_of(name);
        et_str *place = place_of(a, bit);
        if (place)
            *place = a->has & bit ? et_s("") : et_trim(value);
        else if (bit == ASK_CACHE_CONTROL)
            control_add(&a->control, value);
        else if (bit == ASK_PRAGMA)
            says_no_cache |= et_eq_nocase(et_trim(value), et_s("no-cache"));
        a->has |= bit;
    }
    if (!(a->has & ASK_CACHE_CONTROL) && says_no_cache) /* RFC 9111 5.4 */
        a->control.no_cache = 1;
}
