/* SPDX-License-Identifier: BSD-2-Clause */
/* copy.c - which place is chosen, and why others were not; what the loader
 * makes of a copy is image.c's test. */
#include "plug/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "conf/bundle.h"
#include "conf/bundle_image.h"
#include "t/lib/fixture.h"
#include "t/lib/unit.h"

static char why[COPY_WHY_LEN];
static int source_fd;
static struct bundle *bundle;
static struct copy_order order;

/* The bundle's image that an order is about. */
static const struct bundle_image *
kept(const char *path, const char *bytes, size_t n)
{
    struct bundle_image like = {.path = path, .fd = -1, .n = n};
    const struct bundle_image *img;

    memcpy(like.sha256, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
    img = bundle_image_add(bundle, &like, bytes, why, sizeof why);
    ck_assert_msg(img != NULL, "%s", why);
    return img;
}

static void
setup(void)
{
    static char path[PATH_MAX];

    fixture_setup();
    snprintf(path, sizeof path, "%s", fixture_path("a.so"));
    source_fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    bundle = bundle_new();
    ck_assert_ptr_nonnull(bundle);
    order = (struct copy_order){
        .path = path,
        .name = strrchr(path, '/') + 1,
        .fd = kept(path, "content", 7)->fd,
        .p = "content",
        .n = 7,
        .source_fd = &source_fd,
    };
}

static void
teardown(void)
{
    bundle_free(bundle);
    fixture_teardown();
}

static void
content_is(const struct copy *c, const char *text)
{
    char back[16] = "";

    ck_assert_int_ge(pread(c->fd, back, sizeof back - 1, 0), 0);
    ck_assert_str_eq(back, text);
}

START_TEST(a_memfd_is_the_first_choice)
{
    char link[64], target[256] = "";
    struct copy c;

    ck_assert_int_eq(copy_make(&order, &c, why), 0);
    ck_assert_str_eq(why, "");
    content_is(&c, "content");
    ck_assert(!c.is_private_file && !c.is_in_place);
    snprintf(link, sizeof link, "/proc/self/fd/%d", c.fd);
    ck_assert_int_gt(readlink(link, target, sizeof target - 1), 0);
    ck_assert_str_eq(target, "/memfd:a.so@0123456789ab (deleted)");
    ck_assert_int_ge(source_fd, 0);
    ck_assert(copy_is_sealed(&c));
    ck_assert_int_ne(c.fd, order.fd);
    bundle_image_close(bundle); /* the copy's is its own */
    content_is(&c, "content");
    copy_fini(&c);
    ck_assert_int_eq(c.fd, -1);
    copy_fini(&c);
}
END_TEST

START_TEST(a_memfd_that_is_none_is_passed_over)
{
    struct copy c;

    order.no_memfd = -ENOSYS;
    ck_assert_int_eq(copy_make(&order, &c, why), 0);
    ck_assert(c.is_in_place && !copy_is_sealed(&c));
    ck_assert_ptr_nonnull(strstr(why, "memfd: Function not implemented; "));
    copy_fini(&c);
    order.staging = CONF_STAGING_MEMFD;
    ck_assert_int_eq(copy_make(&order, &c, why), -ENOSYS);
    order.no_memfd = 0;
    order.fd = -1;
    ck_assert_int_eq(copy_make(&order, &c, why), -EBADF);
    ck_assert_str_eq(why, "memfd: Bad file descriptor");
}
END_TEST

/* An image out of a dump: the file is used for want of anything else, and only
 * if it is still what it was. */
START_TEST(in_place_without_a_descriptor_is_the_same_bytes_or_nothing)
{
    static const struct {
        const char *text;
        int rc;
    } rows[] = {
        {"content", 0},        {"Content", -ESTALE}, {"conten", -ESTALE},
        {"contents", -ESTALE}, {"", -ESTALE},
    };
    struct copy c;

    order.staging = CONF_STAGING_FILE;
    close(source_fd);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = open(order.path, O_WRONLY | O_TRUNC);

        ck_assert_int_eq(file_write_fd(fd, rows[i].text, strlen(rows[i].text)),
                         0);
        close(fd);
        source_fd = -1;
        ck_assert_int_eq(copy_make(&order, &c, why), rows[i].rc);
        ck_assert_int_eq(c.is_in_place, rows[i].rc == 0);
        ck_assert_int_eq(source_fd < 0, 1);
        copy_fini(&c);
    }
    ck_assert_ptr_nonnull(strstr(why, "a.so: Stale file handle"));
    ck_assert_int_eq(unlink(order.path), 0);
    source_fd = -1;
    ck_assert_int_eq(copy_make(&order, &c, why), -ENOENT);
}
END_TEST

START_TEST(in_place_takes_the_descriptor)
{
    int fd = source_fd;
    struct copy c;

    order.staging = CONF_STAGING_FILE;
    ck_assert_int_eq(copy_make(&order, &c, why), 0);
    ck_assert(c.is_in_place);
    ck_assert_int_eq(c.fd, fd);
    ck_assert_int_eq(source_fd, -1);
    ck_assert_str_eq(why, "memfd: not with plugin_staging = file: Operation "
                          "not permitted; runtime_dir (not set): No such file "
                          "or directory");
    copy_fini(&c);
}
END_TEST

START_TEST(a_copy_that_needs_its_folder_lies_beside_the_original)
{
    struct copy c;

    order.needs_folder = 1;
    order.runtime_dir = "/nowhere";
    ck_assert_int_eq(copy_make(&order, &c, why), 0);
    ck_assert(c.is_private_file);
    content_is(&c, "content");
    ck_assert_mem_eq(c.load_path, fixture_dir, strlen(fixture_dir));
    copy_fini(&c);
    order.staging = CONF_STAGING_MEMFD;
    ck_assert_int_lt(copy_make(&order, &c, why), 0);
}
END_TEST

START_TEST(in_place_with_an_origin_uses_the_real_name)
{
    struct copy c;

    order.needs_folder = 1;
    order.path = "a.so"; /* no folder may be written: the root's */
    order.name = order.path;
    ck_assert_int_eq(chdir("/proc/self"), 0);
    ck_assert_int_eq(copy_make(&order, &c, why), -ENOENT);
    order.path = "stat";
    order.name = order.path;
    ck_assert_int_eq(copy_make(&order, &c, why), 0);
    ck_assert(c.is_in_place);
    ck_assert_ptr_nonnull(strstr(c.load_path, "/stat"));
    copy_fini(&c);
}
END_TEST

/* Needs a mount of its own: root, and a kernel that lets it. */
START_TEST(a_folder_that_allows_no_execution_is_passed_over)
{
    const char *dir = fixture_path("noexec");
    struct copy c;

    ck_assert_int_eq(mkdir(dir, 0700), 0);
    if (unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", dir, "tmpfs", MS_NOEXEC, NULL) < 0)
        return;
    order.staging = CONF_STAGING_FILE;
    order.runtime_dir = dir;
    ck_assert_int_eq(copy_make(&order, &c, why), 0);
    ck_assert(c.is_in_place);
    ck_assert_ptr_nonnull(strstr(why, "noexec: Operation not permitted"));
    copy_fini(&c);
    umount(dir);
}
END_TEST

UNIT_MAIN_IN(setup, teardown, copy, a_memfd_is_the_first_choice,
             a_memfd_that_is_none_is_passed_over, in_place_takes_the_descriptor,
             in_place_without_a_descriptor_is_the_same_bytes_or_nothing,
             a_copy_that_needs_its_folder_lies_beside_the_original,
             in_place_with_an_origin_uses_the_real_name,
             a_folder_that_allows_no_execution_is_passed_over)
