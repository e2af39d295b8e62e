/* SPDX-License-Identifier: BSD-2-Clause */
/* compress.c - the plugin compress in a server: whatever answers are made of,
 * they come out the same; what is flushed is there; contexts come back.
 * tags: epoll asan tsan h2 */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/compress/t/unpack.h"
#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#define UNIT_SECONDS 110
#include "t/lib/unit.h"

#define LARGE 1500000
#define WHOLE 1000000 /* in one go */
#define ACCEPT "Accept-Encoding: gzip\r\n"

static struct server s;
static char bytes[LARGE];

/* ---- the server ----------------------------------------------------------*/

static void
write_ini(const char *options, const char *more, int launches)
{
    char ini[2048];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
             "metrics = /metrics\nuse = compress\n%s\n"
             "[plugin compress]\n%s\n"
             "[plugin static]\nroot = www\nprecompressed = yes\n"
             "[route files]\nmatch = GET /files/*path\nhandler = static\n"
             "[plugin writer]\n[plugin filter]\n",
             more, options);
    if (launches)
        server_prepare(&s, ini);
    else
        server_write(&s, ini);
}

static void
put(const char *name, const char *p, size_t n)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof path, "%s/www/%s", s.dir, name);
    f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(p, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

static void
start_with(const char *options, const char *more)
{
    char path[512];

    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)('a' + (i * i / 11 + i / 1000) % 13);
    write_ini(options, more, 1);
    snprintf(path, sizeof path, "mkdir %s/www", s.dir);
    ck_assert_int_eq(system(path), 0);
    put("small.txt", bytes, 5000);
    put("large.txt", bytes, LARGE);
    put("whole.txt", bytes, WHOLE);
    put("tiny.txt", bytes, 100);
    put("image.png", bytes, 5000);
    put("twin.txt", bytes, 5000);
    put("twin.txt.gz", "as it is", 8);
    server_serve(&s);
}

static void
start(void)
{
    start_with("", "");
}

static void
stop(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
}

/* ---- clients -------------------------------------------------------------*/

static struct answer
ask(struct client *c, const char *method, const char *path, const char *fields)
{
    client_printf(c, "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method, path,
                  fields);
    return client_answer(c, strcmp(method, "HEAD") == 0);
}

static void
says(const struct answer *a, const char *name, const char *value)
{
    const char *is = answer_field(a, name, 0);

    if (value) {
        ck_assert_msg(is != NULL, "no %s", name);
        ck_assert_str_eq(is, value);
    } else {
        ck_assert_msg(is == NULL, "%s: %s", name, is);
    }
}

/* The answer is n bytes of the alphabet that the fixtures write, or of a file.
 */
static void
is_packed(const struct answer *a, const char *of, size_t n)
{
    char *to = malloc(n + 1);
    int is_whole;

    ck_assert_ptr_nonnull(to);
    ck_assert_int_eq(a->status, 200);
    says(a, "Content-Encoding", "gzip");
    says(a, "Vary", "Accept-Encoding");
    ck_assert_uint_lt(a->n, n);
    ck_assert_uint_eq(unpack_gzip(a->body, a->n, to, n + 1, &is_whole), n);
    ck_assert_int_eq(is_whole, 1);
    for (size_t i = 0; i < n; i++)
        UNIT_HOLDS(to[i] == (of ? of[i] : (char)('a' + i % 26)));
    free(to);
}

static void
takes(struct client *c, const char *path, const char *of, size_t n)
{
    struct answer a = ask(c, "GET", path, ACCEPT);

    is_packed(&a, of, n);
    answer_free(&a);
}

/* ---- tests ---------------------------------------------------------------*/

START_TEST(whatever_the_answer_is_made_of)
{
    struct client c;

    start();
    c = client_open(&s);
    for (int turn = 0; turn < 2; turn++) {
        takes(&c, "/files/small.txt", bytes, 5000);
        takes(&c, "/files/large.txt", bytes, LARGE);
        takes(&c, "/filter/big?n=2000", NULL, 2000);
        takes(&c, "/filter/big?n=1000000", NULL, 1000000);
        takes(&c, "/filter/file?n=300000", NULL, 300000);
    }
    client_close(&c);
    stop();
}
END_TEST

