/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_shake.c - see ws_shake.h. */
#include "proto/ws_shake.h"

#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/sha1.h"
#include "base/str.h"
#include "proto/ascii.h"
#include "proto/field.h"

#define KEY_BYTES 16
#define KEY_LEN BASE64_LEN(KEY_BYTES)
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_Static_assert(BASE64_LEN(SHA1_LEN) == WS_SHAKE_ACCEPT_LEN, "room for it");

int
ws_shake_accept(et_str key, char out[WS_SHAKE_ACCEPT_LEN])
{
    char text[KEY_LEN + sizeof GUID - 1];
    uint8_t digest[SHA1_LEN];

    if (base64_decoded_len(key) != KEY_BYTES)
        return ERR_FIELD;
    memcpy(text, key.p, KEY_LEN);
    memcpy(text + KEY_LEN, GUID, sizeof GUID - 1);
    sha1_of(text, sizeof text, digest);
    base64_encode(out, digest, sizeof digest);
    return 0;
}

static int
find(et_str token, const et_str *known, size_t n, et_str *found)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(token, known[i])) {
            *found = known[i];
            return 1;
        }
    }
    return 0;
}

int
ws_shake_protocol(et_str offered, const et_str *known, size_t n, et_str *chosen)
{
    int rc, is_found = 0;
    et_str item;

    while ((rc = field_list_next(&offered, &item)) > 0) {
        if (!ascii_all(item, ASCII_TOKEN))
            return ERR_FIELD;
        is_found = is_found || find(item, known, n, chosen);
    }
    return rc < 0 ? rc : is_found;
}
