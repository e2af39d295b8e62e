/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_image.c - images in a bundle: found by path, bounded, their bytes
 * behind a descriptor that nobody can change. */
/* tags: asan */
/* ldflags: -Wl,--wrap=memfd_create,--wrap=fcntl,--wrap=malloc,--wrap=pread */
#include "conf/bundle_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/bundle.h"
#include "t/lib/unit.h"

static struct bundle *bundle;
static char why[256];
static int memfd_errno, dup_errno, pread_errno, malloc_fails;

int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
ssize_t __real_pread(int fd, void *p, size_t n, off_t offset);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t offset);

int
__wrap_memfd_create(const char *name, unsigned flags)
{
    errno = memfd_errno;
    return memfd_errno ? -1 : __real_memfd_create(name, flags);
}

int
__wrap_fcntl(int fd, int command, ...)
{
    va_list ap;
    int n;

    va_start(ap, command);
    n = va_arg(ap, int);
    va_end(ap);
    errno = dup_errno;
    if (dup_errno && command == F_DUPFD_CLOEXEC)
        return -1;
    return __real_fcntl(fd, command, n);
}

void *
__wrap_malloc(size_t n)
{
    return malloc_fails ? NULL : __real_malloc(n);
}

ssize_t
__wrap_pread(int fd, void *p, size_t n, off_t offset)
{
    errno = pread_errno;
    return pread_errno ? -1 : __real_pread(fd, p, n, offset);
}

static const struct bundle_image *
add(const char *path, const char *bytes, int fd)
{
    struct bundle_image like = {
        .path = path, .fd = fd, .n = strlen(bytes), .source.ino = 7};

    sha256_of(bytes, strlen(bytes), like.sha256);
    why[0] = '\0';
    return bundle_image_add(bundle, &like, bytes, why, sizeof why);
}

static void
holds(const struct bundle_image *img, const char *text)
{
    char *p;

    ck_assert_msg(img != NULL, "%s", why);
    ck_assert_uint_eq(img->n, strlen(text));
    ck_assert_int_eq(bundle_image_load(img, &p), 0);
    ck_assert_mem_eq(p, text, img->n);
    free(p);
}

static void
begin(void)
{
    bundle = bundle_new();
    ck_assert_ptr_nonnull(bundle);
    ck_assert(!bundle->is_closed);
}

START_TEST(an_image_is_found_by_its_path)
{
    char path[] = "/m/a.so";

    begin();
    ck_assert_ptr_null(bundle_image_find(bundle, path));
    holds(add(path, "one", -1), "one");
    holds(add("/m/b.so", "two!", -1), "two!");
    strcpy(path, "/x/x.so"); /* copied */
    holds(bundle_image_find(bundle, "/m/a.so"), "one");
    holds(bundle_image_find(bundle, "/m/b.so"), "two!");
    ck_assert_uint_eq(bundle_image_find(bundle, "/m/a.so")->source.ino, 7);
    ck_assert_ptr_null(bundle_image_find(bundle, path));
    ck_assert_uint_eq(bundle->n_images, 2);
    ck_assert_uint_eq(bundle->image_bytes, 7);
    bundle_free(bundle);
}
END_TEST

START_TEST(its_bytes_are_sealed_and_named_after_it)
{
    char link[64], target[128] = "";
    const struct bundle_image *img;

    begin();
    img = add("/m/a.so", "bytes", -1);
    holds(img, "bytes");
    ck_assert_int_eq(pwrite(img->fd, "x", 1, 0), -1);
    ck_assert_int_eq(errno, EPERM);
    snprintf(link, sizeof link, "/proc/self/fd/%d", img->fd);
    ck_assert_int_gt(readlink(link, target, sizeof target - 1), 0);
    ck_assert_str_eq(target, "/memfd:a.so@277089d91c0b (deleted)");
    bundle_free(bundle);
}
END_TEST

START_TEST(the_descriptor_is_the_bundles_own)
{
    int fd, others;

    begin();
    fd = add("/m/a.so", "bytes", -1)->fd;
    others = add("/m/b.so", "bytes", fd)->fd;
    ck_assert_int_ne(fd, others);
    ck_assert_int_eq(fcntl(others, F_GETFD), FD_CLOEXEC);
    holds(bundle_image_find(bundle, "/m/b.so"), "bytes");
    bundle_image_close(bundle);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    ck_assert_int_eq(fcntl(others, F_GETFD), -1);
    ck_assert_uint_eq(bundle->n_images, 0);
    holds(add("/m/a.so", "again", -1), "again");
    bundle_free(bundle);
}
END_TEST

