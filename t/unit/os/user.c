/* SPDX-License-Identifier: BSD-2-Clause */
/* user.c - owners by name and by number. */
#include "os/user.h"

#include <errno.h>
#include <string.h>

#include "t/lib/unit.h"

START_TEST(names_and_numbers)
{
    static const struct {
        const char *text;
        int rc;
        uid_t user;
        gid_t group;
    } rows[] = {
        {"root", 0, 0, 0},
        {"root:root", 0, 0, 0},
        {"0", 0, 0, 0},
        {"0:0", 0, 0, 0},
        {"root:4242424", 0, 0, 4242424},
        /* Nobody is called so: a container's user. */
        {"4242424", 0, 4242424, (gid_t)-1},
        {"4242424:4242425", 0, 4242424, 4242425},
        {"4242424:root", 0, 4242424, 0},
        {"no-such-user", -ENOENT, 0, 0},
        {"no-such-user:root", -ENOENT, 0, 0},
        {"root:no-such-group", -ESRCH, 0, 0},
        {"root:", -ESRCH, 0, 0},
        {"", -ENOENT, 0, 0},
        {":0", -ENOENT, 0, 0},
        {"-1", -ENOENT, 0, 0},
        {"1x", -ENOENT, 0, 0},
        {"4294967295", -ENOENT, 0, 0}, /* the kernel's "none" */
        {"99999999999999999999999", -ENOENT, 0, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uid_t user = 77;
        gid_t group = 77;
        int rc = user_parse(rows[i].text, &user, &group);
        ck_assert_msg(rc == rows[i].rc, "%s: %d", rows[i].text, rc);
        if (rc < 0)
            continue;
        ck_assert_msg(user == rows[i].user && group == rows[i].group,
                      "%s: %u:%u", rows[i].text, user, group);
    }
}
END_TEST

START_TEST(a_name_too_long_is_nobodys)
{
    char text[300];
    uid_t user;
    gid_t group;

    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(user_parse(text, &user, &group), -ENOENT);
}
END_TEST

UNIT_MAIN(user, names_and_numbers, a_name_too_long_is_nobodys)
