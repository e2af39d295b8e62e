/* SPDX-License-Identifier: BSD-2-Clause */
/* readme.c - "A plugin in ten lines" of README.md, typed line by line: every
 * command is run, every request is made on one connection that stays open, and
 * all that is shown appears.
 * tags: epoll asan plain */
#include <string.h>

#include "t/lib/guide.h"
#include "t/lib/server.h"
#include "t/lib/typist.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define CHAPTER "\n## A plugin in ten lines\n"

START_TEST(the_authors_loop_is_as_shown)
{
    const char *from = strstr(guide_read("README.md"), CHAPTER), *end;
    struct server s;
    struct typed did;

    ck_assert_ptr_nonnull(from);
    from += strlen(CHAPTER);
    end = strstr(from, "\n## ");
    ck_assert_ptr_nonnull(end);
    guide_enter_tree(&s, NULL);
    server_serve(&s);
    did = typist_type(&s, from, end);
    ck_assert_int_eq(did.n_files, 1);
    ck_assert_int_eq(did.n_requests, 3);
    ck_assert_int_eq(did.n_reloads, 2);
    ck_assert_int_eq(did.n_lines, 2);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(readme, the_authors_loop_is_as_shown)
