/* SPDX-License-Identifier: BSD-2-Clause */
/* server.c - the control thread of the server process; see server.h. */
#include "serve/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/bundle.h"
#include "conf/conf.h"
#include "config.h"
#include "http/gen.h"
#include "http/host.h"
#include "http/metering.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "proto/http1.h"
#include "serve/build.h"
#include "serve/describe.h"
#include "serve/fleet.h"
#include "serve/preflight.h"
#include "serve/settings.h"
#include "serve/sockets.h"

#define LOG_RING_BYTES (1u << 20)
/* After a drain of the logs the control thread sleeps this long without being
 * woken by them, so that a busy log costs it a wake-up per interval. */
#define LOG_INTERVAL_MS 10
#define GRACE_MAX_MS 1000u
#define STOP_AGAIN_MS 200u

struct server {
    const struct server_options *options;
    struct settings settings;
    struct mailbox mailbox;
    struct fleet fleet;
    struct sockets sockets;
    struct image_set images;
    struct metering metering;
    struct body_budget budget;
    struct gen *gen; /* the one that serves */
    uint64_t last_id;
    uint32_t n_gens;         /* alive */
    struct log_ring **rings; /* [n_workers + 1] */
    int signal_fd, wake_fd;
    uint64_t stop_ns;     /* when the last signal to stop came */
    uint64_t log_due_ns;  /* not before: see LOG_INTERVAL_MS */
    int hup, usr1, stops; /* signals noted */
    int logs_sleep;       /* the last drain found nothing */
    int is_ending;        /* drain has begun */
    int has_pid_file;
};

/* A generation's way back to the control thread. */
struct retiring {
    struct mail mail;
    struct server *server;
    struct gen *gen;
};

/* ---- one turn of the control thread --------------------------------------*/

/* A signal often comes twice at once - to the process and to its group - and
 * means one thing. */
static void
note_stop(struct server *s)
{
    uint64_t now_ns = clock_mono_ns();

    if (s->stops == 0 || now_ns - s->stop_ns > STOP_AGAIN_MS * 1000000u)
        s->stops++;
    s->stop_ns = now_ns;
}

static void
read_signals(struct server *s)
{
    struct signalfd_siginfo si;

    while (read(s->signal_fd, &si, sizeof si) == (ssize_t)sizeof si) {
        switch (si.ssi_signo) {
        case SIGHUP: s->hup = 1; break;
        case SIGUSR1: s->usr1 = 1; break;
        case SIGUSR2:
            log_warn("SIGUSR2: this build cannot upgrade in place; ignored");
            break;
        default: note_stop(s); break;
        }
    }
}

static void
write_logs(struct server *s)
{
    uint64_t count;

    (void)!read(s->wake_fd, &count, sizeof count);
    s->logs_sleep = log_drain() == 0;
    s->log_due_ns = clock_mono_ns() + LOG_INTERVAL_MS * 1000000u;
}

static int
log_timeout(const struct server *s)
{
    uint64_t now_ns = clock_mono_ns();

    if (s->logs_sleep)
        return log_is_behind() ? LOG_RETRY_MS : -1;
    return now_ns >= s->log_due_ns
               ? 0
               : (int)((s->log_due_ns - now_ns) / 1000000u) + 1;
}

/* Nobody accepts from its sockets any more. */
static void
forget_socket(struct server *s, uint32_t i)
{
    if (!s->sockets.v[i].is_new)
        log_info("no longer listening on %s", s->sockets.v[i].shown);
    sockets_forget(&s->sockets, i);
}

static void
remove_sockets(struct server *s)
{
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        if (s->sockets.v[i].n_fds > 0)
            forget_socket(s, i);
    }
}

static void
remove_files(struct server *s)
{
    remove_sockets(s);
    if (s->has_pid_file)
        unlink(s->gen->conf->server.pid_file.p);
}

/* A second signal to stop while the control thread waits for a worker that
 * does not answer. */
static void
end_now(struct server *s)
{
    log_warn("stopping now: connections are cut off");
    remove_files(s);
    log_drain();
    _exit(SERVER_CUT);
}

