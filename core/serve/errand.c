/* SPDX-License-Identifier: BSD-2-Clause */
/* errand.c - see errand.h. */
#include "serve/errand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "ctl/answer.h"
#include "http/command.h"
#include "http/gen.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "serve/ask.h"
#include "serve/process.h"

struct errand {
    struct order order;
    struct errand *next;
    struct server *server;
    uint64_t asked_by;
    uint32_t worker; /* that has it */
    struct command command;
    struct answer answer; /* what the workers before it said */
    int n_failed;
    uint8_t wants_text, has_ended;
    char names[2][256], args[ADMIN_LINE_MAX];
    char out[ERRAND_BYTES];
};

/* ---- on a worker ---------------------------------------------------------*/

static void
run(struct worker *w, struct order *o)
{
    struct errand *e = o->arg;

    command_run(w->env.gen, &e->command);
    order_reply(o, 0);
}

/* ---- what was said -------------------------------------------------------*/

/* Texts of ours hold no NUL. */
static void
clean(struct command *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->out[i] == '\0')
            c->out[i] = '?';
    }
}

static void
put_part(struct errand *e)
{
    const struct command *c = &e->command;
    FILE *out = e->answer.out;

    fprintf(out, "%s{\"worker\":%u,\"result\":%d,%s\"text\":",
            e->worker > 0 ? "," : "", e->worker, (int)c->result,
            c->is_cut ? "\"cut\":true," : "");
    json_string(out, (et_str){c->out, c->n});
    fputc('}', out);
}

/* A line of its own; if there are several workers, with a name before it. */
static void
put_words(struct errand *e)
{
    const struct command *c = &e->command;
    FILE *out = e->answer.out;
    int ends = c->n > 0 && c->out[c->n - 1] == '\n';

    if (e->server->fleet.n_workers > 1)
        fprintf(out, "worker %u: ", e->worker);
    if (c->result < 0)
        fprintf(out, "failed (%d)%s", (int)c->result, c->n > 0 ? ": " : "");
    fwrite(c->out, 1, c->n, out);
    if (c->is_cut)
        fputs("... (cut)", out);
    if (!ends || c->is_cut)
        fputc('\n', out);
}

/* The whole answer of what e->answer has collected. */
static void
conclude(struct errand *e, struct answer *a)
{
    char *parts = answer_take(&e->answer);

    answer_begin(a);
    a->is_broken = !parts;
    if (a->out && parts) {
        fprintf(a->out, "{\"ok\":%s,",
                e->n_failed ? "false,\"exit\":1" : "true");
        if (e->n_failed)
            fprintf(a->out, "\"error\":\"%d worker(s) failed\",", e->n_failed);
        fprintf(a->out, "\"%s\":", e->wants_text ? "text" : "workers");
        if (e->wants_text)
            json_string(a->out, (et_str){parts, e->answer.n});
        else
            fprintf(a->out, "[%s]", parts);
        fputc('}', a->out);
    }
    free(parts);
    answer_end(a);
}

/* ---- on its way ----------------------------------------------------------*/

static void
drop(struct errand *e)
{
    struct errand **at = &e->server->asks.errands;

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    e->server->asks.n_errands--;
    free(e->has_ended ? NULL : answer_take(&e->answer));
    free(e);
}

/* Threads that end take no more orders. */
static int
is_ending(const struct server *s)
{
    return s->is_ending || s->handover.is_ordered;
}

static void
go(struct errand *e)
{
    order_give(&e->server->fleet.workers[e->worker], &e->order);
}

static void
on_reply(struct order *o)
{
    struct errand *e = o->arg;
    struct server *s = e->server;
    struct answer a;

    clean(&e->command);
    if (e->wants_text)
        put_words(e);
    else
        put_part(e);
    e->n_failed += e->command.result < 0;
    if (++e->worker < s->fleet.n_workers && !is_ending(s)) {
        go(e);
        return;
    }
    conclude(e, &a);
    e->has_ended = 1;
    ask_answer(s, e->asked_by, &a);
    drop(e);
}

/* ---- the beginning -------------------------------------------------------*/

static void
list(char *out, size_t cap, size_t *n, const char *name)
{
    int k = snprintf(out + *n, cap - *n, "%s%s", *n > 0 ? ", " : "", name);

    if (k > 0)
        *n = *n + (size_t)k < cap ? *n + (size_t)k : cap - 1;
}

static void
refuse_instance(const struct gen *g, const char *name, struct answer *a)
{
    char known[512] = "";
    size_t n = 0;

    for (uint32_t i = 0; i < g->n_instances; i++) {
        if (g->instances[i]->plugin->n_commands > 0)
            list(known, sizeof known, &n, g->instances[i]->name);
    }
    answer_refuse(a, SERVER_USAGE,
                  "no instance \"%s\" serves, or several of it; those with "
                  "commands: %s",
                  name, n > 0 ? known : "none");
}

static void
refuse_command(const struct instance *i, const char *name, struct answer *a)
{
    char known[512] = "";
    size_t n = 0;

    for (uint32_t k = 0; k < i->plugin->n_commands; k++)
        list(known, sizeof known, &n, i->plugin->commands[k]->name);
    answer_refuse(a, SERVER_USAGE, "%s has no command \"%s\"; it has: %s",
                  i->name, name, n > 0 ? known : "none");
}

static int
check(const struct server *s, const struct request *q, struct answer *a)
{
    const struct instance *i;

    if (!q->plugin.p || !q->name.p) {
        answer_refuse(a, SERVER_USAGE, "plugin or name is missing");
        return ERR_INVALID;
    }
    i = command_instance(s->gen, q->plugin.p);
    if (!i)
        refuse_instance(s->gen, q->plugin.p, a);
    else if (!command_find(i, q->name.p))
        refuse_command(i, q->name.p, a);
    else if (is_ending(s) || s->asks.n_errands == ERRAND_MAX)
        answer_refuse(a, SERVER_UNAVAILABLE, "%s",
                      is_ending(s) ? "the server is to stop"
                                   : "too many commands at once");
    else
        return 0;
    return ERR_INVALID;
}

int
errand_start(struct server *s, uint64_t asked_by, const struct request *q,
             struct answer *a)
{
    struct errand *e = check(s, q, a) < 0 ? NULL : calloc(1, sizeof *e);

    if (!e)
        return ERR_INVALID;
    snprintf(e->names[0], sizeof e->names[0], "%s", q->plugin.p);
    snprintf(e->names[1], sizeof e->names[1], "%s", q->name.p);
    memcpy(e->args, q->args, q->n_args);
    e->command = (struct command){.instance = e->names[0],
                                  .name = e->names[1],
                                  .args = {e->args, q->n_args},
                                  .out = e->out,
                                  .cap = sizeof e->out};
    e->server = s;
    e->asked_by = asked_by;
    e->wants_text = (uint8_t)q->wants_text;
    e->order = (struct order){
        .run = run, .reply_to = &s->mailbox, .on_reply = on_reply, .arg = e};
    answer_begin(&e->answer);
    if (!e->answer.out) {
        free(e);
        answer_refuse(a, SERVER_INTERNAL, "out of memory");
        return ERR_NOMEM;
    }
    e->next = s->asks.errands;
    s->asks.errands = e;
    s->asks.n_errands++;
    go(e);
    return 0;
}

void
errand_fini(struct server *s)
{
    while (s->asks.errands)
        drop(s->asks.errands);
}
