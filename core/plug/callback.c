/* SPDX-License-Identifier: BSD-2-Clause */
/* callback.c - see callback.h. */
#include "plug/callback.h"

#include <stdatomic.h>
#include <string.h>

#include "plug/guard.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/manners.h"
#include "plug/plugin.h"

/* What a callback is given, whichever it is, and what it returned. */
struct visit {
    const struct plugin *plugin;
    const struct instance *instance;
    const et_host *host;
    et_worker *worker;
    void *state; /* or inst, or out */
    et_err *e;
    int32_t (*put)(void *out, const void *p, size_t n);
    uint32_t version;
    const et_commanddef *command;
    et_str args;
    const void *p;
    size_t n;
    int32_t rc;
};

static void
explain(et_err *e, const char *why)
{
    size_t n = strlen(why);

    e->n = n < e->cap ? n : e->cap;
    memcpy(e->p, why, e->n);
}

/* fn makes the call; e NULL: nobody is told. */
static int
visit(struct visit *v, enum guard_call call, const char *name,
      int (*fn)(void *arg))
{
    struct image *img = v->plugin->image;
    const struct guard_who who = {.call = call, .image = img, .name = name};

    if (manners_run(&who, fn, v) != LEAP_LEFT)
        return v->rc;
    atomic_store(&img->has_crashed, 1);
    if (v->e)
        explain(v->e, guard_why());
    return CALLBACK_CRASHED;
}

static int
visit_instance(struct visit *v, const struct instance *i, enum guard_call call,
               int (*fn)(void *arg))
{
    v->instance = i;
    v->plugin = i->plugin;
    return visit(v, call, i->name, fn);
}

/* ---- of the image ---------------------------------------------------------*/

static int
load(void *arg)
{
    struct visit *v = arg;

    v->rc = v->plugin->image_def->load(v->host, v->e);
    return 0;
}

int
callback_load(const struct plugin *p, const et_host *host, et_err *e)
{
    struct visit v = {.plugin = p, .host = host, .e = e};

    if (!p->image_def || !p->image_def->load)
        return 0;
    return visit(&v, GUARD_LOAD, p->path, load);
}

static int
unload(void *arg)
{
    ((struct visit *)arg)->plugin->image_def->unload();
    return 0;
}

void
callback_unload(const struct plugin *p)
{
    struct visit v = {.plugin = p};

    if (p->image_def && p->image_def->unload)
        (void)visit(&v, GUARD_UNLOAD, p->path, unload);
}

/* ---- of an instance -------------------------------------------------------*/

static int
open(void *arg)
{
    struct visit *v = arg;

    v->rc = v->plugin->instance->open(
        &((struct instance *)(uintptr_t)v->instance)->conf,
        v->instance->options, v->state, v->e);
    return 0;
}

int
callback_open(struct instance *i, void *inst, et_err *e)
{
    struct visit v = {.state = inst, .e = e};

    if (!i->plugin->instance->open)
        return 0;
    return visit_instance(&v, i, GUARD_OPEN, open);
}

static int
close(void *arg)
{
    struct visit *v = arg;

    v->plugin->instance->close(v->instance->inst);
    return 0;
}

void
callback_close(const struct instance *i)
{
    struct visit v = {0};

    if (i->plugin->instance->close)
        (void)visit_instance(&v, i, GUARD_CLOSE, close);
}

/* ---- of a worker's state --------------------------------------------------*/

static int
init(void *arg)
{
    struct visit *v = arg;
    const struct instance *i = v->instance;

    v->rc = v->plugin->state->init(v->worker, i->inst ? i->inst : i->options,
                                   v->state, v->e);
    return 0;
}

int
callback_init(const struct instance *i, et_worker *w, void *state, et_err *e)
{
    struct visit v = {.worker = w, .state = state, .e = e};

    if (!i->plugin->state->init)
        return 0;
    return visit_instance(&v, i, GUARD_INIT, init);
}

static int
leave(void *arg)
{
    struct visit *v = arg;

    v->plugin->state->exit(v->worker, v->state);
    return 0;
}

int
callback_exit(const struct instance *i, et_worker *w, void *state)
{
    struct visit v = {.worker = w, .state = state};

    if (!i->plugin->state->exit)
        return 0;
    return visit_instance(&v, i, GUARD_EXIT, leave);
}

static int
save(void *arg)
{
    struct visit *v = arg;

    v->rc = v->plugin->state->save(v->worker,
                                   v->instance->parts[v->worker->index].state,
                                   v->state, v->put);
    return 0;
}

int
callback_save(const struct instance *i, et_worker *w, void *out,
              int32_t (*put)(void *out, const void *p, size_t n))
{
    struct visit v = {.worker = w, .state = out, .put = put};

    return visit_instance(&v, i, GUARD_SAVE, save);
}

static int
take(void *arg)
{
    struct visit *v = arg;

    v->rc = v->plugin->state->load(v->worker,
                                   v->instance->parts[v->worker->index].state,
                                   v->version, v->p, v->n, v->e);
    return 0;
}

int
callback_take(const struct instance *i, et_worker *w, uint32_t version,
              const void *p, size_t n, et_err *e)
{
    struct visit v = {.worker = w, .version = version, .p = p, .n = n, .e = e};

    return visit_instance(&v, i, GUARD_TAKE, take);
}

/* ---- commands -------------------------------------------------------------*/

static int
command(void *arg)
{
    struct visit *v = arg;

    v->rc =
        v->command->fn(v->worker, instance_self(v->instance, v->worker->index),
                       v->args, v->state, v->put);
    return 0;
}

int
callback_command(const struct instance *i, et_worker *w,
                 const et_commanddef *def, et_str args, void *out,
                 int32_t (*put)(void *out, const void *p, size_t n))
{
    struct visit v = {
        .worker = w, .state = out, .command = def, .args = args, .put = put};

    return visit_instance(&v, i, GUARD_COMMAND, command);
}
