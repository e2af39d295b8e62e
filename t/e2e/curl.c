/* SPDX-License-Identifier: BSD-2-Clause */
/* curl.c - a well-behaved client that is not ours: libcurl.
 * tags: epoll asan tls h2 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/client.h"
#include "t/lib/curler.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static const char ini[] = "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
                          "max_body = 32m\nlisten = unix:$DIR/sock\n"
                          "[plugin hello]\n[plugin answers]\n[plugin deny]\n"
                          "[plugin echo]\n"
                          "[route echo]\nmatch = * /echo\nhandler = echo\n"
                          "[route guarded]\nmatch = * /guarded\nuse = deny\n"
                          "handler = echo\n";

struct got {
    char *p;
    size_t n, cap;
};

static size_t
on_bytes(char *p, size_t size, size_t n, void *arg)
{
    struct got *got = arg;

    if (got->cap <= got->n + size * n) { /* ASan copies at every realloc */
        got->cap = 2 * (got->n + size * n) + 1;
        got->p = realloc(got->p, got->cap);
        ck_assert_ptr_nonnull(got->p);
    }
    memcpy(got->p + got->n, p, size * n);
    got->n += size * n;
    got->p[got->n] = '\0';
    return size * n;
}

/* curl 7.88 uses no such connection again, though it says so. */
static int
is_h2c(void)
{
    return transport_here()->is_h2 && !transport_here()->is_tls;
}

static CURL *
client(void)
{
    CURL *c = curler_new();

    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    return c;
}

static void
target(CURL *c, const struct server *s, const char *path)
{
    curler_target(c, s->port, path);
}

/* Perform; the status must be that, got is what came. */
static void
perform(CURL *c, long status, struct got *got)
{
    CURLcode rc;
    long code = 0;

    free(got->p);
    *got = (struct got){0};
    curl_easy_setopt(c, CURLOPT_WRITEDATA, got);
    rc = curl_easy_perform(c);
    ck_assert_msg(rc == CURLE_OK, "curl: %s", curl_easy_strerror(rc));
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
    ck_assert_int_eq(code, status);
}

static long
connects(CURL *c)
{
    long n = -1;

    curl_easy_getinfo(c, CURLINFO_NUM_CONNECTS, &n);
    return n;
}

START_TEST(gets_share_a_connection)
{
    struct server s;
    struct got got = {0};
    CURL *c = client();

    if (is_h2c())
        return;
    server_start(&s, ini);
    for (int i = 0; i < 10; i++) {
        target(c, &s, "/hello/curl");
        perform(c, 200, &got);
        ck_assert_str_eq(got.p, "Hello, curl!\n");
        ck_assert_int_eq(connects(c), i == 0);
    }
    target(c, &s, "/ref/5000000");
    perform(c, 200, &got);
    ck_assert_uint_eq(got.n, 5000000);
    ck_assert_int_eq(connects(c), 0);
    target(c, &s, "/dir/../hello/%63url?x=y");
    perform(c, 200, &got);
    target(c, &s, "/none/");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    perform(c, 200, &got);
    ck_assert_uint_eq(got.n, 0);
    curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    target(c, &s, "/ref/5000000");
    perform(c, 200, &got);
    ck_assert_int_eq(connects(c), 0);
    free(got.p);
    curl_easy_cleanup(c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* curl itself asks for 100 Continue above 1 MiB. */
START_TEST(posts_of_all_sizes)
{
    static const long sizes[] = {0, 1, 1000, 20000, 1 << 20, 20 << 20};
    struct server s;
    struct got got = {0};
    CURL *c = client();
    char *body = malloc(20 << 20);

    if (is_h2c())
        return;
    for (size_t i = 0; i < 20 << 20; i++)
        body[i] = (char)(i * 7);
    server_start(&s, ini);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        target(c, &s, "/echo");
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, sizes[i]);
        perform(c, 200, &got);
        ck_assert_uint_eq(got.n, (size_t)sizes[i]);
        ck_assert(sizes[i] == 0 || memcmp(got.p, body, got.n) == 0);
        ck_assert_int_eq(connects(c), i == 0);
    }
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, 20l << 20);
    target(c, &s, "/guarded");
    perform(c, 401, &got);
    free(got.p);
    free(body);
    curl_easy_cleanup(c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

struct upload {
    size_t left;
};

static size_t
on_read(char *p, size_t size, size_t n, void *arg)
{
    struct upload *u = arg;
    size_t k = size * n < u->left ? size * n : u->left;

    memset(p, 'x', k);
    u->left -= k;
    return k;
}

START_TEST(a_chunked_upload)
{
    struct server s;
    struct got got = {0};
    struct upload u = {3000000};
    CURL *c = client();
    struct curl_slist *list =
        curl_slist_append(NULL, "Transfer-Encoding: chunked");

    server_start(&s, ini);
    target(c, &s, "/echo");
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(c, CURLOPT_READDATA, &u);
    perform(c, 200, &got);
    ck_assert_uint_eq(got.n, 3000000);
    free(got.p);
    curl_slist_free_all(list);
    curl_easy_cleanup(c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(old_versions_and_unix_sockets)
{
    struct server s;
    struct got got = {0};
    CURL *c = client();
    char path[128];

    server_start(&s, ini);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_0);
    for (int i = 0; i < 3 && !transport_here()->is_h2; i++) {
        target(c, &s, "/hello/old");
        perform(c, 200, &got);
        ck_assert_str_eq(got.p, "Hello, old!\n");
    }
    curl_easy_cleanup(c);
    c = client();
    snprintf(path, sizeof path, "%s/sock", s.dir);
    curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, path);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_URL, "http://127.0.0.1/hello/unix");
    perform(c, 200, &got);
    ck_assert_str_eq(got.p, "Hello, unix!\n");
    free(got.p);
    curl_easy_cleanup(c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Many at once, connections kept and reused by curl's own rules. */
START_TEST(many_transfers_at_once)
{
    enum { N = 60 };
    struct server s;
    struct got got[N] = {{0}};
    CURL *c[N];
    CURLM *m = curl_multi_init();
    int running = 1, left = 0, n_good = 0;
    CURLMsg *msg;

    if (is_h2c())
        return;
    server_start(&s, ini);
    curl_multi_setopt(m, CURLMOPT_MAX_TOTAL_CONNECTIONS, 8L);
    for (int i = 0; i < N; i++) {
        c[i] = client();
        target(c[i], &s, i % 3 ? "/hello/many" : "/ref/300000");
        curl_easy_setopt(c[i], CURLOPT_WRITEDATA, &got[i]);
        curl_multi_add_handle(m, c[i]);
    }
    while (running) {
        ck_assert_int_eq(curl_multi_perform(m, &running), CURLM_OK);
        curl_multi_poll(m, NULL, 0, 1000, NULL);
    }
    while ((msg = curl_multi_info_read(m, &left)) != NULL)
        n_good += msg->msg == CURLMSG_DONE && msg->data.result == CURLE_OK;
    ck_assert_int_eq(n_good, N);
    for (int i = 0; i < N; i++) {
        ck_assert_uint_eq(got[i].n, i % 3 ? 13 : 300000);
        free(got[i].p);
        curl_multi_remove_handle(m, c[i]);
        curl_easy_cleanup(c[i]);
    }
    curl_multi_cleanup(m);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(curl, gets_share_a_connection, posts_of_all_sizes, a_chunked_upload,
          old_versions_and_unix_sockets, many_transfers_at_once)
