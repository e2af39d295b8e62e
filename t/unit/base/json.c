/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c - tests of base/json.h. */
/* tags: asan */
#include "base/json.h"

#include <stdlib.h>

#include "base/str.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

static const struct {
    const char *text, *quoted;
} rows[] = {
    {"", "\"\""},
    {"plain", "\"plain\""},
    {"\"\\", "\"\\\"\\\\\""},
    {"\n\x1f", "\"\\u000a\\u001f\""},
    {"\xc3\xa9\xff"
     "a\xc3",
     "\"\xc3\xa9\\ufffda\\ufffd\""},
};

START_TEST(text_is_escaped)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char quoted[64], *written = NULL;
        size_t n;
        FILE *f = open_memstream(&written, &n);
        json_string(f, str_from_z(rows[i].text));
        fclose(f);
        ck_assert_str_eq(written, rows[i].quoted);
        free(written);
        n = json_quote(quoted, sizeof quoted, rows[i].text);
        ck_assert_str_eq(quoted, rows[i].quoted);
        ck_assert_uint_eq(n, strlen(quoted));
    }
}
END_TEST

/* Between pieces, and never beyond what there is. */
START_TEST(what_has_no_room_is_cut)
{
    static const char *const cut[] = {"\"\"",      "\"a\"",      "\"a\"",
                                      "\"a\\\"\"", "\"a\\\"b\"", "\"a\\\"b\""};

    for (size_t cap = 3; cap < 9; cap++) {
        char *room = (char *)guard_end("????????", cap);
        (void)json_quote(room, cap, "a\"b");
        ck_assert_str_eq(room, cut[cap - 3]);
    }
}
END_TEST

UNIT_MAIN(json, text_is_escaped, what_has_no_room_is_cut)
