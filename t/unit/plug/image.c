/* SPDX-License-Identifier: BSD-2-Clause */
/* image.c - a build comes, is replaced in every way people replace files, and
 * goes; what is refused never runs; what the machine forbids is worked
 * around. */
/* tags: asan */
#include "plug/image.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/err.h"
#include "conf/bundle.h"
#include "conf/bundle_image.h"
#include "plug/elf.h"
#include "t/lib/fixture.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static struct image_set set;
static struct image_set former; /* of the process before this one */
static struct image_rules rules;
static struct diag diag;
static unsigned n_builds;

static void
setup(void)
{
    fixture_setup();
    image_set_init(&set);
    diag_init(&diag);
}

static void
teardown(void)
{
    diag_fini(&diag);
    fixture_teardown();
}

static const char *
last_message(void)
{
    const struct diag_item *i = diag.first;

    while (i != NULL && i->next != NULL)
        i = i->next;
    return i != NULL ? i->text : "";
}

static const char *
build(const char *name, const char *flags)
{
    const char *path = fixture_build("raw.c", name, flags);

    ck_assert_ptr_nonnull(path);
    return path;
}

/* The same code under another hash: a byte more at the end of the file. */
static void
vary(const char *path)
{
    char c = (char)++n_builds;
    int fd = open(path, O_WRONLY | O_APPEND);

    ck_assert_int_eq(file_write_fd(fd, &c, 1), 0);
    close(fd);
}

/* Stage it, read from the disk now. */
static int
stage(const char *path, struct image **out)
{
    int rc;

    rules.bundle = bundle_new();
    ck_assert_ptr_nonnull(rules.bundle);
    rc = image_stage(&set, &rules, path, NULL, &diag, out);
    bundle_free(rules.bundle);
    return rc;
}

static struct image *
staged(const char *path)
{
    struct image *img;
    int rc = stage(path, &img);

    ck_assert_msg(rc == 0, "%s", last_message());
    return img;
}

static struct image *
loaded(const char *path)
{
    struct image *img = staged(path);

    ck_assert_msg(image_open(img, NULL, &diag) == 0, "%s", last_message());
    return img;
}

static void
refused(const char *path, const char *text)
{
    struct image *img;

    diag_fini(&diag);
    diag_init(&diag);
    ck_assert_int_lt(stage(path, &img), 0);
    ck_assert_ptr_null(img);
    ck_assert_uint_eq(diag.n_errors, 1);
    ck_assert_msg(strstr(last_message(), text) != NULL, "%s", last_message());
    ck_assert_ptr_nonnull(strstr(last_message(), path));
}

/* Run the handler: ANSWER plus how often it was called. */
static uint32_t
ask(const struct image *img)
{
    const void *const *it = img->descriptor->items;

    for (; it < img->descriptor->items_end; it++) {
        const et_stepdef *step = *it;

        if (step->it.kind == ET_I_HANDLER)
            return step->fn(NULL, NULL);
    }
    return 0;
}

/* ---- builds replace each other --------------------------------------------*/

START_TEST(an_image_is_staged_opened_and_described)
{
    struct image *img = staged(build("a.so", ""));

    ck_assert_ptr_null(img->descriptor);
    ck_assert_str_eq(img->note.id, "org.example.raw");
    ck_assert_uint_eq(strlen(img->hash_hex), 64);
    ck_assert_uint_eq(strlen(img->build_id), 40);
    ck_assert_str_eq(img->name, "a.so");
    ck_assert_uint_eq(set.n_live, 1);
    ck_assert_uint_eq(set.n_mapped, 0);
    ck_assert_int_eq(image_open(img, NULL, &diag), 0);
    ck_assert_int_eq(image_open(img, NULL, &diag), 0);
    ck_assert_uint_eq(set.n_mapped, 1);
    ck_assert_uint_eq(ask(img), 101);
    ck_assert_uint_eq(diag.n_errors + diag.n_warnings, 0);
}
END_TEST

