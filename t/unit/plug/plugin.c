/* SPDX-License-Identifier: BSD-2-Clause */
/* plugin.c - what an image declares, read from structs of any age, refused
 * where it is wrong, and loaded once. */
/* tags: asan */
#include "plug/plugin.h"

#include <elf.h>
#include <fcntl.h>

#include "base/err.h"
#include "conf/bundle.h"
#include "plug/image.h"
#include "t/lib/fixture.h"
#include "t/lib/guard.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static struct image_set set;
static struct image_rules rules;
static struct diag diag;

/* A host that offers et.http/1 (100 bytes) and et.store/3. */
static const void *
find_interface(const et_host *h, const char *id, uint32_t min_size)
{
    if (strcmp(id, "et.store/3") == 0 ||
        (strcmp(id, "et.http/1") == 0 && min_size <= 100))
        return h;
    return NULL;
}

static const et_host host = {.size = sizeof host,
                             .major = ET_ABI_MAJOR,
                             .minor = ET_ABI_MINOR,
                             .product = "test",
                             .iface = find_interface};

/* Load it, read from the disk now. */
static int
load_path(const char *path, struct plugin **out)
{
    int rc;

    rules.bundle = bundle_new();
    ck_assert_ptr_nonnull(rules.bundle);
    rc = plugin_load(&set, &rules, path, &host, NULL, &diag, out);
    bundle_free(rules.bundle);
    return rc;
}

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
first_message(void)
{
    return diag.first != NULL ? diag.first->text : "";
}

static int
load(const char *name, const char *flags, struct plugin **out)
{
    const char *path = fixture_build("raw.c", name, flags);

    ck_assert_ptr_nonnull(path);
    diag_fini(&diag);
    diag_init(&diag);
    return load_path(path, out);
}

static struct plugin *
loaded(const char *flags)
{
    struct plugin *p;

    ck_assert_msg(load("p.so", flags, &p) == 0, "%s", first_message());
    return p;
}

/* The line of raw.c that holds text, in decimal. */
static const char *
line_of(const char *text)
{
    static char buf[4][16];
    static unsigned i;
    char path[PATH_MAX], *p, *at;
    unsigned line = 1;
    size_t n;

    snprintf(path, sizeof path, "%s/fixtures/raw.c", fixture_sources());
    ck_assert_int_eq(file_read(path, 1 << 20, &p, &n), 0);
    at = strstr(p, text);
    ck_assert_msg(at != NULL, "%s", text);
    while (at > p)
        line += *--at == '\n';
    free(p);
    i = (i + 1) % 4;
    snprintf(buf[i], sizeof buf[i], ":%u", line);
    return buf[i];
}

static void
refused(const char *flags, const char *text)
{
    struct plugin *p;

    ck_assert_int_eq(load("bad.so", flags, &p), ERR_INVALID);
    ck_assert_ptr_null(p);
    ck_assert_uint_eq(diag.n_errors, 1);
    ck_assert_msg(strstr(first_message(), text) != NULL, "%s", first_message());
    ck_assert_ptr_nonnull(strstr(first_message(), "bad.so: "));
}

START_TEST(what_is_declared_is_found)
{
    struct plugin *p = loaded("");

    ck_assert_str_eq(p->desc.id, "org.example.raw");
    ck_assert_str_eq(p->desc.version, "1.0.0");
    ck_assert_ptr_nonnull(p->handler);
    ck_assert_str_eq(p->handler->name, "raw");
    ck_assert_uint_eq(p->handler->fn(NULL, NULL), 101);
    ck_assert_ptr_nonnull(p->log);
    ck_assert_ptr_null(p->request);
    ck_assert_ptr_null(p->response);
    ck_assert_ptr_null(p->options);
    ck_assert_ptr_null(p->instance);
    ck_assert_ptr_null(p->state);
    ck_assert_ptr_nonnull(p->image_def);
    ck_assert_uint_eq(p->n_needs + p->n_orders + p->n_commands, 0);
    plugin_unref(p);
}
END_TEST

