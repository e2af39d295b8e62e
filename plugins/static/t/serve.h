/* SPDX-License-Identifier: BSD-2-Clause */
/* serve.h - a folder of the test's own, and the mock server in front of it.
 * Of its functions those with a target run a request to the end, and wait for
 * the pool where it waits. */
#ifndef STATIC_T_SERVE_H
#define STATIC_T_SERVE_H

#define _GNU_SOURCE
#include <etude_test.h>
#include <fcntl.h>

#include "plugins/static/t/folder.h"

/* A small site, not served yet: options may be set. */
static inline void
begin_site(void)
{
    make_folder();
    mkdir(at("sub"), 0755);
    mkdir(at("empty"), 0755);
    put("index.html", "<p>home");
    put("sub/index.html", "<p>sub");
    put("a.txt", "0123456789");
    put(".hidden", "secret");
    put("sub/b.css", "b{}");
    et_test_option("root", root);
}

static inline void
end_site(void)
{
    et_test_end();
    remove_folder();
}

static inline void
serve(void)
{
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
}

/* What has become of a request that was run: its status. */
static inline uint32_t
finish(uint32_t status)
{
    while (status == ET_WAIT)
        status = et_test_turn();
    return status;
}

/* With a field, unless name is NULL. */
static inline uint32_t
ask(const char *method, const char *target, const char *name, const char *value)
{
    et_test_request(method, target);
    if (name)
        et_test_header(name, value);
    return finish(et_test_run());
}

static inline uint32_t
get(const char *target)
{
    return ask("GET", target, NULL, NULL);
}

static inline uint32_t
get_with(const char *target, const char *name, const char *value)
{
    return ask("GET", target, name, value);
}

static inline void
expect(const char *target, const char *text)
{
    ck_assert_uint_eq(get(target), 200);
    ck_assert_str_eq(et_test_text(), text);
}

/* The entity tag of what is there now. */
static inline void
learn_etag(const char *target, char tag[128])
{
    ck_assert_uint_eq(get(target), 200);
    snprintf(tag, 128, "%s", et_test_field("ETag", 0));
}

/* How many descriptors this process has. */
static inline int
open_files(void)
{
    int n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

#endif
