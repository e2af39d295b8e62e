/* SPDX-License-Identifier: BSD-2-Clause */
/* quarantine.c - the set, and the routes of builds that are in it. */
/* tags: asan */
#include "serve/quarantine.h"

#include <stdio.h>

#include "base/err.h"
#include "conf/bundle.h"
#include "conf/conf.h"
#include "http/dispatch.h"
#include "http/gen.h"
#include "http/metering.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "serve/build.h"
#include "serve/explain.h"
#include "serve/regions.h"
#include "t/lib/fixture.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static struct image_set images;
static struct metering metering;
static struct regions own;
static struct quarantine set;
static struct diag diag;

static void
setup(void)
{
    fixture_setup();
    fixture_file("etude.ini", "[server]\nmodules = .\n"
                              "[plugin life]\n[plugin mark]\n[plugin deny]\n"
                              "[route a]\nmatch = GET /a\n"
                              "use = mark, deny, life\nhandler = life:life\n"
                              "[scope s]\nmatch = /s/*\nuse = deny\n");
    ck_assert_ptr_nonnull(fixture_build("life.c", "life.so", ""));
    ck_assert_ptr_nonnull(fixture_build("mark.c", "mark.so", ""));
    ck_assert_ptr_nonnull(fixture_build("deny.c", "deny.so", ""));
    image_set_init(&images);
    ck_assert_int_eq(regions_open_dry(&own), 0);
    ck_assert_int_eq(metering_init(&metering, &own.figures), 0);
    diag_init(&diag);
    set.n = 0;
}

static void
teardown(void)
{
    metering_fini(&metering);
    regions_close(&own);
    image_set_fini(&images);
    diag_fini(&diag);
    fixture_teardown();
}

static struct gen *
build(void)
{
    static char *const env[] = {NULL};
    const struct build_options o = {.images = &images,
                                    .metering = &metering,
                                    .n_workers = 1,
                                    .id = 1,
                                    .quarantine = &set};
    struct bundle *b = bundle_from_files(fixture_path("etude.ini"), env, &diag);
    struct conf *conf;
    struct gen *g;

    ck_assert_ptr_nonnull(b);
    conf = conf_parse(b, &diag);
    ck_assert_msg(conf != NULL, "%s", diag.first ? diag.first->text : "");
    conf->bundle = b;
    g = build_gen(conf, &o, &diag);
    ck_assert_msg(g != NULL, "%s", diag.first ? diag.first->text : "");
    return g;
}

static const struct route *
route(const struct gen *g, const char *name)
{
    for (uint32_t i = 0; i < g->n_routes; i++) {
        if (strcmp(g->routes[i]->name, name) == 0)
            return g->routes[i];
    }
    ck_abort_msg("no route %s", name);
    return NULL;
}

/* Put the build that the section of g has into the set. */
static void
confine(const struct gen *g, const char *section)
{
    for (uint32_t i = 0; i < g->n_instances; i++) {
        if (strcmp(g->instances[i]->name, section) == 0)
            ck_assert_int_eq(
                quarantine_add(&set, g->instances[i]->plugin->image->hash_hex),
                0);
    }
    ck_assert_uint_gt(set.n, 0);
}

START_TEST(only_hashes_go_in_and_each_once)
{
    char hash[SHA256_HEX_LEN + 1] = "";

    ck_assert_int_eq(quarantine_add(&set, ""), ERR_INVALID);
    ck_assert_int_eq(quarantine_add(&set, "abc"), ERR_INVALID);
    for (unsigned i = 0; i < QUARANTINE_MAX; i++) {
        snprintf(hash, sizeof hash, "%064x", i);
        ck_assert_int_eq(quarantine_add(&set, hash), 0);
        ck_assert_int_eq(quarantine_add(&set, hash), 0);
        ck_assert_uint_eq(set.n, i + 1);
    }
    ck_assert_int_eq(quarantine_add(&set, hash), 0);
    hash[0] = 'f';
    ck_assert_int_eq(quarantine_add(&set, hash), ERR_LIMIT);
    hash[0] = 'F';
    ck_assert_int_eq(quarantine_add(&set, hash), ERR_INVALID);
}
END_TEST

