/* SPDX-License-Identifier: BSD-2-Clause */
/* diag.c - messages with their places, and the name that was meant. */
/* ldflags: -Wl,--wrap=malloc */
#include "base/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/unit.h"

static int fail_malloc;
static char rest[DIAG_REST_LEN];

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);

void *
__wrap_malloc(size_t n)
{
    return fail_malloc ? NULL : __real_malloc(n);
}

START_TEST(messages_come_in_order_with_their_places)
{
    struct place line = {"conf/etude.ini", 12}, file = {"a.ini", 0}, no = {0};
    struct diag d;
    struct diag_item *i;

    diag_init(&d);
    ck_assert_ptr_null(d.first);
    diag_error(&d, &line, "[route %s] handler: unknown", "users");
    diag_warn(&d, &file, "is empty");
    diag_error(&d, &no, "no place");
    diag_error(&d, NULL, "%s", "nowhere");
    ck_assert_uint_eq(d.n_errors, 3);
    ck_assert_uint_eq(d.n_warnings, 1);
    i = d.first;
    ck_assert_str_eq(i->text, "conf/etude.ini:12: [route users] handler: "
                              "unknown");
    ck_assert_int_eq(i->kind, DIAG_ERROR);
    i = i->next;
    ck_assert_str_eq(i->text, "a.ini: is empty");
    ck_assert_int_eq(i->kind, DIAG_WARNING);
    i = i->next;
    ck_assert_str_eq(i->text, "no place");
    i = i->next;
    ck_assert_str_eq(i->text, "nowhere");
    ck_assert_ptr_null(i->next);
    diag_fini(&d);
    ck_assert_ptr_null(d.first);
    ck_assert_uint_eq(d.n_errors, 0);
    diag_error(&d, NULL, "again");
    ck_assert_str_eq(d.first->text, "again");
    diag_fini(&d);
}
END_TEST

START_TEST(notes_count_as_nothing_and_are_not_printed)
{
    char *text = NULL;
    struct diag d;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    diag_init(&d);
    diag_note(&d, NULL, "%s is ignored", "x");
    diag_warn(&d, NULL, "odd");
    ck_assert_uint_eq(d.n_errors, 0);
    ck_assert_uint_eq(d.n_warnings, 1);
    ck_assert_int_eq(d.first->kind, DIAG_NOTE);
    ck_assert_str_eq(d.first->text, "x is ignored");
    diag_print(&d, f);
    fclose(f);
    ck_assert_str_eq(text, "warning: odd\n");
    free(text);
    diag_fini(&d);
}
END_TEST

START_TEST(a_long_message_is_whole)
{
    struct diag d;
    static char text[10000];

    memset(text, 'x', sizeof text - 1);
    diag_init(&d);
    diag_error(&d, NULL, "%s", text);
    ck_assert_str_eq(d.first->text, text);
    diag_fini(&d);
}
END_TEST

START_TEST(without_memory_it_still_counts)
{
    struct diag d;

    diag_init(&d);
    fail_malloc = 1;
    diag_error(&d, NULL, "lost");
    diag_warn(&d, NULL, "lost");
    fail_malloc = 0;
    ck_assert_ptr_null(d.first);
    ck_assert_uint_eq(d.n_errors, 1);
    ck_assert_uint_eq(d.n_warnings, 1);
    ck_assert_str_eq(diag_rest(&d, rest),
                     "and 1 more error(s), 1 more warning(s)");
    diag_error(&d, NULL, "kept");
    ck_assert_str_eq(d.first->text, "kept");
    diag_fini(&d);
}
END_TEST

