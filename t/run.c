/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c - runs test programs in parallel and adds up what they say.
 *
 *     run [-j JOBS] [-t SECONDS] [NAME=VALUE | PROGRAM | +]...
 *
 * NAME=VALUE goes into the environment of the programs that follow; those
 * behind a + begin when all in front of it have ended.  A program
 * gets SECONDS (more under a sanitizer), a log file beside it and a process
 * group of its own; it passes with exit status 0, is skipped with 77 and fails
 * with anything else.  What a Check runner printed ("Checks: N, Failures: N,
 * Errors: N") is counted by its cases, any other program as one.  A program
 * that leaves a process behind has failed.  The last line is "N passed, N
 * failed", the exit status 0 if none failed.
 *
 * It is not a shell: no PATH, no arguments.  Invariant: the only processes it
 * ever signals are its own children, their groups, and orphans of theirs,
 * which come to it because it is their subreaper. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_SKIPPED = 77,
    SHOWN_MAX = 16384,    /* bytes of a failed test's log */
    LEAVE_MS = 1000,      /* how long what a test started may take to end */
    SANITIZER_FACTOR = 4, /* how much slower those builds may be */
};

/* A program to run, and how it went. */
struct job {
    const char *path;
    char suite[64];
    int n_sets;     /* how many of run.sets it sees */
    pid_t pid;      /* 0: not started; -1: over */
    double started; /* seconds, monotonic */
    double seconds;
    bool timed_out, skipped;
    bool waits; /* for all that began before */
    int passed, failed;
};

/* What a suite may take, as the sum over its programs. */
static const struct budget {
    const char *suite;
    double seconds;
} budgets[] = {
    {"unit", 240}, {"plugins", 60},  {"fuzz", 30},
    {"e2e", 900},  {"regress", 120}, {"soak", 150},
};

