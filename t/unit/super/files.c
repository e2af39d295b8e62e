/* SPDX-License-Identifier: BSD-2-Clause */
/* files.c - what the supervisor hands out is what the files are.
 * tags: asan */
#include "super/files.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "conf/bundle.h"
#include "conf/bundle_load.h"
#include "conf/bundle_remark.h"
#include "conf/conf.h"
#include "t/lib/fixture.h"
#include "t/lib/unit.h"

static char *const no_env[] = {NULL};
static char path[128];
static struct files files;

static void
put(const char *name, const char *text)
{
    char at[192];
    FILE *f;

    snprintf(at, sizeof at, "%s/%s", fixture_dir, name);
    f = fopen(at, "we");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void
setup(void)
{
    fixture_setup();
    snprintf(path, sizeof path, "%s/a.ini", fixture_dir);
    files_init(&files, path, no_env);
}

static void
teardown(void)
{
    files_close(&files);
    fixture_teardown();
}

/* The main file's text in a dump, and what was wrong. */
static void
expect_dump(int fd, const char *text, const char *wrong)
{
    struct bundle *b;
    struct diag d;

    ck_assert_int_ge(fd, 0);
    diag_init(&d);
    b = bundle_load(fd, &d);
    ck_assert_ptr_nonnull(b);
    ck_assert_uint_eq(b->n_files > 0, text != NULL);
    if (text)
        ck_assert_str_eq(b->files[0].text.p, text);
    bundle_remark_tell(b, &d);
    ck_assert_uint_eq(d.n_errors, wrong != NULL);
    if (wrong)
        unit_has(d.first->text, wrong);
    bundle_free(b);
    diag_fini(&d);
    close(fd);
}

START_TEST(what_was_read_first_is_handed_out_first)
{
    struct conf *c;

    put("a.ini", "[server]\nworkers = 3\n");
    c = files_open(&files);
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(c->server.workers, 3);
    conf_free(c);
    put("a.ini", "[server]\nworkers = 4\n");
    expect_dump(files_take(&files), "[server]\nworkers = 3\n", NULL);
    expect_dump(files_take(&files), "[server]\nworkers = 4\n", NULL);
    ck_assert_int_eq(files.shown->server.workers, 4);
}
END_TEST

START_TEST(a_mistake_is_none_to_serve_and_handed_out)
{
    put("a.ini", "[server]\nnonsense = 3\nlog = l\n");
    ck_assert_ptr_null(files_open(&files));
    expect_dump(files_take(&files), "[server]\nnonsense = 3\nlog = l\n", NULL);
    put("a.ini", "[server]\ninclude = none.ini\nlog = l\n");
    ck_assert_ptr_null(files_open(&files));
    /* What is right of it may be asked for. */
    unit_has(files.shown->server.log.p, "/l");
    expect_dump(files_take(&files), "[server]\ninclude = none.ini\nlog = l\n",
                "a.ini:2: [server] include: ");
}
END_TEST

START_TEST(no_file_at_all_is_said_in_the_dump)
{
    ck_assert_ptr_null(files_open(&files));
    expect_dump(files_take(&files), NULL, "a.ini: cannot read it: No such");
    put("a.ini", "[server]\n");
    expect_dump(files_take(&files), "[server]\n", NULL);
}
END_TEST

UNIT_MAIN_IN(setup, teardown, files, what_was_read_first_is_handed_out_first,
             a_mistake_is_none_to_serve_and_handed_out,
             no_file_at_all_is_said_in_the_dump)
