/* SPDX-License-Identifier: BSD-2-Clause */
/* super.c - see super.h. */
#include "super/super.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/log.h"
#include "conf/conf.h"
#include "os/limit.h"
#include "os/pidfile.h"
#include "super/adoption.h"
#include "super/crashes.h"
#include "super/maps.h"
#include "super/messages.h"
#include "super/process.h"
#include "super/reload.h"
#include "super/servers.h"
#include "super/upgrade.h"

#define SOCKETS_MAX 64

/* ---- signals -------------------------------------------------------------*/

static void
note_stop(struct super *s, const struct signalfd_siginfo *si)
{
    if (!signals_is_another(&s->stopped_by, si, clock_mono_ns()))
        return;
    s->stops++;
    if (s->stops <= 2)
        servers_stop(s);
}

static void
read_signals(struct super *s)
{
    struct signalfd_siginfo si;

    while (read(s->signal_fd, &si, sizeof si) == (ssize_t)sizeof si) {
        switch (si.ssi_signo) {
        case SIGCHLD: servers_reap(s); break;
        case SIGHUP:
            notify_reloading(&s->notify);
            reload_want(s);
            break;
        case SIGUSR1:
            (void)log_reopen(); /* the server process says how it went */
            servers_order(s, CHILD_REOPEN);
            break;
        case SIGUSR2: servers_replace(s, 1, "for an upgrade"); break;
        default: note_stop(s, &si); break;
        }
    }
}

/* ---- a turn --------------------------------------------------------------*/

/* What time has come for; how long the next may be waited for. */
static int
look_at_clock(struct super *s)
{
    uint64_t now_ns = clock_mono_ns();
    int wait_ms;

    servers_turn(s, now_ns);
    reload_turn(s);
    resume_turn(&s->resume, now_ns);
    if (s->notify.every_ns && now_ns >= s->notify.due_ns)
        notify_alive(&s->notify, now_ns);
    wait_ms = clock_wait_ms(servers_due(s), now_ns);
    if (s->resume.due_ns)
        wait_ms =
            clock_sooner(wait_ms, clock_wait_ms(s->resume.due_ns, now_ns));
    if (s->notify.every_ns)
        wait_ms =
            clock_sooner(wait_ms, clock_wait_ms(s->notify.due_ns, now_ns));
    return desk_timeout(s, wait_ms);
}

static struct pollfd
readable(int fd)
{
    return (struct pollfd){.fd = fd, .events = POLLIN};
}

/* A child may be another one by the time it is looked at. */
static void
look_at_child(struct super *s, struct child *c, const struct pollfd p[2])
{
    if (p[0].revents && p[0].fd == c->channel)
        messages_read(s, c);
    if (p[1].revents && p[1].fd == c->denials_fd)
        child_answer(c);
}

static void
turn(struct super *s)
{
    int timeout_ms = look_at_clock(s), is_behind = log_is_behind();
    struct pollfd p[2 + 2 * CHILDREN_MAX] = {readable(s->signal_fd),
                                             readable(desk_poll_fd(s))};
    struct pollfd *of_children = p + 2;

    if (s->is_over)
        return;
    if (is_behind)
        timeout_ms = clock_sooner(timeout_ms, LOG_RETRY_MS);
    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        of_children[2 * i] = readable(s->children[i].channel);
        of_children[2 * i + 1] = readable(s->children[i].denials_fd);
    }
    if (poll(p, ARRAY_LEN(p), timeout_ms) < 0 && errno != EINTR)
        log_error("supervisor: poll: %s", strerror(errno));
    if (is_behind)
        (void)log_drain();
    for (uint32_t i = 0; i < CHILDREN_MAX; i++)
        look_at_child(s, &s->children[i], of_children + 2 * i);
    if (p[0].revents)
        read_signals(s);
    desk_turn(s);
}

/* ---- all of it -----------------------------------------------------------*/

