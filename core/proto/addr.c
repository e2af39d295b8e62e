/* SPDX-License-Identifier: BSD-2-Clause */
/* addr.c - see addr.h. */
#include "proto/addr.h"

#include <netinet/in.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "proto/ascii.h"
#include "proto/field.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

int
addr_is_v4(const struct addr *a)
{
    return a->kind == ADDR_IP && memcmp(a->ip, mapped, sizeof(mapped)) == 0;
}

/* ---- reading -------------------------------------------------------------*/

/* Four decimal numbers to ip[0..3]. */
static int
parse_v4(et_str s, uint8_t *ip)
{
    size_t i = 0;

    for (int part = 0; part < 4; part++) {
        size_t start = i;
        uint64_t v;

        while (i < s.n && s.p[i] != '.')
            i++;
        if (ascii_to_u64((et_str){s.p + start, i - start}, 255, &v) < 0)
            return ERR_INVALID;
        if (i - start > 1 && s.p[start] == '0')
            return ERR_INVALID;
        ip[part] = (uint8_t)v;
        if ((i == s.n) != (part == 3))
            return ERR_INVALID;
        i++;
    }
    return 0;
}

/* An IPv6 address being read: n bytes so far, the gap of "::" at byte gap. */
struct v6 {
    uint8_t b[16];
    size_t n;
    int gap;
};

/* Hexadecimal digits at s.p[i], 1 to 4 of them, as two more bytes.  Returns how
 * many. */
static int
put_group(struct v6 *a, et_str s, size_t i)
{
    unsigned v = 0;
    int n = 0;

    while (i + (size_t)n < s.n && n < 4 &&
           ascii_is(s.p[i + (size_t)n], ASCII_HEX))
        v = v << 4 | ascii_hex_digit(s.p[i + (size_t)n++]);
    if (n == 0 || a->n + 2 > sizeof(a->b))
        return ERR_INVALID;
    a->b[a->n++] = (uint8_t)(v >> 8);
    a->b[a->n++] = (uint8_t)(v & 255);
    return n;
}

/* The last 32 bits, written as IPv4, in place of the group just read. */
static int
put_v4_tail(struct v6 *a, et_str s)
{
    a->n -= 2;
    if (a->n + 4 > sizeof(a->b) || parse_v4(s, a->b + a->n) < 0)
        return ERR_INVALID;
    a->n += 4;
    return 0;
}

/* Groups and colons from s.p[i] on; "::" in front has been read. */
static int
read_groups(struct v6 *a, et_str s, size_t i)
{
    while (i < s.n) {
        size_t start = i;
        int n = put_group(a, s, i);

        if (n < 0)
            return ERR_INVALID;
        i += (size_t)n;
        if (i == s.n)
            return 0;
        if (s.p[i] == '.')
            return put_v4_tail(a, (et_str){s.p + start, s.n - start});
        if (s.p[i++] != ':' || i == s.n)
            return ERR_INVALID;
        if (s.p[i] != ':')
            continue;
        if (a->gap >= 0)
            return ERR_INVALID;
        a->gap = (int)a->n;
        i++;
    }
    return 0;
}

static int
parse_v6(et_str s, uint8_t ip[16])
{
    struct v6 a = {.gap = -1};
    size_t start = 0, tail;

    if (s.n < 2)
        return ERR_INVALID;
    if (s.p[0] == ':' && s.p[1] == ':') {
        a.gap = 0;
        start = 2;
    }
    if (read_groups(&a, s, start) < 0)
        return ERR_INVALID;
    if ((a.gap < 0) != (a.n == 16))
        return ERR_INVALID;
    memset(ip, 0, 16);
    tail = a.gap < 0 ? 0 : a.n - (size_t)a.gap;
    memcpy(ip, a.b, a.n - tail);
    memcpy(ip + 16 - tail, a.b + a.n - tail, tail);
    return 0;
}

