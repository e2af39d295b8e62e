/* SPDX-License-Identifier: BSD-2-Clause */
/* build.c - plugins are built with nothing but the header and a compiler.
 *
 * Each build in the table is compiled while the test runs, as an author would
 * outside of the tree, loaded, and its declarations counted.  Compilers and
 * linkers that are not installed are skipped. */
#include "abi/etude_abi.h"

#include <dlfcn.h>
#include <stdarg.h>

#include "t/lib/fixture.h"

#define UNIT_SECONDS 300
#include "t/lib/unit.h"

#define N_KINDS (ET_I_METRIC + 1)
#define STRICT "-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Werror "
#define ENTRY "et_plugins_v1"
#define HIDDEN "-fvisibility=hidden "
#define HIDDEN_CXX HIDDEN "-fvisibility-inlines-hidden "
#define GC "-ffunction-sections -fdata-sections -Wl,--gc-sections "

struct expected {
    const char *sources; /* in t/fixtures */
    const char *id;
    uint32_t counts[N_KINDS]; /* by ET_I_* */
};

static const struct expected full = {
    "full.c", "org.example.full", {1, 7, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 1, 3}};
static const struct expected pair = {
    "pair/a.c pair/b.c", "org.example.pair", {1, 2, [ET_I_OPTIONS] = 1}};
static const struct expected split = {
    "split/a.c split/b.c", "org.example.split", {1, 1}};
static const struct expected throws = {
    "throws.cc",
    "org.example.throws",
    {1, 3, [ET_I_INSTANCE] = 1, [ET_I_STATE] = 1}};

/* clang-format off */
static const struct {
    const struct expected *what;
    const char *compiler, *flags;
} builds[] = {
    {&full, "cc",      ""},
    {&full, "gcc",     "-std=c11 " STRICT},
    {&full, "gcc",     "-O2 -flto"},
    {&full, "gcc",     "-Os"},
    {&full, "gcc",     "-O2 -s " GC},
    {&full, "gcc",     "-O2 -flto " GC},
    {&full, "gcc",     "-fuse-ld=gold " GC},
    {&full, "clang",   "-std=c11 " STRICT},
    {&full, "clang",   "-fuse-ld=lld " GC},
    {&full, "g++",     "-x c++ -std=c++11 " STRICT},
    {&full, "g++",     "-x c++ -std=c++20 -O2 " GC},
    {&full, "clang++", "-x c++ -std=c++11 " STRICT},
    {&pair, "cc",      ""},
    {&pair, "gcc",     "-O2 -flto"},
    {&pair, "gcc",     "-O2 " GC},
    {&pair, "clang",   "-O2 " GC},
    {&pair, "clang",   "-fuse-ld=lld " GC},
    {&pair, "g++",     "-x c++ -std=c++11 -O2 -flto " GC},
    {&split, "cc",     HIDDEN},
    {&split, "gcc",    HIDDEN "-O2 -flto"},
    {&split, "gcc",    HIDDEN "-O2 " GC},
    {&split, "clang",  HIDDEN "-fuse-ld=lld " GC},
    {&split, "g++",    HIDDEN "-x c++ -std=c++11 -O2 -flto"},
    {&split, "cc",     "-Wl,--version-script=../../core/abi/etude.map"},
    {&throws, "g++",   HIDDEN_CXX "-std=c++11 -fno-gnu-unique"},
    {&throws, "g++",   HIDDEN_CXX "-std=c++11 -fno-gnu-unique -O2 -flto " GC},
    {&throws, "clang++", HIDDEN_CXX "-std=c++11"},
};
/* clang-format on */

/* Run a shell command, as printf; 1 if it succeeds. */
__attribute__((format(printf, 1, 2))) static int
run(const char *format, ...)
{
    static char command[4 * PATH_MAX];
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(command, sizeof command, format, ap);
    va_end(ap);
    ck_assert_int_lt(n, (int)sizeof command);
    return fixture_run(command) == 0;
}

static int
has_compiler(const char *compiler, const char *flags)
{
    if (!run("command -v %s >/dev/null", compiler))
        return 0;
    return !strstr(flags, "-fuse-ld=") ||
           run("echo 'int x;' | %s -shared -fPIC -x c - %s -o %s >/dev/null "
               "2>&1",
               compiler, flags, fixture_path("probe.so"));
}