START_TEST(routes_are_in_the_order_of_the_source)
{
    struct plugin *p = loaded("");

    ck_assert_uint_eq(p->n_routes, 2);
    ck_assert_str_eq(p->routes[0]->path, "/raw");
    ck_assert_str_eq(p->routes[1]->path, "/life");
    ck_assert_uint_lt(p->routes[0]->it.line, p->routes[1]->it.line);
    ck_assert_ptr_eq(plugin_route(p, (et_str){"life", 4}), p->routes[1]);
    ck_assert_ptr_null(plugin_route(p, (et_str){"lif", 3}));
    ck_assert_ptr_null(plugin_route(p, (et_str){"", 0}));
    plugin_unref(p);
}
END_TEST

/* ---- structs of another age -----------------------------------------------*/

START_TEST(a_shorter_step_reads_as_without_flags)
{
    struct plugin *p =
        loaded("-DSTEP_SIZE='offsetof(et_stepdef,flags)' -DSTEP_FLAGS=0x40");

    ck_assert_uint_eq(p->handler->flags, 0);
    ck_assert_uint_eq(p->handler->it.size, sizeof(et_stepdef));
    ck_assert_uint_eq(p->handler->fn(NULL, NULL), 101);
    plugin_unref(p);
}
END_TEST

START_TEST(a_longer_step_is_cut)
{
    struct plugin *p = loaded("-DSTEP_SIZE='sizeof(et_stepdef)+24'");

    ck_assert_uint_eq(p->handler->it.size, sizeof(et_stepdef));
    ck_assert_uint_eq(p->handler->fn(NULL, NULL), 101);
    plugin_unref(p);
}
END_TEST

START_TEST(a_shorter_descriptor_declares_nothing_it_does_not_have)
{
    struct plugin *p = loaded("-DDESC_SIZE='offsetof(et_plugin,summary)'");

    ck_assert_str_eq(p->desc.version, "1.0.0");
    ck_assert_ptr_null(p->desc.summary);
    ck_assert_ptr_null(p->handler);
    ck_assert_uint_eq(p->n_routes, 0);
    plugin_unref(p);
}
END_TEST

START_TEST(a_longer_descriptor_is_cut)
{
    struct plugin *p = loaded("-DDESC_SIZE='sizeof(et_plugin)+32'");

    ck_assert_uint_eq(p->desc.size, sizeof(et_plugin));
    ck_assert_uint_eq(p->n_routes, 2);
    plugin_unref(p);
}
END_TEST

START_TEST(longer_option_rows_are_copied_by_their_own_size)
{
    struct plugin *p = loaded("-DOPTIONS");

    ck_assert_ptr_nonnull(p->options);
    ck_assert_uint_eq(p->options->n, 2);
    ck_assert_uint_eq(p->options->v[0].size, sizeof(et_opt));
    ck_assert_str_eq(p->options->v[0].key, "rate");
    ck_assert_str_eq(p->options->v[1].key, "name");
    ck_assert_uint_eq(p->options->v[1].off, 8);
    plugin_unref(p);
}
END_TEST

/* ---- refusals -------------------------------------------------------------*/

START_TEST(what_a_later_server_would_know)
{
    refused("-DUNKNOWN_KIND", "declares something this server does not know "
                              "(item kind 77): it needs a newer server");
    refused("-DSTEP_FLAGS=0x40", "raw has flags this server does not know "
                                 "(0x40): it needs a newer server");
    refused("-DDESC_FLAGS=0x20", "has plugin flags this server does not know "
                                 "(0x20): it needs a newer server");
    refused("-DSTEP_FLAGS=ET_B_STREAM",
            "raw wants its request body as a stream: only a task can read one");
    refused("-DSTEP_FLAGS=ET_F_TASK -DSTEP_KIND=ET_I_RESPONSE",
            "raw cannot be a task: only request steps and handlers can");
    refused("-DSTEP_SIZE=8", "has an item of only 8 bytes");
    refused("-DSTEP_SIZE=32", "handler of only 32 bytes");
}
END_TEST

START_TEST(two_of_what_there_is_one_of)
{
    refused("-DTWO_REQUESTS", "has two of request step (");
    ck_assert_ptr_nonnull(strstr(first_message(), line_of("request_1 =")));
    ck_assert_ptr_nonnull(strstr(first_message(), line_of("request_2 =")));
    ck_assert_ptr_nonnull(strstr(first_message(), "raw.c:"));
    refused("-DTWO_NAMED", "two different functions are called raw (");
}
END_TEST

