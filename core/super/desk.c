/* SPDX-License-Identifier: BSD-2-Clause */
/* desk.c - see desk.h. */
#include "super/desk.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/exit.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/paths.h"
#include "ctl/admin.h"
#include "ctl/answer.h"
#include "ctl/request.h"
#include "os/memfd.h"
#include "super/process.h"
#include "super/reload.h"
#include "super/report.h"
#include "super/servers.h"
#include "super/state.h"

#define OUTCOME_PART (STATE_LINE_MAX / 2)

static uint64_t
now_ms(void)
{
    return clock_mono_ns() / MS;
}

/* ---- who asks ------------------------------------------------------------*/

static struct desk_ask *
new_ask(struct desk *d, uint64_t client)
{
    for (uint32_t i = 0; i < DESK_MAX; i++) {
        struct desk_ask *k = &d->v[i];
        if (k->state != DESK_FREE)
            continue;
        *k = (struct desk_ask){
            .client = client, .state = DESK_NOW, .id = ++d->last_id};
        return k;
    }
    return NULL;
}

/* Takes a. */
static void
finish(struct super *s, struct desk_ask *k, struct answer *a)
{
    if (s->desk.socket)
        admin_answer(s->desk.socket, k->client, a->text, a->n, now_ms());
    answer_free(a);
    k->state = DESK_FREE;
}

PRINTF(4, 5)
static void
refuse(struct super *s, struct desk_ask *k, int code, const char *fmt, ...)
{
    struct answer a;
    va_list ap;

    va_start(ap, fmt);
    answer_vrefuse(&a, code, fmt, ap);
    va_end(ap);
    finish(s, k, &a);
}

static void
wait_for(struct desk_ask *k, enum desk_state state, uint64_t ms)
{
    k->state = (uint8_t)state;
    k->due_ns = clock_mono_ns() + ms * MS;
}

/* ---- the one that serves -------------------------------------------------*/

static int
is_asked(const struct super *s, const struct desk_ask *k, const struct child *c)
{
    return (k->state == DESK_STATUS || k->state == DESK_PASSED) &&
           &s->children[k->child] == c;
}

/* Have it answer this line, too.  NULL, or why it will not. */
static const char *
pass(struct super *s, struct desk_ask *k, et_str line)
{
    struct ctl_message m = {.kind = CTL_COMMAND, .id = k->id};
    struct child *c = s->serving;
    int fd;

    if (!c || !c->is_ready || c->channel < 0)
        return "no process serves: it is started";
    if (c->n_asked >= DESK_OUT_MAX)
        return "the server process does not answer";
    fd = memfd_new("etude-command", line.p, line.n);
    if (fd < 0)
        return strerror(-fd);
    child_send(c, &m, fd);
    close(fd);
    c->n_asked++;
    k->child = (uint8_t)super_number(s, c);
    return NULL;
}

/* All there is to say of the supervisor, and what the other one says. */
static void
show(struct super *s, struct desk_ask *k, const struct answer *server,
     const char *why_not)
{
    struct answer a;

    report_write(&a, s, k->wants_text, server, why_not);
    finish(s, k, &a);
}

static void
give_up_on(struct super *s, struct desk_ask *k, const char *why)
{
    if (k->state == DESK_STATUS)
        show(s, k, NULL, why);
    else
        refuse(s, k, SERVER_UNAVAILABLE, "%s", why);
}

void
desk_result(struct super *s, struct child *c, const struct ctl_message *m,
            int fd)
{
    struct answer a;
    int rc = m->result;

    c->n_asked -= c->n_asked > 0;
    for (uint32_t i = 0; i < DESK_MAX; i++) {
        struct desk_ask *k = &s->desk.v[i];
        if (k->id != m->id || !is_asked(s, k, c))
            continue;
        if (rc >= 0)
            rc = answer_read(&a, fd);
        if (rc < 0) {
            give_up_on(s, k, strerror(-rc));
        } else if (k->state == DESK_STATUS) {
            show(s, k, &a, NULL);
            answer_free(&a);
        } else {
            finish(s, k, &a);
        }
        return;
    }
}

