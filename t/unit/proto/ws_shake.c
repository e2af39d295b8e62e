/* SPDX-License-Identifier: BSD-2-Clause */
/* WebSocket's handshake: the key's answer, the subprotocol. */
#include "proto/ws_shake.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

static int
accept_of(const char *key, char out[WS_SHAKE_ACCEPT_LEN + 1])
{
    size_t n = strlen(key);

    out[WS_SHAKE_ACCEPT_LEN] = '\0';
    return ws_shake_accept((et_str){guard_end(key, n), n}, out);
}

/* RFC 6455 1.3; the second is that of its 1.2 and Wikipedia. */
START_TEST(known_keys_are_answered)
{
    char out[WS_SHAKE_ACCEPT_LEN + 1];

    ck_assert_int_eq(accept_of("dGhlIHNhbXBsZSBub25jZQ==", out), 0);
    ck_assert_str_eq(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    ck_assert_int_eq(accept_of("x3JJHMbDL1EzLkh9GBhXDw==", out), 0);
    ck_assert_str_eq(out, "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
}
END_TEST

START_TEST(keys_are_sixteen_bytes)
{
    static const char *const bad[] = {
        "",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZQ==dGhl",
        "dGhlIHNhbXBsZSBub25j",
        "dGhlIHNhbXBsZSBub25jZUE=",
        "dGhlIHNhbXBsZSBub25jZUFB",
        "dGhlIHNhbXBsZSBub25jZ-==",
        "dGhlIHNhbXBsZSBub25jZ ==",
        "dGhlIHNh\tXBsZSBub25jZQ==",
        "=GhlIHNhbXBsZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25jZQ=A",
        "\xff"
        "GhlIHNhbXBsZSBub25jZQ==",
    };
    char out[WS_SHAKE_ACCEPT_LEN + 1];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(accept_of(bad[i], out) == ERR_FIELD, "%s", bad[i]);
    ck_assert_int_eq(ws_shake_accept((et_str){NULL, 0}, out), ERR_FIELD);
    /* four bits too many in the last character: it is a nonce all the same */
    ck_assert_int_eq(accept_of("dGhlIHNhbXBsZSBub25jZR==", out), 0);
}
END_TEST

START_TEST(the_client_s_first_choice_is_taken)
{
    static const et_str known[] = {{"chat", 4}, {"v2.chat", 7}, {"mqtt", 4}};
    static const struct {
        const char *offered, *chosen;
        int rc;
    } rows[] = {
        {"chat", "chat", 1},
        {"mqtt, chat", "mqtt", 1},
        {"soap, wamp, v2.chat,chat", "v2.chat", 1},
        {" ,,\t chat , ", "chat", 1},
        {"chat, chat", "chat", 1},
        {"Chat, CHAT, cha, chatt, 2.chat", NULL, 0},
        {"", NULL, 0},
        {" , ", NULL, 0},
        {"chat mqtt", NULL, ERR_FIELD},
        {"chat, mq/tt", NULL, ERR_FIELD},
        {"chat, \"mqtt\"", NULL, ERR_FIELD},
        {"\"chat", NULL, ERR_FIELD},
        {"ch\xc3\xa4t, chat", NULL, ERR_FIELD},
        {"chat; x=y", NULL, ERR_FIELD},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = strlen(rows[i].offered);
        et_str s = {guard_end(rows[i].offered, n), n}, chosen = {NULL, 0};
        int rc = ws_shake_protocol(s, known, ARRAY_LEN(known), &chosen);

        ck_assert_msg(rc == rows[i].rc, "%s: %d", rows[i].offered, rc);
        if (rc != 1)
            continue;
        ck_assert(str_eq(chosen, str_from_z(rows[i].chosen)));
        ck_assert(chosen.p == known[0].p || chosen.p == known[1].p ||
                  chosen.p == known[2].p);
        ck_assert_int_eq(ws_shake_protocol(s, known, 0, &chosen), 0);
    }
}
END_TEST

UNIT_MAIN(ws_shake, known_keys_are_answered, keys_are_sixteen_bytes,
          the_client_s_first_choice_is_taken)
