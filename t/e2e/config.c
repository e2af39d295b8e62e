/* SPDX-License-Identifier: BSD-2-Clause */
/* config.c - what is said about a configuration that is wrong, word by word,
 * and where values come from.
 * tags: asan */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conn/h2.h"
#include "t/lib/client.h"
#include "t/lib/server.h"
#include "tls/context.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* Two lines; what a test adds to [server] begins in line 3. */
#define SERVER "[server]\nmodules = modules\n"
#define BAD "etude.ini: not usable\n"
#define GOOD "etude.ini: good\n"

static const char *const check_only[] = {"-t", NULL};

static void
prepare(struct server *s)
{
    server_prepare(s, "[server]\nlisten = 127.0.0.1:0\n");
}

/* Run -t on exactly this ini; what it says, without the folder's name. */
static const char *
said_about(struct server *s, const char *ini, int code)
{
    static char out[16384], text[16384];
    char dir[80];
    size_t n;
    char *at = out, *next, *to = text;
    int got;

    server_file(s, "etude.ini", ini);
    got = server_run(s, check_only, out, sizeof out);
    n = (size_t)snprintf(dir, sizeof dir, "%s/", s->dir);
    for (; (next = strstr(at, dir)) != NULL; at = next + n) {
        memcpy(to, at, (size_t)(next - at));
        to += next - at;
    }
    strcpy(to, at);
    ck_assert_msg(got == code, "%d, not %d:\n%s\n%s", got, code, ini, text);
    return text;
}

