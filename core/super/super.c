/* SPDX-License-Identifier: BSD-2-Clause */
/* super.c - see super.h. */
#include "super/super.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/exit.h"
#include "base/log.h"
#include "conf/bundle.h"
#include "conf/bundle_dump.h"
#include "conf/conf.h"
#include "ctl/ctl.h"
#include "os/limit.h"
#include "os/pidfile.h"
#include "os/signals.h"
#include "super/child.h"
#include "super/held.h"
#include "super/notify.h"

#define MS 1000000u
#define SOCKETS_MAX 64
/* Who has served for so long has not died of how it began. */
#define HEALTHY_NS (60000ull * MS)
/* What a server process is left for its last words. */
#define LAST_WORDS_NS (2000ull * MS)

struct super {
    struct program program;
    struct child child;
    struct held held;
    struct notify notify;
    struct conf *conf; /* what serves, or what is to be tried first */
    int bundle_fd;     /* what serves, as a dump; -1: nothing yet */
    int is_reloaded;   /* by the reload that is under way */
    int signal_fd;
    uint32_t n_deaths; /* one after the other */
    uint64_t born_ns;  /* next start of the server process; 0: none is due */
    int was_ready;     /* some server process has served */
    int has_pid_file;
    int stops;
    struct stop_order stopped_by;
    uint64_t kill_ns; /* until then it may end by itself; 0: as it likes */
    int is_over, code;
};

static void
leave(struct super *s, int code)
{
    s->is_over = 1;
    s->code = code;
}

/* ---- a configuration -----------------------------------------------------*/

/* Takes conf, of which the log concerns this process.  A log that cannot be
 * opened is the server process's to complain of: it is the first to try. */
static void
adopt(struct super *s, struct conf *conf)
{
    conf_free(s->conf);
    s->conf = conf;
    (void)!conf_apply_log(conf);
}

/* Takes the bundle, of which only this is of use here; NULL if it is not one
 * to serve. */
static struct conf *
parse(struct bundle *b, struct diag *d)
{
    struct conf *conf = b ? conf_parse(b, d) : NULL;

    if (b)
        bundle_free(b);
    return conf;
}

static struct conf *
read_files(const char *path, char *const *env)
{
    struct diag d;
    struct conf *conf;

    diag_init(&d);
    conf = parse(bundle_from_files(path, env, &d), &d);
    diag_fini(&d);
    return conf;
}

/* What serves has changed.  Takes fd, -1: it could not be handed over. */
static void
commit(struct super *s, int fd)
{
    struct conf *conf = NULL;
    struct diag d;

    s->is_reloaded = s->child.orders[CHILD_RELOAD].is_out;
    if (s->bundle_fd >= 0)
        close(s->bundle_fd);
    s->bundle_fd = fd;
    if (fd < 0) {
        log_error("what serves could not be kept in memory: the next server "
                  "process will read the files again");
        return;
    }
    diag_init(&d);
    conf = parse(bundle_dump_read(fd, &d), &d);
    diag_fini(&d);
    if (conf)
        adopt(s, conf);
}

/* ---- the server process --------------------------------------------------*/

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

static void
start(struct super *s)
{
    int rc;

    s->born_ns = 0;
    held_take_back(&s->held);
    rc = child_start(&s->child, &s->program, s->bundle_fd);
    if (rc == 0)
        return;
    log_error("server process: cannot start: %s", strerror(-rc));
    if (s->was_ready)
        plan_start(s);
    else
        leave(s, SERVER_INTERNAL);
}

static void
on_listen(struct super *s, const struct ctl_message *m)
{
    struct ctl_message answer = {.kind = CTL_ANSWER};
    struct sock_address a;
    struct sock_options o;
    int rc = ctl_listen_read(&m->u.listen, &a, &o);

    if (rc == 0)
        rc = held_listen(&s->held, &a, &o, m->u.listen.index, &answer.id,
                         answer.u.text, sizeof answer.u.text);
    answer.result = rc < 0 ? rc : 0;
    (void)!ctl_send(s->child.channel, &answer, rc < 0 ? -1 : rc);
}

static void
on_unlisten(struct super *s, uint32_t id)
{
    struct ctl_message answer = {.kind = CTL_ANSWER};

    held_release(&s->held, id);
    (void)!ctl_send(s->child.channel, &answer, -1);
}

