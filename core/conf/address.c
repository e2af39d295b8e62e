/* SPDX-License-Identifier: BSD-2-Clause */
/* address.c - see address.h. */
#include "conf/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/err.h"

static int
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int
is_label_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           c == '-' || c == '_';
}

/* A numeric address of this family, as inet_pton takes it. */
static int
is_numeric(int family, et_str s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ignored;

    if (s.n == 0 || s.n >= sizeof(text))
        return 0;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(family, text, &ignored) == 1;
}

/* An IPv6 address, perhaps with a zone: fe80::1%eth0. */
static int
is_v6(et_str s)
{
    const char *zone = s.n ? memchr(s.p, '%', s.n) : NULL;
    size_t i;

    if (!zone)
        return is_numeric(AF_INET6, s);
    for (i = (size_t)(zone - s.p) + 1; i < s.n; i++)
        if (!is_label_byte(s.p[i]) && s.p[i] != '.')
            return 0;
    return s.p[s.n - 1] != '%' &&
           is_numeric(AF_INET6, (et_str){s.p, (size_t)(zone - s.p)});
}

/* Dotted labels of 1 to 63 bytes; what ends in a number must be an IPv4
 * address, since no top-level domain is numeric. */
static int
is_name(et_str s)
{
    size_t i, label = 0, label_digits = 0;

    if (s.n == 0 || s.n > ADDRESS_MAX_HOST)
        return 0;
    for (i = 0; i < s.n; i++) {
        if (s.p[i] == '.') {
            if (label == 0)
                return 0;
            label = label_digits = 0;
            continue;
        }
        if (!is_label_byte(s.p[i]) || ++label > 63)
            return 0;
        label_digits += (size_t)is_digit(s.p[i]);
    }
    if (label == 0)
        return 0;
    return label_digits < label || is_numeric(AF_INET, s);
}

static int
parse_port(et_str s, int64_t *out)
{
    int64_t port = 0;
    size_t i;

    if (s.n == 0 || s.n > 5)
        return ERR_INVALID;
    for (i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return ERR_INVALID;
        port = port * 10 + (s.p[i] - '0');
    }
    *out = port;
    return port <= 65535 ? 0 : ERR_INVALID;
}

static int
parse_unix(et_str path, struct address *out)
{
    if (path.n == 0 || path.n > ADDRESS_MAX_UNIX_PATH)
        return ERR_INVALID;
    out->path = path;
    out->port = -1;
    return 0;
}

int
address_listen(et_str s, struct address *out)
{
    size_t colon;
    et_str host;

    *out = (struct address){0};
    if (s.n >= 5 && memcmp(s.p, "unix:", 5) == 0)
        return parse_unix((et_str){s.p + 5, s.n - 5}, out);
    for (colon = s.n; colon > 0 && s.p[colon - 1] != ':'; colon--)
        ;
    if (colon == 0 ||
        parse_port((et_str){s.p + colon, s.n - colon}, &out->port))
        return ERR_INVALID;
    host = (et_str){s.p, colon - 1};
    if (host.n == 0 || (host.n == 1 && host.p[0] == '*'))
        return 0;
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        out->host = (et_str){host.p + 1, host.n - 2};
        return is_v6(out->host) ? 0 : ERR_INVALID;
    }
    out->host = host;
    return is_name(host) ? 0 : ERR_INVALID;
}

int
address_net(et_str s)
{
    const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
    et_str ip = {s.p, slash ? (size_t)(slash - s.p) : s.n};
    int is_four = is_numeric(AF_INET, ip);
    int64_t bits = 0;

    if (!is_four && !is_numeric(AF_INET6, ip))
        return ERR_INVALID;
    if (!slash)
        return 0;
    if (parse_port((et_str){slash + 1, s.n - ip.n - 1}, &bits))
        return ERR_INVALID;
    return bits <= (is_four ? 32 : 128) ? 0 : ERR_INVALID;
}

int
address_host(et_str s, char buf[ADDRESS_MAX_HOST + 1])
{
    et_str rest = s;
    size_t i;

    if (s.n > 1 && s.p[s.n - 1] == '.')
        rest.n = s.n -= 1;
    if (s.n == 0 || s.n > ADDRESS_MAX_HOST)
        return ERR_INVALID;
    if (s.n > 2 && s.p[0] == '[') {
        if (s.p[s.n - 1] != ']' ||
            !is_numeric(AF_INET6, (et_str){s.p + 1, s.n - 2}))
            return ERR_INVALID;
    } else {
        if (s.n > 2 && s.p[0] == '*' && s.p[1] == '.')
            rest = (et_str){s.p + 2, s.n - 2};
        if (!is_name(rest))
            return ERR_INVALID;
    }
    for (i = 0; i < s.n; i++)
        buf[i] =
            (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
    buf[s.n] = '\0';
    return (int)s.n;
}
