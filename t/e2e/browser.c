/* SPDX-License-Identifier: BSD-2-Clause */
/* browser.c - the pages of plugins, in a real browser, over what it speaks.
 * Skipped where there is none: on one backend, the pages are what is tried.
 * tags: tls h2 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sha256.h"
#include "t/lib/browser.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 100
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
#define WAIT_MS 20000

static struct server s;
static struct browser b;

static int
has_plugin(const char *name)
{
    const char *modules = getenv("T_MODULES");
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s.so", modules ? modules : "modules",
             name);
    if (access(path, F_OK) == 0)
        return 1;
    fprintf(stderr, "skipped: the plugin %s is not built\n", name);
    return 0;
}

/* Of the text, as sha256sum writes it. */
static const char *
hash_of(const char *text)
{
    static char hex[SHA256_HEX_LEN + 1];
    uint8_t digest[SHA256_LEN];

    sha256_of(text, strlen(text), digest);
    sha256_hex(digest, hex);
    return hex;
}

/* s.dir/name */
static const char *
path_of(const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", s.dir, name);
    return path;
}

/* A page of the server's. */
static void
visit(struct browser *who, const char *path)
{
    browser_go(who, "%s://127.0.0.1:%u%s", transport_here()->scheme, s.port,
               path);
}

/* ---- what the tests stand on ---------------------------------------------*/

START_TEST(what_the_console_says_is_heard)
{
    browser_open(&b);
    browser_go(&b, "data:text/html,<title>a</title><p>b \"c\"");
    ck_assert_str_eq(browser_eval(&b, "document.title"), "a");
    ck_assert_str_eq(browser_text(&b, "p"), "b \"c\"");
    ck_assert_str_eq(browser_eval(&b, "'\\u00e4' + 1 + true + null"),
                     "\xc3\xa4"
                     "1truenull");
    ck_assert_int_eq(browser_errors(&b), 0);
    browser_go(&b, "data:text/html,<script>console.error('x')</script>"
                   "<script>throw new Error('y')</script>");
    ck_assert_int_eq(browser_errors(&b), 2);
    ck_assert_int_eq(browser_errors(&b), 0);
    browser_close(&b);
}
END_TEST

START_TEST(a_hand_types_and_clicks)
{
    static const char page[] =
        "data:text/html,<input><button onclick='this.textContent=event."
        "isTrusted'>go</button><script>document.querySelector('input')."
        "onkeydown=(e)=>{if(e.key=='Enter')document.title=e.target.value;}"
        "</script>";
    struct browser other;

    browser_open(&b);
    browser_open(&other);
    browser_go(&b, page);
    browser_go(&other, page);
    browser_type(&b, "input", "\xc3\xa4<b>\"\n");
    browser_click(&other, "button");
    browser_wait(&b, "document.title");
    ck_assert_str_eq(browser_eval(&b, "document.title"), "\xc3\xa4<b>\"");
    ck_assert_str_eq(browser_eval(&other, "document.title"), "");
    browser_wait_text(&other, "button", "true");
    ck_assert_str_eq(browser_text(&b, "button"), "go");
    browser_close(&b);
    browser_close(&other);
}
END_TEST

/* How many processes have that in their arguments. */
static int
count_processes(const char *part)
{
    char path[300], args[8192];
    DIR *dir = opendir("/proc");
    const struct dirent *e;
    int n = 0;

    ck_assert_ptr_nonnull(dir);
    while ((e = readdir(dir))) {
        size_t k = 0;
        FILE *f;
        snprintf(path, sizeof path, "/proc/%s/cmdline", e->d_name);
        f = atoi(e->d_name) > 0 ? fopen(path, "re") : NULL;
        if (f)
            k = fread(args, 1, sizeof args, f);
        if (f)
            fclose(f);
        n += memmem(args, k, part, strlen(part)) != NULL;
    }
    closedir(dir);
    return n;
}