static size_t
on_bytes(char *p, size_t size, size_t n, void *arg)
{
    char **at = arg;

    ck_assert_uint_le((size_t)(*at - bytes) + size * n, LARGE);
    ck_assert_int_eq(memcmp(*at, p, size * n), 0);
    *at += size * n;
    return size * n;
}

static size_t
on_field(char *p, size_t size, size_t n, void *arg)
{
    if (size * n > 18 && strncasecmp(p, "content-encoding: ", 18) == 0)
        snprintf(arg, 16, "%.*s", (int)(size * n - 20), p + 18);
    return size * n;
}

START_TEST(curl_takes_all_codings)
{
    static const char *const codings[] = {"gzip", "br", "zstd"};
    static const int known[] = {CURL_VERSION_LIBZ, CURL_VERSION_BROTLI,
                                CURL_VERSION_ZSTD};
    const int features = curl_version_info(CURLVERSION_NOW)->features;
    char url[96], sent[16];

    if (!transport_here()->is_plain)
        return;
    start();
    for (int i = 0; i < 6; i++) {
        CURL *c = curl_easy_init();
        char *at = bytes;
        if (!(features & known[i % 3])) {
            curl_easy_cleanup(c);
            continue;
        }
        sent[0] = '\0';
        snprintf(url, sizeof url, "http://127.0.0.1:%u/files/%s.txt", s.port,
                 i < 3 ? "large" : "small");
        curl_easy_setopt(c, CURLOPT_URL, url);
        curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, codings[i % 3]);
        curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
        curl_easy_setopt(c, CURLOPT_WRITEDATA, &at);
        curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_field);
        curl_easy_setopt(c, CURLOPT_HEADERDATA, sent);
        ck_assert_int_eq(curl_easy_perform(c), CURLE_OK);
        curl_easy_cleanup(c);
        ck_assert_uint_eq((size_t)(at - bytes), i < 3 ? LARGE : 5000);
        if (sent[0]) /* a build may be without that library */
            ck_assert_str_eq(sent, codings[i % 3]);
        else
            ck_assert_str_ne(codings[i % 3], "gzip");
    }
    stop();
}
END_TEST

START_TEST(what_goes_as_it_is)
{
    static const struct {
        const char *path, *fields, *coding;
        int status;
        size_t n;
    } rows[] = {
        {"/files/small.txt", "", NULL, 200, 5000},
        {"/files/small.txt", "Accept-Encoding: identity\r\n", NULL, 200, 5000},
        {"/files/small.txt", "Accept-Encoding: identity;q=0\r\n", NULL, 200,
         5000},
        {"/files/tiny.txt", ACCEPT, NULL, 200, 100},
        {"/files/image.png", ACCEPT, NULL, 200, 5000},
        {"/files/twin.txt", ACCEPT, "gzip", 200, 8},
        {"/files/large.txt", ACCEPT "Range: bytes=0-99999\r\n", NULL, 206,
         100000},
        {"/files/nothing", ACCEPT, NULL, 404, 0},
    };
    struct client c;

    start();
    c = client_open(&s);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer a = ask(&c, "GET", rows[i].path, rows[i].fields);
        ck_assert_int_eq(a.status, rows[i].status);
        says(&a, "Content-Encoding", rows[i].coding);
        if (rows[i].n)
            ck_assert_uint_eq(a.n, rows[i].n);
        answer_free(&a);
    }
    client_close(&c);
    stop();
}
END_TEST

