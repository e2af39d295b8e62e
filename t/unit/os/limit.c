/* SPDX-License-Identifier: BSD-2-Clause */
/* limit.c - the limit of open files. */
/* ldflags: -Wl,--wrap=getrlimit -Wl,--wrap=setrlimit */
#include "os/limit.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "t/lib/unit.h"

static struct rlimit limit;
static int get_errno, set_errno, hard_errno;

int __wrap_getrlimit(int what, struct rlimit *r);
int __wrap_setrlimit(int what, const struct rlimit *r);

int
__wrap_getrlimit(int what, struct rlimit *r)
{
    ck_assert_int_eq(what, RLIMIT_NOFILE);
    errno = get_errno;
    *r = limit;
    return get_errno ? -1 : 0;
}

int
__wrap_setrlimit(int what, const struct rlimit *r)
{
    ck_assert_int_eq(what, RLIMIT_NOFILE);
    errno = set_errno ? set_errno : hard_errno;
    if (set_errno || (hard_errno && r->rlim_max > limit.rlim_max))
        return -1;
    limit = *r;
    return 0;
}

START_TEST(the_soft_limit_is_raised_to_the_hard_one)
{
    uint64_t now;

    limit = (struct rlimit){1024, 65536};
    ck_assert_uint_eq(limit_nofile(), 1024);
    ck_assert_int_eq(limit_nofile_raise(&now), 0);
    ck_assert_uint_eq(now, 65536);
    set_errno = EPERM; /* nothing to raise: not even tried */
    ck_assert_int_eq(limit_nofile_raise(&now), 0);
    ck_assert_uint_eq(now, 65536);
}
END_TEST

START_TEST(it_can_be_set)
{
    uint64_t now;

    limit = (struct rlimit){1024, 65536};
    ck_assert_int_eq(limit_nofile_set(2000, &now), 0);
    ck_assert_uint_eq(now, 2000);
    ck_assert_uint_eq(limit.rlim_max, 65536); /* it may be raised again */
    ck_assert_int_eq(limit_nofile_set(100000, &now), 0);
    ck_assert_uint_eq(now, 100000);
    ck_assert_uint_eq(limit.rlim_max, 100000);
}
END_TEST

/* As far as it goes without root. */
START_TEST(beyond_the_hard_limit_it_is_that)
{
    uint64_t now;

    limit = (struct rlimit){1024, 65536};
    hard_errno = EPERM;
    ck_assert_int_eq(limit_nofile_set(100000, &now), -EPERM);
    ck_assert_uint_eq(now, 65536);
}
END_TEST

START_TEST(a_refusal_leaves_what_there_is)
{
    uint64_t now;

    limit = (struct rlimit){1024, 65536};
    set_errno = EPERM;
    ck_assert_int_eq(limit_nofile_raise(&now), -EPERM);
    ck_assert_uint_eq(now, 1024);
    get_errno = EFAULT;
    ck_assert_int_eq(limit_nofile_raise(&now), -EFAULT);
}
END_TEST

START_TEST(no_limit_is_the_greatest_number)
{
    limit = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    ck_assert_uint_eq(limit_nofile(), UINT64_MAX);
}
END_TEST

START_TEST(a_limit_is_named_with_who_sets_it)
{
    static const struct {
        int rc;
        const char *named;
    } rows[] = {
        {-EMFILE, "RLIMIT_NOFILE, it is 1024 (ulimit -n, "},
        {-ENFILE, "fs.file-max"},
        {-EAGAIN, "RLIMIT_NPROC"},
        {-EAGAIN, "pids.max"},
        {-ENOMEM, "memory.max"},
    };
    char out[LIMIT_TEXT_LEN];

    limit = (struct rlimit){1024, 1024};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_str_eq(limit_explain(rows[i].rc, out, sizeof out), out);
        ck_assert_ptr_eq(strstr(out, strerror(-rows[i].rc)), out);
        ck_assert_msg(strstr(out, rows[i].named), "%s", out);
        ck_assert_uint_lt(strlen(out), sizeof out - 1);
    }
    ck_assert_str_eq(limit_explain(-EPERM, out, sizeof out), strerror(EPERM));
    ck_assert_str_eq(limit_explain(-EPERM, out, 4), "Ope");
}
END_TEST

START_TEST(some_of_it_may_be_held_back)
{
    limit = (struct rlimit){1024, 65536};
    ck_assert_int_eq(limit_nofile_hold(24), 0);
    ck_assert_uint_eq(limit.rlim_cur, 1000);
    ck_assert_uint_eq(limit.rlim_max, 65536);
    ck_assert_uint_eq(limit_nofile(), 1024);
    ck_assert_int_eq(limit_nofile_hold(4), 0);
    ck_assert_uint_eq(limit.rlim_cur, 1020);
    set_errno = EPERM;
    ck_assert_int_eq(limit_nofile_hold(0), -EPERM);
    ck_assert_uint_eq(limit_nofile(), 1024);
    set_errno = 0;
    ck_assert_int_eq(limit_nofile_hold(0), 0);
    ck_assert_uint_eq(limit.rlim_cur, 1024);
    limit = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    ck_assert_int_eq(limit_nofile_hold(24), 0);
    ck_assert_uint_eq(limit_nofile(), UINT64_MAX);
}
END_TEST

UNIT_MAIN(limit, it_can_be_set, some_of_it_may_be_held_back,
          beyond_the_hard_limit_it_is_that,
          the_soft_limit_is_raised_to_the_hard_one,
          a_refusal_leaves_what_there_is, no_limit_is_the_greatest_number,
          a_limit_is_named_with_who_sets_it)
