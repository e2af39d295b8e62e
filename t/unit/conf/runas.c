/* SPDX-License-Identifier: BSD-2-Clause */
/* runas.c - who plugins run as, and what is wrong with that. */
#include "conf/runas.h"

#include <errno.h>

#include "help.h"
#include "t/lib/unit.h"

static int
resolve(const char *text, struct identity *who, const char *said)
{
    struct diag d;
    struct conf *c;
    int rc;

    diag_init(&d);
    c = help_conf(text, NULL, &d);
    ck_assert_ptr_nonnull(c);
    rc = runas_resolve(c, who, &d);
    help_expect(&d, said);
    diag_fini(&d);
    conf_free(c);
    return rc;
}

START_TEST(each_mistake_has_its_line)
{
    struct identity who;

    ck_assert_int_eq(resolve("[server]\n", &who, ""), 0);
    ck_assert_int_eq(who.is_set, 0);
    ck_assert_int_eq(resolve("[server]\nuser = nobody-here\n", &who,
                             "a.ini:2: [server] user: there is no user "
                             "\"nobody-here\"\n"),
                     -ENOENT);
    ck_assert_int_eq(resolve("[server]\nuser = root\ngroup = none-here\n", &who,
                             "a.ini:3: [server] group: there is no group "
                             "\"none-here\"\n"),
                     -ESRCH);
    ck_assert_int_eq(
        resolve("[server]\ngroup = root\n", &who,
                "a.ini:2: [server] group: it goes with user, which is not "
                "set\n"),
        -EINVAL);
    ck_assert_int_eq(
        resolve("[server]\nuser = 4242424\n", &who,
                "a.ini:2: [server] user: 4242424 is in no user database, so "
                "its group is not known: set [server] group\n"),
        -ENODATA);
}
END_TEST

START_TEST(oneself_is_always_possible)
{
    struct identity who;
    char text[128];

    snprintf(text, sizeof text, "[server]\nuser = %u\ngroup = %u\n",
             (unsigned)geteuid(), (unsigned)getegid());
    ck_assert_int_eq(resolve(text, &who, ""), 0);
    ck_assert_int_eq(identity_is_ours(&who), 1);
    identity_fini(&who);
}
END_TEST

UNIT_MAIN(runas, each_mistake_has_its_line, oneself_is_always_possible)