void
desk_lost(struct super *s, const struct child *c)
{
    for (uint32_t i = 0; i < DESK_MAX; i++) {
        if (is_asked(s, &s->desk.v[i], c))
            give_up_on(s, &s->desk.v[i],
                       "the server process has ended before it answered");
    }
}

/* ---- the orders ----------------------------------------------------------*/

static void
do_status(struct super *s, struct desk_ask *k, et_str line)
{
    const char *why = pass(s, k, line);

    if (why)
        show(s, k, NULL, why);
    else
        wait_for(k, DESK_STATUS, DESK_STATUS_MS);
}

static void
do_pass(struct super *s, struct desk_ask *k, et_str line)
{
    const char *why = pass(s, k, line);

    if (why)
        refuse(s, k, SERVER_UNAVAILABLE, "%s", why);
    else
        wait_for(k, DESK_PASSED, DESK_PASS_MS);
}

/* A process that starts opens its log files anyway. */
static void
do_reopen(struct super *s, struct desk_ask *k, et_str line)
{
    int n_failed = log_reopen();

    if (n_failed > 0)
        refuse(s, k, 1, "%d log files of the supervisor could not be reopened",
               n_failed);
    else
        do_pass(s, k, line);
}

static int
is_stopping(struct super *s, struct desk_ask *k)
{
    if (s->stops > 0)
        refuse(s, k, 1, "the server is to stop");
    return s->stops > 0;
}

static void
do_reload(struct super *s, struct desk_ask *k, et_str line)
{
    (void)line;
    if (is_stopping(s, k))
        return;
    wait_for(k, DESK_RELOAD, (uint64_t)s->conf->server.reload_timeout);
    notify_reloading(&s->notify);
    reload_want(s);
}

/* Who leaves may have to be waited for first. */
static uint64_t
upgrade_ms(const struct super *s)
{
    const struct conf_server *c = &s->conf->server;

    return (uint64_t)(c->start_timeout + c->drain_timeout);
}

static void
do_upgrade(struct super *s, struct desk_ask *k, et_str line)
{
    (void)line;
    if (is_stopping(s, k))
        return;
    wait_for(k, DESK_UPGRADE, upgrade_ms(s));
    servers_replace(s, 1, "for an upgrade");
}

/* To end it at once is left to signals: two who ask do not know of each other.
 */
static void
do_stop(struct super *s, struct desk_ask *k, et_str line)
{
    struct answer a;

    (void)line;
    answer_pid(&a);
    admin_say(s->desk.socket, k->client, a.text, a.n);
    answer_free(&a);
    k->state = DESK_STOP;
    if (s->stops > 0)
        return;
    s->stops = 1;
    servers_stop(s);
}

static void (*const orders[REQUEST_N_ORDERS])(struct super *s,
                                              struct desk_ask *k,
                                              et_str line) = {
    [REQUEST_STATUS] = do_status,   [REQUEST_ROUTES] = do_pass,
    [REQUEST_PLUGINS] = do_pass,    [REQUEST_RELOAD] = do_reload,
    [REQUEST_STOP] = do_stop,       [REQUEST_REOPEN] = do_reopen,
    [REQUEST_UPGRADE] = do_upgrade, [REQUEST_COMMAND] = do_pass,
};

/* ---- a line --------------------------------------------------------------*/

/* line as it came: reading takes it apart. */
static void
carry_out(struct super *s, struct desk_ask *k, char *apart, et_str line,
          const struct admin_peer *from)
{
    struct request q = {.n_args = 0};
    const char *wrong = request_read(&q, apart, line.n);

    k->wants_text = (uint8_t)q.wants_text;
    if (wrong) {
        refuse(s, k, SERVER_USAGE, "%s", wrong);
    } else {
        request_log(&q, from);
        orders[q.order](s, k, line);
    }
}

