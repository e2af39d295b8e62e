/* SPDX-License-Identifier: BSD-2-Clause */
/* The ini reader: each trap of inih, the language, faults with their lines. */
#include "conf/ini.h"

#include "help.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

/* What was told, as text: "[section]@line" and "key=<value>@line". */
static char told[65536];
static size_t told_n;

static void
tell_section(void *arg, et_str name, uint32_t line)
{
    (void)arg;
    told_n += (size_t)snprintf(told + told_n, sizeof(told) - told_n,
                               "[%.*s]@%u\n", (int)name.n, name.p, line);
}

static void
tell_key(void *arg, et_str key, et_str value, uint32_t line)
{
    (void)arg;
    told_n += (size_t)snprintf(told + told_n, sizeof(told) - told_n,
                               "%.*s=<%.*s>@%u\n", (int)key.n, key.p,
                               (int)value.n, value.p, line);
}

static const struct ini_handler teller = {tell_section, tell_key};

static int
read_text(et_str text, struct diag *d)
{
    told_n = 0;
    told[0] = '\0';
    return ini_read(text, "a.ini", d, &teller, NULL);
}

/* The text gives exactly this and no fault. */
static void
gives(const char *text, const char *expected)
{
    struct diag d;

    diag_init(&d);
    ck_assert_int_eq(read_text(str_from_z(text), &d), 0);
    help_expect(&d, "");
    ck_assert_str_eq(told, expected);
}

/* The text gives exactly these faults; what else it gives is in told. */
static void
faults(et_str text, const char *expected)
{
    struct diag d;
    int n;

    diag_init(&d);
    n = read_text(text, &d);
    help_expect(&d, expected);
    ck_assert_uint_eq(d.n_errors, (uint32_t)n);
    diag_fini(&d);
    ck_assert_int_eq(ini_read(text, "a.ini", NULL, &teller, NULL), n);
}

START_TEST(sections_keys_and_line_numbers_are_told)
{
    gives("\n[server]\nlisten = :80\n\n; note\n[route users]\nuse=a, b\n",
          "[server]@2\nlisten=<:80>@3\n[route users]@6\nuse=<a, b>@7\n");
}
END_TEST

START_TEST(a_line_longer_than_200_bytes_is_whole)
{
    char text[INI_MAX_VALUE + 64], expected[INI_MAX_VALUE + 64];
    size_t n;

    for (n = 180; n <= 420; n++) {
        char value[512];

        memset(value, 'x', n);
        value[n] = '\0';
        snprintf(text, sizeof(text), "[s]\nk = %s\nl = 1\n", value);
        snprintf(expected, sizeof(expected), "[s]@1\nk=<%s>@2\nl=<1>@3\n",
                 value);
        gives(text, expected);
    }
}
END_TEST

START_TEST(names_longer_than_49_bytes_are_whole_and_too_long_ones_faults)
{
    char name[INI_MAX_NAME + 2], text[512], expected[512];

    memset(name, 'n', sizeof(name));
    name[INI_MAX_NAME] = '\0';
    snprintf(text, sizeof(text), "[%s]\n%s = 1\n", name, name);
    snprintf(expected, sizeof(expected), "[%s]@1\n%s=<1>@2\n", name, name);
    gives(text, expected);
    name[INI_MAX_NAME] = 'n';
    name[INI_MAX_NAME + 1] = '\0';
    snprintf(text, sizeof(text), "[%s]\nk = 1\n[s]\n%s = 1\n", name, name);
    faults(str_from_z(text), "a.ini:1: section header longer than 128 bytes\n"
                             "a.ini:4: key longer than 128 bytes\n");
}
END_TEST

START_TEST(an_indented_key_is_an_ordinary_key)
{
    gives("[s]\na = 1\n  b = 2\n\tc = 3\n    [t]\n   d=4\n",
          "[s]@1\na=<1>@2\nb=<2>@3\nc=<3>@4\n[t]@5\nd=<4>@6\n");
}
END_TEST

START_TEST(a_colon_does_not_end_a_key)
{
    gives("[s]\nlisten = a:1\nu = http://x:8/?a=b\n",
          "[s]@1\nlisten=<a:1>@2\nu=<http://x:8/?a=b>@3\n");
    faults(str_from_z("[s]\nlisten: 8080\nlisten:8080 = 1\n"),
           "a.ini:2: expected \"key = value\" or \"[section]\", found "
           "\"listen: 8080\" (':' does not end a key)\n"
           "a.ini:3: a key is made of letters, digits, '-', '_' and '.', "
           "found \"listen:8080 = 1\"\n");
}
END_TEST

START_TEST(a_semicolon_ends_a_value_only_behind_a_blank)
{
    gives("[s] ; c\na = 1 ; c\nb = 1;2 # c\nc = 1#2\t; c\n; k = v\n# k = v\n",
          "[s]@1\na=<1>@2\nb=<1;2>@3\nc=<1#2>@4\n");
}
END_TEST

