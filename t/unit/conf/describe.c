/* SPDX-License-Identifier: BSD-2-Clause */
/* The wording of complaints. */
#include "conf/describe.h"

#include "help.h"
#include "t/lib/unit.h"

START_TEST(control_bytes_are_escaped_and_long_texts_cut)
{
    char text[300], in[100];

    describe_text((et_str){"a\nb\x7f\0", 5}, text, sizeof(text));
    ck_assert_str_eq(text, "a\\x0ab\\x7f\\x00");
    memset(in, 'x', sizeof(in));
    describe_text((et_str){in, 60}, text, sizeof(text));
    ck_assert_uint_eq(strlen(text), 60);
    describe_text((et_str){in, 61}, text, sizeof(text));
    ck_assert_str_eq(text + 60, "...");
    memcpy(in + 59, "\xe2\x82\xac", 3); /* not in the middle of it */
    describe_text((et_str){in, 80}, text, sizeof(text));
    ck_assert_str_eq(text + 59, "\xe2\x82\xac...");
    describe_text((et_str){NULL, 0}, text, sizeof(text));
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(small_buffers_are_not_overrun)
{
    const struct value_spec spec = {
        .type = VALUE_CHOICE, .choices = "one|two|three", .word = "auto"};
    char text[64];
    size_t cap;

    for (cap = 1; cap <= sizeof(text); cap++) {
        memset(text, '#', sizeof(text));
        describe_spec(&spec, text, cap);
        ck_assert_uint_lt(strlen(text), cap);
        memset(text, '#', sizeof(text));
        describe_complain(&spec, str_from_z("twoo"), 0, text, cap);
        ck_assert_uint_lt(strlen(text), cap);
        memset(text, '#', sizeof(text));
        describe_text(str_from_z("a\nb\nc"), text, cap);
        ck_assert_uint_lt(strlen(text), cap);
    }
}
END_TEST

START_TEST(choices_are_listed_and_guessed)
{
    const struct value_spec spec = {.type = VALUE_CHOICE,
                                    .choices = "auto|io_uring|epoll"};
    char text[200];

    describe_complain(&spec, str_from_z("epol"), 0, text, sizeof(text));
    ck_assert_str_eq(text, "expected auto, io_uring or epoll, found \"epol\"; "
                           "did you mean \"epoll\"?");
    describe_complain(&spec, str_from_z("kqueue"), 0, text, sizeof(text));
    ck_assert_str_eq(text, "expected auto, io_uring or epoll, found "
                           "\"kqueue\"");
}
END_TEST

START_TEST(bounds_that_say_nothing_are_left_out)
{
    const struct value_spec size = {.type = VALUE_SIZE, .max = INT64_MAX};
    const struct value_spec count = {.type = VALUE_INT, .max = INT64_MAX};
    char text[200];

    describe_spec(&size, text, sizeof(text));
    ck_assert_str_eq(text, "a size such as 4096, 64k or 1MiB");
    describe_spec(&count, text, sizeof(text));
    ck_assert_str_eq(text, "a whole number, at least 0");
}
END_TEST

START_TEST(every_type_is_described)
{
    char text[200];
    uint32_t type;

    for (type = 0; type < VALUE_TYPES; type++) {
        const struct value_spec spec = {.type = type, .choices = "a|b"};

        if (type > ET_O_HEADERS && type < VALUE_OWN)
            continue;
        describe_spec(&spec, text, sizeof(text));
        ck_assert_msg(text[0] && strcmp(text, "(null)") != 0, "%u", type);
    }
}
END_TEST

UNIT_MAIN(describe, control_bytes_are_escaped_and_long_texts_cut,
          small_buffers_are_not_overrun, choices_are_listed_and_guessed,
          bounds_that_say_nothing_are_left_out, every_type_is_described)