START_TEST(head_and_conditions)
{
    struct client c;
    struct answer a;
    char tag[64], length[32], fields[256];

    start();
    c = client_open(&s);
    a = ask(&c, "GET", "/files/small.txt", ACCEPT);
    snprintf(tag, sizeof tag, "%s", answer_field(&a, "ETag", 0));
    snprintf(length, sizeof length, "%s",
             answer_field(&a, "Content-Length", 0));
    ck_assert_int_eq(strncmp(tag, "W/\"", 3), 0);
    ck_assert_uint_eq((size_t)atoi(length), a.n);
    says(&a, "Accept-Ranges", NULL);
    answer_free(&a);
    a = ask(&c, "HEAD", "/files/small.txt", ACCEPT);
    says(&a, "ETag", tag);
    says(&a, "Content-Length", length);
    says(&a, "Content-Encoding", "gzip");
    answer_free(&a);
    a = ask(&c, "HEAD", "/files/large.txt", ACCEPT);
    says(&a, "Content-Length", NULL);
    says(&a, "Content-Encoding", "gzip");
    answer_free(&a);
    snprintf(fields, sizeof fields, ACCEPT "If-None-Match: %s\r\n", tag);
    a = ask(&c, "GET", "/files/small.txt", fields);
    ck_assert_int_eq(a.status, 304);
    says(&a, "ETag", tag);
    says(&a, "Vary", "Accept-Encoding");
    says(&a, "Content-Encoding", NULL);
    answer_free(&a);
    snprintf(fields, sizeof fields, ACCEPT "If-Match: %s\r\n", tag);
    a = ask(&c, "GET", "/files/small.txt", fields);
    ck_assert_int_eq(a.status, 412); /* RFC 9110 13.1.1: strongly */
    answer_free(&a);
    snprintf(fields, sizeof fields,
             ACCEPT "Range: bytes=0-9\r\nIf-Range: %s\r\n", tag);
    a = ask(&c, "GET", "/files/small.txt", fields);
    is_packed(&a, bytes, 5000); /* 13.1.5: all of it */
    answer_free(&a);
    client_close(&c);
    stop();
}
END_TEST

/* The body of an answer that goes on, as far as it is there: of HTTP/1 without
 * its chunks. */
static size_t
unchunk(const struct client *c, char *to, size_t cap)
{
    const char *p = strstr(c->buf, "\r\n\r\n");
    size_t n = 0, k;
    char *end;

    if (!p)
        return 0;
    for (p += 4; (k = strtoul(p, &end, 16)) > 0 && *end == '\r';
         p = end + 2 + k + 2) {
        const size_t there = c->n - (size_t)(end + 2 - c->buf);
        if (end + 2 > c->buf + c->n || there < k || n + k > cap)
            break;
        memcpy(to + n, end + 2, k);
        n += k;
    }
    return n;
}

START_TEST(what_is_flushed_is_there)
{
    static char packed[65536], text[65536];
    struct client c;
    size_t n = 0;
    int is_whole;

    if (transport_here()->is_h2) /* its gateway shows whole answers */
        return;
    start();
    c = client_open(&s);
    client_puts(&c,
                "GET /writer/sse?n=1000000000 HTTP/1.1\r\nHost: x\r\n" ACCEPT
                "\r\n");
    while (!memmem(text, n, "id: 3\n", 6)) { /* while it goes on */
        ck_assert_int_eq(client_more(&c), 1);
        n = unchunk(&c, packed, sizeof packed);
        n = unpack_gzip(packed, n, text, sizeof text, &is_whole);
    }
    client_close(&c);
    stop();
}
END_TEST

START_TEST(options_of_a_route)
{
    struct client c;
    struct answer a;

    start_with("codings = br zstd",
               "[route own]\nmatch = GET /own/*path\nhandler = static\n"
               "static.root = www\ncompress.codings = gzip\n"
               "compress.min_size = 10\n");
    c = client_open(&s);
    a = ask(&c, "GET", "/files/small.txt", ACCEPT);
    says(&a, "Content-Encoding", NULL);
    answer_free(&a);
    takes(&c, "/own/tiny.txt", bytes, 100);
    client_close(&c);
    stop();
}
END_TEST

/* ---- contexts ------------------------------------------------------------*/

