/* SPDX-License-Identifier: BSD-2-Clause */
/* router.c - feeds routers and requests, as text, to the router:
 *
 *     GET,POST a.org,*.org /users/:id     a rule: methods, hosts, pattern
 *     / - /api/ *                         (no blank) a scope: hosts, prefix
 *                                         an empty line
 *     GET a.org /users/7                  a request
 *
 * "-" stands for no host.  What is found must be what the pattern says, within
 * the promised number of steps. */
#include "http/router.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "http/pattern.h"
#include "proto/method.h"

#define MAX_HOSTS 8
#define MAX_GROUPS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next piece of *s up to a separator, which is skipped. */
static et_str
next(et_str *s, char separator)
{
    const char *at = s->n > 0 ? memchr(s->p, separator, s->n) : NULL;
    et_str piece = {s->p, at ? (size_t)(at - s->p) : s->n};
    size_t skip = piece.n + (at != NULL);

    *s = (et_str){s->p + skip, s->n - skip};
    return piece;
}

static void
add(struct router *r, et_str line, struct diag *d)
{
    static int target;
    et_str methods = next(&line, ' '), hosts = next(&line, ' ');
    et_str list[MAX_HOSTS];
    struct router_rule rule = {.methods = methods,
                               .pattern = line,
                               .hosts = {list, 0},
                               .target = &target,
                               .at = {"fuzz", 1},
                               .name = "rule"};
    struct router_scope scope = {
        .pattern = line, .target = &target, .at = {"fuzz", 1}, .name = "scope"};

    while (hosts.n > 0 && rule.hosts.n < MAX_HOSTS &&
           !str_eq(hosts, str_lit("-")))
        list[rule.hosts.n++] = next(&hosts, ',');
    scope.hosts = rule.hosts;
    if (str_eq(methods, str_lit("/")))
        router_add_scope(r, &scope, d);
    else
        router_add(r, &rule, d);
}

static void
require(int holds)
{
    if (!holds)
        abort();
}

/* The pattern with these values is the path. */
static void
check_found(struct arena *a, const struct router_match *m, et_str path)
{
    struct pattern p;
    char why[256];
    size_t at = 0;
    uint32_t v = 0;

    require(pattern_parse(a, m->rule->pattern, &p, why, sizeof why) == 0);
    require(m->n_values == p.n_params);
    for (uint32_t i = 0; i < p.n_segments; i++) {
        et_str text = p.segments[i].text;
        require(at < path.n && path.p[at] == '/');
        at++;
        if (p.segments[i].kind != PATTERN_TEXT) {
            text = m->values[v++];
            require(text.p == path.p + at);
            require(text.n > 0 || p.segments[i].kind == PATTERN_TAIL);
        }
        require(text.n <= path.n - at);
        require(text.n == 0 || memcmp(path.p + at, text.p, text.n) == 0);
        at += text.n;
    }
    require(at == path.n);
}

static void
request(struct arena *a, const struct router *r, et_str line, et_str *values)
{
    struct router_match m = {.values = values};
    et_req q = {.method_s = next(&line, ' ')};
    enum router_result result;
    size_t n_segments = 1;

    q.method = method_parse(q.method_s);
    q.host = next(&line, ' ');
    q.path = line;
    for (size_t i = 0; i < line.n; i++)
        n_segments += line.p[i] == '/';
    result = router_find(r, &q, &m);
    require(m.n_visited <= ROUTER_MAX_WAYS * n_segments * MAX_GROUPS);
    require((m.rule != NULL) == (result == ROUTER_FOUND));
    if (result == ROUTER_FOUND)
        check_found(a, &m, q.path);
    if (result == ROUTER_METHOD) {
        char text[ROUTER_ALLOW_MAX_BYTES];
        require(m.allow != 0);
        require(router_allow(r, m.allow, text, sizeof text) > 0);
    }
}

static void *
bind(void *arg, void *target, void *const *scopes, uint32_t n_scopes)
{
    static int miss;

    (void)arg;
    for (uint32_t i = 0; i < n_scopes; i++)
        require(scopes[i] != NULL);
    return target ? target : &miss;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    et_str rest = {(const char *)data, size};
    struct arena a;
    struct diag d;
    struct router *r;
    et_str line, *values;

    arena_init(&a, NULL, 0, NULL, 16 << 20);
    diag_init(&d);
    r = router_new(&a);
    while (r && (line = next(&rest, '\n')).n > 0)
        add(r, line, &d);
    if (r && router_build(r, bind, NULL, &d) == 0) {
        values = arena_alloc(&a, router_max_params(r) * sizeof *values);
        while (values && (line = next(&rest, '\n')).n > 0)
            request(&a, r, line, values);
    }
    diag_fini(&d);
    arena_reset(&a);
    return 0;
}
