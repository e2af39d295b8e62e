/* SPDX-License-Identifier: BSD-2-Clause */
/* ask.c - see ask.h. */
#include "serve/ask.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/paths.h"
#include "ctl/admin.h"
#include "ctl/answer.h"
#include "http/gen.h"
#include "serve/errand.h"
#include "serve/live.h"
#include "serve/process.h"
#include "serve/status.h"

#define MS 1000000u

/* ---- who asks ------------------------------------------------------------*/

static struct ask *
new_ask(struct server *s, uint64_t client, int is_supervisors)
{
    struct asks *all = &s->asks;

    for (uint32_t i = 0; i < ASK_MAX; i++) {
        struct ask *k = &all->v[i];
        if (k->state != ASK_FREE)
            continue;
        *k = (struct ask){.client = client,
                          .is_supervisors = (uint8_t)is_supervisors,
                          .state = ASK_NOW,
                          .serial = ++all->serial};
        return k;
    }
    return NULL;
}

uint64_t
ask_number(const struct server *s, const struct ask *k)
{
    return (uint64_t)k->serial << 32 | (uint32_t)(k - s->asks.v);
}

static struct ask *
find(const struct server *s, uint64_t number)
{
    const uint32_t i = (uint32_t)number;
    const struct ask *k = i < ASK_MAX ? &s->asks.v[i] : NULL;

    if (!k || k->state == ASK_FREE || k->serial != number >> 32)
        return NULL;
    return (struct ask *)(uintptr_t)k;
}

int
ask_wants_text(const struct server *s, uint64_t number)
{
    const struct ask *k = find(s, number);

    return k && k->wants_text;
}

static void
tell(struct server *s, const struct ask *k, const char *text, size_t n)
{
    if (k->is_supervisors)
        channel_result(&s->channel, (uint32_t)k->client, text, n);
    else if (s->asks.socket)
        admin_answer(s->asks.socket, k->client, text, n, clock_mono_ns() / MS);
}

/* Takes a. */
static void
finish(struct server *s, struct ask *k, struct answer *a)
{
    tell(s, k, a->text, a->n);
    answer_free(a);
    k->state = ASK_FREE;
}

void
ask_answer(struct server *s, uint64_t number, struct answer *a)
{
    struct ask *k = find(s, number);

    if (k)
        finish(s, k, a);
    else
        answer_free(a);
}

PRINTF(4, 5)
static void
refuse(struct server *s, struct ask *k, int code, const char *fmt, ...)
{
    struct answer a;
    va_list ap;

    va_start(ap, fmt);
    answer_vrefuse(&a, code, fmt, ap);
    va_end(ap);
    finish(s, k, &a);
}

/* ---- the orders ----------------------------------------------------------*/

/* Answer with what was written to said, which is taken: all of it in words, or
 * members of an answer. */
static void
tell_good(struct server *s, struct ask *k, struct answer *said)
{
    struct answer a;
    char *text = answer_take(said);

    answer_begin(&a);
    a.is_broken = !text;
    if (a.out && text) {
        fputs("{\"ok\":true,", a.out);
        if (k->wants_text) {
            fputs("\"text\":", a.out);
            json_string(a.out, (et_str){text, said->n});
        } else {
            fputs(text, a.out);
        }
        fputc('}', a.out);
    }
    free(text);
    answer_end(&a);
    finish(s, k, &a);
}

/* What print says of the server: in words, or as members of the answer. */
static void
show(struct server *s, struct ask *k,
     void (*print)(FILE *out, struct server *s, int as_json))
{
    struct answer said;

    answer_begin(&said);
    if (said.out)
        print(said.out, s, !k->wants_text);
    tell_good(s, k, &said);
}

static void
do_status(struct server *s, struct ask *k, const struct request *q)
{
    (void)q;
    show(s, k, status_print);
}

static void
do_plugins(struct server *s, struct ask *k, const struct request *q)
{
    (void)q;
    show(s, k, live_plugins);
}

static void
explain(struct server *s, struct ask *k, const struct request *q)
{
    struct answer said;
    int rc = 0;

    answer_begin(&said);
    if (said.out)
        rc = live_path(said.out, s, q->method.p, q->path.p, !k->wants_text);
    said.is_broken = rc == ERR_NOMEM;
    if (rc != ERR_INVALID) {
        tell_good(s, k, &said);
        return;
    }
    free(answer_take(&said));
    refuse(s, k, SERVER_USAGE, "\"%s\" is no path such as /a or //host/a",
           q->path.p);
}

static void
do_routes(struct server *s, struct ask *k, const struct request *q)
{
    if (q->path.p)
        explain(s, k, q);
    else
        show(s, k, live_routes);
}