/* clang-format off */
static const struct {
    const char *ini, *said;
} golden[] = {
    /* The language. */
    {SERVER "workers\n",
     "etude.ini:3: expected \"key = value\" or \"[section]\", found \"workers\"\n"},
    {SERVER "[route x\n",
     "etude.ini:3: a section header without ']'\n"},
    {"workers = 1\n" SERVER,
     "etude.ini:1: a key outside a section\n"},
    {SERVER "log_level = \"info\n",
     "etude.ini:3: a quote is not closed\n"},
    {SERVER "max_body = \x01\n",
     "etude.ini:3: a control byte (0x01)\n"},
    /* Sections and keys. */
    {SERVER "[plugins hello]\n",
     "etude.ini:3: [plugins hello]: expected [server], [listen NAME], [route NAME], [scope NAME] or [plugin NAME]; did you mean \"plugin\"?\n"},
    {SERVER "wrokers = 1\n",
     "etude.ini:3: [server] wrokers: unknown key; did you mean \"workers\"?\n"},
    {SERVER "qqqqqq = 1\n",
     "etude.ini:3: [server] qqqqqq: unknown key\n"},
    {SERVER "[route]\n",
     "etude.ini:3: [route]: expected [route NAME]\n"},
    {SERVER "[route a b]\n",
     "etude.ini:3: [route a b]: a name is made of letters, digits, '-' and '_', begins with a letter or digit and has at most 64 bytes\n"},
    {SERVER "[plugin hello]\n[plugin hello]\n",
     "etude.ini:4: [plugin hello]: this section is there already, at etude.ini:3\n"},
    {SERVER "workers = 1\nworkers = 2\n",
     "etude.ini:4: [server] workers: given already, at etude.ini:3\n"},
    {SERVER "[plugin use]\nmodule = hello\n",
     "etude.ini:3: [plugin use]: an instance may not be called like the key \"use\" of a route or scope\n"},
    /* Values. */
    {SERVER "workers = many\n",
     "etude.ini:3: [server] workers: expected auto or a whole number, from 1 to 1024, found \"many\"\n"},
    {SERVER "workers = 0\n",
     "etude.ini:3: [server] workers: expected auto or a whole number, from 1 to 1024, found \"0\"\n"},
    {SERVER "max_body = 1x\n",
     "etude.ini:3: [server] max_body: expected a size such as 4096, 64k or 1MiB, at most 1024g, found \"1x\"\n"},
    {SERVER "header_timeout = 10\n",
     "etude.ini:3: [server] header_timeout: expected a time such as 250ms, 10s, 5m, 2h or 1d, from 100ms to 1h, found \"10\"\n"},
    {SERVER "balance = random\n",
     "etude.ini:3: [server] balance: expected round-robin, least-connections or hash, found \"random\"\n"},
    {SERVER "event = kqueue\n",
     "etude.ini:3: [server] event: expected auto, io_uring or epoll, found \"kqueue\"\n"},
    {SERVER "slash = redirekt\n",
     "etude.ini:3: [server] slash: expected redirect or strict, found \"redirekt\"; did you mean \"redirect\"?\n"},
    {SERVER "listen = localhost\n",
     "etude.ini:3: [server] listen: expected host:port, [v6]:port, :port, *:port or unix:/path, found \"localhost\"\n"},
    {SERVER "listen = 127.0.0.1:70000\n",
     "etude.ini:3: [server] listen: expected host:port, [v6]:port, :port, *:port or unix:/path, found \"127.0.0.1:70000\"\n"},
    {SERVER "listen = 127.0.0.1:80, 127.0.0.1:80\n",
     "etude.ini:3: 127.0.0.1:80 is listened on already, by etude.ini:3\n"},
    {SERVER "trusted_proxies = 10.0.0.0/40\n",
     "etude.ini:3: [server] trusted_proxies: expected networks such as 10.0.0.0/8 or fd00::/8, found \"10.0.0.0/40\"\n"},
    {SERVER "health = healthz\n",
     "etude.ini:3: [server] health: expected off or a request path such as /healthz, found \"healthz\"\n"},
    {SERVER "max_body = ${ETUDE_TEST_NOWHERE}\n",
     "etude.ini:3: [server] max_body: the environment variable ETUDE_TEST_NOWHERE is not set (${ETUDE_TEST_NOWHERE:-default} gives it a default)\n"},
    {SERVER "max_body = ${\n",
     "etude.ini:3: [server] max_body: expected ${NAME}, ${NAME:-default} or ${file:/path} ($${ for the two bytes), found \"${\"\n"},
    {SERVER "max_body = ${file:/nowhere/at/all}\n",
     "etude.ini:3: [server] max_body: cannot read ${file:/nowhere/at/all}: No such file or directory\n"},
    {SERVER "include = nowhere.ini\n",
     "etude.ini:3: [server] include: nowhere.ini: cannot read it: No such file or directory\n"},
    /* What would fail at start. */
    {SERVER "pid_file = /nowhere/at/all.pid\nlog = /nowhere/log\n",
     "etude.ini:3: [server] pid_file: cannot write /nowhere/at/all.pid: No such file or directory\n"
     "etude.ini:4: [server] log: cannot open /nowhere/log: No such file or directory\n"},
    /* What plugins find, each in its own way and time. */
    {SERVER "workers = 0\n[plugin respond]\nstatus = 204\nbody = x\n"
            "[plugin r2]\nmodule = respond\nheader = Connection: x\n"
            "[route a]\nmatch = GET /a\nhandler = respond\n"
            "[route b]\nmatch = GET /b\nhandler = r2\n",
     "etude.ini:3: [server] workers: expected auto or a whole number, from 1 to 1024, found \"0\"\n"
     "etude.ini:6: [plugin respond] body: an answer with status 204 has none\n"
     "etude.ini:9: [plugin r2] header: Connection belongs to the server\n"},
    /* What belongs together. */
    {SERVER "use = hello\n",
     "etude.ini:3: [server] use: there is no [plugin hello]\n"},
    {SERVER "use = hello\n[plugin hello]\n",
     "etude.ini:3: [server] use: hello has no request, response or log step, so it cannot stand in front of a handler\n"},
    {SERVER "[plugin headers]\n[route x]\nmatch = GET /x\nuse = haeders\n"
            "handler = headers\n",
     "etude.ini:6: [route x] use: there is no [plugin haeders]; did you mean \"headers\"?\n"
     "etude.ini:7: [route x] handler: headers has no handler; it is middleware for use = headers\n"},
    {SERVER "[plugin headers]\n[route x]\nmatch = GET /x\nhandler = headers\n",
     "etude.ini:6: [route x] handler: headers has no handler; it is middleware for use = headers\n"},
    {SERVER "[plugin hello]\n[route x]\nmatch = GET /x\nhandler = hello\n",
     "etude.ini:6: [route x] handler: hello has no handler of its own; name one of its routes, as in hello:NAME: hello, hello_form, hello_json\n"},
    {SERVER "[plugin hello]\n[route x]\nmatch = GET /x\nhandler = hello:helo\n",
     "etude.ini:6: [route x] handler: hello declares no route called helo; it has: hello, hello_form, hello_json\n"},
    {SERVER "[plugin hello]\n[route x]\nmatch = GET /x\n",
     "etude.ini:4: [route x] handler: missing (the instance that answers, or one of the routes it declares)\n"},
    {SERVER "[plugin hello]\n[route x]\nhandler = hello:hello\n",
     "etude.ini:4: [route x] match: missing (methods and path; :name is one segment, a final *name all the rest)\n"},
    {SERVER "[plugin echo]\n[route x]\nmatch = /x\nhandler = echo\n",
     "etude.ini:5: [route x] match: expected METHOD /path, GET,POST /path or * /path, found \"/x\"\n"},
    {SERVER "[plugin echo]\n[route x]\nmatch = get /x\nhandler = echo\n",
     "etude.ini:5: [route x] match: expected METHOD /path, GET,POST /path or * /path, found \"get /x\"\n"},
    {SERVER "[plugin echo]\n[route x]\nmatch = GET,CONNECT /x\nhandler = echo\n",
     "etude.ini:5: [route x] match: CONNECT asks for a tunnel, which this server does not open: the route is unreachable\n"},
    {SERVER "[plugin echo]\n[route x]\nmatch = GET x\nhandler = echo\n",
     "etude.ini:5: [route x] match: expected METHOD /path, GET,POST /path or * /path, found \"GET x\"\n"},
    {SERVER "[plugin echo]\n[route x]\nmatch = GET /x/*a/b\nhandler = echo\n",
     "etude.ini:5: [route x] match: \"*a\" takes all the rest: nothing can follow it\n"},
    {SERVER "[plugin echo]\n[route x]\nmatch = GET /x\nhandler = echo\n"
            "headers.set = A: b\n",
     "etude.ini:7: [route x] headers.set: there is no [plugin headers]\n"},
    {SERVER "[plugin echo]\n[route x]\nmatch = GET /x\nhandler = echo\n"
            "[route y]\nmatch = GET,POST /x\nhandler = echo\n",
     "etude.ini:8: [route y] match: GET /x is served already, as GET /x of [route x] at etude.ini:5\n"},
    {SERVER "[plugin echo]\n[route x]\nmatch = GET /a/:b\nhandler = echo\n"
            "[route y]\nmatch = GET /a/:c\nhandler = echo\n",
     "etude.ini:8: [route y] match: GET /a/:c is served already, as GET /a/:b of [route x] at etude.ini:5\n"},
    {SERVER "[scope a]\nmatch = /a/*\n[scope b]\nmatch = /a/*\n",
     "etude.ini:6: [scope b] match: /a/* is already the prefix of [scope a] at etude.ini:4\n"},
    {SERVER "health = /hello\n[plugin hello]\nmount = /\n"
            "[plugin echo]\n[route x]\nmatch = GET /hello\nhandler = echo\n",
     "etude.ini:3: [server] health: match: GET /hello is served already, as GET /hello of [route x] at etude.ini:8\n"},
    {SERVER "[listen a]\naddress = 127.0.0.1:0\ntls.key = a.pem\n",
     "etude.ini:5: [listen a] tls.key: there is no tls.certificate\n"},
    {SERVER "[listen a]\n",
     "etude.ini:3: [listen a] address: missing (as listen of [server])\n"},
    /* Plugins and their options. */
    {SERVER "[plugin helo]\n",
     "etude.ini:3: [plugin helo] there is no modules/helo.so; did you mean \"hello\"?\n"},
    {SERVER "[plugin x]\nmodule = ./hello.so\n",
     "etude.ini:4: [plugin x] there is no ./hello.so\n"},
    {SERVER "[plugin access-log]\npath = /nowhere/at/all.log\n[route x]\n"
            "match = GET /x\nuse = access-log\nhandler = hello:hello\n"
            "[plugin hello]\n",
     "etude.ini:4: [plugin access-log] path: cannot open /nowhere/at/all.log: No such file or directory\n"},
    {SERVER "[plugin hello]\nwrod = Hi\n",
     "etude.ini:4: [plugin hello] wrod: the plugin has no such option; did you mean \"word\"?\n"},
    {SERVER "[plugin hello]\ntimes = 11\n",
     "etude.ini:4: [plugin hello] times: expected a whole number, from 1 to 10, found \"11\"\n"},
    {SERVER "[plugin hello]\nshout = perhaps\n",
     "etude.ini:4: [plugin hello] shout: expected yes or no, found \"perhaps\"\n"},
    {SERVER "[plugin hello]\nword = a\nword = b\n",
     "etude.ini:5: [plugin hello] word: given already, at etude.ini:4\n"},
    {SERVER "[plugin full]\n",
     "etude.ini:3: [plugin full] other-key: missing; the same number by another name\n"},
    {SERVER "[plugin full]\nother-key = 7\n",
     "etude.ini:3: [plugin full]: number 7\n"},
    {SERVER "[plugin echo]\nshow = nothing\n",
     "etude.ini:4: [plugin echo] show: expected body or request, found \"nothing\"\n"},
    {SERVER "[plugin request-id]\nname = a b\n",
     "etude.ini:3: [plugin request-id]: \"a b\" is no header name\n"},
    {SERVER "[plugin headers]\nset = novalue\n",
     "etude.ini:4: [plugin headers] set: expected a header field \"Name: value\", found \"novalue\"\n"},
    /* Refusals by the plugin itself that name an option, and where it is. */
    {SERVER "[plugin headers]\nset = A: b\nset = Date: c\n"
            "[plugin echo]\n[route x]\nmatch = GET /x\nhandler = echo\n"
            "use = headers\n",
     "etude.ini:5: [plugin headers] set: Date belongs to the server\n"},
    {SERVER "[plugin respond]\n[route x]\nmatch = GET /x\n"
            "handler = respond\nrespond.header = A: b\n"
            "respond.header = Connection: c\n",
     "etude.ini:8: [route x] respond.header: Connection belongs to the server\n"},
    {SERVER "[plugin respond]\n[route x]\nmatch = GET /x\n"
            "handler = respond\nrespond.status = 205\nrespond.body = b\n",
     "etude.ini:8: [route x] respond.body: an answer with status 205 has none\n"},
    {SERVER "[plugin respond]\n[route x]\nmatch = GET /x\n"
            "handler = respond\nrespond.type = ${file:crlf}\n",
     "etude.ini:7: [route x] respond.type: not a header value\n"},
    {SERVER "use = access-log\n[plugin access-log]\npath = /nowhere/log\n",
     "etude.ini:5: [plugin access-log] path: cannot open /nowhere/log: No such file or directory\n"},
    {SERVER "[plugin life]\nfail = open\n[route x]\nmatch = GET /x\n"
            "handler = life:life\n",
     "etude.ini:3: plugin life: told to fail in open\n"},
    /* All of it, not the first. */
    {SERVER "workers = many\ncolour = red\n[plugin helo]\n[plugin hello]\n"
            "times = 0\nshout = perhaps\n",
     "etude.ini:3: [server] workers: expected auto or a whole number, from 1 to 1024, found \"many\"\n"
     "etude.ini:4: [server] colour: unknown key\n"
     "etude.ini:5: [plugin helo] there is no modules/helo.so; did you mean \"hello\"?\n"
     "etude.ini:7: [plugin hello] times: expected a whole number, from 1 to 10, found \"0\"\n"
     "etude.ini:8: [plugin hello] shout: expected yes or no, found \"perhaps\"\n"},
    {SERVER "[plugin echo]\n[route x]\nmatch = GET /x\nhandler = echo\n"
            "echo.show = this\n[route y]\nmatch = GET /x\nhandler = echo\n"
            "echo.show = that\n[plugin request-id]\nname = a b\n",
     "etude.ini:9: [route y] match: GET /x is served already, as GET /x of [route x] at etude.ini:5\n"
     "etude.ini:7: [route x] echo.show: expected body or request, found \"this\"\n"
     "etude.ini:11: [route y] echo.show: expected body or request, found \"that\"\n"
     "etude.ini:12: [plugin request-id]: \"a b\" is no header name\n"},
    {SERVER "use = echo, headers\n[plugin echo]\n[plugin headers]\nset = no\n",
     "etude.ini:3: [server] use: echo has no request, response or log step, so it cannot stand in front of a handler\n"
     "etude.ini:6: [plugin headers] set: expected a header field \"Name: value\", found \"no\"\n"},

    /* What a faulty route would give is not missed. */
    {SERVER "[plugin request-id]\nname = a b\n[plugin echo]\n[route x]\n"
            "match = GET x\nhandler = echo\nuse = request-id\n"
            "request-id.name = X-Id\n",
     "etude.ini:7: [route x] match: expected METHOD /path, GET,POST /path or * /path, found \"GET x\"\n"},
};
/* clang-format on */

