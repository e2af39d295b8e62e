/* SPDX-License-Identifier: BSD-2-Clause */
/* methods.c - method lists of rules to masks and back. */
#include "http/methods.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "t/lib/unit.h"

static struct methods methods;

/* The list that a rule's text comes to, or why it is refused. */
static const char *
told(const char *text)
{
    static char out[512];
    uint32_t mask;
    size_t n;

    if (methods_parse(&methods, str_from_z(text), &mask, out, sizeof out) < 0)
        return out;
    n = methods_list(&methods, mask, out, sizeof out - 1);
    out[n] = '\0';
    return out;
}

START_TEST(lists_are_read_and_written)
{
    ck_assert_str_eq(told("GET"), "GET");
    ck_assert_str_eq(told(" POST , GET "), "GET, POST");
    ck_assert_str_eq(told("*"), "*");
    ck_assert_str_eq(told("PURGE,HEAD,BAN"), "HEAD, PURGE, BAN");
    ck_assert_str_eq(told("BAN,PURGE"), "PURGE, BAN");
    ck_assert_uint_eq(methods_count(&methods), METHOD_COUNT + 2);
}
END_TEST

START_TEST(numbers_of_requests)
{
    const et_str ban = str_from_z("BAN"), move = str_from_z("MOVE");

    ck_assert_uint_eq(methods_number(&methods, ET_M_OTHER, ban), ET_M_OTHER);
    told("PURGE,BAN");
    ck_assert_uint_eq(methods_number(&methods, ET_M_OTHER, ban),
                      METHOD_COUNT + 1);
    ck_assert_uint_eq(methods_number(&methods, ET_M_OTHER, move), ET_M_OTHER);
    ck_assert_uint_eq(methods_number(&methods, ET_M_PUT, ban), ET_M_PUT);
}
END_TEST

START_TEST(faults_are_named)
{
    static const char expected[] = "expected a method, \"GET,POST\" or \"*\", ";
    char text[128];

    snprintf(text, sizeof text, "%sfound \"\"", expected);
    ck_assert_str_eq(told(""), text);
    ck_assert_str_eq(told("GET,"), text);
    ck_assert_str_eq(told("GET,,POST"), text);
    snprintf(text, sizeof text, "%sfound \"GET POST\"", expected);
    ck_assert_str_eq(told("GET POST"), text);
    ck_assert_str_eq(told("GET,PUT,GET"), "the method GET is there twice");
    ck_assert_str_eq(told("GET,CONNECT"),
                     "CONNECT asks for a tunnel, which this server does not "
                     "open: the route is unreachable");
    ck_assert_str_eq(told("Get"),
                     "methods are written in capitals: GET, not Get");
}
END_TEST

/* "*" is a token by RFC 9110's grammar, but no method beside others. */
START_TEST(the_star_stands_alone)
{
    ck_assert_str_eq(told("GET,*"), "expected a method, \"GET,POST\" or "
                                    "\"*\", found \"*\"");
}
END_TEST

START_TEST(only_so_many_further_methods)
{
    char text[16];
    uint32_t mask;
    static char names[METHODS_MAX_FURTHER + 1][8];

    for (uint32_t i = 0; i < METHODS_MAX_FURTHER; i++) {
        snprintf(names[i], sizeof names[i], "M%u", i);
        ck_assert_int_eq(methods_parse(&methods, str_from_z(names[i]), &mask,
                                       text, sizeof text),
                         0);
    }
    ck_assert_uint_eq(mask, UINT32_C(1) << 31);
    ck_assert_str_eq(told("MORE"), "\"MORE\" is one method too many: at most "
                                   "22 beside those of RFC 9110");
    ck_assert_str_eq(told("M21"), "M21");
}
END_TEST

START_TEST(a_short_buffer_is_respected)
{
    char out[8];
    size_t n = methods_list(&methods, METHOD_ALL, out, 7);

    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(memcmp(out, "GET", 3), 0);
}
END_TEST

UNIT_MAIN(methods, lists_are_read_and_written, numbers_of_requests,
          faults_are_named, the_star_stands_alone, only_so_many_further_methods,
          a_short_buffer_is_respected)
