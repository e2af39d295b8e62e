/* SPDX-License-Identifier: BSD-2-Clause */
/* servers.c - see servers.h. */
#include "super/servers.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/log.h"
#include "conf/conf.h"
#include "super/adoption.h"
#include "super/crashes.h"
#include "super/maps.h"
#include "super/messages.h"
#include "super/process.h"
#include "super/reload.h"
#include "super/state.h"
#include "super/upgrade.h"

/* Who has served for so long has not died of how it began. */
#define HEALTHY_NS (60000 * MS)
/* What a stop may take beyond draining: plugins' ends. */
#define END_NS (10000 * MS)

void
servers_leave(struct super *s, int code)
{
    s->is_over = 1;
    s->code = code;
}

/* ---- who there is --------------------------------------------------------*/

static struct child *
find_free(struct super *s, enum child_role role)
{
    uint32_t first = role == CHILD_PROBING ? SERVERS_MAX : 0;
    uint32_t end = role == CHILD_PROBING ? CHILDREN_MAX : SERVERS_MAX;

    for (uint32_t i = first; i < end; i++) {
        if (s->children[i].role == CHILD_NONE)
            return &s->children[i];
    }
    return NULL;
}

static uint32_t
count(const struct super *s, enum child_role role)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < CHILDREN_MAX; i++)
        n += s->children[i].role == role;
    return n;
}

/* What it is told before it begins. */
static void
prepare(struct super *s, struct child *c)
{
    crashes_prepare(s, c);
    if (super_number(s, c) >= SERVERS_MAX)
        return;
    memory_give(&s->memory, super_number(s, c));
    memory_tell(&s->memory, super_number(s, c), c);
    resume_tell(&s->resume, c);
}

/* Start a process so; NULL and *rc if it cannot be. */
static struct child *
start(struct super *s, const struct child_start *how, int *rc)
{
    struct child *c = find_free(s, how->role);

    *rc = c ? child_start(c, &s->program, how) : -EMFILE;
    if (*rc < 0)
        return NULL;
    prepare(s, c);
    child_begin(c, how);
    return c;
}

/* ---- one that serves -----------------------------------------------------*/

static void
plan_start(struct super *s)
{
    static const uint64_t delays_ms[] = {0, 100, 1000, 5000};
    uint32_t last = ARRAY_LEN(delays_ms) - 1;
    uint64_t ms = delays_ms[s->n_deaths < last ? s->n_deaths : last];

    s->n_deaths++;
    s->born_ns = clock_mono_ns() + ms * MS;
    log_info("server process: starts again in %llu ms", (unsigned long long)ms);
    notify_send(&s->notify, "STATUS=the server process has died and is started "
                            "again");
}

static uint64_t
start_timeout(const struct super *s)
{
    return (uint64_t)s->conf->server.start_timeout * MS;
}

void
servers_start(struct super *s, int bundle_fd, enum ctl_source source)
{
    const struct child_start how = {.program_fd = s->program.fd,
                                    .bundle_fd = bundle_fd,
                                    .source = source,
                                    .role = CHILD_SERVING};
    int rc;

    s->born_ns = 0;
    s->serving = start(s, &how, &rc);
    if (s->serving) {
        /* A first start may take its time: nobody waits for it behind us. */
        if (s->was_ready)
            s->serving->kill_ns = s->serving->born_ns + start_timeout(s);
        return;
    }
    log_error("server process: cannot start: %s", strerror(-rc));
    if (s->was_ready)
        plan_start(s);
    else
        servers_leave(s, SERVER_INTERNAL);
}

/* With what served; where that could not be kept, with the files. */
static void
start_again(struct super *s)
{
    int fd;

    if (s->bundle_fd >= 0) {
        servers_start(s, s->bundle_fd, CTL_COMMITTED_BUNDLE);
        return;
    }
    fd = files_take(&s->files);
    servers_start(s, fd < 0 ? -1 : fd, CTL_FILES);
    if (fd >= 0)
        close(fd);
}

