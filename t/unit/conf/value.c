/* SPDX-License-Identifier: BSD-2-Clause */
/* Values: what each type takes, refuses, and how it complains. */
#include "conf/value.h"

#include <limits.h>

#include "base/err.h"
#include "help.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

static struct arena arena;
static char why[512];

#define S(text) str_from_z(text)

/* Parse into *field; the result of value_parse. */
static int
parse(const struct value_spec *spec, const char *text, void *field)
{
    if (!arena.max_bytes)
        arena_init(&arena, NULL, 0, NULL, 1u << 20);
    return value_parse(&arena, spec, S(text), "/etc/x", 0, field, why,
                       sizeof(why));
}

START_TEST(booleans)
{
    static const char *const yes[] = {"yes", "on", "true", "1"};
    static const char *const no[] = {"no", "off", "false", "0"};
    static const char *const bad[] = {"", "y", "Yes", "2", "yes "};
    int64_t n;
    size_t i;

    for (i = 0; i < 4; i++) {
        ck_assert_int_eq(value_bool(S(yes[i]), &n), 0);
        ck_assert_int_eq(n, 1);
        ck_assert_int_eq(value_bool(S(no[i]), &n), 0);
        ck_assert_int_eq(n, 0);
    }
    for (i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_int_eq(value_bool(S(bad[i]), &n), ERR_INVALID);
}
END_TEST

START_TEST(numbers)
{
    static const char *const bad[] = {"",    "-",    "+1",
                                      "1x",  "0x10", "1 2",
                                      "1.5", "--1",  "9223372036854775808"};
    int64_t n;
    size_t i;

    ck_assert_int_eq(value_int(S("0"), &n), 0);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(value_int(S("-17"), &n), 0);
    ck_assert_int_eq(n, -17);
    ck_assert_int_eq(value_int(S("9223372036854775807"), &n), 0);
    ck_assert_int_eq(n, INT64_MAX);
    for (i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_int_eq(value_int(S(bad[i]), &n), ERR_INVALID);
}
END_TEST

START_TEST(rates)
{
    static const char *const bad[] = {"",      "100",  "/s",     "100/",
                                      "100/d", "-1/s", "100/ s", "100/ss"};
    et_rate r;
    size_t i;

    ck_assert_int_eq(value_rate(S("100/s"), &r), 0);
    ck_assert(r.count == 100 && r.per_ms == 1000);
    ck_assert_int_eq(value_rate(S("6000/m"), &r), 0);
    ck_assert(r.count == 6000 && r.per_ms == 60000);
    ck_assert_int_eq(value_rate(S("0/h"), &r), 0);
    ck_assert(r.count == 0 && r.per_ms == 3600000);
    for (i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_int_eq(value_rate(S(bad[i]), &r), ERR_INVALID);
}
END_TEST

START_TEST(choices)
{
    int64_t n;

    ck_assert_int_eq(value_choice(S("a"), "a|b|cc", &n), 0);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(value_choice(S("cc"), "a|b|cc", &n), 0);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(value_choice(S("c"), "a|b|cc", &n), ERR_INVALID);
    ck_assert_int_eq(value_choice(S(""), "a|b|cc", &n), ERR_INVALID);
    ck_assert_int_eq(value_choice(S("a|b"), "a|b|cc", &n), ERR_INVALID);
}
END_TEST

START_TEST(header_fields)
{
    static const char *const bad[] = {"",        "X",
                                      ": v",     "X Y: v",
                                      "X : v",   "X: a\r\nY: b",
                                      "X: a\nb", "X\xc3\xbc: v",
                                      "(x): v"};
    static const char nul[] = "X: a\0b";
    et_field f;
    size_t i;

    ck_assert_int_eq(value_header(S("X-Frame-Options:  DENY "), &f), 0);
    ck_assert(str_eq(f.name, S("X-Frame-Options")));
    ck_assert(str_eq(f.value, S("DENY")));
    ck_assert_int_eq(value_header(S("X:"), &f), 0);
    ck_assert_uint_eq(f.value.n, 0);
    ck_assert_int_eq(value_header(S("X: a:b\tc \xc3\xbc"), &f), 0);
    for (i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_int_eq(value_header(S(bad[i]), &f), ERR_INVALID);
    ck_assert_int_eq(value_header((et_str){nul, sizeof(nul) - 1}, &f),
                     ERR_INVALID);
}
END_TEST

START_TEST(modes)
{
    int64_t n;

    ck_assert_int_eq(value_mode(S("0660"), &n), 0);
    ck_assert_int_eq(n, 0660);
    ck_assert_int_eq(value_mode(S("777"), &n), 0);
    ck_assert_int_eq(value_mode(S("0680"), &n), ERR_INVALID);
    ck_assert_int_eq(value_mode(S("1777"), &n), ERR_INVALID);
    ck_assert_int_eq(value_mode(S("60"), &n), ERR_INVALID);
}
END_TEST

START_TEST(instance_names)
{
    ck_assert(value_is_name(S("rate-limit_2")));
    ck_assert(!value_is_name(S("")));
    ck_assert(!value_is_name(S("-a")));
    ck_assert(!value_is_name(S("a.b")));
    ck_assert(!value_is_name(S("a b")));
    ck_assert(!value_is_name(S("n2345678901234567890123456789012345678901234567"
                               "890123456789012345")));
}
END_TEST

START_TEST(bounds_are_kept_and_named)
{
    const struct value_spec size = {
        .type = VALUE_SIZE, .min = 1024, .max = 1 << 20};
    const struct value_spec least = {
        .type = VALUE_TIME, .min = 100, .max = INT64_MAX};
    const struct value_spec most = {
        .type = VALUE_INT, .min = INT64_MIN, .max = 5};
    int64_t n = 7;

    ck_assert_int_eq(parse(&size, "1k", &n), 0);
    ck_assert_int_eq(n, 1024);
    ck_assert_int_eq(parse(&size, "1m", &n), 0);
    ck_assert_int_eq(parse(&size, "1023", &n), ERR_INVALID);
    ck_assert_int_eq(n, 1 << 20);
    ck_assert_str_eq(why, "expected a size such as 4096, 64k or 1MiB, from 1k "
                          "to 1m, found \"1023\"");
    ck_assert_int_eq(parse(&least, "99ms", &n), ERR_INVALID);
    ck_assert_str_eq(why, "expected a time such as 250ms, 10s, 5m, 2h or 1d, "
                          "at least 100ms, found \"99ms\"");
    ck_assert_int_eq(parse(&most, "6", &n), ERR_INVALID);
    ck_assert_str_eq(why, "expected a whole number, at most 5, found \"6\"");
}
END_TEST

START_TEST(a_word_stands_for_a_number_or_for_nothing)
{
    const struct value_spec number = {.type = VALUE_INT,
                                      .word = "auto",
                                      .word_value = -1,
                                      .min = 1,
                                      .max = 9};
    const struct value_spec text = {.type = VALUE_PATH, .word = "none"};
    et_str s = S("x");
    int64_t n;

    ck_assert_int_eq(parse(&number, "auto", &n), 0);
    ck_assert_int_eq(n, -1);
    ck_assert_int_eq(parse(&number, "-1", &n), ERR_INVALID);
    ck_assert_str_eq(why, "expected auto or a whole number, from 1 to 9, found "
                          "\"-1\"");
    ck_assert_int_eq(parse(&text, "none", &s), 0);
    ck_assert(s.p == NULL && s.n == 0);
}
END_TEST

START_TEST(paths_become_absolute)
{
    const struct value_spec spec = {.type = VALUE_PATH};
    static char longest[PATH_MAX + 2];
    et_str s;

    ck_assert_int_eq(parse(&spec, "tls/site.pem", &s), 0);
    ck_assert_str_eq(s.p, "/etc/x/tls/site.pem");
    ck_assert_int_eq(parse(&spec, "/abs", &s), 0);
    ck_assert_str_eq(s.p, "/abs");
    ck_assert_int_eq(parse(&spec, "", &s), 0);
    ck_assert_uint_eq(s.n, 0);
    ck_assert_str_eq(value_absolute(&arena, "/", S("a")).p, "/a");
    memset(longest, 'p', PATH_MAX);
    ck_assert_int_eq(parse(&spec, longest, &s), ERR_INVALID);
    longest[PATH_MAX - 3] = '\0';
    ck_assert_int_eq(parse(&spec, longest, &s), ERR_INVALID);
}
END_TEST

START_TEST(lists_are_split_checked_and_appended)
{
    const struct value_spec names = {.type = VALUE_NAMES};
    const struct value_spec hosts = {.type = VALUE_HOSTS};
    const struct value_spec lists = {.type = VALUE_LIST};
    et_list l = {0};
    char item[8];
    int i;

    ck_assert_int_eq(parse(&names, " a,b ,c", &l), 0);
    ck_assert_uint_eq(l.n, 3);
    ck_assert_str_eq(l.v[1].p, "b");
    l.n = 0;
    ck_assert_int_eq(parse(&names, "", &l), 0);
    ck_assert_uint_eq(l.n, 0);
    ck_assert_int_eq(parse(&names, "a,,b", &l), ERR_INVALID);
    ck_assert_int_eq(parse(&names, "a,", &l), ERR_INVALID);
    l.n = 0;
    ck_assert_int_eq(parse(&names, "a,b,a", &l), ERR_INVALID);
    l = (et_list){0};
    ck_assert_int_eq(parse(&hosts, "Example.COM., *.x.org", &l), 0);
    ck_assert_str_eq(l.v[0].p, "example.com");
    ck_assert_str_eq(l.v[1].p, "*.x.org");
    l = (et_list){0};
    for (i = 0; i < 100; i++) {
        snprintf(item, sizeof(item), "i%d,", i);
        ck_assert_int_eq(parse(&lists, item, &l), 0);
    }
    ck_assert_uint_eq(l.n, 100);
    for (i = 0; i < 100; i++) {
        snprintf(item, sizeof(item), "i%d,", i);
        ck_assert_str_eq(l.v[i].p, item);
    }
}
END_TEST

START_TEST(listen_addresses_of_unix_sockets_become_absolute)
{
    const struct value_spec spec = {.type = VALUE_LISTEN};
    et_list l = {0};

    ck_assert_int_eq(parse(&spec, ":80, unix:run/s.sock", &l), 0);
    ck_assert_str_eq(l.v[0].p, ":80");
    ck_assert_str_eq(l.v[1].p, "unix:/etc/x/run/s.sock");
    ck_assert_int_eq(parse(&spec, "8080", &l), ERR_INVALID);
    ck_assert_str_eq(why, "expected host:port, [v6]:port, :port, *:port or "
                          "unix:/path, found \"8080\"; did you mean "
                          "\":8080\"?");
}
END_TEST

START_TEST(request_paths)
{
    const struct value_spec spec = {.type = VALUE_TARGET, .word = "off"};
    et_str s;

    ck_assert_int_eq(parse(&spec, "/healthz", &s), 0);
    ck_assert_str_eq(s.p, "/healthz");
    ck_assert_int_eq(parse(&spec, "healthz", &s), ERR_INVALID);
    ck_assert_int_eq(parse(&spec, "/a b", &s), ERR_INVALID);
    ck_assert_int_eq(parse(&spec, "/a?b", &s), ERR_INVALID);
    ck_assert_int_eq(parse(&spec, "", &s), ERR_INVALID);
}
END_TEST

START_TEST(a_secret_is_not_shown)
{
    const struct value_spec spec = {.type = VALUE_INT};
    int64_t n;

    ck_assert_int_eq(parse(&spec, "1", &n), 0);
    ck_assert_int_eq(
        value_parse(&arena, &spec, S("hunter2"), "/", 1, &n, why, sizeof(why)),
        ERR_INVALID);
    ck_assert_str_eq(why, "expected a whole number, found something else "
                          "(secret)");
}
END_TEST

START_TEST(sameness_by_type)
{
    et_str a = S("x"), b = S("x"), c = S("y"), none = {NULL, 0};
    et_list l = {&a, 1}, m = {&b, 1}, n = {&c, 1}, empty = {NULL, 0};
    et_rate r = {1, 1000}, s = {1, 1000}, t = {1, 60000};
    et_field f = {a, c}, g = {b, c}, h = {b, b};
    int64_t i = 1, j = 1, k = 2;

    ck_assert(value_same(VALUE_STR, &a, &b) && !value_same(VALUE_STR, &a, &c));
    ck_assert(!value_same(VALUE_PATH, &a, &none));
    ck_assert(value_same(VALUE_NAMES, &l, &m) &&
              !value_same(VALUE_LIST, &l, &n));
    ck_assert(!value_same(VALUE_LIST, &l, &empty));
    ck_assert(value_same(VALUE_RATE, &r, &s) &&
              !value_same(VALUE_RATE, &r, &t));
    ck_assert(value_same(VALUE_HEADER, &f, &g));
    ck_assert(!value_same(VALUE_HEADER, &f, &h));
    ck_assert(value_same(VALUE_TIME, &i, &j) && !value_same(VALUE_INT, &i, &k));
}
END_TEST

START_TEST(no_parser_reads_past_its_text)
{
    static const char *const texts[] = {
        "100/s", "64KiB",    "250ms",         "-12",        "true", "X-A: b",
        "0660",  "[::1]:80", "*.example.com", "10.0.0.0/8", "a, b", "/healthz"};
    size_t i, n;
    uint32_t type;

    arena_init(&arena, NULL, 0, NULL, 1u << 22);
    for (i = 0; i < ARRAY_LEN(texts); i++)
        for (n = 0; n <= strlen(texts[i]); n++)
            for (type = 0; type < VALUE_MATCH; type++) {
                struct value_spec spec = {.type = type, .choices = "a|b"};
                char field[64] = {0};
                et_str s = {guard_end(texts[i], n), n};

                if (type > ET_O_HEADERS && type < VALUE_OWN)
                    continue;
                ck_assert_int_ne(value_parse(&arena, &spec, s, "/", 0, field,
                                             why, sizeof(why)),
                                 ERR_NOMEM);
            }
}
END_TEST

START_TEST(memory_that_is_short_is_said)
{
    const struct value_spec spec = {.type = VALUE_NAMES};
    static char text[8000];
    struct arena small;
    et_list l = {0};
    size_t i, n = 0;

    for (i = 0; i < 900; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%si%zu",
                              i ? "," : "", i);
    arena_init(&small, NULL, 0, NULL, 4096);
    ck_assert_int_eq(
        value_parse(&small, &spec, S(text), "/", 0, &l, why, sizeof(why)),
        ERR_NOMEM);
    arena_reset(&small);
}
END_TEST

UNIT_MAIN(value, booleans, numbers, rates, choices, header_fields, modes,
          instance_names, bounds_are_kept_and_named,
          a_word_stands_for_a_number_or_for_nothing, paths_become_absolute,
          lists_are_split_checked_and_appended,
          listen_addresses_of_unix_sockets_become_absolute, request_paths,
          a_secret_is_not_shown, sameness_by_type,
          no_parser_reads_past_its_text, memory_that_is_short_is_said)