static struct {
    char **sets;
    struct job *jobs;
    int n_sets, n_jobs, parallel, running, next;
    double limit; /* seconds for one program, not sanitized */
} run;

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
die(const char *what)
{
    fprintf(stderr, "run: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* The last value given to name before the job, or NULL. */
static const char *
setting(const struct job *job, const char *name)
{
    size_t len = strlen(name);
    for (int i = job->n_sets - 1; i >= 0; i--) {
        if (strncmp(run.sets[i], name, len) == 0 && run.sets[i][len] == '=')
            return run.sets[i] + len + 1;
    }
    return NULL;
}

/* The sanitizer in what is tested, after T_BUILD=.../build-asan; or "". */
static const char *
variant_of(const struct job *job)
{
    const char *build = setting(job, "T_BUILD");
    const char *slash = build != NULL ? strrchr(build, '/') : NULL;

    if (slash == NULL || strncmp(slash, "/build-", 7) != 0)
        return "";
    return slash + 7;
}

/* Of a test with a server its backend and, unless that is plain, transport; of
 * any the sanitizer: " epoll h2c asan". */
static void
name_kind(const struct job *job, char *to, size_t cap)
{
    const char *t = strstr(job->path, "/t/");
    const char *event = setting(job, "T_EVENT");
    const char *transport = setting(job, "T_TRANSPORT");
    const char *variant = variant_of(job);

    if (t == NULL || event == NULL ||
        (strncmp(t, "/t/e2e/", 7) != 0 && strncmp(t, "/t/regress/", 11) != 0))
        event = transport = "";
    if (transport == NULL || strcmp(transport, "plain") == 0)
        transport = "";
    snprintf(to, cap, "%s%s%s%s%s%s", *event ? " " : "", event,
             *transport ? " " : "", transport, *variant ? " " : "", variant);
}

/* T_BUILD=build-asan, T_EVENT=epoll, build/t/e2e/keepalive: "e2e epoll asan".
 */
static void
name_suite(struct job *job)
{
    const char *t = strstr(job->path, "/t/");
    const char *folder = t != NULL ? t + 3 : "tests";
    char kind[32];

    name_kind(job, kind, sizeof kind);
    snprintf(job->suite, sizeof job->suite, "%.*s%s", (int)strcspn(folder, "/"),
             folder, kind);
}

/* The log stands beside the program; one for each kind of run. */
static void
log_path(const struct job *job, char *to, size_t cap)
{
    char kind[32];
    name_kind(job, kind, sizeof kind);
    for (char *at = kind; (at = strchr(at, ' ')) != NULL;)
        *at = '.';
    snprintf(to, cap, "%s%s.log", job->path, kind);
}

static void
become(const struct job *job)
{
    char log[4096], tag[32];
    sigset_t none;
    int fd;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    log_path(job, log, sizeof log);
    fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        _exit(126);
    close(fd);
    fd = open("/dev/null", O_RDONLY);
    if (fd < 0 || dup2(fd, 0) < 0)
        _exit(126);
    close(fd);
    for (int i = 0; i < job->n_sets; i++)
        putenv(run.sets[i]);
    snprintf(tag, sizeof tag, "%d", (int)(job - run.jobs));
    setenv("T_RUN_JOB", tag, 1);
    execl(job->path, job->path, (char *)NULL);
    fprintf(stderr, "cannot run: %s\n", strerror(errno));
    _exit(127);
}

static void
start(struct job *job)
{
    fflush(stdout);
    job->started = now();
    job->pid = fork();
    if (job->pid < 0)
        die("fork");
    if (job->pid == 0)
        become(job);
    setpgid(job->pid, job->pid);
    run.running++;
}

static struct job *
job_of(pid_t pid)
{
    for (int i = 0; i < run.n_jobs; i++) {
        if (run.jobs[i].pid == pid)
            return &run.jobs[i];
    }
    return NULL;
}

/* Is the process an orphan of the job: alive, and carrying its tag? */
static bool
is_orphan_of(pid_t pid, int job)
{
    char path[64], want[32], text[65536];
    ssize_t n;
    int fd;

    if (job_of(pid) != NULL)
        return false;
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false; /* a zombie has no environment */
    text[n] = '\0';
    snprintf(want, sizeof want, "T_RUN_JOB=%d", job);
    for (char *p = text; p < text + n; p += strlen(p) + 1) {
        if (strcmp(p, want) == 0)
            return true;
    }
    return false;
}

/* How many processes the finished job left; with a signal, sent to each. */
static int
orphans(int job, int signo)
{
    char path[64];
    FILE *children;
    int pid, n = 0;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    children = fopen(path, "r");
    if (children == NULL)
        return 0; /* a kernel without it: the groups are still cleaned */
    while (fscanf(children, "%d", &pid) == 1) {
        if (!is_orphan_of(pid, job))
            continue;
        n++;
        if (signo != 0)
            kill(pid, signo);
    }
    fclose(children);
    return n;
}

/* Wait a little for what the job started, then end it.  True: had to. */
static bool
left_behind(struct job *job, pid_t group)
{
    const struct timespec tick = {0, 10 * 1000 * 1000};
    double end = now() + LEAVE_MS / 1000.0;
    int index = (int)(job - run.jobs);

    while (orphans(index, 0) > 0 || kill(-group, 0) == 0) {
        if (now() > end || job->timed_out) {
            kill(-group, SIGKILL);
            orphans(index, SIGKILL);
            return !job->timed_out;
        }
        nanosleep(&tick, NULL);
        while (waitpid(-group, NULL, WNOHANG) > 0)
            continue;
    }
    return false;
}

/* Add up what Check printed into the job; false: it printed nothing. */
static bool
count_cases(struct job *job, const char *log)
{
    char line[512];
    bool found = false;
    FILE *f = fopen(log, "r");

    if (f == NULL)
        return false;
    while (fgets(line, sizeof line, f) != NULL) {
        int checks, failures, errors;
        const char *p = strstr(line, "%: Checks: ");
        if (p == NULL || sscanf(p, "%%: Checks: %d, Failures: %d, Errors: %d",
                                &checks, &failures, &errors) != 3)
            continue;
        job->passed += checks - failures - errors;
        job->failed += failures + errors;
        found = true;
    }
    fclose(f);
    return found;
}

static void
show_log(const char *log)
{
    char buf[4096];
    size_t n;
    FILE *f = fopen(log, "r");

    if (f == NULL)
        return;
    if (fseek(f, -SHOWN_MAX, SEEK_END) == 0)
        printf("[...]\n");
    else
        rewind(f);
    while ((n = fread(buf, 1, sizeof buf, f)) > 0)
        fwrite(buf, 1, n, stdout);
    fclose(f);
}

static double
factor_of(const char *suite)
{
    return strstr(suite, "san") != NULL ? SANITIZER_FACTOR : 1;
}

/* Why the job failed, in words; "" if it did not. */
static void
verdict(struct job *job, int status, bool leftovers, char *why, size_t cap)
{
    char log[4096];
    bool counted;

    log_path(job, log, sizeof log);
    counted = count_cases(job, log);
    why[0] = '\0';
    if (job->timed_out)
        snprintf(why, cap, "not done after %.0f s",
                 run.limit * factor_of(job->suite));
    else if (WIFSIGNALED(status))
        snprintf(why, cap, "%s", strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == EXIT_SKIPPED)
        job->skipped = true;
    else if (WEXITSTATUS(status) != 0)
        snprintf(why, cap, "exit status %d", WEXITSTATUS(status));
    else if (leftovers)
        snprintf(why, cap, "left processes behind");
    if (why[0] == '\0' && !counted && !job->skipped)
        job->passed++;
    if (why[0] != '\0' && (job->failed == 0 || leftovers))
        job->failed++;
    if (why[0] == '\0' && job->failed > 0)
        snprintf(why, cap, "failed test cases, but exit status 0");
    if (why[0] == '\0')
        return;
    printf("---- FAIL %s (%s): %s\n", job->path, job->suite, why);
    show_log(log);
    printf("---- end of %s\n", log);
}

static void
finish(struct job *job, int status)
{
    char why[128];
    pid_t group = job->pid;

    job->seconds = now() - job->started;
    job->pid = -1;
    run.running--;
    verdict(job, status, left_behind(job, group), why, sizeof why);
}

static void
reap(void)
{
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct job *job = job_of(pid);
        if (job != NULL)
            finish(job, status);
    }
}

static void
stop_late(void)
{
    double t = now();
    for (int i = 0; i < run.n_jobs; i++) {
        struct job *job = &run.jobs[i];
        if (job->pid > 0 &&
            t - job->started > run.limit * factor_of(job->suite)) {
            job->timed_out = true;
            kill(-job->pid, SIGKILL);
            kill(job->pid, SIGKILL);
        }
    }
}

static void
stop_all(void)
{
    for (int i = 0; i < run.n_jobs; i++) {
        pid_t pid = run.jobs[i].pid;
        if (pid <= 0)
            continue;
        kill(-pid, SIGKILL);
        waitpid(pid, NULL, 0);
        run.jobs[i].pid = -1;
        orphans(i, SIGKILL);
    }
    printf("interrupted\n");
    exit(130);
}

static bool
may_start(void)
{
    return run.next < run.n_jobs && run.running < run.parallel &&
           (run.running == 0 || !run.jobs[run.next].waits);
}

static void
run_all(void)
{
    const struct timespec tick = {0, 200 * 1000 * 1000};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    while (run.next < run.n_jobs || run.running > 0) {
        int signo;
        while (may_start())
            start(&run.jobs[run.next++]);
        signo = sigtimedwait(&set, NULL, &tick);
        if (signo == SIGINT || signo == SIGTERM)
            stop_all();
        reap();
        stop_late();
    }
}

static double
budget_of(const char *suite)
{
    double factor = factor_of(suite);

    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        size_t n = strlen(budgets[i].suite);
        if (strncmp(suite, budgets[i].suite, n) == 0)
            return budgets[i].seconds * factor;
    }
    return 60 * factor;
}