START_TEST(an_image_that_was_only_staged_leaves_nothing)
{
    struct image *img = staged(build("a.so", ""));
    int fd = img->copy.fd;

    image_unref(img);
    ck_assert_uint_eq(set.n_live, 0);
    ck_assert_uint_eq(set.n_retired, 0);
    ck_assert_ptr_null(set.first);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

/* Every way to put a new build where the old one stands. */
START_TEST(each_way_to_replace_the_file_gives_the_new_code)
{
    static const char *const ways[] = {
        "cp b.so new && mv new live.so",
        "cp c.so live.so",
        "install b.so live.so",
        "cp --remove-destination c.so live.so",
        "ln -f b.so live.so",
        "cp c.so tmp.so && rm live.so && cp tmp.so live.so",
    };
    const char *live = fixture_path("live.so");
    char command[PATH_MAX];

    build("b.so", "-DANSWER=200u");
    build("c.so", "-DANSWER=300u");
    build("live.so", "-DANSWER=100u");
    ck_assert_uint_eq(ask(loaded(live)), 101);
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct image *img;

        snprintf(command, sizeof command, "cd %s && %s", fixture_dir, ways[i]);
        ck_assert_int_eq(fixture_run(command), 0);
        img = loaded(live);
        ck_assert_uint_eq(ask(img) / 100, i % 2 == 0 ? 2 : 3);
    }
    ck_assert_uint_eq(set.n_mapped, 3); /* equal bytes are one image */
}
END_TEST

START_TEST(a_compiler_may_write_the_file)
{
    struct image *a = loaded(build("live.so", "-DANSWER=100u")), *b;

    b = loaded(build("live.so", "-DANSWER=200u"));
    ck_assert_uint_eq(ask(a), 101);
    ck_assert_uint_eq(ask(b), 201);
}
END_TEST

START_TEST(a_descriptor_number_used_again_does_not_bring_old_code_back)
{
    const char *paths[3];
    int fd = -1;

    paths[0] = build("a.so", "-DANSWER=100u -DNOTE_FLAGS=1");
    paths[1] = build("b.so", "-DANSWER=200u -DNOTE_FLAGS=1");
    paths[2] = build("c.so", "-DANSWER=300u -DNOTE_FLAGS=1");
    for (unsigned i = 0; i < 30; i++) {
        struct image *img = loaded(paths[i % 3]);

        ck_assert(fd < 0 || img->copy.fd == fd);
        fd = img->copy.fd;
        ck_assert_uint_eq(ask(img), 100 * (i % 3 + 1) + 1);
        image_unref(img);
        ck_assert_uint_eq(set.n_mapped, 0);
        ck_assert_ptr_null(set.first);
    }
}
END_TEST

START_TEST(overwriting_the_file_does_not_touch_what_runs)
{
    const char *path = build("a.so", "");
    struct image *img = loaded(path);

    for (unsigned i = 0; i < 100; i++) {
        int fd = open(path, O_WRONLY | (i % 2 ? O_TRUNC : 0));

        ck_assert_int_eq(file_write_fd(fd, "garbage", 7), 0);
        close(fd);
        ck_assert_uint_eq(ask(img), 101 + i);
    }
}
END_TEST

START_TEST(a_touched_file_is_the_same_image)
{
    const char *path = build("a.so", "");
    struct image *img = loaded(path);

    for (unsigned i = 0; i < 100; i++) {
        ck_assert_int_eq(utimensat(AT_FDCWD, path, NULL, 0), 0);
        ck_assert_ptr_eq(loaded(path), img);
    }
    ck_assert_uint_eq(img->n_refs, 101);
    ck_assert_uint_eq(set.n_mapped, 1);
    ck_assert_uint_eq(set.n_live, 1);
}
END_TEST

START_TEST(generations_do_not_share_a_global)
{
    struct image *a = loaded(build("a.so", "-DANSWER=100u"));
    struct image *b = loaded(build("b.so", "-DANSWER=200u"));

    for (unsigned i = 1; i < 10; i++) {
        ck_assert_uint_eq(ask(a), 100 + i);
        ck_assert_uint_eq(ask(b), 200 + i);
    }
}
END_TEST

/* Its own functions, whatever they are called: the program exports nothing.
 * What a library exports is warned of (vet) unless the plugin hides it. */
START_TEST(a_plugin_calls_its_own_functions)
{
    static const char *const flags[] = {
        "-DOWN_NAME=image_stage",
        "-DOWN_NAME=diag_init",
        "-DOWN_NAME=main",
        "-DOWN_NAME=ini_parse -fvisibility=hidden",
        "-DOWN_NAME=malloc -fvisibility=hidden",
        "-DOWN_NAME=hdestroy -Wl,-Bsymbolic",
    };
    char line[128];

    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        snprintf(line, sizeof line, "-fno-builtin %s", flags[i]);
        ck_assert_uint_eq(ask(loaded(build("a.so", line))), 4811);
    }
    ck_assert_uint_eq(diag.n_warnings, 0);
}
END_TEST