START_TEST(interfaces_that_are_missing)
{
    refused("-DNEED='\"et.store/4\"' -DNEED_SIZE=0",
            "needs interface \"et.store/4\"; this server offers et.store/3. "
            "Upgrade the server");
    refused("-DNEED='\"et.magic/1\"' -DNEED_SIZE=0",
            "needs interface \"et.magic/1\"; this server offers none of that "
            "name. Upgrade the server");
    refused("-DNEED='\"magic\"' -DNEED_SIZE=0", "none of that name");
    refused("-DNEED='\"et.http/1\"' -DNEED_SIZE=200",
            "needs interface \"et.http/1\" of at least 200 bytes; this "
            "server's is older");
    plugin_unref(loaded("-DNEED='\"et.http/1\"' -DNEED_SIZE=100"));
}
END_TEST

/* metric_2 of raw.c is this. */
static const char *
metric(const char *fields)
{
    static char flags[256];

    snprintf(flags, sizeof flags, "-DMETRIC='%s'", fields);
    return flags;
}

START_TEST(metrics_get_their_handles)
{
    struct plugin *p = loaded(metric("ET_METRIC_HISTOGRAM,3,\"Second_2\",0,"
                                     "\"help\",some_bounds"));

    ck_assert_uint_eq(p->n_metrics, 2);
    ck_assert_str_eq(p->metrics[0]->name, "first");
    ck_assert_str_eq(p->metrics[0]->unit, "seconds");
    ck_assert_str_eq(p->metrics[1]->name, "Second_2");
    ck_assert_int_eq(p->metrics[1]->bounds[2], 3);
    ck_assert_uint_eq(*p->metrics[0]->handle, 1);
    ck_assert_uint_eq(*p->metrics[1]->handle, 2);
    plugin_unref(p);
}
END_TEST

START_TEST(metrics_that_cannot_be_shown)
{
    refused(metric("1,0,0,0,\"help\",0"), "metric without a name");
    refused(metric("1,0,\"m\",0,0,0"), "metric m has no help or no handle");
    refused("-DMETRIC='1,0,\"m\",0,\"help\",0' -DMETRIC_HANDLE=0",
            "metric m has no help or no handle");
    refused(metric("5,0,\"m\",0,\"help\",0"),
            "metric m is of a kind this server does not know: it needs a "
            "newer server");
    refused(metric("1,0,\"m-n\",0,\"help\",0"),
            "metric m-n has a name that is not of letters, digits and _");
    refused(metric("1,0,\"2m\",0,\"help\",0"), "metric 2m has a name that");
    refused(metric("1,0,\"\",0,\"help\",0"), "metric  has a name that");
    refused(metric("1,0,\"m\",\"a b\",\"help\",0"), "metric m has a unit that");
    refused(metric("1,0,\"m_total\",0,\"help\",0"),
            "metric m_total has a name with an ending that the server adds");
    refused(metric("1,1,\"m\",0,\"help\",some_bounds"),
            "metric m has bounds and is no histogram");
    refused(metric("3,0,\"m\",0,\"help\",some_bounds"),
            "metric m needs 1 to 64 bounds");
    refused(metric("3,65,\"m\",0,\"help\",some_bounds"),
            "metric m needs 1 to 64 bounds");
    refused(metric("3,3,\"m\",0,\"help\",0"), "metric m needs 1 to 64 bounds");
    refused(metric("3,3,\"m\",0,\"help\",odd_bounds"),
            "metric m has bounds that do not ascend");
    refused(metric("1,0,\"first\",0,\"help\",0"),
            "two metrics are called first (");
}
END_TEST

START_TEST(pointers_that_lead_nowhere)
{
    refused("-DOPTIONS -DROW_DEFAULT='(const char*)5'",
            ": default of option name is not inside the plugin's file or one "
            "of its libraries: write it as a string, \"1\" and not 1");
    refused("-DOPTIONS -DROW_KEY='(const char*)5'", ": key of option 1 is not");
    refused("-DOPTIONS -DROWS='(const et_opt*)64'",
            ": the option table is not inside");
    refused("-DROUTE_PATH='(const char*)-1'", ": path of a route is not");
    refused("-DITEM='(const void*)-8'", ": an item is not inside");
    refused("-DNEED='(const char*)99' -DNEED_SIZE=0", ": id of a need is not");
    refused("-DMETRIC='1,0,\"m\",0,\"help\",0' "
            "-DMETRIC_HANDLE='(uint32_t*)&handler'",
            ": handle of a metric is not");
}
END_TEST

