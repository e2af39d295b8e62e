/* SPDX-License-Identifier: BSD-2-Clause */
/* Bundles: which files are read, in which order, and what stops it. */
#include "conf/bundle.h"

#include "help.h"
#include "t/lib/unit.h"

static char *const no_env[] = {NULL};

/* The names of a bundle's files, overlay files marked with '+'. */
static const char *
names(const struct bundle *b)
{
    static char text[4096];
    size_t i, n = 0;

    text[0] = '\0';
    for (i = 0; i < b->n_files; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s ",
                              b->files[i].layer == BUNDLE_OVERLAY ? "+" : "",
                              b->files[i].name);
    return text;
}

/* Load a main file; its files and its messages are these. */
static void
loads(const char *path, char *const *env, const char *files,
      const char *messages)
{
    struct diag d;
    struct bundle *b;

    diag_init(&d);
    b = bundle_from_files(path, env, &d);
    help_expect(&d, messages);
    if (files) {
        ck_assert_ptr_nonnull(b);
        ck_assert_str_eq(names(b), files);
    } else {
        ck_assert_ptr_null(b);
    }
    bundle_free(b);
    diag_fini(&d);
}

START_TEST(matches_are_read_in_the_order_of_their_bytes)
{
    help_enter();
    fixture_file("c/etude.ini", "[server]\ninclude = conf.d/*.ini\n");
    mkdir("c/conf.d", 0700);
    fixture_file("c/conf.d/b.ini", "");
    fixture_file("c/conf.d/B.ini", "");
    fixture_file("c/conf.d/a.ini", "");
    fixture_file("c/conf.d/10.ini", "");
    fixture_file("c/conf.d/9.ini", "");
    fixture_file("c/conf.d/a.ini~", "");
    fixture_file("c/conf.d/.hidden.ini", "");
    loads("c/etude.ini", no_env,
          "c/etude.ini c/conf.d/10.ini c/conf.d/9.ini c/conf.d/B.ini "
          "c/conf.d/a.ini c/conf.d/b.ini ",
          "");
    help_leave();
}
END_TEST

START_TEST(a_pattern_may_match_nothing_and_a_name_may_not)
{
    help_enter();
    fixture_file("a.ini", "[server]\ninclude = none.d/*.ini\n"
                          "include = none.ini\ninclude = *.inc\n");
    loads("a.ini", no_env, "a.ini ",
          "a.ini:3: [server] include: none.ini: cannot read it: No such file "
          "or directory\n");
    help_leave();
}
END_TEST

START_TEST(includes_are_relative_to_their_file_and_nest)
{
    help_enter();
    fixture_file("a.ini", "[server]\n  include = sub/b.ini\n");
    fixture_file("sub/b.ini", "[server]\ninclude = c.ini\n");
    fixture_file("sub/c.ini", "[route x]\ninclude = nothing to do with it\n");
    loads("a.ini", no_env, "a.ini sub/b.ini sub/c.ini ", "");
    help_leave();
}
END_TEST

START_TEST(cycles_and_repetitions_are_errors)
{
    help_enter();
    fixture_file("a.ini", "[server]\ninclude = b.ini\ninclude = c.ini\n"
                          "include = ./c.ini\n");
    fixture_file("b.ini", "[server]\ninclude = a.ini\n");
    fixture_file("c.ini", "[server]\ninclude = c.ini\n");
    loads("a.ini", no_env, "a.ini b.ini c.ini ",
          "b.ini:2: [server] include: a.ini includes itself\n"
          "c.ini:2: [server] include: c.ini includes itself\n"
          "a.ini:4: [server] include: ./c.ini is included twice\n");
    help_leave();
}
END_TEST

START_TEST(nesting_has_a_bound)
{
    char name[16], text[64];
    struct diag d;
    struct bundle *b;
    int i;

    help_enter();
    for (i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "%d.ini", i);
        snprintf(text, sizeof(text), "[server]\ninclude = %d.ini\n", i + 1);
        fixture_file(name, text);
    }
    diag_init(&d);
    b = bundle_from_files("0.ini", no_env, &d);
    ck_assert_uint_eq(b->n_files, 17);
    help_expect(&d, "16.ini:2: [server] include: 17.ini is included too "
                    "deeply\n");
    bundle_free(b);
    diag_fini(&d);
    help_leave();
}
END_TEST

