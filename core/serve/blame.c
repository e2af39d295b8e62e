/* SPDX-License-Identifier: BSD-2-Clause */
/* blame.c - see blame.h. */
#include "serve/blame.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/log.h"
#include "ctl/faults.h"
#include "http/chain.h"
#include "http/req.h"
#include "http/route.h"
#include "http/task.h"
#include "os/dso.h"
#include "os/dynsym.h"
#include "plug/guard.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "plug/text.h"
#include "serve/cores.h"

#define TURN_NS 100000000 /* more than a turn of a worker takes */

static struct {
    struct faults *faults;
    int is_own, report_fd, lost_fd;
    _Atomic int exit_code, lost_signal;
    _Atomic uint64_t lost_serial;
    blame_last_words_fn *last_words;
} blame = {.report_fd = -1, .lost_fd = -1, .exit_code = SERVER_CONFIG};

/* The record that this thread makes, or has just made. */
static _Thread_local struct faults_record *last;
static _Thread_local uint64_t last_serial;

/* ---- words into a record -------------------------------------------------*/

static void
copy(char *to, size_t cap, const char *from)
{
    size_t n = 0;

    while (from && n + 1 < cap && from[n]) {
        to[n] = from[n];
        n++;
    }
    to[n] = '\0';
}
#define COPY(to, from) copy((to), sizeof(to), (from))

static void
append(char *to, size_t cap, et_str from)
{
    size_t n = strnlen(to, cap - 1);

    for (size_t i = 0; i < from.n && n + 1 < cap; i++)
        to[n++] = from.p[i];
    to[n] = '\0';
}

/* ---- who -----------------------------------------------------------------*/

static void
name_text(struct faults_record *r, const struct text *t)
{
    if (!t)
        return;
    COPY(r->plugin, t->id);
    COPY(r->version, t->version);
    COPY(r->build_id, t->build_id);
    COPY(r->sha256, t->hash);
}

/* A task of this request has gone beyond the end of its stack. */
static int
is_overflow(const struct req *q, const struct guard_fault *f)
{
    const struct tasks *t = req_worker(q)->tasks;

    return f->signo == SIGSEGV && t && stacks_guard_of(&t->stacks, f->address);
}

static void
name_step(struct faults_record *r, const struct req *q)
{
    const struct chain_member *m;
    const char *step;

    r->request = q->pub.id;
    r->has_begun = q->resp.committed;
    append(r->target, sizeof r->target, q->pub.method_s);
    append(r->target, sizeof r->target, (et_str){" ", 1});
    append(r->target, sizeof r->target, q->pub.path);
    COPY(r->route, q->route ? q->route->name : "");
    m = chain_running(q, &step);
    COPY(r->callback, step);
    COPY(r->instance, m->name);
    if (m->instance)
        name_text(r, text_of(m->instance->plugin->image));
}

/* Of code that runs in no callback, or in one nobody has named: the innermost
 * plugin on the stack. */
static void
name_by_address(struct faults_record *r, const struct guard_fault *f)
{
    for (size_t i = 0; i < f->n_frames; i++) {
        const struct text *t = text_find(f->frames[i]);
        if (!t)
            continue;
        name_text(r, t);
        COPY(r->instance, t->name);
        return;
    }
}

/* Something is broken that only a plugin can have broken, and this thread has
 * found it right behind this request.  Which of its steps did it nobody knows,
 * and another thread's may have: its handler is named, and no build that would
 * be counted. */
static void
name_suspect(struct faults_record *r, const struct req *q)
{
    const struct chain *c = q->chain;
    const struct chain_member *m = &c->members[c->n_members - 1];

    COPY(r->callback, "perhaps the chain");
    COPY(r->instance, m->name);
    COPY(r->route, q->route->name);
    if (m->instance)
        COPY(r->plugin, text_of(m->instance->plugin->image)->id);
}

static int
name_culprit(void *fault)
{
    const struct guard_fault *f = fault;
    struct faults_record *r = last;
    const struct guard *g = f->guard;
    uint32_t call = atomic_load_explicit(&g->call, memory_order_relaxed);

    if (call == GUARD_NONE && f->what) {
        if (g->who.subject)
            name_suspect(r, g->who.subject);
        return 0;
    }
    if (call == GUARD_STEPS || call == GUARD_LOG) {
        name_step(r, g->who.subject);
        if (is_overflow(g->who.subject, f))
            COPY(r->what, "the end of a task's stack");
        return 0;
    }
    COPY(r->callback, call == GUARD_NONE && !g->tid
                          ? "a thread of its own"
                          : guard_call_name((enum guard_call)call));
    if (g->who.image && call != GUARD_NONE) {
        name_text(r, text_of(g->who.image));
        COPY(r->instance, g->who.name);
    } else {
        name_by_address(r, f);
        if (call == GUARD_NONE && g->tid)
            COPY(r->callback, r->plugin[0] ? "code outside of a callback" : "");
    }
    if (call == GUARD_MAP) /* it has no place in the table yet */
        COPY(r->plugin, g->who.name);
    return 0;
}