static void
on_line(void *arg, uint64_t client, const struct admin_peer *from, char *line,
        size_t n)
{
    static const char full[] =
        "{\"ok\":false,\"exit\":69,\"error\":\"too many orders at once\"}";
    char whole[ADMIN_LINE_MAX];
    struct super *s = arg;
    struct desk_ask *k = new_ask(&s->desk, client);

    memcpy(whole, line, n);
    if (k)
        carry_out(s, k, line, (et_str){whole, n}, from);
    else
        admin_answer(s->desk.socket, client, full, sizeof full - 1, now_ms());
}

/* ---- outcomes ------------------------------------------------------------*/

static void
move_on(struct super *s, enum desk_state from, enum desk_state to)
{
    for (uint32_t i = 0; i < DESK_MAX; i++) {
        if (s->desk.v[i].state == from)
            s->desk.v[i].state = (uint8_t)to;
    }
}

void
desk_reload_begins(struct super *s)
{
    admin_restore(s->desk.socket);
    move_on(s, DESK_RELOAD, DESK_RELOADING);
}

/* For status: the outcome, and when it was. */
static void
keep_reload(struct super *s, const struct answer *outcome, uint64_t ns)
{
    char at[CLOCK_TEXT_LEN];
    struct timespec now;
    struct answer a;

    clock_gettime(CLOCK_REALTIME, &now);
    clock_iso(at, now.tv_sec, (uint32_t)now.tv_nsec);
    answer_begin(&a);
    if (a.out)
        fprintf(a.out, "{\"at\":\"%s\",\"us\":%llu,%s", at,
                (unsigned long long)ns / 1000, outcome->text + 1);
    free(s->desk.last_reload);
    s->desk.last_reload = answer_take(&a);
}

void
desk_reload_ended(struct super *s, struct answer *outcome, uint64_t ns)
{
    keep_reload(s, outcome, ns);
    for (uint32_t i = 0; i < DESK_MAX; i++) {
        struct desk_ask *k = &s->desk.v[i];
        if (k->state != DESK_RELOADING)
            continue;
        if (s->desk.socket)
            admin_answer(s->desk.socket, k->client, outcome->text, outcome->n,
                         now_ms());
        k->state = DESK_FREE;
    }
    answer_free(outcome);
}

void
desk_upgrade_begins(struct super *s)
{
    move_on(s, DESK_UPGRADE, DESK_UPGRADING);
}

static void
say_upgraded(struct super *s, struct desk_ask *k)
{
    int pid = (int)getpid(), server = s->serving ? (int)s->serving->pid : 0;
    struct answer a;

    answer_begin(&a);
    if (a.out)
        fprintf(a.out, "{\"ok\":true,\"pid\":%d,\"server\":%d", pid, server);
    if (a.out && k->wants_text)
        fprintf(a.out, ",\"text\":\"upgraded: pid %d, server process %d\\n\"",
                pid, server);
    if (a.out)
        fputc('}', a.out);
    answer_end(&a);
    finish(s, k, &a);
}

void
desk_upgrade_ended(struct super *s, const char *why)
{
    for (uint32_t i = 0; i < DESK_MAX; i++) {
        struct desk_ask *k = &s->desk.v[i];
        if (k->state != DESK_UPGRADING)
            continue;
        if (why)
            refuse(s, k, 1, "upgrade failed: %s; what serves goes on", why);
        else
            say_upgraded(s, k);
    }
}

void
desk_give_up(struct super *s)
{
    for (uint32_t i = 0; i < DESK_MAX; i++) {
        struct desk_ask *k = &s->desk.v[i];
        if (k->state >= DESK_RELOAD && k->state <= DESK_UPGRADING)
            refuse(s, k, 1, "the server is to stop");
    }
}

/* ---- a turn --------------------------------------------------------------*/

