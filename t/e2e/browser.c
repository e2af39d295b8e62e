/* SPDX-License-Identifier: BSD-2-Clause */
/* browser.c - the pages of plugins, in a real browser, over what it speaks;
 * that of chat is browser_chat.c.  Skipped where there is none: on one backend,
 * the pages are what is tried.
 * tags: h2 */
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
#include "t/lib/module.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 100
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
#define WAIT_MS 20000

static struct server s;
static struct browser b;

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
    browser_visit(&b, s.port, "/upload");
}

START_TEST(upload_shows_the_hash_of_a_file)
{
    char stored[128];

    if (!module_is_built("upload"))
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
    if (!module_is_built("upload"))
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
    browser_visit(&b, s.port, "/clock");
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
    browser_visit(&b, s.port, "/clock");
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
    browser_visit(&b, s.port, "/clock");
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

/* ---- all of them ---------------------------------------------------------*/

/* What the tests of a run are about. */
START_TEST(a_page_comes_over_what_this_run_is_for)
{
    const char *protocol = transport_here()->is_h2 ? "h2" : "http/1.1";

    server_start(&s, SERVER "[plugin clock]\n");
    browser_open(&b);
    browser_visit(&b, s.port, "/clock");
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

    if (!module_is_built("chat") || !module_is_built("upload"))
        return;
    server_prepare(&s, SERVER "[plugin chat]\n[plugin clock]\n"
                              "[plugin upload]\nfolder = files\n");
    ck_assert_int_eq(mkdir(path_of("files"), 0700), 0);
    server_serve(&s);
    browser_open(&b);
    browser_resize(&b, 360, 640);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        browser_visit(&b, s.port, paths[i]);
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
        a_page_comes_over_what_this_run_is_for,
        the_pages_are_for_everybody,
    };
    const struct unit unit = {.name = "browser"};

    if (!browser_is_there())
        return browser_skip();
    return unit_run(&unit, tests, sizeof tests / sizeof tests[0]);
}
