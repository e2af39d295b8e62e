/* SPDX-License-Identifier: BSD-2-Clause */
/* committed.c - a generation is built from files, its bundle is dumped, then
 * everything on the disk and in the environment is spoiled: the dump gives the
 * same generation.  (serve/build.h with conf/bundle_dump.h) */
/* tags: asan */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"
#include "conf/bundle.h"
#include "conf/bundle_dump.h"
#include "conf/bundle_image.h"
#include "conf/bundle_load.h"
#include "conf/conf.h"
#include "http/gen.h"
#include "http/metering.h"
#include "os/file.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "serve/build.h"
#include "serve/describe.h"
#include "t/lib/fixture.h"

#define UNIT_SECONDS 60
#include "t/lib/memory.h"
#include "t/lib/unit.h"

/* What a process has: its images, its figures, the generation it serves. */
struct process {
    struct image_set images;
    struct figures figures;
    struct metering metering;
    struct gen *gen;
    char *routes; /* --json */
    struct diag d;
};

/* An ini with an include, an overlay, values from the environment and from a
 * file, and two plugins. */
static void
make_files(void)
{
    fixture_setup();
    fixture_file("etude.ini", "[server]\nmodules = .\ninclude = more.ini\n"
                              "[plugin life]\nsay = ${file:key}\n"
                              "[scope all]\nmatch = /*\nuse = deny\n");
    fixture_file("more.ini", "[plugin deny]\nmodule = ./deny.so\n"
                             "[plugin other]\nmodule = life\nmount = /other\n"
                             "say = ${SAY}\n");
    fixture_file("etude.live.ini", "[plugin other]\nmount = ${MOUNT:-/live}\n");
    fixture_file("key", "s3cret\n");
    ck_assert_ptr_nonnull(fixture_build("life.c", "life.so", ""));
    ck_assert_ptr_nonnull(fixture_build("deny.c", "deny.so", ""));
}

/* Nothing is left as it was, and no name leads anywhere. */
static void
spoil_files(void)
{
    fixture_file("etude.ini", "[server\nworkers = none\n");
    fixture_file("more.ini", "");
    fixture_file("key", "another");
    ck_assert_int_eq(truncate(fixture_path("life.so"), 100), 0);
    ck_assert_int_eq(unlink(fixture_path("deny.so")), 0);
    fixture_teardown();
    ck_assert_int_eq(setenv("ETUDE_ENV", "other", 1), 0);
    ck_assert_int_eq(setenv("ETUDE_WORKERS", "7", 1), 0);
    ck_assert_int_eq(setenv("SAY", "changed", 1), 0);
}

static void
process_init(struct process *p)
{
    *p = (struct process){.gen = NULL};
    image_set_init(&p->images);
    p->figures = memory_figures(1);
    ck_assert_int_eq(metering_init(&p->metering, &p->figures), 0);
    diag_init(&p->d);
}

static const char *
first_message(const struct process *p)
{
    return p->d.first ? p->d.first->text : "";
}

/* Build it; p->gen stays NULL if that fails.  The bundle is p's. */
static void
process_build(struct process *p, struct bundle *b)
{
    const struct build_options o = {.images = &p->images,
                                    .metering = &p->metering,
                                    .n_workers = 1,
                                    .id = 1};
    struct conf *conf;

    ck_assert_msg(b != NULL, "%s", first_message(p));
    conf = conf_parse(b, &p->d);
    ck_assert_msg(conf != NULL, "%s", first_message(p));
    conf->bundle = b;
    p->gen = build_gen(conf, &o, &p->d);
    if (!p->gen)
        conf_free(conf);
}

static void
describe(struct process *p)
{
    size_t n;
    FILE *f = open_memstream(&p->routes, &n);

    ck_assert_ptr_nonnull(f);
    describe_routes(f, p->gen, &p->gen->arena, 1);
    ck_assert_int_eq(fclose(f), 0);
}

static void
process_fini(struct process *p)
{
    if (p->gen)
        build_free(p->gen);
    free(p->routes);
    metering_fini(&p->metering);
    memory_end_figures(&p->figures);
    image_set_fini(&p->images);
    diag_fini(&p->d);
}

static struct bundle *
from_files(struct process *p)
{
    static char *const env[] = {"ETUDE_ENV=live", "SAY=hello", NULL};

    return bundle_from_files(fixture_path("etude.ini"), env, &p->d);
}