static int
open_all(struct super *s, const char *conf_path, char *const *env)
{
    int rc = log_server_open(NULL);

    if (rc == 0)
        rc = program_open(&s->program, conf_path, env);
    if (rc == 0)
        rc = s->signal_fd = signals_open(SIGCHLD);
    notify_open(&s->notify, env);
    return rc < 0 ? rc : 0;
}

/* Sockets that a service manager has opened for us, descriptors 3 and on
 * (sd_listen_fds(3)). */
static void
adopt_sockets(struct super *s, char *const *env)
{
    const char *pid = program_env(env, "LISTEN_PID");
    const char *n = program_env(env, "LISTEN_FDS");
    int last = n && pid && atol(pid) == (long)getpid() ? atoi(n) : 0;

    for (int fd = 3; fd < 3 + last && fd < 3 + SOCKETS_MAX; fd++) {
        int rc = held_adopt(&s->held, fd);
        if (rc < 0)
            log_warn("socket %d of the service manager: %s", fd, strerror(-rc));
    }
}

static void
close_all(struct super *s)
{
    desk_close(s);
    if (s->has_pid_file)
        pidfile_drop(s->conf->server.pid_file.p);
    reload_close(s);
    held_close(&s->held);
    files_close(&s->files);
    memory_close(&s->memory);
    resume_close(&s->resume);
    if (s->bundle_fd >= 0)
        close(s->bundle_fd);
    conf_free(s->conf);
    close(s->signal_fd);
    notify_close(&s->notify);
    program_close(&s->program);
}

/* Nothing is there yet. */
static void
init(struct super *s, const char *conf_path, char *const *env)
{
    *s = (struct super){.bundle_fd = -1,
                        .signal_fd = -1,
                        .reload.bundle_fd = -1,
                        .memory = MEMORY_NONE};
    files_init(&s->files, conf_path, env);
    for (uint32_t i = 0; i < CHILDREN_MAX; i++)
        child_init(&s->children[i]);
}

static int
fail(int rc)
{
    char why[LIMIT_TEXT_LEN];

    fprintf(stderr, "etude: the supervisor's descriptors: %s\n",
            limit_explain(rc, why, sizeof why));
    return SERVER_INTERNAL;
}

static int
run(struct super *s)
{
    while (!s->is_over)
        turn(s);
    close_all(s);
    log_finish(LOG_FINISH_MS);
    return s->code;
}

int
super_run(const char *conf_path, char *const *env, int *read_fd)
{
    struct identity who = {0};
    struct conf *conf;
    struct super s;
    int rc;

    init(&s, conf_path, env);
    conf = files_open(&s.files);
    if (conf && !conf->server.supervise) {
        conf_free(conf);
        conf = NULL;
    }
    rc = conf ? adoption_find_user(conf, &who) : SUPER_NOT_WANTED;
    if (rc != SERVER_OK) {
        conf_free(conf);
        *read_fd = rc == SUPER_NOT_WANTED ? files_take(&s.files) : -1;
        files_close(&s.files);
        return rc;
    }
    adoption_raise_limits(conf);
    rc = open_all(&s, conf_path, env);
    if (rc < 0) {
        conf_free(conf);
        return fail(rc);
    }
    s.program.who = who;
    adoption_take(&s, conf);
    rc = desk_open(&s);
    if (rc != SERVER_OK) {
        close_all(&s);
        return rc;
    }
    adopt_sockets(&s, env);
    memory_open(&s.memory, s.conf);
    resume_open(&s.resume);
    crashes_open(&s);
    maps_sweep(s.conf);
    reload_first(&s);
    return run(&s);
}

/* The configuration is what served; without one that can be read, what the
 * files say. */
int
super_resume(const char *conf_path, char *const *env, int state_fd)
{
    struct super s;
    int rc;

    init(&s, conf_path, env);
    rc = open_all(&s, conf_path, env);
    if (rc == 0)
        rc = upgrade_resume(&s, state_fd);
    if (rc == 0)
        rc = adoption_resume(&s);
    if (rc < 0)
        return fail(rc);
    memory_open(&s.memory, s.conf);
    resume_open(&s.resume);
    desk_resume(&s);
    servers_resume(&s);
    return run(&s);
}
