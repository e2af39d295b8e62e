/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_dump.c - what goes into a dump comes out, without the disk and the
 * environment; nothing that is cut, changed or too large does. */
/* tags: asan */
/* ldflags: -Wl,--wrap=pread,--wrap=write,--wrap=fstat,--wrap=malloc */
/* ldflags: -Wl,--wrap=calloc,--wrap=open_memstream,--wrap=fclose */
/* ldflags: -Wl,--wrap=sha256_of */
#include "conf/bundle_dump.h"
#include "conf/bundle_load.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/sha256.h"
#include "conf/bundle_image.h"
#include "conf/bundle_remark.h"
#include "help.h"
#include "os/file.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define HEAD_LEN 56u
#define BODY_LEN_AT 16u
#define SHA256_AT 24u

/* ---- failures -------------------------------------------------------------*/

/* Each is the number of calls that succeed before one fails; -1: all do. */
static int preads = -1, writes = -1, fstats = -1, mallocs = -1, callocs = -1;
static int streams = -1, closes = -1;
static int malloc_again; /* how often it fails once more: arenas try twice */

static int
fails(int *left)
{
    errno = EIO;
    return *left >= 0 && (*left)-- == 0;
}

ssize_t __real_pread(int fd, void *p, size_t n, off_t offset);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t offset);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
FILE *__real_open_memstream(char **p, size_t *n);
FILE *__wrap_open_memstream(char **p, size_t *n);
int __real_fclose(FILE *f);
int __wrap_fclose(FILE *f);

ssize_t
__wrap_pread(int fd, void *p, size_t n, off_t offset)
{
    return fails(&preads) ? -1 : __real_pread(fd, p, n, offset);
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
    return fails(&writes) ? -1 : __real_write(fd, p, n);
}

int
__wrap_fstat(int fd, struct stat *st)
{
    return fails(&fstats) ? -1 : __real_fstat(fd, st);
}

void *
__wrap_malloc(size_t n)
{
    if (mallocs == 0 && malloc_again > 0) {
        malloc_again--;
        return NULL;
    }
    return fails(&mallocs) ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return fails(&callocs) ? NULL : __real_calloc(n, size);
}

FILE *
__wrap_open_memstream(char **p, size_t *n)
{
    return fails(&streams) ? NULL : __real_open_memstream(p, n);
}

int
__wrap_fclose(FILE *f)
{
    int rc = __real_fclose(f);

    return fails(&closes) ? EOF : rc;
}

/* Of a lot of bytes any hash will do: the right one takes seconds. */
void __real_sha256_of(const void *p, size_t n, uint8_t out[SHA256_LEN]);
void __wrap_sha256_of(const void *p, size_t n, uint8_t out[SHA256_LEN]);

void
__wrap_sha256_of(const void *p, size_t n, uint8_t out[SHA256_LEN])
{
    __real_sha256_of(p, n < 1u << 20 ? n : 1u << 20, out);
}

/* ---- dumps ----------------------------------------------------------------*/

static char *env[] = {"ETUDE_ENV=live", "ETUDE_WORKERS=3",
                      "NAME=value",     "RUNTIME_DIRECTORY=/run/x:/run/y",
                      "UNUSED=x",       NULL};

/* Everything a bundle may have in it, in a folder of its own. */
static struct bundle *
fill(struct diag *d)
{
    static const char image[] = "image";
    struct bundle_image like = {.path = "/m/a.so", .fd = -1, .n = 5};
    struct bundle *b;
    char why[256];

    help_enter();
    fixture_file("a.ini", "[server]\ninclude = conf.d/*.ini\n"
                          "pid_file = ${NAME}.pid\n"
                          "[plugin a]\nsecret = ${file:key}\n"
                          "missing = ${file:none}\nunset = ${NOT_SET}\n");
    fixture_file("conf.d/b.ini", "[plugin b]\nmodule = x/b.so\n");
    fixture_file("a.live.ini", "[server]\nlog = log\n");
    fixture_file("key", "s3cret\n");
    b = bundle_from_files("a.ini", env, d);
    ck_assert_ptr_nonnull(b);
    sha256_of(image, 5, like.sha256);
    like.source = (struct file_id){1, 2, 5, -4, 5};
    ck_assert_ptr_nonnull(bundle_image_add(b, &like, image, why, sizeof why));
    like.path = "/m/b.so";
    like.n = 0;
    sha256_of("", 0, like.sha256);
    ck_assert_ptr_nonnull(bundle_image_add(b, &like, "", why, sizeof why));
    return b;
}