/* As when an assertion fails: it does not come to its browser_close. */
START_TEST(a_test_that_dies_leaves_nothing)
{
    char profile[256] = "";
    int fds[2], status;
    pid_t pid;

    ck_assert_int_eq(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        browser_open(&b);
        browser_go(&b, "chrome://version");
        dprintf(fds[1], "%s", browser_text(&b, "#profile_path"));
        _exit(1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_gt(read(fds[0], profile, sizeof profile - 1), 0);
    ck_assert_ptr_nonnull(strstr(profile, "/etude-minder-"));
    *strrchr(profile, '/') = '\0'; /* of Default */
    for (int ms = 0; ms < WAIT_MS; ms += 5) {
        if (access(profile, F_OK) < 0 && count_processes(profile) == 0)
            return;
        usleep(5000);
    }
    ck_abort_msg("%d processes in %s", count_processes(profile), profile);
}
END_TEST

/* ---- upload --------------------------------------------------------------*/

static void
open_upload(const char *options)
{
    char ini[256];

    snprintf(ini, sizeof ini, SERVER "[plugin upload]\nfolder = files\n%s\n",
             options);
    server_prepare(&s, ini);
    ck_assert_int_eq(mkdir(path_of("files"), 0700), 0);
    server_serve(&s);
    browser_open(&b);
    visit(&b, "/upload");
}

START_TEST(upload_shows_the_hash_of_a_file)
{
    char stored[128];

    if (!has_plugin("upload"))
        return;
    open_upload("");
    server_file(&s, "poem.txt", "Über allen Gipfeln ist Ruh");
    browser_type(&b, "input[type=file]", path_of("poem.txt"));
    browser_wait(&b, "document.querySelector('[data-state=done]')");
    ck_assert_str_eq(browser_text(&b, "li b"), "poem.txt");
    ck_assert_str_eq(browser_text(&b, "li code"),
                     hash_of("Über allen Gipfeln ist Ruh"));
    ck_assert_int_eq(browser_errors(&b), 0);
    snprintf(stored, sizeof stored, "files/%s", browser_text(&b, "li code"));
    ck_assert_int_eq(access(path_of(stored), F_OK), 0);
    browser_close(&b);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(upload_takes_what_is_dropped_and_says_what_is_refused)
{
    if (!has_plugin("upload"))
        return;
    open_upload("max = 10");
    browser_eval(&b, "(() => { const d = new DataTransfer();"
                     "d.items.add(new File(['0123456789'], 'fits'));"
                     "d.items.add(new File(['0123456789a'], '<b>not'));"
                     "document.querySelector('label').dispatchEvent("
                     "new DragEvent('drop', {dataTransfer: d, bubbles: true,"
                     "cancelable: true})); })()");
    browser_wait_text(&b, "[data-state=done] code", hash_of("0123456789"));
    browser_wait_text(&b, "[data-state=failed] output", "too large");
    ck_assert_str_eq(browser_text(&b, "[data-state=failed] b"), "<b>not");
    ck_assert_int_eq(browser_errors(&b), 1); /* the 413 */
    browser_close(&b);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- clock ---------------------------------------------------------------*/

#define TIME "document.querySelector('time').textContent"

/* Since the last such call the page shows another time. */
static void
wait_tick(void)
{
    browser_eval(&b, "window.before = " TIME);
    browser_wait(&b, "/^\\d\\d:\\d\\d:\\d\\d/.test(" TIME ") && " TIME
                     " !== window.before && "
                     "document.body.dataset.state === 'live'");
}

START_TEST(clock_shows_a_time_that_changes)
{
    server_start(&s, SERVER "[plugin clock]\nretry = 100ms\n");
    browser_open(&b);
    visit(&b, "/clock");
    wait_tick();
    wait_tick();
    ck_assert_uint_eq(strlen(browser_text(&b, "time")), 8);
    ck_assert_int_eq(browser_errors(&b), 0);

    /* A reload: the page is served by what is new, and nobody has to click. */
    browser_eval(&b, "window.isOld = true");
    server_write(&s, SERVER "[plugin clock]\ninterval = 100ms\n");
    ck_assert_int_eq(server_reload(&s), 1);
    browser_wait(&b, TIME ".includes('.')");
    wait_tick();
    ck_assert_str_eq(browser_eval(&b, "window.isOld"), "true");
    ck_assert_int_eq(browser_errors(&b), 0);
    browser_close(&b);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(clock_goes_on_when_the_server_is_there_again)
{
    char ini[256];
    struct server next;

    server_start(&s, SERVER "[plugin clock]\nretry = 100ms\n");
    browser_open(&b);
    visit(&b, "/clock");
    wait_tick();
    browser_eval(&b, "window.isOld = true");
    ck_assert_int_eq(server_stop(&s), 0);
    browser_wait(&b, "document.body.dataset.state === 'lost'");
    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:%u\nworkers = 1\n"
             "[plugin clock]\ninterval = 100ms\n",
             s.port);
    server_start(&next, ini);
    browser_wait(&b, TIME ".includes('.')");
    (void)browser_errors(&b); /* that nobody was there */
    wait_tick();
    ck_assert_str_eq(browser_eval(&b, "window.isOld"), "true");
    ck_assert_int_eq(browser_errors(&b), 0);
    browser_close(&b);
    ck_assert_int_eq(server_stop(&next), 0);
}
END_TEST

/* It asks less and less often for what is not there, and shows what is. */
START_TEST(clock_is_patient_with_a_server_that_has_none)
{
    server_start(&s, SERVER "[plugin clock]\nretry = 100ms\n");
    browser_open(&b);
    visit(&b, "/clock");
    wait_tick();
    server_write(&s, SERVER "[plugin hello]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    browser_wait(&b, "document.body.dataset.state === 'lost' && "
                     "wait > 2 * least");
    server_write(&s, SERVER "[plugin clock]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    wait_tick();
    ck_assert_str_eq(browser_eval(&b, "wait === least"), "true");
    browser_close(&b);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- chat ----------------------------------------------------------------*/

static struct browser other;

static void
open_two(const char *options)
{
    server_start(&s, options);
    browser_open(&b);
    browser_open(&other);
    visit(&b, "/chat");
    visit(&other, "/chat");
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
    if (!has_plugin("chat"))
        return;
    open_two(CHAT);
    talk("hello", "<b>\"&</b>");
    ck_assert_str_eq(
        browser_eval(&b, "document.querySelectorAll('li.text').length"), "2");
    ck_assert_str_eq(
        browser_eval(&b, "document.querySelectorAll('li b b').length"), "0");
    visit(&other, "/chat#elsewhere");
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
    if (!has_plugin("chat"))
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

    if (!has_plugin("chat"))
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
    if (!has_plugin("chat"))
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
    visit(&b, "/chat");
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
    if (!has_plugin("chat"))
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

    if (!has_plugin("chat"))
        return;
    open_chat(CHAT);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        snprintf(path, sizeof path, "/chat#%s", none[i]);
        visit(&b, path);
        browser_wait(&b, IS_OVER);
        visit(&b, "/chat#%25ff");
        browser_wait(&b, IS_LIVE);
    }
    ck_assert_int_eq(browser_errors(&b), 0); /* it has not tried */
    close_chat();
}
END_TEST

/* As wire.c does. */
START_TEST(chat_judges_words_as_the_server_does)
{
    if (!has_plugin("chat"))
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
    if (!has_plugin("chat"))
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
    if (!has_plugin("chat"))
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
    if (!has_plugin("chat"))
        return;
    server_start(&s, SERVER "[plugin chat]\nmax_rooms = 1\n");
    browser_open(&b);
    browser_open(&other);
    visit(&b, "/chat");
    browser_wait(&b, IS_LIVE);
    visit(&other, "/chat#other");
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

    if (!has_plugin("chat"))
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
    if (!has_plugin("chat"))
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

    if (!has_plugin("chat"))
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

/* ---- all of them ---------------------------------------------------------*/

/* What the tests of a run are about. */
START_TEST(a_page_comes_over_what_this_run_is_for)
{
    const char *protocol = transport_here()->is_h2 ? "h2" : "http/1.1";

    server_start(&s, SERVER "[plugin clock]\n");
    browser_open(&b);
    visit(&b, "/clock");
    ck_assert_str_eq(browser_eval(&b, "location.protocol.slice(0, -1)"),
                     transport_here()->scheme);
    ck_assert_str_eq(
        browser_eval(&b, "performance.getEntriesByType('navigation')[0]"
                         ".nextHopProtocol"),
        protocol);
    wait_tick();
    browser_eval(&b, "fetch('/clock')");
    browser_wait(&b, "performance.getEntriesByType('resource')"
                     ".some((e) => e.initiatorType === 'fetch')");
    ck_assert_str_eq(
        browser_eval(&b, "[...new Set(performance.getEntriesByType('resource')"
                         ".map((e) => e.nextHopProtocol))].join()"),
        protocol);
    ck_assert_int_eq(browser_errors(&b), 0);
    browser_close(&b);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* On a phone, with a keyboard, read aloud. */
START_TEST(the_pages_are_for_everybody)
{
    static const char *const paths[] = {"/chat", "/clock", "/upload"};

    if (!has_plugin("chat") || !has_plugin("upload"))
        return;
    server_prepare(&s, SERVER "[plugin chat]\n[plugin clock]\n"
                              "[plugin upload]\nfolder = files\n");
    ck_assert_int_eq(mkdir(path_of("files"), 0700), 0);
    server_serve(&s);
    browser_open(&b);
    browser_resize(&b, 360, 640);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        visit(&b, paths[i]);
        browser_wait(&b, "document.querySelector('h1').textContent");
        ck_assert_str_eq(browser_eval(&b, "innerWidth"), "360");
        browser_wait(&b, "document.documentElement.scrollWidth <= 360");
        browser_wait(&b, "document.querySelectorAll('h1').length === 1");
        browser_wait(&b, "document.documentElement.lang === 'en'");
        browser_wait(&b, "getComputedStyle(document.documentElement)"
                         ".colorScheme === 'light dark'");
        browser_wait(&b, "[...document.querySelectorAll('input')].every((e) =>"
                         " e.labels.length || e.ariaLabel)");
        browser_wait(&b, "document.querySelector('[role=status],[aria-live]')");
        ck_assert_int_eq(browser_errors(&b), 0);
    }
    browser_close(&b);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

int
main(void)
{
    const TTest *const tests[] = {
        what_the_console_says_is_heard,
        a_hand_types_and_clicks,
        a_test_that_dies_leaves_nothing,
        upload_shows_the_hash_of_a_file,
        upload_takes_what_is_dropped_and_says_what_is_refused,
        clock_shows_a_time_that_changes,
        clock_goes_on_when_the_server_is_there_again,
        clock_is_patient_with_a_server_that_has_none,
        chat_shows_one_what_the_other_says,
        chat_is_there_again_when_it_was_replaced,
        chat_goes_on_when_the_server_is_there_again,
        chat_keeps_what_is_too_long,
        chat_says_what_is_wrong_with_a_name,
        chat_knows_what_is_no_room,
        chat_judges_words_as_the_server_does,
        chat_says_all_that_waits,
        chat_stops_where_there_is_none_any_more,
        chat_waits_for_a_room_that_is_full,
        chat_does_not_repeat_what_ends_alike,
        chat_gives_back_what_it_is_closed_for,
        chat_is_where_its_page_is,
        a_page_comes_over_what_this_run_is_for,
        the_pages_are_for_everybody,
    };
    const struct unit unit = {.name = "browser"};

    if (transport_here()->is_h2 && !transport_here()->is_tls) {
        puts("skipped: browsers speak HTTP/2 over TLS only");
        return 77;
    }
    if (!browser_is_there())
        return browser_skip();
    return unit_run(&unit, tests, sizeof tests / sizeof tests[0]);
}