int
addr_parse(et_str s, struct addr *out)
{
    *out = (struct addr){.kind = ADDR_IP};
    if (s.n > 0 && memchr(s.p, ':', s.n) != NULL)
        return parse_v6(s, out->ip);
    memcpy(out->ip, mapped, sizeof(mapped));
    return parse_v4(s, out->ip + 12);
}

static int
parse_port(et_str s, uint16_t *port)
{
    uint64_t v;

    if (s.n > 5 || ascii_to_u64(s, 65535, &v) < 0)
        return ERR_INVALID;
    *port = (uint16_t)v;
    return 0;
}

/* "host", "host:port", "[v6]", "[v6]:port": port.p is NULL without one.  More
 * than one colon outside brackets belongs to the host. */
static int
split_port(et_str s, et_str *host, et_str *port)
{
    const char *end = s.p + s.n, *colon;

    *port = (et_str){NULL, 0};
    *host = s;
    if (s.n == 0)
        return ERR_INVALID;
    if (s.p[0] == '[') {
        const char *close = memchr(s.p, ']', s.n);
        if (close == NULL)
            return ERR_INVALID;
        *host = (et_str){s.p + 1, (size_t)(close - s.p) - 1};
        if (memchr(host->p, ':', host->n) == NULL)
            return ERR_INVALID;
        if (close + 1 == end)
            return 0;
        colon = close + 1;
    } else {
        colon = memchr(s.p, ':', s.n);
        if (colon == NULL)
            return 0;
        if (memchr(colon + 1, ':', (size_t)(end - colon) - 1) != NULL)
            return 0;
        host->n = (size_t)(colon - s.p);
    }
    if (*colon != ':')
        return ERR_INVALID;
    *port = (et_str){colon + 1, (size_t)(end - colon) - 1};
    return 0;
}

int
addr_parse_port(et_str s, struct addr *out)
{
    et_str host, port;

    if (split_port(s, &host, &port) < 0 || addr_parse(host, out) < 0)
        return ERR_INVALID;
    return port.p == NULL ? 0 : parse_port(port, &out->port);
}

void
addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
    *out = (struct addr){.kind = ADDR_NONE};
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sa;
        out->kind = ADDR_IP;
        out->port = ntohs(in->sin_port);
        memcpy(out->ip, mapped, sizeof(mapped));
        memcpy(out->ip + 12, &in->sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)sa;
        out->kind = ADDR_IP;
        out->port = ntohs(in6->sin6_port);
        memcpy(out->ip, &in6->sin6_addr, 16);
    } else if (sa->sa_family == AF_UNIX) {
        out->kind = ADDR_UNIX;
    }
}

/* ---- writing -------------------------------------------------------------*/

static size_t
put_text(char *out, const char *text)
{
    size_t n = strlen(text);

    memcpy(out, text, n);
    return n;
}

static size_t
format_v4(const uint8_t *ip, char *out)
{
    size_t n = 0;

    for (int i = 0; i < 4; i++) {
        char text[ASCII_U64_MAX];
        size_t len = ascii_from_u64(text, ip[i]);

        if (i > 0)
            out[n++] = '.';
        memcpy(out + n, text, len);
        n += len;
    }
    return n;
}

static unsigned
group(const uint8_t *ip, int i)
{
    return (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
}

static size_t
put_hex(char *out, unsigned v)
{
    size_t n = 0;

    for (int shift = 12; shift >= 0; shift -= 4)
        if (n > 0 || v >> shift != 0 || shift == 0)
            out[n++] = "0123456789abcdef"[v >> shift & 15];
    return n;
}

/* The longest run of two or more zero groups, the first of equals: where it
 * begins and its length; length 0 if there is none. */
static int
longest_gap(const uint8_t *ip, int *len)
{
    int best = 0;

    *len = 1;
    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && group(ip, i + n) == 0)
            n++;
        if (n > *len) {
            best = i;
            *len = n;
        }
    }
    *len = *len < 2 ? 0 : *len;
    return best;
}

