/* SPDX-License-Identifier: BSD-2-Clause */
/* admin.c - orders to a server that runs, by its socket and by `etude`: each
 * test with and without a supervisor.
 * tags: epoll tsan */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/admin.h"
#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nruntime_dir = $DIR\n"        \
    "supervise = ${T_SUPERVISE}\n"
#define ORDERS SERVER "[plugin orders]\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static struct server s;
static char out[1 << 18];

/* The nth time a test runs. */
static void
supervise(int n)
{
    ck_assert_int_eq(setenv("T_SUPERVISE", n ? "yes" : "no", 1), 0);
}

static void
serve(int n, const char *ini)
{
    supervise(n);
    server_start(&s, ini);
}

/* ---- `etude` -------------------------------------------------------------*/

/* Run `etude ARGS` with the server's configuration; its output. */
static const char *
etude(int code, const char *a, const char *b, const char *c, const char *d)
{
    const char *args[] = {a, b, c, d};

    return admin_run(&s, code, args, out, sizeof out);
}

/* ---- the socket ----------------------------------------------------------*/

static const char *
hear(struct client *c)
{
    return admin_hear(c, out, sizeof out);
}

static const char *
ask(const char *line)
{
    return admin_ask(&s, line, out, sizeof out);
}

/* The number behind "name": in out, the nth (from 0). */
static long long
number(const char *name, int nth)
{
    char key[64];
    const char *at = out;
    int n = snprintf(key, sizeof key, "\"%s\":", name);

    do {
        at = strstr(at, key);
        ck_assert_msg(at != NULL, "no %s in %s", key, out);
        at += n;
    } while (nth-- > 0);
    return strtoll(at, NULL, 10);
}

/* ---- tests ---------------------------------------------------------------*/