/* ---- where ---------------------------------------------------------------*/

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void
put_frame(struct faults_frame *to, uintptr_t at, int is_return)
{
    uintptr_t pc = at - (uintptr_t)is_return, base = 0;
    const struct text *t = text_find(pc);
    const char *owner = t ? t->name : dso_owner(pc, &base);

    to->offset = at;
    if (!owner)
        return;
    COPY(to->image, *owner ? base_name(owner) : "etude");
    to->offset = at - (t ? t->base : base);
    COPY(to->symbol,
         t ? text_function(t, pc, &to->into) : dynsym_find(pc, &to->into));
}

static int
put_frames(void *fault)
{
    const struct guard_fault *f = fault;
    struct faults_record *r = last;
    size_t n = f->n_frames < FAULTS_FRAMES ? f->n_frames : FAULTS_FRAMES;

    for (size_t i = 0; i < n; i++) {
        r->n_frames = (uint32_t)i + 1;
        put_frame(&r->frames[i], f->frames[i], i > 0);
    }
    return 0;
}

/* ---- the hooks -----------------------------------------------------------*/

static int32_t
result_of(enum guard_result result)
{
    static const int32_t results[] = {
        [GUARD_RECOVERED] = FAULTS_RECOVERED,
        [GUARD_LOST] = FAULTS_LOST,
        [GUARD_FATAL] = FAULTS_FATAL,
        [GUARD_SLOW] = FAULTS_SLOW,
    };

    return results[result];
}

static void
put_facts(struct faults_record *r, const struct guard_fault *f)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    r->time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    r->result = result_of(f->result);
    r->signo = f->signo;
    r->code = f->code;
    r->sender = f->sender;
    r->address = f->address;
    r->pc = f->pc;
    r->pid = getpid();
    r->tid = f->guard->tid ? f->guard->tid : (pid_t)syscall(SYS_gettid);
    r->wall_us = f->guard->times.wall_us;
    r->cpu_us = f->guard->times.cpu_us;
    r->waited_us = f->guard->times.waited_us;
    COPY(r->what, f->what);
    COPY(r->thread, f->guard->tid ? f->guard->name : "unknown");
}

static void
wake(int fd)
{
    uint64_t one = 1;

    (void)!write(fd, &one, sizeof one);
}

/* What is known for certain comes first, then who, which counts: whatever is
 * broken where it is looked up must not cost that. */
static void
report(const struct guard_fault *f)
{
    void *fault = (void *)(uintptr_t)f;

    last = faults_begin(blame.faults, &last_serial);
    put_facts(last, f);
    guard_probe(name_culprit, fault);
    guard_probe(put_frames, fault);
}

/* The process, which nobody supervises, is about to end. */
static void
write_last(int code)
{
    blame_write(last_serial);
    if (blame.last_words)
        blame.last_words(last, code);
}

/* The record is as good as it gets. */
static void
reported(const struct guard_fault *f)
{
    faults_end(last, last_serial);
    if (f->result == GUARD_FATAL && blame.is_own)
        write_last(128 + f->signo);
    else
        wake(blame.report_fd);
}

static void
lost(const struct guard_fault *f)
{
    int none = 0, code = atomic_load(&blame.exit_code);

    if (code != 0) {
        if (blame.is_own)
            write_last(code);
        _exit(code);
    }
    if (!atomic_compare_exchange_strong(&blame.lost_signal, &none,
                                        f->signo ? f->signo : SIGABRT))
        return;
    atomic_store(&blame.lost_serial, last_serial);
    wake(blame.lost_fd);
    wake(blame.report_fd); /* who waits for this thread waits in vain */
}

static int
recovers(const struct guard_fault *f)
{
    return cores_take(f, last);
}

static const struct guard_hooks hooks = {
    .report = report,
    .reported = reported,
    .recovers = recovers,
    .lost = lost,
};

/* ---- open ----------------------------------------------------------------*/

int
blame_open(int fd)
{
    int rc =
        fd < 0 ? faults_private(&blame.faults) : faults_map(fd, &blame.faults);

    blame.is_own = fd < 0;
    if (rc < 0)
        return rc;
    blame.report_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    blame.lost_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (blame.report_fd < 0 || blame.lost_fd < 0)
        return -errno;
    rc = guard_install(&hooks);
    return rc < 0 ? rc : guard_attach("control");
}

void
blame_ends_with(int code)
{
    atomic_store(&blame.exit_code, code);
}

void
blame_set_last_words(blame_last_words_fn *fn)
{
    blame.last_words = fn;
}

struct faults *
blame_faults(void)
{
    return blame.faults;
}

int
blame_is_own(void)
{
    return blame.is_own;
}

int
blame_report_fd(void)
{
    return blame.report_fd;
}

int
blame_lost_fd(void)
{
    return blame.lost_fd;
}

uint64_t
blame_lost_serial(void)
{
    return atomic_load(&blame.lost_serial);
}

int
blame_lost_signal(void)
{
    return atomic_load(&blame.lost_signal);
}

int
blame_await(void)
{
    const struct timespec turn = {0, TURN_NS};

    nanosleep(&turn, NULL);
    return blame_lost_signal();
}

void
blame_write(uint64_t serial)
{
    struct faults_record r;
    char text[FAULTS_TEXT_MAX];

    if (faults_read(blame.faults, serial, &r))
        log_raw(text, faults_write(&r, text, sizeof text));
}