/* A section of the n bytes of an image. */
static const Elf64_Shdr *
section(const char *p, const char *name)
{
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)(const void *)p;
    const Elf64_Shdr *v = (const Elf64_Shdr *)(const void *)(p + eh->e_shoff);
    const char *names = p + v[eh->e_shstrndx].sh_offset;

    for (unsigned i = 0; i < eh->e_shnum; i++) {
        if (strcmp(names + v[i].sh_name, name) == 0)
            return &v[i];
    }
    ck_abort_msg("no section %s", name);
    return NULL;
}

static int
is_in(const Elf64_Shdr *s, uint64_t at)
{
    return at >= s->sh_addr && at - s->sh_addr < s->sh_size;
}

/* Load the bytes as they are now. */
static int
load_bytes(const char *p, size_t n)
{
    const char *path = fixture_path("damaged.so");
    struct plugin *plugin;
    int rc;

    ck_assert_int_eq(file_replace(path, p, n, 0644), 0);
    diag_fini(&diag);
    diag_init(&diag);
    rc = load_path(path, &plugin);
    if (rc == 0)
        plugin_unref(plugin);
    return rc;
}

/* Every pointer of the tables to data, led somewhere else by its relocation:
 * far outside, which is refused, and not so far, which must harm nobody. */
START_TEST(each_damaged_pointer_is_refused_or_harmless)
{
    static const int64_t near[] = {5, -4096, 1 << 20};
    const char *path =
        fixture_build("raw.c", "p.so",
                      "-DOPTIONS -DNEED='\"et.http/1\"' -DNEED_SIZE=0 "
                      "-DMETRIC='3,3,\"m\",\"bytes\",\"help\",some_bounds'");
    const Elf64_Shdr *text, *tables, *relocations;
    unsigned n_pointers = 0, n_refused = 0;
    Elf64_Rela *r, *end;
    size_t n;
    char *p;

    ck_assert_ptr_nonnull(path);
    ck_assert_int_eq(file_read(path, 1 << 20, &p, &n), 0);
    ck_assert_int_eq(load_bytes(p, n), 0);
    text = section(p, ".text");
    tables = section(p, ".data.rel.ro");
    relocations = section(p, ".rela.dyn");
    r = (Elf64_Rela *)(void *)(p + relocations->sh_offset);
    end = r + relocations->sh_size / sizeof *r;
    for (; r < end; r++) {
        int64_t was = r->r_addend;

        if (ELF64_R_SYM(r->r_info) != 0 || !is_in(tables, r->r_offset) ||
            is_in(text, (uint64_t)was))
            continue;
        n_pointers++;
        r->r_addend = INT64_C(1) << 46;
        n_refused += load_bytes(p, n) == ERR_INVALID;
        for (size_t i = 0; i < ARRAY_LEN(near); i++) {
            r->r_addend = near[i];
            (void)!load_bytes(p, n);
        }
        r->r_addend = was;
    }
    ck_assert_uint_gt(n_pointers, 40);
    ck_assert_uint_eq(n_refused, n_pointers - 4); /* a tail not known here */
    free(p);
}
END_TEST

START_TEST(all_faults_are_reported)
{
    struct plugin *p;

    ck_assert_int_eq(load("bad.so",
                          "-DUNKNOWN_KIND -DTWO_REQUESTS -DTWO_NAMED "
                          "-DSTEP_FLAGS=0x40 -DNEED='\"x/1\"' -DNEED_SIZE=0",
                          &p),
                     ERR_INVALID);
    ck_assert_uint_eq(diag.n_errors, 5);
    ck_assert_uint_eq(set.n_live, 0);
}
END_TEST

START_TEST(load_that_fails_has_its_reason_shown)
{
    refused("-DLOAD_RESULT=-1", "load failed: no database");
    ck_assert_uint_eq(set.n_retired, 1);
}
END_TEST