int
servers_probe(struct super *s, int bundle_fd, const struct identity *who,
              uint64_t ms)
{
    const struct child_start how = {.program_fd = s->program.fd,
                                    .bundle_fd = bundle_fd,
                                    .source = CTL_FILES,
                                    .role = CHILD_PROBING,
                                    .who = who};
    int rc;
    struct child *c = start(s, &how, &rc);

    if (c)
        c->kill_ns = c->born_ns + ms * MS;
    return rc;
}

/* ---- one in place of another ---------------------------------------------*/

static const char *
name(int is_upgrade)
{
    return is_upgrade ? "upgrade" : "replacement";
}

void
servers_replace(struct super *s, int is_upgrade, const char *why)
{
    struct replacement *r = &s->replacement;

    if (s->stops > 0)
        return;
    r->is_upgrade |= is_upgrade;
    r->is_wanted = 1;
    snprintf(r->why, sizeof r->why, "%s", why);
}

static int
start_coming(struct super *s, const struct child_start *how, const char *why)
{
    struct child *c;
    int rc;

    c = s->coming = start(s, how, &rc);
    if (!c)
        return rc;
    c->kill_ns = c->born_ns + start_timeout(s);
    log_info("server process %d is started to take over, %s", (int)c->pid, why);
    return 0;
}

static void
fail_to_begin(struct super *s, int is_upgrade, int rc)
{
    char why[PATH_MAX + 64];

    snprintf(why, sizeof why, "%s: %s", s->program.path, strerror(-rc));
    log_error("%s failed: %s", name(is_upgrade), why);
    if (is_upgrade)
        desk_upgrade_ended(s, why);
}

static void
begin_replacement(struct super *s)
{
    struct replacement *r = &s->replacement;
    struct child_start how = {.program_fd = s->program.fd,
                              .bundle_fd = s->bundle_fd,
                              .source = CTL_COMMITTED_BUNDLE,
                              .role = CHILD_COMING};
    int rc, fd = -1, is_upgrade = r->is_upgrade;

    r->is_wanted = r->is_upgrade = 0;
    if (is_upgrade)
        desk_upgrade_begins(s);
    if (is_upgrade)
        fd = how.program_fd = program_reopen(&s->program);
    rc = how.program_fd;
    if (rc >= 0)
        rc = start_coming(s, &how, r->why);
    if (rc < 0)
        fail_to_begin(s, is_upgrade, rc);
    if (rc == 0 && is_upgrade)
        s->coming->upgrade_fd = fd;
    else if (fd >= 0)
        close(fd);
}

int
servers_replace_with(struct super *s, int bundle_fd, enum ctl_source source)
{
    const struct child_start how = {.program_fd = s->program.fd,
                                    .bundle_fd = bundle_fd,
                                    .source = source,
                                    .role = CHILD_COMING,
                                    .who = &s->reload.who};
    int rc = start_coming(s, &how, "for a reload");

    if (rc < 0)
        log_error("replacement failed: %s", strerror(-rc));
    return rc;
}

/* Have c hand its connections over to the one that serves.  Without a way to
 * there they wait until another one serves, or it is time to end. */
static void
introduce(struct super *s, struct child *c)
{
    int ends[2], rc = ctl_pair(ends);

    if (rc < 0) {
        log_error("connections cannot be handed over: %s", strerror(-rc));
        child_say(c, CTL_LEAVE, -1);
        return;
    }
    child_say(s->serving, CTL_INHERIT, ends[0]);
    child_say(c, CTL_LEAVE, ends[1]);
    close(ends[0]);
    close(ends[1]);
}

/* Let go of the sockets that only those who leave have: before they empty and
 * close them, or it is our close that resets who comes in between. */
static void
take_back_sockets(struct super *s)
{
    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        if (s->children[i].role == CHILD_LEAVING)
            held_take_back(&s->held, super_number(s, &s->children[i]));
    }
    held_settle(&s->held);
}

/* Whoever leaves has another heir now. */
static void
introduce_all(struct super *s)
{
    take_back_sockets(s);
    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        if (s->children[i].role == CHILD_LEAVING)
            introduce(s, &s->children[i]);
    }
}