START_TEST(quotes_keep_semicolons_and_blanks)
{
    gives("[s]\na = \" x ; y # z \" ; c\nb = \"\"\nc = \"a\\\"b\\\\c\"\n"
          "d = \"\\\\\" # c\n",
          "[s]@1\na=< x ; y # z >@2\nb=<>@3\nc=<a\"b\\c>@4\nd=<\\>@5\n");
}
END_TEST

START_TEST(quotes_inside_a_value_stay_and_protect)
{
    gives("[s]\na = say \"x ; y\" # c\nb = 5\" disk ; c\n"
          "c = {\"k\":\"a\\\" ; b\"} ; c\n",
          "[s]@1\na=<say \"x ; y\">@2\nb=<5\" disk>@3\n"
          "c=<{\"k\":\"a\\\" ; b\"}>@4\n");
}
END_TEST

START_TEST(malformed_quotes_are_faults)
{
    faults(str_from_z("[s]\na = \"x\nb = \"x\\n\"\nc = \"x\" y\nd = 1\n"),
           "a.ini:2: a quote is not closed\n"
           "a.ini:3: inside quotes only \\\" and \\\\ are known\n"
           "a.ini:4: unexpected text behind the closing quote: \"y\"\n");
    ck_assert_ptr_nonnull(strstr(told, "d=<1>@5"));
}
END_TEST

START_TEST(a_value_that_is_only_a_comment_is_a_fault)
{
    faults(str_from_z("[s]\ncolor = #fff\nx = ; later\ny =\n"),
           "a.ini:2: no value before the comment: write \"\" for an empty "
           "one, or quote a value that begins with '#'\n"
           "a.ini:3: no value before the comment: write \"\" for an empty "
           "one, or quote a value that begins with ';'\n");
    ck_assert_ptr_nonnull(strstr(told, "y=<>@4"));
}
END_TEST

START_TEST(a_backslash_continues_a_value)
{
    gives("[s]\nuse = a, \\\n      b, \\\n\tc\nx = \\\n 1\n",
          "[s]@1\nuse=<a, b, c>@2\nx=<1>@5\n");
    gives("[s]\na = \"x \\\n   y\"\nb = c:\\dir\\f\n",
          "[s]@1\na=<x y>@2\nb=<c:\\dir\\f>@4\n");
    gives("[s]\r\na = b\\\r\n  c\r\n", "[s]@1\na=<bc>@2\n");
}
END_TEST

START_TEST(a_comment_is_not_continued)
{
    gives("[s]\n; c \\\na = 1 ; c \\\nb = 2\n", "[s]@1\na=<1>@3\nb=<2>@4\n");
}
END_TEST

START_TEST(a_faulty_value_takes_its_continuation_with_it)
{
    faults(str_from_z("[s]\na b = 1, \\\n  2, \\\n  3\nc = 4\nd = x \\"),
           "a.ini:2: a key is made of letters, digits, '-', '_' and '.', "
           "found \"a b = 1, \\\"\n"
           "a.ini:6: a backslash continues the line, but no line follows\n");
}
END_TEST

START_TEST(values_go_up_to_8_kib)
{
    static char text[3 * INI_MAX_VALUE], expected[3 * INI_MAX_VALUE];
    static char value[INI_MAX_VALUE + 2];

    memset(value, 'v', sizeof(value));
    value[INI_MAX_VALUE] = '\0';
    snprintf(text, sizeof(text), "[s]\nk = %s\nl=1", value);
    snprintf(expected, sizeof(expected), "[s]@1\nk=<%s>@2\nl=<1>@3\n", value);
    gives(text, expected);
    value[INI_MAX_VALUE] = 'v';
    value[INI_MAX_VALUE + 1] = '\0';
    snprintf(text, sizeof(text), "[s]\nk = %s\nl=1", value);
    faults(str_from_z(text), "a.ini:2: value longer than 8192 bytes\n");
}
END_TEST

START_TEST(an_empty_section_is_told)
{
    gives("[a]\n[b]\n\n[c]\n", "[a]@1\n[b]@2\n[c]@4\n");
}
END_TEST

START_TEST(a_key_outside_a_section_is_a_fault)
{
    faults(str_from_z("a = 1\n\n[s]\nb = 2\n"),
           "a.ini:1: a key outside a section\n");
    ck_assert_ptr_nonnull(strstr(told, "b=<2>@4"));
}
END_TEST

START_TEST(malformed_headers_are_faults_and_hide_their_keys)
{
    faults(str_from_z("[s\na = 1\n[]\nb = 2\n[t] x\nc = 3\n[u]\nd = 4\n"),
           "a.ini:1: a section header without ']'\n"
           "a.ini:3: a section header without a name\n"
           "a.ini:5: unexpected text behind ']': \"x\"\n");
    ck_assert_str_eq(strstr(told, "[u]"), "[u]@7\nd=<4>@8\n[u]@7\nd=<4>@8\n");
    ck_assert_ptr_null(strstr(told, "a=<"));
}
END_TEST