START_TEST(an_empty_image)
{
    begin();
    holds(add("/m/a.so", "", -1), "");
    bundle_free(bundle);
}
END_TEST

START_TEST(without_memfds_it_is_in_memory)
{
    const struct bundle_image *img;
    char bytes[] = "bytes", part[4] = "";

    begin();
    memfd_errno = EPERM;
    img = add("/m/a.so", bytes, -1);
    bytes[0] = 'B'; /* a copy */
    holds(img, "bytes");
    ck_assert_int_eq(img->no_memfd, -EPERM);
    ck_assert_int_eq(img->fd, -1);
    ck_assert_int_eq(bundle_image_read(img, 2, part, 3), 0);
    ck_assert_str_eq(part, "tes");
    bundle_free(bundle);
}
END_TEST

START_TEST(a_part_of_it)
{
    char part[4] = "";

    begin();
    ck_assert_int_eq(bundle_image_read(add("/m/a.so", "bytes", -1), 2, part, 3),
                     0);
    ck_assert_str_eq(part, "tes");
    bundle_free(bundle);
}
END_TEST

START_TEST(each_bound_is_said)
{
    struct bundle_image like = {.path = "/m/a.so", .fd = -1};

    begin();
    holds(add("/m/a.so", "one", -1), "one");
    ck_assert_ptr_null(add("/m/a.so", "two", -1));
    ck_assert_str_eq(why, "is in the bundle already");
    like.path = "/m/b.so";
    like.n = BUNDLE_IMAGE_MAX_BYTES + 1;
    ck_assert_ptr_null(bundle_image_add(bundle, &like, NULL, why, sizeof why));
    ck_assert_str_eq(why, "is too large for a bundle");
    bundle->image_bytes = BUNDLE_IMAGE_MAX_BYTES_TOTAL - 2;
    ck_assert_ptr_null(add("/m/b.so", "two", -1));
    ck_assert_str_eq(why, "is too large for a bundle");
    holds(add("/m/b.so", "2.", -1), "2.");
    bundle->n_images = BUNDLE_IMAGE_MAX;
    ck_assert_ptr_null(add("/m/c.so", "", -1));
    ck_assert_str_eq(why, "is one image too many for a bundle");
    bundle_free(bundle);
}
END_TEST

START_TEST(what_the_system_refuses)
{
    const struct bundle_image *img;
    char *p;
    int rc;

    begin();
    memfd_errno = EMFILE;
    dup_errno = EMFILE;
    ck_assert_ptr_null(add("/m/a.so", "bytes", 0));
    ck_assert_str_eq(why, "cannot be kept: Too many open files");
    dup_errno = 0;
    malloc_fails = 1;
    img = add("/m/a.so", "bytes", -1);
    malloc_fails = memfd_errno = 0;
    ck_assert_ptr_null(img);
    ck_assert_str_eq(why, "out of memory");
    holds(add("/m/a.so", "bytes", -1), "bytes");
    pread_errno = EIO;
    ck_assert_int_eq(bundle_image_load(bundle->images, &p), -EIO);
    ck_assert_ptr_null(p);
    malloc_fails = 1;
    rc = bundle_image_load(bundle->images, &p);
    malloc_fails = pread_errno = 0;
    ck_assert_int_eq(rc, -ENOMEM);
    ck_assert_ptr_null(p);
    ck_assert_uint_eq(bundle->n_images, 1);
    bundle->arena.max_bytes = bundle->arena.bytes;
    bundle->arena.end = bundle->arena.p;
    ck_assert_ptr_null(add("/m/b.so", "bytes", -1));
    ck_assert_str_eq(why, "out of memory");
    bundle_free(bundle);
}
END_TEST

UNIT_MAIN(bundle_image, an_image_is_found_by_its_path,
          its_bytes_are_sealed_and_named_after_it,
          the_descriptor_is_the_bundles_own, an_empty_image,
          without_memfds_it_is_in_memory, a_part_of_it, each_bound_is_said,
          what_the_system_refuses)
