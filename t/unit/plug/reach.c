/* SPDX-License-Identifier: BSD-2-Clause */
/* reach.c - what of an image, of libraries and of this program can be read, and
 * which field of a declaration leads elsewhere. */
/* tags: asan */
#include "plug/reach.h"

#include <stdint.h>
#include <sys/mman.h>

#include "os/dso.h"
#include "t/lib/fixture.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static char *wild; /* nothing is mapped there */

static void
setup(void)
{
    fixture_setup();
    wild = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* The last byte that can be read of the segment an image's object is in. */
static char *
last_byte(void *handle, const char *name)
{
    char *p = dso_symbol(handle, name);

    ck_assert_ptr_nonnull(p);
    ck_assert_uint_gt(dso_readable(p), 0);
    return p + dso_readable(p) - 1;
}

START_TEST(what_lies_in_a_segment_can_be_read)
{
    static const struct {
        int64_t a, b;
    } here;
    char stack[16] = "x", *heap = strdup("x");

    ck_assert(reach_has_one(&here));
    ck_assert(reach_has(&here, 0, 1));
    ck_assert(!reach_has((const char *)&here + 1, 8, 8));
    ck_assert(reach_has((const char *)&here + 1, 8, 1));
    ck_assert(reach_has(strerror(0), 1, 1)); /* a library's */
    ck_assert(!reach_has(wild, 1, 1));
    ck_assert(!reach_has(stack, 1, 1));
    ck_assert(!reach_has(heap, 1, 1));
    ck_assert(!reach_has(NULL, 1, 1));
    ck_assert(!reach_has((const void *)-1, 1, 1));
    ck_assert(!reach_has(&here, SIZE_MAX, 1));
    free(heap);
}
END_TEST

START_TEST(a_string_ends_before_its_segment_does)
{
    char error[DSO_ERROR_LEN], *last, was;
    void *handle = dso_open(fixture_build("raw.c", "a.so", ""), error);
    et_needdef need = {.it = {.size = sizeof need, .kind = ET_I_NEED}};

    ck_assert_msg(handle != NULL, "%s", error);
    last = last_byte(handle, "raw_counter");
    was = *last;
    *last = '\0';
    need.id = last;
    ck_assert_ptr_null(reach_astray_in_item(&need.it));
    need.it.file = last;
    ck_assert(reach_has_file(&need.it));
    *last = 'x';
    ck_assert_str_eq(reach_astray_in_item(&need.it), "id");
    ck_assert(!reach_has_file(&need.it));
    *last = was;
    ck_assert(reach_has(last, 1, 1));
    ck_assert(!reach_has(last, 2, 1));
    dso_close(handle);
    ck_assert(!reach_has(last, 1, 1));
}
END_TEST

START_TEST(only_what_can_be_written_takes_a_handle)
{
    char error[DSO_ERROR_LEN];
    void *handle =
        dso_open(fixture_build("raw.c", "a.so", "-Wl,-z,relro"), error);
    static const uint32_t constant;
    et_metricdef m = {.it = {.size = sizeof m, .kind = ET_I_METRIC}};

    ck_assert_msg(handle != NULL, "%s", error);
    m.handle = dso_symbol(handle, "raw_counter");
    ck_assert_ptr_null(reach_astray_in_item(&m.it));
    m.handle = (uint32_t *)((char *)m.handle + 1);
    ck_assert_str_eq(reach_astray_in_item(&m.it), "handle");
    m.handle = (uint32_t *)(uintptr_t)&constant;
    ck_assert_str_eq(reach_astray_in_item(&m.it), "handle");
    m.handle = dso_symbol(handle, "et_plugins_v1");
    ck_assert_str_eq(reach_astray_in_item(&m.it), "handle");
    m.handle = NULL;
    ck_assert_ptr_null(reach_astray_in_item(&m.it));
    dso_close(handle);
}
END_TEST

/* Each pointer of each kind, led astray in turn. */
#define ITEM(T, KIND, ...)                                                     \
    do {                                                                       \
        static const size_t offs[] = {__VA_ARGS__};                            \
        for (size_t i = 0; i < sizeof offs / sizeof *offs; i++) {              \
            T item = {.it = {.size = sizeof item, .kind = (KIND)}};            \
            ck_assert_ptr_null(reach_astray_in_item(&item.it));                \
            memcpy((char *)&item + offs[i], &wild, sizeof wild);               \
            ck_assert_ptr_nonnull(reach_astray_in_item(&item.it));             \
        }                                                                      \
    } while (0)

START_TEST(every_pointer_of_an_item_is_looked_at)
{
    ITEM(et_route, ET_I_ROUTE, offsetof(et_route, method),
         offsetof(et_route, path), offsetof(et_route, name),
         offsetof(et_route, doc));
    ITEM(et_stepdef, ET_I_REQUEST, offsetof(et_stepdef, name));
    ITEM(et_stepdef, ET_I_RESPONSE, offsetof(et_stepdef, name));
    ITEM(et_stepdef, ET_I_HANDLER, offsetof(et_stepdef, name));
    ITEM(et_stepdef, ET_I_LOG, offsetof(et_stepdef, name));
    ITEM(et_needdef, ET_I_NEED, offsetof(et_needdef, id));
    ITEM(et_orderdef, ET_I_ORDER, offsetof(et_orderdef, after),
         offsetof(et_orderdef, before));
    ITEM(et_commanddef, ET_I_COMMAND, offsetof(et_commanddef, name),
         offsetof(et_commanddef, help));
    ITEM(et_metricdef, ET_I_METRIC, offsetof(et_metricdef, name),
         offsetof(et_metricdef, unit), offsetof(et_metricdef, help),
         offsetof(et_metricdef, handle));
}
END_TEST

START_TEST(functions_are_not_looked_at)
{
    et_route r = {.it = {.size = sizeof r, .kind = ET_I_ROUTE}};
    et_imagedef image = {.it = {.size = sizeof image, .kind = ET_I_IMAGE}};

    memcpy(&r.fn, &wild, sizeof wild);
    memcpy(&image.load, &wild, sizeof wild);
    ck_assert_ptr_null(reach_astray_in_item(&r.it));
    ck_assert_ptr_null(reach_astray_in_item(&image.it));
}
END_TEST

START_TEST(lists_are_followed_to_their_end)
{
    static const char *ids[] = {"a.b", "c.d", NULL};
    static const int64_t bounds[] = {1, 2};
    et_orderdef o = {.it = {.size = sizeof o, .kind = ET_I_ORDER},
                     .before = ids};
    et_metricdef m = {.it = {.size = sizeof m, .kind = ET_I_METRIC},
                      .n_bounds = 2,
                      .bounds = bounds};
    char error[DSO_ERROR_LEN];
    void *handle = dso_open(fixture_build("raw.c", "a.so", ""), error);
    const char *endless = "x";
    char *last;

    ck_assert_ptr_null(reach_astray_in_item(&o.it));
    ids[1] = wild;
    ck_assert_str_eq(reach_astray_in_item(&o.it), "before");
    ck_assert_ptr_null(reach_astray_in_item(&m.it));
    m.bounds = (const int64_t *)(const void *)wild;
    ck_assert_str_eq(reach_astray_in_item(&m.it), "bounds");
    m.n_bounds = 65; /* too many, and not read for that */
    ck_assert_ptr_null(reach_astray_in_item(&m.it));

    /* One that has no end before its segment has. */
    ck_assert_msg(handle != NULL, "%s", error);
    last = last_byte(handle, "raw_counter") - sizeof endless;
    last -= (uintptr_t)last % sizeof endless;
    memcpy(last, &endless, sizeof endless);
    m = (et_metricdef){0};
    o.before = (const char *const *)(void *)last;
    if (dso_readable(last) < 2 * sizeof endless)
        ck_assert_str_eq(reach_astray_in_item(&o.it), "before");
    dso_close(handle);
}
END_TEST

START_TEST(options_and_the_descriptor)
{
    static const void *const items[4];
    et_opt o = {.key = "k", .dflt = "1", .help = "h", .choices = "a|b"};
    et_plugin p = {.id = "a.b", .items = items, .items_end = items + 4};

    ck_assert_ptr_null(reach_astray_in_option(&o));
    o.choices = wild;
    ck_assert_str_eq(reach_astray_in_option(&o), "choices");
    o.help = wild;
    ck_assert_str_eq(reach_astray_in_option(&o), "help");
    o.dflt = (const char *)(uintptr_t)5;
    ck_assert_str_eq(reach_astray_in_option(&o), "default");
    o.key = wild;
    ck_assert_str_eq(reach_astray_in_option(&o), "key");
    ck_assert_ptr_null(reach_astray_in_plugin(&p));
    p.build = wild;
    ck_assert_str_eq(reach_astray_in_plugin(&p), "build");
    p.summary = wild;
    ck_assert_str_eq(reach_astray_in_plugin(&p), "summary");
    p.version = wild;
    ck_assert_str_eq(reach_astray_in_plugin(&p), "version");
    p.id = wild;
    ck_assert_str_eq(reach_astray_in_plugin(&p), "id");
    p.items_end = (const void *const *)UINTPTR_MAX;
    ck_assert_str_eq(reach_astray_in_plugin(&p), "items");
    p = (et_plugin){.items = items + 1, .items_end = items};
    ck_assert_str_eq(reach_astray_in_plugin(&p), "items");
    p.items = NULL;
    ck_assert_ptr_null(reach_astray_in_plugin(&p));
}
END_TEST

UNIT_MAIN_IN(setup, fixture_teardown, reach, what_lies_in_a_segment_can_be_read,
             a_string_ends_before_its_segment_does,
             only_what_can_be_written_takes_a_handle,
             every_pointer_of_an_item_is_looked_at, functions_are_not_looked_at,
             lists_are_followed_to_their_end, options_and_the_descriptor)
