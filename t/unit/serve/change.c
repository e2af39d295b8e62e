/* SPDX-License-Identifier: BSD-2-Clause */
/* change.c - a generation that does not become current is undone backwards:
 * the worker that failed first, then one worker after the other from the last
 * on, each its inits in reverse.
 *
 * The process is a real one; the plugin is a table of functions of this
 * file. */
/* tags: asan tsan */
#include "serve/change.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "http/gen.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "serve/process.h"
#include "serve/start.h"
#include "serve/stop.h"
#include "t/lib/unit.h"

#define WORKERS 4
#define INSTANCES 3
#define NOBODY 9

static struct server s;

/* ---- the plugin ----------------------------------------------------------*/

static unsigned failing_worker, failing_instance;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int n_inits;
static char undone[256]; /* "3c 3b 3a ": worker and instance, as they went */

struct state {
    char name;
};

static int32_t
on_init(et_worker *w, const void *from, void *state, et_err *e)
{
    const char *name = from;

    if (w->index == failing_worker &&
        (unsigned)(*name - 'a') == failing_instance) {
        memcpy(e->p, "no", 2);
        e->n = 2;
        return ET_EINVAL;
    }
    ((struct state *)state)->name = *name;
    pthread_mutex_lock(&lock);
    n_inits++;
    pthread_mutex_unlock(&lock);
    return 0;
}

static void
on_end(et_worker *w, void *state)
{
    char text[8];

    snprintf(text, sizeof text, "%u%c ", w->index,
             ((const struct state *)state)->name);
    pthread_mutex_lock(&lock);
    strcat(undone, text);
    pthread_mutex_unlock(&lock);
}

static const et_statedef state_def = {
    .state_size = sizeof(struct state), .init = on_init, .exit = on_end};
static struct plugin plugin = {
    .magic = PLUGIN_MAGIC, .n_refs = 1, .state = &state_def};

/* ---- its generation ------------------------------------------------------*/

static char names[INSTANCES][2] = {"a", "b", "c"};
static struct instance *instances[INSTANCES];
static struct gen_worker parts[WORKERS];
static struct gen gen;

static void
make_gen(void)
{
    for (int i = 0; i < INSTANCES; i++) {
        instances[i] = instance_new(&plugin, names[i], NULL, WORKERS, NULL);
        ck_assert_ptr_nonnull(instances[i]);
        instances[i]->options = names[i];
    }
    memset(parts, 0, sizeof parts);
    gen = (struct gen){.id = 2,
                       .conf = s.gen->conf,
                       .instances = instances,
                       .n_instances = INSTANCES,
                       .n_workers = WORKERS,
                       .workers = parts,
                       .workers_left = WORKERS};
    n_inits = 0;
    undone[0] = '\0';
}

static void
free_gen(void)
{
    for (int i = 0; i < INSTANCES; i++)
        instance_unref(instances[i]);
    ck_assert_uint_eq(plugin.n_refs, 1);
}

/* What is undone on worker, of n inits; out moves on. */
static void
backwards(char **out, unsigned worker, unsigned n)
{
    while (n > 0)
        *out += sprintf(*out, "%u%s ", worker, names[--n]);
}

static void
expect_undone(unsigned failed, unsigned n)
{
    char expected[sizeof undone] = "", *out = expected;

    if (failed < WORKERS)
        backwards(&out, failed, n);
    for (unsigned i = WORKERS; i-- > 0;) {
        if (i != failed)
            backwards(&out, i, INSTANCES);
    }
    ck_assert_str_eq(undone, expected);
    ck_assert_uint_eq(strlen(undone), 3 * (size_t)n_inits);
    for (unsigned i = 0; i < WORKERS; i++)
        ck_assert(!gen_has_part(&gen, i));
}

static void
fail_on(unsigned worker, unsigned instance)
{
    struct diag d;
    char said[64];

    make_gen();
    failing_worker = worker;
    failing_instance = instance;
    diag_init(&d);
    ck_assert_int_eq(change_prepare(&s, &gen, &d), ERR_INVALID);
    ck_assert_uint_eq(d.n_errors, 1);
    snprintf(said, sizeof said, "plugin %s on worker %u: no", names[instance],
             worker);
    ck_assert_str_eq(d.first->text, said);
    diag_fini(&d);
    expect_undone(worker, instance);
    free_gen();
}

/* ---- the process ---------------------------------------------------------*/

static const char ini[] = "[server]\nlisten = 127.0.0.1:0\nworkers = 4\n"
                          "log_level = error\n";
static struct server_options options;
static char path[] = "/tmp/etude-change-XXXXXX";

static void
begin(void)
{
    static char *env[] = {NULL};
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, ini, sizeof ini - 1), sizeof ini - 1);
    close(fd);
    options = (struct server_options){.conf_path = path, .env = env};
    s = (struct server){.options = &options, .channel = CHANNEL_NONE};
    ck_assert_int_eq(start_serving(&s), SERVER_OK);
}

static void
end(void)
{
    s.orders.stops = 1;
    ck_assert_int_eq(stop_serving(&s), SERVER_OK);
    unlink(path);
}

START_TEST(whatever_fails_all_is_undone_backwards)
{
    begin();
    for (unsigned worker = 0; worker < WORKERS; worker++) {
        for (unsigned i = 0; i < INSTANCES; i++)
            fail_on(worker, i);
    }
    end();
}
END_TEST

/* A log file that cannot be opened, say. */
START_TEST(what_nobody_failed_on_is_undone_backwards)
{
    struct diag d;

    begin();
    make_gen();
    failing_worker = NOBODY;
    diag_init(&d);
    ck_assert_int_eq(change_prepare(&s, &gen, &d), 0);
    ck_assert_int_eq(n_inits, WORKERS * INSTANCES);
    ck_assert_str_eq(undone, "");
    change_abort(&s, &gen);
    expect_undone(NOBODY, 0);
    diag_fini(&d);
    free_gen();
    end();
}
END_TEST

UNIT_MAIN(change, whatever_fails_all_is_undone_backwards,
          what_nobody_failed_on_is_undone_backwards)
