/* SPDX-License-Identifier: BSD-2-Clause */
/* Merging: files, overlay, environment; what may stand twice. */
#include "conf/section.h"

#include "help.h"
#include "t/lib/unit.h"

static struct arena arena;
static struct section_set *set;

/* Read texts (base, then overlay if not NULL) and return the messages. */
static const char *
reads(const char *base, const char *second, const char *overlay,
      char *const *env)
{
    struct bundle_file files[3] = {
        {.name = "a.ini", .dir = "/a", .text = str_from_z(base)},
        {.name = "b.ini", .dir = "/b", .text = str_from_z(second)},
        {.name = "a.p.ini",
         .dir = "/a",
         .text = str_from_z(overlay),
         .layer = BUNDLE_OVERLAY}};
    struct diag d;
    struct bundle *b;
    const char *text;

    diag_init(&d);
    if (!arena.max_bytes)
        arena_init(&arena, NULL, 0, NULL, 1u << 24);
    b = bundle_from_memory(files, 3, env, &d);
    ck_assert_int_eq(section_read(b, &arena, &d, &set), 0);
    bundle_free(b);
    text = help_messages(&d);
    diag_fini(&d);
    return text;
}

/* The values a section gives a key, with '|' between them. */
static const char *
values(enum directive_kind kind, const char *name, const char *key)
{
    static char text[1024];
    const struct section *s = section_find(set, kind, str_from_z(name));
    const struct section_entry *e;
    size_t n = 0;

    ck_assert_ptr_nonnull(s);
    text[0] = '\0';
    for (e = s->first; e; e = e->next)
        if (!e->is_replaced && value_eq(e->key, key))
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
                                  n ? "|" : "", e->value.p);
    return text;
}

START_TEST(sections_and_keys_keep_their_place)
{
    const struct section *s;

    ck_assert_str_eq(reads("[route x]\nmatch = GET /\n", "", "", NULL), "");
    s = section_find(set, DIRECTIVE_ROUTE, str_from_z("x"));
    ck_assert_str_eq(s->title, "[route x]");
    ck_assert_str_eq(s->at.file, "a.ini");
    ck_assert_uint_eq(s->at.line, 1);
    ck_assert_uint_eq(s->first->at.line, 2);
    ck_assert_str_eq(s->first->dir, "/a");
}
END_TEST

START_TEST(an_overlay_replaces_a_key_wholesale)
{
    ck_assert_str_eq(
        reads("[server]\nlisten = :1\nlisten = :2\nworkers = 1\n"
              "[route x]\nmatch = GET /a\nmatch = GET /b\nhandler = h\n",
              "",
              "[server]\nlisten = :3\n[route x]\nmatch = GET /c\n"
              "match = GET /d\n[route y]\nmatch = GET /y\n",
              NULL),
        "");
    ck_assert_str_eq(values(DIRECTIVE_SERVER, "", "listen"), ":3");
    ck_assert_str_eq(values(DIRECTIVE_SERVER, "", "workers"), "1");
    ck_assert_str_eq(values(DIRECTIVE_ROUTE, "x", "match"), "GET /c|GET /d");
    ck_assert_str_eq(values(DIRECTIVE_ROUTE, "x", "handler"), "h");
    ck_assert_str_eq(values(DIRECTIVE_ROUTE, "y", "match"), "GET /y");
}
END_TEST

START_TEST(a_plugin_option_of_an_overlay_replaces_all_its_values)
{
    ck_assert_str_eq(reads("[plugin h]\nset = A: 1\nset = B: 2\n", "",
                           "[plugin h]\nset = C: 3\n", NULL),
                     "");
    ck_assert_str_eq(values(DIRECTIVE_PLUGIN, "h", "set"), "C: 3");
}
END_TEST

#define IGNORED "note: ETUDE_PORT names no key of [server]: ignored\n"

START_TEST(the_environment_comes_before_all_files)
{
    char *const env[] = {"ETUDE_WORKERS=9",
                         "ETUDE_LISTEN=:7,:8",
                         "ETUDE_SLAB_CAPACITY=512",
                         "ETUDE_LOG_LEVEL=",
                         "ETUDE_PORT=tcp://10.0.0.1:80",
                         "ETUDE_ENV=x",
                         "ETUDE_CONF=y",
                         "ETUDE_=z",
                         NULL};

    ck_assert_str_eq(reads("[server]\nworkers = 1\nlog_level = warn\n", "",
                           "[server]\nworkers = 2\n", env),
                     IGNORED);
    ck_assert_str_eq(values(DIRECTIVE_SERVER, "", "workers"), "9");
    ck_assert_str_eq(values(DIRECTIVE_SERVER, "", "listen"), ":7,:8");
    ck_assert_str_eq(values(DIRECTIVE_SERVER, "", "slab_capacity"), "512");
    ck_assert_str_eq(values(DIRECTIVE_SERVER, "", "log_level"), "warn");
    ck_assert_str_eq(reads("", "", "", env), IGNORED);
    ck_assert_str_eq(values(DIRECTIVE_SERVER, "", "workers"), "9");
}
END_TEST

