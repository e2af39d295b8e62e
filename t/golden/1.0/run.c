/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c - golden.c against the mock host of today; 0, or the line that
 * failed. */
#include <etude_test.h>

#define WANT(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: %s: %s%s\n", __FILE__, __LINE__,           \
                    #condition, et_test_text(), et_test_why());                \
            return 1;                                                          \
        }                                                                      \
    } while (0)
#define SAYS(text) (strcmp(et_test_text(), text) == 0)
#define HAS(text) (strstr(et_test_text(), text) != NULL)

static uint32_t
ask(const char *method, const char *target)
{
    et_test_request(method, target);
    return et_test_run();
}

static uint32_t
get(const char *target)
{
    return ask("GET", target);
}

static int
life(void)
{
    et_test_option("secret", "Au");
    et_test_option("word", "Au");
    WANT(et_test_open() < 0); /* by check */
    et_test_end();
    et_test_option("word", "Au");
    et_test_option("secret", "quiet");
    et_test_option("is-on", "yes");
    et_test_option("list", "a");
    et_test_option("list", "b");
    et_test_option("headers", "X-A: 1");
    et_test_option("path", "there");
    WANT(et_test_open() == 0);
    WANT(et_test_logged(ET_L_INFO, "is open"));
    WANT(get("/g/options") == 200);
    WANT(SAYS("Au 1 100 1 65536 250 /test/there 100/1000 1 ,a,b X-One=1 1\n"));
    WANT(strcmp(et_test_field("X-A", 0), "1") == 0);
    return 0;
}

static int
loop(void)
{
    et_test_ready(0);
    WANT(et_test_loop() > 0);
    et_test_wait(20);
    WANT(et_test_loop() > 0);
    et_test_ready(ET_FD_IN | ET_FD_OUT);
    WANT(et_test_loop() > 0);
    et_test_publish("golden", "message");
    WANT(get("/g/state") == 200);
    WANT(HAS("ticks=1 posted=1 watched=1 heard=1"));
    WANT(strncmp(et_test_command("tell", "say"), "say ticks=1 ", 12) == 0);
    WANT(!et_test_command("tell", ""));
    return 0;
}

static int
chain(void)
{
    et_test_request("GET", "/g/any");
    et_test_header("X-Refuse", "1");
    WANT(et_test_run() == 401);
    WANT(et_test_is_dressed());
    et_test_request("GET", "/g/static");
    et_test_header("X-Keep", "k");
    et_test_header("X-Upper", "1");
    WANT(et_test_run() == 203);
    WANT(SAYS("STATIC\n"));
    WANT(strcmp(et_test_field("X-Golden", 0), "Au") == 0);
    WANT(strcmp(et_test_field("X-Golden", 1), "k") == 0);
    et_test_request("PURGE", "/x?y");
    et_test_body("1234", 4);
    WANT(et_test_run() == 200);
    WANT(SAYS("{\"method\":\"PURGE\",\"path\":\"/x\",\"query\":\"y\","
              "\"body\":4}\n"));
    WANT(et_test_metric("seen") > 0);
    WANT(et_test_metric("inside") == 0);
    WANT(et_test_metric("last") >= 0);
    WANT(et_test_metric("body") > 0);
    WANT(strncmp(et_test_line(0), "golden 200 /g/options", 21) == 0);
    return 0;
}