START_TEST(a_link_swapped_after_staging_changes_nothing)
{
    const char *link = fixture_path("link.so");
    struct image *img;

    ck_assert_int_eq(symlink(build("a.so", "-DANSWER=100u"), link), 0);
    img = staged(link);
    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(symlink(build("b.so", "-DANSWER=200u"), link), 0);
    ck_assert_int_eq(image_open(img, NULL, &diag), 0);
    ck_assert_uint_eq(ask(img), 101);
}
END_TEST

/* ---- what goes ------------------------------------------------------------*/

START_TEST(a_retired_image_stays_mapped)
{
    struct image *img = loaded(build("a.so", ""));
    const et_plugin *desc = img->descriptor;

    image_unref(img);
    ck_assert_uint_eq(set.n_live, 0);
    ck_assert_uint_eq(set.n_retired, 1);
    ck_assert_uint_eq(set.n_mapped, 1);
    ck_assert_str_eq(desc->id, "org.example.raw"); /* still readable */
    image_set_fini(&set);
}
END_TEST

START_TEST(a_retired_image_is_revived_by_its_own_bytes)
{
    const char *path = build("a.so", "");
    struct image *first = loaded(path);

    for (unsigned i = 0; i < 50; i++) {
        image_unref(first);
        ck_assert_ptr_eq(loaded(path), first);
        ck_assert_uint_eq(ask(first), 101 + i);
    }
    ck_assert_uint_eq(set.n_mapped, 1);
    ck_assert_uint_eq(set.n_retired, 0);
    ck_assert_uint_eq(set.n_live, 1);
}
END_TEST

START_TEST(what_the_loader_keeps_counts_as_mapped)
{
    const char *path = build("a.so", "-DNOTE_FLAGS=1 -Wl,-z,nodelete");
    struct image *img = loaded(path), *again;
    void *other;

    image_unref(img);
    ck_assert_uint_eq(set.n_retired, 1);
    path = build("b.so", "-DNOTE_FLAGS=1 -DANSWER=200u");
    img = loaded(path);
    other = dlopen(img->copy.load_path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_ptr_nonnull(other);
    image_unref(img); /* allowed to go, but somebody else holds it */
    ck_assert_uint_eq(set.n_mapped, 2);
    ck_assert_uint_eq(set.n_retired, 2);
    again = loaded(path);
    ck_assert_ptr_eq(again, img);
    ck_assert_uint_eq(ask(again), 201);
    ck_assert_uint_eq(set.n_mapped, 2);
    dlclose(other);
    image_unref(again);
    ck_assert_uint_eq(set.n_mapped, 1);
}
END_TEST

START_TEST(a_cxx_plugin_with_unique_symbols_is_never_unmapped)
{
    struct image *img, *first;
    const char *path;

    if (fixture_run("c++ --version >/dev/null 2>&1") != 0)
        return;
    setenv("CC", "c++", 1);
    path = fixture_build("unique.cc", "u.so", "");
    ck_assert_ptr_nonnull(path);
    img = loaded(path);
    if (img->n_unique == 0)
        return;
    image_unref(img);
    ck_assert_uint_eq(set.n_retired, 1);
    ck_assert_uint_eq(set.n_mapped, 1);
    vary(path); /* the trap: another build goes on with the first one's */
    first = loaded(path);
    ck_assert_uint_eq(ask(first), 1);
    vary(path);
    img = loaded(path);
    ck_assert_uint_eq(ask(img), 2);
    image_unref(first);
    image_unref(img);
    ck_assert_uint_eq(set.n_mapped, 3);
}
END_TEST

/* With the flags of plugins/README.md each build begins at 0, and goes. */
START_TEST(a_cxx_plugin_without_them_starts_afresh)
{
    struct image *img;
    const char *path;

    if (fixture_run("c++ --version >/dev/null 2>&1") != 0)
        return;
    setenv("CC", "c++", 1);
    path = fixture_build("unique.cc", "v.so", "-fno-gnu-unique");
    ck_assert_ptr_nonnull(path);
    for (int i = 0; i < 3; i++) {
        vary(path);
        img = loaded(path);
        ck_assert_uint_eq(ask(img), 1);
        ck_assert_uint_eq(ask(img), 2);
        image_unref(img);
        ck_assert_uint_eq(set.n_mapped, 0);
    }
}
END_TEST

START_TEST(static_tls_runs_out_with_a_message)
{
    const char *path = build("tls.so", "-DTHREAD_LOCAL=256");
    struct image *img = loaded(path), *first = img;
    int rc = 0;

    for (int i = 0; i < 200 && rc == 0; i++) {
        vary(path);
        img = staged(path);
        rc = image_open(img, NULL, &diag);
    }
    ck_assert_int_eq(rc, ERR_INVALID);
    ck_assert_ptr_nonnull(
        strstr(last_message(), "too many builds with static TLS are held"));
    ck_assert_ptr_nonnull(
        strstr(last_message(), ". The build that is loaded keeps running"));
    ck_assert_uint_eq(ask(first), 101);
}
END_TEST

START_TEST(static_tls_of_unmapped_images_is_free_again)
{
    const char *path = build("tls.so", "-DTHREAD_LOCAL=256 -DNOTE_FLAGS=1");

    for (int i = 0; i < 100; i++) {
        vary(path);
        image_unref(loaded(path));
    }
    ck_assert_uint_eq(set.n_mapped, 0);
}
END_TEST

START_TEST(the_map_file_names_what_is_mapped)
{
    struct image *a = loaded(build("a.so", ""));
    struct image *b = loaded(build("b.so", "-DANSWER=200u"));
    const char *code = (const char *)a->descriptor;
    char name[32], line[PATH_MAX + 300], *text;
    size_t n;

    ck_assert_uint_lt(a->start, (uintptr_t)code);
    ck_assert_uint_gt(a->end, (uintptr_t)code);
    staged(build("c.so", "-DANSWER=300u"));
    image_unref(b);
    ck_assert_int_eq(image_write_map(&set, fixture_dir), 0);
    snprintf(name, sizeof name, "%ld.plugins", (long)getpid());
    ck_assert_int_eq(file_read(fixture_path(name), 10000, &text, &n), 0);
    snprintf(line, sizeof line, "%lx-%lx live org.example.raw 1.0.0 %s %s %s\n",
             (unsigned long)a->start, (unsigned long)a->end, a->build_id,
             a->hash_hex, a->path);
    ck_assert_msg(strstr(text, line) != NULL, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, " retired org.example.raw 1.0.0 "));
    ck_assert_ptr_null(strstr(text, "c.so"));
    free(text);
    ck_assert_int_eq(image_write_map(&set, fixture_dir), 0);
    ck_assert_int_eq(image_write_map(&set, fixture_path("none")), -ENOENT);
}
END_TEST