static size_t
format_v6(const uint8_t *ip, char *out)
{
    int gap_len, gap = longest_gap(ip, &gap_len);
    size_t n = 0;

    for (int i = 0; i < 8; i++) {
        if (gap_len > 0 && i == gap) {
            n += put_text(out + n, "::");
            i += gap_len - 1;
            continue;
        }
        if (i > 0 && (gap_len == 0 || i != gap + gap_len))
            out[n++] = ':';
        n += put_hex(out + n, group(ip, i));
    }
    return n;
}

size_t
addr_format(const struct addr *a, char out[ADDR_TEXT_MAX])
{
    if (a->kind == ADDR_UNIX)
        return put_text(out, "unix:");
    if (a->kind != ADDR_IP)
        return put_text(out, "-");
    if (addr_is_v4(a))
        return format_v4(a->ip + 12, out);
    return format_v6(a->ip, out);
}

/* ---- CIDR lists ----------------------------------------------------------*/

static void
clear_bits(uint8_t ip[16], unsigned from)
{
    for (unsigned i = from / 8; i < 16; i++) {
        unsigned kept = i == from / 8 ? from % 8 : 0;
        ip[i] = (uint8_t)(ip[i] >> (8 - kept) << (8 - kept));
    }
}

int
addr_cidr_parse(et_str s, struct addr_cidr *out)
{
    const char *slash = s.n > 0 ? memchr(s.p, '/', s.n) : NULL;
    size_t n = slash != NULL ? (size_t)(slash - s.p) : s.n;
    uint64_t bits, max;
    struct addr a;

    *out = (struct addr_cidr){.kind = ADDR_UNIX};
    if (ascii_eq_lit(s, "unix:"))
        return 0;
    if (addr_parse((et_str){s.p, n}, &a) < 0)
        return ERR_INVALID;
    out->kind = ADDR_IP;
    out->is_v4 = (uint8_t)addr_is_v4(&a);
    max = memchr(s.p, ':', n) != NULL ? 128 : 32;
    bits = max;
    if (slash != NULL &&
        ascii_to_u64((et_str){slash + 1, s.n - n - 1}, max, &bits) < 0)
        return ERR_INVALID;
    out->bits = (uint8_t)(128 - max + bits);
    if (out->bits < 96)
        out->is_v4 = 0;
    memcpy(out->ip, a.ip, 16);
    clear_bits(out->ip, out->bits);
    return 0;
}

static int
cidr_holds(const struct addr_cidr *c, const struct addr *a)
{
    unsigned whole = c->bits / 8, rest = c->bits % 8;

    if (c->kind != a->kind)
        return 0;
    if (c->kind == ADDR_UNIX)
        return 1;
    if (c->is_v4 != addr_is_v4(a) || memcmp(c->ip, a->ip, whole) != 0)
        return 0;
    return rest == 0 || (c->ip[whole] ^ a->ip[whole]) >> (8 - rest) == 0;
}

int
addr_cidr_has(const struct addr_cidr *v, size_t n, const struct addr *a)
{
    for (size_t i = 0; i < n; i++)
        if (cidr_holds(&v[i], a))
            return 1;
    return 0;
}

/* ---- listen specs --------------------------------------------------------*/

#define UNIX_PATH_MAX 107u
#define NAME_MAX_LEN 253u

static int
parse_unix(et_str path, struct addr_listen *out)
{
    out->kind = ADDR_LISTEN_UNIX;
    out->text = path;
    if (path.n < 2 || path.n > UNIX_PATH_MAX || path.p[0] != '/')
        return ERR_INVALID;
    return memchr(path.p, 0, path.n) == NULL ? 0 : ERR_INVALID;
}

