/* SPDX-License-Identifier: BSD-2-Clause */
/* base64.c - the vectors of RFC 4648 section 10, every digit, what is none. */
#include "base/base64.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

START_TEST(known_texts)
{
    static const struct {
        const char *bytes, *text;
    } rows[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = strlen(rows[i].bytes);
        char out[16] = {0};

        ck_assert_uint_eq(base64_encode(out, guard_end(rows[i].bytes, n), n),
                          BASE64_LEN(n));
        ck_assert_str_eq(out, rows[i].text);
        ck_assert_int_eq(base64_decoded_len(str_from_z(out)), n);
    }
}
END_TEST

START_TEST(every_digit)
{
    static const uint8_t bytes[] = {
        0x00, 0x10, 0x83, 0x10, 0x51, 0x87, 0x20, 0x92, 0x8b, 0x30, 0xd3, 0x8f,
        0x41, 0x14, 0x93, 0x51, 0x55, 0x97, 0x61, 0x96, 0x9b, 0x71, 0xd7, 0x9f,
        0x82, 0x18, 0xa3, 0x92, 0x59, 0xa7, 0xa2, 0x9a, 0xab, 0xb2, 0xdb, 0xaf,
        0xc3, 0x1c, 0xb3, 0xd3, 0x5d, 0xb7, 0xe3, 0x9e, 0xbb, 0xf3, 0xdf, 0xbf};
    static const char wanted[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char out[64];

    ck_assert_uint_eq(base64_encode(out, bytes, sizeof bytes), sizeof out);
    ck_assert_mem_eq(out, wanted, sizeof out);
    ck_assert_int_eq(base64_decoded_len((et_str){wanted, 64}), 48);
}
END_TEST

START_TEST(other_bytes_are_refused_wherever_they_stand)
{
    for (int c = 0; c < 256; c++) {
        int is_digit = c != 0 && c != '=' &&
                       (strchr("+/", c) || (c >= '0' && c <= '9') ||
                        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));

        for (size_t at = 0; at < 8; at++) {
            char text[] = "Zm9vYmFy";
            int64_t wanted = is_digit ? 6 : c == '=' && at == 7 ? 5 : -1;

            text[at] = (char)c;
            ck_assert_int_eq(
                base64_decoded_len((et_str){guard_end(text, 8), 8}),
                wanted < 0 ? ERR_INVALID : wanted);
        }
    }
}
END_TEST

START_TEST(padding_is_where_it_belongs)
{
    static const struct {
        const char *text;
        int64_t len;
    } rows[] = {
        {"Zg", ERR_INVALID},       {"Zg=", ERR_INVALID}, {"Z===", ERR_INVALID},
        {"====", ERR_INVALID},     {"=", ERR_INVALID},   {"Zg=a", ERR_INVALID},
        {"Zg==Zg==", ERR_INVALID}, {"Zm8", ERR_INVALID}, {"Zm9v=", ERR_INVALID},
        {"Zm9v====", ERR_INVALID}, {"Zh==", 1},          {"Zm9=", 2},
    };

    ck_assert_int_eq(base64_decoded_len((et_str){guard_begin("", 0), 0}), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(base64_decoded_len(str_from_z(rows[i].text)) ==
                          rows[i].len,
                      "%s", rows[i].text);
}
END_TEST

UNIT_MAIN(base64, known_texts, every_digit,
          other_bytes_are_refused_wherever_they_stand,
          padding_is_where_it_belongs)