struct bytes {
    char *p;
    size_t n;
};

static int
file_of(const void *p, size_t n)
{
    int fd = memfd_create("dump", MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(file_write_fd(fd, p, n), 0);
    return fd;
}

static struct bytes
dump(const struct bundle *b)
{
    int fd = file_of("", 0);
    struct bytes out;

    ck_assert_int_eq(bundle_dump_write(b, fd), 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(file_read_fd(fd, 1 << 24, &out.p, &out.n), 0);
    close(fd);
    return out;
}

/* The bundle of these bytes, or NULL and the only message in said. */
static struct bundle *
undump(const void *p, size_t n, char said[512])
{
    int fd = file_of(p, n);
    struct bundle *b;
    struct diag d;

    diag_init(&d);
    b = bundle_load(fd, &d);
    close(fd);
    ck_assert_uint_eq(d.n_errors, b ? 0 : 1);
    if (said)
        snprintf(said, 512, "%s", d.first ? d.first->text : "");
    diag_fini(&d);
    return b;
}

/* After a change of the body: the hash that goes with it. */
static void
rehash(struct bytes *b)
{
    uint64_t n;

    memcpy(&n, b->p + BODY_LEN_AT, sizeof n); /* this machine's order */
    sha256_of(b->p + HEAD_LEN, n, (uint8_t *)b->p + SHA256_AT);
}

static struct bytes
filled(void)
{
    struct bundle *b;
    struct bytes out;
    struct diag d;

    diag_init(&d);
    b = fill(&d);
    help_expect(&d, "");
    out = dump(b);
    bundle_free(b);
    diag_fini(&d);
    help_leave();
    return out;
}

static void
same_var(const struct var *a, const struct var *b)
{
    ck_assert(str_eq(a->name, b->name));
    ck_assert(str_eq(a->value, b->value));
    ck_assert_int_eq(a->value.p == NULL, b->value.p == NULL);
    ck_assert_int_eq(a->is_secret, b->is_secret);
    ck_assert_int_eq(a->why == NULL, b->why == NULL);
    if (a->why)
        ck_assert_str_eq(a->why, b->why);
}

static void
same_image(const struct bundle_image *a, const struct bundle_image *b)
{
    char *p, *q;

    ck_assert_str_eq(a->path, b->path);
    ck_assert_uint_eq(a->n, b->n);
    ck_assert_mem_eq(a->sha256, b->sha256, SHA256_LEN);
    ck_assert(file_id_equal(&a->source, &b->source));
    ck_assert_int_eq(bundle_image_load(a, &p), 0);
    ck_assert_int_eq(bundle_image_load(b, &q), 0);
    ck_assert_mem_eq(p, q, a->n);
    free(p);
    free(q);
}

static void
same(const struct bundle *a, const struct bundle *b)
{
    const struct bundle_image *i = a->images, *k = b->images;

    ck_assert_str_eq(a->cwd, b->cwd);
    ck_assert_str_eq(a->modules, b->modules);
    ck_assert_uint_eq(a->n_files, b->n_files);
    for (size_t n = 0; n < a->n_files; n++) {
        ck_assert_str_eq(a->files[n].name, b->files[n].name);
        ck_assert_str_eq(a->files[n].dir, b->files[n].dir);
        ck_assert(str_eq(a->files[n].text, b->files[n].text));
        ck_assert_int_eq(a->files[n].layer, b->files[n].layer);
        ck_assert(file_id_equal(&a->files[n].id, &b->files[n].id));
    }
    ck_assert_uint_eq(a->bytes, b->bytes);
    ck_assert_uint_eq(a->vars.n, b->vars.n);
    for (size_t n = 0; n < a->vars.n; n++)
        same_var(&a->vars.v[n], &b->vars.v[n]);
    ck_assert_uint_eq(a->n_images, b->n_images);
    ck_assert_uint_eq(a->image_bytes, b->image_bytes);
    for (; i && k; i = i->next, k = k->next)
        same_image(i, k);
    ck_assert(!i && !k);
}

/* ---- there and back -------------------------------------------------------*/

START_TEST(everything_comes_back)
{
    struct bytes first, second;
    struct bundle *b, *back;
    struct diag d;

    diag_init(&d);
    b = fill(&d);
    ck_assert_uint_eq(b->n_files, 3);
    first = dump(b);
    back = undump(first.p, first.n, NULL);
    ck_assert_ptr_nonnull(back);
    ck_assert(back->is_closed && !b->is_closed);
    same(b, back);
    ck_assert_str_eq(bundle_env(back, "ETUDE_ENV"), "live");
    ck_assert_ptr_null(bundle_env(back, "UNUSED"));
    second = dump(back);
    ck_assert_uint_eq(first.n, second.n);
    ck_assert_mem_eq(first.p, second.p, first.n);
    free(first.p);
    free(second.p);
    bundle_free(b);
    bundle_free(back);
    diag_fini(&d);
    help_leave();
}
END_TEST

START_TEST(the_smallest_bundle)
{
    struct diag d;
    struct bundle *b, *back;
    struct bytes bytes;

    diag_init(&d);
    b = help_bundle("", NULL, &d);
    bytes = dump(b);
    back = undump(bytes.p, bytes.n, NULL);
    ck_assert_ptr_nonnull(back);
    same(b, back);
    bundle_free(b);
    bundle_free(back);
    free(bytes.p);
    diag_fini(&d);
}
END_TEST

/* They come back in their order, and a dump of what was told has none. */
START_TEST(what_was_wrong_travels_once)
{
    struct place at = {"a.ini", 3};
    struct diag d, told;
    struct bundle *b, *back;
    struct bytes with, without;

    diag_init(&d);
    diag_init(&told);
    b = help_bundle("", NULL, &d);
    without = dump(b);
    diag_error(&d, &at, "no include");
    diag_warn(&d, NULL, "no overlay");
    diag_note(&d, NULL, "by the way");
    ck_assert_int_eq(bundle_remark_keep(b, &d), 0);
    with = dump(b);
    ck_assert_mem_eq(with.p, "etbundle\2\0\0\0\0\0\0\0", 16);
    back = undump(with.p, with.n, NULL);
    ck_assert_ptr_nonnull(back);
    bundle_remark_tell(back, &told);
    help_expect(&told, "a.ini:3: no include\nwarning: no overlay\n"
                       "note: by the way\n");
    ck_assert_uint_eq(told.n_errors, 1);
    free(with.p);
    with = dump(back);
    ck_assert_uint_eq(with.n, without.n);
    ck_assert_mem_eq(with.p, without.p, with.n);
    free(with.p);
    free(without.p);
    bundle_free(b);
    bundle_free(back);
    diag_fini(&told);
    diag_fini(&d);
}
END_TEST

/* A bundle without a text is one only if it says why. */
START_TEST(nothing_has_a_reason)
{
    struct bundle *b = bundle_of_nothing(), *back;
    struct bytes bytes;
    char said[512];

    ck_assert_ptr_nonnull(b);
    bytes = dump(b);
    ck_assert_ptr_null(undump(bytes.p, bytes.n, said));
    ck_assert_str_eq(said, "bundle: is damaged: its texts");
    free(bytes.p);
    ck_assert_int_eq(bundle_remark_add(b, DIAG_WARNING, "almost"), 0);
    bytes = dump(b);
    ck_assert_ptr_null(undump(bytes.p, bytes.n, said));
    free(bytes.p);
    ck_assert_int_eq(bundle_remark_add(b, DIAG_ERROR, "no file"), 0);
    bytes = dump(b);
    back = undump(bytes.p, bytes.n, said);
    ck_assert_ptr_nonnull(back);
    ck_assert_uint_eq(back->n_files, 0);
    ck_assert(bundle_remark_has_error(back));
    free(bytes.p);
    bundle_free(b);
    bundle_free(back);
}
END_TEST

START_TEST(a_dump_says_what_it_is)
{
    struct bytes b = filled();

    ck_assert_mem_eq(b.p, "etbundle\1\0\0\0\0\0\0\0", 16);
    free(b.p);
}
END_TEST

START_TEST(where_the_descriptor_stands_is_no_matter)
{
    struct bytes bytes = filled();
    int fd = file_of(bytes.p, bytes.n);
    struct bundle *b;
    struct diag d;

    diag_init(&d);
    b = bundle_load(fd, &d);
    ck_assert_ptr_nonnull(b);
    ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), (off_t)bytes.n);
    bundle_free(b);
    close(fd);
    free(bytes.p);
    diag_fini(&d);
}
END_TEST

