/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of plugins: layers, types, faults, identity. */
#include "conf/option.h"

#include "base/err.h"
#include "help.h"
#include "t/lib/unit.h"

struct all {
    et_str word;
    int64_t times, is_on, size, time, choice;
    et_str path;
    et_rate rate;
    et_list list, headers;
    et_field header;
    int64_t checked;
};

static const char *refusal;

static int32_t
check(void *options, et_err *e)
{
    struct all *o = options;

    o->checked = 1;
    if (!refusal)
        return 0;
    e->n = strlen(refusal);
    memcpy(e->p, refusal, e->n < e->cap ? e->n : e->cap);
    return -1;
}

/* clang-format off */
#define OPT(t, f, fl, d, ch, lo, hi)                                           \
    { sizeof(et_opt), ET_O_##t, offsetof(struct all, f), fl, #f, d,            \
      "help of " #f, ch, lo, hi }

static const et_opt rows[] = {
    OPT(STR, word, 0, "Hello", NULL, 0, 0),
    OPT(INT, times, 0, "3", NULL, 1, 10),
    OPT(BOOL, is_on, 0, "no", NULL, 0, 0),
    OPT(SIZE, size, 0, "64k", NULL, 0, 0),
    OPT(TIME, time, 0, "5s", NULL, 0, 0),
    OPT(CHOICE, choice, 0, "json", "common|json", 0, 0),
    OPT(PATH, path, 0, "data", NULL, 0, 0),
    OPT(RATE, rate, 0, "100/s", NULL, 0, 0),
    OPT(LIST, list, 0, NULL, NULL, 0, 0),
    OPT(HEADERS, headers, 0, NULL, NULL, 0, 0),
    OPT(HEADER, header, 0, "X-A: b", NULL, 0, 0),
};
/* clang-format on */

static const et_optdef all = {{sizeof(et_optdef), ET_I_OPTIONS, 0, 0, NULL},
                              rows,
                              ARRAY_LEN(rows),
                              sizeof(struct all),
                              check};

/* A table of one row. */
static et_optdef
one(const et_opt *row)
{
    return (et_optdef){
        {sizeof(et_optdef), ET_I_OPTIONS, 0, 0, NULL}, row, 1, 64, NULL};
}

static struct arena arena;
static struct diag d;

/* Fill from the [plugin p] and, if given, [route r] and [scope s] of a text. */
static struct all *
fill(const et_optdef *def, const char *text)
{
    struct option_target t = {.instance = str_from_z("p"),
                              .section = "[plugin p]",
                              .at = {"a.ini", 1},
                              .dir = "/etc/x"};
    struct conf_entries layers[3];
    struct diag parse;
    struct conf *c;
    void *out;
    size_t n = 0;
    int rc;

    if (!arena.max_bytes)
        arena_init(&arena, NULL, 0, NULL, 1u << 22);
    diag_init(&parse);
    c = help_conf(text, NULL, &parse);
    ck_assert_str_eq(help_messages(&parse), "");
    if (c->n_routes)
        layers[n++] = c->routes[0].options;
    if (c->n_scopes)
        layers[n++] = c->scopes[0].options;
    layers[n++] = c->plugins[0].options;
    diag_init(&d);
    rc = option_fill(&arena, def, &t, layers, n, &d, &out);
    ck_assert(rc == 0 || rc == ERR_INVALID);
    ck_assert_int_eq(rc == 0, d.n_errors == 0);
    ck_assert(rc == 0 || out == NULL);
    conf_free(c);
    return out;
}

#define ROUTE "[route r]\nmatch = GET /\nhandler = p\n"
#define SCOPE "[scope s]\nmatch = /*\n"

START_TEST(defaults_fill_the_struct)
{
    struct all *o = fill(&all, "[plugin p]\n");

    help_expect(&d, "");
    ck_assert_str_eq(o->word.p, "Hello");
    ck_assert(o->times == 3 && o->is_on == 0 && o->size == 65536);
    ck_assert(o->time == 5000 && o->choice == 1 && o->checked == 1);
    ck_assert_str_eq(o->path.p, "/etc/x/data");
    ck_assert(o->rate.count == 100 && o->rate.per_ms == 1000);
    ck_assert_uint_eq(o->list.n + o->headers.n, 0);
    ck_assert_str_eq(o->header.name.p, "X-A");
    ck_assert_str_eq(o->header.value.p, "b");
}
END_TEST

START_TEST(a_route_comes_before_a_scope_before_the_section)
{
    struct all *o = fill(&all, "[plugin p]\nword = a\ntimes = 1\nsize = 1k\n"
                               "list = a\nlist = b\n" SCOPE
                               "p.word = s\np.times = 2\np.list = c\n" ROUTE
                               "p.word = r\n");

    help_expect(&d, "");
    ck_assert_str_eq(o->word.p, "r");
    ck_assert_int_eq(o->times, 2);
    ck_assert_int_eq(o->size, 1024);
    ck_assert_uint_eq(o->list.n, 1); /* the lower list replaces the upper */
    ck_assert_str_eq(o->list.v[0].p, "c");
}
END_TEST

START_TEST(lists_keep_their_order_and_can_be_emptied)
{
    struct all *o = fill(&all, "[plugin p]\nlist = x, y\nlist = z\n"
                               "headers = A: 1\nheaders = B: 2\n");

    ck_assert_uint_eq(o->list.n, 2);
    ck_assert_str_eq(o->list.v[0].p, "x, y");
    ck_assert_str_eq(o->list.v[1].p, "z");
    ck_assert_str_eq(o->headers.v[1].p, "B: 2");
    o = fill(&all, "[plugin p]\nlist = x\n" ROUTE "p.list =\n");
    help_expect(&d, "");
    ck_assert_uint_eq(o->list.n, 0);
}
END_TEST

START_TEST(faults_have_place_section_and_key)
{
    fill(&all,
         "[plugin p]\ntimes = 11\nsize = x\nwrod = 1\nheaders = bad\n"
         "choice = jso\nword = a\nword = b\n" ROUTE "p.time = 5\np.rat = 1\n");
    help_expect(&d,
                "a.ini:13: [route r] p.rat: the plugin has no such option; did "
                "you mean \"rate\"?\n"
                "a.ini:4: [plugin p] wrod: the plugin has no such option; did "
                "you mean \"word\"?\n"
                "a.ini:8: [plugin p] word: given already, at a.ini:7\n"
                "a.ini:2: [plugin p] times: expected a whole number, from 1 to "
                "10, found \"11\"\n"
                "a.ini:3: [plugin p] size: expected a size such as 4096, 64k "
                "or 1MiB, found \"x\"\n"
                "a.ini:12: [route r] p.time: expected a time such as 250ms, "
                "10s, 5m, 2h or 1d, found \"5\"\n"
                "a.ini:6: [plugin p] choice: expected common or json, found "
                "\"jso\"; did you mean \"json\"?\n"
                "a.ini:5: [plugin p] headers: expected a header field \"Name: "
                "value\", found \"bad\"\n");
    diag_fini(&d);
}
END_TEST

/* It would come out when the route's own value goes. */
START_TEST(a_value_that_is_hidden_has_to_be_good_too)
{
    fill(&all, "[plugin p]\ntimes = 11\nheaders = bad\n" ROUTE
               "p.times = 5\np.headers = A: b\n");
    help_expect(&d, "a.ini:2: [plugin p] times: expected a whole number, from "
                    "1 to 10, found \"11\"\n"
                    "a.ini:3: [plugin p] headers: expected a header field "
                    "\"Name: value\", found \"bad\"\n");
    diag_fini(&d);
}
END_TEST

START_TEST(required_is_checked_on_what_is_effective)
{
    const et_opt row = {sizeof(et_opt),
                        ET_O_STR,
                        0,
                        ET_O_REQUIRED,
                        "key",
                        NULL,
                        "what X-Api-Key must be",
                        NULL,
                        0,
                        0};
    et_optdef def = one(&row);

    fill(&def, "[plugin p]\n");
    help_expect(&d, "a.ini:1: [plugin p] key: missing; what X-Api-Key must "
                    "be\n");
    diag_fini(&d);
    ck_assert_ptr_nonnull(fill(&def, "[plugin p]\n" ROUTE "p.key = k\n"));
}
END_TEST

START_TEST(secrets_are_masked)
{
    const et_opt row = {sizeof(et_opt), ET_O_INT, 0,    ET_O_SECRET, "pin",
                        NULL,           "pin",    NULL, 0,           0};
    et_optdef def = one(&row);

    fill(&def, "[plugin p]\npin = hunter2\n");
    help_expect(&d, "a.ini:2: [plugin p] pin: expected a whole number, found "
                    "something else (secret)\n");
    diag_fini(&d);
}
END_TEST

START_TEST(the_plugin_may_refuse)
{
    static char longest[2000];

    refusal = "word and times do not go together";
    fill(&all, "[plugin p]\n");
    help_expect(&d, "a.ini:1: [plugin p]: word and times do not go together\n");
    diag_fini(&d);
    refusal = "";
    fill(&all, "[plugin p]\n");
    help_expect(&d, "a.ini:1: [plugin p]: the plugin refuses these options\n");
    diag_fini(&d);
    memset(longest, 'x', sizeof(longest) - 1);
    refusal = longest;
    fill(&all, "[plugin p]\n");
    refusal = NULL;
    ck_assert_uint_eq(d.n_errors, 1);
    diag_fini(&d);
}
END_TEST

/* One that begins with a key is about that option, where the ini has it. */
START_TEST(a_refusal_may_name_an_option)
{
    static const char ini[] = "[plugin p]\nword = a\nlist =\nlist = x\n"
                              "list = y\n" ROUTE "p.headers = A: b\n";
    static const struct {
        const char *refusal, *said;
    } cases[] = {
        {"word: too short", "a.ini:2: [plugin p] word: too short\n"},
        {"word[0]: too short", "a.ini:2: [plugin p] word: too short\n"},
        {"list: no", "a.ini:4: [plugin p] list: no\n"},
        {"list[1]: no", "a.ini:5: [plugin p] list: no\n"},
        {"headers[0]: no", "a.ini:9: [route r] p.headers: no\n"},
        /* It has no line, or is no key: as any refusal. */
        {"times: odd", "a.ini:1: [plugin p]: times: odd\n"},
        {"list[2]: no", "a.ini:1: [plugin p]: list[2]: no\n"},
        {"list[1: no", "a.ini:1: [plugin p]: list[1: no\n"},
        {"list[99999999999999999999999999]: no",
         "a.ini:1: [plugin p]: list[99999999999999999999999999]: no\n"},
        {"wor: no", "a.ini:1: [plugin p]: wor: no\n"},
        {"words: no", "a.ini:1: [plugin p]: words: no\n"},
        {"word:no", "a.ini:1: [plugin p]: word:no\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        refusal = cases[i].refusal;
        fill(&all, ini);
        help_expect(&d, cases[i].said);
        diag_fini(&d);
    }
    refusal = NULL;
}
END_TEST

START_TEST(a_plugin_without_options_takes_none)
{
    ck_assert_ptr_null(fill(NULL, "[plugin p]\n"));
    help_expect(&d, "");
    fill(NULL, "[plugin p]\nk = v\n");
    help_expect(&d, "a.ini:2: [plugin p] k: the plugin has no such option\n");
    diag_fini(&d);
}
END_TEST

START_TEST(other_instances_are_left_alone)
{
    struct all *o = fill(&all, "[plugin p]\n[plugin q]\n" ROUTE
                               "use = q\nq.whatever = 1\np.times = 4\n");

    help_expect(&d, "");
    ck_assert_int_eq(o->times, 4);
}
END_TEST

START_TEST(rows_of_a_newer_header_are_stepped_over)
{
    struct {
        et_opt row;
        uint64_t more[2];
    } wide[2] = {
        {{sizeof(wide[0]), ET_O_INT, 0, 0, "a", "1", "", NULL, 0, 0}, {9, 9}},
        {{sizeof(wide[0]), ET_O_INT, 8, 0, "b", "2", "", NULL, 0, 0}, {9, 9}}};
    et_optdef def = one(&wide[0].row);
    char why[128] = "";
    int64_t *o;

    def.n = 2;
    ck_assert_msg(option_check_table(&def, why, sizeof(why)) == 0, "%s", why);
    o = (int64_t *)(void *)fill(&def, "[plugin p]\nb = 7\n");
    ck_assert(o[0] == 1 && o[1] == 7);
}
END_TEST

START_TEST(tables_that_are_wrong_are_refused)
{
#define ROW(t, off, fl, key, dflt, ch, lo, hi)                                 \
    {                                                                          \
        sizeof(et_opt), t, off, fl, key, dflt, "h", ch, lo, hi                 \
    }
    static const struct {
        et_opt row;
        const char *why;
    } bad[] = {
        {ROW(99, 0, 0, "k", NULL, NULL, 0, 0), "needs a newer server"},
        {ROW(ET_O_INT, 0, 0x8000, "k", NULL, NULL, 0, 0),
         "has flags 0x8000: it needs a newer server"},
        {ROW(ET_O_INT, 60, 0, "k", NULL, NULL, 0, 0), "outside its struct"},
        {ROW(ET_O_INT, 4, 0, "k", NULL, NULL, 0, 0), "outside its struct"},
        {ROW(ET_O_HEADER, 56, 0, "k", NULL, NULL, 0, 0), "outside its struct"},
        {ROW(ET_O_INT, 4294967288u, 0, "k", NULL, NULL, 0, 0),
         "outside its struct"},
        {ROW(ET_O_INT, 0, 0, NULL, NULL, NULL, 0, 0), "no key"},
        {ROW(ET_O_INT, 0, 0, "a b", NULL, NULL, 0, 0), "no key"},
        {ROW(ET_O_INT, 0, 0, "use", NULL, NULL, 0, 0), "[plugin] has this"},
        {ROW(ET_O_INT, 0, 0, "k", "x", NULL, 0, 0), "default of option k"},
        {ROW(ET_O_INT, 0, 0, "k", "5", NULL, 1, 4), "default of option k"},
        {ROW(ET_O_INT, 0, 0, "k", NULL, NULL, 4, 1), "min above max"},
        {ROW(ET_O_CHOICE, 0, 0, "k", NULL, NULL, 0, 0), "no choices"},
        {ROW(ET_O_STR, 0, ET_O_REQUIRED, "k", "x", NULL, 0, 0), "required and"},
        {{8, 0, 0, 0, "k", NULL, "h", NULL, 0, 0}, "too small"},
    };
    et_opt twice[2] = {ROW(ET_O_INT, 0, 0, "k", NULL, NULL, 0, 0),
                       ROW(ET_O_INT, 8, 0, "k", NULL, NULL, 0, 0)};
    char why[256];
    et_optdef def;
    size_t i;

    for (i = 0; i < ARRAY_LEN(bad); i++) {
        def = one(&bad[i].row);
        ck_assert_int_eq(option_check_table(&def, why, sizeof(why)),
                         ERR_INVALID);
        ck_assert_msg(strstr(why, bad[i].why) != NULL, "%zu: %s", i, why);
    }
    def = one(twice);
    def.n = 2;
    ck_assert_int_eq(option_check_table(&def, why, sizeof(why)), ERR_INVALID);
    ck_assert_str_eq(why, "option k is declared twice");
    ck_assert_int_eq(option_check_table(NULL, why, sizeof(why)), 0);
    ck_assert_int_eq(option_check_table(&all, why, sizeof(why)), 0);
}
END_TEST

static et_str
key_of(const char *text)
{
    et_str key;
    struct all *o = fill(&all, text);

    ck_assert_int_eq(option_key(&arena, &all, o, &key), 0);
    return key;
}

START_TEST(equal_options_have_equal_keys)
{
    et_str base = key_of("[plugin p]\n");

    ck_assert(str_eq(base, key_of("[plugin p]\nword = Hello\ntimes = 3\n")));
    ck_assert(
        str_eq(base, key_of("[plugin p]\ntimes = 1\n" ROUTE "p.times = 3\n")));
    ck_assert(!str_eq(base, key_of("[plugin p]\nword = Hellp\n")));
    ck_assert(!str_eq(base, key_of("[plugin p]\ntimes = 4\n")));
    ck_assert(!str_eq(base, key_of("[plugin p]\nrate = 100/m\n")));
    ck_assert(!str_eq(base, key_of("[plugin p]\nheader = X-A: c\n")));
    ck_assert(!str_eq(key_of("[plugin p]\nlist = a\nlist = b\n"),
                      key_of("[plugin p]\nlist = ab\n")));
    ck_assert(!str_eq(key_of("[plugin p]\nlist = a\nlist = b\n"),
                      key_of("[plugin p]\nlist = a\nheaders = b:\n")));
    ck_assert(!str_eq(base, key_of("[plugin p]\nlist = \"\"\nlist = a\n")));
}
END_TEST

START_TEST(a_key_changes_with_the_file_a_path_leads_to)
{
    char text[128];
    et_str before, same, after;

    help_enter();
    fixture_file("f", "one");
    snprintf(text, sizeof(text), "[plugin p]\npath = %s/f\n", fixture_dir);
    before = key_of(text);
    same = key_of(text);
    ck_assert(str_eq(before, same));
    fixture_file("f", "longer");
    after = key_of(text);
    ck_assert(!str_eq(before, after));
    ck_assert_int_eq(unlink("f"), 0);
    ck_assert(!str_eq(after, key_of(text)));
    help_leave();
}
END_TEST

START_TEST(a_tree_counts_as_a_whole_and_has_a_bound)
{
    const et_opt row = {sizeof(et_opt), ET_O_PATH, 0,    ET_O_TREE, "root",
                        NULL,           "h",       NULL, 0,         0};
    et_optdef def = one(&row);
    char text[128];
    et_str before, after;

    help_enter();
    fixture_file("sub/f", "one");
    snprintf(text, sizeof(text), "[plugin p]\nroot = %s\n", fixture_dir);
    ck_assert_int_eq(option_key(&arena, &def, fill(&def, text), &before), 0);
    fixture_file("sub/f", "longer");
    ck_assert_int_eq(option_key(&arena, &def, fill(&def, text), &after), 0);
    ck_assert(!str_eq(before, after));
    help_leave();
}
END_TEST

/* What option i of the table shows. */
static const char *
shown(const struct all *o, uint32_t i)
{
    static char text[128];
    et_str s = option_text(&arena, &all, i, o);

    snprintf(text, sizeof text, "%.*s", (int)s.n, s.p);
    return text;
}

START_TEST(values_are_shown_as_they_are_effective)
{
    static const char *const texts[] = {
        "Hello",  "3",          "yes",      "65536",
        "5000ms", "common",     "/etc/x/f", "6000 per 60000ms",
        "a, b",   "A: 1, B: 2", "X-A: b"};
    struct all *o = fill(&all, "[plugin p]\nis_on = yes\nchoice = common\n"
                               "path = /etc/x/f\nrate = 6000/m\nlist = a\n"
                               "list = b\nheaders = A: 1\nheaders = B: 2\n");

    ck_assert_ptr_nonnull(o);
    for (uint32_t i = 0; i < ARRAY_LEN(texts); i++)
        ck_assert_str_eq(shown(o, i), texts[i]);
    o->choice = 2; /* what no ini can say */
    ck_assert_str_eq(shown(o, 5), "?");
    o->choice = 1;
    ck_assert_str_eq(shown(o, 5), "json");
}
END_TEST

START_TEST(a_secret_is_shown_as_stars)
{
    static const et_opt row = {
        sizeof(et_opt), ET_O_STR, 0,    ET_O_SECRET, "key",
        NULL,           "a key",  NULL, 0,           0};
    const et_optdef def = one(&row);
    const et_str key = str_from_z("sesame");
    et_str s = option_text(&arena, &def, 0, &key);

    ck_assert(str_eq(s, str_from_z("***")));
}
END_TEST

START_TEST(entries_of_an_instance_are_found)
{
    const struct conf_entry v = {.instance = {"p", 1}};
    const struct conf_entries layers[] = {{NULL, 0}, {&v, 1}};

    ck_assert(option_any(str_from_z("p"), layers, 2));
    ck_assert(!option_any(str_from_z("q"), layers, 2));
    ck_assert(!option_any(str_from_z("p"), layers, 1));
}
END_TEST

UNIT_MAIN(option, defaults_fill_the_struct,
          a_route_comes_before_a_scope_before_the_section,
          lists_keep_their_order_and_can_be_emptied,
          faults_have_place_section_and_key,
          a_value_that_is_hidden_has_to_be_good_too,
          required_is_checked_on_what_is_effective, secrets_are_masked,
          the_plugin_may_refuse, a_refusal_may_name_an_option,
          a_plugin_without_options_takes_none, other_instances_are_left_alone,
          rows_of_a_newer_header_are_stepped_over,
          tables_that_are_wrong_are_refused, equal_options_have_equal_keys,
          a_key_changes_with_the_file_a_path_leads_to,
          a_tree_counts_as_a_whole_and_has_a_bound,
          values_are_shown_as_they_are_effective, a_secret_is_shown_as_stars,
          entries_of_an_instance_are_found)
