/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan tsan */
/* metering.c - the registry of the plugins' figures, by name and over
 * generations; what a step's calls do; a reader beside writers. */
#include "http/metering.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/err.h"
#include "base/metrics.h"
#include "base/str.h"
#include "http/chain.h"
#include "http/exposition.h"
#include "http/req.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "t/lib/memory.h"
#include "t/lib/unit.h"

#define N_WORKERS 3

/* ---- a plugin with a metric of each kind ---------------------------------*/

static uint32_t handles[3];
static const int64_t bounds[] = {10, 100}, others[] = {10, 200};

#define HEAD                                                                   \
    {                                                                          \
        sizeof(et_metricdef), ET_I_METRIC, 1, 0, "x.c"                         \
    }
static const et_metricdef hits = {HEAD, ET_METRIC_COUNTER, 0,    "hits",
                                  NULL, "a\\b\nc",         NULL, &handles[0]};
static const et_metricdef open_now = {
    HEAD, ET_METRIC_GAUGE, 0, "open", "files", "open now", NULL, &handles[1]};
static const et_metricdef size = {
    HEAD,   ET_METRIC_HISTOGRAM, 2, "size_bytes", "bytes", "sizes",
    bounds, &handles[2]};
static const et_metricdef *all[] = {&hits, &open_now, &size};
static struct plugin plugin = {.path = "x.so",
                               .desc.id = "org.example.x-y",
                               .metrics = all,
                               .n_metrics = 3};
static struct instance instance = {.name = "x", .plugin = &plugin};

static struct figures figures;
static struct metering m;
static struct arena arena;
static struct diag diag;

static void
begin(void)
{
    figures = memory_figures(N_WORKERS);
    ck_assert_int_eq(metering_init(&m, &figures), 0);
    arena_init(&arena, NULL, 0, NULL, 1 << 28);
    diag_init(&diag);
    metering_declare(&m, &plugin, &arena, NULL, &diag);
    ck_assert_uint_eq(diag.n_errors, 0);
}

static void
end(void)
{
    diag_fini(&diag);
    arena_reset(&arena);
    metering_fini(&m);
    memory_end_figures(&figures);
}

static struct metering_set *
hold(const struct instance *i, const char *route)
{
    struct metering_set *set;

    ck_assert_int_eq(metering_hold(&m, i, route, &arena, &set), 0);
    ck_assert_ptr_nonnull(set);
    return set;
}

/* A request in a step of a member with that set, on that worker. */
struct step {
    struct req r;
    struct chain chain;
    struct chain_member member;
};

static et_req *
step_of(struct step *s, const struct metering_set *set, uint32_t worker)
{
    memset(s, 0, sizeof *s);
    s->member.slots = metering_slots(&m, set, worker, &arena);
    s->member.n_slots = set->n;
    s->chain.members = &s->member;
    s->r.magic = REQ_MAGIC;
    s->r.chain = &s->chain;
    return &s->r.pub;
}

static const char *
text(void)
{
    static char copy[1 << 16];
    struct exposition x = {NULL, 0, 0};

    ck_assert_int_eq(exposition_write(&x, &m, "0"), 0);
    ck_assert_uint_lt(x.n, sizeof copy);
    memcpy(copy, x.p, x.n);
    copy[x.n] = '\0';
    exposition_free(&x);
    return copy;
}

static void
says(const char *part)
{
    unit_has(text(), part);
}

static void
says_not(const char *part)
{
    const char *all_of_it = text();

    ck_assert_msg(strstr(all_of_it, part) == NULL, "%s in\n%s", part,
                  all_of_it);
}

/* ---- what is shown -------------------------------------------------------*/