static void
on_pid_file(struct super *s)
{
    struct ctl_message answer = {.kind = CTL_ANSWER};

    answer.result = pidfile_put(s->conf->server.pid_file.p, answer.u.text,
                                sizeof answer.u.text);
    s->has_pid_file |= answer.result == 0;
    (void)!ctl_send(s->child.channel, &answer, -1);
}

static void
on_ready(struct super *s)
{
    s->child.is_ready = s->was_ready = 1;
    held_settle(&s->held);
    notify_send(&s->notify, "READY=1\nSTATUS=serving");
}

static void
on_done(struct super *s, const struct ctl_message *m)
{
    child_done(&s->child, m->id);
    s->is_reloaded = 0;
    if (m->id == CTL_RELOAD && s->stops == 0)
        notify_send(&s->notify,
                    m->result < 0
                        ? "READY=1\nSTATUS=serving; the last reload failed"
                        : "READY=1\nSTATUS=serving");
}

/* One message of the server process: 1; 0: there is none; < 0: nor will be. */
static int
take(struct super *s)
{
    struct ctl_message m;
    int passed, rc = ctl_recv(s->child.channel, &m, &passed);

    if (rc <= 0)
        return rc;
    switch (m.kind) {
    case CTL_LISTEN: on_listen(s, &m); break;
    case CTL_PID_FILE: on_pid_file(s); break;
    case CTL_UNLISTEN: on_unlisten(s, m.id); break;
    case CTL_COMMITTED: commit(s, passed); return 1;
    case CTL_READY: on_ready(s); break;
    case CTL_DONE: on_done(s, &m); break;
    default: log_error("server process says %u: ignored", m.kind); break;
    }
    if (passed >= 0)
        close(passed);
    return 1;
}

/* One that does not speak to us any more, or not our language, is about to end
 * or not worth keeping. */
static void
read_child(struct super *s)
{
    int rc = s->child.channel < 0 ? 0 : 1;

    while (rc > 0)
        rc = take(s);
    if (rc == 0)
        return;
    child_hang_up(&s->child);
    s->kill_ns = clock_mono_ns() + LAST_WORDS_NS;
}

/* ---- its end -------------------------------------------------------------*/

static void
log_end(const struct child *c, int status)
{
    if (WIFSIGNALED(status))
        log_error("server process %d was killed by signal %d (%s)%s",
                  (int)c->pid, WTERMSIG(status), strsignal(WTERMSIG(status)),
                  WCOREDUMP(status) ? ", core dumped" : "");
    else
        log_error("server process %d has ended with exit code %d", (int)c->pid,
                  WEXITSTATUS(status));
}

/* Of the reload it was at, if it was at one: which side of COMMIT it was. */
static void
tell_reload(const struct super *s)
{
    if (!s->child.orders[CHILD_RELOAD].is_out)
        return;
    if (s->is_reloaded)
        log_warn("the server process has died at the end of a reload: what it "
                 "had taken over goes on");
    else
        log_error("reload failed: the server process has died in it; what "
                  "served before goes on");
}

static void
on_end(struct super *s, int status)
{
    int is_exit = WIFEXITED(status), code = is_exit ? WEXITSTATUS(status) : 0;

    read_child(s); /* what it has said before */
    s->kill_ns = 0;
    if (s->stops > 0) {
        if (!is_exit)
            log_end(&s->child, status);
        leave(s, is_exit ? code : SERVER_CUT);
    } else if (!s->was_ready) {
        if (!is_exit)
            log_end(&s->child, status);
        leave(s, code ? code : SERVER_INTERNAL);
    } else {
        log_end(&s->child, status);
        tell_reload(s);
        if (s->child.is_ready &&
            clock_mono_ns() - s->child.born_ns > HEALTHY_NS)
            s->n_deaths = 0;
        plan_start(s);
    }
    child_end(&s->child);
    s->is_reloaded = 0;
}

/* Of all that have ended: as process 1 of a container others too. */
static void
reap(struct super *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == s->child.pid)
            on_end(s, status);
    }
}

/* ---- signals -------------------------------------------------------------*/

static void
note_stop(struct super *s, const struct signalfd_siginfo *si)
{
    if (!signals_is_another(&s->stopped_by, si, clock_mono_ns()))
        return;
    s->stops++;
    notify_send(&s->notify, "STOPPING=1\nSTATUS=stopping");
    if (s->child.pid == 0) {
        leave(s, SERVER_OK);
        return;
    }
    if (s->stops == 2)
        s->kill_ns = s->stopped_by.ns + LAST_WORDS_NS;
    if (s->stops <= 2)
        child_stop(&s->child);
}