static int
dump_of(const struct process *p)
{
    int fd = memfd_create("dump", MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bundle_dump_write(p->gen->conf->bundle, fd), 0);
    return fd;
}

/* Its instances have the same code and the same effective options. */
static void
same_instances(const struct gen *a, const struct gen *b)
{
    ck_assert_uint_eq(a->n_instances, b->n_instances);
    for (uint32_t i = 0; i < a->n_instances; i++) {
        const struct instance *x = a->instances[i], *y = b->instances[i];

        ck_assert_ptr_ne(x->plugin, y->plugin);
        ck_assert_str_eq(x->name, y->name);
        ck_assert_str_eq(x->plugin->image->hash_hex,
                         y->plugin->image->hash_hex);
        ck_assert_str_eq(x->plugin->path, y->plugin->path);
        ck_assert(str_eq(x->key, y->key));
    }
}

START_TEST(a_dump_is_the_same_generation)
{
    struct process before, after;
    int fd;

    make_files();
    process_init(&before);
    process_build(&before, from_files(&before));
    ck_assert_msg(before.gen != NULL, "%s", first_message(&before));
    describe(&before);
    fd = dump_of(&before);
    spoil_files();
    process_init(&after);
    process_build(&after, bundle_load(fd, &after.d));
    ck_assert_msg(after.gen != NULL, "%s", first_message(&after));
    describe(&after);
    ck_assert_str_eq(before.routes, after.routes);
    ck_assert_ptr_nonnull(strstr(after.routes, "/live/life"));
    ck_assert_ptr_nonnull(strstr(after.routes, "\"say\":\"hello\""));
    ck_assert_ptr_null(strstr(after.routes, "s3cret"));
    ck_assert_uint_eq(after.gen->n_instances, 3);
    same_instances(before.gen, after.gen);
    process_fini(&before);
    process_fini(&after);
    close(fd);
}
END_TEST

/* The dump of the rebuilt one is the dump it came from: crash after crash. */
START_TEST(what_was_rebuilt_can_be_rebuilt)
{
    struct process first, second;
    char *p, *q;
    size_t n, m;
    int fd, fd2;

    make_files();
    process_init(&first);
    process_build(&first, from_files(&first));
    fd = dump_of(&first);
    process_fini(&first);
    spoil_files();
    process_init(&second);
    process_build(&second, bundle_load(fd, &second.d));
    fd2 = dump_of(&second);
    process_fini(&second);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET) + lseek(fd2, 0, SEEK_SET), 0);
    ck_assert_int_eq(file_read_fd(fd, 1 << 24, &p, &n), 0);
    ck_assert_int_eq(file_read_fd(fd2, 1 << 24, &q, &m), 0);
    ck_assert_uint_eq(n, m);
    ck_assert_mem_eq(p, q, n);
    free(p);
    free(q);
    close(fd);
    close(fd2);
}
END_TEST

/* The ini names a plugin that nobody staged: the file on the disk, good as it
 * is, is not asked. */
START_TEST(an_image_that_is_missing_is_said_where_it_is_named)
{
    struct process p;
    struct bundle *b;
    char said[2 * PATH_MAX];

    make_files();
    process_init(&p);
    b = from_files(&p);
    b->is_closed = 1;
    process_build(&p, b);
    ck_assert_ptr_null(p.gen);
    snprintf(said, sizeof said,
             "%s/etude.ini:4: plugin %s/./life.so: is not in the bundle",
             fixture_dir, fixture_dir);
    ck_assert_str_eq(first_message(&p), said);
    process_fini(&p);
    fixture_teardown();
}
END_TEST

/* Two sections of one module. */
START_TEST(a_file_named_twice_is_kept_once)
{
    struct process p;

    make_files();
    process_init(&p);
    process_build(&p, from_files(&p));
    ck_assert_ptr_nonnull(p.gen);
    ck_assert_uint_eq(p.gen->conf->bundle->n_images, 2);
    process_fini(&p);
    fixture_teardown();
}
END_TEST

UNIT_MAIN(committed, a_dump_is_the_same_generation,
          what_was_rebuilt_can_be_rebuilt,
          an_image_that_is_missing_is_said_where_it_is_named,
          a_file_named_twice_is_kept_once)