/* The one that comes takes the place of who served, if anybody does. */
static void
promote(struct super *s)
{
    struct child *c = s->coming;

    s->serving = c;
    s->coming = NULL;
    c->role = CHILD_SERVING; /* if it is ready; else its time goes on */
    if (c->is_ready)
        c->kill_ns = 0;
    if (s->reload.stage == RELOAD_REPLACING) {
        identity_fini(&s->program.who);
        s->program.who = s->reload.who;
        s->reload.who = (struct identity){0};
    }
    if (c->bundle_fd >= 0) {
        adoption_commit(s, c->bundle_fd);
        s->generation = c->generation;
    }
    c->bundle_fd = -1;
}

/* The one that comes is ready: it serves, and who did leaves. */
static void
succeed(struct super *s)
{
    struct child *old = s->serving;
    uint64_t ms = (uint64_t)s->conf->server.drain_timeout;

    promote(s);
    old->role = CHILD_LEAVING;
    s->reload.before = old;
    old->kill_ns = clock_mono_ns() + ms * MS + LAST_WORDS_NS;
    s->n_deaths = 0;
    log_info("server process %d takes over from %d", (int)s->serving->pid,
             (int)old->pid);
}

void
servers_ready(struct super *s, struct child *c)
{
    if (s->stops > 0)
        return; /* nobody takes over any more */
    c->is_ready = 1;
    c->kill_ns = 0;
    s->was_ready = 1;
    if (c->upgrade_fd >= 0) {
        /* Does not return, unless it fails. */
        upgrade_execute(s, c);
        desk_upgrade_ended(s, "the supervisor cannot execute it: see the log");
        kill(c->pid, SIGKILL);
        return;
    }
    if (c == s->coming)
        succeed(s);
    else
        reload_replaced(s, NULL);
    desk_upgrade_ended(s, NULL);
    introduce_all(s);
    notify_send(&s->notify, "READY=1\nSTATUS=serving");
}

/* Whatever comes on a connection that was idle is answered by the one that
 * serves: a reload that took another process is over. */
void
servers_given(struct super *s, struct child *c)
{
    if (c == s->reload.before) {
        s->reload.before = NULL;
        reload_replaced(s, NULL);
    }
}

/* ---- orders --------------------------------------------------------------*/

void
servers_order(struct super *s, uint32_t order)
{
    s->wanted[order] = 1;
}

void
servers_say(struct super *s, enum ctl_kind kind)
{
    if (s->serving)
        child_say(s->serving, kind, -1);
}

/* Whether it can be given an order now. */
static int
is_free(const struct child *c, uint32_t order)
{
    return c && c->channel >= 0 && !c->is_out[order];
}

int
servers_reload(struct super *s, int bundle_fd, enum ctl_source source)
{
    if (s->coming || !is_free(s->serving, CHILD_RELOAD))
        return 0;
    child_order(s->serving, CHILD_RELOAD, bundle_fd, source);
    return 1;
}

/* A reload and a replacement are not under way at the same time. */
static void
go_on(struct super *s)
{
    if (s->stops > 0)
        return;
    if (s->wanted[CHILD_REOPEN] && is_free(s->serving, CHILD_REOPEN)) {
        s->wanted[CHILD_REOPEN] = 0;
        child_order(s->serving, CHILD_REOPEN, -1, CTL_FILES);
    }
    if (s->replacement.is_wanted && s->serving && s->serving->is_ready &&
        !s->coming && s->reload.stage == RELOAD_NONE &&
        count(s, CHILD_LEAVING) < LEAVING_MAX)
        begin_replacement(s);
}

/* How long c may take to end, once it is told to. */
static uint64_t
end_timeout(const struct super *s, const struct child *c)
{
    const struct conf_server *conf = &s->conf->server;

    if (s->stops > 1 || !c->is_ready)
        return LAST_WORDS_NS;
    return (uint64_t)(conf->shutdown_delay + conf->drain_timeout) * MS + END_NS;
}

