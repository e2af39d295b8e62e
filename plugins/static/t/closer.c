/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan tsan */
/* ldflags: -Wl,--wrap=close */
/* closer.c - which files are closed by a thread of their own, and how many wait
 * for it at most. */
#include "plugins/static/t/serve.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "plugins/static/closer.h"
#include "t/lib/unit.h"

static pthread_t me;
static _Atomic int keeps; /* what another closes is so when it is so no more */
static _Atomic unsigned n_here, n_elsewhere;

int __real_close(int fd);
int __wrap_close(int fd);

int
__wrap_close(int fd)
{
    const int is_me = pthread_equal(pthread_self(), me);

    while (!is_me && keeps)
        usleep(100);
    *(is_me ? &n_here : &n_elsewhere) += 1;
    return __real_close(fd);
}

static void
begin(void)
{
    me = pthread_self();
    keeps = 0;
    n_here = n_elsewhere = 0;
}

static void
wait_for(unsigned n)
{
    for (int i = 0; i < 5000 && n_elsewhere < n; i++)
        usleep(1000);
    ck_assert_uint_eq(n_elsewhere, n);
}

/* ---- files ---------------------------------------------------------------*/

static void
serve_with(const char *option, const char *value)
{
    make_folder();
    put("a", "a");
    put("b", "b");
    et_test_option("root", root);
    et_test_option("cache_file", "0");
    et_test_option(option, value);
    serve();
    n_here = 0;
}

/* ---- tests ---------------------------------------------------------------*/

START_TEST(what_is_still_there_is_closed_at_once)
{
    begin();
    serve_with("cache_files", "1");
    ck_assert_uint_eq(get("/a"), 200);
    ck_assert_uint_eq(n_here, 0);
    ck_assert_uint_eq(get("/b"), 200);
    ck_assert_uint_eq(get("/a"),
                      200); /* the log step of the one before is over */
    ck_assert_uint_ge(n_here, 1);
    end_site();
    ck_assert_uint_eq(n_elsewhere, 0);
}
END_TEST

START_TEST(what_has_no_name_any_more_is_closed_by_the_thread)
{
    char from[512];

    begin();
    serve_with("revalidate", "0");
    ck_assert_uint_eq(get("/a"), 200);
    snprintf(from, sizeof from, "%s", at("b"));
    ck_assert_int_eq(rename(from, at("a")), 0);
    ck_assert_uint_eq(get("/a"), 200);
    ck_assert_str_eq(et_test_text(), "b");
    wait_for(1);
    end_site();
    ck_assert_uint_eq(n_elsewhere, 1);
}
END_TEST

START_TEST(who_finds_no_room_closes_it_itself)
{
    char why[128];
    et_err e = {.p = why, .cap = sizeof why};

    begin();
    ck_assert_int_eq(closer_start(NULL, &e), 0);
    keeps = 1;
    for (unsigned i = 0; i < CLOSER_MAX; i++)
        closer_take(fcntl(0, F_DUPFD_CLOEXEC, 3));
    ck_assert_uint_eq(n_here, 0);
    closer_take(fcntl(0, F_DUPFD_CLOEXEC, 3));
    ck_assert_uint_eq(n_here, 1);
    ck_assert_uint_eq(n_elsewhere, 0);
    keeps = 0;
    wait_for(CLOSER_MAX);
    closer_take(fcntl(0, F_DUPFD_CLOEXEC, 3));
    ck_assert_uint_eq(n_here, 1);
    closer_stop();
    ck_assert_uint_eq(n_elsewhere, CLOSER_MAX + 1);
}
END_TEST

UNIT_MAIN(closer, what_is_still_there_is_closed_at_once,
          what_has_no_name_any_more_is_closed_by_the_thread,
          who_finds_no_room_closes_it_itself)
