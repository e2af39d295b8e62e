/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c - the little JSON that commands print; see json.h. */
#include "base/json.h"

#include "base/str.h"

void
json_string(FILE *out, et_str s)
{
    fputc('"', out);
    for (size_t i = 0, n; i < s.n; i += n ? n : 1) {
        unsigned char c = (unsigned char)s.p[i];
        n = str_utf8_len(s.p + i, s.n - i);
        if (n == 0)
            fputs("\\ufffd", out);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < ' ')
            fprintf(out, "\\u%04x", c);
        else
            fwrite(s.p + i, 1, n, out);
    }
    fputc('"', out);
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
