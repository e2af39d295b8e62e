/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_hash.c - the hash of a configuration: equal for equal contents, and
 * another one for whatever decides what is served. */
/* tags: asan */
#include "conf/bundle_hash.h"

#include "base/sha256.h"
#include "conf/bundle_dump.h"
#include "conf/bundle_image.h"
#include "conf/bundle_load.h"
#include "help.h"
#include "t/lib/unit.h"

/* What there is to a bundle; a test changes one thing of it. */
static struct {
    et_str texts[2];
    const char *dir;
    enum bundle_layer layer; /* of the second */
    const char *env[2];
    const char *images[2];
    const char *image_dir;
    struct file_id id; /* of all files */
} of;

static void
set_up(void)
{
    of.texts[0] = str_lit("[server]\nworkers = ${SOME:-2}\n");
    of.texts[1] = str_lit("[plugin a]\n");
    of.dir = "/etc/x";
    of.layer = BUNDLE_BASE;
    of.env[0] = "SOME=3"; /* which the first text mentions */
    of.env[1] = "ETUDE_ENV=one";
    of.images[0] = "one";
    of.images[1] = "two";
    of.image_dir = "/m";
    of.id = (struct file_id){1, 2, 3, 4, 5};
}

static void
add_image(struct bundle *b, const char *name, const char *bytes)
{
    char path[64], why[256];
    struct bundle_image like = {
        .path = path, .fd = -1, .n = strlen(bytes), .source = of.id};

    snprintf(path, sizeof path, "%s/%s", of.image_dir, name);
    sha256_of(bytes, strlen(bytes), like.sha256);
    ck_assert_ptr_nonnull(bundle_image_add(b, &like, bytes, why, sizeof why));
}

static struct bundle *
make(void)
{
    char *env[] = {(char *)(uintptr_t)of.env[0], (char *)(uintptr_t)of.env[1],
                   NULL};
    struct bundle_file files[2] = {{.name = "a.ini"}, {.name = "b.ini"}};
    struct bundle *b;
    struct diag d;

    for (int i = 0; i < 2; i++) {
        files[i].dir = of.dir;
        files[i].text = of.texts[i];
        files[i].id = of.id;
    }
    files[1].layer = of.layer;
    diag_init(&d);
    b = bundle_from_memory(files, 2, env, &d);
    ck_assert_ptr_nonnull(b);
    help_expect(&d, "");
    diag_fini(&d);
    add_image(b, "a.so", of.images[0]);
    add_image(b, "b.so", of.images[1]);
    return b;
}

static const char *
hash(void)
{
    static char text[2][BUNDLE_HASH_LEN + 1];
    static int i;
    struct bundle *b = make();

    i = !i;
    bundle_hash(b, text[i]);
    bundle_free(b);
    return text[i];
}

START_TEST(where_and_since_when_does_not_count)
{
    const char *first;

    set_up();
    first = hash();
    ck_assert_uint_eq(strspn(first, "0123456789abcdef"), BUNDLE_HASH_LEN);
    ck_assert_uint_eq(strlen(first), BUNDLE_HASH_LEN);
    of.dir = "/srv";
    of.image_dir = "/other";
    of.id = (struct file_id){9, 9, 3, 9, 9};
    ck_assert_str_eq(hash(), first);
}
END_TEST

/* Each in turn, and back. */
#define CHANGE(field, value)                                                   \
    do {                                                                       \
        set_up();                                                              \
        of.field = value;                                                      \
        ck_assert_str_ne(hash(), first);                                       \
    } while (0)

START_TEST(everything_that_decides_what_is_served_counts)
{
    char first[BUNDLE_HASH_LEN + 1];

    set_up();
    strcpy(first, hash());
    CHANGE(texts[0], str_lit("[server]\nworkers = ${SOME:-4}\n"));
    CHANGE(texts[1], str_lit("[plugin b]\n"));
    CHANGE(texts[1], str_lit(""));
    CHANGE(layer, BUNDLE_OVERLAY);
    CHANGE(env[0], "SOME=4");
    CHANGE(env[0], "SOME=");
    CHANGE(env[0], "ANY=3");
    CHANGE(env[1], "ETUDE_ENV=two");
    CHANGE(env[1], "ETUDE_PIN=one");
    CHANGE(images[0], "0ne");
    CHANGE(images[1], "tw0");
    CHANGE(images[1], "one");
    set_up();
    ck_assert_str_eq(hash(), first);
}
END_TEST

/* The same bytes, otherwise divided. */
START_TEST(what_stands_where_counts)
{
    char first[BUNDLE_HASH_LEN + 1];

    set_up();
    strcpy(first, hash());
    of.images[0] = "two";
    of.images[1] = "one";
    ck_assert_str_ne(hash(), first);
    set_up();
    of.texts[0] = str_lit("[server]\nworkers = ${SOME:-2}\n[plugin");
    of.texts[1] = str_lit(" a]\n");
    ck_assert_str_ne(hash(), first);
    of.env[0] = "SOME=";
    strcpy(first, hash());
    of.env[0] = "ANY=";
    ck_assert_str_ne(hash(), first); /* set to nothing, not set */
#define NUMBER "\0\0\0\0\0\0\0\0"    /* as the second text's layer is hashed */
    of.texts[0] = str_lit("a" NUMBER "b");
    of.texts[1] = str_lit("");
    strcpy(first, hash());
    of.texts[0] = str_lit("a");
    of.texts[1] = str_lit("b" NUMBER);
    ck_assert_str_ne(hash(), first);
}
END_TEST

START_TEST(a_dump_has_the_hash_of_its_bundle)
{
    char before[BUNDLE_HASH_LEN + 1], after[BUNDLE_HASH_LEN + 1];
    FILE *f = tmpfile();
    struct bundle *b;
    struct diag d;

    set_up();
    b = make();
    bundle_hash(b, before);
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(bundle_dump_write(b, fileno(f)), 0);
    bundle_free(b);
    diag_init(&d);
    b = bundle_load(fileno(f), &d);
    ck_assert_ptr_nonnull(b);
    bundle_hash(b, after);
    ck_assert_str_eq(after, before);
    bundle_free(b);
    diag_fini(&d);
    fclose(f);
}
END_TEST

UNIT_MAIN(bundle_hash, where_and_since_when_does_not_count,
          everything_that_decides_what_is_served_counts,
          what_stands_where_counts, a_dump_has_the_hash_of_its_bundle)