START_TEST(every_mistake_has_its_place_and_its_words)
{
    struct server s;

    prepare(&s);
    server_file(&s, "crlf", "text/plain\r\nX-Evil: 1");
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
        const char *said = said_about(&s, golden[i].ini, 78);
        char want[4096];
        snprintf(want, sizeof want, "%s" BAD, golden[i].said);
        ck_assert_msg(strcmp(said, want) == 0, "%s\nsays\n%s\nnot\n%s",
                      golden[i].ini, said, want);
    }
    server_clean(&s);
}
END_TEST

/* More errors than are kept: both ways to print them end in how many more. */
START_TEST(errors_that_are_not_printed_are_counted)
{
    enum { KEPT = 16384, MORE = 16, LINE = 200 };
    const size_t room = (size_t)(KEPT + MORE) * LINE;
    char *ini = malloc(room), *said = malloc(room), *at = ini;
    struct server s;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n[plugin hello]\n");
    at += sprintf(at, "[server]\nlisten = 127.0.0.1:0\n");
    for (int i = 0; i < KEPT + MORE; i++)
        at += sprintf(at, "[w%d]\n", i);
    server_write(&s, ini);
    ck_assert_int_eq(server_run(&s, check_only, said, room), 78);
    ck_assert_ptr_nonnull(strstr(said, "[w16383]: expected "));
    ck_assert_ptr_null(strstr(said, "[w16384]"));
    ck_assert_ptr_nonnull(strstr(said, "\nand 16 more error(s)\n/"));
    server_signal(&s, SIGHUP);
    ck_assert_ptr_nonnull(strstr(server_wait_log(&s, "more error"),
                                 " error and 16 more error(s)"));
    server_wait_log(&s, "reload failed, 16400 error(s); generation 1 goes on");
    ck_assert_int_eq(server_stop(&s), 0);
    free(said);
    free(ini);
}
END_TEST

