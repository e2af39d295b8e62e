/* SPDX-License-Identifier: BSD-2-Clause */
/* shared.c - memory that is the same for all who map it, and stays so large. */
#include "os/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "t/lib/unit.h"

#define BYTES ((size_t)64 << 20)

START_TEST(all_who_map_it_see_the_same)
{
    int fd = shared_new("test", BYTES);
    void *a, *b;
    size_t n;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ck_assert_int_eq(shared_map(fd, &a, &n), 0);
    ck_assert_uint_eq(n, BYTES);
    ck_assert_int_eq(shared_map(fd, &b, &n), 0);
    close(fd);
    ck_assert_ptr_ne(a, b);
    ck_assert_int_eq(((char *)a)[BYTES - 1], 0);
    strcpy((char *)a + 5000, "here");
    ck_assert_str_eq((char *)b + 5000, "here");
    munmap(a, BYTES);
    ck_assert_str_eq((char *)b + 5000, "here");
    munmap(b, BYTES);
}
END_TEST

START_TEST(its_size_is_for_ever)
{
    int fd = shared_new("test", 8192);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, 4096), -1);
    ck_assert_int_eq(ftruncate(fd, 16384), -1);
    close(fd);
}
END_TEST

START_TEST(what_could_shrink_is_not_mapped)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    void *p;
    size_t n;

    ck_assert_int_eq(ftruncate(fd, 8192), 0);
    ck_assert_int_eq(shared_map(fd, &p, &n), -EINVAL);
    close(fd);
    ck_assert_int_eq(shared_map(fd, &p, &n), -EBADF);
    fd = shared_new("test", 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(shared_map(fd, &p, &n), -EINVAL);
    close(fd);
}
END_TEST

UNIT_MAIN(shared, all_who_map_it_see_the_same, its_size_is_for_ever,
          what_could_shrink_is_not_mapped)
