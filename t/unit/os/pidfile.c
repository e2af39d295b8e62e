/* SPDX-License-Identifier: BSD-2-Clause */
/* pidfile.c - what is written, what is removed, and what is left alone.
 * tags: asan */
#include "os/pidfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "t/lib/fixture.h"
#include "t/lib/unit.h"

static char why[200];

static void
put(const char *text)
{
    FILE *f = fopen("pid", "we");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static const char *
content(void)
{
    static char text[64];
    FILE *f = fopen("pid", "re");
    size_t n;

    ck_assert_ptr_nonnull(f);
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static const char *
ours(void)
{
    static char text[64];

    snprintf(text, sizeof text, "%d\n", (int)getpid());
    return text;
}

START_TEST(a_number_takes_the_place_of_a_number)
{
    static const char *const before[] = {"", "1\n", "4194304", "123456789 \n"};

    ck_assert_int_eq(pidfile_check("pid", why, sizeof why), 0);
    ck_assert_int_eq(pidfile_put("pid", why, sizeof why), 0);
    ck_assert_str_eq(content(), ours());
    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        put(before[i]);
        ck_assert_int_eq(pidfile_check("pid", why, sizeof why), 0);
        ck_assert_str_eq(content(), before[i]);
        ck_assert_int_eq(pidfile_put("pid", why, sizeof why), 0);
        ck_assert_str_eq(content(), ours());
    }
    pidfile_drop("pid");
    ck_assert_int_ne(access("pid", F_OK), 0);
    pidfile_drop("pid");
}
END_TEST

START_TEST(what_is_no_pid_file_is_left_alone)
{
    static const char *const texts[] = {
        "-1\n", "12 monkeys\n", "dear diary",
        "1111111111111111111111111111111111111111"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        put(texts[i]);
        ck_assert_int_eq(pidfile_check("pid", why, sizeof why), -EEXIST);
        ck_assert_int_eq(pidfile_put("pid", why, sizeof why), -EEXIST);
        ck_assert_str_eq(why, "it exists and is no pid file");
        pidfile_drop("pid");
        ck_assert_str_eq(content(), texts[i]);
    }
    put("1\n");
    pidfile_drop("pid"); /* another's */
    ck_assert_str_eq(content(), "1\n");
}
END_TEST

START_TEST(nor_is_a_fifo_waited_for_or_a_device_taken)
{
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    ck_assert_int_eq(mkdir("folder", 0700), 0);
    ck_assert_int_eq(symlink("/dev/null", "null"), 0);
    ck_assert_int_eq(pidfile_put("fifo", why, sizeof why), -EEXIST);
    ck_assert_int_eq(pidfile_check("fifo", why, sizeof why), -EEXIST);
    ck_assert_int_eq(pidfile_put("null", why, sizeof why), -EEXIST);
    ck_assert_int_eq(pidfile_check("null", why, sizeof why), -EEXIST);
    ck_assert_int_eq(pidfile_put("folder", why, sizeof why), -EISDIR);
    ck_assert_int_lt(pidfile_check("folder", why, sizeof why), 0);
    ck_assert_int_eq(pidfile_put("no/where", why, sizeof why), -ENOENT);
    ck_assert_str_eq(why, "No such file or directory");
    pidfile_drop("fifo");
    pidfile_drop("null");
    ck_assert_int_eq(access("fifo", F_OK), 0);
    ck_assert_int_eq(access("null", F_OK), 0);
}
END_TEST

/* Who may write to its folder puts a link there, and root would write to what
 * its owner could not. */
START_TEST(a_link_of_somebody_else_is_not_followed)
{
    if (geteuid() != 0)
        return;
    ck_assert_int_eq(symlink("pid", "link"), 0);
    ck_assert_int_eq(lchown("link", 4242424, 4242424), 0);
    ck_assert_int_eq(pidfile_check("link", why, sizeof why), -ELOOP);
    ck_assert_int_eq(pidfile_put("link", why, sizeof why), -ELOOP);
    ck_assert_int_ne(access("pid", F_OK), 0);
    put("1\n");
    ck_assert_int_eq(pidfile_check("link", why, sizeof why), -ELOOP);
    ck_assert_int_eq(pidfile_put("link", why, sizeof why), -ELOOP);
    ck_assert_str_eq(content(), "1\n");
    ck_assert_int_eq(lchown("link", 0, 0), 0);
    ck_assert_int_eq(pidfile_put("link", why, sizeof why), 0);
    ck_assert_str_eq(content(), ours());
}
END_TEST

static void
setup(void)
{
    fixture_setup();
    ck_assert_int_eq(chdir(fixture_dir), 0);
}

UNIT_MAIN_IN(setup, fixture_teardown, pidfile,
             a_number_takes_the_place_of_a_number,
             what_is_no_pid_file_is_left_alone,
             nor_is_a_fifo_waited_for_or_a_device_taken,
             a_link_of_somebody_else_is_not_followed)