START_TEST(the_map_file_goes_with_the_set)
{
    char name[32];

    image_unref(loaded(build("a.so", "")));
    ck_assert_int_eq(image_write_map(&set, fixture_dir), 0);
    snprintf(name, sizeof name, "%ld.plugins", (long)getpid());
    ck_assert_int_eq(access(fixture_path(name), F_OK), 0);
    image_set_fini(&set);
    ck_assert_int_eq(access(fixture_path(name), F_OK), -1);
}
END_TEST

/* ---- refusals -------------------------------------------------------------*/

/* Each has a constructor that would leave a file behind. */
START_TEST(no_code_of_a_refused_image_runs)
{
    static const struct {
        const char *flags, *text;
    } rows[] = {
        {"-DNOTE_MAJOR=2", "built for plugin ABI 2.1"},
        {"-DNOTE_RC=7", "built for plugin ABI 1.1-rc7"},
        {"-DNOTE_NEED=7", "needs ABI minor 7"},
        {"-DNO_NOTE", "no .note.etude section"},
        {"-DNO_ENTRY", "does not export et_plugins_v1"},
        {"-Wl,-z,execstack", "executable"},
    };
    const char *mark = fixture_path("ran");
    char flags[PATH_MAX + 200];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(flags, sizeof flags, "%s -DCONSTRUCTOR_FILE='\"%s\"'",
                 rows[i].flags, mark);
        refused(build("bad.so", flags), rows[i].text);
    }
    snprintf(flags, sizeof flags, "-DUNDEFINED -DCONSTRUCTOR_FILE='\"%s\"'",
             mark);
    ck_assert_int_lt(image_open(staged(build("u.so", flags)), NULL, &diag), 0);
    ck_assert_int_eq(access(mark, F_OK), -1);
    snprintf(flags, sizeof flags, "-DCONSTRUCTOR_FILE='\"%s\"'", mark);
    loaded(build("good.so", flags));
    ck_assert_int_eq(access(mark, F_OK), 0);
}
END_TEST

