/* SPDX-License-Identifier: BSD-2-Clause */
/* browser.c - a client of chromedriver; see browser.h.
 *
 * One driver for all sessions of a test: started with the first and ended with
 * the last, under a minder.  Its answers are {"value":...}, with an object
 * inside for a new session, an element, and an error. */
#include "t/lib/browser.h"

#include <check.h>
#include <curl/curl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/json_read.h"
#include "t/lib/minder.h"
#include "t/lib/transport.h"

#define WAIT_MS 20000L
#define TURN_MS 20L
#define CALL_MS 60000L /* the machine may have much to do */
#define STARTED "started successfully on port "
#define ENDED "Exiting" /* port 0 is one of IPv4, which IPv6 may not have */
#define N_STARTS 3

static struct {
    struct minder minder;
    CURL *curl;
    unsigned port;
    int n_open;
} driver;

/* ---- is it there? --------------------------------------------------------*/

/* The path of the first of names that is in PATH, or NULL. */
static const char *
find_program(const char *const *names)
{
    static char path[512];
    const char *all = getenv("PATH");

    for (; *names; names++)
        for (const char *at = all; at && *at; at += strspn(at, ":")) {
            size_t n = strcspn(at, ":");
            snprintf(path, sizeof path, "%.*s/%s", (int)n, at, *names);
            if (access(path, X_OK) == 0)
                return path;
            at += n;
        }
    return NULL;
}

static const char *
find_browser(void)
{
    static const char *const names[] = {"chromium", "chromium-browser",
                                        "google-chrome", NULL};

    return find_program(names);
}

static int
is_required(void)
{
    const char *value = getenv("T_BROWSER");

    return value && strcmp(value, "required") == 0;
}

/* Browsers speak HTTP/2 over TLS only. */
static int
is_spoken(void)
{
    return !transport_here()->is_h2 || transport_here()->is_tls;
}

int
browser_is_there(void)
{
    static const char *const names[] = {"chromedriver", NULL};

    if (!is_spoken()) {
        puts("skipped: no browser speaks that");
        return 0;
    }
    if (find_program(names) && find_browser())
        return 1;
    printf("%s: there is no chromium and chromedriver here: "
           "./configure --install-deps\n",
           is_required() ? "failed" : "skipped");
    return 0;
}

int
browser_skip(void)
{
    return is_required() && is_spoken() ? 1 : 77;
}

/* ---- the driver ----------------------------------------------------------*/

static void
pause_ms(long ms)
{
    usleep((useconds_t)(ms * 1000));
}

/* What the driver says into a line of its log: 1 if it serves, -1 if it has
 * given up, 0 if neither yet; the line stays in text. */
static int
state_of_driver(const char *log, char *text, int size)
{
    int state = 0;
    FILE *f = fopen(log, "re");

    while (f && state == 0 && fgets(text, size, f)) {
        const char *at = strstr(text, STARTED);
        if (at && strchr(at, '.')) {
            driver.port = (unsigned)atoi(at + strlen(STARTED));
            state = 1;
        } else if (strstr(text, ENDED)) {
            state = -1;
        }
    }
    if (f)
        fclose(f);
    return state;
}

/* True if it serves within the time; text has what it said last. */
static int
driver_serves(char *text, int size)
{
    static const char *const argv[] = {"chromedriver", "--port=0", NULL};
    int state = 0;

    minder_start(&driver.minder, argv);
    for (long ms = 0; ms < WAIT_MS && state == 0; ms += TURN_MS) {
        pause_ms(TURN_MS);
        state = state_of_driver(driver.minder.log_path, text, size);
    }
    if (state != 1)
        minder_end(&driver.minder);
    return state == 1;
}

static void
start_driver(void)
{
    char said[512] = "";
    int n = 1;

    while (!driver_serves(said, sizeof said) && n < N_STARTS)
        n++;
    ck_assert_msg(driver.minder.pid != 0, "chromedriver did not start: %s",
                  said);
    driver.curl = curl_easy_init();
    ck_assert_ptr_nonnull(driver.curl);
}

static void
end_driver(void)
{
    curl_easy_cleanup(driver.curl);
    minder_end(&driver.minder);
}

/* The object inside an answer, or NULL. */
static char *
inside(char *answer, size_t *n)
{
    char *at = strchr(answer + 1, '{');

    *n = at ? strlen(at) - 1 : 0; /* without the last brace */
    return at;
}

