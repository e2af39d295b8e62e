/* SPDX-License-Identifier: BSD-2-Clause */
/* check.c - a failed check says where, and ends the program. */
#include "base/check.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/unit.h"

struct pair {
    int first, second;
};

START_TEST(a_check_that_holds_costs_nothing_but_its_question)
{
    int n = 0;

    CHECK(++n == 1);
    ck_assert_int_eq(n, 1);
}
END_TEST

/* What a child writes to stderr that calls check_failed with this text. */
static size_t
last_words(const char *text, char *out, size_t cap)
{
    int ends[2], status;
    size_t n = 0;
    ssize_t rc;
    pid_t pid;

    ck_assert_int_eq(pipe(ends), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        check_failed("here.c", 42, text);
    }
    close(ends[1]);
    while ((rc = read(ends[0], out + n, cap - 1 - n)) > 0)
        n += (size_t)rc;
    out[n] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    return n;
}

START_TEST(a_check_that_fails_says_where_and_aborts)
{
    char out[2048];

    last_words("n > 0", out, sizeof out);
    ck_assert_str_eq(out, "here.c:42: check failed: n > 0\n");
}
END_TEST

START_TEST(a_very_long_check_is_cut_but_still_a_line)
{
    char text[1000], out[2048];
    size_t n;

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    n = last_words(text, out, sizeof out);
    ck_assert_uint_lt(n, 512);
    ck_assert_int_eq(out[n - 1], '\n');
}
END_TEST

START_TEST(container_of_leads_from_a_member_to_its_object)
{
    struct pair p;
    int *second = &p.second;

    ck_assert_ptr_eq(CONTAINER_OF(second, struct pair, second), &p);
    ck_assert_uint_eq(ARRAY_LEN(((struct pair[3]){{0, 0}})), 3);
}
END_TEST

UNIT_MAIN(check, a_check_that_holds_costs_nothing_but_its_question,
          a_check_that_fails_says_where_and_aborts,
          a_very_long_check_is_cut_but_still_a_line,
          container_of_leads_from_a_member_to_its_object)
