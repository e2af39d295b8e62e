/* SPDX-License-Identifier: BSD-2-Clause */
/* proxy.c - see proxy.h.
 *
 *   v1   PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 CRLF        <= 107 bytes
 *   v2   12 bytes of signature | ver,cmd | family,protocol | length (2, big
 *        endian) | addresses | type-length-value extensions */
#include "proto/proxy.h"

#include <string.h>

#include "base/err.h"
#include "proto/ascii.h"

#define V1_MAX 107u
#define V2_FIXED 16u
#define TLV_SSL 0x20
#define SSL_CLIENT_TLS 0x01

static const char v1_signature[] = "PROXY ";
static const char v2_signature[] = "\r\n\r\n\0\r\nQUIT\n";

/* ---- version 1 -----------------------------------------------------------*/

/* The next word of the line, one blank in front of it cut off. */
static int
next_word(et_str *line, et_str *word)
{
    const char *blank;

    if (line->n < 2 || line->p[0] != ' ')
        return ERR_INVALID;
    line->p++;
    line->n--;
    blank = memchr(line->p, ' ', line->n);
    *word = *line;
    if (blank != NULL)
        word->n = (size_t)(blank - line->p);
    line->p += word->n;
    line->n -= word->n;
    return word->n > 0 ? 0 : ERR_INVALID;
}

static int
v1_addr(et_str *line, int is_v6, struct addr *out)
{
    et_str word;

    if (next_word(line, &word) < 0 || addr_parse(word, out) < 0)
        return ERR_INVALID;
    return (memchr(word.p, ':', word.n) != NULL) == is_v6 ? 0 : ERR_INVALID;
}

static int
v1_port(et_str *line, uint16_t *out)
{
    et_str word;
    uint64_t v;

    if (next_word(line, &word) < 0 || ascii_to_u64(word, 65535, &v) < 0)
        return ERR_INVALID;
    if (word.n > 1 && word.p[0] == '0')
        return ERR_INVALID;
    *out = (uint16_t)v;
    return 0;
}

/* What stands between "PROXY" and CRLF. */
static int
v1_line(et_str line, struct proxy *out)
{
    et_str family;
    int is_v6;

    if (next_word(&line, &family) < 0)
        return ERR_INVALID;
    if (family.n == 7 && memcmp(family.p, "UNKNOWN", 7) == 0) {
        out->is_local = 1;
        return 0;
    }
    if (family.n != 4 || memcmp(family.p, "TCP", 3) != 0)
        return ERR_INVALID;
    is_v6 = family.p[3] == '6';
    if (!is_v6 && family.p[3] != '4')
        return ERR_INVALID;
    if (v1_addr(&line, is_v6, &out->src) < 0 ||
        v1_addr(&line, is_v6, &out->dst) < 0 ||
        v1_port(&line, &out->src.port) < 0 ||
        v1_port(&line, &out->dst.port) < 0)
        return ERR_INVALID;
    return line.n == 0 ? 0 : ERR_INVALID;
}

static int
parse_v1(const char *p, size_t n, struct proxy *out)
{
    size_t max = n < V1_MAX ? n : V1_MAX;
    const char *lf = memchr(p, '\n', max);
    size_t len;

    if (lf == NULL)
        return n < V1_MAX ? PROXY_MORE : ERR_INVALID;
    len = (size_t)(lf - p) + 1;
    if (lf[-1] != '\r')
        return ERR_INVALID;
    out->version = 1;
    out->head_len = (uint32_t)len;
    if (v1_line((et_str){p + 5, len - 7}, out) < 0)
        return ERR_INVALID;
    return PROXY_DONE;
}

/* ---- version 2 -----------------------------------------------------------*/

static unsigned
byte_at(const char *p, size_t i)
{
    return (unsigned char)p[i];
}

static unsigned
get16(const char *p, size_t i)
{
    return byte_at(p, i) << 8 | byte_at(p, i + 1);
}

static void
v2_addr(const char *ip, size_t ip_len, unsigned port, struct addr *out)
{
    *out = (struct addr){.kind = ADDR_IP, .port = (uint16_t)port};
    if (ip_len == 4)
        out->ip[10] = out->ip[11] = 0xff;
    memcpy(out->ip + 16 - ip_len, ip, ip_len);
}

static void
v2_pair(const char *p, size_t ip_len, struct proxy *out)
{
    v2_addr(p, ip_len, get16(p, 2 * ip_len), &out->src);
    v2_addr(p + ip_len, ip_len, get16(p, 2 * ip_len + 2), &out->dst);
}

/* Walk the extensions; a length that overruns them is malformed. */
static int
v2_extensions(const char *p, size_t n, struct proxy *out)
{
    while (n > 0) {
        size_t len;

        if (n < 3)
            return ERR_INVALID;
        len = get16(p, 1);
        if (len > n - 3)
            return ERR_INVALID;
        if (byte_at(p, 0) == TLV_SSL && len >= 5)
            out->is_tls = (byte_at(p, 3) & SSL_CLIENT_TLS) != 0;
        p += 3 + len;
        n -= 3 + len;
    }
    return 0;
}

/* The n bytes behind the fixed part, of a PROXY command. */
static int
v2_payload(unsigned family, const char *p, size_t n, struct proxy *out)
{
    static const size_t sizes[] = {0, 12, 36, 216};
    size_t used;

    if (family > 3)
        return ERR_INVALID;
    used = sizes[family];
    if (n < used)
        return ERR_INVALID;
    switch (family) {
    case 1: v2_pair(p, 4, out); break;
    case 2: v2_pair(p, 16, out); break;
    case 3: out->src.kind = out->dst.kind = ADDR_UNIX; break;
    default: out->is_local = 1; return 0;
    }
    return v2_extensions(p + used, n - used, out);
}

static int
parse_v2(const char *p, size_t n, struct proxy *out)
{
    size_t len;
    unsigned command;

    if (n < V2_FIXED)
        return PROXY_MORE;
    len = get16(p, 14);
    command = byte_at(p, 12) & 15;
    if (byte_at(p, 12) >> 4 != 2 || command > 1 || (byte_at(p, 13) & 15) > 2)
        return ERR_INVALID;
    if (V2_FIXED + len > PROXY_HEAD_MAX)
        return ERR_LIMIT;
    if (n < V2_FIXED + len)
        return PROXY_MORE;
    out->version = 2;
    out->head_len = (uint32_t)(V2_FIXED + len);
    out->is_local = command == 0;
    if (out->is_local)
        return PROXY_DONE;
    if (v2_payload(byte_at(p, 13) >> 4, p + V2_FIXED, len, out) < 0)
        return ERR_INVALID;
    return PROXY_DONE;
}

/* ---- which one -----------------------------------------------------------*/

/* Are the n bytes the beginning of the signature, or begin with it? */
static int
may_be(const char *p, size_t n, const char *signature, size_t len)
{
    return memcmp(p, signature, n < len ? n : len) == 0;
}

int
proxy_parse(const char *p, size_t n, uint32_t versions, int is_optional,
            struct proxy *out)
{
    *out = (struct proxy){.head_len = 0};
    if (n == 0)
        return PROXY_MORE;
    if ((versions & PROXY_V1) && may_be(p, n, v1_signature, 6))
        return n < 6 ? PROXY_MORE : parse_v1(p, n, out);
    if ((versions & PROXY_V2) && may_be(p, n, v2_signature, 12))
        return parse_v2(p, n, out);
    return is_optional ? PROXY_DONE : ERR_INVALID;
}