/* The string that is the first member of that name (NULL: of any) of such an
 * object, NUL-terminated in place; else the test fails. */
static char *
member(char *answer, const char *name)
{
    struct json_value v = {.type = JSON_OTHER};
    struct json_read r;
    size_t n;
    char *at = inside(answer, &n);

    ck_assert_msg(at != NULL, "chromedriver: %s", answer);
    json_read_init(&r, at, n);
    while (json_read_next(&r, &v) > 0)
        if (v.type == JSON_STRING &&
            (!name || (v.name.n == strlen(name) &&
                       memcmp(v.name.p, name, v.name.n) == 0))) {
            char *text = at + (v.text.p - at);
            text[v.text.n] = '\0';
            return text;
        }
    ck_abort_msg("chromedriver: no %s", name ? name : "string");
    return NULL;
}

static size_t
on_bytes(char *p, size_t size, size_t n, void *to)
{
    return fwrite(p, size, n, to);
}

/* One order, with a body, or without one: DELETE or GET.  The answer, which is
 * the caller's, if it is good. */
static char *
order(const char *method, const char *path, const char *body)
{
    struct curl_slist *fields =
        curl_slist_append(NULL, "Content-Type: application/json");
    char url[640], *answer = NULL;
    long status = 0;
    CURLcode rc;
    size_t n;
    FILE *f = open_memstream(&answer, &n);
    CURL *c = driver.curl;

    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", driver.port, path);
    curl_easy_reset(c);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, CALL_MS);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, fields);
    if (body)
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
    rc = curl_easy_perform(c);
    fclose(f);
    curl_slist_free_all(fields);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    ck_assert_msg(rc == CURLE_OK, "chromedriver: %s", curl_easy_strerror(rc));
    ck_assert_msg(status == 200, "chromedriver: %s %s %s: %s", method, path,
                  body ? body : "", member(answer, "message"));
    return answer;
}

/* ---- a session -----------------------------------------------------------*/

/* Some of what it does by itself would go to the internet; /dev/shm is small in
 * containers; its sandbox does not run as root; nobody vouches for the servers
 * of tests. */
static void
print_options(FILE *f)
{
    static const char *const args[] = {
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-extensions",
        "--disable-sync",
        "--disable-breakpad",
        "--no-first-run",
        "--no-proxy-server",
        "--password-store=basic",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    };

    fputs("{\"binary\":", f);
    json_string(f, (et_str){find_browser(), strlen(find_browser())});
    fputs(",\"args\":[", f);
    for (size_t i = 0; i < sizeof args / sizeof args[0]; i++)
        fprintf(f, "%s\"%s\"", i ? "," : "", args[i]);
    if (geteuid() == 0)
        fputs(",\"--no-sandbox\"", f);
    if (transport_here()->is_tls)
        fputs(",\"--ignore-certificate-errors\"", f);
    if (!transport_here()->is_h2)
        fputs(",\"--disable-http2\"", f);
    fputs("]}", f);
}

void
browser_open(struct browser *b)
{
    char *body = NULL, *answer;
    size_t n;
    FILE *f;

    memset(b, 0, sizeof *b);
    if (driver.n_open++ == 0)
        start_driver();
    f = open_memstream(&body, &n);
    fprintf(f,
            "{\"capabilities\":{\"alwaysMatch\":{"
            "\"timeouts\":{\"implicit\":%ld,\"pageLoad\":%ld,\"script\":%ld},"
            "\"goog:loggingPrefs\":{\"browser\":\"ALL\"},"
            "\"goog:chromeOptions\":",
            WAIT_MS, WAIT_MS, WAIT_MS);
    print_options(f);
    fputs("}}}", f);
    fclose(f);
    answer = order("POST", "/session", body);
    snprintf(b->id, sizeof b->id, "%s", member(answer, "sessionId"));
    free(answer);
    free(body);
}

/* An order to it; what is after the session in the path.  The answer stays
 * until the next one. */
static char *
tell(struct browser *b, const char *method, const char *what, const char *body)
{
    char path[512];

    snprintf(path, sizeof path, "/session/%s%s", b->id, what);
    free(b->got);
    b->got = NULL;
    return b->got = order(method, path, body);
}

void
browser_close(struct browser *b)
{
    tell(b, "DELETE", "", NULL);
    free(b->got);
    b->got = NULL;
    if (--driver.n_open == 0)
        end_driver();
}