static void
do_reload(struct server *s, struct ask *k, const struct request *q)
{
    (void)q;
    if (s->options->is_supervised) { /* it alone reads the files */
        refuse(s, k, SERVER_USAGE, "that is a supervisor's business");
        return;
    }
    if (s->orders.stops > 0) {
        refuse(s, k, 1, "the server is to stop");
        return;
    }
    k->state = ASK_RELOAD;
    k->due_ns =
        clock_mono_ns() + (uint64_t)s->gen->conf->server.reload_timeout * MS;
    s->orders.hup = 1;
}

static void
say_pid(struct server *s, struct ask *k)
{
    struct answer a;

    answer_pid(&a);
    finish(s, k, &a);
}

/* To end it at once is left to signals: two who ask do not know of each other.
 */
static void
do_stop(struct server *s, struct ask *k, const struct request *q)
{
    struct answer a;

    (void)q;
    if (s->orders.stops == 0)
        s->orders.stops = 1;
    if (k->is_supervisors) {
        say_pid(s, k);
        return;
    }
    answer_pid(&a);
    admin_say(s->asks.socket, k->client, a.text, a.n);
    answer_free(&a);
    k->state = ASK_STOP;
}

static void
do_reopen(struct server *s, struct ask *k, const struct request *q)
{
    int n_failed = log_reopen();

    (void)q;
    log_info("log files reopened, %d failed", n_failed);
    if (n_failed > 0)
        refuse(s, k, 1, "%d log files could not be reopened: see the log",
               n_failed);
    else
        say_pid(s, k);
}

static void
do_upgrade(struct server *s, struct ask *k, const struct request *q)
{
    (void)q;
    refuse(s, k, 1,
           "there is no supervisor (supervise = no): restart it "
           "instead");
}

static void
do_command(struct server *s, struct ask *k, const struct request *q)
{
    struct answer a;

    k->state = ASK_ERRAND;
    k->due_ns =
        clock_mono_ns() + (uint64_t)s->gen->conf->server.prepare_timeout * MS;
    if (errand_start(s, ask_number(s, k), q, &a) < 0)
        finish(s, k, &a);
}

static void (*const orders[REQUEST_N_ORDERS])(struct server *s, struct ask *k,
                                              const struct request *q) = {
    [REQUEST_STATUS] = do_status,   [REQUEST_ROUTES] = do_routes,
    [REQUEST_PLUGINS] = do_plugins, [REQUEST_RELOAD] = do_reload,
    [REQUEST_STOP] = do_stop,       [REQUEST_REOPEN] = do_reopen,
    [REQUEST_UPGRADE] = do_upgrade, [REQUEST_COMMAND] = do_command,
};

/* ---- a line --------------------------------------------------------------*/

static void
carry_out(struct server *s, struct ask *k, char *line, size_t n,
          const struct admin_peer *from)
{
    struct request q = {.n_args = 0};
    const char *wrong = request_read(&q, line, n);

    k->wants_text = (uint8_t)q.wants_text;
    if (wrong) {
        refuse(s, k, SERVER_USAGE, "%s", wrong);
    } else if (!s->gen || !s->asks.begin_ns) { /* in a COMMIT, or the start */
        refuse(s, k, SERVER_UNAVAILABLE, "busy: try again");
    } else {
        if (from) /* else the supervisor has noted it */
            request_log(&q, from);
        orders[q.order](s, k, &q);
    }
}

static void
on_line(void *arg, uint64_t client, const struct admin_peer *from, char *line,
        size_t n)
{
    static const char full[] =
        "{\"ok\":false,\"exit\":69,\"error\":\"too many orders at once\"}";
    struct server *s = arg;
    struct ask *k = new_ask(s, client, 0);

    if (k)
        carry_out(s, k, line, n, from);
    else
        admin_answer(s->asks.socket, client, full, sizeof full - 1,
                     clock_mono_ns() / MS);
}

static void
read_channel(struct server *s)
{
    char line[ADMIN_LINE_MAX + 1];
    uint32_t id = 0;
    size_t n;

    while (s->channel.n_commands > 0) {
        struct ask *k = new_ask(s, 0, 1);
        if (!k) /* later */
            return;
        n = channel_command(&s->channel, &id, line, sizeof line);
        k->client = id;
        if (n > 0)
            carry_out(s, k, line, n, NULL);
        else
            k->state = ASK_FREE;
    }
}

/* ---- reloads -------------------------------------------------------------*/