static void
tell_late(struct super *s, struct desk_ask *k)
{
    char why[96];

    if (k->state == DESK_RELOAD || k->state == DESK_RELOADING) {
        refuse(s, k, SERVER_UNAVAILABLE,
               "the reload is not over after reload_timeout (%lld ms) and "
               "goes on: see the log",
               (long long)s->conf->server.reload_timeout);
    } else if (k->state == DESK_UPGRADE || k->state == DESK_UPGRADING) {
        refuse(s, k, SERVER_UNAVAILABLE,
               "the upgrade is not over after start_timeout and drain_timeout "
               "(%llu ms) and goes on: see the log",
               (unsigned long long)upgrade_ms(s));
    } else {
        snprintf(
            why, sizeof why, "the server process does not answer within %u s",
            (k->state == DESK_STATUS ? DESK_STATUS_MS : DESK_PASS_MS) / 1000);
        give_up_on(s, k, why);
    }
}

static void
look_at_clock(struct super *s)
{
    uint64_t now_ns = clock_mono_ns();

    for (uint32_t i = 0; i < DESK_MAX; i++) {
        struct desk_ask *k = &s->desk.v[i];
        if (k->state != DESK_FREE && k->due_ns && now_ns >= k->due_ns)
            tell_late(s, k);
    }
}

int
desk_poll_fd(const struct super *s)
{
    return admin_poll_fd(s->desk.socket);
}

int
desk_timeout(const struct super *s, int timeout_ms)
{
    uint64_t now_ns = clock_mono_ns();

    timeout_ms =
        clock_sooner(timeout_ms, admin_timeout(s->desk.socket, now_ns / MS));
    for (uint32_t i = 0; i < DESK_MAX; i++) {
        const struct desk_ask *k = &s->desk.v[i];
        if (k->state != DESK_FREE)
            timeout_ms =
                clock_sooner(timeout_ms, clock_wait_ms(k->due_ns, now_ns));
    }
    return timeout_ms;
}

void
desk_turn(struct super *s)
{
    admin_turn(s->desk.socket, now_ms());
    look_at_clock(s);
}

/* ---- life ----------------------------------------------------------------*/

static int
open_socket(struct super *s, struct diag *d)
{
    struct place at = conf_place(s->conf, &s->conf->server.admin);
    char path[PATH_MAX], why[256];
    int rc;

    if (!paths_admin(s->conf, 0, path, sizeof path))
        return 0;
    rc = admin_open(path, on_line, s, &s->desk.socket, why, sizeof why);
    if (rc < 0)
        diag_error(d, &at, "[server] admin: cannot listen on %s", why);
    return rc;
}

int
desk_open(struct super *s)
{
    struct diag d;
    int rc;

    s->desk.began_ns = clock_mono_ns();
    diag_init(&d);
    rc = open_socket(s, &d);
    diag_print(&d, stderr);
    diag_fini(&d);
    return rc == 0 ? SERVER_OK : exit_of_file(rc);
}

/* To who has asked for it. */
static void
tell_end(struct super *s)
{
    for (uint32_t i = 0; i < DESK_MAX; i++) {
        struct answer a;
        if (s->desk.v[i].state != DESK_STOP)
            continue;
        answer_end_of(&a, s->code);
        finish(s, &s->desk.v[i], &a);
    }
}

void
desk_close(struct super *s)
{
    if (s->code != SERVER_OK)
        tell_end(s);
    admin_turn(s->desk.socket, now_ms());
    admin_close(s->desk.socket);
    s->desk.socket = NULL;
    free(s->desk.last_reload);
    s->desk.last_reload = NULL;
}

/* ---- for the next supervisor ---------------------------------------------*/

static void
save_ask(const struct super *s, const struct desk_ask *k, struct state *to)
{
    int fd = admin_client_fd(s->desk.socket, k->client);

    if (k->state != DESK_FREE && fd >= 0)
        state_put(to, "ask %d %u %u %u %u %llu", state_fd(fd), k->id, k->state,
                  k->wants_text, k->child, (unsigned long long)k->due_ns);
}

/* In as many lines as it takes. */
static void
save_reload(const struct desk *d, struct state *to)
{
    size_t n = d->last_reload ? strlen(d->last_reload) : 0;

    for (size_t i = 0; i < n; i += OUTCOME_PART)
        state_put(to, "outcome %.*s", OUTCOME_PART, d->last_reload + i);
}