/* A section's keys are bounded: those beyond are errors, each in its place. */
START_TEST(keys_that_are_too_many_are_errors)
{
    enum { KEYS = 4100, LINE = 200 };
    char *ini = malloc(KEYS * LINE), *said = malloc(KEYS * LINE), *at = ini;
    struct server s;
    int n_lines = 0;

    prepare(&s);
    at += sprintf(at, SERVER);
    for (int i = 2; i <= KEYS; i++)
        at += sprintf(at, "k%d = 1\n", i);
    server_file(&s, "etude.ini", ini);
    ck_assert_int_eq(server_run(&s, check_only, said, KEYS * LINE), 78);
    for (at = said; (at = strchr(at, '\n')) != NULL; at++)
        n_lines++;
    ck_assert_int_eq(n_lines, KEYS); /* the good one aside, and BAD */
    server_clean(&s);
    free(said);
    free(ini);
}
END_TEST

START_TEST(what_may_fail_later_is_warned_of)
{
    struct server s;

    prepare(&s);
    ck_assert_str_eq(
        said_about(
            &s, SERVER "temp_dir = /nowhere\nruntime_dir = /nowhere/run\n", 0),
        "warning: etude.ini:3: [server] temp_dir: cannot write to /nowhere: No "
        "such file or directory\n"
        "warning: etude.ini:4: [server] runtime_dir: cannot write to "
        "/nowhere/run: No such file or directory\n"
        "etude.ini: good\n");
    ck_assert_ptr_nonnull(
        strstr(said_about(&s, SERVER "listen = nosuchhost.invalid:80\n", 78),
               "etude.ini:3: listen: nosuchhost.invalid: cannot be resolved"));
    server_clean(&s);
}
END_TEST