/* What diag_print writes, in static memory. */
static const char *
printed(const struct diag *d)
{
    static char text[1 << 20];
    FILE *f = fmemopen(text, sizeof text, "w");

    ck_assert_ptr_nonnull(f);
    diag_print(d, f);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

START_TEST(what_is_not_kept_is_told_last)
{
    struct diag d;
    const char *text;

    diag_init(&d);
    ck_assert_ptr_null(diag_rest(&d, rest));
    for (unsigned i = 0; i < DIAG_MAX_KEPT; i++)
        diag_error(&d, NULL, "e%u", i);
    ck_assert_ptr_null(diag_rest(&d, rest));
    diag_warn(&d, NULL, "errors do not crowd out a warning");
    for (unsigned i = 0; i < 904; i++)
        diag_error(&d, NULL, "one more");
    ck_assert_uint_eq(d.n_errors, DIAG_MAX_KEPT + 904);
    text = printed(&d);
    ck_assert_ptr_null(strstr(text, "one more"));
    ck_assert_str_eq(strstr(text, "e16383"),
                     "e16383\nwarning: errors do not crowd out a warning\n"
                     "and 904 more error(s)\n");
    diag_fini(&d);
    for (unsigned i = 0; i < DIAG_MAX_KEPT + 2; i++)
        diag_warn(&d, NULL, "w");
    ck_assert_str_eq(diag_rest(&d, rest), "and 2 more warning(s)");
    diag_fini(&d);
}
END_TEST

START_TEST(what_is_said_again_takes_no_room)
{
    struct diag d;

    diag_init(&d);
    d.says_once = 1;
    for (unsigned i = 0; i < DIAG_MAX_KEPT + 5; i++)
        diag_error(&d, NULL, "the same");
    ck_assert_uint_eq(d.n_errors, DIAG_MAX_KEPT + 5);
    for (unsigned i = 1; i < DIAG_MAX_KEPT + 5; i++)
        diag_error(&d, NULL, "%u", i);
    diag_error(&d, NULL, "the same");
    ck_assert_str_eq(diag_rest(&d, rest), "and 5 more error(s)");
    ck_assert_str_eq(strstr(printed(&d), "16383"),
                     "16383\nand 5 more error(s)\n");
    diag_fini(&d);
}
END_TEST

START_TEST(of_two_that_are_merged_each_text_is_said_once)
{
    struct diag d, more;

    diag_init(&d);
    diag_init(&more);
    diag_error(&d, NULL, "in both");
    diag_error(&more, NULL, "in both");
    diag_warn(&more, NULL, "new");
    diag_warn(&more, NULL, "new");
    diag_error(&more, NULL, "last");
    diag_merge(&d, &more);
    ck_assert_str_eq(printed(&d), "in both\nwarning: new\nlast\n");
    ck_assert_uint_eq(d.n_errors, 2);
    ck_assert_uint_eq(d.n_warnings, 1);
    fail_malloc = 1;
    diag_error(&more, NULL, "lost");
    diag_warn(&more, NULL, "lost");
    fail_malloc = 0;
    diag_merge(&d, &more);
    ck_assert_uint_eq(d.n_errors, 3);
    ck_assert_uint_eq(d.n_warnings, 2);
    ck_assert_str_eq(diag_rest(&d, rest),
                     "and 1 more error(s), 1 more warning(s)");
    diag_fini(&d);
    diag_fini(&more);
}
END_TEST

static const char *const known[] = {
    "listen",  "workers",           "pin",        "modules",
    "include", "keepalive_timeout", "body_memory"};

static const char *
nearest(const char *got)
{
    return diag_nearest(got, known, sizeof known / sizeof *known);
}

START_TEST(a_slip_of_the_pen_is_recognised)
{
    ck_assert_str_eq(nearest("worker"), "workers");
    ck_assert_str_eq(nearest("wrokers"), "workers");
    ck_assert_str_eq(nearest("listenn"), "listen");
    ck_assert_str_eq(nearest("Listen"), "listen");
    ck_assert_str_eq(nearest("pi"), "pin");
    ck_assert_str_eq(nearest("keepalive-timout"), "keepalive_timeout");
    ck_assert_str_eq(nearest("workers"), "workers");
    ck_assert_str_eq(nearest("modul"), "modules");
}
END_TEST

START_TEST(what_is_too_far_gets_no_suggestion)
{
    char name[100];

    ck_assert_ptr_null(nearest("threads"));
    ck_assert_ptr_null(nearest(""));
    ck_assert_ptr_null(nearest("work"));
    ck_assert_ptr_null(nearest("p"));
    memset(name, 'w', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_ptr_null(nearest(name));
    ck_assert_ptr_null(diag_nearest("x", known, 0));
    {
        const char *const one[] = {name};

        ck_assert_ptr_null(diag_nearest("ww", one, 1));
    }
}
END_TEST

START_TEST(of_two_equally_near_the_first)
{
    const char *const two[] = {"cat", "bat"};

    ck_assert_str_eq(diag_nearest("rat", two, 2), "cat");
    ck_assert_str_eq(diag_nearest("bat", two, 2), "bat");
}
END_TEST

UNIT_MAIN(diag, messages_come_in_order_with_their_places,
          notes_count_as_nothing_and_are_not_printed, a_long_message_is_whole,
          without_memory_it_still_counts, what_is_not_kept_is_told_last,
          what_is_said_again_takes_no_room,
          of_two_that_are_merged_each_text_is_said_once,
          a_slip_of_the_pen_is_recognised, what_is_too_far_gets_no_suggestion,
          of_two_equally_near_the_first)