/* What a parse finds, as text. */
static void
describe(const struct bundle *b, char *out, size_t cap)
{
    struct conf *c;
    struct diag d;

    diag_init(&d);
    c = conf_parse_some(b, &d);
    ck_assert_ptr_nonnull(c);
    snprintf(out, cap, "%lld %s %s %s %s|%s %s|%s|%s",
             (long long)c->server.workers, c->server.pid_file.p,
             c->server.log.p, c->server.runtime_dir.p, c->server.modules.p,
             c->plugins[0].module.p, c->plugins[1].module.p,
             c->plugins[0].options.v[0].value.p, help_messages(&d));
    conf_free(c);
    diag_fini(&d);
}

/* From here on, whoever asks the disk for a name dies. */
static void
forbid_names(void)
{
#define DIE(call)                                                              \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),                           \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        DIE(SYS_openat),
        DIE(SYS_newfstatat),
        DIE(SYS_statx),
        DIE(SYS_faccessat),
        DIE(SYS_readlinkat),
        DIE(SYS_getcwd),
#ifdef SYS_open
        DIE(SYS_open),
        DIE(SYS_stat),
        DIE(SYS_lstat),
        DIE(SYS_access),
        DIE(SYS_readlink),
#endif
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {ARRAY_LEN(code), code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(3);
}

START_TEST(a_parse_asks_neither_disk_nor_environment)
{
    char before[4096], after[4096];
    struct bytes bytes;
    struct bundle *b;
    struct diag d;
    int status;
    pid_t pid;

    diag_init(&d);
    b = fill(&d);
    describe(b, before, sizeof before);
    ck_assert_ptr_nonnull(strstr(before, "|s3cret|"));
    ck_assert_ptr_nonnull(strstr(before, "/value.pid "));
    ck_assert_ptr_nonnull(strstr(before, "3 "));
    bytes = dump(b);
    bundle_free(b);
    help_leave(); /* it is all gone, and so is the working directory */
    for (size_t i = 0; env[i]; i++)
        env[i] = "ETUDE_WORKERS=9";
    ck_assert_int_eq(setenv("ETUDE_WORKERS", "9", 1), 0);
    ck_assert_int_eq(unsetenv("NAME"), 0);
    b = undump(bytes.p, bytes.n, NULL);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        forbid_names();
        describe(b, after, sizeof after);
        _exit(strcmp(before, after) != 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    bundle_free(b);
    free(bytes.p);
    diag_fini(&d);
}
END_TEST

/* ---- what is refused ------------------------------------------------------*/

START_TEST(no_part_is_a_whole)
{
    struct bytes b = filled();
    char said[512];

    for (size_t n = 0; n < b.n; n++) {
        ck_assert_ptr_null(undump(b.p, n, said));
        ck_assert_msg(strstr(said, "bundle: is cut short: ends after ") == said,
                      "%zu: %s", n, said);
    }
    b.p = realloc(b.p, b.n + 1);
    b.p[b.n] = '\0';
    ck_assert_ptr_null(undump(b.p, b.n + 1, said));
    ck_assert_str_eq(said, "bundle: is damaged: there are bytes behind its "
                           "end");
    free(b.p);
}
END_TEST

START_TEST(no_flipped_bit_passes)
{
    struct bytes b = filled();
    char said[512];

    for (size_t bit = 0; bit < 8 * b.n; bit++) {
        b.p[bit / 8] = (char)(b.p[bit / 8] ^ (1 << bit % 8));
        ck_assert_msg(undump(b.p, b.n, said) == NULL, "bit %zu", bit);
        b.p[bit / 8] = (char)(b.p[bit / 8] ^ (1 << bit % 8));
    }
    bundle_free(undump(b.p, b.n, said));
    ck_assert_str_eq(said, "");
    free(b.p);
}
END_TEST

/* The message about a dump with n bytes at `at` replaced, hashed anew. */
static const char *
after_change(size_t at, const char *bytes, size_t n)
{
    static char said[512];
    struct bytes b = filled();

    ck_assert_uint_le(at + n, b.n);
    memcpy(b.p + at, bytes, n);
    if (at >= HEAD_LEN)
        rehash(&b);
    bundle_free(undump(b.p, b.n, said));
    free(b.p);
    return said;
}

/* Where n bytes like text stand. */
static size_t
place_of(const char *text, size_t n)
{
    struct bytes b = filled();
    const char *p = memmem(b.p, b.n, text, n);
    size_t at = (size_t)(p - b.p);

    ck_assert_ptr_nonnull(p);
    free(b.p);
    return at;
}

#define AT(text) place_of(text, sizeof(text) - 1)
#define CHANGED(at, bytes) after_change(at, bytes, sizeof(bytes) - 1)

START_TEST(what_is_no_dump_of_this_version)
{
    char said[512], zeros[HEAD_LEN] = "";

    ck_assert_ptr_null(undump(zeros, sizeof zeros, said));
    ck_assert_str_eq(said,
                     "bundle: is none: it does not begin with \"etbundle\"");
    ck_assert_str_eq(CHANGED(8, "\5"), "bundle: is of version 5; this server "
                                       "reads up to version 4");
    ck_assert_str_eq(CHANGED(8, "\0"), "bundle: is of version 0; this server "
                                       "reads up to version 4");
    ck_assert_str_eq(CHANGED(8, "\2"), "bundle: is damaged: its texts");
    ck_assert_str_eq(CHANGED(8, "\3"), "bundle: is damaged: its texts");
    ck_assert_str_eq(CHANGED(12, "\1"), "bundle: is damaged: its head");
    ck_assert_str_eq(CHANGED(24, "damaged!"),
                     "bundle: is damaged: its texts are not those of its hash");
}
END_TEST

/* A walk over lengths and counts that lie, under a hash that does not. */
START_TEST(each_length_is_checked)
{
    static const char texts[] = "bundle: is damaged: its texts";
    static const char list[] = "bundle: is damaged: its list of images";
    static const char cut[] = "bundle: is cut short: ends after ";
    size_t path = AT("/m/a.so"), file = AT("a.ini");

    ck_assert_ptr_nonnull(strstr(CHANGED(BODY_LEN_AT + 3, "\x10"),
                                 "bundle: is too large: 26843"));
    ck_assert_ptr_nonnull(strstr(CHANGED(BODY_LEN_AT + 2, "\1"), cut));
    ck_assert_str_eq(CHANGED(HEAD_LEN, "\xff\xff\xff\xff"), texts);
    ck_assert_str_eq(CHANGED(HEAD_LEN + 4, "x"), texts);    /* cwd: relative */
    ck_assert_str_eq(CHANGED(file - 8, "\0\0\0\0"), texts); /* no file */
    ck_assert_str_eq(CHANGED(file - 8, "\1\x10\0\0"), texts); /* 4097 */
    ck_assert_str_eq(CHANGED(file + 1, "\0"), texts); /* a NUL in a name */
    ck_assert_str_eq(CHANGED(file + 5, "x"), texts);  /* none after it */
    ck_assert_str_eq(CHANGED(path - 8, "\xff\xff\xff\x7f"), list);
    ck_assert_str_eq(CHANGED(path - 8, "\0\0\0\0"), list); /* bytes left */
    ck_assert_str_eq(CHANGED(path, "m"), list);
    ck_assert_str_eq(CHANGED(path + 8, "\x04"),
                     "bundle: is damaged: /m/a.so is not that of its hash");
    ck_assert_str_eq(CHANGED(path + 12, "\x01"), "bundle: /m/a.so is too "
                                                 "large");
    ck_assert_ptr_nonnull(strstr(CHANGED(path + 9, "\x01"), cut));
}
END_TEST

START_TEST(what_cannot_be_in_a_bundle)
{
    static const char texts[] = "bundle: is damaged: its texts";
    static const char overlay[] = "[server]\nlog = log\n";
    static const char secret[] = "s3cret";
    size_t layer = AT(overlay) + sizeof overlay;
    size_t flags = AT(secret) + sizeof secret + 5;

    ck_assert_str_eq(CHANGED(layer, "\2"), texts);
    ck_assert_str_eq(CHANGED(layer, "\0"), ""); /* not an overlay */
    ck_assert_str_eq(CHANGED(AT("[plugin b]") + 28, "\1"), "");
    ck_assert_str_eq(CHANGED(AT("unset = ${NOT_SET}") + 20, "\1"), texts);
    ck_assert_str_eq(CHANGED(flags, "\x0d"), texts);
    ck_assert_str_eq(CHANGED(flags, "\x04"), texts); /* a value, but none */
    ck_assert_str_eq(CHANGED(flags, "\x01"), "");
    ck_assert_str_eq(CHANGED(AT("No such file") + 26, "\x04"), texts);
}
END_TEST

START_TEST(two_images_of_one_path)
{
    struct bytes b = filled();
    char said[512];
    char *p = memmem(b.p, b.n, "/m/b.so", 7);

    p[3] = 'a';
    rehash(&b);
    ck_assert_ptr_null(undump(b.p, b.n, said));
    ck_assert_str_eq(said, "bundle: /m/a.so is in the bundle already");
    free(b.p);
}
END_TEST

START_TEST(texts_beyond_the_bound)
{
    size_t n = BUNDLE_DUMP_MAX_BODY / 2;
    int fd = file_of("", 0);
    struct bundle *b = bundle_new();
    char *text = calloc(1, n);

    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_nonnull(text);
    b->cwd = b->modules = "/";
    for (int i = 0; i < 2; i++) {
        struct bundle_file f = {.name = "a", .dir = "/", .text = {text, n}};
        ck_assert_int_eq(bundle_add_file(b, &f), 0);
    }
    ck_assert_int_eq(bundle_dump_write(b, fd), -EFBIG);
    b->n_files = 1;
    b->files[0].text.n = BUNDLE_MAX_BYTES + 1; /* fits, but no bundle has it */
    free(text);
    text = calloc(1, BUNDLE_MAX_BYTES + 1);
    ck_assert_ptr_nonnull(text);
    b->files[0].text.p = text;
    ck_assert_int_eq(bundle_dump_write(b, fd), 0);
    bundle_free(b);
    free(text);
    {
        struct diag d;
        diag_init(&d);
        ck_assert_ptr_null(bundle_load(fd, &d));
        help_expect(&d, "bundle: is damaged: its texts\n");
        diag_fini(&d);
    }
    close(fd);
}
END_TEST

/* ---- what the system refuses ----------------------------------------------*/

START_TEST(each_failure_of_writing_is_returned)
{
    struct bundle *b;
    struct diag d;
    int fd, n, rc = -1;

    diag_init(&d);
    b = fill(&d);
    fd = file_of("", 0);
    for (n = 0; rc < 0; n++) {
        writes = n;
        rc = bundle_dump_write(b, fd);
        ck_assert(rc == 0 || rc == -EIO);
    }
    writes = -1;
    ck_assert_int_eq(n, 4); /* head, body, image; the empty one needs none */
    preads = 0;
    ck_assert_int_eq(bundle_dump_write(b, fd), -EIO);
    streams = 0;
    ck_assert_int_eq(bundle_dump_write(b, fd), -ENOMEM);
    closes = 0;
    ck_assert_int_eq(bundle_dump_write(b, fd), -ENOMEM);
    ck_assert_int_eq(bundle_dump_write(b, -1), -EBADF);
    close(fd);
    bundle_free(b);
    diag_fini(&d);
    help_leave();
}
END_TEST

/* The message of a read in which one counter runs out after n calls. */
static const char *
read_failing(const struct bytes *bytes, int *counter, int n)
{
    static char said[512];
    int fd = file_of(bytes->p, bytes->n);
    struct bundle *b;
    struct diag d;

    diag_init(&d);
    *counter = n;
    b = bundle_load(fd, &d);
    *counter = -1;
    close(fd);
    ck_assert_int_eq(b == NULL, d.n_errors == 1);
    snprintf(said, sizeof said, "%s", d.first ? d.first->text : "");
    bundle_free(b);
    diag_fini(&d);
    return said;
}

/* A dump whose body fills more than a block of the arena. */
static struct bytes
large(void)
{
    char text[70000];
    struct bundle *b;
    struct bytes out;
    struct diag d;

    memset(text, ';', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    diag_init(&d);
    b = help_bundle(text, NULL, &d);
    ck_assert_ptr_nonnull(b);
    out = dump(b);
    bundle_free(b);
    diag_fini(&d);
    return out;
}

START_TEST(each_failure_of_reading_is_said)
{
    static const char io[] = "bundle: cannot be read: Input/output error";
    static const char memory[] = "bundle: out of memory";
    struct bytes b = filled();
    int n;

    ck_assert_str_eq(read_failing(&b, &fstats, 0), io);
    for (n = 0; n < 3; n++) /* head, body, image */
        ck_assert_str_eq(read_failing(&b, &preads, n), io);
    ck_assert_str_eq(read_failing(&b, &preads, n), "");
    ck_assert_str_eq(read_failing(&b, &callocs, 0), memory);
    ck_assert_str_eq(read_failing(&b, &mallocs, 0), ""); /* a smaller block */
    malloc_again = 1;
    ck_assert_str_eq(read_failing(&b, &mallocs, 0), memory);
    ck_assert_str_eq(read_failing(&b, &mallocs, 1), memory); /* an image */
    free(b.p);
    b = large();
    ck_assert_str_eq(read_failing(&b, &mallocs, 2), "");
    malloc_again = 1;
    ck_assert_str_eq(read_failing(&b, &mallocs, 1), memory); /* its files */
    free(b.p);
}
END_TEST

START_TEST(a_pipe_is_no_dump)
{
    struct diag d;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    diag_init(&d);
    ck_assert_ptr_null(bundle_load(fds[0], &d));
    help_expect(&d, "bundle: is cut short: ends after 0 bytes\n");
    diag_fini(&d);
}
END_TEST

UNIT_MAIN(bundle_dump, everything_comes_back, the_smallest_bundle,
          what_was_wrong_travels_once, nothing_has_a_reason,
          a_dump_says_what_it_is, where_the_descriptor_stands_is_no_matter,
          a_parse_asks_neither_disk_nor_environment, no_part_is_a_whole,
          no_flipped_bit_passes, what_is_no_dump_of_this_version,
          each_length_is_checked, what_cannot_be_in_a_bundle,
          two_images_of_one_path, texts_beyond_the_bound,
          each_failure_of_writing_is_returned, each_failure_of_reading_is_said,
          a_pipe_is_no_dump)