START_TEST(declared_routes_conflict_with_both_places)
{
    struct server s;
    const char *said;

    prepare(&s);
    said = said_about(&s, SERVER "[plugin pair]\n[plugin two]\nmodule = pair\n",
                      78);
    ck_assert_msg(strstr(said, "etude.ini:4: [plugin two] a (") &&
                      strstr(said, "a.c:5) match: GET /a is served already, "
                                   "as GET /a of [plugin pair] a (") &&
                      strstr(said, " at etude.ini:3\n") &&
                      strstr(said, "GET /b is served already"),
                  "%s", said);
    said_about(&s,
               SERVER "[plugin pair]\n"
                      "[plugin two]\nmodule = pair\nmount = /2\n",
               0);
    server_clean(&s);
}
END_TEST

START_TEST(the_plugin_of_higher_priority_serves_equal_routes)
{
    struct server s;
    struct client c;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n"
                     "[plugin low]\nmodule = life\nsay = low\n"
                     "[plugin high]\nmodule = life\nsay = high\npriority = 2\n"
                     "[plugin mid]\nmodule = life\nsay = mid\npriority = 1\n"
                     "host = only.example, *.wild.example\n");
    c = client_open(&s);
    client_expect(&c, GET("/life"), 200, "high");
    client_expect(&c, "GET /life HTTP/1.1\r\nHost: only.example\r\n\r\n", 200,
                  "mid");
    client_expect(&c, "GET /life HTTP/1.1\r\nHost: a.wild.example\r\n\r\n", 200,
                  "mid");
    server_write(&s, "[server]\nlisten = 127.0.0.1:0\n"
                     "[plugin low]\nmodule = life\nsay = low\n"
                     "[plugin high]\nmodule = life\nsay = high\npriority = 2\n"
                     "[plugin same]\nmodule = life\npriority = 2\n");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert(server_has_log(&s, "is served already"));
    client_expect(&c, GET("/life"), 200, "high");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(values_come_from_the_environment_and_from_files)
{
    struct server s;
    struct client c;

    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\n"
                       "[plugin respond]\n"
                       "[route a]\nmatch = GET /a\nhandler = respond\n"
                       "respond.body = ${T_WORD}, ${T_NONE:-none}, $${x}\n"
                       "[route b]\nmatch = GET /b\nhandler = respond\n"
                       "respond.body = <${file:secret}>\n");
    server_file(&s, "secret", "one\n\n");
    setenv("T_WORD", "a; word", 1);
    server_serve(&s);
    c = client_open(&s);
    client_expect(&c, GET("/a"), 200, "a; word, none, ${x}");
    client_expect(&c, GET("/b"), 200, "<one\n>");
    server_file(&s, "secret", "two");
    client_expect(&c, GET("/b"), 200, "<one\n>");
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/b"), 200, "<two>");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_secret_is_never_printed)
{
    struct server s;
    const char *said;

    prepare(&s);
    server_file(&s, "secret", "hush-hush");
    said =
        said_about(&s, SERVER "[plugin hello]\ntimes = ${file:secret}\n", 78);
    ck_assert_msg(!strstr(said, "hush"), "%s", said);
    ck_assert_msg(strstr(said, "etude.ini:4: [plugin hello] times: expected"),
                  "%s", said);
    server_clean(&s);
}
END_TEST