START_TEST(workers_are_summed_and_all_of_it_is_shown)
{
    const et_metrics *f = metering_iface();
    const struct metering_set *set;
    struct step s;

    begin();
    set = hold(&instance, "a\"\\\n");
    for (uint32_t w = 0; w < N_WORKERS; w++) {
        et_req *r = step_of(&s, set, w);
        f->add(r, 1, 5);
        f->add(r, 2, 7);
        f->set(r, 2, -2);
        f->add(r, 2, 1);
        f->observe(r, 3, 10);
        f->observe(r, 3, 11);
        f->observe(r, 3, 1000);
    }
    says("# HELP x_y_hits_total a\\\\b\\nc\n"
         "# TYPE x_y_hits_total counter\n"
         "x_y_hits_total{instance=\"x\",route=\"a\\\"\\\\\\n\"} 15\n"
         "# HELP x_y_open_files open now\n"
         "# TYPE x_y_open_files gauge\n"
         "x_y_open_files{instance=\"x\",route=\"a\\\"\\\\\\n\"} -3\n"
         "# HELP x_y_size_bytes sizes\n"
         "# TYPE x_y_size_bytes histogram\n");
    says("x_y_size_bytes_bucket{instance=\"x\",route=\"a\\\"\\\\\\n\","
         "le=\"10\"} 3\n");
    says(",le=\"100\"} 6\n");
    says(",le=\"+Inf\"} 9\n"
         "x_y_size_bytes_sum{instance=\"x\",route=\"a\\\"\\\\\\n\"} 3063\n"
         "x_y_size_bytes_count{instance=\"x\",route=\"a\\\"\\\\\\n\"} 9\n");
    metering_release(&m, set);
    end();
}
END_TEST

START_TEST(calls_that_do_not_suit_are_ignored)
{
    const et_metrics *f = metering_iface();
    const struct metering_set *set;
    struct step s;
    et_req *r;

    begin();
    set = hold(&instance, "r");
    r = step_of(&s, set, 1);
    f->add(r, 0, 1);
    f->add(r, 4, 1);
    f->add(r, UINT32_MAX, 1);
    f->add(r, 1, -1);
    f->set(r, 1, 9);
    f->observe(r, 1, 9);
    f->observe(r, 2, 9);
    f->add(r, 3, 9);
    f->set(r, 3, 9);
    s.member.n_slots = 0;
    f->add(r, 1, 1);
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t c = 0; c < set->v[i]->n_cells; c++)
            ck_assert_int_eq(metering_sum(&m, set->v[i], c), 0);
    metering_release(&m, set);
    end();
}
END_TEST

START_TEST(the_servers_own_figures_are_summed)
{
    begin();
    metrics_add(figures_own(&figures, 0), METRIC_requests, 40);
    metrics_add(figures_own(&figures, 2), METRIC_requests, 2);
    metrics_add(figures_own(&figures, 2), METRIC_connections_active, 1);
    says("# HELP etude_requests_total requests whose head was complete\n"
         "# TYPE etude_requests_total counter\netude_requests_total 42\n");
    says("# TYPE etude_connections_active gauge\n"
         "etude_connections_active 1\n");
    end();
}
END_TEST

/* ---- over generations ----------------------------------------------------*/

START_TEST(the_same_names_are_the_same_series)
{
    struct instance again = {.name = "x", .plugin = &plugin};
    struct instance own = {.name = "x@r", .plugin = &plugin};
    struct metering_set *a, *b, *c, *d;

    begin();
    a = hold(&instance, "r");
    b = hold(&again, "r");
    c = hold(&instance, "q");
    d = hold(&own, "r");
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_ptr_eq(a->v[i], b->v[i]);
        ck_assert_ptr_ne(a->v[i], c->v[i]);
        ck_assert_ptr_ne(a->v[i], d->v[i]);
    }
    metering_release(&m, a);
    metering_release(&m, b);
    metering_release(&m, c);
    metering_release(&m, d);
    metering_release(&m, NULL);
    end();
}
END_TEST

START_TEST(totals_go_on_and_a_gauge_begins_anew)
{
    const et_metrics *f = metering_iface();
    struct metering_set *set;
    struct step s;

    begin();
    set = hold(&instance, "r");
    says("x_y_hits_total{instance=\"x\",route=\"r\"} 0\n");
    metering_release(&m, set);
    says_not("x_y_"); /* a place that is gone and never counted */
    set = hold(&instance, "r");
    f->add(step_of(&s, set, 2), 1, 3);
    f->add(step_of(&s, set, 2), 2, 3);
    metering_release(&m, set);
    says("x_y_hits_total{instance=\"x\",route=\"r\"} 3\n");
    says_not("x_y_open_files");
    set = hold(&instance, "r");
    f->add(step_of(&s, set, 0), 1, 3);
    says("x_y_hits_total{instance=\"x\",route=\"r\"} 6\n");
    says("x_y_open_files{instance=\"x\",route=\"r\"} 0\n");
    metering_release(&m, set);
    end();
}
END_TEST

