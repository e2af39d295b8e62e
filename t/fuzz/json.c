/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c - an order of the administrator: whatever the bytes are, what is read
 * of them lies within them, and what was read is read again from what json.h
 * writes of it. */
#include "base/json_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int ok)
{
    if (!ok)
        abort();
}

static int
is_inside(et_str s, const char *p, size_t n)
{
    return s.p >= p && s.p + s.n <= p + n;
}

static int
is_clean(et_str s)
{
    size_t n;

    for (size_t i = 0; i < s.n; i += n) {
        n = str_utf8_len(s.p + i, s.n - i);
        if (n == 0 || s.p[i] == '\0')
            return 0;
    }
    return 1;
}

static void
check_again(et_str text)
{
    char *out = NULL;
    size_t n;
    FILE *f = open_memstream(&out, &n);
    struct json_read r;
    struct json_value v;

    require(f != NULL);
    fputs("{\"x\":", f);
    json_string(f, text);
    fputc('}', f);
    fclose(f);
    json_read_init(&r, out, n);
    require(json_read_next(&r, &v) == 1 && v.type == JSON_STRING);
    require(str_eq(v.text, text) && json_read_next(&r, &v) == 0);
    free(out);
}

static void
check_string(et_str s, const char *p, size_t n)
{
    require(is_inside(s, p, n) && is_clean(s));
    check_again(s);
}

/* Read it all, the lists too or not: what becomes of it. */
static int
read_all(char *p, size_t n, int reads_lists)
{
    struct json_read r;
    struct json_value v;
    et_str item;
    int rc;

    json_read_init(&r, p, n);
    while ((rc = json_read_next(&r, &v)) > 0) {
        check_string(v.name, p, n);
        if (v.type == JSON_STRING)
            check_string(v.text, p, n);
        if (v.type != JSON_LIST || !reads_lists)
            continue;
        while ((rc = json_read_item(&r, &item)) > 0)
            check_string(item, p, n);
        if (rc < 0)
            return rc;
    }
    return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *p = malloc(size + 1);
    int rc;

    require(p != NULL);
    memcpy(p, data, size);
    rc = read_all(p, size, 1);
    memcpy(p, data, size);
    require(read_all(p, size, 0) == 0 || rc < 0);
    free(p);
    return 0;
}
