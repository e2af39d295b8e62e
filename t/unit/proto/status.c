/* SPDX-License-Identifier: BSD-2-Clause */
/* Status lines: every code has one, the registry's phrases are in them. */
#include <stdio.h>
#include <string.h>

#include "proto/status.h"
#include "t/lib/unit.h"

START_TEST(every_code_has_a_line)
{
    for (unsigned code = STATUS_MIN; code <= STATUS_MAX; code++) {
        et_str phrase = status_phrase(code);
        char wanted[64], line[STATUS_LINE_MAX];
        size_t n = status_put_line(line, code);

        snprintf(wanted, sizeof(wanted), "HTTP/1.1 %u %.*s\r\n", code,
                 (int)phrase.n, phrase.p);
        ck_assert_uint_eq(n, strlen(wanted));
        ck_assert_mem_eq(line, wanted, n);
    }
}
END_TEST

START_TEST(phrases_are_the_registry_s)
{
    static const struct {
        unsigned code;
        const char *phrase;
    } rows[] = {
        {100, "Continue"},
        {200, "OK"},
        {203, "Non-Authoritative Information"},
        {303, "See Other"},
        {307, "Temporary Redirect"},
        {418, "I'm a teapot"},
        {422, "Unprocessable Content"},
        {431, "Request Header Fields Too Large"},
        {511, "Network Authentication Required"},
        {299, ""},
        {599, ""},
        {600, ""},
        {0, ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        et_str phrase = status_phrase(rows[i].code);
        ck_assert_uint_eq(phrase.n, strlen(rows[i].phrase));
        ck_assert_mem_eq(phrase.p, rows[i].phrase, phrase.n);
    }
}
END_TEST

START_TEST(what_is_no_status_is_500)
{
    static const unsigned codes[] = {0, 99, 600, 1000, 4294967295u};
    char wanted[STATUS_LINE_MAX], line[STATUS_LINE_MAX];
    size_t n = status_put_line(wanted, 500);

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        ck_assert_uint_eq(status_put_line(line, codes[i]), n);
        ck_assert_mem_eq(line, wanted, n);
    }
}
END_TEST

START_TEST(some_have_no_body)
{
    ck_assert(!status_has_body(100) && !status_has_body(199));
    ck_assert(!status_has_body(204) && !status_has_body(304));
    ck_assert(status_has_body(200) && status_has_body(205));
    ck_assert(status_has_body(303) && status_has_body(500));
}
END_TEST

UNIT_MAIN(status, every_code_has_a_line, phrases_are_the_registry_s,
          what_is_no_status_is_500, some_have_no_body)
