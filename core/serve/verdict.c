/* SPDX-License-Identifier: BSD-2-Clause */
/* verdict.c - see verdict.h. */
#include "serve/verdict.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/json.h"
#include "ctl/answer.h"
#include "ctl/faults.h"
#include "os/trap.h"
#include "plug/guard.h"
#include "serve/blame.h"

#define WORDS_MAX 512

static struct {
    int has_begun, as_json;
    const struct guard *guard; /* of the thread that plugins run in */
    int64_t limit_ms;
    _Atomic int *has_ended; /* whoever waits looks there, or NULL */
    pthread_t thread;
    int is_running, is_over; /* the clock */
    pthread_mutex_t lock;
    pthread_cond_t over;
} verdict = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- last words ----------------------------------------------------------*/

/* Neither heap nor stdio: a plugin may have left them anyhow. */
static void
say_json(int code, const char *words)
{
    char text[6 * WORDS_MAX + 3], line[sizeof text + 80];
    int n;

    (void)json_quote(text, sizeof text, words);
    n = snprintf(line, sizeof line,
                 "{\"ok\":false,\"exit\":%d,\"errors\":[%s],\"warnings\":[]}\n",
                 code, text);
    (void)!write(STDOUT_FILENO, line, (size_t)n);
}

/* What has crashed is on stderr already. */
static void
on_last_words(const struct faults_record *r, int code)
{
    char words[WORDS_MAX];

    snprintf(words, sizeof words, "%s%s%s: %s", r->callback,
             *r->instance ? " of " : "", r->instance,
             r->signo ? trap_name(r->signo) : r->what);
    say_json(code, words);
}

static void
say(const char *words)
{
    if (verdict.as_json)
        say_json(SERVER_CONFIG, words);
    else
        dprintf(STDERR_FILENO, "etude: %s\n", words);
}

/* Its callback runs, and so who it is does not change. */
static _Noreturn void
give_up(void)
{
    const struct guard *g = verdict.guard;
    uint32_t call = atomic_load(&g->call);
    char words[WORDS_MAX];

    snprintf(words, sizeof words,
             "took longer than %lld ms (probe_timeout)%s%s"
             "%s%s",
             (long long)verdict.limit_ms, call ? ": " : "",
             guard_call_name((enum guard_call)call), call ? " of " : "",
             call ? g->who.name : "");
    say(words);
    _exit(SERVER_CONFIG);
}

/* ---- the clock -----------------------------------------------------------*/

/* A thread, as no signal is sure to reach one that a plugin holds. */
static void *
clock_main(void *arg)
{
    struct timespec end;
    int rc = 0;

    (void)arg;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += verdict.limit_ms / 1000;
    end.tv_nsec += verdict.limit_ms % 1000 * 1000000;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    pthread_mutex_lock(&verdict.lock);
    while (!verdict.is_over && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&verdict.over, &verdict.lock, &end);
    if (!verdict.is_over)
        give_up();
    pthread_mutex_unlock(&verdict.lock);
    return NULL;
}

static void
open_condition(void)
{
    pthread_condattr_t how;

    pthread_condattr_init(&how);
    pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    pthread_cond_init(&verdict.over, &how);
    pthread_condattr_destroy(&how);
}

void
verdict_clock_start(int64_t ms)
{
    sigset_t all, before;

    if (!verdict.has_begun || verdict.is_running || ms == 0)
        return;
    verdict.limit_ms = ms;
    open_condition();
    sigfillset(&all); /* a plugin's handlers are not for this thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    verdict.is_running =
        pthread_create(&verdict.thread, NULL, clock_main, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
verdict_clock_stop(void)
{
    if (verdict.has_ended)
        atomic_store(verdict.has_ended, 1);
    if (!verdict.is_running)
        return;
    pthread_mutex_lock(&verdict.lock);
    verdict.is_over = 1;
    pthread_cond_signal(&verdict.over);
    pthread_mutex_unlock(&verdict.lock);
    pthread_join(verdict.thread, NULL);
    verdict.is_running = 0;
}

/* ---- _exit() -------------------------------------------------------------*/

/* Wait for who does the work, which says at last that it has come to an end by
 * itself: else its "good" is a plugin's. */
static _Noreturn void
await(pid_t pid, const _Atomic int *has_ended)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        _exit(128 + WTERMSIG(status));
    if (WEXITSTATUS(status) != SERVER_OK || atomic_load(has_ended))
        _exit(WEXITSTATUS(status));
    say("the process has ended before it was over: a plugin has called _exit");
    _exit(SERVER_CONFIG);
}

/* Go on in another process, if there can be one. */
static void
part(void)
{
    _Atomic int *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t parent = getpid(), pid;

    if (shared == MAP_FAILED)
        return;
    pid = fork();
    if (pid > 0)
        await(pid, shared);
    if (pid < 0)
        return;
    verdict.has_ended = shared;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(SERVER_INTERNAL);
}

void
verdict_begin(int as_json)
{
    verdict.as_json = as_json;
    part();
    verdict.has_begun = 1;
    verdict.guard = &guard_here;
    (void)!blame_open(-1); /* a crash is told of, or it is not */
    if (as_json)
        blame_set_last_words(on_last_words);
}

/* ---- what else is wrong --------------------------------------------------*/

static void
print(struct answer *a)
{
    fwrite(a->text, 1, a->n, stdout);
    fputc('\n', stdout);
    answer_free(a);
}

int
verdict_errors(int code, const struct diag *d, int as_json)
{
    struct answer a;

    if (!as_json) {
        diag_print(d, stderr);
        return code;
    }
    answer_begin(&a);
    if (a.out) {
        fprintf(a.out, "{\"ok\":false,\"exit\":%d", code);
        answer_diag(a.out, d, DIAG_ERROR, "errors", UINT32_MAX);
        answer_diag(a.out, d, DIAG_WARNING, "warnings", UINT32_MAX);
        fputc('}', a.out);
    }
    answer_end(&a);
    print(&a);
    return code;
}

int
verdict_refuse(int code, int as_json, const char *fmt, ...)
{
    struct answer a;
    va_list ap;

    va_start(ap, fmt);
    if (as_json) {
        answer_vrefuse(&a, code, fmt, ap);
        print(&a);
    } else {
        fputs("etude: ", stderr);
        vfprintf(stderr, fmt, ap);
        fputc('\n', stderr);
    }
    va_end(ap);
    return code;
}
