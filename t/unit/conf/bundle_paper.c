/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_paper.c - tests of conf/bundle_paper.h, and of papers in a dump. */
/* tags: asan */
#define _GNU_SOURCE /* memfd_create */
#include "conf/bundle_paper.h"

#include <errno.h>
#include <sys/mman.h>

#include "conf/bundle_dump.h"
#include "conf/bundle_hash.h"
#include "conf/bundle_load.h"
#include "help.h"
#include "os/file.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static const char ini[] = "[server]\n"
                          "tls.ticket_keys = ${DIR}keys\n"
                          "[listen a]\n"
                          "address = :0\n"
                          "tls.certificate = a.pem\n"
                          "tls.certificate = none.pem\n"
                          "tls.key = a.key\n"
                          "tls.ocsp = none\n"
                          "tls.ocsp = ${NOT_SET}\n"
                          "tls.client_ca = a.pem\n"
                          "[route x]\n"
                          "tls.key = b.key\n";

static struct bundle *
fill(void)
{
    static char *env[] = {"DIR=", NULL};
    struct bundle *b;
    struct diag d;

    fixture_file("a.ini", ini);
    fixture_file("a.pem", "certificate");
    fixture_file("a.key", "the key");
    fixture_file("b.key", "nobody reads it");
    fixture_file("keys", "");
    ck_assert_int_eq(chmod("a.key", 0640), 0);
    diag_init(&d);
    b = bundle_from_files("a.ini", env, &d);
    ck_assert_ptr_nonnull(b);
    help_expect(&d, "");
    diag_fini(&d);
    return b;
}

static const struct bundle_paper *
find(const struct bundle *b, const char *name)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", b->cwd, name);
    return bundle_paper_find(b, str_from_z(path));
}

START_TEST(what_keys_name_is_read_once)
{
    struct bundle *b = fill();
    const struct bundle_paper *key = find(b, "a.key");

    ck_assert_uint_eq(b->n_papers, 4);
    ck_assert_str_eq(key->text, "the key");
    ck_assert_uint_eq(key->n, 7);
    ck_assert_uint_eq(key->mode, 0640);
    ck_assert_ptr_null(key->why);
    ck_assert_str_eq(find(b, "a.pem")->text, "certificate");
    ck_assert_str_eq(find(b, "keys")->text, "");
    ck_assert_ptr_null(find(b, "none.pem")->text);
    ck_assert_str_eq(find(b, "none.pem")->why, "No such file or directory");
    ck_assert_ptr_null(find(b, "b.key"));
    ck_assert_uint_eq(b->paper_bytes, 18);
    bundle_free(b);
}
END_TEST

START_TEST(what_a_variable_names_is_read_too)
{
    static char *env[] = {"ETUDE_TLS_TICKET_KEYS=k", NULL};
    struct bundle *b;
    struct diag d;

    fixture_file("a.ini", "[server]\n");
    fixture_file("k", "keys");
    diag_init(&d);
    b = bundle_from_files("a.ini", env, &d);
    ck_assert_ptr_nonnull(b);
    ck_assert_str_eq(find(b, "k")->text, "keys");
    bundle_free(b);
    diag_fini(&d);
}
END_TEST

static const char *
why_not(const char *path)
{
    static char why[256];
    struct bundle *b = bundle_new();
    const struct bundle_paper *p;

    ck_assert_ptr_nonnull(b);
    ck_assert_int_eq(bundle_paper_read(b, path), 0);
    p = bundle_paper_find(b, str_from_z(path));
    ck_assert_ptr_nonnull(p);
    ck_assert_ptr_null(p->text);
    snprintf(why, sizeof(why), "%s", p->why);
    bundle_free(b);
    return why;
}

START_TEST(what_is_no_file_is_none)
{
    static char large[BUNDLE_PAPER_MAX_BYTES + 2];

    memset(large, 'x', sizeof(large) - 1);
    fixture_file("large", large);
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    ck_assert_str_eq(why_not("/nowhere"), "No such file or directory");
    ck_assert_str_eq(why_not("."), "Is a directory");
    ck_assert_str_eq(why_not("fifo"),
                     "it is a FIFO, a socket or a device, not a file");
    ck_assert_str_eq(why_not("/dev/zero"),
                     "it is a FIFO, a socket or a device, not a file");
    ck_assert_str_eq(why_not("large"), "File too large");
}
END_TEST