START_TEST(a_main_file_that_cannot_be_read_gives_no_bundle)
{
    help_enter();
    loads("no.ini", no_env, NULL,
          "no.ini: cannot read it: No such file or directory\n");
    mkdir("dir.ini", 0700);
    loads("dir.ini", no_env, NULL, "dir.ini: cannot read it: Is a directory\n");
    help_leave();
}
END_TEST

START_TEST(what_is_no_file_is_not_waited_for)
{
    char *const env[] = {"ETUDE_ENV=p", NULL};

    help_enter();
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    ck_assert_int_eq(mkfifo("a.p.ini", 0600), 0);
    fixture_file("a.ini", "[server]\ninclude = fifo\n");
    loads("fifo", no_env, NULL,
          "fifo: cannot read it: it is a FIFO, a socket or a device, not a "
          "file\n");
    loads("a.ini", env, "a.ini ",
          "environment variable ETUDE_ENV: cannot read a.p.ini: it is a FIFO, "
          "a socket or a device, not a file\n"
          "a.ini:2: [server] include: fifo: cannot read it: it is a FIFO, a "
          "socket or a device, not a file\n");
    help_leave();
}
END_TEST

/* A link to it takes a file out of a folder that is included. */
START_TEST(the_null_device_is_an_empty_file)
{
    help_enter();
    fixture_file("a.ini", "[server]\ninclude = d/*.ini\n");
    mkdir("d", 0700);
    ck_assert_int_eq(symlink("/dev/null", "d/x.ini"), 0);
    loads("a.ini", no_env, "a.ini d/x.ini ", "");
    help_leave();
}
END_TEST

START_TEST(the_overlay_of_the_environment_comes_last)
{
    char *const env[] = {"ETUDE_ENV=production", NULL};

    help_enter();
    fixture_file("x/etude.ini", "[server]\ninclude = b.ini\n");
    fixture_file("x/b.ini", "");
    fixture_file("x/etude.production.ini", "[server]\nworkers = 2\n");
    loads("x/etude.ini", no_env, "x/etude.ini x/b.ini ", "");
    loads("x/etude.ini", env, "x/etude.ini x/b.ini +x/etude.production.ini ",
          "");
    help_leave();
}
END_TEST

START_TEST(an_include_of_the_overlay_replaces_those_of_the_base)
{
    char *const env[] = {"ETUDE_ENV=production", NULL};

    help_enter();
    fixture_file("etude.ini", "[server]\ninclude = b.ini\n");
    fixture_file("b.ini", "");
    fixture_file("p.ini", "");
    fixture_file("etude.production.ini", "[server]\ninclude = p.ini\n");
    loads("etude.ini", env, "etude.ini +etude.production.ini +p.ini ", "");
    help_leave();
}
END_TEST

START_TEST(a_missing_overlay_is_a_warning_and_a_bad_name_an_error)
{
    char *const env[] = {"ETUDE_ENV=staging", NULL};
    char *const bad[] = {"ETUDE_ENV=../x", NULL};

    help_enter();
    fixture_file("etude.ini", "[server]\n");
    loads("etude.ini", env, "etude.ini ",
          "warning: environment variable ETUDE_ENV: there is no "
          "etude.staging.ini: nothing is overlaid\n");
    loads("etude.ini", bad, "etude.ini ",
          "environment variable ETUDE_ENV: expected a name such as "
          "production\n");
    help_leave();
}
END_TEST

START_TEST(etude_include_replaces_all_others)
{
    char *const env[] = {"ETUDE_ENV=p", "ETUDE_INCLUDE=only.ini", NULL};

    help_enter();
    fixture_file("sub/etude.ini", "[server]\ninclude = b.ini\n");
    fixture_file("sub/etude.p.ini", "[server]\ninclude = c.ini\n");
    fixture_file("only.ini", "");
    loads("sub/etude.ini", env, "sub/etude.ini only.ini +sub/etude.p.ini ", "");
    help_leave();
}
END_TEST

