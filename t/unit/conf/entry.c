/* SPDX-License-Identifier: BSD-2-Clause */
/* entry.c - a plugin's options as the ini has them: found, complained of. */
#include "conf/entry.h"

#include "help.h"
#include "t/lib/unit.h"

static const struct conf_entry route[] = {
    {{"p", 1}, {"a", 1}, {"", 0}, {"a.ini", 1}, "[route r]", "/", 0},
    {{"q", 1}, {"a", 1}, {"x", 1}, {"a.ini", 2}, "[route r]", "/", 0},
    {{"p", 1}, {"a", 1}, {"y", 1}, {"a.ini", 3}, "[route r]", "/", 0},
    {{"p", 1}, {"a", 1}, {"z", 1}, {"a.ini", 4}, "[route r]", "/", 0},
    {{"p", 1}, {"c", 1}, {"", 0}, {"a.ini", 7}, "[route r]", "/", 0},
};
static const struct conf_entry section[] = {
    {{"p", 1}, {"a", 1}, {"s", 1}, {"a.ini", 5}, "[plugin p]", "/", 0},
    {{"p", 1}, {"b", 1}, {"t", 1}, {"a.ini", 6}, "[plugin p]", "/", 0},
    {{"p", 1}, {"c", 1}, {"u", 1}, {"a.ini", 8}, "[plugin p]", "/", 0},
};
static const struct conf_entries layers[] = {{route, 5}, {section, 3}};

static uint32_t
line_of(const char *instance, const char *key, size_t i)
{
    const struct conf_entry *e =
        entry_find(layers, 2, str_from_z(instance), key, i);

    return e ? e->at.line : 0;
}

START_TEST(the_first_layer_with_the_key_decides)
{
    ck_assert_uint_eq(line_of("p", "a", 0), 3);
    ck_assert_uint_eq(line_of("p", "a", 1), 4);
    ck_assert_uint_eq(line_of("p", "a", 2), 0);
    ck_assert_uint_eq(line_of("p", "b", 0), 6);
    ck_assert_uint_eq(line_of("q", "a", 0), 2);
    ck_assert_uint_eq(line_of("q", "b", 0), 0);
    ck_assert(entry_is_for(&route[0], str_from_z("p")));
    ck_assert(!entry_is_for(&route[0], str_from_z("pp")));
}
END_TEST

/* "root =" is what the complaint is about, not the value that it hides. */
START_TEST(an_empty_value_is_found_where_there_is_no_other)
{
    ck_assert_uint_eq(line_of("p", "c", 0), 7);
}
END_TEST

START_TEST(a_complaint_has_the_place_and_the_keys_full_name)
{
    struct diag d;

    diag_init(&d);
    entry_complain(&route[1], &d, "is %s", "odd");
    entry_complain(&section[1], &d, "too");
    help_expect(&d, "a.ini:2: [route r] q.a: is odd\n"
                    "a.ini:6: [plugin p] b: too\n");
    diag_fini(&d);
}
END_TEST

UNIT_MAIN(entry, the_first_layer_with_the_key_decides,
          an_empty_value_is_found_where_there_is_no_other,
          a_complaint_has_the_place_and_the_keys_full_name)