void
servers_stop(struct super *s)
{
    notify_send(&s->notify, "STOPPING=1\nSTATUS=stopping");
    desk_give_up(s);
    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        struct child *c = &s->children[i];
        if (c->role == CHILD_COMING || c->role == CHILD_PROBING)
            kill(c->pid, SIGKILL);
        else if (c->role != CHILD_NONE)
            child_say(c, CTL_STOP, -1);
        if (c->role != CHILD_NONE)
            c->kill_ns = clock_mono_ns() + end_timeout(s, c);
    }
    if (count(s, CHILD_NONE) == CHILDREN_MAX)
        servers_leave(s, SERVER_OK);
}

/* ---- their ends ----------------------------------------------------------*/

#define END_LEN 448

static const char *
tell_end(char out[END_LEN], const struct child *c, int status)
{
    if (WIFSIGNALED(status))
        snprintf(out, END_LEN,
                 "server process %d was killed by signal %d (%s)%s",
                 (int)c->pid, WTERMSIG(status), strsignal(WTERMSIG(status)),
                 WCOREDUMP(status) ? ", core dumped" : "");
    else
        snprintf(
            out, END_LEN, "server process %d has ended with exit code %d%s%s",
            (int)c->pid, WEXITSTATUS(status), c->why[0] ? ": " : "", c->why);
    return out;
}

static void
log_end(const struct child *c, int status)
{
    char text[END_LEN];

    log_error("%s", tell_end(text, c, status));
}

/* Before it served, or became the supervisor: whoever waits for that is told.
 */
static void
fail_upgrade(struct super *s, const struct child *c, int status)
{
    char text[END_LEN], why[END_LEN + 64];

    if (c->upgrade_fd < 0)
        return;
    snprintf(why, sizeof why, "%s%s", tell_end(text, c, status),
             c->is_late ? ", for it did not become ready in time" : "");
    desk_upgrade_ended(s, why);
}

/* The code to leave with, when all have ended after a stop. */
static void
note_code(struct super *s, const struct child *c, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : SERVER_CUT;

    if (WIFSIGNALED(status))
        log_end(c, status);
    if (s->code == SERVER_OK)
        s->code = code;
}

static void
on_served_end(struct super *s, const struct child *c, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

    s->serving = NULL;
    if (!s->was_ready) {
        if (WIFSIGNALED(status))
            log_end(c, status);
        servers_leave(s, code ? code : SERVER_INTERNAL);
        return;
    }
    log_end(c, status);
    fail_upgrade(s, c, status);
    reload_died(s, c->is_reloaded);
    if (c->is_ready && clock_mono_ns() - c->born_ns > HEALTHY_NS)
        s->n_deaths = 0;
    if (!s->replacement.is_upgrade)
        s->replacement.is_wanted = 0; /* the next one is another one */
    if (s->coming)
        promote(s); /* sooner ready than another one would be */
    else
        plan_start(s);
}

static void
on_coming_end(struct super *s, const struct child *c, int status)
{
    char text[END_LEN];

    s->coming = NULL;
    log_end(c, status);
    log_error("%s failed: what serves goes on", name(c->upgrade_fd >= 0));
    fail_upgrade(s, c, status);
    reload_replaced(s, tell_end(text, c, status));
}

static void
on_left(const struct child *c, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == SERVER_OK)
        log_info("server process %d has left", (int)c->pid);
    else if (WIFEXITED(status) && WEXITSTATUS(status) == SERVER_CUT)
        log_warn("server process %d has left, and cut off what did not end",
                 (int)c->pid);
    else
        log_end(c, status);
}

static void
on_end(struct super *s, struct child *c, int status)
{
    maps_remove(s->conf, c->pid); /* it does that itself, unless killed */
    messages_read(s, c);          /* what it has said before */
    crashes_look(s, c, 0);
    servers_given(s, c); /* all that was */
    desk_lost(s, c);
    if (s->stops > 0) {
        if (c->role == CHILD_SERVING || c->role == CHILD_LEAVING)
            note_code(s, c, status);
    } else if (c->role == CHILD_PROBING) {
        if (!c->is_ready)
            reload_lost(s, c, status);
    } else if (c->role == CHILD_SERVING) {
        on_served_end(s, c, status);
    } else if (c->role == CHILD_COMING) {
        on_coming_end(s, c, status);
    } else {
        on_left(c, status);
    }
    held_take_back(&s->held, super_number(s, c));
    if (super_number(s, c) < SERVERS_MAX)
        memory_free(&s->memory, super_number(s, c));
    child_end(c);
    if (s->stops > 0 && count(s, CHILD_NONE) == CHILDREN_MAX)
        servers_leave(s, s->code);
}

