/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_outage.c - tests of conf/bundle_outage.h. */
/* tags: asan */
#include "conf/bundle_outage.h"

#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "conf/bundle.h"
#include "conf/bundle_dump.h"
#include "conf/bundle_load.h"

#define UNIT_SECONDS 30
#include "t/lib/unit.h"

static struct bundle *
new_bundle(void)
{
    static const struct bundle_file f = {
        .name = "etude.ini", .dir = "/", .text = {"[server]\n", 9}};
    static char *const env[] = {NULL};
    struct diag d;
    struct bundle *b;

    diag_init(&d);
    b = bundle_from_memory(&f, 1, env, &d);
    ck_assert_ptr_nonnull(b);
    return b;
}

START_TEST(a_section_is_out_once)
{
    struct bundle *b = new_bundle();

    ck_assert_ptr_null(bundle_outage_find(b, "auth"));
    ck_assert_int_eq(bundle_outage_note(b, "auth", "x.ini:1: gone", 0), 0);
    ck_assert_int_eq(bundle_outage_note(b, "auth", "else", 1), ERR_INVALID);
    ck_assert_int_eq(bundle_outage_note(b, "log", "torn", 1), 0);
    ck_assert_str_eq(bundle_outage_find(b, "auth")->why, "x.ini:1: gone");
    ck_assert_int_eq(bundle_outage_find(b, "auth")->is_loadable, 0);
    ck_assert_int_eq(bundle_outage_find(b, "log")->is_loadable, 1);
    ck_assert_ptr_null(bundle_outage_find(b, "lo"));
    bundle_free(b);
}
END_TEST

/* What is dumped, read, and dumped again, has the same bytes. */
static void
dump(const struct bundle *b, char *bytes, size_t cap, int *fd)
{
    FILE *f = tmpfile();
    ssize_t n;

    ck_assert_ptr_nonnull(f);
    *fd = dup(fileno(f));
    fclose(f);
    ck_assert_int_ge(*fd, 0);
    ck_assert_int_eq(bundle_dump_write(b, *fd), 0);
    n = pread(*fd, bytes, cap, 0);
    ck_assert_int_gt(n, 0);
    ck_assert_uint_lt((size_t)n, cap);
}

START_TEST(they_travel_in_a_dump)
{
    static char first[4096], second[4096];
    struct bundle *b = new_bundle(), *copy;
    struct diag d;
    int fd, again;

    diag_init(&d);
    ck_assert_int_eq(bundle_outage_note(b, "auth", "gone", 0), 0);
    ck_assert_int_eq(bundle_outage_note(b, "log", "torn", 1), 0);
    dump(b, first, sizeof first, &fd);
    copy = bundle_load(fd, &d);
    ck_assert_msg(copy != NULL, "%s", d.first ? d.first->text : "");
    ck_assert_uint_eq(copy->n_outages, 2);
    ck_assert_str_eq(bundle_outage_find(copy, "log")->why, "torn");
    ck_assert_int_eq(bundle_outage_find(copy, "log")->is_loadable, 1);
    ck_assert_int_eq(bundle_outage_find(copy, "auth")->is_loadable, 0);
    dump(copy, second, sizeof second, &again);
    ck_assert_mem_eq(first, second, sizeof first);
    bundle_free(copy);
    bundle_free(b);
    diag_fini(&d);
    close(fd);
    close(again);
}
END_TEST

UNIT_MAIN(bundle_outage, a_section_is_out_once, they_travel_in_a_dump)
