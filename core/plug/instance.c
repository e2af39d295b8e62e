/* SPDX-License-Identifier: BSD-2-Clause */
/* instance.c - the life of a plugin's instance; see instance.h. */
#include "plug/instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "plug/plugin.h"

#define OPTIONS_MAX_BYTES (64u << 20)

static et_str
as_str(const char *z)
{
    return z ? (et_str){z, strlen(z)} : (et_str){NULL, 0};
}

static const char *
full_name(struct arena *a, const char *section, const char *route)
{
    return route ? arena_printf(a, "%s@%s", section, route)
                 : arena_dup(a, as_str(section)).p;
}

struct instance *
instance_new(struct plugin *plugin, const char *section, const char *route,
             uint32_t n_workers, const et_host *host)
{
    struct instance *i = calloc(1, sizeof *i);

    if (!i)
        return NULL;
    arena_init(&i->arena, NULL, 0, NULL, OPTIONS_MAX_BYTES);
    i->refs = 1;
    i->states = calloc(n_workers, sizeof *i->states);
    i->name = full_name(&i->arena, section, route);
    i->conf = (et_conf){
        .ctx = {sizeof i->conf, ET_K_CONF, host},
        .instance = arena_dup(&i->arena, as_str(section)),
        .route = route ? arena_dup(&i->arena, as_str(route)) : as_str(NULL),
        .n_workers = n_workers,
    };
    if (!i->states || !i->name || !i->conf.instance.p) {
        free(i->states);
        arena_reset(&i->arena);
        free(i);
        return NULL;
    }
    i->plugin = plugin_ref(plugin);
    return i;
}

struct instance *
instance_ref(struct instance *i)
{
    i->refs++;
    return i;
}

void
instance_unref(struct instance *i)
{
    const et_instancedef *def = i->plugin->instance;

    CHECK(i->refs > 0);
    if (--i->refs > 0)
        return;
    if (i->inst && def->close)
        def->close(i->inst);
    while (i->n_channels > 0)
        log_channel_close(i->channels[--i->n_channels]);
    plugin_unref(i->plugin);
    free(i->states);
    arena_reset(&i->arena);
    free(i);
}

/* The text a plugin left in e, as a C string in why. */
static void
explain(char *why, size_t cap, const et_err *e, const char *otherwise)
{
    if (e->n == 0 || e->n > e->cap)
        snprintf(why, cap, "%s", otherwise);
    else
        why[e->n < cap ? e->n : cap - 1] = '\0';
}

int
instance_open(struct instance *i, char *why, size_t cap)
{
    const et_instancedef *def = i->plugin->instance;
    et_err e = {why, cap - 1, 0};
    void *inst;
    int rc;

    if (!def)
        return 0;
    inst = arena_zalloc(&i->arena, def->inst_size ? def->inst_size : 1);
    if (!inst) {
        snprintf(why, cap, "out of memory");
        return ET_ENOMEM;
    }
    rc = def->open ? def->open(&i->conf, i->options, inst, &e) : 0;
    if (rc < 0) {
        explain(why, cap, &e, "its open() failed without saying why");
        return rc;
    }
    i->inst = inst;
    return 0;
}

/* A worker's context says nothing of whose code runs: this does. */
static _Thread_local const struct instance *speaking;

const char *
instance_speaking(void)
{
    return speaking ? speaking->name : NULL;
}

static int
run_init(const struct instance *i, et_worker *w, void *state, et_err *e)
{
    const et_statedef *def = i->plugin->state;
    int rc;

    if (!def->init)
        return 0;
    speaking = i;
    rc = def->init(w, i->inst ? i->inst : i->options, state, e);
    speaking = NULL;
    return rc;
}

int
instance_worker_init(struct instance *i, et_worker *w, char *why, size_t cap)
{
    const et_statedef *def = i->plugin->state;
    et_err e = {why, cap - 1, 0};
    size_t size;
    void *state;
    int rc;

    if (!def)
        return 0;
    /* On cache lines of its own: workers' states never share one. */
    size = ((size_t)def->state_size + 64) & ~(size_t)63;
    state = aligned_alloc(64, size);
    if (!state) {
        snprintf(why, cap, "out of memory");
        return ET_ENOMEM;
    }
    memset(state, 0, size);
    rc = run_init(i, w, state, &e);
    if (rc < 0) {
        explain(why, cap, &e, "its worker init failed without saying why");
        free(state);
        return rc;
    }
    i->states[w->index] = state;
    return 0;
}

void
instance_worker_exit(struct instance *i, et_worker *w)
{
    const et_statedef *def = i->plugin->state;
    void *state = i->states[w->index];

    if (!state)
        return;
    i->states[w->index] = NULL;
    speaking = i;
    if (def->exit)
        def->exit(w, state);
    speaking = NULL;
    free(state);
}

void *
instance_self(const struct instance *i, uint32_t worker)
{
    if (i->plugin->state)
        return i->states[worker];
    return i->inst ? i->inst : i->options;
}