static void
read_signals(struct super *s)
{
    struct signalfd_siginfo si;

    while (read(s->signal_fd, &si, sizeof si) == (ssize_t)sizeof si) {
        switch (si.ssi_signo) {
        case SIGCHLD: reap(s); break;
        case SIGHUP:
            notify_reloading(&s->notify);
            child_order(&s->child, CHILD_RELOAD);
            break;
        case SIGUSR1:
            (void)log_reopen(); /* the server process says how it went */
            child_order(&s->child, CHILD_REOPEN);
            break;
        case SIGUSR2:
            log_warn("SIGUSR2: this build cannot upgrade in place; ignored");
            break;
        default: note_stop(s, &si); break;
        }
    }
}

/* ---- a turn --------------------------------------------------------------*/

/* What time has come for; how long the next may be waited for. */
static int
look_at_clock(struct super *s)
{
    uint64_t now_ns = clock_mono_ns(), due_ns;

    if (s->born_ns && now_ns >= s->born_ns)
        start(s);
    if (s->kill_ns && now_ns >= s->kill_ns) {
        s->kill_ns = 0;
        if (s->child.pid)
            kill(s->child.pid, SIGKILL);
    }
    if (s->notify.every_ns && now_ns >= s->notify.due_ns)
        notify_alive(&s->notify, now_ns);
    due_ns = s->born_ns ? s->born_ns : s->kill_ns;
    if (s->notify.every_ns && (!due_ns || s->notify.due_ns < due_ns))
        due_ns = s->notify.due_ns;
    if (!due_ns)
        return -1;
    return due_ns > now_ns ? (int)((due_ns - now_ns) / MS) + 1 : 0;
}

static void
turn(struct super *s)
{
    int timeout_ms = look_at_clock(s), is_behind = log_is_behind();
    struct pollfd p[] = {
        {.fd = s->signal_fd, .events = POLLIN},
        {.fd = s->child.channel, .events = POLLIN},
    };

    if (s->is_over)
        return;
    if (is_behind && (timeout_ms < 0 || timeout_ms > LOG_RETRY_MS))
        timeout_ms = LOG_RETRY_MS;
    if (poll(p, ARRAY_LEN(p), timeout_ms) < 0 && errno != EINTR)
        log_error("supervisor: poll: %s", strerror(errno));
    if (is_behind)
        (void)log_drain();
    if (p[1].revents)
        read_child(s);
    if (p[0].revents)
        read_signals(s);
}

/* ---- all of it -----------------------------------------------------------*/

static int
open_all(struct super *s, const char *conf_path, char *const *env)
{
    int rc = log_server_open(NULL);
    uint64_t n_files;

    (void)!limit_nofile_raise(&n_files);
    if (rc == 0)
        rc = program_open(&s->program, conf_path, env);
    if (rc == 0)
        rc = s->signal_fd = signals_open(SIGCHLD);
    notify_open(&s->notify, env);
    return rc;
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
    if (s->has_pid_file)
        pidfile_drop(s->conf->server.pid_file.p);
    held_close(&s->held);
    if (s->bundle_fd >= 0)
        close(s->bundle_fd);
    conf_free(s->conf);
    close(s->signal_fd);
    notify_close(&s->notify);
    program_close(&s->program);
}

int
super_run(const char *conf_path, char *const *env)
{
    struct super s = {.child.channel = -1, .bundle_fd = -1, .signal_fd = -1};
    struct conf *conf = read_files(conf_path, env);
    char why[LIMIT_TEXT_LEN];
    int rc;

    if (conf && !conf->server.supervise) {
        conf_free(conf);
        conf = NULL;
    }
    if (!conf)
        return SUPER_NOT_WANTED;
    rc = open_all(&s, conf_path, env);
    if (rc < 0) {
        fprintf(stderr, "etude: the supervisor's descriptors: %s\n",
                limit_explain(rc, why, sizeof why));
        conf_free(conf);
        return SERVER_INTERNAL;
    }
    adopt(&s, conf);
    adopt_sockets(&s, env);
    start(&s);
    while (!s.is_over)
        turn(&s);
    close_all(&s);
    log_finish(LOG_FINISH_MS);
    return s.code;
}