/* Compile sources of t/fixtures into <dir>/name; the path. */
static const char *
build(const char *compiler, const char *flags, const char *sources,
      const char *name)
{
    const char *out = fixture_path(name);

    ck_assert_msg(run("rm -f %s; cd %s/fixtures && %s -shared -fPIC "
                      "-I../../core/abi %s -Wl,-z,defs %s -o %s",
                      out, fixture_sources(), compiler, flags, sources, out),
                  "%s %s %s", compiler, flags, sources);
    return out;
}

static const et_plugin *
load(const char *path, void **handle)
{
    const et_plugin *const *plugins;

    *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(*handle != NULL, "%s", *handle ? "" : dlerror());
    plugins = (const et_plugin *const *)dlsym(*handle, "et_plugins_v1");
    ck_assert_ptr_nonnull(plugins);
    ck_assert_ptr_nonnull(plugins[0]);
    ck_assert_ptr_null(plugins[1]);
    return plugins[0];
}

static void
check_items(const et_plugin *plugin, const struct expected *want)
{
    uint32_t counts[N_KINDS] = {0};

    ck_assert_str_eq(plugin->id, want->id);
    ck_assert_uint_eq(plugin->major, ET_ABI_MAJOR);
    for (const void *const *at = plugin->items; at < plugin->items_end; at++) {
        const et_item *item = *at;
        ck_assert_ptr_nonnull(item);
        ck_assert_uint_lt(item->kind, N_KINDS);
        ck_assert_uint_ge(item->size, sizeof *item);
        ck_assert_uint_gt(item->line, 0);
        ck_assert_ptr_nonnull(strstr(want->sources, item->file));
        counts[item->kind]++;
    }
    for (uint32_t kind = 0; kind < N_KINDS; kind++)
        ck_assert_msg(counts[kind] == want->counts[kind],
                      "%u items of kind %u, not %u", counts[kind], kind,
                      want->counts[kind]);
}

/* nm -D prints these names, in their order, and nothing else of ours.  Linkers
 * add symbols that say where sections begin and end. */
static void
check_exports(const char *path, const char *names)
{
    ck_assert(
        run("test \"$(nm -D --defined-only %s | sed 's/.* //' | grep -vxE "
            "'__start_et_items|__stop_et_items|__bss_start|_edata|_end' | "
            "LC_ALL=C sort | xargs)\" = '%s'",
            path, names));
}

static void
check_note(const char *path)
{
    ck_assert(
        run("readelf -nW %s 2>/dev/null | grep -q '^  Etude  *0x'", path));
}

START_TEST(every_way_to_build_yields_the_same_declarations)
{
    void *handle;

    for (size_t i = 0; i < sizeof builds / sizeof builds[0]; i++) {
        const char *path;
        if (!has_compiler(builds[i].compiler, builds[i].flags))
            continue;
        path = build(builds[i].compiler, builds[i].flags,
                     builds[i].what->sources, "plugin.so");
        check_items(load(path, &handle), builds[i].what);
        dlclose(handle);
        check_exports(path, ENTRY);
        check_note(path);
    }
}
END_TEST

/* What plugins/README.md warns of: nothing but a flag hides them. */
START_TEST(functions_of_several_files_show_unless_they_are_hidden)
{
    static const char *const flags[] = {"", "-O2 -flto", "-O2 " GC};

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        check_exports(build("cc", flags[i], split.sources, "split.so"),
                      ENTRY " hdestroy insque lfind remque");
}
END_TEST

static char failed_with[200];

static uint32_t
fail_step(et_req *r, const char *p, size_t n)
{
    (void)r;
    snprintf(failed_with, sizeof failed_with, "%.*s", (int)n, p);
    return ET_FAIL;
}

static const void *
item(const et_plugin *plugin, uint32_t kind, const char *route)
{
    for (const void *const *at = plugin->items; at < plugin->items_end; at++) {
        const et_item *it = *at;
        const et_route *r = *at;
        if (it->kind == kind && (!route || strcmp(r->name, route) == 0))
            return it;
    }
    ck_abort_msg("no item of kind %u", kind);
}

