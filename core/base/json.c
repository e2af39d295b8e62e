/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c - the little JSON that commands print; see json.h. */
#include "base/json.h"

#include <string.h>

#include "base/str.h"

#define PIECE_MAX 6 /* what stands for a byte, or a character as it is */

/* How the n > 0 bytes at p begin in quotes: *len bytes in out, for as many of p
 * as this returns. */
static size_t
escape(char out[PIECE_MAX], size_t *len, const char *p, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char c = (unsigned char)*p;
    const size_t is_special = c == '"' || c == '\\';
    const size_t used = str_utf8_len(p, n);

    *len = PIECE_MAX;
    if (used == 0) {
        memcpy(out, "\\ufffd", PIECE_MAX);
        return 1;
    }
    if (c < ' ') {
        memcpy(out, "\\u00", 4);
        out[4] = hex[c >> 4];
        out[5] = hex[c & 15];
        return 1;
    }
    out[0] = '\\';
    memcpy(out + is_special, p, used);
    *len = is_special + used;
    return used;
}

void
json_string(FILE *out, et_str s)
{
    char piece[PIECE_MAX];
    size_t len;

    fputc('"', out);
    for (size_t i = 0; i < s.n;) {
        i += escape(piece, &len, s.p + i, s.n - i);
        fwrite(piece, 1, len, out);
    }
    fputc('"', out);
}

size_t
json_quote(char *out, size_t cap, const char *text)
{
    const et_str s = str_from_z(text);
    char piece[PIECE_MAX];
    size_t n = 0, len;

    out[n++] = '"';
    for (size_t i = 0; i < s.n;) {
        i += escape(piece, &len, s.p + i, s.n - i);
        if (n + len + 2 > cap)
            break;
        memcpy(out + n, piece, len);
        n += len;
    }
    out[n++] = '"';
    out[n] = '\0';
    return n;
}

static void
put(FILE *out, const char *name, const char *value, char then)
{
    fprintf(out, "\"%s\":", name);
    json_string(out, str_from_z(value ? value : ""));
    fputc(then, out);
}

void
json_member(FILE *out, const char *name, const char *value)
{
    put(out, name, value, ',');
}

void
json_last(FILE *out, const char *name, const char *value)
{
    put(out, name, value, '}');
}
