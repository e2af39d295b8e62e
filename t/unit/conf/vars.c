/* SPDX-License-Identifier: BSD-2-Clause */
/* ${...}: what is captured, what it becomes, how it fails. */
#include "conf/vars.h"

#include "base/err.h"
#include "help.h"
#include "t/lib/unit.h"

static char *const env[] = {"NAME=value",  "EMPTY=",  "DIR=sub",
                            "NAME=second", "NAMES=x", NULL};
static struct arena arena;
static struct vars vars;
static char why[512];

static void
setup(void)
{
    arena_init(&arena, NULL, 0, NULL, 1u << 22);
    vars_init(&vars, &arena);
}

/* Capture and expand in fixture_dir; the text, or NULL with why. */
static const char *
expand(const char *value, int *is_secret)
{
    et_str out;
    int rc;

    if (!vars.arena)
        setup();
    *is_secret = 0;
    ck_assert_int_eq(vars_capture(&vars, env, fixture_dir, str_from_z(value)),
                     0);
    rc = vars_expand(&vars, fixture_dir, &arena, str_from_z(value), &out,
                     is_secret, why, sizeof(why));
    ck_assert(rc == 0 || rc == ERR_INVALID);
    if (rc == 0)
        ck_assert_uint_eq(strlen(out.p), out.n);
    return rc == 0 ? out.p : NULL;
}

static void
gives(const char *value, const char *expected)
{
    int is_secret;
    const char *out = expand(value, &is_secret);

    ck_assert_msg(out != NULL, "%s: %s", value, why);
    ck_assert_str_eq(out, expected);
    ck_assert_int_eq(is_secret, 0);
}

static void
fails(const char *value, const char *expected)
{
    int is_secret;

    ck_assert_ptr_null(expand(value, &is_secret));
    ck_assert_str_eq(why, expected);
}

START_TEST(names_and_defaults)
{
    gives("plain $NAME $ { }", "plain $NAME $ { }");
    gives("${NAME}", "value");
    gives("a${NAME}b${NAME}c", "avaluebvaluec");
    gives("[${EMPTY}]", "[]");
    gives("${EMPTY:-d}", "d");
    gives("${NAME:-d}", "value");
    gives("${UNSET:-d e}", "d e");
    gives("${UNSET:-}", "");
    gives("${UNSET:-${NAME}!}", "value!");
    gives("${UNSET:-${ALSO:-${EMPTY:-x}}}", "x");
    gives("$${NAME} $$${NAME}", "${NAME} $${NAME}");
}
END_TEST

START_TEST(an_unset_name_is_a_fault)
{
    fails("a ${UNSET} b",
          "the environment variable UNSET is not set (${UNSET:-default} gives "
          "it a default)");
}
END_TEST

START_TEST(malformed_references_are_faults)
{
    static const char *const bad[] = {"${",       "${NAME",    "${}",
                                      "${1A}",    "${NAME-x}", "${NA ME}",
                                      "${file:}", "${:-x}",    "x ${NAME:+y}"};
    int is_secret;
    size_t i;

    for (i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_ptr_null(expand(bad[i], &is_secret));
        ck_assert_ptr_nonnull(strstr(why, "expected ${NAME}, "));
    }
    fails("${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-x}}}}}}}}}}",
          "${...} nested more than 8 deep");
}
END_TEST

START_TEST(files_are_read_and_secret)
{
    int is_secret;

    help_enter();
    fixture_file("key", "s3cret\n");
    fixture_file("two", "a\n\n");
    fixture_file("sub/key", "below");
    ck_assert_str_eq(expand("k=${file:key}.", &is_secret), "k=s3cret.");
    ck_assert_int_eq(is_secret, 1);
    ck_assert_str_eq(expand("${file:two}", &is_secret), "a\n");
    ck_assert_str_eq(expand("${file:$DIR/key}", &is_secret), "below");
    ck_assert_str_eq(expand("${file:${DIR}/key}", &is_secret), "below");
    ck_assert_int_eq(is_secret, 1);
    help_leave();
}
END_TEST