/* The sum over routes. */
static long
figure(const char *name)
{
    struct client c = client_open(&s);
    struct answer a = ask(&c, "GET", "/metrics", "");
    const char *at = a.body;
    long n = 0;

    while ((at = strstr(at, name)) != NULL && (at = strstr(at, "} ")) != NULL)
        n += atol(at + 2);
    answer_free(&a);
    client_close(&c);
    return n;
}

static void
wait_until_begun(void)
{
    for (int turns = 0; turns < 500; turns++) {
        if (figure("\ncompress_answers_total{") > 0)
            return;
        usleep(10000);
    }
    ck_abort_msg("nothing has begun");
}

/* One takes the beginning of a large answer, and goes. */
static void
goes_midway(int waits)
{
    struct client c = client_open(&s);

    client_printf(&c,
                  "GET /writer/pieces?n=100000&size=26000%s HTTP/1.1\r\n"
                  "Host: x\r\n" ACCEPT "\r\n",
                  waits ? "&ms=1" : "");
    client_gather(&c, 10);
    client_close(&c);
}

/* Contexts are there again, and take no memory, when the last has ended. */
static void
nothing_is_left(void)
{
    struct client c = client_open(&s);
    int turns;

    for (turns = 0; turns < 500; turns++) {
        struct answer a = ask(&c, "GET", "/files/small.txt", ACCEPT);
        const int is_coded = answer_field(&a, "Content-Encoding", 0) != NULL;
        ck_assert_int_eq(a.status, 200);
        answer_free(&a);
        if (is_coded)
            break;
        usleep(10000);
    }
    takes(&c, "/files/small.txt", bytes, 5000);
    takes(&c, "/files/large.txt", bytes, LARGE);
    takes(&c, "/files/whole.txt", bytes, WHOLE);
    client_close(&c);
    for (turns = 0; turns < 500 && figure("\ncompress_memory_bytes{"); turns++)
        usleep(10000);
    ck_assert_int_eq(figure("\ncompress_memory_bytes{"), 0);
}

START_TEST(clients_that_go_leave_nothing)
{
    start_with("contexts = 2\nspare = 2", "");
    for (int i = 0; i < 20; i++)
        goes_midway(i % 2);
    nothing_is_left();
    stop();
}
END_TEST

/* While it is collected, or a thread has it: 100 ms and more. */
START_TEST(clients_that_go_leave_no_whole)
{
    static const char *const paths[] = {
        "/files/whole.txt", "/writer/pieces?n=38&size=26000&len=988000&ms=1"};

    start_with("contexts = 2\nspare = 2\nbr_level = 9", "");
    for (int i = 0; i < 30; i++) {
        struct client c = client_open(&s);
        client_printf(&c,
                      "GET %s HTTP/1.1\r\nHost: x\r\nAccept-Encoding: "
                      "%s\r\n\r\n",
                      paths[i % 2], i % 3 ? "br" : "gzip");
        usleep((useconds_t)(i * 2000));
        client_close(&c);
    }
    nothing_is_left();
    stop();
}
END_TEST

/* Pages that the server has in memory. */
static long
resident(void)
{
    char path[64];
    long all, n = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)server_pid(&s));
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%ld %ld", &all, &n), 2);
    fclose(f);
    return n;
}

static void
ask_all(struct client *c, int times)
{
    static const char *const codings[] = {"gzip", "br", "zstd"};
    char fields[64];

    for (int i = 0; i < times; i++) {
        struct answer a;
        snprintf(fields, sizeof fields, "Accept-Encoding: %s\r\n",
                 codings[i % 3]);
        a = ask(c, "GET", i % 2 ? "/files/large.txt" : "/files/small.txt",
                fields);
        ck_assert_int_eq(a.status, 200);
        answer_free(&a);
    }
}

START_TEST(memory_does_not_grow_with_answers)
{
    struct client c;
    long before;

    if (server_is_sanitized()) /* what is freed stays for a while */
        return;
    start();
    c = client_open(&s);
    ask_all(&c, 30);
    before = resident();
    ask_all(&c, 150);
    ck_assert_int_lt(resident() - before, 512); /* 2 MiB */
    client_close(&c);
    stop();
}
END_TEST

