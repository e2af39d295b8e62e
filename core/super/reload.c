/* SPDX-License-Identifier: BSD-2-Clause */
/* reload.c - see reload.h. */
#include "super/reload.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag_log.h"
#include "base/exit.h"
#include "base/log.h"
#include "conf/bundle.h"
#include "conf/bundle_load.h"
#include "conf/bundle_remark.h"
#include "conf/conf.h"
#include "conf/runas.h"
#include "ctl/answer.h"
#include "super/adoption.h"
#include "super/crashes.h"
#include "super/process.h"
#include "super/servers.h"

/* Of a trial that is made only to hear of all errors. */
#define PROBE_MS 5000u

static void
keep(struct reload *r, int fd)
{
    if (r->bundle_fd >= 0)
        close(r->bundle_fd);
    r->bundle_fd = fd;
}

/* ---- how it ends ---------------------------------------------------------*/

/* Takes outcome (answer_outcome). */
static void
finish(struct super *s, int is_good, struct answer *outcome)
{
    struct reload *r = &s->reload;

    desk_reload_ended(s, outcome, clock_mono_ns() - r->began_ns);

    keep(r, -1);
    identity_fini(&r->who);
    diag_fini(&r->errors);
    r->stage = RELOAD_NONE;
    if (s->stops == 0)
        notify_send(&s->notify,
                    is_good
                        ? "READY=1\nSTATUS=serving"
                        : "READY=1\nSTATUS=serving; the last reload failed");
}

void
reload_close(struct super *s)
{
    keep(&s->reload, -1);
    identity_fini(&s->reload.who);
    diag_fini(&s->reload.errors);
}

