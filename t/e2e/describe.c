/* SPDX-License-Identifier: BSD-2-Clause */
/* describe.c - `etude routes`: what there is, as a table and as JSON, and what
 * one path meets.
 * tags: asan */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

static const char ini[] = "[server]\n"
                          "listen = 127.0.0.1:0\n"
                          "use = request-id\n"
                          "health = /healthz\n"
                          "[plugin request-id]\n"
                          "[plugin limit-body]\n"
                          "[plugin access-log]\n"
                          "[plugin respond]\n"
                          "[plugin echo]\n"
                          "[scope api]\n"
                          "match = /api/*\n"
                          "use = limit-body\n"
                          "[route say]\n"
                          "match = GET,POST /api/:what/*rest\n"
                          "match = PUT /put/\n"
                          "use = access-log\n"
                          "handler = respond\n"
                          "respond.body = ${file:$DIR/key}\n"
                          "respond.type = text/\"x\"\n"
                          "[route there]\n"
                          "host = *.example.com\n"
                          "match = * /\n"
                          "handler = echo\n";

static struct server s;
static char out[16384];

/* Run `etude routes` with these arguments (NULL: none); its output. */
static const char *
routes(const char *a, const char *b, const char *c, const char *d, int code)
{
    const char *args[] = {"routes", a, b, c, d, NULL};
    int got = server_run(&s, args, out, sizeof out);

    ck_assert_msg(got == code, "%d, not %d: %s", got, code, out);
    return out;
}

static void
begin(void)
{
    server_prepare(&s, ini);
    server_file(&s, "key", "sesame");
}

START_TEST(all_routes_stand_in_a_table)
{
    static const char table[] =
        "METHOD       PATH                             NAME             "
        "HANDLER          DOC\n"
        "GET,POST     /api/:what/*rest                 say              "
        "respond@say      \n"
        "PUT          /put/                            say              "
        "respond@say      \n"
        "*            //*.example.com/                 there            "
        "echo             \n"
        "GET          /healthz                         health           "
        "-                \n";

    begin();
    ck_assert_str_eq(routes(NULL, NULL, NULL, NULL, 0), table);
    server_clean(&s);
}
END_TEST

START_TEST(json_says_what_each_is_made_of_but_no_secret)
{
    begin();
    routes("--json", NULL, NULL, NULL, 0);
    ck_assert_ptr_null(strstr(out, "sesame"));
    unit_has(out, "[\n{\"method\":\"GET,POST\",\"path\":\"/api/:what/*rest\","
                  "\"hosts\":[],\"name\":\"say\",\"doc\":\"\",\"plugin\":\"org."
                  "etude.respond\","
                  "\"handler\":\"respond@say\","
                  "\"use\":[\"request-id\",\"limit-body\",\"access-log\"],"
                  "\"options\":{\"status\":\"200\",\"type\":\"text/\\\"x\\\"\","
                  "\"header\":\"\",\"body\":\"***\"}},\n");
    unit_has(out, "\"path\":\"/\",\"hosts\":[\"*.example.com\"],");
    unit_has(out, "{\"method\":\"GET\",\"path\":\"/"
                  "healthz\",\"hosts\":[],\"name\":\"health\","
                  "\"doc\":\"\",\"plugin\":\"\",\"handler\":\"\",\"use\":[],"
                  "\"options\":{}}\n]\n");
    server_clean(&s);
}
END_TEST

START_TEST(one_path_is_explained_step_by_step)
{
    begin();
    routes("--explain", "/api/x%20y/z/z?q", NULL, NULL, 0);
    unit_has(out, "GET /api/x%20y/z/z?q: found\nroute    say  GET,POST "
                  "/api/:what/*rest  (");
    unit_has(out, "etude.ini:");
    unit_has(out,
             "param    what = x y\nparam    rest = z/z\n"
             "req[]\n   0  request-id\n   1  limit-body\n   2  respond@say\n"
             "resp[]\n   0  request-id\nlog[]\n   0  access-log\n"
             "entry[]  steps entered -> first slot of resp[]\n"
             "   0  1\n   1  0\n   2  0\n   3  0\n");
    routes("--explain", "//a.example.com/", NULL, NULL, 0);
    unit_has(out, "GET //a.example.com/: found\nroute    there  * /");
    unit_has(out, "   1  echo  (waits for the body)\n");
    routes("--explain", "/healthz", NULL, NULL, 0);
    unit_has(out, "route    health  GET /healthz  (");
    server_clean(&s);
}
END_TEST