START_TEST(what_cxx_throws_stays_in_the_plugin)
{
    static const et_http http = {.size = sizeof http, .fail = fail_step};
    et_req r = {.http = &http, .path = {"/known", 6}};
    et_worker w = {.index = 0};
    char why[100];
    et_err e = {why, sizeof why, 0};
    const et_statedef *state;
    const et_plugin *plugin;
    void *handle, *object;

    if (!has_compiler("c++", ""))
        return;
    plugin = load(build("c++",
                        "-std=c++11 -Wl,--version-script=../../core/"
                        "abi/etude.map " STRICT,
                        throws.sources, "throws.so"),
                  &handle);
    check_items(plugin, &throws);
    check_exports(fixture_path("throws.so"), ENTRY);
    state = item(plugin, ET_I_STATE, NULL);
    object = calloc(1, state->state_size);
    ck_assert_ptr_nonnull(object);
    ck_assert_int_eq(state->init(&w, NULL, object, &e), 0);
#define ROUTE(name) ((const et_route *)item(plugin, ET_I_ROUTE, name))
    ck_assert_uint_eq(ROUTE("fine")->fn(&r, object), ET_NEXT);
    ck_assert_uint_eq(ROUTE("known")->fn(&r, object), ET_FAIL);
    ck_assert_str_eq(failed_with, "exception: /known");
    ck_assert_uint_eq(ROUTE("unknown")->fn(&r, object), ET_FAIL);
    ck_assert_str_eq(failed_with, "exception of an unknown type");
    state->exit(&w, object);
    w.index = 1;
    ck_assert_int_eq(state->init(&w, NULL, object, &e), ET_EINVAL);
    ck_assert_str_eq(why, "exception: not on worker 1");
    free(object);
    dlclose(handle);
}
END_TEST

/* clang-format off */
static const struct {
    const char *source, *flags;
    int compiles;
} sources[] = {
    {"struct o { int64_t n; };"
     "ET_OPTIONS(struct o, NULL, ET_OPT_INT(n, \"1\", 0, 0, \"\"));", "", 1},
    {"struct o { int n; };"
     "ET_OPTIONS(struct o, NULL, ET_OPT_INT(n, \"1\", 0, 0, \"\"));", "", 0},
    {"struct o { et_list n; };"
     "ET_OPTIONS(struct o, NULL, ET_OPT_STR(n, \"1\", 0, \"\"));", "", 0},
    {"struct o { int64_t n; };"
     "ET_OPTIONS(struct o, NULL, ET_OPT_INT(n, 1, 0, 0, \"\"));", "", 0},
    {"struct o { et_str a, b, c; }; static const char text[] = \"x\";"
     "ET_OPTIONS(struct o, NULL, ET_OPT_STR(a, NULL, 0, NULL),"
     "ET_OPT_STR(b, text, 0, text), ET_OPT_STR(c, \"a\" \"b\", 0, \"\"));",
     STRICT "-Wwrite-strings", 1},
    {"ET_PLUGIN(\"123456789012345678901234567890123456789012345678901234567890"
     "123\", \"1\");", "", 1},
    {"ET_PLUGIN(\"123456789012345678901234567890123456789012345678901234567890"
     "1234\", \"1\");", "", 0},
    {"ET_GET(\"/\", f) { return et_text(r, 200, \"%d\", 1); }", "", 1},
    {"ET_GET(\"/\", f) { return et_text(r, 200, \"%s\", 1); }",
     "-Werror=format", 0},
    {"", "-DET_NEED=0", 1},
    {"", "-DET_NEED=1", 1},
    {"ET_RESPONSE(f) { return et_watch(r) < 0 ? ET_FAIL : ET_NEXT; }",
     "-DET_NEED=1", 1},
    {"ET_RESPONSE(f) { return et_watch(r) < 0 ? ET_FAIL : ET_NEXT; }",
     "-Werror=implicit-function-declaration", 0},
    {"", "-DET_NEED=99", 0},
};
/* clang-format on */

static void
write_source(const char *text)
{
    FILE *f = fopen(fixture_path("source.c"), "w");

    ck_assert_ptr_nonnull(f);
    fprintf(f, "#include <etude.h>\n%s\n", text);
    fclose(f);
}

START_TEST(what_cannot_work_does_not_compile)
{
    static const char *const languages[][2] = {
        {"cc", "-std=c11"},
        {"clang", "-std=c17"},
        {"c++", "-x c++ -std=c++11"},
        {"clang++", "-x c++ -std=c++20"}};

    for (size_t k = 0; k < sizeof languages / sizeof languages[0]; k++) {
        if (!has_compiler(languages[k][0], ""))
            continue;
        for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
            write_source(sources[i].source);
            ck_assert_msg(run("%s %s -fsyntax-only -I%s/../core/abi %s %s "
                              ">/dev/null 2>&1",
                              languages[k][0], languages[k][1],
                              fixture_sources(), sources[i].flags,
                              fixture_path("source.c")) == sources[i].compiles,
                          "%s: %s", languages[k][0], sources[i].source);
        }
    }
}
END_TEST

