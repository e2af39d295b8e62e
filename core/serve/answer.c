/* SPDX-License-Identifier: BSD-2-Clause */
/* answer.c - see answer.h. */
#include "serve/answer.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

static char no_memory[] =
    "{\"ok\":false,\"exit\":70,\"error\":\"out of memory\"}";

void
answer_begin(struct answer *a)
{
    *a = (struct answer){0};
    a->out = open_memstream(&a->text, &a->n);
}

/* A newline stands between values only: in a string it is escaped. */
static void
join_lines(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n')
            p[i] = ' ';
    }
}

char *
answer_take(struct answer *a)
{
    int is_whole = a->out && !ferror(a->out) && !a->is_broken;

    if (a->out && fclose(a->out) != 0)
        is_whole = 0;
    a->out = NULL;
    if (is_whole)
        return a->text;
    free(a->text);
    return NULL;
}

void
answer_end(struct answer *a)
{
    a->text = answer_take(a);
    if (a->text) {
        join_lines(a->text, a->n);
        return;
    }
    a->text = no_memory;
    a->n = sizeof no_memory - 1;
}

void
answer_free(struct answer *a)
{
    if (a->text != no_memory)
        free(a->text);
    *a = (struct answer){0};
}

void
answer_refuse(struct answer *a, int code, const char *fmt, ...)
{
    char why[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    answer_begin(a);
    if (a->out) {
        fprintf(a->out, "{\"ok\":false,\"exit\":%d,", code);
        json_last(a->out, "error", why);
    }
    answer_end(a);
}

void
answer_diag(FILE *out, const struct diag *d, enum diag_kind kind,
            const char *name, uint32_t max)
{
    uint32_t n = 0, n_all = d->share[kind].untold;
    char rest[DIAG_REST_LEN];

    fprintf(out, ",\"%s\":[", name);
    for (const struct diag_item *i = d->first; i; i = i->next) {
        if (i->kind != kind)
            continue;
        n_all++;
        if (n == max)
            continue;
        fputs(n++ ? "," : "", out);
        json_string(out, str_from_z(i->text));
    }
    if (n_all > n) {
        snprintf(rest, sizeof rest, "and %u more", n_all - n);
        fputs(n ? "," : "", out);
        json_string(out, str_from_z(rest));
    }
    fputc(']', out);
}