static int
dump(const struct bundle *b)
{
    int fd = memfd_create("dump", MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bundle_dump_write(b, fd), 0);
    return fd;
}

static void
bytes_of(int fd, char **p, size_t *n)
{
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(file_read_fd(fd, 1 << 24, p, n), 0);
}

START_TEST(they_come_back_from_a_dump)
{
    struct bundle *b = fill(), *back;
    int fd = dump(b), fd_again;
    char *first, *second, one[BUNDLE_HASH_LEN + 1], other[BUNDLE_HASH_LEN + 1];
    size_t n_first, n_second;
    struct diag d;

    diag_init(&d);
    back = bundle_load(fd, &d);
    help_expect(&d, "");
    ck_assert_uint_eq(back->n_papers, 4);
    ck_assert_str_eq(find(back, "a.key")->text, "the key");
    ck_assert_uint_eq(find(back, "a.key")->mode, 0640);
    ck_assert_str_eq(find(back, "none.pem")->why, "No such file or directory");
    fd_again = dump(back);
    bytes_of(fd, &first, &n_first);
    bytes_of(fd_again, &second, &n_second);
    ck_assert_uint_eq(n_first, n_second);
    ck_assert_mem_eq(first, second, n_first);
    bundle_hash(b, one);
    bundle_hash(back, other);
    ck_assert_str_eq(one, other);
    close(fd);
    close(fd_again);
    free(first);
    free(second);
    bundle_free(b);
    bundle_free(back);
    diag_fini(&d);
}
END_TEST

/* Whatever byte is another one, and wherever the file ends. */
START_TEST(no_damage_passes)
{
    struct bundle *b = fill();
    int fd = dump(b);
    char *p;
    size_t n;

    bytes_of(fd, &p, &n);
    for (size_t i = 0; i < 2 * n; i++) {
        struct bundle *back;
        struct diag d;
        diag_init(&d);
        if (i < n) {
            p[i] ^= 1;
            ck_assert_int_eq(pwrite(fd, p, n, 0), (ssize_t)n);
            p[i] ^= 1;
        } else {
            ck_assert_int_eq(ftruncate(fd, 0), 0);
            ck_assert_int_eq(pwrite(fd, p, i - n, 0), (ssize_t)(i - n));
        }
        back = bundle_load(fd, &d);
        ck_assert_msg(!back, "byte %zu", i);
        ck_assert_uint_eq(d.n_errors, 1);
        diag_fini(&d);
    }
    close(fd);
    free(p);
    bundle_free(b);
}
END_TEST

START_TEST(wiped_they_are_known_and_gone)
{
    struct bundle *b = fill();
    char before[BUNDLE_HASH_LEN + 1], after[BUNDLE_HASH_LEN + 1];
    int fd = memfd_create("dump", MFD_CLOEXEC);

    bundle_hash(b, before);
    bundle_paper_wipe(b);
    bundle_hash(b, after);
    ck_assert_str_eq(before, after);
    ck_assert_ptr_null(find(b, "a.key")->text);
    ck_assert_int_eq(bundle_dump_write(b, fd), -ENODATA);
    close(fd);
    bundle_free(b);
}
END_TEST

START_TEST(another_key_is_another_configuration)
{
    struct bundle *b = fill();
    char before[BUNDLE_HASH_LEN + 1], after[BUNDLE_HASH_LEN + 1];
    struct diag d;

    bundle_hash(b, before);
    bundle_free(b);
    fixture_file("a.key", "another");
    diag_init(&d);
    b = bundle_from_files("a.ini", (char *[]){"DIR=", NULL}, &d);
    bundle_hash(b, after);
    ck_assert_str_ne(before, after);
    bundle_free(b);
    diag_fini(&d);
}
END_TEST

UNIT_MAIN_IN(help_enter, help_leave, bundle_paper, what_keys_name_is_read_once,
             what_a_variable_names_is_read_too, what_is_no_file_is_none,
             they_come_back_from_a_dump, no_damage_passes,
             wiped_they_are_known_and_gone,
             another_key_is_another_configuration)
