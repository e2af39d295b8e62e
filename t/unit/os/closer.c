/* SPDX-License-Identifier: BSD-2-Clause */
/* closer.c - which files are closed by a thread, and how many wait for it.
 * tags: asan tsan */
/* ldflags: -Wl,--wrap=close,--wrap=pthread_create */
#include "os/closer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/unit.h"

static pthread_t me;
static _Atomic int keeps; /* what another closes is so when it is so no more */
static _Atomic unsigned n_here, n_elsewhere;
static int has_no_threads;

int __real_close(int fd);
int __wrap_close(int fd);
int __real_pthread_create(pthread_t *t, const pthread_attr_t *a,
                          void *(*fn)(void *arg), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a,
                          void *(*fn)(void *arg), void *arg);

int
__wrap_close(int fd)
{
    const int is_me = pthread_equal(pthread_self(), me);
    int rc;

    while (!is_me && keeps)
        usleep(100);
    rc = __real_close(fd);
    *(is_me ? &n_here : &n_elsewhere) += 1;
    return rc;
}

int
__wrap_pthread_create(pthread_t *t, const pthread_attr_t *a,
                      void *(*fn)(void *arg), void *arg)
{
    return has_no_threads ? EAGAIN : __real_pthread_create(t, a, fn, arg);
}

static void
begin(void)
{
    me = pthread_self();
    keeps = has_no_threads = 0;
    n_here = n_elsewhere = 0;
}

static void
wait_for(unsigned n)
{
    for (int i = 0; i < 5000 && n_elsewhere < n; i++)
        usleep(1000);
    ck_assert_uint_eq(n_elsewhere, n);
}

/* One that has a name, or none any more. */
static int
make(int is_named)
{
    static char path[] = "/tmp/etude-closer-XXXXXX";
    int fd;

    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    if (!is_named)
        unlink(path);
    return fd;
}

/* Gone from now on; its descriptor is not. */
static void
take_named(void)
{
    int fd = make(1);
    char path[64], name[256];
    ssize_t n;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    n = readlink(path, name, sizeof name - 1);
    ck_assert_int_gt(n, 0);
    name[n] = '\0';
    closer_take(fd);
    unlink(name);
}

/* The first one shows what is of this machine: the folder of tests is. */
START_TEST(what_has_a_name_is_closed_at_once)
{
    take_named();
    wait_for(1);
    take_named();
    ck_assert_uint_eq(n_here, 1);
    ck_assert_uint_eq(n_elsewhere, 1);
}
END_TEST

START_TEST(what_has_none_is_closed_by_the_thread)
{
    take_named();
    wait_for(1);
    closer_take(make(0));
    wait_for(2);
    ck_assert_uint_eq(n_here, 0);
}
END_TEST

/* As of FUSE, or NFS. */
START_TEST(so_is_what_lies_elsewhere)
{
    for (unsigned i = 1; i < 4; i++) {
        closer_take(open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
        wait_for(i);
    }
    ck_assert_uint_eq(n_here, 0);
}
END_TEST

START_TEST(who_finds_no_room_closes_it_himself)
{
    keeps = 1;
    for (unsigned i = 0; i < CLOSER_MAX; i++)
        closer_take(make(0));
    ck_assert_uint_eq(n_here, 0);
    closer_take(make(0)); /* the thread may have taken one */
    closer_take(make(0));
    ck_assert_uint_ge(n_here, 1);
    keeps = 0;
    wait_for(CLOSER_MAX + 2 - n_here);
}
END_TEST

START_TEST(who_finds_no_thread_does_too)
{
    has_no_threads = 1;
    closer_take(make(0));
    ck_assert_uint_eq(n_here, 1);
    has_no_threads = 0;
    closer_take(make(0));
    wait_for(1);
}
END_TEST

UNIT_MAIN_IN(begin, NULL, closer, what_has_a_name_is_closed_at_once,
             what_has_none_is_closed_by_the_thread, so_is_what_lies_elsewhere,
             who_finds_no_room_closes_it_himself, who_finds_no_thread_does_too)
