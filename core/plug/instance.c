/* SPDX-License-Identifier: BSD-2-Clause */
/* instance.c - the life of a plugin's instance; see instance.h. */
#include "plug/instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "plug/callback.h"
#include "plug/guard.h"
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
    i->parts = calloc(n_workers, sizeof *i->parts);
    i->name = full_name(&i->arena, section, route);
    i->conf = (et_conf){
        .ctx = {sizeof i->conf, ET_K_CONF, host},
        .instance = arena_dup(&i->arena, as_str(section)),
        .route = route ? arena_dup(&i->arena, as_str(route)) : as_str(NULL),
        .n_workers = n_workers,
    };
    if (!i->parts || !i->name || !i->conf.instance.p) {
        free(i->parts);
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
    CHECK(i->refs > 0);
    if (--i->refs > 0)
        return;
    if (i->inst)
        callback_close(i);
    while (i->n_channels > 0)
        log_channel_close(i->channels[--i->n_channels]);
    plugin_unref(i->plugin);
    free(i->parts);
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

    if (i->is_open)
        return 0;
    i->is_open = !def;
    if (!def)
        return 0;
    inst = arena_zalloc(&i->arena, def->inst_size ? def->inst_size : 1);
    if (!inst) {
        snprintf(why, cap, "out of memory");
        return ET_ENOMEM;
    }
    rc = callback_open(i, inst, &e);
    if (rc < 0) {
        explain(why, cap, &e, "its open() failed without saying why");
        return rc;
    }
    i->inst = inst;
    i->is_open = 1;
    return 0;
}

/* ---- a worker's part ------------------------------------------------------*/

/* A worker's context says nothing of whose code runs: this does. */
static _Thread_local const struct instance *speaking;
/* And this, into which part what is lent goes; NULL unless init runs. */
static _Thread_local struct instance_part *starting;

const char *
instance_speaking(void)
{
    return speaking ? speaking->name : NULL;
}

const struct instance *
instance_in_init(void)
{
    return starting ? speaking : NULL;
}

void
instance_lend(struct instance_loan *l)
{
    CHECK(starting != NULL);
    l->next = starting->loans;
    starting->loans = l;
}

static void
take_back(struct instance_part *part)
{
    while (part->loans) {
        struct instance_loan *l = part->loans;
        part->loans = l->next;
        l->give_back(l);
    }
}

static int
run_init(struct instance *i, et_worker *w, void *state, et_err *e)
{
    int rc;

    speaking = i;
    starting = &i->parts[w->index];
    rc = callback_init(i, w, state, e);
    speaking = NULL;
    starting = NULL;
    return rc;
}

static int
run_exit(const struct instance *i, et_worker *w, void *state)
{
    int rc;

    speaking = i;
    rc = callback_exit(i, w, state);
    speaking = NULL;
    return rc;
}

/* On cache lines of its own: workers' states never share one. */
static size_t
state_bytes(const et_statedef *def)
{
    return ((size_t)def->state_size + 64) & ~(size_t)63;
}

static int
make_state(struct instance *i, et_worker *w, char *why, size_t cap)
{
    const et_statedef *def = i->plugin->state;
    et_err e = {why, cap - 1, 0};
    void *state = aligned_alloc(64, state_bytes(def));
    int rc;

    if (!state) {
        snprintf(why, cap, "out of memory");
        return ET_ENOMEM;
    }
    memset(state, 0, state_bytes(def));
    rc = run_init(i, w, state, &e);
    if (rc < 0) {
        explain(why, cap, &e, "its worker init failed without saying why");
        take_back(&i->parts[w->index]);
        if (rc != CALLBACK_CRASHED) /* who knows who holds it */
            free(state);
        return rc;
    }
    i->parts[w->index].state = state;
    return 0;
}

static void
end_state(struct instance *i, et_worker *w)
{
    struct instance_part *part = &i->parts[w->index];
    int rc = run_exit(i, w, part->state);

    take_back(part);
    if (rc != CALLBACK_CRASHED) /* as in make_state */
        free(part->state);
    part->state = NULL;
}

int
instance_hold(struct instance *i, et_worker *w, char *why, size_t cap)
{
    struct instance_part *part = &i->parts[w->index];
    int rc = 0;

    if (part->n_held == 0 && i->plugin->state)
        rc = make_state(i, w, why, cap);
    if (rc < 0)
        return rc;
    part->n_held++;
    return 0;
}

void
instance_drop(struct instance *i, et_worker *w)
{
    struct instance_part *part = &i->parts[w->index];

    CHECK(part->n_held > 0);
    if (--part->n_held == 0 && part->state)
        end_state(i, w);
}

/* ---- what a state hands over to its successor -----------------------------*/

struct saved {
    char *p;
    size_t n, cap;
    int32_t failed; /* what the first put that was refused returned */
};