START_TEST(what_is_no_shared_object)
{
    const char *empty = fixture_path("empty.so");
    const char *script = fixture_path("script.so");

    close(open(empty, O_CREAT | O_WRONLY, 0600));
    refused(empty, "is empty");
    ck_assert_int_eq(symlink("/bin/sh", script), 0);
    refused(script, "no .note.etude section: this is not a plugin");
    refused(fixture_dir, "is a folder, not a regular file");
    refused(fixture_path("none.so"), "cannot be opened: No such file");
}
END_TEST

START_TEST(a_half_copied_file)
{
    const char *whole = build("a.so", ""), *half = fixture_path("half.so");
    struct image *img = loaded(whole);
    size_t n, step;
    char *p;

    ck_assert_int_eq(file_read(whole, 1 << 20, &p, &n), 0);
    for (size_t len = step = 512; len < n; len += step) {
        int fd = open(half, O_CREAT | O_TRUNC | O_WRONLY, 0600);

        ck_assert_int_eq(file_write_fd(fd, p, len), 0);
        close(fd);
        refused(half, "it is truncated or still being copied");
    }
    ck_assert_int_eq(truncate(whole, 8192), 0);
    refused(whole, "file is 8192 bytes but its ");
    ck_assert_ptr_nonnull(
        strstr(last_message(), ". The build that is loaded keeps running"));
    ck_assert_uint_eq(ask(img), 101);
    free(p);
}
END_TEST

START_TEST(a_missing_function_is_named)
{
    struct image *img = staged(build("u.so", "-DUNDEFINED"));

    ck_assert_int_eq(image_open(img, NULL, &diag), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(last_message(),
                                 "u.so: undefined symbol \"jwt_decode\" - "
                                 "link it with the library that has it"));
    image_unref(img);
    ck_assert_ptr_null(set.first);
}
END_TEST

START_TEST(a_missing_library_is_named)
{
    char flags[PATH_MAX];

    build("libdep.so", "-Wl,-soname,libdep.so.1");
    snprintf(flags, sizeof flags, "-Wl,--no-as-needed %s/libdep.so",
             fixture_dir);
    ck_assert_int_lt(image_open(staged(build("p.so", flags)), NULL, &diag), 0);
    ck_assert_ptr_nonnull(
        strstr(last_message(), "p.so: libdep.so.1: cannot open shared object"));
}
END_TEST

