/* SPDX-License-Identifier: BSD-2-Clause */
/* command.c - see command.h. */
#include "http/command.h"

#include <string.h>

#include "base/str.h"
#include "http/gen.h"
#include "plug/instance.h"
#include "plug/plugin.h"

const struct instance *
command_instance(const struct gen *g, const char *name)
{
    const struct instance *only = NULL;
    uint32_t n = 0;

    for (uint32_t i = 0; i < g->n_instances; i++) {
        const struct instance *one = g->instances[i];
        if (strcmp(one->name, name) == 0)
            return one;
        if (str_eq(one->conf.instance, str_from_z(name))) {
            only = one;
            n++;
        }
    }
    return n == 1 ? only : NULL;
}

const et_commanddef *
command_find(const struct instance *i, const char *name)
{
    for (uint32_t k = 0; k < i->plugin->n_commands; k++) {
        if (strcmp(i->plugin->commands[k]->name, name) == 0)
            return i->plugin->commands[k];
    }
    return NULL;
}

static int32_t
put(void *out, const void *p, size_t n)
{
    struct command *c = out;
    size_t room = c->cap - c->n;

    if (n > room)
        c->is_cut = 1;
    if (n > 0)
        memcpy(c->out + c->n, p, n < room ? n : room);
    c->n += n < room ? n : room;
    return n > room ? ET_ELIMIT : 0;
}

void
command_run(const struct gen_worker *w, struct command *c)
{
    const struct instance *i = command_instance(w->gen, c->instance);
    const et_commanddef *def = i ? command_find(i, c->name) : NULL;

    c->n = 0;
    c->is_cut = 0;
    c->result =
        def ? instance_command(i, w->worker, def, c->args, c, put) : ET_EINVAL;
}