/* The same; there is but this to say of it. */
PRINTF(3, 4)
static void
finish_with(struct super *s, int is_good, const char *fmt, ...)
{
    struct answer outcome;
    struct diag d;
    char text[RELOAD_CHANGES_MAX + 256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    diag_init(&d);
    if (!is_good)
        diag_error(&d, NULL, "%s", text);
    answer_outcome(&outcome, is_good, s->generation, text, &d);
    diag_fini(&d);
    finish(s, is_good, &outcome);
}

/* The first configuration is none to serve: like a server process that says so
 * itself. */
static void
refuse_first(struct super *s, const struct diag *d)
{
    diag_print(d, stderr);
    servers_leave(s, SERVER_CONFIG);
}

static void
refuse(struct super *s, const struct diag *d)
{
    struct answer outcome;

    if (!s->was_ready) {
        refuse_first(s, d);
        return;
    }
    diag_log(d);
    log_error("reload failed, %u error(s); generation %u goes on", d->n_errors,
              s->generation);
    servers_say(s, CTL_REFUSED);
    answer_outcome(&outcome, 0, s->generation, "", d);
    finish(s, 0, &outcome);
}

/* ---- the trial -----------------------------------------------------------*/

/* Without a trial, what is read is given as it is. */
static void
skip(struct super *s, int fd)
{
    s->reload.stage = RELOAD_PROBED;
    s->reload.is_tried = 0;
    keep(&s->reload, fd);
}

static void
fail(struct super *s, const char *text)
{
    struct diag d;

    diag_init(&d);
    diag_error(&d, NULL, "%s", text);
    refuse(s, &d);
    diag_fini(&d);
}

/* Who is to serve what was read.  Without somebody to serve it, it is tried as
 * who serves now, for what else is wrong with it, and refused. */
static const struct identity *
find_user(struct super *s)
{
    const struct conf *conf = s->files.shown ? s->files.shown : s->conf;
    struct reload *r = &s->reload;

    identity_fini(&r->who);
    r->has_user = runas_resolve(conf, &r->who, &r->errors) == 0;
    return r->has_user ? &r->who : NULL;
}

/* Have a process try what is in bundle_fd. */
static void
try_it(struct super *s)
{
    uint64_t ms = (uint64_t)s->conf->server.probe_timeout;
    struct reload *r = &s->reload;
    char text[256];
    int rc = servers_probe(s, r->bundle_fd, r->has_user ? &r->who : NULL,
                           ms ? ms : PROBE_MS);

    if (rc == 0) {
        r->stage = RELOAD_PROBING;
        return;
    }
    snprintf(text, sizeof text, "the trial load cannot be started: %s",
             strerror(-rc));
    fail(s, text);
}

static void
begin(struct super *s)
{
    struct reload *r = &s->reload;
    int fd;

    desk_reload_begins(s);
    r->began_ns = clock_mono_ns();
    fd = files_take(&s->files);
    r->is_wanted = 0;
    r->n_barred = 0;
    diag_init(&r->errors);
    if (find_user(s) && (s->conf->server.probe_timeout == 0 || fd < 0)) {
        skip(s, fd);
        return;
    }
    keep(r, fd);
    try_it(s);
}

void
reload_first(struct super *s)
{
    begin(s);
}

void
reload_want(struct super *s)
{
    s->reload.is_wanted = 1;
}

/* What the trial has to say of the files, in d; fd is taken. */
static void
read_errors(int fd, struct diag *d)
{
    struct bundle *b = fd < 0 ? NULL : bundle_load(fd, d);

    if (fd >= 0)
        close(fd);
    if (b) {
        bundle_remark_tell(b, d);
        bundle_free(b);
    }
    if (d->n_errors == 0)
        diag_error(d, NULL, "the trial load failed, and could not say why");
}

void
reload_probed(struct super *s, struct child *c, const struct ctl_message *m,
              int fd)
{
    struct diag d;

    if (c->role != CHILD_PROBING || s->reload.stage != RELOAD_PROBING) {
        if (fd >= 0)
            close(fd);
        return;
    }
    c->is_ready = 1; /* it has said what there is to say */
    if (m->result >= 0 && fd >= 0 && s->reload.has_user) {
        s->reload.stage = RELOAD_PROBED;
        s->reload.is_tried = 1;
        keep(&s->reload, fd);
        return;
    }
    diag_init(&d);
    if (m->result < 0)
        read_errors(fd, &d);
    else if (fd >= 0)
        close(fd);
    diag_merge(&d, &s->reload.errors);
    refuse(s, &d);
    diag_fini(&d);
}

/* How many plugins what is tried could do without. */
static uint32_t
count_optional(const struct super *s)
{
    const struct conf *conf = s->files.shown ? s->files.shown : s->conf;
    uint32_t n = 0;

    for (size_t i = 0; i < conf->n_plugins; i++)
        n += !conf->plugins[i].required;
    return n;
}

/* Try once more without the build that has crashed; whether it is one that the
 * configuration can do without, who tries it finds out. */
static int
bar(struct super *s, const struct child *c)
{
    struct reload *r = &s->reload;

    if (r->n_barred == RELOAD_BARRED_MAX || r->n_barred >= count_optional(s) ||
        !crashes_bar(c, r->barred[r->n_barred], sizeof r->barred[0]))
        return 0;
    r->n_barred++;
    r->stage = RELOAD_LOST;
    return 1;
}

void
reload_lost(struct super *s, const struct child *c, int status)
{
    char text[640], who[400] = "";

    if (bar(s, c))
        return;
    if (!crashes_blame(c, who, sizeof who))
        who[0] = '\0';
    if (c->is_late)
        snprintf(
            text, sizeof text,
            "the trial load took longer than %lld ms (probe_timeout)%s%.300s",
            (long long)s->conf->server.probe_timeout, *who ? ": " : "", who);
    else if (*who)
        snprintf(text, sizeof text, "the trial load has crashed: %s", who);
    else if (WIFSIGNALED(status))
        snprintf(text, sizeof text,
                 "the trial load was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, sizeof text,
                 "the trial load has ended with exit code %d before it was "
                 "over: a plugin has called exit",
                 WEXITSTATUS(status));
    fail(s, text);
}

/* ---- and what comes of it ------------------------------------------------*/

/* The bundle that is there, and what is known of it. */
static enum ctl_source
source(const struct reload *r)
{
    return r->is_tried ? CTL_COMMITTED_BUNDLE : CTL_FILES;
}

/* What has been tried, or need not be, is to be served. */
static void
hand_on(struct super *s)
{
    struct reload *r = &s->reload;

    if (!s->was_ready && !s->serving) {
        servers_start(s, r->bundle_fd, source(r));
        keep(r, -1);
        r->stage = RELOAD_NONE;
    } else if (servers_reload(s, r->bundle_fd, source(r))) {
        r->stage = RELOAD_GIVEN;
    }
}

void
reload_turn(struct super *s)
{
    struct reload *r = &s->reload;

    if (s->stops > 0)
        return;
    /* The last one that tried may not have ended yet. */
    if (r->is_wanted && r->stage == RELOAD_NONE && !s->coming && s->was_ready &&
        s->children[SERVERS_MAX].role == CHILD_NONE)
        begin(s);
    if (r->stage == RELOAD_LOST && s->children[SERVERS_MAX].role == CHILD_NONE)
        try_it(s);
    if (r->stage == RELOAD_PROBED)
        hand_on(s);
}

/* It is shown to administrators: a line of text. */
static void
read_changes(struct reload *r, int fd)
{
    ssize_t n = fd < 0 ? 0 : pread(fd, r->changes, sizeof r->changes - 1, 0);

    r->changes[n > 0 ? n : 0] = '\0';
    for (char *p = r->changes; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = '?';
    }
}

void
reload_done(struct super *s, const struct ctl_message *m, int fd)
{
    struct reload *r = &s->reload;
    struct answer outcome;

    if (r->stage != RELOAD_GIVEN)
        return;
    if (m->result != CTL_ANOTHER_PROCESS) {
        if (fd >= 0 && answer_read(&outcome, fd) == 0)
            finish(s, m->result >= 0, &outcome);
        else
            finish_with(s, m->result >= 0, "%.*s", CTL_TEXT_MAX - 1,
                        m->u.text[0] ? m->u.text : "see the log");
        return;
    }
    snprintf(r->needs, sizeof r->needs, "%.*s", (int)sizeof r->needs - 1,
             m->u.text);
    read_changes(r, fd);
    r->stage = RELOAD_REPLACING;
    log_info("a reload needs another process: %s", r->needs);
    if (s->files.shown)
        adoption_raise_limits(s->files.shown);
    if (servers_replace_with(s, r->bundle_fd, source(r)) < 0)
        reload_replaced(s, "none can be started");
}

void
reload_replaced(struct super *s, const char *why_not)
{
    if (s->reload.stage != RELOAD_REPLACING)
        return;
    if (!why_not) {
        const char *changes = s->reload.changes;
        log_info("reload: generation %u serves, in another process: %s",
                 s->generation, changes);
        finish_with(s, 1, "%s%sin another process, %d: %s", changes,
                    *changes ? "; " : "", s->serving ? (int)s->serving->pid : 0,
                    s->reload.needs);
        return;
    }
    log_error("reload failed, 1 error(s): no other process could serve it; "
              "generation %u goes on",
              s->generation);
    servers_say(s, CTL_REFUSED);
    finish_with(s, 0, "no other process could serve it: %s", why_not);
}

void
reload_died(struct super *s, int is_reloaded)
{
    if (s->reload.stage != RELOAD_GIVEN)
        return;
    if (is_reloaded)
        log_warn("the server process has died at the end of a reload: what it "
                 "had taken over goes on");
    else
        log_error("reload failed: the server process has died in it; what "
                  "served before goes on");
    finish_with(s, is_reloaded,
                is_reloaded ? "the server process has died at its end"
                            : "the server process has died in it");
}