START_TEST(repeated_sections_are_errors)
{
    ck_assert_str_eq(
        reads("[route x]\n[plugin x]\n[route x]\n", "[route x]\n",
              "[route x]\n[route x]\n", NULL),
        "a.ini:3: [route x]: this section is there already, at a.ini:1\n"
        "b.ini:1: [route x]: this section is there already, at a.ini:1\n"
        "a.p.ini:2: [route x]: this section is there already, at a.ini:1\n");
}
END_TEST

START_TEST(the_server_section_stands_once_in_a_file)
{
    ck_assert_str_eq(reads("[server]\nworkers = 1\n[plugin p]\n[server]\n",
                           "[server]\nlisten = :1\n", "[server]\nworkers = 2\n",
                           NULL),
                     "a.ini:4: [server]: this section is there already, at "
                     "a.ini:1\n");
    ck_assert_str_eq(reads("[server]\nworkers = 1\nlisten = :1\n",
                           "[server]\nlisten = :2\nworkers = 2\n", "", NULL),
                     "b.ini:3: [server] workers: given already, at a.ini:2\n");
    ck_assert_str_eq(values(DIRECTIVE_SERVER, "", "listen"), ":1|:2");
}
END_TEST

START_TEST(a_key_that_may_not_repeat_is_an_error_twice)
{
    ck_assert_str_eq(reads("[route x]\nhandler = a\nmatch = GET /\n"
                           "handler = b\nmatch = GET /b\n",
                           "", "", NULL),
                     "a.ini:4: [route x] handler: given already, at a.ini:2\n");
}
END_TEST

START_TEST(unknown_and_misnamed_sections_are_errors)
{
    ck_assert_str_eq(
        reads("[sever]\na = 1\n[route]\n[server x]\n[plugin a b]\n"
              "[route a.b]\n[thing y]\n[Route x]\n",
              "", "", NULL),
        "a.ini:1: [sever]: expected [server], [listen NAME], [route NAME], "
        "[scope NAME] or [plugin NAME]; did you mean \"server\"?\n"
        "a.ini:3: [route]: expected [route NAME]\n"
        "a.ini:4: [server x]: [server] has no name\n"
        "a.ini:5: [plugin a b]: a name is made of letters, digits, '-' and "
        "'_', begins with a letter or digit and has at most 64 bytes\n"
        "a.ini:6: [route a.b]: a name is made of letters, digits, '-' and "
        "'_', begins with a letter or digit and has at most 64 bytes\n"
        "a.ini:7: [thing y]: expected [server], [listen NAME], [route NAME], "
        "[scope NAME] or [plugin NAME]\n"
        "a.ini:8: [Route x]: expected [server], [listen NAME], [route NAME], "
        "[scope NAME] or [plugin NAME]; did you mean \"route\"?\n");
}
END_TEST

START_TEST(variables_are_expanded_and_secrets_marked)
{
    char *const env[] = {"N=4", NULL};
    const struct section *s;

    ck_assert_str_eq(reads("[server]\nworkers = ${N}\nlog = ${X}\n"
                           "[plugin p]\nkey = ${file:/dev/null}\n",
                           "", "", env),
                     "a.ini:3: [server] log: the environment variable X is "
                     "not set (${X:-default} gives it a default)\n");
    ck_assert_str_eq(values(DIRECTIVE_SERVER, "", "workers"), "4");
    s = section_find(set, DIRECTIVE_PLUGIN, str_from_z("p"));
    ck_assert_int_eq(s->first->is_secret, 1);
}
END_TEST

START_TEST(a_section_has_a_bound)
{
    static char text[SECTION_MAX_ENTRIES * 12];
    size_t i, n;

    n = (size_t)snprintf(text, sizeof(text), "[plugin p]\n");
    for (i = 0; i < SECTION_MAX_ENTRIES + 3; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "k%zu=\n", i);
    ck_assert_str_eq(reads(text, "", "", NULL),
                     "a.ini:4098: [plugin p] k4096: this section has 4096 keys "
                     "already, more are not read\n"
                     "a.ini:4099: [plugin p] k4097: this section has 4096 keys "
                     "already, more are not read\n"
                     "a.ini:4100: [plugin p] k4098: this section has 4096 keys "
                     "already, more are not read\n");
}
END_TEST

START_TEST(ten_thousand_sections_are_no_burden)
{
    static char text[1u << 20];
    size_t i, n = 0;

    for (i = 0; i < 10000; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              "[route r%zu]\nmatch = GET /%zu\n", i, i);
    ck_assert_str_eq(reads(text, "", "", NULL), "");
    ck_assert_uint_eq(set->n[DIRECTIVE_ROUTE], 10000);
}
END_TEST

UNIT_MAIN(section, sections_and_keys_keep_their_place,
          an_overlay_replaces_a_key_wholesale,
          a_plugin_option_of_an_overlay_replaces_all_its_values,
          the_environment_comes_before_all_files, repeated_sections_are_errors,
          the_server_section_stands_once_in_a_file,
          a_key_that_may_not_repeat_is_an_error_twice,
          unknown_and_misnamed_sections_are_errors,
          variables_are_expanded_and_secrets_marked, a_section_has_a_bound,
          ten_thousand_sections_are_no_burden)