START_TEST(descriptors_that_contradict_their_note)
{
    static const struct {
        const char *flags, *text;
    } rows[] = {
        {"-DDESC_ID='\"org.example.other\"'",
         "its note says \"org.example.raw\", its descriptor "
         "\"org.example.other\""},
        {"-DDESC_MAJOR=3", "its note says ABI 1, its descriptor ABI 3"},
        {"-DDESC_SIZE=8", "has a descriptor of only 8 bytes"},
        {"-DTWO_PLUGINS", "holds more than one plugin"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct image *img = staged(build("d.so", rows[i].flags));

        ck_assert_int_lt(image_open(img, NULL, &diag), 0);
        ck_assert_msg(strstr(last_message(), rows[i].text) != NULL, "%s",
                      last_message());
        ck_assert_int_lt(image_open(img, NULL, &diag), 0); /* again the same */
        image_unref(img);
    }
    ck_assert_uint_eq(set.n_retired, 4);
}
END_TEST

START_TEST(descriptors_that_lead_nowhere)
{
    static const struct {
        const char *flags, *text;
    } rows[] = {
        {"-DDESCRIPTOR='(const et_plugin*)64'", "its descriptor is not inside"},
        {"-DDESCRIPTOR='(const et_plugin*)-8'", "its descriptor is not inside"},
        {"-DDESC_ID='(const char*)5'", "id of its descriptor is not inside"},
        {"-DDESC_VERSION='(const char*)5'", "version of its descriptor is"},
        {"-DITEMS='(const void*const*)64'", "items of its descriptor is not"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct image *img = staged(build("bad.so", rows[i].flags));

        ck_assert_int_eq(image_open(img, NULL, &diag), ERR_INVALID);
        ck_assert_msg(strstr(last_message(), rows[i].text) != NULL, "%s",
                      last_message());
        image_unref(img);
    }
}
END_TEST

START_TEST(a_world_writable_file_is_refused_unless_any_owner_will_do)
{
    const char *path = build("a.so", "");

    ck_assert_int_eq(chmod(path, 0777), 0);
    refused(path, "is writable by everybody (mode 0777)");
    rules.owner = CONF_OWNER_ANY;
    loaded(path);
}
END_TEST

/* ---- the bundle -----------------------------------------------------------*/

static struct bundle *
new_bundle(void)
{
    rules.bundle = bundle_new();
    ck_assert_ptr_nonnull(rules.bundle);
    return rules.bundle;
}

static struct image *
staged_from(struct bundle *b, const char *path)
{
    struct image *img;

    rules.bundle = b;
    ck_assert_msg(image_stage(&set, &rules, path, NULL, &diag, &img) == 0, "%s",
                  last_message());
    return img;
}

/* As another process, which has no image yet.  What is mapped stays so. */
static void
start_again(void)
{
    ck_assert_ptr_null(former.first);
    former = set;
    image_set_init(&set);
}

static ino_t
inode_of(int fd)
{
    struct stat st;

    ck_assert_int_eq(fstat(fd, &st), 0);
    return st.st_ino;
}

START_TEST(what_is_read_is_kept_and_is_in_memory_once)
{
    const char *path = build("a.so", "");
    struct bundle *b = new_bundle();
    struct image *img = staged_from(b, path);
    const struct bundle_image *kept = bundle_image_find(b, path);

    ck_assert_ptr_nonnull(kept);
    ck_assert_uint_eq(kept->n, img->n_bytes);
    ck_assert_mem_eq(kept->sha256, img->hash, SHA256_LEN);
    ck_assert(file_id_equal(&kept->source, &img->source));
    ck_assert_int_eq(kept->no_memfd, 0);
    ck_assert(inode_of(kept->fd) == inode_of(img->copy.fd));
    bundle_free(b);
    ck_assert_int_eq(image_open(img, NULL, &diag), 0);
    ck_assert_uint_eq(ask(img), 101);
}
END_TEST

/* Reloads that change nothing: each bundle shares what there is. */
START_TEST(equal_bytes_in_two_bundles_are_in_memory_once)
{
    const char *path = build("a.so", ""), *link = fixture_path("b.so");
    struct bundle *old = new_bundle(), *b = new_bundle();
    struct image *img = staged_from(old, path);

    ck_assert_int_eq(symlink(path, link), 0);
    ck_assert_ptr_eq(staged_from(b, link), img);
    ck_assert_ptr_eq(staged_from(b, path), img);
    ck_assert_uint_eq(b->n_images, 2);
    ck_assert(inode_of(bundle_image_find(b, path)->fd) ==
              inode_of(img->copy.fd));
    ck_assert(inode_of(bundle_image_find(b, link)->fd) ==
              inode_of(img->copy.fd));
    bundle_free(old);
    bundle_free(b);
}
END_TEST

START_TEST(a_bundle_that_has_it_is_all_that_is_read)
{
    const char *path = build("a.so", "");
    struct bundle *b = new_bundle();
    struct image *img, *again;

    img = staged_from(b, path);
    build("a.so", "-DANSWER=200u"); /* another file by that name */
    ck_assert_ptr_eq(staged_from(b, path), img);
    ck_assert_int_eq(unlink(path), 0);
    b->is_closed = 1;
    ck_assert_ptr_eq(staged_from(b, path), img);
    start_again();
    again = staged_from(b, path);
    ck_assert_ptr_ne(again, img);
    ck_assert_str_eq(again->hash_hex, img->hash_hex);
    ck_assert_str_eq(again->build_id, img->build_id);
    ck_assert(inode_of(again->copy.fd) == inode_of(img->copy.fd));
    ck_assert_int_eq(image_open(again, NULL, &diag), 0);
    ck_assert_uint_eq(ask(again), 101);
    ck_assert_ptr_eq(former.first, img);
    bundle_free(b);
}
END_TEST

START_TEST(a_closed_bundle_that_lacks_it_is_an_error_where_it_is_named)
{
    const char *path = build("a.so", "");
    struct place at = {"etude.ini", 7};
    struct bundle *b = new_bundle();
    struct image *img;
    char said[PATH_MAX + 100];

    b->is_closed = 1;
    ck_assert_int_eq(image_stage(&set, &rules, path, &at, &diag, &img),
                     ERR_INVALID);
    snprintf(said, sizeof said, "etude.ini:7: plugin %s: is not in the bundle",
             path);
    ck_assert_str_eq(last_message(), said);
    bundle_free(b);
}
END_TEST

START_TEST(what_is_refused_is_not_kept)
{
    struct bundle *b = new_bundle();
    struct image *img;

    ck_assert_int_eq(image_stage(&set, &rules, build("a.so", "-DNO_NOTE"), NULL,
                                 &diag, &img),
                     ERR_INVALID);
    ck_assert_uint_eq(b->n_images, 0);
    bundle_free(b);
}
END_TEST

START_TEST(bytes_that_can_no_longer_be_read)
{
    const char *path = build("a.so", "");
    struct bundle *b = new_bundle();
    struct image *img;

    image_unref(staged_from(b, path));
    close(bundle_image_find(b, path)->fd);
    ck_assert_int_eq(image_stage(&set, &rules, path, NULL, &diag, &img),
                     ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(last_message(),
                                 "a.so: cannot be read from the bundle: Bad "
                                 "file descriptor"));
}
END_TEST

/* ---- where the copy lies --------------------------------------------------*/

static int
count_private_files(const char *dir)
{
    char command[PATH_MAX + 100];

    snprintf(command, sizeof command, "exit $(ls -A %s | grep -c '^.etude-')",
             dir);
    return fixture_run(command);
}

START_TEST(a_private_file_in_the_runtime_folder)
{
    const char *dir = fixture_path("run"), *path = build("a.so", "");
    struct image *img;

    ck_assert_int_eq(mkdir(dir, 0700), 0);
    rules.staging = CONF_STAGING_FILE;
    rules.runtime_dir = dir;
    img = loaded(path);
    ck_assert_uint_eq(ask(img), 101);
    ck_assert(img->copy.is_private_file);
    ck_assert_int_eq(count_private_files(dir), 1);
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_uint_eq(ask(img), 102);
    image_unref(img);
    ck_assert_int_eq(count_private_files(dir), 1); /* still mapped */
    image_set_fini(&set);
    ck_assert_int_eq(count_private_files(dir), 0);
    ck_assert_uint_eq(diag.n_warnings, 0);
}
END_TEST

START_TEST(a_private_file_goes_with_its_image)
{
    const char *dir = fixture_path("run");
    struct image *img;

    ck_assert_int_eq(mkdir(dir, 0700), 0);
    rules.staging = CONF_STAGING_FILE;
    rules.runtime_dir = dir;
    img = loaded(build("a.so", "-DNOTE_FLAGS=1"));
    ck_assert_int_eq(count_private_files(dir), 1);
    image_unref(img);
    ck_assert_int_eq(count_private_files(dir), 0);
}
END_TEST

START_TEST(in_place_with_one_warning)
{
    const char *a = build("a.so", ""), *b = build("b.so", "-DANSWER=200u");
    struct image *img;

    rules.staging = CONF_STAGING_FILE;
    img = loaded(a);
    ck_assert(img->copy.is_in_place);
    ck_assert_uint_eq(diag.n_warnings, 1);
    ck_assert_ptr_nonnull(strstr(last_message(), "a.so: is used in place"));
    ck_assert_ptr_nonnull(strstr(last_message(), "runtime_dir (not set)"));
    ck_assert_uint_eq(ask(loaded(b)), 201);
    ck_assert_uint_eq(diag.n_warnings, 1);
    ck_assert_int_eq(rename(b, a), 0); /* the way the warning asks for */
    ck_assert_uint_eq(ask(loaded(build("b.so", "-DANSWER=300u"))), 301);
    ck_assert_int_eq(rename(b, a), 0);
    ck_assert_uint_eq(ask(loaded(a)), 302);
    ck_assert_uint_eq(ask(img), 101);
}
END_TEST

START_TEST(a_file_overwritten_in_place_is_not_taken_for_new)
{
    const char *a = build("a.so", "");
    struct image *img, *changed;

    rules.staging = CONF_STAGING_FILE;
    img = loaded(a);
    vary(a);
    changed = staged(a);
    ck_assert_int_lt(image_open(changed, NULL, &diag), 0);
    ck_assert_ptr_nonnull(
        strstr(last_message(), "was overwritten while its old build is in use "
                               "in place: restart the server to load it"));
    ck_assert_uint_eq(ask(img), 101);
}
END_TEST

/* From here on this process's memfd_create fails with EPERM. */
static void
forbid_memfd(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};

    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

START_TEST(without_memfds)
{
    const char *path = build("a.so", ""), *dir = fixture_path("run");
    struct image *img;

    if (getenv("CK_FORK") != NULL)
        return; /* the filter would stay for the tests after this one */
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    forbid_memfd();
    rules.staging = CONF_STAGING_MEMFD;
    refused(path, "cannot be staged (memfd: Operation not permitted)");
    rules.staging = CONF_STAGING_AUTO;
    rules.runtime_dir = dir;
    img = loaded(path);
    ck_assert(img->copy.is_private_file);
    ck_assert_uint_eq(ask(img), 101);
    vary(path);
    rules.runtime_dir = fixture_path("missing");
    img = staged_from(new_bundle(), path);
    ck_assert(img->copy.is_in_place);
    ck_assert_int_eq(bundle_image_find(rules.bundle, path)->no_memfd, -EPERM);
    ck_assert_int_eq(image_open(img, NULL, &diag), 0);
    ck_assert_uint_eq(ask(img), 101);
    ck_assert_ptr_nonnull(
        strstr(last_message(), "memfd: Operation not permitted"));
    ck_assert_ptr_nonnull(
        strstr(last_message(), "missing: No such file or directory"));
    rules.runtime_dir = dir; /* and again, of the bundle */
    ck_assert_int_eq(unlink(path), 0);
    start_again();
    img = staged_from(rules.bundle, path);
    ck_assert(img->copy.is_private_file);
    ck_assert_int_eq(image_open(img, NULL, &diag), 0);
    ck_assert_uint_eq(ask(img), 101);
    ck_assert_ptr_nonnull(former.first);
    bundle_free(rules.bundle);
}
END_TEST

START_TEST(libraries_beside_the_plugin)
{
    char flags[PATH_MAX];
    const char *path;
    struct image *img;

    build("libdep.so", "-Wl,-soname,libdep.so");
    snprintf(flags, sizeof flags,
             "-Wl,-rpath,'$ORIGIN' -Wl,--no-as-needed %s/libdep.so",
             fixture_dir);
    path = build("p.so", flags);
    img = loaded(path);
    ck_assert(img->elf_flags & ELF_ORIGIN);
    ck_assert(img->copy.is_private_file);
    ck_assert_int_eq(count_private_files(fixture_dir), 1);
    ck_assert_uint_eq(ask(img), 101);
    rules.staging = CONF_STAGING_MEMFD;
    vary(path);
    refused(path, "its libraries are found through $ORIGIN");
}
END_TEST

START_TEST(libraries_beside_a_plugin_in_a_read_only_folder)
{
    char flags[PATH_MAX];
    const char *path;
    struct image *img;

    build("libdep.so", "-Wl,-soname,libdep.so");
    snprintf(flags, sizeof flags,
             "-Wl,-rpath,'$ORIGIN' -Wl,--no-as-needed %s/libdep.so",
             fixture_dir);
    path = build("p.so", flags);
    ck_assert_int_eq(chmod(fixture_dir, 0555), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(12345), 0);
    img = loaded(path);
    ck_assert(img->copy.is_in_place);
    ck_assert_uint_eq(ask(img), 101);
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(chmod(fixture_dir, 0700), 0);
}
END_TEST

UNIT_MAIN_IN(
    setup, teardown, image, an_image_is_staged_opened_and_described,
    an_image_that_was_only_staged_leaves_nothing,
    each_way_to_replace_the_file_gives_the_new_code,
    a_compiler_may_write_the_file,
    a_descriptor_number_used_again_does_not_bring_old_code_back,
    overwriting_the_file_does_not_touch_what_runs,
    a_touched_file_is_the_same_image, generations_do_not_share_a_global,
    a_plugin_calls_its_own_functions,
    a_link_swapped_after_staging_changes_nothing, a_retired_image_stays_mapped,
    a_retired_image_is_revived_by_its_own_bytes,
    what_the_loader_keeps_counts_as_mapped,
    a_cxx_plugin_with_unique_symbols_is_never_unmapped,
    a_cxx_plugin_without_them_starts_afresh, static_tls_runs_out_with_a_message,
    static_tls_of_unmapped_images_is_free_again,
    the_map_file_names_what_is_mapped, the_map_file_goes_with_the_set,
    no_code_of_a_refused_image_runs, what_is_no_shared_object,
    a_half_copied_file, a_missing_function_is_named, a_missing_library_is_named,
    descriptors_that_contradict_their_note, descriptors_that_lead_nowhere,
    a_world_writable_file_is_refused_unless_any_owner_will_do,
    what_is_read_is_kept_and_is_in_memory_once,
    equal_bytes_in_two_bundles_are_in_memory_once,
    a_bundle_that_has_it_is_all_that_is_read,
    a_closed_bundle_that_lacks_it_is_an_error_where_it_is_named,
    what_is_refused_is_not_kept, bytes_that_can_no_longer_be_read,
    a_private_file_in_the_runtime_folder, a_private_file_goes_with_its_image,
    in_place_with_one_warning, a_file_overwritten_in_place_is_not_taken_for_new,
    without_memfds, libraries_beside_the_plugin,
    libraries_beside_a_plugin_in_a_read_only_folder)
