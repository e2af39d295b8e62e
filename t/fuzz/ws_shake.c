/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_shake.c - the fields of WebSocket's handshake: the key, the subprotocols,
 * the extensions.  What is agreed on is within the terms, and the answer, taken
 * as an offer, has the same answer. */
#include "proto/ws_shake.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "proto/ws_deflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int ok)
{
    if (!ok)
        abort();
}

static void
check_key(et_str s)
{
    char out[WS_SHAKE_ACCEPT_LEN];

    if (ws_shake_accept(s, out) < 0)
        return;
    require(s.n == 24 && base64_decoded_len(s) == 16);
    require(base64_decoded_len((et_str){out, sizeof out}) == 20);
}

static void
check_protocol(et_str s)
{
    static const et_str known[] = {{"chat", 4}, {"mqtt", 4}, {"", 0}};
    et_str chosen = {NULL, 0};
    int rc = ws_shake_protocol(s, known, 3, &chosen);

    require(rc < 0 || (rc == 1) == (chosen.n == 4));
}

static void
check_extensions(et_str s, const struct ws_deflate_terms *t)
{
    char out[WS_DEFLATE_ANSWER_MAX], again_out[WS_DEFLATE_ANSWER_MAX];
    struct ws_deflate d, again;
    size_t n;

    if (ws_deflate_choose(s, t, &d) != 1)
        return;
    require(d.server_bits >= t->server_bits_min);
    require(d.server_bits <= t->server_bits_max);
    require(d.client_bits == 15 ||
            (d.client_bits >= 8 && d.client_bits <= t->client_bits_max));
    require(d.server_no_context >= t->server_no_context);
    require(d.client_no_context >= t->client_no_context);
    n = ws_deflate_answer(out, &d);
    require(n <= sizeof out);
    require(ws_deflate_choose((et_str){out, n}, t, &again) == 1);
    require(ws_deflate_answer(again_out, &again) == n);
    require(memcmp(out, again_out, n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ws_deflate_terms any = {8, 15, 15, 0, 0};
    static const struct ws_deflate_terms modest = {10, 12, 9, 1, 1};
    et_str all = {(const char *)data, size};

    check_key(all);
    check_protocol(all);
    check_extensions(all, &any);
    check_extensions(all, &modest);
    return 0;
}