static void
step(void *arg, int timeout_ms)
{
    struct server *s = arg;
    struct record v[MAILBOX_BATCH];
    struct pollfd p[] = {
        {.fd = s->signal_fd, .events = POLLIN},
        {.fd = s->mailbox.read_fd, .events = POLLIN},
        {.fd = s->logs_sleep ? s->wake_fd : -1, .events = POLLIN},
    };
    int log_ms = log_timeout(s);

    if (log_ms >= 0 && (timeout_ms < 0 || log_ms < timeout_ms))
        timeout_ms = log_ms;
    if (poll(p, ARRAY_LEN(p), timeout_ms) < 0 && errno != EINTR)
        log_error("control: poll: %s", strerror(errno));
    if (p[0].revents)
        read_signals(s);
    if (p[2].revents || log_timeout(s) == 0 || log_is_behind())
        write_logs(s);
    while (mailbox_recv(&s->mailbox, v) == MAILBOX_BATCH)
        continue;
    mailbox_deliver(&s->mailbox, s);
    if (s->stops > 1 && !s->is_ending)
        end_now(s);
    if (s->usr1) {
        s->usr1 = 0;
        log_info("log files reopened, %d failed", log_reopen());
    }
}

/* ---- generations ---------------------------------------------------------*/

static void
dispose(struct server *s, struct gen *g)
{
    free(g->on_retired);
    build_free(g);
    s->n_gens--;
}

static void
on_retired(void *reader, struct mail *m)
{
    struct retiring *r = CONTAINER_OF(m, struct retiring, mail);

    log_debug("generation %llu is gone", (unsigned long long)r->gen->id);
    dispose(reader, r->gen);
}

static void
print_diag(const struct diag *d)
{
    for (const struct diag_item *i = d->first; i; i = i->next)
        log_printf(i->is_warning ? LOG_WARN : LOG_ERROR, NULL, "%s", i->text);
}

static const char *
runtime_dir(const struct conf *conf)
{
    static const char usual[] = "/run/etude";

    if (conf->server.runtime_dir.n)
        return conf->server.runtime_dir.p;
    return access(usual, W_OK | X_OK) == 0 ? usual : NULL;
}

static struct build_options
build_options(struct server *s, const struct conf *conf)
{
    return (struct build_options){
        .images = &s->images,
        .runtime_dir = runtime_dir(conf),
        .metering = &s->metering,
        .n_workers = s->settings.n_workers,
        .id = s->last_id + 1,
    };
}

/* The plugins and routes of a configuration that is known to be wrong, with
 * figures of its own, so that nothing of it stays. */
static void
look_for_more(struct server *s, struct conf *conf, struct diag *d)
{
    struct build_options o = build_options(s, conf);
    struct metering figures = {0};

    o.metering = &figures;
    o.n_workers = 1;
    if (metering_init(&figures, 1) == 0)
        build_check(conf, &o, d);
    metering_fini(&figures);
}

/* Read and check the configuration; NULL with all the reasons in d: those of
 * the plugins and routes too, as far as they can be told. */
static struct conf *
read_conf(struct server *s, struct diag *d)
{
    const struct server_options *o = s->options;
    struct bundle *bundle = bundle_from_files(o->conf_path, o->env, d);
    struct conf *conf;

    if (!bundle)
        return NULL;
    conf = conf_parse_some(bundle, d);
    bundle_free(bundle);
    if (!conf || d->n_errors == 0)
        return conf;
    look_for_more(s, conf, d);
    conf_free(conf);
    return NULL;
}

/* A generation of conf, which is its own from then on; or NULL, and conf is
 * freed. */
static struct gen *
make_gen(struct server *s, struct conf *conf, struct diag *d)
{
    const struct build_options o = build_options(s, conf);
    struct gen *g = build_gen(conf, &o, d);
    struct retiring *r;

    if (!g) {
        conf_free(conf);
        return NULL;
    }
    s->n_gens++;
    s->last_id = g->id;
    r = g->on_retired = calloc(1, sizeof *r);
    if (!r) {
        diag_error(d, NULL, "out of memory");
        dispose(s, g);
        return NULL;
    }
    *r = (struct retiring){.mail.deliver = on_retired, .server = s, .gen = g};
    return g;
}

static void
report_worker(const struct gen *g, uint32_t worker, const char *why,
              struct diag *d)
{
    const struct instance *failed = g->workers[worker].failed;
    const struct conf_plugin *p =
        failed ? conf_find_plugin(g->conf, failed->conf.instance) : NULL;

    diag_error(d, p ? &p->at : NULL, "%s", why);
}