static int32_t
make_room(struct saved *s, size_t n)
{
    size_t cap = s->cap ? s->cap : 4096;
    char *to;

    if (n > INSTANCE_SAVED_MAX - s->n)
        return ET_ELIMIT;
    if (n <= s->cap - s->n)
        return 0;
    while (cap < s->n + n)
        cap *= 2;
    to = realloc(s->p, cap);
    if (!to)
        return ET_ENOMEM;
    s->p = to;
    s->cap = cap;
    return 0;
}

/* Behind one that was refused none is taken: a state with a hole would be worse
 * than none. */
static int32_t
put(void *out, const void *p, size_t n)
{
    struct saved *s = out;

    if (!s->failed)
        s->failed = make_room(s, n);
    if (s->failed)
        return s->failed;
    if (n)
        memcpy(s->p + s->n, p, n);
    s->n += n;
    return 0;
}

static int
save(const struct instance *old, et_worker *w, struct saved *s, char *why,
     size_t cap)
{
    int rc;

    speaking = old;
    rc = callback_save(old, w, s, put);
    speaking = NULL;
    if (rc >= 0)
        rc = s->failed; /* of which it may not have told us */
    if (rc == ET_ELIMIT)
        snprintf(why, cap, "its state is larger than %u MiB",
                 INSTANCE_SAVED_MAX >> 20);
    else if (rc == CALLBACK_CRASHED)
        snprintf(why, cap, "%s", guard_why());
    else if (rc < 0)
        snprintf(why, cap, "its state could not be saved (%d)", rc);
    return rc;
}

static int
load(struct instance *heir, et_worker *w, uint32_t version,
     const struct saved *s, char *why, size_t cap)
{
    et_err e = {why, cap - 1, 0};
    int rc;

    speaking = heir;
    rc = callback_take(heir, w, version, s->p ? s->p : "", s->n, &e);
    speaking = NULL;
    if (rc < 0)
        explain(why, cap, &e, "it does not take the state of the old one");
    return rc;
}

/* After a load that failed half way: as init leaves it. */
static int
make_again(struct instance *heir, et_worker *w, char *why, size_t cap)
{
    char again[256];
    int rc;

    end_state(heir, w);
    rc = make_state(heir, w, again, sizeof again);
    if (rc == 0)
        return INSTANCE_NOT_TAKEN;
    snprintf(why, cap, "%s", again);
    heir->parts[w->index].n_held--;
    return rc;
}

/* What old saves, loaded by heir.  0, or < 0 with why; *is_loading then tells
 * whether heir has begun with it. */
static int
hand_over(struct instance *heir, const struct instance *old, et_worker *w,
          int *is_loading, char *why, size_t cap)
{
    struct saved s = {0};
    int rc = save(old, w, &s, why, cap);

    *is_loading = rc >= 0;
    if (rc >= 0)
        rc = load(heir, w, old->plugin->state->version, &s, why, cap);
    free(s.p);
    return rc;
}

const char *
instance_is_no_heir(const struct instance *heir, const struct instance *old)
{
    const et_statedef *from = old->plugin->state, *to = heir->plugin->state;

    if (strcmp(old->plugin->desc.id, heir->plugin->desc.id) != 0)
        return "it was of another plugin before";
    if (!from || !from->save)
        return "its build before saves no state";
    if (!to || !to->load)
        return "this build of it takes no state";
    return NULL;
}

int
instance_inherit(struct instance *heir, const struct instance *old,
                 et_worker *w, char *why, size_t cap)
{
    struct instance_part *part = &heir->parts[w->index];
    int is_loading, rc = hand_over(heir, old, w, &is_loading, why, cap);

    if (rc == CALLBACK_CRASHED && is_loading) {
        instance_drop(heir, w);
        return rc;
    }
    if (rc < 0)
        return is_loading ? make_again(heir, w, why, cap) : INSTANCE_NOT_TAKEN;
    part->is_heir = 1;
    return INSTANCE_TAKEN;
}

int
instance_catch_up(struct instance *heir, const struct instance *old,
                  et_worker *w, char *why, size_t cap)
{
    struct instance_part *part = &heir->parts[w->index];
    int is_loading;

    if (!part->is_heir)
        return 0;
    part->is_heir = 0;
    return hand_over(heir, old, w, &is_loading, why, cap);
}

int32_t
instance_command(const struct instance *i, et_worker *w,
                 const et_commanddef *def, et_str args, void *out,
                 int32_t (*append)(void *out, const void *p, size_t n))
{
    int32_t rc;

    speaking = i;
    rc = callback_command(i, w, def, args, out, append);
    speaking = NULL;
    return rc;
}

void *
instance_self(const struct instance *i, uint32_t worker)
{
    if (i->plugin->state)
        return i->parts[worker].state;
    return i->inst ? i->inst : i->options;
}