#define POST_5                                                                 \
    "POST /life HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n01234"

START_TEST(an_overlay_takes_the_place_of_keys)
{
    struct server s;
    struct client c;

    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\nmax_body = 4\n"
                       "[plugin life]\nsay = base\n");
    server_file(&s, "etude.production.ini",
                "[server]\nmax_body = 5\n[plugin life]\nsay = production\n"
                "[plugin hello]\n");
    setenv("ETUDE_ENV", "production", 1);
    server_serve(&s);
    c = client_open(&s);
    client_expect(&c, GET("/life"), 200, "production");
    client_expect(&c, POST_5, 200, "production 5");
    client_expect(&c, GET("/hello/a"), 200, NULL);
    server_file(&s, "etude.production.ini", "[plugin life]\nsya = x\n");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert(server_has_log(&s, "etude.production.ini:2: [plugin life] sya"));
    client_expect(&c, GET("/life"), 200, "production");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(variables_override_keys_of_the_server)
{
    struct server s;
    struct client c;
    const char *said;

    setenv("ETUDE_MAX_BODY", "4", 1);
    setenv("ETUDE_SERVER_HEADER", "", 1);
    setenv("ETUDE_PORT", "tcp://10.0.0.1:80", 1);
    setenv("ETUDE_SERVICE_HOST", "10.0.0.1", 1);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nmax_body = 5\n"
                     "[plugin life]\n");
    c = client_open(&s);
    client_expect(&c, POST_5, 413, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
    setenv("ETUDE_WORKERS", "many", 1);
    prepare(&s);
    said = said_about(&s, SERVER, 78);
    ck_assert_msg(strstr(said, "ETUDE_WORKERS") && strstr(said, "\"many\""),
                  "%s", said);
    server_clean(&s);
}
END_TEST