START_TEST(an_image_that_does_not_stage_or_open)
{
    struct plugin *p;

    ck_assert_int_eq(load_path(fixture_path("none.so"), &p), ERR_INVALID);
    ck_assert_ptr_null(p);
    refused("-DUNDEFINED", "undefined symbol \"jwt_decode\"");
}
END_TEST

/* ---- declarations made here, on the image of a good plugin ----------------*/

#define HEAD(T, kind, line)                                                    \
    {                                                                          \
        (uint32_t)sizeof(T), kind, line, 0, "here.c"                           \
    }

static uint32_t
step(et_req *r, void *self)
{
    (void)r;
    (void)self;
    return ET_NEXT;
}

static int32_t
command(et_worker *w, void *self, et_str args, void *out,
        int32_t (*put)(void *out, const void *p, size_t n))
{
    (void)w;
    (void)self;
    (void)args;
    (void)out;
    (void)put;
    return 0;
}

static et_plugin
describe(const void *const *items, size_t n)
{
    return (et_plugin){.size = sizeof(et_plugin),
                       .major = ET_ABI_MAJOR,
                       .id = "org.example.raw",
                       .version = "1.0.0",
                       .items = items,
                       .items_end = items + n};
}

/* What comes of this descriptor. */
static int
load_described(const et_plugin *desc, struct plugin **out)
{
    const char *path = fixture_path("p.so");
    struct image *img;
    int rc;

    if (access(path, F_OK) < 0)
        path = fixture_build("raw.c", "p.so", "");
    diag_fini(&diag);
    diag_init(&diag);
    rules.bundle = bundle_new();
    ck_assert_ptr_nonnull(rules.bundle);
    ck_assert_int_eq(image_stage(&set, &rules, path, NULL, &diag, &img), 0);
    bundle_free(rules.bundle);
    ck_assert_int_eq(image_open(img, NULL, &diag), 0);
    img->descriptor = desc;
    rc = plugin_new(img, &host, NULL, &diag, out);
    img->descriptor = NULL; /* found again by the next image_open */
    image_unref(img);
    return rc;
}

/* And of declaring these items; *out may be NULL. */
static int
declare(const void *const *items, size_t n, struct plugin **out)
{
    et_plugin desc = describe(items, n);

    return load_described(&desc, out);
}

static void
one_fault(const void *item, const char *text)
{
    struct plugin *p;

    ck_assert_int_eq(declare(&item, 1, &p), ERR_INVALID);
    ck_assert_uint_eq(diag.n_errors, 1);
    ck_assert_msg(strstr(first_message(), text) != NULL, "%s", first_message());
}

/* Every kind of item, and the least of it that a server has to be told. */
static uint32_t a_handle;
static const et_route a_route = {
    HEAD(et_route, ET_I_ROUTE, 1), 0, 0, "GET", "/", "x", 0, step};
static const et_stepdef steps[] = {
    {HEAD(et_stepdef, ET_I_REQUEST, 1), "x", step, 0, 0},
    {HEAD(et_stepdef, ET_I_RESPONSE, 1), "x", step, 0, 0},
    {HEAD(et_stepdef, ET_I_HANDLER, 1), "x", step, 0, 0},
    {HEAD(et_stepdef, ET_I_LOG, 1), "x", step, 0, 0},
};
static const et_item nothing = HEAD(et_item, ET_I_NONE, 1);
static const et_optdef no_options = {.it = HEAD(et_optdef, ET_I_OPTIONS, 1)};
static const et_instancedef an_instance = {
    .it = HEAD(et_instancedef, ET_I_INSTANCE, 1)};
static const et_statedef a_state = {.it = HEAD(et_statedef, ET_I_STATE, 1)};
static const et_imagedef an_image = {.it = HEAD(et_imagedef, ET_I_IMAGE, 1)};
static const et_needdef a_need = {.it = HEAD(et_needdef, ET_I_NEED, 1),
                                  .id = "et.http/1"};
static const et_orderdef an_order = {.it = HEAD(et_orderdef, ET_I_ORDER, 1)};
static const et_commanddef a_command = {HEAD(et_commanddef, ET_I_COMMAND, 1),
                                        "x", "", command};
static const et_metricdef a_metric = {.it = HEAD(et_metricdef, ET_I_METRIC, 1),
                                      .kind = ET_METRIC_COUNTER,
                                      .name = "m",
                                      .help = "",
                                      .handle = &a_handle};