START_TEST(the_same_as_json)
{
    begin();
    routes("--explain", "/api/x%20y/z/z?q", "--json", NULL, 0);
    unit_has(out, "{\"method\":\"GET\",\"path\":\"/api/x%20y/z/z?q\","
                  "\"result\":\"found\",\"route\":{\"name\":\"say\","
                  "\"methods\":\"GET,POST\",\"pattern\":\"/api/:what/*rest\","
                  "\"file\":\"");
    unit_has(out, "etude.ini\",\"line\":");
    unit_has(out, "},\"params\":{\"what\":\"x y\",\"rest\":\"z/z\"},\"req\":["
                  "{\"plugin\":\"org.etude.request-id\",\"instance\":"
                  "\"request-id\",\"step\":\"");
    unit_has(out, "{\"plugin\":\"org.etude.respond\",\"instance\":"
                  "\"respond@say\",\"step\":\"respond\",\"waits_for_body\":"
                  "false}],\"resp\":[{\"plugin\":\"org.etude.request-id\",");
    unit_has(out, "],\"log\":[{\"plugin\":\"org.etude.access-log\","
                  "\"instance\":\"access-log\",\"step\":\"");
    unit_has(out, "}],\"entry\":[1,0,0,0]}\n");
    routes("--explain", "//a.example.com/", "--json", NULL, 0);
    unit_has(out, "\"step\":\"echo\",\"waits_for_body\":true}],");
    routes("--explain", "/healthz", "--json", NULL, 0);
    unit_has(out, "\"route\":{\"name\":\"health\",");
    unit_has(out, "\"req\":[{\"plugin\":\"\",\"instance\":\"health\","
                  "\"step\":\"\",\"waits_for_body\":false}],\"resp\":[],"
                  "\"log\":[],\"entry\":[0,0]}\n");
    routes("--explain", "/put", "--json", NULL, 0);
    unit_has(out, "\"result\":\"not_found\",\"route\":null,\"params\":{},"
                  "\"req\":[{\"plugin\":\"org.etude.request-id\",");
    routes("--explain", "put", "--json", NULL, 64);
    ck_assert_str_eq(out,
                     "{\"ok\":false,\"exit\":64,\"error\":\"\\\"put\\\" is "
                     "no path such as /a or //host/a\"}\n");
    server_clean(&s);
}
END_TEST

START_TEST(what_is_not_found_is_explained_too)
{
    begin();
    routes("--explain", "/", NULL, NULL, 0);
    unit_has(out, "GET /: 404: nobody serves it\nreq[]\n   0  request-id\n");
    routes("--explain", "/put", "--method", "PUT", 0);
    unit_has(out, "PUT /put: not found, but with (without) a final slash\n");
    routes("--explain", "/put/", "--method", "PURGE", 0);
    unit_has(out, "PURGE /put/: 405: the path exists, not with this method\n");
    for (int i = 0; i < 3; i++) {
        static const char *const bad[] = {"put", "/%zz", "//a.example.com"};
        char want[128];
        snprintf(want, sizeof want,
                 "etude: \"%s\" is no path such as /a or //host/a\n", bad[i]);
        ck_assert_str_eq(routes("--explain", bad[i], NULL, NULL, 64), want);
    }
    server_clean(&s);
}
END_TEST

START_TEST(who_may_change_the_body_is_told)
{
    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\nuse = filter, mark\n"
                       "[plugin filter]\n[plugin mark]\n");
    routes("--explain", "/nobody", NULL, NULL, 0);
    unit_has(out, "resp[]\n   0  mark\n   1  filter  (may change the body)\n");
    routes("--explain", "/nobody", "--json", NULL, 0);
    unit_has(out, "\"step\":\"mark\",\"may_change_body\":false},");
    unit_has(out, "\"step\":\"ask\",\"may_change_body\":true}],\"log\":[]");
    server_clean(&s);
}
END_TEST

START_TEST(a_configuration_with_errors_has_no_routes)
{
    begin();
    server_write(&s, "[server]\nlisten = 127.0.0.1:0\n[plugin nobody]\n");
    routes("--json", NULL, NULL, NULL, 78);
    unit_has(out, "[plugin nobody] there is no ");
    ck_assert_ptr_null(strstr(out, "[\n"));
    server_clean(&s);
}
END_TEST

UNIT_MAIN(describe, all_routes_stand_in_a_table,
          json_says_what_each_is_made_of_but_no_secret,
          one_path_is_explained_step_by_step, the_same_as_json,
          who_may_change_the_body_is_told, what_is_not_found_is_explained_too,
          a_configuration_with_errors_has_no_routes)
