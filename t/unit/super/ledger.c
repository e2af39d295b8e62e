/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger.c - crashes counted by build, and kept.
 * tags: asan */
#include "super/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/unit.h"

#define WINDOW 60000

static struct ledger l;

/* The sha256 of build number n. */
static const char *
build(unsigned n)
{
    static char text[4][SHA256_HEX_LEN + 1];
    static unsigned next;
    char *p = text[next++ % 4];

    snprintf(p, SHA256_HEX_LEN + 1, "%064x", n);
    return p;
}

static int
crash(unsigned n, uint64_t at_ms)
{
    return ledger_crash(&l, build(n), "org.example.x 1.0.0", at_ms, 3, WINDOW);
}

static unsigned
count_quarantined(void)
{
    unsigned n = 0;

    for (uint32_t i = 0; ledger_next(&l, &i);)
        n++;
    return n;
}

START_TEST(so_many_within_so_long_and_not_one_less)
{
    const struct ledger_build *b;
    uint32_t i = 0;

    ck_assert_int_eq(crash(1, 1000), 0);
    ck_assert_int_eq(crash(1, 2000), 0);
    ck_assert_int_eq(crash(2, 2000), 0); /* another build is another matter */
    ck_assert_uint_eq(count_quarantined(), 0);
    ck_assert_int_eq(crash(1, 1000 + WINDOW), 1);
    b = ledger_next(&l, &i);
    ck_assert_ptr_nonnull(b);
    ck_assert_str_eq(b->sha256, build(1));
    ck_assert_str_eq(b->name, "org.example.x 1.0.0");
    ck_assert_uint_eq(b->n_crashes, 3);
    ck_assert_ptr_null(ledger_next(&l, &i));
    ck_assert_int_eq(crash(1, 1000 + WINDOW), 0); /* it is in it already */
}
END_TEST

START_TEST(those_long_ago_do_not_count)
{
    for (unsigned i = 0; i < 20; i++)
        ck_assert_int_eq(crash(1, i * (WINDOW / 2 + 1)), 0);
    ck_assert_int_eq(crash(1, 19 * (WINDOW / 2 + 1) + 1), 1);
}
END_TEST

START_TEST(without_a_limit_there_is_no_quarantine)
{
    for (unsigned i = 0; i < 50; i++)
        ck_assert_int_eq(ledger_crash(&l, build(1), "x", i, 0, WINDOW), 0);
    ck_assert_int_eq(ledger_crash(&l, build(2), "x", 1, 1, WINDOW), 1);
    ck_assert_uint_eq(count_quarantined(), 1);
}
END_TEST

START_TEST(a_full_one_forgets_what_runs_and_is_oldest)
{
    ledger_quarantine(&l, build(1), "x 1");
    for (unsigned n = 2; n < 2 + 2 * LEDGER_BUILDS; n++)
        (void)crash(n, n);
    ck_assert_uint_eq(count_quarantined(), 1);
    (void)crash(2 * LEDGER_BUILDS, 500);
    ck_assert_int_eq(crash(2 * LEDGER_BUILDS, 501), 1); /* it was known */
    (void)crash(2, 502);
    (void)crash(2, 503);
    ck_assert_int_eq(crash(2, 504), 1); /* and this one had been forgotten */
}
END_TEST

START_TEST(a_file_keeps_it)
{
    static struct ledger next;
    char path[] = "/tmp/etude-ledger-XXXXXX";

    close(mkstemp(path));
    ck_assert_int_eq(crash(1, 10), 0);
    ck_assert_int_eq(crash(1, 20), 0);
    ledger_quarantine(&l, build(7), "name with blanks 1.0");
    ck_assert_int_eq(ledger_save(&l, path), 0);
    ck_assert_int_eq(ledger_load(&next, path), 0);
    ck_assert_int_eq(memcmp(&l, &next, sizeof l), 0);
    unlink(path);
    memset(&next, 0, sizeof next);
    ck_assert_int_eq(ledger_load(&next, path), 0); /* there is none */
}
END_TEST

/* runtime_dir is the user's. */
START_TEST(not_through_a_link_of_somebody_else)
{
    static struct ledger next;
    char path[] = "/tmp/etude-ledger-XXXXXX", link[64];

    if (geteuid() != 0)
        return;
    close(mkstemp(path));
    snprintf(link, sizeof link, "%s.link", path);
    ck_assert_int_eq(symlink(path, link), 0);
    ledger_quarantine(&l, build(1), "x 1");
    ck_assert_int_eq(ledger_save(&l, path), 0);
    ck_assert_int_eq(ledger_load(&next, link), 0);
    ck_assert_int_eq(lchown(link, 4242424, 4242424), 0);
    memset(&next, 0, sizeof next);
    ck_assert_int_eq(ledger_load(&next, link), -ELOOP);
    unlink(link);
    unlink(path);
}
END_TEST

static int
load(const char *text, size_t n)
{
    char path[] = "/tmp/etude-ledger-XXXXXX";
    int fd = mkstemp(path), rc;

    ck_assert_int_eq(write(fd, text, n), (ssize_t)n);
    close(fd);
    memset(&l, 0, sizeof l);
    rc = ledger_load(&l, path);
    unlink(path);
    return rc;
}

/* Another version's is not read at all, a broken line is no reason to lose the
 * others, and nothing breaks us. */
START_TEST(what_is_broken_is_passed_over)
{
    char text[4096], line[LEDGER_LINE_MAX];
    size_t n;

    ck_assert_int_eq(load("etude-ledger 2\n", 15), -EPROTO);
    ck_assert_int_eq(load("", 0), -EPROTO);
    ck_assert_int_eq(load("etude-ledger 1\0x", 16), -EPROTO);
    (void)crash(3, 5);
    ledger_write_line(&l.builds[0], line, sizeof line);
    snprintf(text, sizeof text,
             "etude-ledger 1\nnonsense\n%s\n%s\n%.20s\n\n"
             "%064x 1 2 1,2,,3,x name\n%065x 1 1 1 long\n",
             line, line, line, 9u, 8u);
    ck_assert_int_eq(load(text, strlen(text)), 0);
    ck_assert_uint_eq(count_quarantined(), 1);
    n = strlen(text);
    for (size_t cut = 0; cut < n; cut++)
        (void)load(text, cut);
}
END_TEST

UNIT_MAIN(ledger, so_many_within_so_long_and_not_one_less,
          those_long_ago_do_not_count, without_a_limit_there_is_no_quarantine,
          a_full_one_forgets_what_runs_and_is_oldest, a_file_keeps_it,
          not_through_a_link_of_somebody_else, what_is_broken_is_passed_over)
