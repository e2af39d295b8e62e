/* SPDX-License-Identifier: BSD-2-Clause */
/* paths.c - tests of conf/paths.h. */
#include "conf/paths.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "help.h"
#include "t/lib/unit.h"

static char path[PATH_MAX];

static int
find(const char *text, char *const *env, int knocks)
{
    struct diag d;
    struct conf *c;
    int is_on;

    diag_init(&d);
    c = help_conf(text, env, &d);
    ck_assert_ptr_nonnull(c);
    path[0] = '\0';
    is_on = paths_admin(c, knocks, path, sizeof path);
    conf_free(c);
    diag_fini(&d);
    return is_on;
}

START_TEST(the_admin_socket_is_in_the_runtime_folder)
{
    char *env[] = {"RUNTIME_DIRECTORY=/run/there:/run/other", NULL};

    ck_assert(find("[server]\nruntime_dir = /run/here\n", NULL, 0));
    ck_assert_str_eq(path, "/run/here/etude.sock");
    ck_assert(find("[server]\n", env, 0));
    ck_assert_str_eq(path, "/run/there/etude.sock");
}
END_TEST

START_TEST(or_where_it_is_said_to_be)
{
    ck_assert(
        find("[server]\nruntime_dir = /run/here\nadmin = /a/b\n", NULL, 0));
    ck_assert_str_eq(path, "/a/b");
    ck_assert(
        !find("[server]\nruntime_dir = /run/here\nadmin = off\n", NULL, 0));
    ck_assert(!find("[server]\nadmin = off\n", NULL, 1));
}
END_TEST

/* Who knocks need not be able to write there. */
START_TEST(without_a_folder_it_is_off_but_for_who_knocks)
{
    int may_write = access("/run/etude", W_OK | X_OK) == 0;

    ck_assert_int_eq(find("[server]\n", NULL, 0), may_write);
    ck_assert(find("[server]\n", NULL, 1));
    ck_assert_str_eq(path, "/run/etude/etude.sock");
}
END_TEST

UNIT_MAIN(paths, the_admin_socket_is_in_the_runtime_folder,
          or_where_it_is_said_to_be,
          without_a_folder_it_is_off_but_for_who_knocks)