START_TEST(what_a_trial_does_without_is_told_with_its_reason)
{
    static const char hash[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    char text[200];

    set.n_barred = 0;
    ck_assert_int_eq(quarantine_told(&set, hash), 0);
    ck_assert_uint_eq(set.n, 1);
    ck_assert_ptr_null(quarantine_why(&set, hash, 0));
    snprintf(text, sizeof text, "%s nonsense x", hash);
    ck_assert_int_eq(quarantine_told(&set, text), ERR_INVALID);
    snprintf(text, sizeof text, "%s run it crashed", hash);
    text[3] = 'X';
    ck_assert_int_eq(quarantine_told(&set, text), ERR_INVALID);
    text[3] = hash[3];
    ck_assert_int_eq(quarantine_told(&set, text), 0);
    ck_assert_str_eq(quarantine_why(&set, hash, 0), "it crashed");
    ck_assert_ptr_null(quarantine_why(&set, hash, 1));
    snprintf(text, sizeof text, "%s load at once", hash);
    ck_assert_int_eq(quarantine_told(&set, text), 0);
    ck_assert_str_eq(quarantine_why(&set, hash, 1), "at once");
    while (set.n_barred < QUARANTINE_BARRED_MAX)
        ck_assert_int_eq(quarantine_told(&set, text), 0);
    ck_assert_int_eq(quarantine_told(&set, text), ERR_LIMIT);
    ck_assert_ptr_null(quarantine_why(NULL, hash, 1));
    set.n_barred = 0;
}
END_TEST

START_TEST(without_any_all_is_as_ever)
{
    struct gen *g = build();

    ck_assert_uint_eq(route(g, "a")->n_use, 3);
    ck_assert_ptr_null(route(g, "a")->closed_by);
    build_free(g);
}
END_TEST

START_TEST(a_handler_in_it_closes_its_routes_only)
{
    struct gen *g = build();
    const struct route *r;

    confine(g, "life");
    build_free(g);
    g = build();
    r = route(g, "life"); /* the plugin's own */
    ck_assert_str_eq(r->closed_by, "life");
    ck_assert_ptr_null(r->handler);
    ck_assert(r->handle == dispatch_answer_closed);
    for (uint32_t i = 0; i < g->n_instances; i++)
        ck_assert_str_ne(g->instances[i]->name, "life");
    build_free(g);
}
END_TEST

START_TEST(middleware_in_it_is_never_skipped)
{
    struct gen *g = build();
    const struct route *r;
    char *text = NULL;
    size_t n = 0;
    FILE *f;

    confine(g, "deny");
    build_free(g);
    g = build();
    r = route(g, "a");
    ck_assert_str_eq(r->closed_by, "deny");
    ck_assert_uint_eq(r->n_use, 1); /* what is outside of it */
    ck_assert_str_eq(r->use[0]->name, "mark");
    ck_assert_ptr_null(r->handler);
    ck_assert(r->handle == dispatch_answer_closed);
    ck_assert_ptr_null(route(g, "life")->closed_by);
    f = open_memstream(&text, &n);
    ck_assert_int_eq(explain_path(f, g, "GET", "/a", 0), 0);
    ck_assert_int_eq(explain_path(f, g, "GET", "/s/nothing", 0), 0);
    fclose(f);
    unit_has(text, "503: the build of deny is in quarantine");
    unit_has(strstr(text, "/s/nothing"), "503: the build of deny");
    free(text);
    build_free(g);
}
END_TEST

UNIT_MAIN_IN(setup, teardown, quarantine, only_hashes_go_in_and_each_once,
             what_a_trial_does_without_is_told_with_its_reason,
             without_any_all_is_as_ever, a_handler_in_it_closes_its_routes_only,
             middleware_in_it_is_never_skipped)