/* With a body of one member, a string. */
static char *
tell_one(struct browser *b, const char *what, const char *name,
         const char *value)
{
    char *body = NULL, *answer;
    size_t n;
    FILE *f = open_memstream(&body, &n);

    fprintf(f, "{\"args\":[],\"using\":\"css selector\",\"%s\":", name);
    json_string(f, (et_str){value, strlen(value)});
    fputc('}', f);
    fclose(f);
    answer = tell(b, "POST", what, body);
    free(body);
    return answer;
}

/* The value that is a string, or another one as it is written. */
static const char *
value(struct browser *b)
{
    static const char begin[] = "{\"value\":";
    struct json_value v = {.type = JSON_OTHER};
    struct json_read r;

    if (strncmp(b->got, begin, sizeof begin - 1) != 0)
        ck_abort_msg("chromedriver: %s", b->got);
    if (b->got[sizeof begin - 1] != '"')
        return b->got + sizeof begin - 1;
    json_read_init(&r, b->got, strlen(b->got));
    ck_assert_int_eq(json_read_next(&r, &v), 1);
    b->got[v.text.p - b->got + (ptrdiff_t)v.text.n] = '\0';
    return v.text.p;
}

/* ---- what it does --------------------------------------------------------*/

void
browser_go(struct browser *b, const char *url, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, url);
    vsnprintf(text, sizeof text, url, ap);
    va_end(ap);
    tell_one(b, "/url", "url", text);
}

void
browser_visit(struct browser *b, unsigned port, const char *path)
{
    browser_go(b, "%s://127.0.0.1:%u%s", transport_here()->scheme, port, path);
}

void
browser_resize(struct browser *b, int width, int height)
{
    char body[64];

    snprintf(body, sizeof body, "{\"width\":%d,\"height\":%d}", width, height);
    tell(b, "POST", "/window/rect", body);
}

/* The path of the first element, with verb behind it. */
static void
find_element(struct browser *b, const char *css, const char *verb,
             char path[256])
{
    snprintf(path, 256, "/element/%s/%s",
             member(tell_one(b, "/element", "value", css), NULL), verb);
}

void
browser_click(struct browser *b, const char *css)
{
    char path[256];

    find_element(b, css, "click", path);
    tell(b, "POST", path, "{}");
}

void
browser_type(struct browser *b, const char *css, const char *text)
{
    char path[256];

    find_element(b, css, "value", path);
    tell_one(b, path, "text", text);
}

const char *
browser_text(struct browser *b, const char *css)
{
    char path[256];

    find_element(b, css, "text", path);
    tell(b, "GET", path, NULL);
    return value(b);
}

const char *
browser_eval(struct browser *b, const char *expression)
{
    char *script = NULL;
    size_t n;
    FILE *f = open_memstream(&script, &n);

    fprintf(f, "return String(%s);", expression);
    fclose(f);
    tell_one(b, "/execute/sync", "script", script);
    free(script);
    return value(b);
}

void
browser_wait(struct browser *b, const char *expression)
{
    char *is_true = NULL;
    size_t n;
    FILE *f = open_memstream(&is_true, &n);

    fprintf(f, "!!(%s)", expression);
    fclose(f);
    for (long ms = 0; ms < WAIT_MS; ms += TURN_MS) {
        if (strcmp(browser_eval(b, is_true), "true") == 0) {
            free(is_true);
            return;
        }
        pause_ms(TURN_MS);
    }
    (void)browser_errors(b); /* what it says may be why */
    ck_abort_msg("never: %s; the page shows:\n%s", expression,
                 browser_text(b, "body"));
}

void
browser_wait_text(struct browser *b, const char *css, const char *text)
{
    char *expression = NULL;
    size_t n;
    FILE *f = open_memstream(&expression, &n);

    fputs("[...document.querySelectorAll(", f);
    json_string(f, (et_str){css, strlen(css)});
    fputs(")].some((e) => e.textContent.includes(", f);
    json_string(f, (et_str){text, strlen(text)});
    fputs("))", f);
    fclose(f);
    browser_wait(b, expression);
    free(expression);
}

int
browser_errors(struct browser *b)
{
    static const char severe[] = "\"level\":\"SEVERE\"";
    int n = 0;

    tell_one(b, "/se/log", "type", "browser");
    /* In a string its quotes would stand behind backslashes. */
    for (const char *at = b->got; (at = strstr(at, severe)) != NULL; at++)
        n++;
    if (n > 0)
        fprintf(stderr, "the browser's console: %s\n", b->got);
    return n;
}