static int
is_name(et_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is(s.p[i], ASCII_ALPHA | ASCII_DIGIT) && s.p[i] != '-' &&
            s.p[i] != '.' && s.p[i] != '_')
            return 0;
    return s.n > 0 && s.n <= NAME_MAX_LEN && s.p[0] != '.' && s.p[0] != '-';
}

/* Digits and dots only: meant as an IPv4 address, so no name if it is none. */
static int
looks_like_v4(et_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is(s.p[i], ASCII_DIGIT) && s.p[i] != '.')
            return 0;
    return 1;
}

int
addr_listen_parse(et_str spec, struct addr_listen *out)
{
    et_str host, port;

    *out = (struct addr_listen){.kind = ADDR_LISTEN_ANY};
    if (spec.n > 5 && memcmp(spec.p, "unix:", 5) == 0)
        return parse_unix((et_str){spec.p + 5, spec.n - 5}, out);
    if (split_port(spec, &host, &port) < 0 || port.p == NULL ||
        parse_port(port, &out->port) < 0)
        return ERR_INVALID;
    out->text = host;
    if (host.n == 0 || (host.n == 1 && host.p[0] == '*'))
        return 0;
    if (addr_parse(host, &out->addr) == 0) {
        out->kind = ADDR_LISTEN_IP;
        out->addr.port = out->port;
        return 0;
    }
    out->kind = ADDR_LISTEN_NAME;
    return is_name(host) && !looks_like_v4(host) ? 0 : ERR_INVALID;
}

/* ---- the client behind proxies -------------------------------------------*/

/* Forwarded: for=192.0.2.43;proto=https, for="[2001:db8::1]:4711" */
static int
parse_forwarded(et_str hop, struct addr *out, et_str *proto)
{
    et_str item, k, v, node = {NULL, 0};
    char text[ADDR_TEXT_MAX + 16];
    size_t n;
    int rc;

    while ((rc = field_param_next(&hop, &item)) > 0) {
        if (field_pair(item, &k, &v) < 0)
            return ERR_INVALID;
        if (ascii_eq_lit(k, "for"))
            node = v;
        else if (ascii_eq_lit(k, "proto"))
            *proto = v;
    }
    if (rc < 0 || node.n > sizeof(text) || field_unquote(node, text, &n) < 0)
        return ERR_INVALID;
    return addr_parse_port((et_str){text, n}, out);
}

/* What the walk from the right would have found, kept while going forward. */
struct walk {
    const struct addr_trust *trust;
    struct addr addr;
    et_str proto;
    int is_set;
};

static void
visit(struct walk *w, et_str hop)
{
    struct addr a;
    et_str proto = {NULL, 0};
    int rc = w->trust->source == ADDR_FORWARDED
                 ? parse_forwarded(hop, &a, &proto)
                 : addr_parse_port(hop, &a);

    if (rc < 0) {
        w->is_set = 0;
        return;
    }
    if (w->is_set && addr_cidr_has(w->trust->v, w->trust->n, &a))
        return;
    w->addr = a;
    w->proto = proto;
    w->is_set = 1;
}

/* Hops are split at every comma, in quotes or not: no address holds one, and a
 * quote that a client left open must not swallow what a proxy appended. */
static void
visit_all(struct walk *w, et_str list)
{
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma != NULL ? (size_t)(comma - list.p) : list.n;
        et_str hop = str_trim((et_str){list.p, n});

        if (hop.n > 0)
            visit(w, hop);
        n += comma != NULL;
        list.p += n;
        list.n -= n;
    }
}

void
addr_client(const struct addr_trust *trust, const struct addr *peer,
            const et_str *values, size_t n, struct addr *out, et_str *proto)
{
    struct walk w = {.trust = trust};

    if (addr_cidr_has(trust->v, trust->n, peer))
        for (size_t i = 0; i < n; i++)
            visit_all(&w, values[i]);
    *out = w.is_set ? w.addr : *peer;
    if (proto != NULL)
        *proto = w.is_set ? w.proto : (et_str){NULL, 0};
}
