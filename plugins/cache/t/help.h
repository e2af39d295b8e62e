/* SPDX-License-Identifier: BSD-2-Clause */
/* help.h - the plugin in the mock server, in front of a handler of the test's,
 * and who asks. */
#ifndef CACHE_T_HELP_H
#define CACHE_T_HELP_H

#define ET_NEED 1
#include <etude_test.h>

#include "t/lib/unit.h"

/* ---- the handler behind it -----------------------------------------------*/

static uint32_t (*act)(et_req *r);
static int n_asked;
static const char *control;

ET_HANDLER(handler)
{
    n_asked++;
    if (control && et_set(r, "Cache-Control", et_s(control)) < 0)
        return ET_FAIL;
    return act(r);
}

/* "n at TARGET", n: the how manyth request it is. */
static inline uint32_t
count(et_req *r)
{
    return et_text(r, 200, "%d at %.*s", n_asked, ET_STR(r->target));
}

static inline uint32_t
error_503(et_req *r)
{
    return et_error(r, 503, "busy\n");
}

static inline uint32_t
by_language(et_req *r)
{
    const et_str s = et_header(r, "accept-language");

    (void)et_set(r, "Vary", et_s("Accept-Language"));
    return et_text(r, 200, "%d %.*s", n_asked, ET_STR(s));
}

static inline void
begin(void)
{
    act = count;
    control = "max-age=60";
    n_asked = 0;
}

static inline void
serve(void)
{
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
}

/* ---- requests ------------------------------------------------------------*/

/* With header lines "Name: value", NULL-terminated. */
static inline uint32_t
ask_with(const char *method, const char *target, const char *const *lines)
{
    et_test_request(method, target);
    for (; lines && *lines; lines++) {
        char name[64];
        const char *colon = strchr(*lines, ':');

        snprintf(name, sizeof name, "%.*s", (int)(colon - *lines), *lines);
        et_test_header(name, colon + 2);
    }
    return et_test_run();
}

#define WITH(...)                                                              \
    (const char *const[])                                                      \
    {                                                                          \
        __VA_ARGS__, NULL                                                      \
    }

static inline void
is_now(const char *outcome, const char *text)
{
    const char *said = et_test_field("X-Cache", 0);

    ck_assert_msg(said && strcmp(said, outcome) == 0, "%s, not %s",
                  said ? said : "(none)", outcome);
    ck_assert_str_eq(et_test_text(), text);
}

static inline void
get(const char *target, const char *outcome, const char *text)
{
    ck_assert_uint_eq(ask_with("GET", target, NULL), 200);
    is_now(outcome, text);
}

static inline void
get_with(const char *target, const char *line, const char *outcome,
         const char *text)
{
    ck_assert_uint_eq(ask_with("GET", target, WITH(line)), 200);
    is_now(outcome, text);
}

#endif