void
ask_reload_begins(struct server *s)
{
    admin_restore(s->asks.socket);
    s->asks.is_reloading = 1;
    for (uint32_t i = 0; i < ASK_MAX; i++) {
        struct ask *k = &s->asks.v[i];
        if (k->state == ASK_RELOAD)
            k->state = ASK_RELOADING;
    }
}

static const char *
first_error(const struct diag *d)
{
    const struct diag_item *i = d->first;

    while (i && i->kind != DIAG_ERROR)
        i = i->next;
    return i ? i->text : "";
}

void
ask_reload_ended(struct server *s, int rc, uint64_t ns, const char *changes,
                 const struct diag *d)
{
    struct answer a;

    s->asks.is_reloading = 0;
    status_keep_reload(s, rc, ns, changes, d);
    answer_outcome(&a, rc >= 0, s->gen->id, changes, d);
    channel_reloaded(&s->channel, rc, first_error(d), a.text, a.n);
    for (uint32_t i = 0; i < ASK_MAX; i++) {
        struct ask *k = &s->asks.v[i];
        if (k->state != ASK_RELOADING)
            continue;
        tell(s, k, a.text, a.n);
        k->state = ASK_FREE;
    }
    answer_free(&a);
}

void
ask_give_up(struct server *s)
{
    for (uint32_t i = 0; i < ASK_MAX; i++) {
        struct ask *k = &s->asks.v[i];
        if (k->state == ASK_RELOAD || k->state == ASK_RELOADING)
            refuse(s, k, 1, "the server is to stop");
    }
}

/* ---- a turn --------------------------------------------------------------*/

static void
tell_late(struct server *s, struct ask *k)
{
    if (k->state == ASK_ERRAND)
        refuse(s, k, SERVER_UNAVAILABLE,
               "a worker does not answer: a step of a plugin holds it");
    else
        refuse(s, k, SERVER_UNAVAILABLE,
               "the reload is not over after reload_timeout (%lld ms) and "
               "goes on: see the log",
               (long long)s->gen->conf->server.reload_timeout);
}

static void
look_at_clock(struct server *s)
{
    uint64_t now_ns = clock_mono_ns();

    for (uint32_t i = 0; s->gen && i < ASK_MAX; i++) {
        struct ask *k = &s->asks.v[i];
        if (k->state != ASK_FREE && k->due_ns && now_ns >= k->due_ns)
            tell_late(s, k);
    }
}

int
ask_poll_fd(const struct server *s)
{
    return admin_poll_fd(s->asks.socket);
}

int
ask_timeout(const struct server *s, int timeout_ms)
{
    uint64_t now_ns = clock_mono_ns();

    timeout_ms =
        clock_sooner(timeout_ms, admin_timeout(s->asks.socket, now_ns / MS));
    for (uint32_t i = 0; i < ASK_MAX; i++) {
        const struct ask *k = &s->asks.v[i];
        if (k->state != ASK_FREE)
            timeout_ms =
                clock_sooner(timeout_ms, clock_wait_ms(k->due_ns, now_ns));
    }
    return timeout_ms;
}

void
ask_turn(struct server *s)
{
    admin_turn(s->asks.socket, clock_mono_ns() / MS);
    read_channel(s);
    look_at_clock(s);
}

/* ---- life ----------------------------------------------------------------*/

int
ask_open(struct server *s, struct diag *d)
{
    const struct conf *conf = s->gen->conf;
    struct place at = conf_place(conf, &conf->server.admin);
    char path[PATH_MAX], why[256];
    int rc;

    s->asks.begin_ns = clock_mono_ns();
    if (s->options->is_supervised || !paths_admin(conf, 0, path, sizeof path))
        return 0;
    rc = admin_open(path, on_line, s, &s->asks.socket, why, sizeof why);
    if (rc < 0)
        diag_error(d, &at, "[server] admin: cannot listen on %s", why);
    return rc;
}

/* To who has asked for it. */
static void
tell_end(struct server *s, int code)
{
    for (uint32_t i = 0; i < ASK_MAX; i++) {
        struct answer a;
        if (s->asks.v[i].state != ASK_STOP)
            continue;
        answer_end_of(&a, code);
        finish(s, &s->asks.v[i], &a);
    }
    admin_turn(s->asks.socket, clock_mono_ns() / MS);
}

void
ask_hide(struct server *s, int code)
{
    if (s->asks.socket && code != SERVER_OK)
        tell_end(s, code);
    admin_close(s->asks.socket);
    s->asks.socket = NULL;
}

void
ask_close(struct server *s, int code)
{
    errand_fini(s);
    ask_hide(s, code);
    free(s->asks.last_json);
    free(s->asks.last_text);
    s->asks.last_json = s->asks.last_text = NULL;
}