static int
requests(void)
{
    et_test_request("GET", "/g/hello/a%20b?value=c%26");
    et_test_header("Cookie", "c=d");
    WANT(et_test_run() == 200);
    WANT(SAYS("Au a b c%26 d\n"));
    et_test_request("GET", "/g/facts/a/b?q");
    et_test_header("Host", "A.example:80");
    WANT(et_test_run() == 200);
    WANT(HAS("\"host\":\"a.example\",\"target\":\"/g/facts/a/b?q\""));
    WANT(HAS("\"rest\":\"a/b\""));
    WANT(get("/g/client") == 200 && SAYS("|||\n"));
    et_test_request("GET", "/g/client");
    et_test_client("CN=a", "00ff", "DNS:a");
    WANT(et_test_run() == 200 && SAYS("|CN=a|00ff|DNS:a\n"));
    et_test_request("POST", "/g/form");
    et_test_header("Content-Type", "application/x-www-form-urlencoded");
    et_test_body("a=40&b=2", 8);
    WANT(et_test_run() == 200);
    WANT(SAYS("42\n"));
    et_test_request("PUT", "/g/body");
    et_test_header("Content-Type", "a/b");
    et_test_body("hello", 5);
    et_test_request_trailer("X-Sum", "532");
    WANT(et_test_run() == 200);
    WANT(SAYS("hello") && strcmp(et_test_type(), "a/b") == 0);
    WANT(strcmp(et_test_field("X-Sum", 0), "532") == 0);
    et_test_request("PATCH", "/g/body");
    et_test_body("hello", 5);
    WANT(et_test_run() == 200 && SAYS("5\n"));
    WANT(ask("DELETE", "/g/body") == 204);
    WANT(ask("PURGE", "/g/any") == 200);
    WANT(strncmp(et_test_text(), "PURGE ", 6) == 0);
    WANT(ask("POST", "/g/also") == 200);
    return 0;
}

static int
answers(void)
{
    WANT(get("/g/fields") == 200);
    WANT(SAYS("1 2 0\n"));
    WANT(strcmp(et_test_field("X-Two", 1), "2") == 0);
    WANT(strcmp(et_test_field("X-Kept", 1), "two") == 0);
    WANT(!et_test_field("X-Gone", 0));
    WANT(strcmp(et_test_field("X-One", 0), "1") == 0);
    WANT(strcmp(et_test_field("Set-Cookie", 0),
                "c=v; Path=/; HttpOnly; SameSite=Lax") == 0);
    WANT(get("/g/html?q=%3C") == 200 && SAYS("<p>&lt;</p>\n"));
    WANT(get("/g/json?q=%22") == 200 && SAYS("[\"\\\"\",\"\\\"\"]\n"));
    WANT(get("/g/error") == 418 && et_test_is_dressed());
    WANT(get("/g/copied") == 200 && SAYS("copied\n"));
    WANT(get("/g/ref") == 200 && SAYS("by reference\n"));
    WANT(get("/g/file") == 200 && SAYS("23456"));
    WANT(get("/g/pieces") == 200 && SAYS("three digits: 789, one: 0"));
    WANT(get("/g/redirect") == 303);
    WANT(get("/g/fail") == 500);
    WANT(et_test_logged(ET_L_ERROR, "as it was asked to"));
    WANT(get("/g/panic") == 500);
    WANT(et_test_logged(ET_L_ERROR, "at 3"));
    WANT(get("/g/drop") == 0);
    WANT(get("/g/limits") == 500);
    return 0;
}

static int
stores(void)
{
    WANT(get("/g/store/k") == 200 && SAYS("1 2 0\n"));
    WANT(get("/g/store/k") == 200 && SAYS("2 4 1\n"));
    WANT(get("/g/store/once") == 200);
    WANT(get("/g/store/once") == 200 && SAYS("1 0 0\n"));
    return 0;
}

static int
waiting(void)
{
    WANT(get("/g/suspend") == ET_WAIT);
    et_test_wait(30);
    WANT(et_test_loop() > 0);
    WANT(et_test_turn() == 200);
    WANT(SAYS("resumed with 7\n"));
    WANT(get("/g/cancelled") == ET_WAIT);
    WANT(et_test_cancel(ET_ETIME) == 504);
    WANT(get("/g/job") == ET_WAIT);
    WANT(et_test_turn() == 200);
    WANT(SAYS("a job has returned 42\n"));
    return 0;
}

static void
wake(void)
{
    static int n_waits;
    if (++n_waits == 2) /* behind a sleep */
        (void)et_test_resume(7);
}