/* One line for the suite of the job, if the job is the first of it. */
static void
report_suite(int first)
{
    const char *suite = run.jobs[first].suite;
    const struct job *slowest = &run.jobs[first];
    int passed = 0, failed = 0, skipped = 0;
    double seconds = 0;

    for (int i = 0; i < run.n_jobs; i++) {
        const struct job *job = &run.jobs[i];
        if (strcmp(job->suite, suite) != 0)
            continue;
        if (i < first)
            return;
        passed += job->passed;
        failed += job->failed;
        skipped += job->skipped;
        seconds += job->seconds;
        if (job->seconds > slowest->seconds)
            slowest = job;
    }
    printf("%-20s %5d passed %3d failed %3d skipped %7.1f s of %.0f s%s"
           "  (longest: %s %.1f s)\n",
           suite, passed, failed, skipped, seconds, budget_of(suite),
           seconds > budget_of(suite) ? ", OVER BUDGET" : "",
           strrchr(slowest->path, '/') + 1, slowest->seconds);
}

static int
report(double started)
{
    int passed = 0, failed = 0;
    for (int i = 0; i < run.n_jobs; i++) {
        report_suite(i);
        passed += run.jobs[i].passed;
        failed += run.jobs[i].failed;
    }
    printf("%d programs, %d at a time, %.1f s\n", run.n_jobs, run.parallel,
           now() - started);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0 || run.n_jobs == 0;
}

/* Containers often forbid it; an empty call tells without making a ring. */
static bool
has_io_uring(void)
{
    return syscall(SYS_io_uring_setup, 0, NULL) < 0 && errno != ENOSYS &&
           errno != EPERM;
}

static void
add(char *arg)
{
    static char epoll[] = "T_EVENT=epoll";
    struct job *job;
    if (strcmp(arg, "T_EVENT=io_uring") == 0 && !has_io_uring()) {
        printf("no io_uring here: its tests run on epoll\n");
        arg = epoll;
    }
    if (strcmp(arg, "+") == 0) {
        run.jobs[run.n_jobs].waits = true;
        return;
    }
    if (strchr(arg, '=') != NULL) {
        run.sets[run.n_sets++] = arg;
        return;
    }
    job = &run.jobs[run.n_jobs++];
    job->path = arg;
    job->n_sets = run.n_sets;
    name_suite(job);
}

int
main(int argc, char **argv)
{
    cpu_set_t cpus;
    double started = now();
    int c;

    run.limit = 120;
    run.parallel = 2;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        run.parallel = 3 * CPU_COUNT(&cpus); /* most tests mostly wait */
    while ((c = getopt(argc, argv, "j:t:")) != -1) {
        if (c == 'j' && atoi(optarg) > 0)
            run.parallel = atoi(optarg);
        else if (c == 't' && atoi(optarg) > 0)
            run.limit = atoi(optarg);
        else
            return 2;
    }
    run.sets = calloc((size_t)argc, sizeof *run.sets);
    run.jobs = calloc((size_t)argc, sizeof *run.jobs);
    if (run.sets == NULL || run.jobs == NULL)
        die("calloc");
    for (int i = optind; i < argc; i++)
        add(argv[i]);
    run_all();
    return report(started);
}