START_TEST(without_a_context_answers_go_as_they_are)
{
    struct client c[2];
    struct answer a;

    start_with("contexts = 1", "");
    for (int i = 0; i < 2; i++)
        c[i] = client_open(&s);
    client_puts(&c[0],
                "GET /writer/farewell HTTP/1.1\r\nHost: x\r\n" ACCEPT "\r\n");
    wait_until_begun();
    a = ask(&c[1], "GET", "/files/small.txt", ACCEPT);
    ck_assert_int_eq(a.status, 200);
    says(&a, "Content-Encoding", NULL);
    says(&a, "Vary", "Accept-Encoding");
    ck_assert_uint_eq(a.n, 5000);
    answer_free(&a);
    ck_assert_int_eq(figure("\ncompress_refused_total{"), 1);
    for (int i = 0; i < 2; i++)
        client_close(&c[i]);
    stop();
}
END_TEST

START_TEST(without_a_stack_answers_go_as_they_are)
{
    struct client c[2];
    struct answer a;

    start_with("", "max_tasks = 1");
    for (int i = 0; i < 2; i++)
        c[i] = client_open(&s);
    client_puts(&c[0],
                "GET /writer/farewell HTTP/1.1\r\nHost: x\r\n" ACCEPT "\r\n");
    wait_until_begun();
    a = ask(&c[1], "GET", "/files/large.txt", ACCEPT);
    ck_assert_int_eq(a.status, 200);
    says(&a, "Content-Encoding", NULL);
    says(&a, "Vary", "Accept-Encoding");
    ck_assert_uint_eq(a.n, LARGE);
    answer_free(&a);
    ck_assert_int_eq(figure("\ncompress_refused_total{"), 1);
    client_close(&c[0]);
    client_close(&c[1]);
    stop();
}
END_TEST

START_TEST(a_reload_midway_changes_nothing)
{
    char text[64];
    struct client c, d;
    struct answer a;
    int is_whole;
    size_t n;

    start();
    c = client_open(&s);
    client_puts(&c, "GET /writer/farewell?polls HTTP/1.1\r\nHost: x\r\n" ACCEPT
                    "\r\n");
    wait_until_begun();
    write_ini("gzip_level = 1\nwindow = 1k", "", 0);
    ck_assert_int_eq(server_reload(&s), 1);
    a = client_answer(&c, 0); /* it goes on as it began, and comes to its end */
    ck_assert_int_eq(a.status, 200);
    n = unpack_gzip(a.body, a.n, text, sizeof text - 1, &is_whole);
    text[n] = '\0';
    ck_assert_int_eq(is_whole, 1);
    ck_assert_int_eq(strncmp(text, "onbye ", 6), 0);
    answer_free(&a);
    d = client_open(&s);
    takes(&d, "/files/large.txt", bytes, LARGE);
    client_close(&d);
    client_close(&c);
    stop();
}
END_TEST

/* More than there are contexts, and of each more than a slice. */
START_TEST(many_at_once)
{
    enum { N = 12 };
    struct client c[N];

    start_with("contexts = 8\nspare = 8", "");
    for (int i = 0; i < N; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i],
                    "GET /filter/big?n=1000000 HTTP/1.1\r\nHost: x\r\n" ACCEPT
                    "\r\n");
    }
    for (int i = 0; i < N; i++) {
        struct answer a = client_answer(&c[i], 0);
        if (answer_field(&a, "Content-Encoding", 0))
            is_packed(&a, NULL, 1000000);
        else
            ck_assert_uint_eq(a.n, 1000000);
        answer_free(&a);
        client_close(&c[i]);
    }
    stop();
}
END_TEST

/* ---- one beside the other ------------------------------------------------*/

/* Its handler writes for ever, and neither waits nor is held back: what comes
 * of it is next to nothing, so that its client always has room.  Small ones
 * come between its slices, long ones between its turns. */