/* PREPARE on every worker; if one fails, ABORT on those that did not. */
static int
prepare(struct server *s, struct gen *g, struct diag *d)
{
    struct fleet *f = &s->fleet;
    uint32_t n_failed = 0;

    (void)fleet_all(f, order_prepare, g, NULL);
    for (uint32_t i = 0; i < f->n_workers; i++) {
        if (f->orders[i].result < 0) {
            report_worker(g, i, f->orders[i].why, d);
            n_failed++;
        }
    }
    if (n_failed == 0)
        return 0;
    for (uint32_t i = f->n_workers; i > 0; i--) {
        if (f->orders[i - 1].result >= 0)
            fleet_command(f, i - 1, 1, order_abort, g);
    }
    (void)!fleet_wait(f, -1);
    return ERR_INVALID;
}

/* What serves, by build: to find the source of a crash or of a surprise. */
static void
log_plugins(const struct server *s)
{
    const struct plugin *last = NULL;

    for (uint32_t i = 0; i < s->gen->n_instances; i++) {
        const struct plugin *p = s->gen->instances[i]->plugin;
        if (p != last)
            log_info("plugin %s %s from %s, sha256 %.12s%s%s", p->desc.id,
                     p->desc.version, p->path, p->image->hash_hex,
                     *p->image->build_id ? ", build " : "", p->image->build_id);
        last = p;
    }
}

/* COMMIT: every worker takes the generation; the old ones go by themselves. */
static void
commit(struct server *s, struct gen *g)
{
    struct commit c = {.gen = g};

    settings_limits(&c.limits, g->conf);
    if (g->conf->server.server_header)
        snprintf(c.server, sizeof c.server, "Etude");
    (void)fleet_all(&s->fleet, order_commit, &c, NULL);
    s->gen = g;
    acceptor_set_sheds(&s->fleet.acceptor,
                       g->conf->server.overload == CONF_OVERLOAD_SHED);
    if (g->conf->server.body_memory_total != CONF_AUTO)
        atomic_store(&s->budget.memory_max, g->conf->server.body_memory_total);
    else
        atomic_store(&s->budget.memory_max, s->settings.body_memory_total);
    log_plugins(s);
    if (runtime_dir(g->conf))
        (void)!image_write_map(&s->images, runtime_dir(g->conf));
}

/* Write the log as conf wants it; 0, or -errno with the reason in d and the log
 * as it was. */
static int
apply_log(const struct conf *conf, struct diag *d)
{
    struct place at = conf_place(conf, &conf->server.log);
    int rc = log_server_open(conf->server.log.n ? conf->server.log.p : NULL);

    if (rc < 0) {
        diag_error(d, &at, "[server] log: cannot open %s: %s",
                   conf->server.log.p, strerror(-rc));
        return rc;
    }
    log_set_level((enum log_level)(conf->server.log_level + 1));
    log_set_format(conf->server.log_format == CONF_LOG_JSON ? LOG_JSON
                                                            : LOG_TEXT);
    host_set_log_level((uint32_t)conf->server.log_level + 1);
    return 0;
}

/* ---- listeners -----------------------------------------------------------*/

static void
tell_listeners(struct server *s)
{
    struct listener_env env[ENV_MAX_LISTENERS];

    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++)
        env[i] = s->sockets.v[i].env;
    (void)fleet_all(&s->fleet, order_listeners, env, NULL);
}

static void
start_listening(struct server *s)
{
    tell_listeners(s);
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        struct socket_entry *e = &s->sockets.v[i];
        if (!e->is_new)
            continue;
        fleet_listen(&s->fleet, (uint8_t)i, e->fds);
        log_info("listening on %s", e->shown);
    }
    sockets_settle(&s->sockets);
}

static void
stop_listening(struct server *s)
{
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        struct socket_entry *e = &s->sockets.v[i];
        if (e->n_fds == 0 || e->is_wanted)
            continue;
        fleet_unlisten(&s->fleet, (uint8_t)i);
        forget_socket(s, i);
    }
}

static uint32_t
sockets_each(const struct server *s)
{
    return s->fleet.per_worker ? s->settings.n_workers : 1;
}

/* ---- reload --------------------------------------------------------------*/