START_TEST(what_is_known_takes_no_more_memory)
{
    char *at;
    size_t bytes;

    begin();
    metering_release(&m, hold(&instance, "r\n"));
    at = m.arena.p;
    bytes = m.arena.bytes;
    for (int i = 0; i < 100; i++) {
        metering_declare(&m, &plugin, &arena, NULL, &diag);
        metering_release(&m, hold(&instance, "r\n"));
    }
    ck_assert_ptr_eq(m.arena.p, at);
    ck_assert_uint_eq(m.arena.bytes, bytes);
    end();
}
END_TEST

START_TEST(a_new_build_explains_itself_anew)
{
    et_metricdef changed = hits;
    const et_metricdef *v[] = {&changed};
    struct plugin next = plugin;
    struct metering_set *set;

    begin();
    set = hold(&instance, "r");
    changed.help = "better";
    next.metrics = v;
    next.n_metrics = 1;
    metering_declare(&m, &next, &arena, NULL, &diag);
    says("# HELP x_y_hits_total better\n");
    metering_release(&m, set);
    end();
}
END_TEST

START_TEST(a_gauge_of_the_instance_is_of_all_its_routes)
{
    const et_metrics *f = metering_iface();
    et_metricdef entries = open_now;
    const et_metricdef *v[] = {&entries};
    struct plugin holder = {.path = "h.so",
                            .desc.id = "org.example.h",
                            .metrics = v,
                            .n_metrics = 1};
    const struct instance one = {.name = "h\"1", .plugin = &holder};
    const struct instance two = {.name = "h@b", .plugin = &holder};
    const struct metering_set *a, *b, *c;
    struct step s;

    begin();
    entries.kind = ET_METRIC_INSTANCE_GAUGE;
    metering_declare(&m, &holder, &arena, NULL, &diag);
    ck_assert_uint_eq(diag.n_errors, 0);
    a = hold(&one, "a");
    b = hold(&one, "b");
    c = hold(&two, "b");
    f->add(step_of(&s, a, 0), 1, 5);
    f->add(step_of(&s, b, 0), 1, -2);
    f->set(step_of(&s, b, 1), 1, 10);
    f->set(step_of(&s, c, 1), 1, 100);
    says("# TYPE h_open_files gauge\n"
         "h_open_files{instance=\"h\\\"1\"} 13\n"
         "h_open_files{instance=\"h@b\"} 100\n");
    metering_release(&m, a); /* a route goes: what the instance has stays */
    says("h_open_files{instance=\"h\\\"1\"} 13\n");
    metering_release(&m, b);
    says_not("h_open_files{instance=\"h\\\"1\"}");
    metering_release(&m, c);
    end();
}
END_TEST

START_TEST(a_gauge_may_become_the_instances)
{
    et_metricdef next = open_now;
    const et_metricdef *v[] = {&next};
    struct plugin build = plugin;
    const struct instance i = {.name = "x", .plugin = &build};
    const struct metering_set *old, *new;
    struct step s;

    begin();
    old = hold(&instance, "r");
    next.kind = ET_METRIC_INSTANCE_GAUGE;
    build.metrics = v;
    build.n_metrics = 1;
    metering_declare(&m, &build, &arena, NULL, &diag);
    ck_assert_uint_eq(diag.n_errors, 0);
    new = hold(&i, "r");
    metering_iface()->set(step_of(&s, old, 0), 2, 3);
    metering_iface()->set(step_of(&s, new, 0), 1, 4);
    says("x_y_open_files{instance=\"x\",route=\"r\"} 3\n"
         "x_y_open_files{instance=\"x\"} 4\n");
    metering_release(&m, old);
    metering_release(&m, new);
    end();
}
END_TEST