START_TEST(nul_and_control_bytes_are_faults)
{
    static const char text[] =
        "[s]\na = 1\0 2\nb = \x1b[0m\nc = x\ry\nd = \x7f";

    faults((et_str){text, sizeof(text) - 1},
           "a.ini:2: a NUL byte\n"
           "a.ini:3: a control byte (0x1b)\n"
           "a.ini:4: a control byte (0x0d)\n"
           "a.ini:5: a control byte (0x7f)\n");
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_faults)
{
    static const char *const bad[] = {"\x80",
                                      "\xc3",
                                      "\xc0\xaf",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xe2\x82",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xe2\x28\xa1"};
    static const char *const good[] = {"\xc2\x80",         "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",     "\xee\x80\x80",
                                       "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
                                       "\xc3\xbc\xc3\x9f"};
    char text[64], expected[64];
    struct diag d;
    size_t i;

    for (i = 0; i < ARRAY_LEN(bad); i++) {
        diag_init(&d);
        snprintf(text, sizeof(text), "[s]\nk = %s\n", bad[i]);
        ck_assert_int_eq(read_text(str_from_z(text), &d), 1);
        ck_assert_ptr_nonnull(strstr(help_messages(&d), "a.ini:2: not UTF-8"));
        snprintf(text, sizeof(text), "; %s\n[s]", bad[i]);
        ck_assert_int_eq(read_text(str_from_z(text), &d), 1);
        diag_fini(&d);
    }
    for (i = 0; i < ARRAY_LEN(good); i++) {
        snprintf(text, sizeof(text), "[s]\nk = %s\n", good[i]);
        snprintf(expected, sizeof(expected), "[s]@1\nk=<%s>@2\n", good[i]);
        gives(text, expected);
    }
}
END_TEST

START_TEST(a_byte_order_mark_and_crlf_are_fine)
{
    gives("\xef\xbb\xbf[s]\r\na = 1 \r\nb = \"x\"\r\n\r\n[t] ; c\r\nc = 2\r",
          "[s]@1\na=<1>@2\nb=<x>@3\n[t]@5\nc=<2>@6\n");
    faults(str_from_z("[s]\n\xef\xbb\xbf"
                      "a = 1\n"),
           "a.ini:2: a key is made of letters, digits, '-', '_' and '.', "
           "found \"\xef\xbb\xbf"
           "a = 1\"\n");
}
END_TEST

START_TEST(an_empty_text_gives_nothing)
{
    gives("", "");
    gives("\n\n  \n\t\n", "");
    gives("\xef\xbb\xbf", "");
    ck_assert_int_eq(read_text((et_str){NULL, 0}, NULL), 0);
}
END_TEST

START_TEST(no_prefix_of_a_text_is_read_past_its_end)
{
    static const char text[] =
        "\xef\xbb\xbf[server] ; x\r\n  listen = \"a \\\" b\\\\\" # c\r\n"
        "use = a, \\\r\n   b ; c\n[route x]\nk = \xf0\x90\x80\x80 \"q ; \" e\n"
        "m = \"v \\\n w\"\nbad key = 1 \\\n 2\nn = \xe2\x82\xac\\\n";
    size_t n;
    int rc;

    for (n = 0; n < sizeof(text); n++) {
        told_n = 0;
        rc = ini_read((et_str){guard_end(text, n), n}, "a.ini", NULL, &teller,
                      NULL);
        ck_assert_int_ge(rc, 0);
        told_n = 0;
        rc = ini_read((et_str){guard_begin(text, n), n}, "a.ini", NULL, &teller,
                      NULL);
        ck_assert_int_ge(rc, 0);
    }
}
END_TEST

START_TEST(every_fault_is_reported_not_the_first)
{
    static char text[4096];
    size_t i, n = 0;
    struct diag d;

    for (i = 0; i < 100; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "[s]\nno value %zu\n",
                              i);
    diag_init(&d);
    ck_assert_int_eq(read_text(str_from_z(text), &d), 100);
    ck_assert_uint_eq(d.n_errors, 100);
    diag_fini(&d);
}
END_TEST

UNIT_MAIN(ini, sections_keys_and_line_numbers_are_told,
          a_line_longer_than_200_bytes_is_whole,
          names_longer_than_49_bytes_are_whole_and_too_long_ones_faults,
          an_indented_key_is_an_ordinary_key, a_colon_does_not_end_a_key,
          a_semicolon_ends_a_value_only_behind_a_blank,
          quotes_keep_semicolons_and_blanks,
          quotes_inside_a_value_stay_and_protect, malformed_quotes_are_faults,
          a_value_that_is_only_a_comment_is_a_fault,
          a_backslash_continues_a_value, a_comment_is_not_continued,
          a_faulty_value_takes_its_continuation_with_it, values_go_up_to_8_kib,
          an_empty_section_is_told, a_key_outside_a_section_is_a_fault,
          malformed_headers_are_faults_and_hide_their_keys,
          nul_and_control_bytes_are_faults, bytes_that_are_not_utf8_are_faults,
          a_byte_order_mark_and_crlf_are_fine, an_empty_text_gives_nothing,
          no_prefix_of_a_text_is_read_past_its_end,
          every_fault_is_reported_not_the_first)
