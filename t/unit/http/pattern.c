/* SPDX-License-Identifier: BSD-2-Clause */
/* pattern.c - what patterns mean, and what is refused with which words. */
#include "http/pattern.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "t/lib/unit.h"

/* "t:users p:id": a pattern as text. */
static const char *
told(const char *text)
{
    static const char kinds[] = "tp*";
    static char out[1024];
    struct arena a;
    struct pattern p;
    char why[512];
    size_t n = 0;

    arena_init(&a, NULL, 0, NULL, 1 << 20);
    out[0] = '\0';
    if (pattern_parse(&a, str_from_z(text), &p, why, sizeof why) < 0) {
        snprintf(out, sizeof out, "%s", why);
        arena_reset(&a);
        return out;
    }
    for (uint32_t i = 0; i < p.n_segments; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%c:%.*s",
                              i ? " " : "", kinds[p.segments[i].kind],
                              (int)p.segments[i].text.n, p.segments[i].text.p);
    if (p.path.p)
        snprintf(out + n, sizeof out - n, " = %.*s", (int)p.path.n, p.path.p);
    ck_assert_int_eq(p.path.p == NULL, p.n_params > 0);
    ck_assert_uint_eq(p.text.n, strlen(text));
    arena_reset(&a);
    return out;
}

static const struct {
    const char *pattern, *means;
} good[] = {
    {"/", "t: = /"},
    {"//", "t: t: = //"},
    {"/users", "t:users = /users"},
    {"/users/", "t:users t: = /users/"},
    {"/users/:id", "t:users p:id"},
    {"/users/:id/", "t:users p:id t:"},
    {"/:a/:b-c/:D_9", "p:a p:b-c p:D_9"},
    {"/files/*rest", "t:files *:rest"},
    {"/*", "*:*"},
    {"/a/*", "t:a *:*"},
    {"/:x/*y", "p:x *:y"},
    {"/v1/x\\:cancel", "t:v1 t:x:cancel = /v1/x:cancel"},
    {"/\\:id/\\*/\\\\/\\?\\#", "t::id t:* t:\\ t:?# = /:id/*/\\/?#"},
    {"/a%2Fb", "t:a%2Fb = /a%2Fb"},
    {"/100%", "t:100% = /100%"},
    {"/%4", "t:%4 = /%4"},
    {"/\\%41", "t:%41 = /%41"},
    {"/...", "t:... = /..."},
    {"/gr\303\274n", "t:gr\303\274n = /gr\303\274n"},
};

START_TEST(patterns_mean_what_they_say)
{
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_str_eq(told(good[i].pattern), good[i].means);
}
END_TEST

static const struct {
    const char *pattern, *why;
} bad[] = {
    {"", "expected a path that begins with '/', found \"\""},
    {"users", "expected a path that begins with '/', found \"users\""},
    {"/v:major", "':' in the middle of \"v:major\": a parameter is a whole "
                 "segment (write \\: for the character)"},
    {"/x*", "'*' in the middle of \"x*\": a parameter is a whole segment "
            "(write \\* for the character)"},
    {"/:", "\":\" is not a parameter: ':' and a name of letters, digits, '_' "
           "and '-' (write \\: for the character)"},
    {"/:id.json", "\":id.json\" is not a parameter: ':' and a name of "
                  "letters, digits, '_' and '-' (write \\: for the "
                  "character)"},
    {"/*a.b", "\"*a.b\" is not a parameter: '*' and a name of letters, "
              "digits, '_' and '-' (write \\* for the character)"},
    {"/*rest/x", "\"*rest\" takes all the rest: nothing can follow it"},
    {"/*rest/", "\"*rest\" takes all the rest: nothing can follow it"},
    {"/:id/x/:id", "two parameters are called \"id\""},
    {"/:id/*id", "two parameters are called \"id\""},
    {"/a?b=1", "'?' in \"a?b=1\": a pattern is a path only (write \\? for the "
               "character)"},
    {"/a#b", "'#' in \"a#b\": a pattern is a path only (write \\# for the "
             "character)"},
    {"/a/../b", "\"..\" is never seen: paths are normalised first"},
    {"/a/.", "\".\" is never seen: paths are normalised first"},
    {"/a%20b", "%20 is never seen: paths are decoded first (write the "
               "character itself, or \\% for a percent sign)"},
    {"/a%2fb", "%2f is never seen: paths have %2F"},
    {"/a\\b", "a backslash in \"a\\b\" that is not in front of one of : * ? # "
              "% \\"},
    {"/a\\", "a backslash in \"a\\\" that is not in front of one of : * ? # % "
             "\\"},
};

START_TEST(faults_are_named)
{
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_str_eq(told(bad[i].pattern), bad[i].why);
}
END_TEST

START_TEST(any_number_of_segments_and_parameters)
{
    static char text[8192];
    size_t n = 0;
    struct arena a;
    struct pattern p;
    char why[64];

    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "/:p%d", i);
    arena_init(&a, NULL, 0, NULL, 1 << 20);
    ck_assert_int_eq(pattern_parse(&a, (et_str){text, n}, &p, why, sizeof why),
                     0);
    ck_assert_uint_eq(p.n_segments, 1000);
    ck_assert_uint_eq(p.n_params, 1000);
    ck_assert_int_eq(memcmp(p.params[999].p, "p999", 4), 0);
    arena_reset(&a);
}
END_TEST

START_TEST(without_memory_it_says_so)
{
    struct arena a;
    struct pattern p;
    char why[64];

    arena_init(&a, NULL, 0, NULL, 0);
    ck_assert_int_eq(
        pattern_parse(&a, str_from_z("/a/:b"), &p, why, sizeof why), ERR_NOMEM);
    ck_assert_str_eq(why, "out of memory");
}
END_TEST

UNIT_MAIN(pattern, patterns_mean_what_they_say, faults_are_named,
          any_number_of_segments_and_parameters, without_memory_it_says_so)