START_TEST(status_says_how_it_is)
{
    char path[160];
    struct client c[8];
    struct stat st;

    serve(_i, ORDERS "[plugin more]\nmodule = orders\nmount = /more\n");
    snprintf(path, sizeof path, "%s/etude.sock", s.dir);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert(S_ISSOCK(st.st_mode));
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    for (int i = 0; i < 8; i++) {
        c[i] = client_open(&s);
        client_expect(&c[i], GET("/orders"), 200, "orders");
        client_expect(&c[i], GET("/more/orders"), 200, "orders");
    }
    ask("{\"command\":\"status\"}\n");
    ck_assert_msg(strncmp(out, "{\"ok\":true,\"version\":\"", 22) == 0, "%s",
                  out);
    ck_assert_int_eq(number("pid", 0), s.pid);
    ck_assert_int_eq(number("supervisor", 0), _i ? s.pid : 0);
    ck_assert_int_eq(number("generation", 0), 1);
    ck_assert_int_eq(number("generations_alive", 0), 1);
    ck_assert_int_gt(number("memory_bytes", 0), 1 << 20);
    ck_assert_int_eq(number("connections", 0), 4);
    ck_assert_int_eq(number("connections", 1), 4);
    ck_assert_int_eq(number("accepted", 1), 4);
    ck_assert_int_eq(number("requests", 0) + number("requests", 1), 16);
    ck_assert_int_eq(number("images_mapped", 0), 1);
    unit_has(out, "\"state\":\"serving\"");
    unit_has(out, s.conf);
    unit_has(out, server_event());
    unit_has(out, "\"id\":\"org.etude.test.orders\",\"version\":\"1.0.0\"");
    unit_has(out, "\"instances\":[\"orders\",\"more\"]}]");
    unit_has(out, "\"last_reload\":null,");
    for (int i = 0; i < 8; i++)
        client_close(&c[i]);
    etude(0, "status", NULL, NULL, NULL);
    unit_has(out, ", serving, up ");
    unit_has(out, "last reload none\n");
    unit_has(out, "\n     1 ");
    unit_has(out, "orders, more\n");
    etude(0, "status", "--json", NULL, NULL);
    unit_has(out, "{\"ok\":true,\"version\":");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A step that blocks its worker is the longest turn. */
START_TEST(a_turn_that_is_long_is_told)
{
    serve(_i, SERVER "[plugin slow]\n");
    client_once(&s, GET("/slow/200"), 200, "slept");
    do /* the answer may be out before the turn is over */
        ask("{\"command\":\"status\"}\n");
    while (number("worst_turn_us", 0) + number("worst_turn_us", 1) < 100000);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* While it blocks, too: longer than this test may take. */
START_TEST(so_is_one_that_lasts)
{
    struct client c;

    serve(_i, SERVER "[plugin slow]\n");
    c = client_open(&s);
    client_puts(&c, GET("/slow/60000"));
    do
        ask("{\"command\":\"status\"}\n");
    while (number("worst_turn_us", 0) + number("worst_turn_us", 1) < 100000);
    server_signal(&s, SIGKILL);
    ck_assert_int_eq(server_wait(&s), 128 + SIGKILL);
    client_close(&c);
}
END_TEST

START_TEST(a_reload_says_what_became_of_it)
{
    serve(_i, ORDERS);
    etude(0, "reload", NULL, NULL, NULL);
    unit_has(out, "generation 2 serves: nothing that serves has changed; ");
    server_write(&s, ORDERS "[plugin hello]\n");
    etude(0, "reload", "--json", NULL, NULL);
    unit_has(out, "{\"ok\":true,\"generation\":3,\"summary\":\"plugins "
                  "org.etude.hello 1.0.0 new; routes 4 added; ");
    unit_has(out, "\"warnings\":[]}\n");
    etude(0, "status", NULL, NULL, NULL);
    unit_has(out, ", good after ");
    unit_has(out, "routes 4 added");
    server_write(&s, SERVER "nonsense = 1\n[plugin nobody]\n[route x]\n");
    etude(1, "reload", NULL, NULL, NULL);
    unit_has(out, "etude.ini:9: [server] nonsense");
    unit_has(out, "etude.ini:10: [plugin nobody]");
    unit_has(out, "etude.ini:11: [route x]");
    etude(1, "reload", "--json", NULL, NULL);
    unit_has(out, "{\"ok\":false,\"exit\":1,\"generation\":3,\"errors\":[\"");
    unit_has(out, ":11: [route x]");
    etude(0, "status", NULL, NULL, NULL);
    unit_has(out, ", failed");
    unit_has(out, "\n            ");
    unit_has(out, "etude.ini:10: [plugin nobody]");
    ask("{\"command\":\"status\"}\n");
    unit_has(out, "\"last_reload\":{\"at\":\"2");
    unit_has(out, "\"ok\":false,");
    ck_assert_int_eq(number("generation", 0), 3);
    client_once(&s, GET("/orders"), 200, "orders");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Who asks while one is under way is answered by the next one, which begins to
 * read after that. */
START_TEST(reloads_that_overlap_are_merged)
{
    struct client first, second, third;

    serve(_i, SERVER "[plugin life]\nsay = one\n");
    server_write(&s, SERVER "[plugin life]\nsay = two\n"
                            "[plugin keeper]\ninit_ms = 300ms\n");
    first = admin_client(&s);
    second = admin_client(&s);
    third = admin_client(&s);
    client_puts(&first, "{\"command\":\"reload\"}\n");
    server_wait_log(&s, "init takes its time");
    server_write(&s, SERVER "[plugin life]\nsay = three\n"
                            "[plugin keeper]\ninit_ms = 300ms\n");
    client_puts(&second, "{\"command\":\"reload\"}\n");
    client_puts(&third, "{\"command\":\"reload\",\"text\":true}\n");
    ask("{\"command\":\"status\"}\n"); /* which waits for nobody */
    unit_has(out, "\"state\":\"reloading\"");
    ck_assert_int_eq(number("generation", 0), 1);
    hear(&first);
    ck_assert_int_eq(number("generation", 0), 2);
    hear(&second);
    ck_assert_int_eq(number("generation", 0), 3);
    hear(&third);
    ck_assert_int_eq(number("generation", 0), 3);
    client_once(&s, GET("/life"), 200, "three");
    ask("{\"command\":\"status\"}\n");
    ck_assert_int_eq(number("generation", 0), 3);
    client_close(&first);
    client_close(&second);
    client_close(&third);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* All of a fleet's tools at once: nobody is turned away. */
START_TEST(so_are_those_of_many)
{
    enum { N = 60 };
    struct client c[N];

    serve(_i, ORDERS);
    for (int i = 0; i < N; i++)
        c[i] = admin_client(&s);
    for (int i = 0; i < N; i++)
        client_puts(&c[i], "{\"command\":\"reload\"}\n");
    for (int i = 0; i < N; i++) {
        unit_has(hear(&c[i]), "{\"ok\":true,");
        client_close(&c[i]);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_reload_is_not_waited_for_for_ever)
{
    serve(_i, SERVER "reload_timeout = 100ms\n[plugin life]\n");
    server_write(&s, SERVER "[plugin life]\nsay = two\n"
                            "[plugin keeper]\ninit_ms = 1s\n");
    etude(69, "reload", NULL, NULL, NULL);
    unit_has(out, "the reload is not over after reload_timeout (100 ms)");
    server_wait_log(&s, "generation 2 serves");
    client_once(&s, GET("/life"), 200, "two");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The process is gone when it returns, and what was in flight is answered. */
START_TEST(a_stop_waits_for_the_end)
{
    char path[160];
    struct client c;
    int status;

    serve(_i, SERVER "[plugin slow]\n");
    c = client_open(&s);
    client_puts(&c, GET("/slow/300"));
    server_wait_log(&s, "slow: begins");
    etude(0, "stop", NULL, NULL, NULL);
    ck_assert_int_eq(waitpid(s.pid, &status, WNOHANG), s.pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    snprintf(path, sizeof path, "%s/etude.sock", s.dir);
    ck_assert_int_ne(access(path, F_OK), 0);
    client_take(&c, 0, 200, "slept");
    client_close(&c);
    etude(69, "stop", NULL, NULL, NULL);
    unit_has(out, "etude.sock: no server runs there (");
    server_clean(&s);
}
END_TEST

/* Who asked for it is told as the process's parent is. */
START_TEST(a_stop_that_cuts_something_off_says_so)
{
    struct client c, other;
    int status;

    serve(_i, SERVER "drain_timeout = 2s\n[plugin life]\n");
    c = client_open(&s);
    client_puts(&c, "POST /life HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                    "Content-Length: 4\r\n\r\n");
    client_take(&c, 0, 100, NULL);
    other = admin_client(&s);
    client_puts(&other, "{\"command\":\"stop\"}\n");
    unit_has(hear(&other), "{\"ok\":true,\"pid\":");
    etude(3, "stop", NULL, NULL, NULL);
    unit_has(out, "drain_timeout");
    unit_has(hear(&other), "{\"ok\":false,\"exit\":3,");
    ck_assert(client_is_closed(&other));
    client_close(&other);
    ck_assert_int_eq(waitpid(s.pid, &status, 0), s.pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    client_close(&c);
    server_clean(&s);
}
END_TEST

START_TEST(a_stop_ends_the_wait_for_a_reload)
{
    struct client c, next;

    serve(_i, SERVER "[plugin life]\n");
    server_write(&s, SERVER "[plugin keeper]\ninit_ms = 500ms\n");
    c = admin_client(&s);
    next = admin_client(&s);
    client_puts(&c, "{\"command\":\"reload\"}\n");
    server_wait_log(&s, "init takes its time");
    client_puts(&next, "{\"command\":\"reload\"}\n");
    ask("{\"command\":\"status\"}\n");
    server_signal(&s, SIGTERM);
    for (int i = 0; i < 2; i++) {
        unit_has(hear(i ? &next : &c), "{\"ok\":false,\"exit\":1,");
        unit_has(out, "the server is to stop");
    }
    client_close(&c);
    client_close(&next);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

/* Signals that follow each other cut everything off. */
START_TEST(an_end_at_once_leaves_no_socket)
{
    char path[160];
    struct client c;
    int status;

    serve(_i, SERVER "[plugin slow]\n");
    c = client_open(&s);
    client_puts(&c, GET("/slow/20000"));
    server_wait_log(&s, "slow: begins");
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopping: ");
    server_signal(&s, SIGINT);
    ck_assert_int_eq(waitpid(s.pid, &status, 0), s.pid);
    ck_assert_int_eq(status, 3 << 8);
    snprintf(path, sizeof path, "%s/etude.sock", s.dir);
    ck_assert_int_ne(access(path, F_OK), 0);
    client_close(&c);
    server_clean(&s);
}
END_TEST

START_TEST(garbage_is_refused)
{
    static const char *const lines[][2] = {
        {"\x01\xff\n", "this is no JSON object"},
        {"GET / HTTP/1.1\n", "this is no JSON object"},
        {"{\"command\":\"status\"\n", "this is no JSON object"},
        {"{}\n", "a command is missing"},
        {"{\"command\":1}\n", "a member is not of its type"},
        {"{\"command\":\"command\",\"args\":\"a\"}\n",
         "a member is not of its type"},
        {"{\"command\":\"dance\"}\n", "\\\"dance\\\" is no command"},
        {"{\"command\":\"command\"}\n", "plugin or name is missing"},
        {"{\"command\":\"routes\",\"path\":\"a\"}\n",
         "\\\"a\\\" is no path such as /a or //host/a"},
    };
    struct client c;

    serve(_i, ORDERS);
    c = admin_client(&s);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        client_puts(&c, lines[i][0]);
        unit_has(hear(&c), "{\"ok\":false,\"exit\":");
        unit_has(out, lines[i][1]);
    }
    if (_i == 0) {
        client_puts(&c, "{\"command\":\"upgrade\"}\n");
        unit_has(hear(&c), "there is no supervisor");
    }
    /* Several in one packet, and half a one: answered in order. */
    client_puts(&c, "nonsense\n{\"command\":\"reopen\"}\n{\"command\":");
    unit_has(hear(&c), "no JSON object");
    unit_has(hear(&c), "{\"ok\":true,\"pid\":");
    client_puts(&c, "\"routes\"}\n");
    unit_has(hear(&c), "{\"ok\":true,\"generation\":1,\"routes\":[");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(routes_and_plugins_are_those_that_serve)
{
    serve(_i, ORDERS "[plugin unused]\nmodule = hello\n"
                     "[scope all]\nmatch = /*\nuse = request-id\n"
                     "[plugin request-id]\n");
    server_write(&s, SERVER "[plugin hello]\n");
    etude(0, "routes", NULL, NULL, NULL); /* of the files */
    unit_has(out, "/hello");
    ck_assert_ptr_null(strstr(out, "/orders"));
    etude(0, "routes", "--live", NULL, NULL);
    unit_has(out, "METHOD       PATH ");
    unit_has(out, "GET          /orders ");
    etude(0, "routes", "--live", "--explain", "/orders");
    unit_has(out, "GET /orders: found\nroute    orders_get  GET /orders  (");
    unit_has(out, "   0  request-id\n");
    ask("{\"command\":\"routes\",\"path\":\"/orders\"}\n");
    unit_has(out, "{\"ok\":true,\"generation\":1,\"explained\":{\"method\":"
                  "\"GET\",\"path\":\"/orders\",\"result\":\"found\",");
    unit_has(out, "{\"plugin\":\"org.etude.test.orders\",\"instance\":"
                  "\"orders\",\"step\":\"orders_get\",");
    etude(64, "routes", "--live", "--explain", "orders");
    etude(0, "plugins", "--live", NULL, NULL);
    unit_has(out, "org.etude.test.orders ");
    ask("{\"command\":\"plugins\"}\n");
    unit_has(out, "{\"ok\":true,\"generation\":1,\"plugins\":[ "
                  "{\"sections\":[\"orders\"],");
    unit_has(out, "\"sha256\":\"");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_plugin_takes_orders)
{
    char path[160];

    serve(_i, ORDERS "say = o\n[plugin hello]\n");
    etude(0, "command", "orders", "say", NULL);
    ck_assert_str_eq(out, "worker 0: o 1 \nworker 1: o 1 \n");
    ask("{\"command\":\"command\",\"plugin\":\"orders\",\"name\":\"say\","
        "\"args\":[\"a\",\"\",\"b c\"]}\n");
    ck_assert_str_eq(out, "{\"ok\":true,\"workers\":[{\"worker\":0,\"result\":"
                          "0,\"text\":\"o 2 a  b c\"},{\"worker\":1,"
                          "\"result\":0,\"text\":\"o 2 a  b c\"}]}\n");
    server_wait_log(&s, "orders: was asked");
    etude(1, "command", "orders", "fail", NULL);
    unit_has(out, "worker 0: failed (-4): no\nworker 1: failed (-4): no\n");
    unit_has(out, "etude: 2 worker(s) failed\n");
    etude(0, "command", "orders", "odd", NULL);
    unit_has(out, "worker 0: a?b\xef\xbf\xbd\n\"c\"\n");
    ask("{\"command\":\"command\",\"plugin\":\"orders\",\"name\":\"much\"}\n");
    unit_has(out, "\"result\":0,\"cut\":true,\"text\":\"mmmm");
    ck_assert_uint_gt(strlen(out), 2 * 65536);
    ck_assert_uint_lt(strlen(out), 2 * 65536 + 300);
    etude(64, "command", "nobody", "say", NULL);
    unit_has(out, "no instance \"nobody\" serves, or several of it; those "
                  "with commands: orders\n");
    etude(64, "command", "orders", "dance", NULL);
    unit_has(out, "orders has no command \"dance\"; it has: ");
    unit_has(out, "much");
    etude(64, "command", "hello", "say", NULL);
    unit_has(out, "hello has no command \"say\"; it has: none\n");
    /* What a reload keeps is the same one; what it makes anew is not. */
    server_write(&s, ORDERS "say = p\n");
    ck_assert_int_eq(server_reload(&s), 1);
    etude(0, "command", "orders", "say", NULL);
    unit_has(out, "worker 0: p 1 \n");
    snprintf(path, sizeof path, "%s/etude.ini", s.dir);
    etude(0, "command", "orders", "wait", path);
    unit_has(out, "worker 0: there\nworker 1: there\n");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A worker that is held keeps the order, and nobody waits for it. */
START_TEST(a_worker_that_is_held_is_not_waited_for)
{
    char path[160];

    serve(_i, SERVER "prepare_timeout = 100ms\n[plugin orders]\n");
    snprintf(path, sizeof path, "%s/there", s.dir);
    etude(69, "command", "orders", "wait", path);
    unit_has(out, "a worker does not answer");
    ask("{\"command\":\"status\"}\n");
    server_file(&s, "there", "");
    etude(0, "command", "orders", "wait", path);
    unit_has(out, "worker 1: there\n");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The process ends while an order is out. */
START_TEST(a_stop_leaves_no_order_behind)
{
    char path[160], line[512];
    struct client c;

    serve(_i, ORDERS);
    snprintf(path, sizeof path, "%s/there", s.dir);
    snprintf(line, sizeof line,
             "{\"command\":\"command\",\"plugin\":\"orders\",\"name\":\"wait\","
             "\"args\":[\"%s\"]}\n",
             path);
    c = admin_client(&s);
    client_puts(&c, line);
    ask("{\"command\":\"status\"}\n");
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopping: ");
    server_file(&s, "there", "");
    ck_assert_int_eq(server_wait(&s), 0);
    client_close(&c);
}
END_TEST

/* Many at once, while requests come and reloads too. */
static void *
ask_often(void *arg)
{
    static const char *const lines[] = {
        "{\"command\":\"status\"}\n",
        "{\"command\":\"routes\"}\n",
        "{\"command\":\"reload\"}\n",
        "{\"command\":\"plugins\",\"text\":true}\n",
        "{\"command\":\"command\",\"plugin\":\"orders\",\"name\":\"say\"}\n",
    };
    struct client c = admin_client(&s);
    char byte;

    for (int i = 0; i < 100; i++) {
        client_puts(&c, lines[(i + (int)(intptr_t)arg) % 5]);
        do
            UNIT_HOLDS(recv(c.fd, &byte, 1, 0) == 1);
        while (byte != '\n');
    }
    client_close(&c);
    return NULL;
}

START_TEST(many_ask_at_once)
{
    pthread_t threads[10];
    struct client c;

    serve(_i, ORDERS);
    for (intptr_t i = 0; i < 10; i++)
        pthread_create(&threads[i], NULL, ask_often, (void *)i);
    c = client_open(&s);
    for (int i = 0; i < 2000; i++)
        client_expect(&c, GET("/orders"), 200, "orders");
    client_close(&c);
    for (int i = 0; i < 10; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(the_socket_is_found_whatever_the_files_say)
{
    char path[160];

    serve(_i, ORDERS);
    server_write(&s, SERVER "nonsense\n[broken\n");
    etude(1, "reload", NULL, NULL, NULL);
    etude(0, "status", NULL, NULL, NULL);
    snprintf(path, sizeof path, "%s/etude.sock", s.dir);
    server_write(&s, "[server]\nrun");
    etude(0, "status", "-s", path, NULL);
    server_write(&s, SERVER "admin = off\n");
    etude(69, "status", NULL, NULL, NULL);
    unit_has(out, "[server] admin is off\n");
    etude(69, "status", "-s", "/nowhere/sock", NULL);
    server_write(&s, SERVER "admin = $DIR/other\n");
    etude(69, "status", NULL, NULL, NULL);
    unit_has(out,
             "/other: no server runs there (has the configuration's admin ");
    unit_has(out, " -s SOCKET says where it was)\n");
    snprintf(path, sizeof path, "%s/etude.sock", s.dir);
    etude(0, "status", "-s", path, NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The path is told, as far as there is room. */
START_TEST(a_path_that_is_too_long_is_named)
{
    char ini[512];

    supervise(_i);
    snprintf(ini, sizeof ini, SERVER "admin = $DIR/%0120d\n", 0);
    server_prepare(&s, ini);
    ck_assert_int_eq(server_launch(&s), 78);
    snprintf(ini, sizeof ini, "cannot listen on unix:%s/000", s.dir);
    ck_assert(server_has_log(&s, ini));
    ck_assert(server_has_log(&s, "0...: File name too long"));
    server_clean(&s);
}
END_TEST

START_TEST(it_may_be_elsewhere_or_off)
{
    char path[160];

    serve(_i, SERVER "admin = $DIR/elsewhere\n[plugin orders]\n");
    etude(0, "status", NULL, NULL, NULL);
    snprintf(path, sizeof path, "%s/etude.sock", s.dir);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(server_stop(&s), 0);
    serve(_i, SERVER "admin = off\n[plugin orders]\n");
    snprintf(path, sizeof path, "%s/etude.sock", s.dir);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A socket that is served is not taken; what a killed one leaves is. */
START_TEST(two_servers_do_not_share_a_socket)
{
    struct server first;

    serve(_i, ORDERS);
    first = s;
    snprintf(s.log_path, sizeof s.log_path, "%s/second", s.dir);
    ck_assert_int_eq(server_launch(&s), 70);
    ck_assert(server_has_log(&s, "[server] admin: cannot listen on unix:"));
    s = first;
    ask("{\"command\":\"status\"}\n");
    ck_assert_int_eq(number("pid", 0), s.pid);
    ck_assert_int_eq(kill(s.pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(s.pid, NULL, 0), s.pid);
    etude(69, "status", NULL, NULL, NULL);
    ck_assert_int_eq(unlink(s.log_path), 0);
    s.log_seen = 0;
    ck_assert_int_eq(server_launch(&s), -1);
    etude(0, "status", NULL, NULL, NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The folder can be entered, the socket is its owner's. */
START_TEST(a_file_that_was_deleted_is_made_again)
{
    char path[96];
    struct client before;

    serve(_i, ORDERS);
    before = admin_client(&s);
    snprintf(path, sizeof path, "%s/etude.sock", s.dir);
    ck_assert_int_eq(unlink(path), 0);
    etude(69, "status", NULL, NULL, NULL);
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert(server_has_log(&s, "the admin socket's file had gone: it is "
                                 "made again"));
    etude(0, "status", NULL, NULL, NULL);
    client_puts(&before, "{\"command\":\"status\"}\n");
    hear(&before);
    ck_assert_int_eq(number("pid", 0), s.pid);
    client_close(&before);
    ck_assert_int_eq(server_stop(&s), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(others_are_refused)
{
    char program[PATH_MAX], command[2 * PATH_MAX], *found;
    int status;

    if (geteuid() != 0)
        return;
    serve(_i, ORDERS);
    ck_assert_int_eq(chmod(s.dir, 0755), 0);
    snprintf(program, sizeof program, "%s/etude",
             getenv("T_BUILD") ? getenv("T_BUILD") : "build");
    found = realpath(program, NULL);
    ck_assert_ptr_nonnull(found);
    snprintf(command, sizeof command,
             "cp %s %s/etude && exec setpriv --reuid=12345 --regid=12345 "
             "--clear-groups %s/etude status -s %s/etude.sock 2>/dev/null",
             found, s.dir, s.dir, s.dir);
    free(found);
    status = system(command);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 77);
    etude(0, "status", NULL, NULL, NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_file_is_judged_alone)
{
    char path[160];

    supervise(_i);
    server_prepare(&s, ORDERS);
    snprintf(path, sizeof path, "%s/orders.so", s.modules);
    etude(0, "check", path, NULL, NULL);
    unit_has(out, "org.etude.test.orders ");
    unit_has(out, " commands=5\n  command say              what it is, and ");
    unit_has(out, "orders.so: good\n");
    etude(0, "check", path, "--json", NULL);
    unit_has(out, "{\"ok\":true,\"plugins\":[ {\"sections\":[\"orders\"],");
    unit_has(out, "\"errors\":[],\"warnings\":[]}\n");
    ck_assert_int_eq(truncate(path, 1000), 0);
    etude(78, "check", path, NULL, NULL);
    unit_has(out, "orders.so: not usable\n");
    etude(78, "check", path, "--json", NULL);
    unit_has(out, "{\"ok\":false,\"exit\":78,\"errors\":[\"plugin ");
    etude(78, "check", "/nowhere.so", NULL, NULL);
    unit_has(out, "plugin /nowhere.so: there is no such file\n");
    server_clean(&s);
}
END_TEST

UNIT_RUN(((struct unit){.name = "admin", .times = 2}), status_says_how_it_is,
         a_turn_that_is_long_is_told, so_is_one_that_lasts,
         a_reload_says_what_became_of_it, reloads_that_overlap_are_merged,
         so_are_those_of_many, a_reload_is_not_waited_for_for_ever,
         a_stop_waits_for_the_end, a_stop_that_cuts_something_off_says_so,
         a_stop_ends_the_wait_for_a_reload, an_end_at_once_leaves_no_socket,
         garbage_is_refused, routes_and_plugins_are_those_that_serve,
         a_plugin_takes_orders, a_worker_that_is_held_is_not_waited_for,
         a_stop_leaves_no_order_behind, many_ask_at_once,
         the_socket_is_found_whatever_the_files_say,
         a_path_that_is_too_long_is_named, it_may_be_elsewhere_or_off,
         two_servers_do_not_share_a_socket,
         a_file_that_was_deleted_is_made_again, others_are_refused,
         a_file_is_judged_alone)