START_TEST(other_bounds_are_another_histogram_at_the_same_place)
{
    et_metricdef changed = size;
    const et_metricdef *v[] = {&hits, &open_now, &changed};
    struct plugin next = plugin;
    struct instance i = {.name = "x", .plugin = &next};
    struct metering_set *old, *new;

    changed.bounds = others;
    next.metrics = v;
    begin();
    old = hold(&instance, "r");
    says("le=\"100\"");
    new = hold(&i, "r"); /* a reload that fails */
    ck_assert_ptr_eq(old->v[0], new->v[0]);
    ck_assert_ptr_ne(old->v[2], new->v[2]);
    metering_release(&m, new);
    says("le=\"100\"");
    says_not("le=\"200\"");
    new = hold(&i, "r"); /* one that does not */
    metering_release(&m, old);
    says("le=\"200\"");
    says_not("le=\"100\"");
    old = hold(&instance, "r"); /* and back */
    metering_release(&m, new);
    says("le=\"100\"");
    says_not("le=\"200\"");
    metering_release(&m, old);
    end();
}
END_TEST

START_TEST(another_kind_or_a_name_of_the_servers_is_an_error)
{
    et_metricdef changed = size;
    const et_metricdef *v[] = {&changed};
    struct plugin next = plugin;
    struct instance i = {.name = "x", .plugin = &next};
    struct metering_set *set;

    begin();
    changed.kind = ET_METRIC_GAUGE;
    changed.n_bounds = 0;
    next.metrics = v;
    next.n_metrics = 1;
    metering_declare(&m, &next, &arena, NULL, &diag);
    ck_assert_uint_eq(diag.n_errors, 1);
    ck_assert_ptr_nonnull(strstr(diag.first->text,
                                 "metric x_y_size_bytes is a gauge, but has "
                                 "been a histogram"));
    ck_assert_int_eq(metering_hold(&m, &i, "r", &arena, &set), ERR_INVALID);
    metering_release(&m, set);
    next.desc.id = "etude";
    metering_declare(&m, &next, &arena, NULL, &diag);
    ck_assert_uint_eq(diag.n_errors, 2);
    end();
}
END_TEST

START_TEST(names_are_made_of_the_ids_last_part)
{
    struct plugin other = plugin;
    struct metering_set *set;
    struct instance i = {.name = "o", .plugin = &other};

    begin();
    other.desc.id = "org.example.2fa";
    metering_declare(&m, &other, &arena, NULL, &diag);
    set = hold(&i, "");
    says("_2fa_hits_total{instance=\"o\",route=\"\"} 0\n");
    metering_release(&m, set);
    other.desc.id = "plain";
    metering_declare(&m, &other, &arena, NULL, &diag);
    set = hold(&i, "");
    says("plain_size_bytes_count{");
    metering_release(&m, set);
    end();
}
END_TEST

/* ---- memory --------------------------------------------------------------*/

START_TEST(two_series_share_no_cell)
{
    enum { N = 700 };
    static struct metering_set *sets[N];
    const et_metrics *f = metering_iface();
    struct step s;
    char name[16];

    begin();
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "r%d", i);
        sets[i] = hold(&instance, name);
        for (uint32_t w = 0; w < N_WORKERS; w++)
            f->add(step_of(&s, sets[i], w), 1, i);
        f->observe(step_of(&s, sets[i], 1), 3, i);
    }
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(metering_sum(&m, sets[i]->v[0], 0), N_WORKERS * i);
        ck_assert_int_eq(metering_sum(&m, sets[i]->v[2], 0), i);
        snprintf(name, sizeof name, "r%d", i);
        ck_assert_ptr_eq(hold(&instance, name)->v[1], sets[i]->v[1]);
        metering_release(&m, sets[i]);
        metering_release(&m, sets[i]);
    }
    ck_assert_uint_eq(m.n_series, 3 * N);
    end();
}
END_TEST

/* ---- over processes ------------------------------------------------------*/