static int
try_reload(struct server *s, struct diag *d)
{
    struct conf *conf = read_conf(s, d);
    struct gen *g;

    if (!conf)
        return ERR_INVALID;
    if (conf_needs_restart(s->gen->conf, conf, d) > 0) {
        conf_free(conf);
        return ERR_INVALID;
    }
    g = make_gen(s, conf, d);
    if (!g)
        return ERR_INVALID;
    if (sockets_want(&s->sockets, conf, sockets_each(s), d) < 0)
        goto drop;
    if (prepare(s, g, d) < 0)
        goto close;
    if (apply_log(conf, d) < 0)
        goto abort;
    commit(s, g);
    start_listening(s);
    stop_listening(s);
    return 0;
abort:
    (void)fleet_all(&s->fleet, order_abort, g, NULL);
close:
    sockets_revert(&s->sockets);
drop:
    dispose(s, g);
    return ERR_INVALID;
}

static void
reload(struct server *s)
{
    uint64_t began_ns = clock_mono_ns();
    struct diag d;

    s->hup = 0;
    diag_init(&d);
    if (try_reload(s, &d) < 0) {
        print_diag(&d);
        log_error("reload failed, %u error(s); generation %llu goes on",
                  d.n_errors, (unsigned long long)s->gen->id);
    } else {
        print_diag(&d);
        log_info("reload: generation %llu serves, %u routes, %u instances, "
                 "%u generations alive, %llu us",
                 (unsigned long long)s->gen->id, s->gen->n_routes,
                 s->gen->n_instances, s->n_gens,
                 (unsigned long long)(clock_mono_ns() - began_ns) / 1000);
    }
    diag_fini(&d);
}

/* ---- start ---------------------------------------------------------------*/

static void
fail_start(const struct order *o)
{
    log_error("%s", *o->why ? o->why : "a thread could not start");
}

static int
start_workers(struct server *s)
{
    struct fleet *f = &s->fleet;
    struct acceptor_options a = {
        .event = s->settings.event,
        .workers = f->workers,
        .n_workers = f->n_workers,
        .log = s->rings[f->n_workers],
    };
    struct worker_options o = {
        .n_workers = f->n_workers,
        .event = s->settings.event,
        .slab_capacity = s->settings.slab_capacity,
        .memory_bytes = s->settings.worker_memory,
        .budget = &s->budget,
        .control = &s->mailbox,
        .sheds = &f->acceptor.sheds,
        .waits = &f->acceptor.waits,
        .acceptor = &f->acceptor.mailbox,
    };

    for (uint32_t i = 0; i < f->n_workers; i++) {
        o.index = i;
        o.pins = s->settings.pins;
        o.log = s->rings[i];
        metering_own(&s->metering, i, &f->workers[i].metrics);
        fleet_adopt(f, &f->orders[i]);
        if (worker_start(&f->workers[i], &o, &f->orders[i]) < 0)
            return ERR_NOMEM;
    }
    fleet_adopt(f, &f->acceptor_order);
    if (acceptor_start(&f->acceptor, &a, &f->acceptor_order) < 0)
        return ERR_NOMEM;
    (void)!fleet_wait(f, -1);
    for (uint32_t i = 0; i < f->n_workers; i++) {
        if (f->orders[i].result < 0) {
            fail_start(&f->orders[i]);
            return f->orders[i].result;
        }
    }
    if (f->acceptor_order.result < 0)
        fail_start(&f->acceptor_order);
    return f->acceptor_order.result;
}

static int
open_signals(struct server *s)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGQUIT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    s->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->signal_fd < 0 || s->wake_fd < 0 || mailbox_open(&s->mailbox) < 0) {
        log_error("cannot start: %s", strerror(errno));
        return -1;
    }
    log_set_wake_fd(s->wake_fd);
    return 0;
}

static int
open_rings(struct server *s)
{
    uint32_t n = s->settings.n_workers + 1;
    char name[32];

    s->rings = calloc(n, sizeof(struct log_ring *));
    if (!s->rings)
        return -1;
    for (uint32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, i + 1 < n ? "worker %u" : "acceptor", i);
        s->rings[i] = log_ring_new(name, LOG_RING_BYTES);
        if (!s->rings[i])
            return -1;
    }
    return 0;
}

/* 0, or -errno with the reason in d. */
static int
write_pid(const struct conf *conf, struct diag *d)
{
    struct place at = conf_place(conf, &conf->server.pid_file);
    const char *path = conf->server.pid_file.p;
    char text[32];
    int fd, n, rc = 0;

    if (conf->server.pid_file.n == 0)
        return 0;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (fd < 0 || write(fd, text, (size_t)n) != n) {
        rc = -errno;
        diag_error(d, &at, "[server] pid_file: cannot write %s: %s", path,
                   strerror(errno));
    }
    if (fd >= 0)
        close(fd);
    return rc;
}