/* Declarations that the server refuses, and what the mock host says. */
START_TEST(what_cannot_be_loaded_the_mock_refuses)
{
    static const char *const rows[][2] = {
        {"ET_ROUTE(\"GET\", \"/\", f, ET_B_STREAM, NULL) { return ET_NEXT; }",
         "flags that are refused: f"},
        {"ET_STEP_(ET_I_RESPONSE, g, ET_F_TASK) { return ET_NEXT; }",
         "flags that are refused: g"},
        {"struct o { et_str s; };"
         "ET_OPTIONS(struct o, NULL, ET_OPT_STR(s, NULL, 0x8000, NULL));",
         "flags that are refused: s"},
        {"ET_COUNTER(m_total, NULL, \"help\");",
         "an ending the server adds: m_total"},
        {"ET_HISTOGRAM(m, NULL, \"help\", 2, 2);", "bounds do not ascend: m"},
    };
    char text[1024];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text,
                 "%s\nET_PLUGIN(\"org.example.x\", \"1\");\n"
                 "#include <etude_test.h>\n"
                 "int main(void) { return et_test_open() == 0 ||"
                 " strcmp(et_test_why(), \"%s\") != 0; }",
                 rows[i][0], rows[i][1]);
        write_source(text);
        ck_assert_msg(run("cc -w -I%s/../core/abi %s -o %s/mock && %s/mock",
                          fixture_sources(), fixture_path("source.c"),
                          fixture_dir, fixture_dir),
                      "%s", rows[i][0]);
    }
}
END_TEST

START_TEST(cxx_sees_the_released_layout_too)
{
    if (!has_compiler("c++", ""))
        return;
    ck_assert(run("c++ -std=c++11 -x c++ -fsyntax-only -I%s/../core "
                  "%s/unit/abi/layout.c",
                  fixture_sources(), fixture_sources()));
}
END_TEST

/* A golden plugin is compiled with the header frozen beside it, then served by
 * today's mock host. */
START_TEST(a_plugin_of_a_released_header_runs_on_this_one)
{
    ck_assert(run("cd %s && for d in golden/*/; do "
                  "cc -c -I$d ${d}golden.c -o %s/golden.o && "
                  "cc -I../core/abi ${d}run.c %s/golden.o -o %s/run && "
                  "%s/run || exit 1; done",
                  fixture_sources(), fixture_dir, fixture_dir, fixture_dir,
                  fixture_dir));
}
END_TEST

/* The blocks of plugins/README.md that begin with ```c NAME are, one after the
 * other, the file NAME.  e2e/guide.c compiles them as the guide does. */
START_TEST(the_plugins_of_the_guide_pass_their_own_tests)
{
    ck_assert(run("cd %s && D=%s && awk -v d=$D '/^```c ./ {f = d \"/\" $2; "
                  "next} /^```/ {f = \"\"} f {print > f}' "
                  "../plugins/README.md && cc " STRICT "-I../core/abi "
                  "-fsyntax-only $D/*.c && for t in $D/*-test.c; do "
                  "cc " STRICT "-I../core/abi ${t%%-test.c}.c $t -o $D/guide "
                  "&& $D/guide || exit; done",
                  fixture_sources(), fixture_dir));
    if (has_compiler("c++", ""))
        ck_assert(run("cd %s && c++ -x c++ -std=c++11 -I%s/../core/abi "
                      "primes.c primes-test.c -o guide && ./guide",
                      fixture_dir, fixture_sources()));
}
END_TEST

UNIT_MAIN_IN(fixture_setup, fixture_teardown, build,
             every_way_to_build_yields_the_same_declarations,
             functions_of_several_files_show_unless_they_are_hidden,
             what_cxx_throws_stays_in_the_plugin,
             what_cannot_work_does_not_compile,
             what_cannot_be_loaded_the_mock_refuses,
             cxx_sees_the_released_layout_too,
             a_plugin_of_a_released_header_runs_on_this_one,
             the_plugins_of_the_guide_pass_their_own_tests)
