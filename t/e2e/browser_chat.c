/* SPDX-License-Identifier: BSD-2-Clause */
/* browser_chat.c - the page of chat in a real browser; see browser.c.
 * tags: h2 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/browser.h"
#include "t/lib/module.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 100
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"

static struct server s;
static struct browser b;

static struct browser other;

static void
open_two(const char *options)
{
    server_start(&s, options);
    browser_open(&b);
    browser_open(&other);
    browser_visit(&b, s.port, "/chat");
    browser_visit(&other, s.port, "/chat");
}

/* What is said in each is seen in both. */
static void
talk(const char *one, const char *two)
{
    char line[64];

    snprintf(line, sizeof line, "%s\n", one);
    browser_type(&b, "#text", line);
    browser_wait_text(&other, "li", one);
    browser_wait_text(&b, "li", one);
    snprintf(line, sizeof line, "%s\n", two);
    browser_type(&other, "#text", line);
    browser_wait_text(&b, "li", two);
}

#define CHAT "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n[plugin chat]\n"
#define IS_LIVE "document.body.dataset.state === 'live'"

START_TEST(chat_shows_one_what_the_other_says)
{
    if (!module_is_built("chat"))
        return;
    open_two(CHAT);
    talk("hello", "<b>\"&</b>");
    ck_assert_str_eq(
        browser_eval(&b, "document.querySelectorAll('li.text').length"), "2");
    ck_assert_str_eq(
        browser_eval(&b, "document.querySelectorAll('li b b').length"), "0");
    browser_visit(&other, s.port, "/chat#elsewhere");
    browser_wait(&other, IS_LIVE " && document.querySelector('h1').textContent "
                                 "=== 'elsewhere'");
    browser_wait_text(&b, "li.event", "leaves");
    ck_assert_int_eq(browser_errors(&b) + browser_errors(&other), 0);
    browser_close(&b);
    browser_close(&other);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(chat_is_there_again_when_it_was_replaced)
{
    if (!module_is_built("chat"))
        return;
    open_two(CHAT);
    talk("before", "as well");
    browser_eval(&b, "window.isOld = true");
    server_write(&s, CHAT "[plugin hello]\n");
    ck_assert_int_eq(server_reload(&s), 1); /* which nobody notices */
    ck_assert_str_eq(browser_eval(&b, IS_LIVE), "true");
    server_write(&s, CHAT "history = 20\n");
    ck_assert_int_eq(server_reload(&s), 1);
    talk("behind", "also");
    ck_assert_str_eq(
        browser_eval(&b, "[...document.querySelectorAll('li.text span')]"
                         ".map((e) => e.textContent).join()"),
        "before,as well,behind,also"); /* each once */
    ck_assert_str_eq(browser_eval(&b, "window.isOld"), "true");
    ck_assert_int_eq(browser_errors(&b) + browser_errors(&other), 0);
    browser_close(&b);
    browser_close(&other);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(chat_goes_on_when_the_server_is_there_again)
{
    char ini[256];
    struct server next;

    if (!module_is_built("chat"))
        return;
    open_two(CHAT);
    talk("before", "as well");
    ck_assert_int_eq(server_stop(&s), 0);
    browser_wait(&b, "document.body.dataset.state === 'lost' && "
                     "wait > 2 * least"); /* it waits longer each time */
    browser_type(&b, "#text", "meanwhile\n");
    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:%u\nworkers = 2\n[plugin chat]\n",
             s.port);
    server_start(&next, ini);
    browser_wait_text(&other, "li", "meanwhile");
    (void)browser_errors(&b); /* that nobody was there */
    (void)browser_errors(&other);
    talk("behind", "also");
    browser_wait(&b, "wait === least"); /* when that has lasted */
    ck_assert_int_eq(browser_errors(&b) + browser_errors(&other), 0);
    browser_close(&b);
    browser_close(&other);
    ck_assert_int_eq(server_stop(&next), 0);
}
END_TEST

#define STATE "document.body.dataset.state + ': ' + state.textContent"
#define IS_OVER "document.body.dataset.state === 'over'"
/* As by a clipboard, and Enter. */
#define PASTE(words)                                                           \
    "(() => { text.value = " words "; text.oninput();"                         \
    " document.querySelector('form').requestSubmit(); })()"
#define TEXTS                                                                  \
    "[...document.querySelectorAll('li.text span')]"                           \
    ".map((e) => e.textContent).join()"

START_TEST(chat_keeps_what_is_too_long)
{
    if (!module_is_built("chat"))
        return;
    open_two(CHAT "max_message = 10\n");
    talk("hello", "hi");
    browser_eval(&b, PASTE("'\u00e9'.repeat(6)"));
    ck_assert_str_eq(browser_text(&b, "#says"),
                     "the text has 12 bytes: 10 is the most");
    browser_eval(&b, PASTE("'a'.repeat(1000000)"));
    ck_assert_str_eq(browser_eval(&b, "text.value.length"), "1000000");
    browser_eval(&b, PASTE("'\\u202e'"));
    ck_assert_str_eq(browser_text(&b, "#says"),
                     "the text has control characters");
    browser_eval(&b, PASTE("'\u00e9'.repeat(5)"));
    ck_assert_str_eq(browser_text(&b, "#says"), "");
    browser_wait(&other,
                 TEXTS " === 'hello,hi,\u00e9\u00e9\u00e9\u00e9\u00e9'");
    ck_assert_str_eq(browser_eval(&b, STATE), "live: live");
    ck_assert_str_eq(browser_eval(&other,
                                  "[...document.querySelectorAll('li.event')]"
                                  ".some((e) => /leaves/.test(e.textContent))"),
                     "false");
    ck_assert_int_eq(browser_errors(&b) + browser_errors(&other), 0);
    browser_close(&b);
    browser_close(&other);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static void
open_chat(const char *options)
{
    server_start(&s, options);
    browser_open(&b);
    browser_visit(&b, s.port, "/chat");
    browser_wait(&b, IS_LIVE);
}

static void
close_chat(void)
{
    browser_close(&b);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(chat_says_what_is_wrong_with_a_name)
{
    if (!module_is_built("chat"))
        return;
    open_chat(CHAT);
    browser_eval(&b, "(() => { nick.value = '\u6f22'.repeat(20);"
                     " nick.onchange(); })()");
    ck_assert_str_eq(browser_eval(&b, STATE),
                     "over: your name has 60 bytes: 40 is the most");
    ck_assert_str_eq(browser_eval(&b, "nick.ariaInvalid"), "true");
    browser_type(&b, "#text", "important\n");
    unit_has(browser_text(&b, "#says"), "not connected");
    ck_assert_str_eq(browser_eval(&b, "text.value"), "important");
    browser_eval(&b, "nick.value = ''");
    browser_type(&b, "#name", "Ann\n");
    browser_wait(&b, IS_LIVE);
    browser_type(&b, "#text", "\n");
    browser_wait_text(&b, "li", "Ann important");
    ck_assert_int_eq(browser_errors(&b), 0);
    close_chat();
}
END_TEST

START_TEST(chat_knows_what_is_no_room)
{
    static const char *const none[] = {"..",  ".",         "a/b", "a%252Fb",
                                       "%ff", "%e2%80%ae", "%20", "%00"};
    char path[64];

    if (!module_is_built("chat"))
        return;
    open_chat(CHAT);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        snprintf(path, sizeof path, "/chat#%s", none[i]);
        browser_visit(&b, s.port, path);
        browser_wait(&b, IS_OVER);
        browser_visit(&b, s.port, "/chat#%25ff");
        browser_wait(&b, IS_LIVE);
    }
    ck_assert_int_eq(browser_errors(&b), 0); /* it has not tried */
    close_chat();
}
END_TEST

/* As wire.c does. */
START_TEST(chat_judges_words_as_the_server_does)
{
    if (!module_is_built("chat"))
        return;
    open_chat(CHAT);
    browser_eval(&b, "(window.bad = ['', ' ', '\\u00a0', '\\u00ad', '\\u061c',"
                     "'\\u115f', '\\u200b', '\\u200d\\u200d', '\\u202f',"
                     "'\\u2065', '\\u2800', '\\u3000', '\\ufe0f', '\\ufeff',"
                     "'\\u{e0001}', 'a\\u0000', 'a\\u007f', 'a\\u0085',"
                     "'a\\u2028', 'a\\u202e', 'a\\u2066', 'a\\ud800',"
                     "'\\u20ac'.repeat(14)]).length");
    browser_eval(&b,
                 "(window.good = ['a', ' a ', '\\u2027', '\\u2801', 'a\\u200d',"
                 "'\\u{1f600}', '\\u20ac'.repeat(13)]).length");
    ck_assert_str_eq(
        browser_eval(&b, "bad.findIndex((s) => !wrong('x', s, 40))"), "-1");
    ck_assert_str_eq(
        browser_eval(&b, "good.findIndex((s) => wrong('x', s, 40))"), "-1");
    close_chat();
}
END_TEST

/* No faster than the rate allows, each once, in order. */
START_TEST(chat_says_all_that_waits)
{
    if (!module_is_built("chat"))
        return;
    open_chat(CHAT "rate = 5/s\n");
    browser_eval(&b, "(() => { for (let i = 0; i < 12; i++) {"
                     "text.value = i;"
                     "document.querySelector('form').requestSubmit(); } })()");
    browser_wait(&b, TEXTS " === '0,1,2,3,4,5,6,7,8,9,10,11'");
    ck_assert_int_eq(browser_errors(&b), 0);
    close_chat();
}
END_TEST

START_TEST(chat_stops_where_there_is_none_any_more)
{
    if (!module_is_built("chat"))
        return;
    open_chat(CHAT);
    server_write(&s, SERVER "[plugin hello]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    browser_wait(&b, IS_OVER);
    unit_has(browser_eval(&b, STATE), "404");
    server_write(&s, CHAT);
    ck_assert_int_eq(server_reload(&s), 1);
    browser_click(&b, "#again");
    browser_wait(&b, IS_LIVE);
    close_chat();
}
END_TEST

START_TEST(chat_waits_for_a_room_that_is_full)
{
    if (!module_is_built("chat"))
        return;
    server_start(&s, SERVER "[plugin chat]\nmax_rooms = 1\n");
    browser_open(&b);
    browser_open(&other);
    browser_visit(&b, s.port, "/chat");
    browser_wait(&b, IS_LIVE);
    browser_visit(&other, s.port, "/chat#other");
    browser_wait(&other, "/too many rooms/.test(state.textContent) && "
                         "wait > 2 * least");
    browser_close(&b);
    browser_wait(&other, IS_LIVE);
    browser_close(&other);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Connections of the test's: each is welcomed, or not, and closed at once. */
static void
close_each_with(unsigned code, int is_welcome)
{
    char script[1024];

    snprintf(
        script, sizeof script,
        "(() => { window.made = 0; window.WebSocket = class {"
        " constructor() { made++; this.readyState = 1;"
        " setTimeout(() => { if (%d) { this.onopen(); this.onmessage({ data:"
        " '{\"welcome\":\"x\",\"max\":100}' }); }"
        " setTimeout(() => this.onclose({ code: %u, reason: '' }), 0); }, 0); }"
        " send() {} close() {} }; enter(); })()",
        is_welcome, code);
    browser_eval(&b, script);
}

START_TEST(chat_does_not_repeat_what_ends_alike)
{
    static const unsigned last[] = {1002, 1003, 1007, 1008, 1009, 4000, 4999};
    static const unsigned passing[] = {1001, 1006, 1011, 1012, 1013};

    if (!module_is_built("chat"))
        return;
    open_chat(CHAT);
    for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
        close_each_with(last[i], 1);
        browser_wait(&b, IS_OVER);
        ck_assert_str_eq(browser_eval(&b, "made"), "1");
    }
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        close_each_with(passing[i], 1); /* to be welcome is not enough */
        browser_wait(&b, "made > 2 && wait > 2 * least");
    }
    close_each_with(1006, 0); /* but the room is there */
    browser_wait(&b, IS_OVER " && made > 2");
    unit_has(browser_eval(&b, STATE), "refused");
    ck_assert_str_eq(browser_eval(&b, "wait <= most"), "true");
    close_chat();
}
END_TEST

/* What was on its way when the server closed for it is the user's again. */
START_TEST(chat_gives_back_what_it_is_closed_for)
{
    if (!module_is_built("chat"))
        return;
    open_chat(CHAT);
    browser_eval(&b,
                 "(() => { socket.send = () =>"
                 " WebSocket.prototype.send.call(socket, 'x'.repeat(20000));"
                 " })()");
    browser_type(&b, "#text", "precious\n");
    browser_wait(&b, IS_OVER);
    unit_has(browser_eval(&b, STATE), "the server has closed this");
    ck_assert_str_eq(browser_eval(&b, "text.value"), "precious");
    close_chat();
}
END_TEST

/* Over HTTP/2 a WebSocket is a stream (RFC 8441) of the connection that the
 * page came on; what asks for the figures is another one. */
START_TEST(chat_is_where_its_page_is)
{
    int is_h2 = transport_here()->is_h2;

    if (!module_is_built("chat"))
        return;
    open_chat("[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
              "metrics = /metrics\n[plugin chat]\n");
    browser_eval(&b, "window.figure = (name) => {"
                     " const x = new XMLHttpRequest();"
                     " x.open('GET', '/metrics', false); x.send();"
                     " return Number(new RegExp('^etude_' + name + ' (.*)$',"
                     " 'm').exec(x.responseText)[1]); }");
    browser_type(&b, "#text", "hello\n");
    browser_wait_text(&b, "li", "hello");
    ck_assert_str_eq(browser_eval(&b, "figure('ws_active')"), "1");
    ck_assert_str_eq(browser_eval(&b, "figure('h2_connections_total') > 0"),
                     is_h2 ? "true" : "false");
    /* One that only tried the certificate ends soon. */
    browser_wait(&b, is_h2 ? "figure('connections_active') === 1"
                           : "figure('connections_active') >= 2");
    browser_type(&b, "#text", "still\n");
    browser_wait_text(&b, "li", "still");
    ck_assert_str_eq(browser_eval(&b, "figure('ws_active')"), "1");
    ck_assert_int_eq(browser_errors(&b), 0);
    close_chat();
}
END_TEST

/* What is about the page is the same over all transports. */
int
main(void)
{
    const TTest *const tests[] = {
        /* over the wire */
        chat_shows_one_what_the_other_says,
        chat_goes_on_when_the_server_is_there_again,
        chat_is_where_its_page_is,
        /* in the page */
        chat_is_there_again_when_it_was_replaced,
        chat_keeps_what_is_too_long,
        chat_says_what_is_wrong_with_a_name,
        chat_knows_what_is_no_room,
        chat_judges_words_as_the_server_does,
        chat_says_all_that_waits,
        chat_stops_where_there_is_none_any_more,
        chat_waits_for_a_room_that_is_full,
        chat_does_not_repeat_what_ends_alike,
        chat_gives_back_what_it_is_closed_for,
    };
    const struct unit unit = {.name = "browser_chat"};

    if (!browser_is_there())
        return browser_skip();
    return unit_run(&unit, tests,
                    transport_here()->is_plain ? sizeof tests / sizeof tests[0]
                                               : 3);
}