#define UP_TO(T, field) (offsetof(T, field) + sizeof(((T *)0)->field))
static const struct {
    const void *item;
    size_t least, bytes;
} kinds[] = {
    {&nothing, sizeof nothing, sizeof nothing},
    {&a_route, UP_TO(et_route, fn), sizeof a_route},
    {&steps[0], UP_TO(et_stepdef, fn), sizeof steps[0]},
    {&steps[1], UP_TO(et_stepdef, fn), sizeof steps[1]},
    {&steps[2], UP_TO(et_stepdef, fn), sizeof steps[2]},
    {&steps[3], UP_TO(et_stepdef, fn), sizeof steps[3]},
    {&no_options, UP_TO(et_optdef, conf_size), sizeof no_options},
    {&an_instance, UP_TO(et_instancedef, open), sizeof an_instance},
    {&a_state, UP_TO(et_statedef, exit), sizeof a_state},
    {&an_image, UP_TO(et_imagedef, load), sizeof an_image},
    {&a_need, UP_TO(et_needdef, id), sizeof a_need},
    {&an_order, sizeof(et_item), sizeof an_order},
    {&a_command, UP_TO(et_commanddef, fn), sizeof a_command},
    {&a_metric, UP_TO(et_metricdef, handle), sizeof a_metric},
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])

/* Declared from n bytes in front of a page that nobody may read, with a size of
 * its own choice. */
static void
item_in_bounds(const void *item, size_t n, size_t said)
{
    et_item *it = (et_item *)(void *)guard_end(item, n);
    const void *items[] = {it};
    struct plugin *p;

    it->size = (uint32_t)said;
    ck_assert_msg(declare(items, 1, &p) == 0, "kind %u of %zu bytes: %s",
                  it->kind, said, first_message());
    plugin_unref(p);
}

START_TEST(of_an_item_of_any_age_what_is_there_and_known_is_read)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        item_in_bounds(kinds[i].item, kinds[i].least, kinds[i].least);
        item_in_bounds(kinds[i].item, kinds[i].bytes, kinds[i].bytes);
        item_in_bounds(kinds[i].item, kinds[i].bytes, kinds[i].bytes + 8);
        item_in_bounds(kinds[i].item, kinds[i].bytes, 1u << 20);
    }
}
END_TEST

START_TEST(an_item_without_what_has_to_be_told_is_refused)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        et_item *it =
            (et_item *)(void *)guard_end(kinds[i].item, kinds[i].least);
        char said[32];
        it->size = (uint32_t)kinds[i].least - 1;
        snprintf(said, sizeof said, " of only %zu bytes", kinds[i].least - 1);
        one_fault(it, said);
    }
}
END_TEST

/* As item_in_bounds. */
static void
descriptor_in_bounds(size_t n, size_t said, uint32_t n_routes)
{
    const void *items[] = {&a_route};
    et_plugin desc = describe(items, 1);
    et_plugin *at = (et_plugin *)(void *)guard_end(&desc, n);
    struct plugin *p;

    at->size = (uint32_t)said;
    ck_assert_int_eq(load_described(at, &p), 0);
    ck_assert_uint_eq(p->n_routes, n_routes);
    ck_assert_uint_eq(p->desc.size, sizeof desc);
    plugin_unref(p);
}

START_TEST(so_it_is_with_a_descriptor)
{
    descriptor_in_bounds(UP_TO(et_plugin, version), UP_TO(et_plugin, version),
                         0);
    descriptor_in_bounds(sizeof(et_plugin), sizeof(et_plugin), 1);
    descriptor_in_bounds(sizeof(et_plugin), 1u << 20, 1);
}
END_TEST

