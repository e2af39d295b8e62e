/* SPDX-License-Identifier: BSD-2-Clause */
/* identity.c - who a name is, and to become that for good. */
/* ldflags: -Wl,--wrap=setgroups -Wl,--wrap=setresgid -Wl,--wrap=setresuid */
#define _GNU_SOURCE
#include "os/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/unit.h"

/* Which call fails, or is said to be good and does nothing. */
static enum { NONE, GROUPS, GID, UID, LIES } broken;

int __real_setgroups(size_t n, const gid_t *groups);
int __wrap_setgroups(size_t n, const gid_t *groups);
int __real_setresgid(gid_t r, gid_t e, gid_t s);
int __wrap_setresgid(gid_t r, gid_t e, gid_t s);
int __real_setresuid(uid_t r, uid_t e, uid_t s);
int __wrap_setresuid(uid_t r, uid_t e, uid_t s);

static int
refuse(void)
{
    errno = EACCES;
    return -1;
}

int
__wrap_setgroups(size_t n, const gid_t *groups)
{
    return broken == GROUPS ? refuse() : __real_setgroups(n, groups);
}

int
__wrap_setresgid(gid_t r, gid_t e, gid_t s)
{
    return broken == GID ? refuse() : __real_setresgid(r, e, s);
}

int
__wrap_setresuid(uid_t r, uid_t e, uid_t s)
{
    if (broken == LIES)
        return 0;
    return broken == UID ? refuse() : __real_setresuid(r, e, s);
}

START_TEST(names_and_numbers)
{
    static const struct {
        const char *user, *group;
        int rc;
        uid_t uid;
        gid_t gid;
    } rows[] = {
        {"root", "", 0, 0, 0},
        {"0", "", 0, 0, 0},
        {"root", "4242424", 0, 0, 4242424},
        {"4242424", "4242425", 0, 4242424, 4242425},
        {"4242424", "root", 0, 4242424, 0},
        {"4242424", "", -ENODATA, 0, 0},
        {"no-such-user", "", -ENOENT, 0, 0},
        {"root", "no-such-group", -ESRCH, 0, 0},
        {"root:root", "", -ENOENT, 0, 0}, /* group says that */
    };
    struct identity i;

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        ck_assert_int_eq(identity_resolve(rows[k].user, rows[k].group, &i),
                         rows[k].rc);
        ck_assert_int_eq(i.is_set, rows[k].rc == 0);
        if (rows[k].rc == 0) {
            ck_assert_uint_eq(i.uid, rows[k].uid);
            ck_assert_uint_eq(i.gid, rows[k].gid);
            ck_assert_uint_ge(i.n_groups, 1);
        }
        identity_fini(&i);
    }
    ck_assert_int_eq(identity_resolve("", "", &i), 0);
    ck_assert_int_eq(i.is_set, 0);
    ck_assert_int_eq(identity_become(&i), 0);
}
END_TEST

START_TEST(one_without_an_entry_is_in_one_group)
{
    struct identity i;

    ck_assert_int_eq(identity_resolve("4242424", "4242425", &i), 0);
    ck_assert_uint_eq(i.n_groups, 1);
    ck_assert_uint_eq(i.groups[0], 4242425);
    identity_fini(&i);
}
END_TEST

/* In a child: how it ended, 0 if all in it held. */
static int
in_child(int (*check)(struct identity *i), struct identity *i)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(check(i));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int
becomes(struct identity *i)
{
    gid_t groups[8];
    uid_t u[3];

    if (identity_become(i) != 0 || identity_renounce() != 0)
        return 1;
    if (getresuid(&u[0], &u[1], &u[2]) < 0 || u[0] != i->uid ||
        u[1] != i->uid || u[2] != i->uid || getegid() != i->gid)
        return 2;
    if (getgroups(8, groups) != 1 || groups[0] != i->gid)
        return 3;
    if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
        return 4;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 5;
    /* Itself again is fine, another is not. */
    if (identity_become(i) != 0)
        return 6;
    i->uid++;
    return identity_may_become(i) == -EPERM && identity_become(i) == -EPERM ? 0
                                                                            : 7;
}

static int
is_refused(struct identity *i)
{
    return identity_become(i) < 0 ? 0 : 1;
}

START_TEST(it_is_for_good)
{
    struct identity i;

    if (geteuid() != 0) {
        fprintf(stderr, "skipped: not root\n");
        return;
    }
    ck_assert_int_eq(identity_resolve("4242424", "4242425", &i), 0);
    ck_assert_int_eq(identity_is_ours(&i), 0);
    ck_assert_int_eq(identity_may_become(&i), 0);
    ck_assert_int_eq(in_child(becomes, &i), 0);
    identity_fini(&i);
}
END_TEST

START_TEST(each_failure_is_one)
{
    struct identity i;

    if (geteuid() != 0) {
        fprintf(stderr, "skipped: not root\n");
        return;
    }
    ck_assert_int_eq(identity_resolve("4242424", "4242425", &i), 0);
    for (broken = GROUPS; broken <= LIES; broken++)
        ck_assert_int_eq(in_child(is_refused, &i), 0);
    broken = NONE;
    identity_fini(&i);
}
END_TEST

UNIT_MAIN(identity, names_and_numbers, one_without_an_entry_is_in_one_group,
          it_is_for_good, each_failure_is_one)
