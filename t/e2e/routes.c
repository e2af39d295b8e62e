/* SPDX-License-Identifier: BSD-2-Clause */
/* routes.c - which request meets which chain: hosts, patterns, scopes, use,
 * overrides, mounts, order, slashes, HEAD and OPTIONS.
 * tags: epoll asan */
#include <stdio.h>
#include <string.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define GET_AT(host, path) "GET " path " HTTP/1.1\r\nHost: " host "\r\n\r\n"

/* Two instances of life that mark answers, their own routes out of the way. */
#define MARKS                                                                  \
    "[plugin a]\nmodule = life\nmount = /.a\nsay = a\n"                        \
    "[plugin b]\nmodule = life\nmount = /.b\nsay = b\n"                        \
    "[plugin c]\nmodule = life\nmount = /.c\nsay = c\n"

/* All fields of that name, with commas between them; "-" if there is none. */
static const char *
fields(struct client *c, const char *request, int status, const char *name)
{
    static char all[2048];
    struct answer a;
    const char *value;
    size_t n = 0;

    client_puts(c, request);
    a = client_answer(c, strncmp(request, "HEAD ", 5) == 0);
    ck_assert_msg(a.status == status, "%s\n%d, not %d", request, a.status,
                  status);
    strcpy(all, "-");
    for (int i = 0; (value = answer_field(&a, name, i)) != NULL; i++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i ? "," : "",
                              value);
    answer_free(&a);
    return all;
}

