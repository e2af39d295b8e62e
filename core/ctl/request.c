/* SPDX-License-Identifier: BSD-2-Clause */
/* request.c - see request.h. */
#include "ctl/request.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json_read.h"
#include "base/log.h"
#include "base/str.h"

static const struct {
    const char *name;
    int is_logged; /* it changes something */
} orders[REQUEST_N_ORDERS] = {
    [REQUEST_STATUS] = {"status", 0},   [REQUEST_ROUTES] = {"routes", 0},
    [REQUEST_PLUGINS] = {"plugins", 0}, [REQUEST_RELOAD] = {"reload", 1},
    [REQUEST_STOP] = {"stop", 1},       [REQUEST_REOPEN] = {"reopen", 1},
    [REQUEST_UPGRADE] = {"upgrade", 1}, [REQUEST_COMMAND] = {"command", 1},
};

/* Texts of a request end with a NUL, in the place of the quote behind them. */
static int
keep_text(et_str *to, const struct json_value *v)
{
    if (v->type != JSON_STRING)
        return 0;
    ((char *)(uintptr_t)v->text.p)[v->text.n] = '\0';
    *to = v->text;
    return 1;
}

/* The list's texts with a blank between each two. */
static int
keep_args(struct request *q, struct json_read *r)
{
    et_str item;
    int rc;

    while ((rc = json_read_item(r, &item)) > 0) {
        if (q->n_args + item.n + 1 >= sizeof q->args)
            return 0;
        if (q->has_args)
            q->args[q->n_args++] = ' ';
        memcpy(q->args + q->n_args, item.p, item.n);
        q->n_args += item.n;
        q->has_args = 1;
    }
    return rc == 0;
}

enum { COMMAND, PLUGIN, NAME, PATH, METHOD, N_TEXTS, ARGS = N_TEXTS, TEXT, N };

/* Which member it is; N: of a later client's. */
static int
find_member(et_str name)
{
    static const char *const names[N] = {
        [COMMAND] = "command", [PLUGIN] = "plugin", [NAME] = "name",
        [PATH] = "path",       [METHOD] = "method", [ARGS] = "args",
        [TEXT] = "text",
    };
    int i = 0;

    while (i < N && !str_eq(name, str_from_z(names[i])))
        i++;
    return i;
}

/* False: it is not of its type. */
static int
keep(struct request *q, struct json_read *r, const struct json_value *v,
     int member)
{
    et_str *const texts[N_TEXTS] = {&q->command, &q->plugin, &q->name, &q->path,
                                    &q->method};

    if (member < N_TEXTS)
        return keep_text(texts[member], v);
    if (member == ARGS)
        return v->type == JSON_LIST && keep_args(q, r);
    q->wants_text = v->number != 0;
    return v->type == JSON_BOOL;
}

/* NULL, or what is wrong with it. */
static const char *
take(struct request *q, struct json_read *r, const struct json_value *v)
{
    int member = find_member(v->name);

    if (member == N)
        return NULL;
    if (q->given & 1u << member)
        return "a member is given twice";
    q->given |= 1u << member;
    return keep(q, r, v, member) ? NULL : "a member is not of its type";
}

static const char *
find_order(struct request *q)
{
    if (!q->command.p)
        return "a command is missing";
    for (int i = 0; i < REQUEST_N_ORDERS; i++) {
        if (str_eq(q->command, str_from_z(orders[i].name))) {
            q->order = (enum request_order)i;
            return NULL;
        }
    }
    snprintf(q->why, sizeof q->why, "\"%.60s\" is no command", q->command.p);
    return q->why;
}

const char *
request_read(struct request *q, char *line, size_t n)
{
    struct json_read r;
    struct json_value v;
    int rc;

    json_read_init(&r, line, n);
    while ((rc = json_read_next(&r, &v)) > 0) {
        const char *wrong = take(q, &r, &v);
        if (wrong)
            return wrong;
    }
    if (rc < 0)
        return "this is no JSON object";
    return find_order(q);
}

void
request_log(const struct request *q, const struct admin_peer *from)
{
    if (orders[q->order].is_logged)
        log_info("admin: %s, asked for by uid %d, pid %d",
                 orders[q->order].name, (int)from->uid, (int)from->pid);
}