START_TEST(included_files_come_in_the_order_of_their_bytes)
{
    struct server s;
    char path[128];
    const char *said;

    prepare(&s);
    snprintf(path, sizeof path, "%s/conf.d", s.dir);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    server_file(&s, "conf.d/b.ini", "[plugin hello]\n");
    server_file(&s, "conf.d/B.ini", "[plugin hello]\n");
    server_file(&s, "conf.d/a10.ini", "[plugin hello]\n");
    server_file(&s, "conf.d/a9.ini", "[plugin hello]\ntimes = 0\n");
    server_file(&s, "conf.d/.hidden.ini", "nonsense\n");
    said = said_about(&s, SERVER "include = conf.d/*.ini\n", 78);
    ck_assert_str_eq(said,
                     "conf.d/a10.ini:1: [plugin hello]: this section is there "
                     "already, at conf.d/B.ini:1\n"
                     "conf.d/a9.ini:1: [plugin hello]: this section is there "
                     "already, at conf.d/B.ini:1\n"
                     "conf.d/b.ini:1: [plugin hello]: this section is there "
                     "already, at conf.d/B.ini:1\n" BAD);
    said_about(&s, SERVER "include = none.d/*.ini\n", 0);
    said = said_about(&s, SERVER "include = etude.ini\n", 78);
    ck_assert_msg(strstr(said, "etude.ini:3: "), "%s", said);
    server_clean(&s);
}
END_TEST

