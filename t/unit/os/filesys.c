/* SPDX-License-Identifier: BSD-2-Clause */
/* filesys.c - where files lie. */
#include "os/filesys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "t/lib/unit.h"

START_TEST(memory_is_of_this_machine)
{
    int a = memfd_create("a", MFD_CLOEXEC), b = memfd_create("b", MFD_CLOEXEC);

    ck_assert_int_eq(filesys_is_local(a), 1);
    ck_assert_uint_ne(filesys_of(a), 0);
    ck_assert_uint_eq(filesys_of(a), filesys_of(b));
    close(a);
    close(b);
}
END_TEST

START_TEST(what_is_not_known_is_not)
{
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    int memory = memfd_create("a", MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(filesys_is_local(fd), 0);
    ck_assert_uint_ne(filesys_of(fd), 0);
    ck_assert_uint_ne(filesys_of(fd), filesys_of(memory));
    close(fd);
    close(memory);
}
END_TEST

START_TEST(a_name_may_be_gone)
{
    char path[] = "/tmp/etude-filesys-XXXXXX";
    int fd = mkstemp(path), has_name = 0;

    ck_assert_int_ge(fd, 0);
    ck_assert_uint_eq(filesys_look(fd, &has_name), filesys_of(fd));
    ck_assert_int_eq(has_name, 1);
    unlink(path);
    ck_assert_uint_eq(filesys_look(fd, &has_name), filesys_of(fd));
    ck_assert_int_eq(has_name, 0);
    close(fd);
}
END_TEST

START_TEST(no_file_is_nowhere)
{
    ck_assert_int_eq(filesys_is_local(-1), 0);
    ck_assert_uint_eq(filesys_of(-1), 0);
}
END_TEST

UNIT_MAIN(filesys, memory_is_of_this_machine, what_is_not_known_is_not,
          a_name_may_be_gone, no_file_is_nowhere)