/* Two rows, each of row bytes, of which the second ends after n. */
static void
options_in_bounds(uint32_t row, size_t n, const char *help)
{
    const et_opt opt[] = {
        {.size = row, .type = ET_O_INT, .key = "a", .dflt = "1", .help = "one"},
        {.size = row,
         .type = ET_O_INT,
         .off = 8,
         .key = "b",
         .dflt = "2",
         .help = "two"}};
    static char both[2 * sizeof(et_opt) + 64];
    static et_optdef def = {
        .it = HEAD(et_optdef, ET_I_OPTIONS, 7), .n = 2, .conf_size = 16};
    static const void *const items[] = {&def};
    struct plugin *p;

    memcpy(both, &opt[0], row < sizeof opt[0] ? row : sizeof opt[0]);
    memcpy(both + row, &opt[1], n);
    def.v = (const et_opt *)(const void *)guard_end(both, row + n);
    ck_assert_msg(declare(items, 1, &p) == 0, "%s", first_message());
    for (int i = 0; i < 2; i++) {
        const et_opt *o = &p->options->v[i];
        ck_assert_uint_eq(o->size, sizeof *o);
        ck_assert_str_eq(o->key, opt[i].key);
        ck_assert_str_eq(o->dflt, opt[i].dflt);
        ck_assert(help ? strcmp(o->help, opt[i].help) == 0 : !o->help);
        ck_assert(!o->choices && o->min == 0 && o->max == 0);
    }
    plugin_unref(p);
}

START_TEST(and_with_rows_of_options)
{
    options_in_bounds(UP_TO(et_opt, dflt), UP_TO(et_opt, dflt), NULL);
    options_in_bounds(UP_TO(et_opt, help), UP_TO(et_opt, help), "");
    options_in_bounds(sizeof(et_opt), sizeof(et_opt), "");
    options_in_bounds(sizeof(et_opt) + 8, sizeof(et_opt), "");
}
END_TEST

START_TEST(flags_of_a_later_server_on_any_step)
{
    static et_stepdef later;
    static et_route route;

    route = a_route;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        later = steps[i];
        later.flags = 0x40;
        one_fault(&later, "here.c:1: x has flags this server does not know "
                          "(0x40): it needs a newer server");
    }
    route.flags = 0x40;
    one_fault(&route, "here.c:1: x has flags this server does not know");
}
END_TEST

START_TEST(incomplete_declarations)
{
    static const et_stepdef no_fn = {.it = HEAD(et_stepdef, ET_I_REQUEST, 1),
                                     .name = "x"};
    static const et_route no_path = {.it = HEAD(et_route, ET_I_ROUTE, 2),
                                     .method = "GET",
                                     .name = "x",
                                     .fn = step};
    static const et_commanddef no_name = {
        .it = HEAD(et_commanddef, ET_I_COMMAND, 3), .fn = command};
    static const et_needdef no_id = {.it = HEAD(et_needdef, ET_I_NEED, 4)};

    one_fault(&no_fn, "here.c:1: request step without a function or a name");
    one_fault(&no_path, "here.c:2: route without a function, name, method or");
    one_fault(&no_name, "here.c:3: command without a function or a name");
    one_fault(&no_id, "here.c:4: need without an interface");
}
END_TEST

START_TEST(malformed_option_tables)
{
    static const et_opt rows[2] = {
        {.size = sizeof(et_opt), .type = ET_O_INT, .key = "a"},
        {.size = sizeof(et_opt) - 8, .type = ET_O_INT, .key = "b", .off = 8}};
    static const et_opt tiny = {.size = 8};
    static const et_opt outside = {
        .size = sizeof(et_opt), .type = ET_O_INT, .key = "a", .off = 16};
    static et_optdef def = {
        .it = HEAD(et_optdef, ET_I_OPTIONS, 7), .n = 2, .conf_size = 16};

    def.v = rows;
    one_fault(&def, "here.c:7: option rows of different sizes");
    def.n = 1;
    def.v = &outside;
    one_fault(&def, "here.c:7: ");
    def.v = &tiny;
    one_fault(&def, "here.c:7: malformed option table");
    def.v = NULL;
    one_fault(&def, "here.c:7: malformed option table");
    def.n = 100000;
    one_fault(&def, "here.c:7: malformed option table");
}
END_TEST