void
desk_save(const struct super *s, struct state *to)
{
    const struct desk *d = &s->desk;
    struct sockfile file = {0};
    int fd = -1;

    if (d->socket) {
        admin_flush(d->socket, now_ms());
        fd = admin_listener(d->socket, &file);
    }
    state_put(to, "desk %d %llu %llu %u %llu", state_fd(fd),
              (unsigned long long)file.dev, (unsigned long long)file.ino,
              d->last_id, (unsigned long long)d->began_ns);
    save_reload(d, to);
    if (!d->socket)
        return;
    for (uint32_t i = 0; i < DESK_MAX; i++)
        save_ask(s, &d->v[i], to);
    for (uint32_t i = 0; i < ADMIN_CLIENTS; i++) {
        fd = admin_idle_fd(d->socket, i);
        if (fd >= 0)
            state_put(to, "client %d", state_fd(fd));
    }
}

void
desk_load_reload(struct super *s, const char *part)
{
    char **text = &s->desk.last_reload;
    size_t n = *text ? strlen(*text) : 0;
    char *more = realloc(*text, n + strlen(part) + 1);

    if (!more) { /* half of it is nothing */
        free(*text);
        *text = NULL;
        return;
    }
    memcpy(more + n, part, strlen(part) + 1);
    *text = more;
}

void
desk_load(struct super *s, const char *line)
{
    unsigned long long dev, ino, began_ns;
    int fd, rc;

    if (sscanf(line, "%d %llu %llu %u %llu", &fd, &dev, &ino, &s->desk.last_id,
               &began_ns) != 5)
        return;
    s->desk.began_ns = began_ns;
    if (fd < 0)
        return;
    state_take_fd(fd);
    rc = admin_adopt(fd, (struct sockfile){dev, ino}, on_line, s,
                     &s->desk.socket);
    if (rc == 0)
        return;
    log_error("the admin socket is lost: %s", strerror(-rc));
    close(fd);
}

void
desk_load_ask(struct super *s, const char *line)
{
    struct desk_ask k = {.state = DESK_FREE}, *to;
    unsigned state, wants_text, child;
    unsigned long long due_ns;
    int fd;

    if (sscanf(line, "%d %u %u %u %u %llu", &fd, &k.id, &state, &wants_text,
               &child, &due_ns) != 6 ||
        child >= CHILDREN_MAX)
        return;
    to = s->desk.socket ? new_ask(&s->desk, 0) : NULL;
    if (!to) {
        close(fd);
        return;
    }
    state_take_fd(fd);
    k.client = admin_adopt_client(s->desk.socket, fd, 1, now_ms());
    k.state = (uint8_t)(k.client ? state : DESK_FREE);
    k.wants_text = (uint8_t)wants_text;
    k.child = (uint8_t)child;
    k.due_ns = due_ns;
    *to = k;
}

void
desk_load_client(struct super *s, const char *line)
{
    int fd;

    if (sscanf(line, "%d", &fd) != 1)
        return;
    state_take_fd(fd);
    if (s->desk.socket)
        (void)admin_adopt_client(s->desk.socket, fd, 0, now_ms());
    else
        close(fd);
}

/* Who asked for another upgrade while this one ran is to have it. */
static void
want_upgrade(struct super *s)
{
    for (uint32_t i = 0; i < DESK_MAX; i++) {
        if (s->desk.v[i].state == DESK_UPGRADE)
            servers_replace(s, 1, "for an upgrade");
    }
}

void
desk_resume(struct super *s)
{
    struct diag d;

    want_upgrade(s);
    if (s->desk.began_ns)
        return;
    /* Our predecessor had no such socket. */
    s->desk.began_ns = clock_mono_ns();
    diag_init(&d);
    if (open_socket(s, &d) < 0)
        log_error("%s", d.first ? d.first->text : "the admin socket");
    diag_fini(&d);
}