/* ---- the end -------------------------------------------------------------*/

/* Wait while is_waiting says so, but not longer than ms, nor past another
 * signal. */
static void
wait_patiently(struct server *s, uint64_t ms,
               int (*is_waiting)(const struct server *s))
{
    uint64_t end_ns = clock_mono_ns() + ms * 1000000u, now_ns;
    int signals = s->stops;

    while (is_waiting(s) && s->stops == signals &&
           (now_ns = clock_mono_ns()) < end_ns)
        step(s, (int)((end_ns - now_ns) / 1000000u) + 1);
}

static int
always(const struct server *s)
{
    (void)s;
    return 1;
}

static int
acceptor_is_out(const struct server *s)
{
    return s->fleet.acceptor_order.is_out;
}

static int
anyone_is_out(const struct server *s)
{
    return s->fleet.n_waiting > 0;
}

/* Serve on with `Connection: close` for shutdown_delay, accept what is queued,
 * let idle connections go after their grace and busy ones when they are done,
 * at most for drain_timeout.  A second signal ends it at once. */
static int
drain(struct server *s)
{
    const struct conf_server *c = &s->gen->conf->server;
    struct fleet *f = &s->fleet;
    int is_clean;

    log_info("stopping: up to %lld ms for what is in progress",
             (long long)(c->shutdown_delay + c->drain_timeout));
    s->is_ending = 1;
    /* Nobody is waited for without bounds: a plugin may block its worker. */
    fleet_command(f, 0, f->n_workers, order_stopping, NULL);
    if (c->shutdown_delay > 0)
        wait_patiently(s, (uint64_t)c->shutdown_delay, always);
    fleet_unlisten_all(f);
    wait_patiently(s, GRACE_MAX_MS, acceptor_is_out);
    remove_sockets(s);
    fleet_drain(f);
    if (s->stops == 1)
        wait_patiently(s, (uint64_t)c->drain_timeout, anyone_is_out);
    is_clean = !anyone_is_out(s);
    if (!is_clean)
        log_warn("stopping now: connections are cut off");
    return is_clean ? SERVER_OK : SERVER_CUT;
}

/* False if a thread does not end: a step of a plugin blocks it. */
static int
end_threads(struct server *s)
{
    struct fleet *f = &s->fleet;
    int rc = 0;

    for (uint32_t i = 0; i < f->n_workers; i++)
        worker_stop(&f->workers[i]);
    acceptor_stop(&f->acceptor);
    for (uint32_t i = 0; i < f->n_workers; i++)
        rc |= worker_join(&f->workers[i], rc == 0 ? GRACE_MAX_MS : 0);
    rc |= acceptor_join(&f->acceptor, GRACE_MAX_MS);
    if (rc < 0) {
        log_error("a thread does not end; leaving it behind");
        return 0;
    }
    mailbox_deliver(&s->mailbox, s); /* the last generation comes home */
    return 1;
}

/* What only the control thread is left to use. */
static void
close_all(struct server *s)
{
    for (uint32_t i = 0; i <= s->settings.n_workers; i++)
        log_ring_free(s->rings[i]);
    free(s->rings);
    fleet_fini(&s->fleet);
    mailbox_close(&s->mailbox);
    log_set_wake_fd(-1);
    close(s->wake_fd);
    close(s->signal_fd);
}

/* ---- the whole -----------------------------------------------------------*/

static int
socket_exit(int rc)
{
    switch (rc) {
    case -EACCES:
    case -EPERM: return SERVER_PERMISSION;
    case -EINVAL: return SERVER_CONFIG;
    default: return SERVER_INTERNAL;
    }
}