START_TEST(items_of_several_files_in_any_order)
{
    static const et_route b2 = {
        {sizeof b2, ET_I_ROUTE, 2, 0, "b.c"}, 0, 0, "GET", "/3", "b2", 0, step};
    static const et_route a9 = {
        {sizeof a9, ET_I_ROUTE, 9, 0, "a.c"}, 0, 0, "GET", "/1", "a9", 0, step};
    static const et_route b1 = {
        {sizeof b1, ET_I_ROUTE, 1, 0, "b.c"}, 0, 0, "GET", "/2", "b1", 0, step};
    static const et_route none = {
        {sizeof none, ET_I_ROUTE, 1, 0, NULL}, 0, 0, "GET", "/0", "n", 0, step};
    static const et_commanddef flush = {HEAD(et_commanddef, ET_I_COMMAND, 1),
                                        "flush", "", command};
    const void *items[] = {&b2, &flush, NULL, &a9, &none, NULL, &b1};
    struct plugin *p;

    ck_assert_int_eq(declare(items, 7, &p), 0);
    ck_assert_uint_eq(p->n_routes, 4);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(p->routes[i]->path[1], '0' + (int)i);
    ck_assert_uint_eq(p->n_commands, 1);
    ck_assert_str_eq(p->commands[0]->name, "flush");
    plugin_unref(p);
}
END_TEST

START_TEST(more_items_than_anyone_declares)
{
    static const void *items[70000];
    struct plugin *p;

    ck_assert_int_eq(declare(items, 70000, &p), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(first_message(), "more than 65536 items"));
    ck_assert_int_eq(declare(items, 65536, &p), 0);
    plugin_unref(p);
}
END_TEST

/* ---- life -----------------------------------------------------------------*/

/* Loads times 100 plus unloads, as the plugin counted them. */
static uint32_t
life(const struct plugin *p)
{
    return p->log->fn(NULL, NULL);
}

START_TEST(one_plugin_an_image_loaded_once)
{
    struct plugin *first = loaded(""), *second, *third = plugin_ref(first);

    ck_assert_int_eq(load("p.so", "", &second), 0);
    ck_assert_ptr_eq(first, second);
    ck_assert_uint_eq(first->n_refs, 3);
    ck_assert_uint_eq(life(first), 100);
    plugin_unref(third);
    plugin_unref(second);
    ck_assert_uint_eq(life(first), 100);
    plugin_unref(first);
    ck_assert_uint_eq(set.n_live, 0);
    ck_assert_uint_eq(set.n_retired, 1);
    image_set_fini(&set);
}
END_TEST

START_TEST(a_build_that_comes_back_is_loaded_again)
{
    for (uint32_t i = 0; i < 20; i++) {
        struct plugin *p = loaded("");

        ck_assert_uint_eq(life(p), (i + 1) * 100 + i);
        plugin_unref(p);
    }
    ck_assert_uint_eq(set.n_mapped, 1);
}
END_TEST

START_TEST(two_builds_live_side_by_side)
{
    struct plugin *a, *b;

    ck_assert_int_eq(load("p.so", "-DANSWER=100u", &a), 0);
    ck_assert_int_eq(load("p.so", "-DANSWER=200u", &b), 0);
    ck_assert_ptr_ne(a, b);
    ck_assert_uint_eq(a->handler->fn(NULL, NULL), 101);
    ck_assert_uint_eq(b->handler->fn(NULL, NULL), 201);
    plugin_unref(a);
    ck_assert_uint_eq(b->handler->fn(NULL, NULL), 202);
    plugin_unref(b);
}
END_TEST

UNIT_MAIN_IN(setup, teardown, plugin, what_is_declared_is_found,
             of_an_item_of_any_age_what_is_there_and_known_is_read,
             an_item_without_what_has_to_be_told_is_refused,
             so_it_is_with_a_descriptor, and_with_rows_of_options,
             flags_of_a_later_server_on_any_step,
             routes_are_in_the_order_of_the_source,
             a_shorter_step_reads_as_without_flags, a_longer_step_is_cut,
             a_shorter_descriptor_declares_nothing_it_does_not_have,
             a_longer_descriptor_is_cut,
             longer_option_rows_are_copied_by_their_own_size,
             what_a_later_server_would_know, two_of_what_there_is_one_of,
             interfaces_that_are_missing, metrics_get_their_handles,
             metrics_that_cannot_be_shown, pointers_that_lead_nowhere,
             each_damaged_pointer_is_refused_or_harmless,
             all_faults_are_reported, load_that_fails_has_its_reason_shown,
             an_image_that_does_not_stage_or_open, incomplete_declarations,
             malformed_option_tables, items_of_several_files_in_any_order,
             more_items_than_anyone_declares, one_plugin_an_image_loaded_once,
             a_build_that_comes_back_is_loaded_again,
             two_builds_live_side_by_side)