static int
tasks(void)
{
    et_test_meanwhile(wake);
    WANT(get("/g/task") == 200);
    WANT(SAYS("7 42\n"));
    et_test_meanwhile(NULL);
    WANT(get("/g/join") == 200 && SAYS("2 4\n"));
    WANT(get("/g/fd") == 200 && SAYS("4 1\n"));
    WANT(get("/g/write") == 200 && SAYS("one two 3 four\n"));
    WANT(strcmp(et_test_trailer("X-Sum"), "10") == 0);
    WANT(get("/g/exact") == 200 && SAYS("four") && !et_test_is_cut());
    WANT(get("/g/events") == 200);
    WANT(SAYS("retry: 500\nevent: tick\nid: 1\ndata: a\ndata: b\n\n:\n\n"));
    et_test_request("POST", "/g/read");
    et_test_body("hello", 5);
    et_test_request_trailer("X-Sum", "532");
    WANT(et_test_run() == 200 && SAYS("hello"));
    WANT(strcmp(et_test_trailer("X-Sum"), "532") == 0);
    return 0;
}

static int
others(void)
{
    et_test_upstream("http://a/b", 203, "hello");
    et_test_upstream_field("Content-Type", "a/b");
    WANT(get("/g/fetch?url=http://a/b") == 200);
    WANT(SAYS("203 a/b 5 hello"));
    WANT(strcmp(et_test_asked(), "GET http://a/b\nX-From: golden\n\n") == 0);
    WANT(get("/g/fetch?url=http://nobody") == 502);
    WANT(get("/g/fetch-then?url=http://a/b") == ET_WAIT);
    WANT(et_test_turn() == 200 && SAYS("203 hello"));
    et_test_request("POST", "/g/fetch-send?url=http://a/b");
    et_test_body("body", 4);
    WANT(et_test_run() == 200 && SAYS("203 5\n"));
    WANT(strcmp(et_test_asked(), "POST http://a/b\n\nbody") == 0);
    WANT(get("/g/subscribe") == 200 && SAYS("10 1\n"));
    et_test_request("POST", "/g/publish");
    et_test_body("news", 4);
    WANT(et_test_run() == 202 && SAYS("0\n"));
    return 0;
}

static int
sockets(void)
{
    et_test_request("GET", "/g/ws");
    et_test_header("Sec-WebSocket-Protocol", "golden");
    WANT(et_test_run() == 101);
    WANT(strcmp(et_test_ws_sent(0), "welcome of golden") == 0);
    et_test_ws_text("echo");
    WANT(strcmp(et_test_ws_sent(1), "echo") == 0);
    et_test_ws_text("listen");
    WANT(strcmp(et_test_ws_sent(2), "0") == 0);
    et_test_publish("golden", "to all");
    WANT(strcmp(et_test_ws_sent(3), "to all") == 0);
    et_test_ws_text("leave");
    et_test_publish("golden", "to others");
    et_test_ws_text("post");
    et_test_ws_turn();
    WANT(strcmp(et_test_ws_sent(4), "posted") == 0);
    et_test_ws_text("close");
    WANT(et_test_ws_closed() == 1000);
    WANT(strcmp(et_test_ws_reason(), "as you like") == 0);
    et_test_ws_close(1000, "");
    et_test_ws_text("in the task");
    et_test_ws_close(1000, "");
    WANT(get("/g/ws-task") == 101);
    WANT(strcmp(et_test_ws_sent(0), "in the task") == 0);
    return 0;
}

static int
end(void)
{
    WANT(et_test_reload("word=Ag") == 0);
    WANT(get("/g/state") == 200);
    WANT(HAS("loaded=1"));
    WANT(strncmp(et_test_text(), "requests=", 9) == 0);
    WANT(atoi(et_test_text() + 9) > 40);
    WANT(get("/g/options") == 200 && HAS("Ag "));
    et_test_end();
    return 0;
}

int
main(void)
{
    int (*const parts[])(void) = {life,    loop,  chain,  requests, answers,
                                  stores,  waiting, tasks, others,  sockets,
                                  end};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i]() != 0)
            return 1;
    return 0;
}
