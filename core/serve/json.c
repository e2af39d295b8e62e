/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c - the little JSON that commands print; see json.h. */
#include "serve/json.h"

#include "base/str.h"

void
json_string(FILE *out, et_str s)
{
    fputc('"', out);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < ' ')
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
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