START_TEST(files_that_cannot_be_read_are_faults)
{
    static char large[VARS_MAX_FILE_BYTES + 2], expected[256];
    FILE *f;

    help_enter();
    fails("${file:/nowhere/key}", "cannot read ${file:/nowhere/key}: No such "
                                  "file or directory");
    memset(large, 'x', sizeof(large) - 1);
    fixture_file("large", large);
    snprintf(expected, sizeof(expected),
             "cannot read ${file:%s/large}: File too large", fixture_dir);
    fails("${file:large}", expected);
    f = fopen("nul", "w");
    ck_assert(f && fwrite("a\0b", 1, 3, f) == 3 && fclose(f) == 0);
    snprintf(expected, sizeof(expected),
             "cannot read ${file:%s/nul}: it contains a NUL byte", fixture_dir);
    fails("${file:nul}", expected);
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    snprintf(expected, sizeof(expected),
             "cannot read ${file:%s/fifo}: it is a FIFO, a socket or a device, "
             "not a file",
             fixture_dir);
    fails("${file:fifo}", expected);
    fails("${file:$UNSET/key}",
          "the environment variable UNSET is not set (${UNSET:-default} gives "
          "it a default)");
    help_leave();
}
END_TEST

START_TEST(what_was_captured_stays)
{
    char *const other[] = {"NAME=other", NULL};
    int is_secret = 0;
    et_str out;

    help_enter();
    fixture_file("key", "old");
    ck_assert_str_eq(expand("${NAME} ${file:key}", &is_secret), "value old");
    fixture_file("key", "new");
    ck_assert_int_eq(vars_capture(&vars, other, fixture_dir,
                                  str_from_z("${NAME} ${file:key}")),
                     0);
    ck_assert_int_eq(vars_expand(&vars, fixture_dir, &arena,
                                 str_from_z("${NAME} ${file:key}"), &out,
                                 &is_secret, why, sizeof(why)),
                     0);
    ck_assert_str_eq(out.p, "value old");
    help_leave();
}
END_TEST

START_TEST(an_expanded_value_has_a_bound)
{
    static char long_text[8200], entry[8300];
    char *const large[] = {entry, NULL};
    int is_secret = 0;
    et_str out;

    setup();
    memset(long_text, 'x', 8192);
    snprintf(entry, sizeof(entry), "LONG=%s", long_text);
    ck_assert_int_eq(vars_capture_name(&vars, large, str_from_z("LONG")), 0);
    ck_assert_int_eq(vars_expand(&vars, "/", &arena, str_from_z("${LONG}"),
                                 &out, &is_secret, why, sizeof(why)),
                     0);
    ck_assert_uint_eq(out.n, 8192);
    ck_assert_int_eq(vars_expand(&vars, "/", &arena, str_from_z("${LONG}x"),
                                 &out, &is_secret, why, sizeof(why)),
                     ERR_INVALID);
    ck_assert_str_eq(why, "longer than 8192 bytes after ${...} was replaced");
}
END_TEST

START_TEST(the_first_of_equal_names_counts)
{
    ck_assert_str_eq(vars_env(env, str_from_z("NAME")), "value");
    ck_assert_str_eq(vars_env(env, str_from_z("EMPTY")), "");
    ck_assert_ptr_null(vars_env(env, str_from_z("NAM")));
    ck_assert_ptr_null(vars_env(NULL, str_from_z("NAME")));
}
END_TEST

UNIT_MAIN(vars, names_and_defaults, an_unset_name_is_a_fault,
          malformed_references_are_faults, files_are_read_and_secret,
          files_that_cannot_be_read_are_faults, what_was_captured_stays,
          an_expanded_value_has_a_bound, the_first_of_equal_names_counts)