void
servers_reap(struct super *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
            if (s->children[i].pid == pid)
                on_end(s, &s->children[i], status);
        }
    }
}

/* ---- time ----------------------------------------------------------------*/

/* What a process is at, its handler writes to the block of faults. */
static void
ask_late(struct child *c)
{
    c->is_late = 1;
    c->kill_ns += LAST_WORDS_NS / 4;
    kill(c->pid, SIGABRT);
}

static void
kill_late(const struct super *s, struct child *c)
{
    if (c->role == CHILD_PROBING && !c->is_late) {
        ask_late(c);
        return;
    }
    c->kill_ns = 0;
    c->is_late = 1;
    if (s->stops > 0)
        log_error("server process %d does not stop", (int)c->pid);
    else if (!c->is_ready)
        log_error("server process %d does not become ready", (int)c->pid);
    else if (c->role == CHILD_LEAVING)
        log_error("server process %d does not leave", (int)c->pid);
    kill(c->pid, SIGKILL);
}

void
servers_turn(struct super *s, uint64_t now_ns)
{
    if (s->born_ns && now_ns >= s->born_ns)
        start_again(s);
    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        struct child *c = &s->children[i];
        if (c->kill_ns && now_ns >= c->kill_ns)
            kill_late(s, c);
    }
    go_on(s);
}

uint64_t
servers_due(const struct super *s)
{
    uint64_t due_ns = s->born_ns;

    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        uint64_t kill_ns = s->children[i].kill_ns;
        if (kill_ns && (!due_ns || kill_ns < due_ns))
            due_ns = kill_ns;
    }
    return due_ns;
}

/* ---- for the next supervisor ---------------------------------------------*/

void
servers_save(const struct super *s, struct state *to)
{
    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        const struct child *c = &s->children[i];
        if (c->role != CHILD_NONE)
            state_put(to, "child %u %u %d %d %u %d %llu %d %d %d %llu %u", i,
                      c->role, c->pid, state_fd(c->channel), c->version,
                      c->is_ready, (unsigned long long)c->born_ns,
                      state_fd(c->bundle_fd), state_fd(c->denials_fd),
                      state_fd(c->faults_fd), (unsigned long long)c->n_faults,
                      c->generation);
    }
}

void
servers_load(struct super *s, const char *line)
{
    unsigned long long born_ns, n_faults = 0;
    struct child c;
    unsigned i, role, version;
    int is_ready;

    child_init(&c);
    if (sscanf(line, "%u %u %d %d %u %d %llu %d %d %d %llu %u", &i, &role,
               &c.pid, &c.channel, &version, &is_ready, &born_ns, &c.bundle_fd,
               &c.denials_fd, &c.faults_fd, &n_faults, &c.generation) < 8 ||
        i >= CHILDREN_MAX) {
        log_error("a server process is lost: %s", line);
        return;
    }
    c.role = (uint8_t)role;
    c.version = (uint16_t)(version < CTL_VERSION ? version : CTL_VERSION);
    c.is_ready = (uint8_t)is_ready;
    c.born_ns = born_ns;
    state_take_fd(c.channel);
    state_take_fd(c.bundle_fd);
    state_take_fd(c.denials_fd);
    state_take_fd(c.faults_fd);
    c.n_faults = n_faults;
    if (c.faults_fd >= 0)
        (void)!faults_map(c.faults_fd, &c.faults);
    s->children[i] = c;
    if (role == CHILD_SERVING)
        s->serving = &s->children[i];
    else if (role == CHILD_COMING)
        s->coming = &s->children[i];
}

void
servers_resume(struct super *s)
{
    struct child *c = s->coming ? s->coming : s->serving;

    if (c && c->is_ready)
        servers_ready(s, c);
    servers_reap(s);
}
