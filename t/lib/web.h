/* SPDX-License-Identifier: BSD-2-Clause */
/* web.h - requests by libcurl, over HTTP/2, each on a connection of its own:
 * curl 7.88 cannot use one by prior knowledge twice.
 *
 *     struct web w = web_open(&s);
 *     web_get(&w, 200, "/hello/you");
 *     ck_assert_str_eq(w.body.p, "Hello, you!\n");
 *     web_close(&w);
 *
 * A call that fails fails the test. */
#ifndef T_LIB_WEB_H
#define T_LIB_WEB_H

#include <curl/curl.h>
#include <stddef.h>

#include "t/lib/server.h"

struct web_text {
    char *p; /* NUL behind it */
    size_t n, cap;
};

struct web {
    CURL *curl;
    const struct server *s;
    int is_secure;
    struct web_text body, head; /* of the last answer; trailers in head */
};

/* By prior knowledge; over TLS, whoever's certificate is shown. */
struct web web_open(const struct server *s);
struct web web_open_secure(const struct server *s);
void web_close(struct web *w);
/* Choose the path; nothing is asked yet. */
void web_target(struct web *w, const char *path);
/* Ask for what was chosen; the status has to be that. */
void web_ask(struct web *w, long status);
/* The same, whatever comes of it. */
CURLcode web_try(struct web *w);
/* GET. */
void web_get(struct web *w, long status, const char *path);
/* POST of n bytes at p. */
void web_post(struct web *w, long status, const char *path, const char *p,
              size_t n);
#endif
