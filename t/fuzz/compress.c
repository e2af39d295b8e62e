/* SPDX-License-Identifier: BSD-2-Clause */
/* compress.c - what the plugin compress reads of clients and answers: lists of
 * codings and weights, media types. */
#include <stdlib.h>

#include "plugins/compress/accept.c"
#include "plugins/compress/plan.c"
#include "plugins/compress/words.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No library is wanted here: all three are offered. */
static const struct coder none;
const struct coder *const coders[CODERS] = {&none, &none, &none};
const char *const coder_names[CODINGS] = {"br", "zstd", "gzip"};

static et_str lists[2];

static void
require(int ok)
{
    if (!ok)
        abort();
}

/* The input, in two fields. */
static et_str
header(const et_req *r, et_str name, uint32_t nth)
{
    (void)r;
    (void)name;
    return nth < 2 ? lists[nth] : et_s(NULL);
}

static const et_http http = {.size = sizeof http, .header = header};

static enum coding
choose(size_t n)
{
    static const enum coding order[] = {CODING_BR, CODING_ZSTD, CODING_GZIP};
    et_req r = {.http = &http};

    return accept_coding(&r, order, n);
}

/* Who is offered less gets one of that. */
static void
check_accept(et_str s, size_t cut)
{
    enum coding all;

    lists[0] = et_sn(s.p, cut);
    lists[1] = et_sn(s.p + cut, s.n - cut);
    all = choose(CODINGS);
    require(choose(0) == CODING_NONE);
    require(choose(1) == CODING_NONE || choose(1) == CODING_BR);
    require(all <= CODING_NONE);
    require(et_weight(s) >= 0 && et_weight(s) <= 1000);
}

/* What is taken as a list of types has all of them. */
static void
check_types(et_str s)
{
    struct options o = {.types = s, .window = 1024};
    struct plan p = {.o = NULL};
    char why[256];
    et_err e = {why, sizeof why, 0};

    if (plan_open(NULL, &o, &p, &e) < 0)
        return;
    for (size_t i = 0; i < p.n_types; i++) {
        const et_str t = p.types[i];
        require(t.n > 0);
        require(t.p[0] == '*' || t.p[t.n - 1] == '*' || plan_has_type(&p, t));
    }
    (void)plan_has_type(&p, s);
    plan_close(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data;

    if (size == 0)
        return 0;
    check_accept(et_sn(p + 1, size - 1), (size_t)data[0] % size);
    check_types(et_sn(p + 1, size - 1));
    return 0;
}
