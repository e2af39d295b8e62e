/* SPDX-License-Identifier: BSD-2-Clause */
/* guide.c - plugins/README.md, typed from top to bottom as an author would who
 * has just checked out the source and said `make run`: every file is written,
 * every command run, and what is shown is what comes.
 *
 * It builds with ASan and installs what is built, so it is for the plain build.
 * tags: plain */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/guide.h"
#include "t/lib/server.h"
#include "t/lib/typist.h"

#define UNIT_SECONDS 200
#include "t/lib/unit.h"

START_TEST(what_it_says_is_what_comes)
{
    const char *text = guide_read("plugins/README.md");
    struct server s;
    struct typed did;

    guide_enter_tree(&s, NULL);
    server_serve(&s);
    did = typist_type(&s, text, text + strlen(text));
    ck_assert_int_gt(did.n_files, 10);
    ck_assert_int_gt(did.n_commands, 30);
    ck_assert_int_gt(did.n_requests, 5);
    ck_assert_int_gt(did.n_refused, 0);
    ck_assert_int_gt(did.n_reloads, 5);
    ck_assert_int_gt(did.n_lines, 3);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(nothing_is_shown_in_a_form_that_is_not_typed)
{
    static const char *const forms[] = {"\n```sh", "\n```ini\n", "\n```console",
                                        "\n$ ", "\n  $ "};

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        ck_assert_ptr_null(strstr(guide_read("plugins/README.md"), forms[i]));
}
END_TEST

UNIT_MAIN(guide, what_it_says_is_what_comes,
          nothing_is_shown_in_a_form_that_is_not_typed)