START_TEST(paths_start_from_the_file_they_stand_in)
{
    struct server s;
    char path[128];

    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\ninclude = sub/a.ini\n");
    snprintf(path, sizeof path, "%s/sub", s.dir);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    server_file(&s, "sub/a.ini", "[plugin answers]\nfile = it\n");
    server_file(&s, "sub/it", "in a folder");
    server_serve(&s);
    client_once(&s, GET("/file/11"), 200, "in a folder");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

#define UNUSED SERVER "[plugin idle]\nmodule = static\n"
#define NOT_OPENED                                                             \
    "warning: etude.ini:3: [plugin idle]: no route uses it: its options are "  \
    "checked, but it is not opened\n"

START_TEST(a_section_nobody_uses_is_checked_and_not_opened)
{
    static const struct {
        const char *ini, *said;
    } bad[] = {
        {UNUSED "rot = /nowhere\nroot = /\n",
         "etude.ini:5: [plugin idle] rot: the plugin has no such option; did "
         "you mean \"root\"?\n" BAD},
        {UNUSED "root = /\nlist = maybe\n",
         "etude.ini:6: [plugin idle] list: expected yes or no, found "
         "\"maybe\"\n" BAD},
        {UNUSED "root = /\nindex = a/b\n",
         "etude.ini:6: [plugin idle] index: \"a/b\" is not a name\n" BAD},
        {UNUSED "root = /\ntype = html\n",
         "etude.ini:6: [plugin idle] type: \"html\" is not a type and ends of "
         "names\n" BAD},
        {UNUSED "root = /\ncache_control = *.css\n",
         "etude.ini:6: [plugin idle] cache_control: \"*.css\" is not a pattern "
         "and a value\n" BAD},
        {UNUSED "root = /\nexpires = *.css 30\n",
         "etude.ini:6: [plugin idle] expires: \"*.css 30\" is not a pattern "
         "and a time with its unit\n" BAD},
        {UNUSED "root = /\nstate = required\n",
         "etude.ini:3: plugin idle: state = required: it hands no state "
         "over\n" BAD},
    };
    struct server s;

    prepare(&s);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_str_eq(said_about(&s, bad[i].ini, 78), bad[i].said);
    ck_assert_str_eq(said_about(&s, UNUSED "root = /nowhere\n", 0),
                     NOT_OPENED GOOD);
    /* nor is one for nothing but a section that nobody uses */
    ck_assert_str_eq(said_about(&s,
                                UNUSED "root = /nowhere\nuse = inner\n"
                                       "[plugin inner]\nmodule = headers\n",
                                0),
                     NOT_OPENED GOOD);
    server_file(&s, "etude.ini",
                "[server]\nlisten = 127.0.0.1:0\nmodules = modules\n"
                "[plugin idle]\nmodule = static\nroot = /nowhere\n"
                "[plugin hello]\n");
    server_serve(&s);
    server_wait_log(&s, ": [plugin idle]: no route uses it: ");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_section_that_something_names_is_no_matter_for_a_warning)
{
    struct server s;

    prepare(&s);
    ck_assert_str_eq(said_about(&s,
                                SERVER
                                "use = all\n[plugin all]\nmodule = headers\n"
                                "[scope a]\nmatch = /a/*\nuse = some\n"
                                "[plugin some]\nmodule = headers\n"
                                "[plugin answers]\nuse = own\n"
                                "[plugin own]\nmodule = headers\n"
                                "[route r]\nmatch = GET /r\nhandler = respond\n"
                                "[plugin respond]\n",
                                0),
                     GOOD);
    server_clean(&s);
}
END_TEST

/* Refused, not served as something else: what the configuration asks for and
 * this program does not have. */
START_TEST(what_is_not_built_is_refused_in_its_place)
{
    struct server s;

    prepare(&s);
    ck_assert_str_eq(
        said_about(&s,
                   "[server]\nlisten = 127.0.0.1:0, [::1]:0\nh2c = yes\n"
                   "[listen own]\naddress = 127.0.0.1:0\nh2c = yes\n"
                   "[listen plain]\naddress = 127.0.0.1:0\nh2c = no\n",
                   h2_is_built() ? 0 : 78),
        h2_is_built()
            ? GOOD
            : "etude.ini:3: h2c: this server is built without HTTP/2\n"
              "etude.ini:6: h2c: this server is built without HTTP/2\n" BAD);
    ck_assert_str_eq(said_about(&s,
                                "[listen a]\naddress = 127.0.0.1:0, [::1]:0\n"
                                "tls.self_signed = dev\n",
                                context_is_built() ? 0 : 78),
                     context_is_built()
                         ? GOOD
                         : "etude.ini:3: [listen a] tls.self_signed: this "
                           "server is built without TLS\n" BAD);
    server_clean(&s);
}
END_TEST

UNIT_MAIN(config, every_mistake_has_its_place_and_its_words,
          errors_that_are_not_printed_are_counted,
          keys_that_are_too_many_are_errors, what_may_fail_later_is_warned_of,
          declared_routes_conflict_with_both_places,
          the_plugin_of_higher_priority_serves_equal_routes,
          values_come_from_the_environment_and_from_files,
          a_secret_is_never_printed, an_overlay_takes_the_place_of_keys,
          variables_override_keys_of_the_server,
          included_files_come_in_the_order_of_their_bytes,
          paths_start_from_the_file_they_stand_in,
          a_section_nobody_uses_is_checked_and_not_opened,
          a_section_that_something_names_is_no_matter_for_a_warning,
          what_is_not_built_is_refused_in_its_place)
