/* SPDX-License-Identifier: BSD-2-Clause */
/* ini.c - feeds arbitrary bytes to the ini reader and to all of conf.
 *
 * Invariants: what is told is UTF-8 without NUL and within its bounds, lines
 * never go back; a configuration with an error is not handed out, one without
 * is; parsing twice says the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/bundle.h"
#include "conf/conf.h"
#include "conf/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int is_true)
{
    if (!is_true)
        abort();
}

static void
check_text(et_str s, size_t max, uint32_t *last, uint32_t line)
{
    require(s.n <= max && (s.n == 0 || memchr(s.p, '\0', s.n) == NULL));
    require(line >= *last);
    *last = line;
}

static void
on_section(void *arg, et_str name, uint32_t line)
{
    require(name.n > 0);
    check_text(name, INI_MAX_NAME, arg, line);
}

static void
on_key(void *arg, et_str key, et_str value, uint32_t line)
{
    require(key.n > 0 && *(uint32_t *)arg > 0);
    check_text(key, INI_MAX_NAME, arg, line);
    check_text(value, INI_MAX_VALUE, arg, line);
}

/* Errors, and whether there was a configuration. */
static uint32_t
parse(const struct bundle *b)
{
    struct diag d;
    struct conf *c;
    uint32_t n;

    diag_init(&d);
    c = conf_parse(b, &d);
    n = d.n_errors;
    require((c != NULL) == (n == 0));
    require(!c || c->n_listens > 0);
    conf_free(c);
    diag_fini(&d);
    return n;
}

/* Whether the text names files: a fuzzer shall not open what it thinks of. */
static int
names_files(et_str text)
{
    size_t i;

    for (i = 0; i + 5 <= text.n; i++)
        if (memcmp(text.p + i, "file:", 5) == 0)
            return 1;
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ini_handler handler = {on_section, on_key};
    static char *const env[] = {"NAME=value", "ETUDE_WORKERS=2", NULL};
    struct bundle_file file = {
        .name = "a.ini", .dir = "/etc", .text = {(const char *)data, size}};
    uint32_t last = 0;
    struct diag d;
    struct bundle *b;

    require(ini_read(file.text, "a.ini", NULL, &handler, &last) >= 0);
    if (names_files(file.text))
        return 0;
    diag_init(&d);
    b = bundle_from_memory(&file, 1, env, &d);
    if (b)
        require(parse(b) == parse(b));
    bundle_free(b);
    diag_fini(&d);
    return 0;
}
