/* SPDX-License-Identifier: BSD-2-Clause */
/* answer.c - answers to an administrator, and those of another process.
 * tags: asan */
#include "ctl/answer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "os/memfd.h"
#include "t/lib/unit.h"

static struct answer a;

static int
read_text(const char *text)
{
    int fd = memfd_new("answer", text, strlen(text)), rc;

    ck_assert_int_ge(fd, 0);
    rc = answer_read(&a, fd);
    close(fd);
    return rc;
}

START_TEST(an_outcome_has_all_that_was_said)
{
    struct diag d;

    diag_init(&d);
    diag_warn(&d, NULL, "careful");
    answer_outcome(&a, 1, 7, "routes\n1 \"added\"", &d);
    ck_assert_str_eq(a.text, "{\"ok\":true,\"generation\":7,\"summary\":"
                             "\"routes\\u000a1 \\\"added\\\"\",\"warnings\":["
                             "\"careful\"]}");
    answer_free(&a);
    diag_error(&d, NULL, "wrong");
    diag_error(&d, NULL, "worse");
    answer_outcome(&a, 0, 7, "", &d);
    ck_assert_str_eq(a.text,
                     "{\"ok\":false,\"exit\":1,\"generation\":7,\"errors\":["
                     "\"wrong\",\"worse\"],\"warnings\":[\"careful\"]}");
    answer_free(&a);
    diag_fini(&d);
}
END_TEST

START_TEST(what_another_one_says_is_read)
{
    const char *more;
    size_t n;

    ck_assert_int_eq(read_text("{\"ok\":true,\"a\":[{\"b\":1}]}"), 0);
    more = answer_members(&a, &n);
    ck_assert_uint_eq(n, strlen("\"a\":[{\"b\":1}]}"));
    ck_assert_int_eq(memcmp(more, "\"a\":[{\"b\":1}]}", n), 0);
    answer_free(&a);
    ck_assert_int_eq(read_text("{\"ok\":false,\"exit\":69}"), 0);
    ck_assert_ptr_null(answer_members(&a, &n));
    answer_free(&a);
}
END_TEST

START_TEST(what_is_no_answer_is_refused)
{
    static const char *const bad[] = {
        "x",
        "{",
        "{}{}",
        "{\"ok\":true}\n",
        "[\"ok\"]",
        "{\"ok\":}",
        "{\"ok\":true,\n}",
        " {}",
    };
    int ends[2];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(read_text(bad[i]), -EPROTO);
        ck_assert_ptr_null(a.text);
    }
    ck_assert_int_eq(read_text(""), -EPROTO);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(answer_read(&a, ends[0]), -EPROTO);
    ck_assert_int_eq(answer_read(&a, -1), -EBADF);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

UNIT_MAIN(answer, an_outcome_has_all_that_was_said,
          what_another_one_says_is_read, what_is_no_answer_is_refused)
