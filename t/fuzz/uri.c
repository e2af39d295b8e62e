/* SPDX-License-Identifier: BSD-2-Clause */
/* uri.c - a request-target: taken apart, normalised, its query decoded; and the
 * same bytes as a host. */
#include "proto/uri.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int ok)
{
    if (!ok)
        abort();
}

static int
is_inside(et_str s, et_str whole)
{
    return s.p == NULL || s.n == 0 ||
           (s.p >= whole.p && s.p + s.n <= whole.p + whole.n);
}

static void
check_no_dots(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t end = i + 1;
        if (p[i] != '/')
            continue;
        while (end < n && p[end] != '/')
            end++;
        require(end - i != 2 || p[i + 1] != '.');
        require(end - i != 3 || p[i + 1] != '.' || p[i + 2] != '.');
    }
}

static void
check_path(et_str path)
{
    char *out = malloc(path.n + 1), *again = malloc(path.n + 1);
    size_t n = 0, n_again = 0;
    int rc;

    require(out != NULL && again != NULL);
    rc = uri_normalise(path, out, &n);
    memcpy(again, path.p, path.n);
    require(uri_normalise((et_str){again, path.n}, again, &n_again) == rc);
    if (rc == 0) {
        require(n > 0 && n <= path.n && out[0] == '/');
        require(n == n_again && memcmp(out, again, n) == 0);
        require(memchr(out, 0, n) == NULL || memchr(path.p, 0, path.n));
        check_no_dots(out, n);
        if (uri_is_plain(path))
            require(n == path.n && memcmp(out, path.p, n) == 0);
    }
    /* what holds no '%' any more does not change a second time */
    if (rc == 0 && memchr(out, '%', n) == NULL) {
        require(uri_normalise((et_str){out, n}, again, &n_again) == 0);
        require(n == n_again && memcmp(out, again, n) == 0);
    }
    free(out);
    free(again);
}

static void
check_query(et_str query)
{
    et_str rest = query, key, value;
    char *out = malloc(query.n + 1);

    require(out != NULL);
    while (uri_query_next(&rest, &key, &value)) {
        size_t n = uri_form_decode(key, out);
        require(n <= key.n && is_inside(key, query));
        require(is_inside(value, query));
        require(uri_form_eq(key, (et_str){out, n}));
        require(uri_query_find(query, (et_str){out, n}, 0).p != NULL);
        require(uri_form_is_coded(key) ||
                (n == key.n && memcmp(out, key.p, n) == 0));
    }
    free(out);
}

static void
check_host(et_str s)
{
    struct uri_host host, again;
    char *out;

    if (uri_host_parse(s, &host) < 0)
        return;
    require(is_inside(host.name, s) && host.port <= 65535);
    out = malloc(host.name.n + 1);
    require(out != NULL);
    uri_host_lower(host.name, out);
    require(host.has_upper || memcmp(out, host.name.p, host.name.n) == 0);
    if (host.name.n > 0 && host.name.p[host.name.n - 1] != '.') {
        require(uri_host_parse((et_str){out, host.name.n}, &again) == 0);
        require(again.port == -1 && again.name.n == host.name.n);
        require(!again.has_upper && again.is_v6 == host.is_v6);
    }
    free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t methods[] = {ET_M_GET, ET_M_OPTIONS, ET_M_CONNECT};
    et_str all = {(const char *)data, size};
    struct uri u;

    for (size_t i = 0; i < 3; i++) {
        if (uri_split(all, methods[i], &u) < 0)
            continue;
        require(is_inside(u.authority, all) && is_inside(u.query, all));
        if (u.path.n > 0 && u.path.p[0] == '/') {
            require(u.path_is_plain == uri_is_plain(u.path));
            check_path(u.path);
        }
    }
    if (size > 0) {
        check_path(all);
        check_query(all);
    }
    check_host(all);
    return 0;
}
