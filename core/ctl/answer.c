/* SPDX-License-Identifier: BSD-2-Clause */
/* answer.c - see answer.h. */
#include "ctl/answer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/str.h"

#define ANSWER_MAX (64u << 20) /* of another process: all workers' words */
#define GOOD "{\"ok\":true,"

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
answer_vrefuse(struct answer *a, int code, const char *fmt, va_list ap)
{
    char why[1024];

    vsnprintf(why, sizeof why, fmt, ap);
    answer_begin(a);
    if (a->out) {
        fprintf(a->out, "{\"ok\":false,\"exit\":%d,", code);
        json_last(a->out, "error", why);
    }
    answer_end(a);
}

void
answer_refuse(struct answer *a, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    answer_vrefuse(a, code, fmt, ap);
    va_end(ap);
}

void
answer_pid(struct answer *a)
{
    answer_begin(a);
    if (a->out)
        fprintf(a->out, "{\"ok\":true,\"pid\":%d}", (int)getpid());
    answer_end(a);
}

void
answer_end_of(struct answer *a, int code)
{
    if (code == SERVER_CUT)
        answer_refuse(a, code,
                      "stopped, and drain_timeout or a second signal has cut "
                      "something off: see the log");
    else
        answer_refuse(a, code, "the server has ended with exit code %d", code);
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

void
answer_outcome(struct answer *a, int is_good, uint64_t generation,
               const char *changes, const struct diag *d)
{
    answer_begin(a);
    if (a->out) {
        fprintf(a->out, "{\"ok\":%s,", is_good ? "true" : "false,\"exit\":1");
        fprintf(a->out, "\"generation\":%llu", (unsigned long long)generation);
        if (is_good) {
            fputs(",\"summary\":", a->out);
            json_string(a->out, str_from_z(changes));
        } else {
            answer_diag(a->out, d, DIAG_ERROR, "errors", UINT32_MAX);
        }
        answer_diag(a->out, d, DIAG_WARNING, "warnings", UINT32_MAX);
        fputc('}', a->out);
    }
    answer_end(a);
}

/* ---- of another process --------------------------------------------------*/

/* The n bytes there, and a NUL; NULL and *rc. */
static char *
load(int fd, size_t n, int *rc)
{
    char *text = malloc(n + 1);
    ssize_t k = text ? pread(fd, text, n, 0) : 0;

    *rc = !text ? -ENOMEM : k < 0 ? -errno : (size_t)k == n ? 0 : -EPROTO;
    if (*rc < 0) {
        free(text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

/* An object on one line; it is read in a copy, since reading writes. */
static int
check(const char *text, size_t n)
{
    struct json_read r;
    struct json_value v;
    char *copy = memchr(text, '\n', n) ? NULL : malloc(n + 1);
    int rc = -1;

    if (!copy)
        return -EPROTO;
    memcpy(copy, text, n);
    json_read_init(&r, copy, n);
    while ((rc = json_read_next(&r, &v)) > 0)
        continue;
    free(copy);
    return rc < 0 || text[0] != '{' || n < 2 ? -EPROTO : 0;
}

int
answer_read(struct answer *a, int fd)
{
    struct stat st;
    int rc = 0;

    *a = (struct answer){0};
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size <= 0 ||
        (uint64_t)st.st_size > ANSWER_MAX)
        return -EPROTO;
    a->n = (size_t)st.st_size;
    a->text = load(fd, a->n, &rc);
    if (rc == 0)
        rc = check(a->text, a->n);
    if (rc < 0)
        answer_free(a);
    return rc;
}

const char *
answer_members(const struct answer *a, size_t *n)
{
    if (strncmp(a->text, GOOD, sizeof GOOD - 1) != 0)
        return NULL;
    *n = a->n - (sizeof GOOD - 1);
    return a->text + sizeof GOOD - 1;
}