START_TEST(hosts_exact_before_wildcard_before_none)
{
    struct server s;
    struct client c;

    server_start(
        &s, SERVER
        "[plugin respond]\n"
        "[route e]\nmatch = GET /\nhost = a.example\nhandler = respond\n"
        "respond.body = exact\n"
        "[route w]\nmatch = GET /\nhost = *.a.example\nhost = *.b.example\n"
        "handler = respond\nrespond.body = wild\n"
        "[route n]\nmatch = GET /\nmatch = GET /only\nhandler = respond\n"
        "respond.body = none\n"
        "[route l]\nmatch = GET /lonely\nhost = a.example\nhandler = "
        "respond\n");
    c = client_open(&s);
    client_expect(&c, GET_AT("a.example", "/"), 200, "exact");
    client_expect(&c, GET_AT("A.Example.:8080", "/"), 200, "exact");
    client_expect(&c, GET_AT("x.a.example", "/"), 200, "wild");
    client_expect(&c, GET_AT("x.y.B.example:1", "/"), 200, "wild");
    client_expect(&c, GET_AT("b.example", "/"), 200, "none");
    client_expect(&c, GET_AT("[::1]:80", "/"), 200, "none");
    client_expect(&c, GET_AT("a.example", "/only"), 200, "none");
    client_expect(&c, GET_AT("b.example", "/lonely"), 404, NULL);
    client_expect(&c, "GET http://a.example/ HTTP/1.1\r\nHost: z\r\n\r\n", 200,
                  "exact");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(the_most_specific_pattern_wins)
{
    struct server s;
    struct client c;

    server_start(
        &s, SERVER
        "[plugin respond]\n[plugin answers]\nfile = x\n"
        "[route s]\nmatch = GET /a/b/c\nhandler = respond\n"
        "respond.body = static\n"
        "[route p]\nmatch = GET /a/:x/c\nhandler = respond\n"
        "respond.body = param\n"
        "[route t]\nmatch = GET /a/*rest\nhandler = respond\n"
        "respond.body = tail\n"
        "[route m]\nmatch = POST /a/b/d\nhandler = respond\n"
        "respond.body = post\n"
        "[route q]\nmatch = GET /swap/:two/:one\nhandler = answers:params\n");
    c = client_open(&s);
    client_expect(&c, GET("/a/b/c"), 200, "static");
    client_expect(&c, GET("/a/z/c"), 200, "param");
    client_expect(&c, GET("/a/b/d"), 200, "tail"); /* POST's path, not GET's */
    client_expect(&c, GET("/a/z/c/"), 200, "tail");
    client_expect(&c, GET("/a/"), 200, "tail");
    client_expect(&c, GET("/a/b/./x/../c"), 200, "static");
    client_expect(&c, GET("/%61/b/c"), 200, "static");
    client_expect(&c, GET("/p/1%2F2/%20%61"), 200, "[1%2F2] [ a] /p/1%2F2/ a");
    client_expect(&c, GET("/swap/2/1"), 200, "[1] [2] /swap/2/1");
    client_expect(&c, GET("//a/b/c"), 404, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(methods_are_told_apart)
{
    struct server s;
    struct client c;

    if (transport_here()->is_h2) /* a request has another form */
        return;
    server_start(
        &s, SERVER
        "[plugin echo]\n[plugin respond]\n"
        "[route g]\nmatch = GET /g\nhandler = respond\nrespond.body = got\n"
        "[route p]\nmatch = POST,PURGE /g\nhandler = echo\n"
        "[route any]\nmatch = * /any\nhandler = echo\necho.show = request\n");
    c = client_open(&s);
    client_expect(&c, GET("/g"), 200, "got");
    ck_assert_str_eq(fields(&c, "HEAD /g HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                            "content-length"),
                     "3");
    ck_assert_str_eq(fields(&c,
                            "PUT /g HTTP/1.1\r\nHost: x\r\n"
                            "Content-Length: 0\r\n\r\n",
                            405, "allow"),
                     "GET, HEAD, POST, OPTIONS, PURGE");
    ck_assert_str_eq(
        fields(&c, "OPTIONS /g HTTP/1.1\r\nHost: x\r\n\r\n", 204, "allow"),
        "GET, HEAD, POST, OPTIONS, PURGE");
    client_expect(&c, "PURGE /g HTTP/1.1\r\nHost: x\r\n\r\n", 200, "");
    client_expect(&c, "WHATEVER /any HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    client_expect(&c, "OPTIONS /any HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "OPTIONS /any HTTP/1.1\nHost: x\n");
    client_expect(&c, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 204, NULL);
    client_expect(&c, "DELETE /none HTTP/1.1\r\nHost: x\r\n\r\n", 404, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(middleware_runs_by_server_scope_and_route_and_for_misses)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER
                 "use = a\n" MARKS "[plugin respond]\n"
                 "[scope s]\nmatch = /api/*\nuse = b\n"
                 "[scope h]\nmatch = /api/*\nhost = h.example\nuse = d\n"
                 "[plugin d]\nmodule = life\nmount = /.d\nsay = d\n"
                 "[route in]\nmatch = GET /api/x\nuse = c\nhandler = respond\n"
                 "[route out]\nmatch = GET /out\nhandler = respond\n"
                 "[route hosted]\nmatch = GET /api/y\nhost = h.example\n"
                 "handler = respond\n");
    c = client_open(&s);
    /* Response steps run from the inside out. */
    ck_assert_str_eq(fields(&c, GET("/api/x"), 200, "x-life"), "c,b,a");
    ck_assert_str_eq(fields(&c, GET("/out"), 200, "x-life"), "a");
    ck_assert_str_eq(fields(&c, GET("/no"), 404, "x-life"), "a");
    ck_assert_str_eq(fields(&c, GET("/api/no"), 404, "x-life"), "b,a");
    ck_assert_str_eq(fields(&c, GET("/api"), 404, "x-life"), "b,a");
    ck_assert_str_eq(fields(&c, GET("/apis"), 404, "x-life"), "a");
    ck_assert_str_eq(fields(&c,
                            "PUT /api/x HTTP/1.1\r\nHost: x\r\n"
                            "Content-Length: 0\r\n\r\n",
                            405, "x-life"),
                     "b,a");
    ck_assert_str_eq(
        fields(&c, "OPTIONS /api/x HTTP/1.1\r\nHost: x\r\n\r\n", 204, "x-life"),
        "b,a");
    ck_assert_str_eq(fields(&c, GET_AT("h.example", "/api/y"), 200, "x-life"),
                     "d,b,a");
    ck_assert_str_eq(fields(&c, GET_AT("h.example", "/api/n"), 404, "x-life"),
                     "d,b,a");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_step_that_answers_ends_the_walk)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER
                 "use = a\n" MARKS "[plugin respond]\n"
                 "[plugin deny]\n[route x]\nmatch = GET /x\nuse = b, deny, c\n"
                 "handler = respond\n");
    c = client_open(&s);
    ck_assert_str_eq(fields(&c, GET("/x"), 401, "x-life"), "b,a");
    ck_assert_str_eq(fields(&c, GET("/x"), 401, "x-denier"), "saw it");
    ck_assert_str_eq(fields(&c,
                            "GET /x HTTP/1.1\r\nHost: x\r\n"
                            "Authorization: y\r\n\r\n",
                            200, "x-life"),
                     "c,b,a");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static int
n_logged(struct server *s, const char *text)
{
    char line[1024];
    FILE *f = fopen(s->log_path, "re");
    int n = 0;

    while (f && fgets(line, sizeof line, f))
        n += strstr(line, text) != NULL;
    if (f)
        fclose(f);
    return n;
}

START_TEST(options_are_overridden_from_the_outside_in)
{
    struct server s;
    struct client c;

    server_start(
        &s, SERVER
        "use = a\n" MARKS "[plugin respond]\n"
        "[scope s]\nmatch = /s/*\na.say = scope\n"
        "[scope i]\nmatch = /s/i/*\na.say = inner\n"
        "[route one]\nmatch = GET /one\nhandler = respond\na.say = route\n"
        "[route two]\nmatch = GET /two\nhandler = respond\na.say = route\n"
        "[route s]\nmatch = GET /s/x\nhandler = respond\n"
        "[route i]\nmatch = GET /s/i/x\nhandler = respond\n"
        "[route r]\nmatch = GET /s/i/r\nhandler = respond\na.say = own\n"
        "[route d]\nmatch = GET /d\nhandler = respond\n");
    c = client_open(&s);
    ck_assert_str_eq(fields(&c, GET("/d"), 200, "x-life"), "a");
    ck_assert_str_eq(fields(&c, GET("/one"), 200, "x-life"), "route");
    ck_assert_str_eq(fields(&c, GET("/two"), 200, "x-life"), "route");
    ck_assert_str_eq(fields(&c, GET("/s/x"), 200, "x-life"), "scope");
    ck_assert_str_eq(fields(&c, GET("/s/none"), 404, "x-life"), "scope");
    ck_assert_str_eq(fields(&c, GET("/s/i/x"), 200, "x-life"), "inner");
    ck_assert_str_eq(fields(&c, GET("/s/i/r"), 200, "x-life"), "own");
    /* Equal values share an instance. */
    ck_assert_int_eq(n_logged(&s, "life: open route"), 1);
    ck_assert_int_eq(n_logged(&s, "life: open a"), 1);
    ck_assert_int_eq(n_logged(&s, "life: open inner"), 1);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(limits_are_a_routes_own)
{
    struct server s;
    struct client c;

    server_start(
        &s, SERVER
        "max_body = 4\n[plugin echo]\n"
        "[route up]\nmatch = POST /up\nhandler = echo\nmax_body = 6\n"
        "[route down]\nmatch = POST /down\nhandler = echo\nmax_body = 2\n"
        "[route as]\nmatch = POST /as\nhandler = echo\n");
    c = client_open(&s);
    client_expect(&c,
                  "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n"
                  "\r\n123456",
                  200, "123456");
    client_expect(&c,
                  "POST /as HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
                  "\r\n1234",
                  200, "1234");
    client_expect(&c,
                  "POST /down HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                  "\r\n123",
                  413, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(declared_routes_are_mounted_hosted_and_bound_elsewhere)
{
    struct server s;
    struct client c;

    server_start(
        &s, SERVER
        "[plugin a]\nmodule = life\nmount = /.a\n"
        "[plugin hello]\nmount = /v1\nuse = a\n"
        "[plugin life]\nhost = only.example\n"
        "[route elsewhere]\nmatch = GET /other/:name\nhandler = hello:hello\n"
        "hello.word = Bye\n");
    c = client_open(&s);
    client_expect(&c, GET("/hello/you"), 404, NULL);
    client_expect(&c, GET("/v1/hello/you"), 200, "Hello, you!\n");
    ck_assert_str_eq(fields(&c, GET("/v1/hello/you"), 200, "x-life"), "life");
    client_expect(&c, GET("/other/you"), 200, "Bye, you!\n");
    ck_assert_str_eq(fields(&c, GET("/other/you"), 200, "x-life"), "-");
    client_expect(&c, GET("/life"), 404, NULL);
    client_expect(&c, GET_AT("only.example", "/life"), 200, "life");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Each of these must not be taken. */
static const struct {
    const char *ini, *said;
} wrong[] = {
    {SERVER "use = a, a\n" MARKS, "[server] use: "},
    {SERVER "use = a\n" MARKS "[scope s]\nmatch = /s/*\nuse = a\n",
     "[scope s] use: a stands twice in one chain"},
    {SERVER "use = a\n" MARKS "[plugin respond]\n[route r]\nmatch = GET /r\n"
            "use = a\nhandler = respond\n",
     "[route r] use: a stands twice in one chain"},
    {SERVER "use = order, a\n" MARKS "[plugin order]\n[plugin respond]\n"
            "[route r]\nmatch = GET /r\nhandler = respond\n",
     "etude.ini:6: org.etude.test.order must come after org.etude.test.life"},
    {SERVER MARKS
     "[plugin order]\n[plugin deny]\n[plugin respond]\n"
     "[route r]\nmatch = GET /r\nuse = deny, order\nhandler = respond\n",
     "org.etude.test.order must come before org.etude.test.deny, but stands "
     "after it"},
};

START_TEST(chains_that_make_no_sense_are_refused)
{
    struct server s;
    char out[8192], command[128];
    const char *check[] = {"-t", NULL};

    server_prepare(&s, SERVER "use = a, order\n" MARKS "[plugin order]\n"
                              "[plugin deny]\n[plugin respond]\n[route r]\n"
                              "match = GET /r\nuse = deny\n"
                              "handler = respond\n");
    ck_assert_msg(server_run(&s, check, out, sizeof out) == 0, "%s", out);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *first;
        server_write(&s, wrong[i].ini);
        ck_assert_int_eq(server_run(&s, check, out, sizeof out), 78);
        first = strstr(out, wrong[i].said);
        ck_assert_msg(first != NULL, "not \"%s\" but %s", wrong[i].said, out);
        ck_assert_msg(strstr(out, "etude.ini:"), "no place: %s", out);
        ck_assert_msg(!strstr(first + 1, wrong[i].said), "said twice: %s", out);
    }
    snprintf(command, sizeof command, "rm -r %s", s.dir);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(the_final_slash_redirects_or_not)
{
    struct server s;
    struct client c;

    server_start(&s,
                 SERVER "[plugin respond]\n"
                        "[route f]\nmatch = GET,POST /file\nhandler = respond\n"
                        "[route d]\nmatch = GET /dir/\nhandler = respond\n");
    c = client_open(&s);
    ck_assert_str_eq(fields(&c, GET("/file/?a=b"), 308, "location"),
                     "/file?a=b");
    ck_assert_str_eq(fields(&c,
                            "POST /file/ HTTP/1.1\r\nHost: x\r\n"
                            "Content-Length: 2\r\n\r\nab",
                            308, "location"),
                     "/file");
    ck_assert_str_eq(fields(&c, GET("/dir"), 308, "location"), "/dir/");
    client_expect(&c, GET("/file"), 200, NULL);
    client_expect(&c, GET("/dir/"), 200, NULL);
    server_write(&s,
                 SERVER "slash = strict\n[plugin respond]\n"
                        "[route f]\nmatch = GET /file\nhandler = respond\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/file/"), 404, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(health_and_ready_stand_before_every_chain)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER "health = /healthz\nready = /readyz\nuse = deny\n"
                            "[plugin deny]\n");
    c = client_open(&s);
    client_expect(&c, GET("/healthz"), 200, NULL);
    client_expect(&c, GET("/readyz"), 200, NULL);
    client_expect(&c, GET("/other"), 401, NULL);
    ck_assert_str_eq(fields(&c, GET("/healthz"), 200, "x-denier"), "-");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(routes, hosts_exact_before_wildcard_before_none,
          the_most_specific_pattern_wins, methods_are_told_apart,
          middleware_runs_by_server_scope_and_route_and_for_misses,
          a_step_that_answers_ends_the_walk,
          options_are_overridden_from_the_outside_in, limits_are_a_routes_own,
          declared_routes_are_mounted_hosted_and_bound_elsewhere,
          chains_that_make_no_sense_are_refused,
          the_final_slash_redirects_or_not,
          health_and_ready_stand_before_every_chain)
