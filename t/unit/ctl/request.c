/* SPDX-License-Identifier: BSD-2-Clause */
/* request.c - lines of an administrator, taken apart.
 * tags: asan */
#include "ctl/request.h"

#include <string.h>

#include "t/lib/unit.h"

static struct request q;
static char line[2 * ADMIN_LINE_MAX];

static const char *
read_line(const char *text)
{
    q = (struct request){.n_args = 0};
    strcpy(line, text);
    return request_read(&q, line, strlen(line));
}

START_TEST(all_there_may_be_is_found)
{
    ck_assert_ptr_null(
        read_line("{\"command\":\"command\",\"plugin\":\"p\",\"name\":\"n\","
                  "\"later\":[1],"
                  "\"path\":\"/a\",\"method\":\"GET\",\"text\":true,"
                  "\"args\":[\"a\",\"\",\"b c\"]}"));
    ck_assert_str_eq(q.command.p, "command");
    ck_assert_int_eq(q.order, REQUEST_COMMAND);
    ck_assert_str_eq(q.plugin.p, "p");
    ck_assert_str_eq(q.name.p, "n");
    ck_assert_str_eq(q.path.p, "/a");
    ck_assert_str_eq(q.method.p, "GET");
    ck_assert_int_eq(q.wants_text, 1);
    ck_assert_uint_eq(q.n_args, 6);
    ck_assert_int_eq(memcmp(q.args, "a  b c", 6), 0);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
    ck_assert_str_eq(read_line("{}"), "a command is missing");
    ck_assert_str_eq(read_line("{\"text\":true,\"command\":\"statu\"}"),
                     "\"statu\" is no command");
    ck_assert_int_eq(q.wants_text, 1);
    ck_assert_str_eq(read_line("{\"command\":\"status\",\"command\":\"stop\"}"),
                     "a member is given twice");
    ck_assert_str_eq(
        read_line("{\"command\":\"status\",\"args\":[],\"args\":[]}"),
        "a member is given twice");
    ck_assert_ptr_null(read_line("{\"command\":\"status\",\"x\":1,\"x\":2}"));
    ck_assert_str_eq(read_line("no"), "this is no JSON object");
    ck_assert_str_eq(read_line("{\"command\":1}"),
                     "a member is not of its type");
    ck_assert_str_eq(read_line("{\"command\":\"a\",\"args\":[1]}"),
                     "a member is not of its type");
    ck_assert_str_eq(read_line("{\"command\":\"a\",\"text\":\"yes\"}"),
                     "a member is not of its type");
}
END_TEST

START_TEST(each_order_is_known_by_its_name)
{
    ck_assert_ptr_null(read_line("{\"command\":\"status\"}"));
    ck_assert_int_eq(q.order, REQUEST_STATUS);
    ck_assert_ptr_null(read_line("{\"command\":\"reload\"}"));
    ck_assert_int_eq(q.order, REQUEST_RELOAD);
    ck_assert_ptr_null(read_line("{\"command\":\"upgrade\"}"));
    ck_assert_int_eq(q.order, REQUEST_UPGRADE);
}
END_TEST

UNIT_MAIN(request, all_there_may_be_is_found, what_is_wrong_is_said,
          each_order_is_known_by_its_name)