START_TEST(an_endless_one_keeps_nobody_waiting)
{
    struct client c, d;

    start();
    c = client_open(&s);
    client_puts(&c, "GET /writer/pieces?n=1000000000&size=26000 HTTP/1.1\r\n"
                    "Host: x\r\nAccept-Encoding: zstd, br;q=0.9, gzip;q=0.1"
                    "\r\n\r\n");
    wait_until_begun();
    d = client_open(&s);
    for (int i = 0; i < 3; i++) {
        takes(&d, "/files/small.txt", bytes, 5000);
        takes(&d, "/files/large.txt", bytes, LARGE);
    }
    client_close(&d);
    client_close(&c);
    stop();
}
END_TEST

/* Nor does one that waits for its client, or for its handler. */
START_TEST(a_slow_one_keeps_nobody_waiting)
{
    enum { N = 12000000 };
    char *noise = malloc(N);
    struct client c, d, e;
    struct answer a;
    unsigned x = 1;

    ck_assert_ptr_nonnull(noise);
    for (size_t i = 0; i < N; i++)
        noise[i] = (char)('a' + ((x = x * 1103515245u + 12345u) >> 16) % 200);
    start();
    put("noise.txt", noise, N);
    c = client_open(&s);
    client_puts(&c,
                "GET /files/noise.txt HTTP/1.1\r\nHost: x\r\n" ACCEPT "\r\n");
    client_gather(&c, 1);
    e = client_open(&s);
    client_puts(&e, "GET /writer/pieces?n=3&size=100000&ms=300 HTTP/1.1\r\n"
                    "Host: x\r\n" ACCEPT "\r\n");
    d = client_open(&s);
    for (int i = 0; i < 3; i++)
        takes(&d, "/files/large.txt", bytes, LARGE);
    a = client_answer(&e, 0);
    is_packed(&a, NULL, 300000);
    answer_free(&a);
    a = client_answer(&c, 0);
    is_packed(&a, noise, N);
    answer_free(&a);
    client_close(&e);
    client_close(&d);
    client_close(&c);
    stop();
    free(noise);
}
END_TEST

/* Who goes while he waits for his turn, or has it, leaves no gap. */
START_TEST(clients_that_go_keep_nobody_waiting)
{
    enum { N = 8 };
    struct client c[N], d;

    start();
    for (int turn = 0; turn < 5; turn++) {
        for (int i = 0; i < N; i++) {
            c[i] = client_open(&s);
            client_puts(&c[i],
                        "GET /files/large.txt HTTP/1.1\r\nHost: x\r\n" ACCEPT
                        "\r\n");
        }
        for (int i = 0; i < N; i++)
            if (i % 4 != turn % 4)
                client_close(&c[i]);
        for (int i = turn % 4; i < N; i += 4) {
            struct answer a = client_answer(&c[i], 0);
            is_packed(&a, bytes, LARGE);
            answer_free(&a);
            client_close(&c[i]);
        }
    }
    d = client_open(&s);
    takes(&d, "/files/large.txt", bytes, LARGE);
    client_close(&d);
    for (int i = 0; i < 500 && figure("\ncompress_memory_bytes{"); i++)
        usleep(10000);
    ck_assert_int_eq(figure("\ncompress_memory_bytes{"), 0);
    stop();
}
END_TEST

UNIT_MAIN(compress, whatever_the_answer_is_made_of, curl_takes_all_codings,
          what_goes_as_it_is, head_and_conditions, what_is_flushed_is_there,
          options_of_a_route, clients_that_go_leave_nothing,
          clients_that_go_leave_no_whole, memory_does_not_grow_with_answers,
          without_a_context_answers_go_as_they_are,
          without_a_stack_answers_go_as_they_are,
          a_reload_midway_changes_nothing, many_at_once,
          an_endless_one_keeps_nobody_waiting, a_slow_one_keeps_nobody_waiting,
          clients_that_go_keep_nobody_waiting)