START_TEST(a_process_goes_on_where_the_one_before_was)
{
    const et_metrics *f = metering_iface();
    struct region *r;
    struct step s;

    begin();
    f->add(step_of(&s, hold(&instance, "q"), 0), 1, 2);
    f->add(step_of(&s, hold(&instance, "r"), 1), 1, 3);
    f->observe(&s.r.pub, 3, 50);
    f->set(&s.r.pub, 2, 8);
    metering_fini(&m);
    r = figures.region;
    seats_free(&r->seats, 0);
    seats_give(&r->seats, 0);
    ck_assert(figures_attach(&figures, r, figures.bytes, 0, N_WORKERS));
    ck_assert_int_eq(metering_init(&m, &figures), 0);
    metering_declare(&m, &plugin, &arena, NULL, &diag);
    says_not("x_y_hits");
    f->add(step_of(&s, hold(&instance, "r"), 0), 1, 4); /* in another order */
    says("x_y_hits_total{instance=\"x\",route=\"r\"} 7\n");
    says("x_y_size_bytes_count{instance=\"x\",route=\"r\"} 1\n");
    says("x_y_open_files{instance=\"x\",route=\"r\"} 0\n");
    hold(&instance, "q");
    says("x_y_hits_total{instance=\"x\",route=\"q\"} 2\n");
    end();
}
END_TEST

/* ---- threads -------------------------------------------------------------*/

#define N_ADDS 20000
static atomic_int is_over;

static void *
count(void *arg)
{
    const et_metrics *f = metering_iface();

    for (int i = 0; i < N_ADDS; i++) {
        f->add(arg, 1, 1);
        f->observe(arg, 3, i % 300);
    }
    return NULL;
}

static void *
read_all(void *arg)
{
    const et_str line =
        str_lit("x_y_size_bytes_count{instance=\"x\",route=\"r\"} ");
    const struct metering_series *s = arg;
    int64_t last = 0, last_count = 0;

    while (!atomic_load(&is_over)) {
        struct exposition x = {NULL, 0, 0};
        int64_t now = metering_sum(&m, s, 0);
        const char *at;
        UNIT_HOLDS(now >= last);
        last = now;
        UNIT_HOLDS(exposition_write(&x, &m, "0") == 0);
        at = memmem(x.p, x.n, line.p, line.n);
        if (at) {
            now = strtoll(at + line.n, NULL, 10);
            UNIT_HOLDS(now >= last_count);
            last_count = now;
        }
        exposition_free(&x);
    }
    return NULL;
}

START_TEST(a_reader_sees_totals_grow_while_places_come_and_go)
{
    static struct step steps[N_WORKERS];
    pthread_t writers[N_WORKERS], reader;
    struct metering_set *set;
    char name[16];

    begin();
    set = hold(&instance, "r");
    for (uint32_t w = 0; w < N_WORKERS; w++)
        step_of(&steps[w], set, w);
    pthread_create(&reader, NULL, read_all, set->v[0]);
    for (uint32_t w = 0; w < N_WORKERS; w++)
        pthread_create(&writers[w], NULL, count, &steps[w].r.pub);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "r%d", i % 100);
        metering_declare(&m, &plugin, &arena, NULL, &diag);
        metering_release(&m, hold(&instance, name));
    }
    for (uint32_t w = 0; w < N_WORKERS; w++)
        pthread_join(writers[w], NULL);
    atomic_store(&is_over, 1);
    pthread_join(reader, NULL);
    ck_assert_int_eq(metering_sum(&m, set->v[0], 0), N_WORKERS * N_ADDS);
    metering_release(&m, set);
    end();
}
END_TEST

UNIT_MAIN(metering, workers_are_summed_and_all_of_it_is_shown,
          calls_that_do_not_suit_are_ignored,
          the_servers_own_figures_are_summed,
          the_same_names_are_the_same_series,
          totals_go_on_and_a_gauge_begins_anew,
          what_is_known_takes_no_more_memory, a_new_build_explains_itself_anew,
          a_gauge_of_the_instance_is_of_all_its_routes,
          a_gauge_may_become_the_instances,
          other_bounds_are_another_histogram_at_the_same_place,
          another_kind_or_a_name_of_the_servers_is_an_error,
          names_are_made_of_the_ids_last_part, two_series_share_no_cell,
          a_process_goes_on_where_the_one_before_was,
          a_reader_sees_totals_grow_while_places_come_and_go)