static int
start(struct server *s, struct diag *d)
{
    struct conf *conf = read_conf(s, d);
    struct gen *g;
    int rc;

    if (!conf)
        return SERVER_CONFIG;
    rc = apply_log(conf, d);
    if (rc < 0)
        return rc == -EACCES ? SERVER_PERMISSION : SERVER_CONFIG;
    preflight_warn(conf, d);
    settings_choose(&s->settings, conf);
    atomic_init(&s->budget.memory_max, s->settings.body_memory_total);
    if (metering_init(&s->metering, s->settings.n_workers) < 0) {
        diag_error(d, NULL, "out of memory");
        return SERVER_INTERNAL;
    }
    g = make_gen(s, conf, d);
    if (!g)
        return SERVER_CONFIG;
    s->gen = g;
    s->fleet.per_worker = conf->server.accept == CONF_ACCEPT_REUSEPORT;
    rc = sockets_want(&s->sockets, conf, sockets_each(s), d);
    if (rc < 0)
        return socket_exit(rc);
    if (open_rings(s) < 0 ||
        fleet_init(&s->fleet, s->settings.n_workers, &s->mailbox) < 0 ||
        start_workers(s) < 0)
        return SERVER_INTERNAL;
    if (prepare(s, g, d) < 0)
        return SERVER_CONFIG;
    commit(s, g);
    rc = write_pid(conf, d);
    if (rc < 0)
        return rc == -EACCES ? SERVER_PERMISSION : SERVER_CONFIG;
    s->has_pid_file = conf->server.pid_file.n > 0;
    start_listening(s);
    log_info("%s", s->settings.why);
    log_info("Etude %s serves: %u workers, %u routes, pid %d", ETUDE_VERSION,
             s->settings.n_workers, g->n_routes, (int)getpid());
    return SERVER_OK;
}

int
server_run(const struct server_options *o)
{
    struct server s = {.options = o};
    struct diag d;
    int code;

    http1_init_simd();
    image_set_init(&s.images);
    s.fleet.step = step;
    s.fleet.arg = &s;
    if (log_server_open(NULL) < 0 || open_signals(&s) < 0)
        return SERVER_INTERNAL;
    diag_init(&d);
    code = start(&s, &d);
    if (code == SERVER_OK)
        print_diag(&d);
    else /* whole, however slow the reader is: the log would drop lines */
        diag_print(&d, stderr);
    diag_fini(&d);
    if (code != SERVER_OK) {
        remove_files(&s);
        log_drain();
        /* Threads may run already: leave as one. */
        _exit(code);
    }
    while (s.stops == 0) {
        step(&s, -1);
        if (s.hup)
            reload(&s);
    }
    code = drain(&s);
    remove_files(&s);
    if (!end_threads(&s)) {
        log_drain();
        _exit(SERVER_CUT);
    }
    metering_fini(&s.metering);
    image_set_fini(&s.images);
    close_all(&s);
    log_info("stopped");
    return code;
}

/* A generation of the configuration that no worker will ever see; NULL after
 * printing what is wrong.  s->images holds its images. */
static struct gen *
dry_run(struct server *s)
{
    struct conf *conf;
    struct gen *g = NULL;
    struct diag d;
    int is_good;

    diag_init(&d);
    image_set_init(&s->images);
    s->settings.n_workers = 1;
    conf = read_conf(s, &d);
    if (metering_init(&s->metering, s->settings.n_workers) < 0)
        diag_error(&d, NULL, "out of memory");
    else if (conf) {
        preflight_warn(conf, &d);
        preflight_check(conf, &d);
        g = make_gen(s, conf, &d);
    }
    is_good = d.n_errors == 0;
    diag_print(&d, stderr);
    diag_fini(&d);
    if (g && !is_good) {
        dispose(s, g);
        return NULL;
    }
    return g;
}

int
server_test(const struct server_options *o)
{
    struct server s = {.options = o};
    struct gen *g = dry_run(&s);

    fprintf(stderr, g ? "%s: good\n" : "%s: not usable\n", o->conf_path);
    if (g)
        dispose(&s, g);
    metering_fini(&s.metering);
    image_set_fini(&s.images);
    return g ? SERVER_OK : SERVER_CONFIG;
}

int
server_routes(const struct server_options *o)
{
    struct server s = {.options = o};
    struct gen *g = dry_run(&s);
    int rc = 0;

    if (g && o->explain)
        rc = describe_path(stdout, g, o->method, o->explain);
    else if (g)
        describe_routes(stdout, g, o->as_json);
    if (rc < 0)
        fprintf(stderr, "etude: \"%s\" is no path: it begins with /\n",
                o->explain);
    if (g)
        dispose(&s, g);
    metering_fini(&s.metering);
    image_set_fini(&s.images);
    if (rc < 0)
        return SERVER_USAGE;
    return g ? SERVER_OK : SERVER_CONFIG;
}
