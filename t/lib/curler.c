/* SPDX-License-Identifier: BSD-2-Clause */
/* curler.c - libcurl over the transport of this run; see curler.h. */
#include "t/lib/curler.h"

#include <check.h>
#include <stdio.h>

#include "t/lib/transport.h"

CURL *
curler_new(void)
{
    const struct transport *t = transport_here();
    CURL *c = curl_easy_init();

    ck_assert_ptr_nonnull(c);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, CURLER_BUFFER);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    if (t->is_h2)
        curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
                         (long)(t->is_tls
                                    ? CURL_HTTP_VERSION_2TLS
                                    : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
    return c;
}

void
curler_target(CURL *c, uint16_t port, const char *path)
{
    char url[256];

    snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", transport_here()->scheme,
             port, path);
    curl_easy_setopt(c, CURLOPT_URL, url);
}
