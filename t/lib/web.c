/* SPDX-License-Identifier: BSD-2-Clause */
/* web.c - see web.h. */
#include "t/lib/web.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/curler.h"

static size_t
on_bytes(char *p, size_t size, size_t n, void *arg)
{
    struct web_text *to = arg;

    if (to->cap <= to->n + size * n) { /* ASan copies at every realloc */
        to->cap = 2 * (to->n + size * n) + 1;
        to->p = realloc(to->p, to->cap);
        ck_assert_ptr_nonnull(to->p);
    }
    memcpy(to->p + to->n, p, size * n);
    to->n += size * n;
    to->p[to->n] = '\0';
    return size * n;
}

static void
clear(struct web_text *t)
{
    t->n = 0;
    if (t->p)
        *t->p = '\0';
}

struct web
web_open(const struct server *s)
{
    struct web w = {.curl = curl_easy_init(), .s = s};

    ck_assert_ptr_nonnull(w.curl);
    curl_easy_setopt(w.curl, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(w.curl, CURLOPT_HTTP_VERSION,
                     (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    curl_easy_setopt(w.curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(w.curl, CURLOPT_BUFFERSIZE, CURLER_BUFFER);
    curl_easy_setopt(w.curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(w.curl, CURLOPT_HEADERFUNCTION, on_bytes);
    return w;
}

struct web
web_open_secure(const struct server *s)
{
    struct web w = web_open(s);

    w.is_secure = 1;
    curl_easy_setopt(w.curl, CURLOPT_HTTP_VERSION,
                     (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(w.curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(w.curl, CURLOPT_SSL_VERIFYHOST, 0L);
    return w;
}

void
web_close(struct web *w)
{
    curl_easy_cleanup(w->curl);
    free(w->body.p);
    free(w->head.p);
}

void
web_target(struct web *w, const char *path)
{
    char url[512];

    snprintf(url, sizeof url, "http%s://127.0.0.1:%u%s",
             w->is_secure ? "s" : "", w->s->port, path);
    curl_easy_setopt(w->curl, CURLOPT_URL, url);
}

static void
prepare(struct web *w)
{
    clear(&w->body);
    clear(&w->head);
    curl_easy_setopt(w->curl, CURLOPT_WRITEDATA, &w->body);
    curl_easy_setopt(w->curl, CURLOPT_HEADERDATA, &w->head);
}

CURLcode
web_try(struct web *w)
{
    prepare(w);
    return curl_easy_perform(w->curl);
}

static long
status_of(struct web *w)
{
    long status = 0, version = 0;

    curl_easy_getinfo(w->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(w->curl, CURLINFO_HTTP_VERSION, &version);
    ck_assert_int_eq(version, CURL_HTTP_VERSION_2_0);
    return status;
}

void
web_ask(struct web *w, long status)
{
    CURLcode rc = web_try(w);

    const char *url = NULL;

    curl_easy_getinfo(w->curl, CURLINFO_EFFECTIVE_URL, &url);
    ck_assert_msg(rc == CURLE_OK, "curl: %s: %s, %zu bytes have come", url,
                  curl_easy_strerror(rc), w->body.n);
    ck_assert_int_eq(status_of(w), status);
}

void
web_get(struct web *w, long status, const char *path)
{
    curl_easy_setopt(w->curl, CURLOPT_HTTPGET, 1L);
    web_target(w, path);
    web_ask(w, status);
}

void
web_post(struct web *w, long status, const char *path, const char *p, size_t n)
{
    curl_easy_setopt(w->curl, CURLOPT_POSTFIELDS, p);
    curl_easy_setopt(w->curl, CURLOPT_POSTFIELDSIZE, (long)n);
    web_target(w, path);
    web_ask(w, status);
}