START_TEST(include_takes_variables)
{
    char *const env[] = {"SITE=blue", NULL};

    help_enter();
    fixture_file("a.ini", "[server]\ninclude = ${SITE}.ini\n"
                          "include = ${UNSET}.ini\n");
    fixture_file("blue.ini", "");
    loads("a.ini", env, "a.ini blue.ini ", ""); /* conf_parse tells of UNSET */
    help_leave();
}
END_TEST

START_TEST(a_folder_with_pattern_bytes_in_its_name_is_no_pattern)
{
    help_enter();
    fixture_file("w[a]*/etude.ini", "[server]\ninclude = *.inc\n");
    fixture_file("w[a]*/x.inc", "");
    loads("w[a]*/etude.ini", no_env, "w[a]*/etude.ini w[a]*/x.inc ", "");
    help_leave();
}
END_TEST

START_TEST(folders_are_absolute)
{
    struct diag d;
    struct bundle *b;
    char expected[128];

    help_enter();
    fixture_file("sub/a.ini", "[server]\n");
    diag_init(&d);
    b = bundle_from_files("sub/a.ini", no_env, &d);
    snprintf(expected, sizeof(expected), "%s/sub", fixture_dir);
    ck_assert_str_eq(b->files[0].dir, expected);
    ck_assert_str_eq(b->cwd, fixture_dir);
    bundle_free(b);
    fixture_file("b.ini", "");
    b = bundle_from_files("b.ini", no_env, &d);
    ck_assert_str_eq(b->files[0].dir, fixture_dir);
    bundle_free(b);
    help_leave();
}
END_TEST

START_TEST(parsing_reads_neither_files_nor_environment)
{
    char *const env[] = {"PORT=81", "ETUDE_WORKERS=3", NULL};
    struct diag d;
    struct bundle *b;
    struct conf *c;
    int i;

    help_enter();
    fixture_file("a.ini", "[server]\nlisten = :${PORT}\ninclude = b.ini\n"
                          "log = ${file:f}\n");
    fixture_file("b.ini", "[plugin p]\n");
    fixture_file("f", "/tmp/log\n");
    diag_init(&d);
    b = bundle_from_files("a.ini", env, &d);
    help_leave();
    for (i = 0; i < 2; i++) {
        c = conf_parse(b, &d);
        help_expect(&d, "");
        ck_assert_str_eq(c->listens[0].address.p, ":81");
        ck_assert_int_eq(c->server.workers, 3);
        ck_assert_str_eq(c->server.log.p, "/tmp/log");
        ck_assert_uint_eq(c->n_plugins, 1);
        conf_free(c);
    }
    bundle_free(b);
}
END_TEST

START_TEST(the_environment_captured_is_what_is_needed)
{
    char *const env[] = {"A=1", "B=2", "ETUDE_X=3", "RUNTIME_DIRECTORY=/run/x",
                         NULL};
    struct diag d;
    struct bundle *b;

    diag_init(&d);
    b = help_bundle("[server]\nlog = ${A}\n", env, &d);
    ck_assert_str_eq(bundle_env(b, "A"), "1");
    ck_assert_str_eq(bundle_env(b, "ETUDE_X"), "3");
    ck_assert_str_eq(bundle_env(b, "RUNTIME_DIRECTORY"), "/run/x");
    ck_assert_ptr_null(bundle_env(b, "B"));
    bundle_free(b);
}
END_TEST

UNIT_MAIN(bundle, matches_are_read_in_the_order_of_their_bytes,
          a_pattern_may_match_nothing_and_a_name_may_not,
          includes_are_relative_to_their_file_and_nest,
          cycles_and_repetitions_are_errors, nesting_has_a_bound,
          a_main_file_that_cannot_be_read_gives_no_bundle,
          what_is_no_file_is_not_waited_for, the_null_device_is_an_empty_file,
          the_overlay_of_the_environment_comes_last,
          an_include_of_the_overlay_replaces_those_of_the_base,
          a_missing_overlay_is_a_warning_and_a_bad_name_an_error,
          etude_include_replaces_all_others, include_takes_variables,
          a_folder_with_pattern_bytes_in_its_name_is_no_pattern,
          folders_are_absolute, parsing_reads_neither_files_nor_environment,
          the_environment_captured_is_what_is_needed)
