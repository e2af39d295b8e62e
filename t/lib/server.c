/* SPDX-License-Identifier: BSD-2-Clause */
/* server.c - a real server process for one test; see server.h. */
#include "t/lib/server.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "t/lib/transport.h"

#define WAIT_MS 20000 /* for anything a server does by itself */
#define ARGS_MAX 16

static const char *
env(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value && *value ? value : otherwise;
}

const char *
server_event(void)
{
    return env("T_EVENT", "io_uring");
}

static void
pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

static char *
read_all(const char *path, size_t *n)
{
    FILE *f = fopen(path, "re");
    char *text;
    long len;

    ck_assert_ptr_nonnull(f);
    fseek(f, 0, SEEK_END);
    len = ftell(f);
    rewind(f);
    text = malloc((size_t)len + 1);
    *n = fread(text, 1, (size_t)len, f);
    text[*n] = '\0';
    fclose(f);
    return text;
}

/* In one piece: a server that is to reload may be reading it. */
static void
write_all(const char *path, const char *text, size_t n)
{
    char new[PATH_MAX];
    FILE *f;

    snprintf(new, sizeof new, "%s.written", path);
    f = fopen(new, "we");
    ck_assert_msg(f != NULL, "%s: %s", new, strerror(errno));
    ck_assert_uint_eq(fwrite(text, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(rename(new, path), 0);
}

static void
copy_module(struct server *s, const char *from)
{
    char to[PATH_MAX], *image;
    size_t n;

    snprintf(to, sizeof to, "%s%s", s->modules, strrchr(from, '/'));
    image = read_all(from, &n);
    write_all(to, image, n);
    chmod(to, 0755);
    free(image);
}

/* Whether text has what the file is called, without its .so. */
static int
names(const char *text, const char *path)
{
    char name[NAME_MAX + 1];

    snprintf(name, sizeof name, "%s", strrchr(path, '/') + 1);
    *strrchr(name, '.') = '\0';
    return strstr(text, name) != NULL;
}

int
server_is_sanitized(void)
{
    const char *build = env("T_BUILD", "build");
    const char *name = strrchr(build, '/');

    name = name ? name + 1 : build;
    return strcmp(name, "build-asan") == 0 || strcmp(name, "build-tsan") == 0;
}

void
server_bring(struct server *s, const char *text)
{
    char pattern[PATH_MAX];
    glob_t g;

    snprintf(pattern, sizeof pattern, "%s/*.so", env("T_MODULES", "modules"));
    if (glob(pattern, 0, NULL, &g) != 0)
        g = (glob_t){0};
    snprintf(pattern, sizeof pattern, "%s/t/fixtures/*.so",
             env("T_BUILD", "build"));
    (void)glob(pattern, g.gl_pathc > 0 ? GLOB_APPEND : 0, NULL, &g);
    ck_assert_uint_le(g.gl_pathc, SERVER_MODULES_MAX);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        if (s->copied[i] || !names(text, g.gl_pathv[i]))
            continue;
        copy_module(s, g.gl_pathv[i]);
        s->copied[i] = 1;
    }
    globfree(&g);
}

void
server_file(struct server *s, const char *name, const char *text)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    if (strstr(name, ".ini"))
        server_bring(s, text);
    write_all(path, text, strlen(text));
}

static int
sets(const char *ini, const char *key)
{
    for (const char *at = ini; (at = strstr(at, key)) != NULL; at++) {
        const char *end = at + strlen(key);
        if ((at == ini || at[-1] == '\n') && (*end == ' ' || *end == '='))
            return 1;
    }
    return 0;
}

void
server_write(struct server *s, const char *ini_of_plain)
{
    char *text = NULL, *ini = transport_ini(ini_of_plain);
    size_t n;
    FILE *f = open_memstream(&text, &n);
    const char *rest = strstr(ini, "[server]");

    ck_assert_msg(rest != NULL, "the ini has no [server]");
    rest += strlen("[server]");
    fprintf(f, "%.*s\n", (int)(rest - ini), ini);
    if (!sets(ini, "event"))
        fprintf(f, "event = %s\n", server_event());
    if (!sets(ini, "modules"))
        fprintf(f, "modules = %s\n", s->modules);
    for (const char *dir; (dir = strstr(rest, "$DIR")) != NULL; rest = dir + 4)
        fprintf(f, "%.*s%s", (int)(dir - rest), rest, s->dir);
    fputs(rest, f);
    fclose(f);
    server_bring(s, text);
    write_all(s->conf, text, n);
    free(text);
    free(ini);
}

void
server_prepare(struct server *s, const char *ini)
{
    memset(s, 0, sizeof *s);
    strcpy(s->dir, "/tmp/etude-e2e-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->dir));
    snprintf(s->conf, sizeof s->conf, "%s/etude.ini", s->dir);
    snprintf(s->modules, sizeof s->modules, "%s/modules", s->dir);
    snprintf(s->log_path, sizeof s->log_path, "%s/log", s->dir);
    ck_assert_int_eq(mkdir(s->modules, 0755), 0);
    server_write(s, ini);
}

static void
exec_server(struct server *s, const char *const *args, int out)
{
    const char *argv[ARGS_MAX] = {"etude", "-c", s->conf};
    char path[PATH_MAX];
    int n = 3;

    for (; args && *args && n + 1 < ARGS_MAX; args++)
        argv[n++] = *args;
    snprintf(path, sizeof path, "%s/etude", env("T_BUILD", "build"));
    if (s->program)
        snprintf(path, sizeof path, "%s", s->program);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execv(path, (char *const *)(uintptr_t)argv);
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    _exit(127);
}

static int
exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

uint16_t
server_port(const struct server *s)
{
    uint16_t port;
    size_t n;
    char *text = read_all(s->log_path, &n);
    const char *at = strstr(text, "listening on ");
    const char *end = at ? strchr(at, '\n') : NULL;

    while (end && end > at && end[-1] != ':')
        end--;
    port = end && end > at ? (uint16_t)atoi(end) : 0;
    free(text);
    return port;
}

/* Whether that child tries a configuration: it may take its time to end. */
static int
is_trial(int pid)
{
    char path[64], args[64] = "";
    size_t n = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    f = fopen(path, "re");
    if (f)
        n = fread(args, 1, sizeof args - 1, f);
    if (f)
        fclose(f);
    return n == 0 || strcmp(args + strlen(args) + 1, "probe") == 0;
}

pid_t
server_pid(const struct server *s)
{
    char path[64];
    int pid = 0, is_child;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)s->pid,
             (int)s->pid);
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    do
        is_child = fscanf(f, "%d", &pid) == 1;
    while (is_child && is_trial(pid));
    if (!is_child)
        pid = (int)s->pid;
    fclose(f);
    return pid;
}

int
server_count_fds(pid_t pid)
{
    char path[64];
    DIR *d;
    int n = -2; /* . and .. */

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    d = opendir(path);
    ck_assert_ptr_nonnull(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

int
server_launch(struct server *s)
{
    int out =
        open(s->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int status;

    ck_assert_int_ge(out, 0);
    s->pid = fork();
    if (s->pid == 0)
        exec_server(s, (const char *const *)(uintptr_t)s->extra, out);
    close(out);
    for (int i = 0; i < WAIT_MS / 5; i++) {
        if (server_has_log(s, " serves: ")) {
            s->port = server_port(s);
            return -1;
        }
        if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
            s->pid = 0;
            return exit_code(status);
        }
        pause_ms(5);
    }
    ck_abort_msg("the server did not start");
    return 0;
}

void
server_start(struct server *s, const char *ini)
{
    server_prepare(s, ini);
    server_serve(s);
}

void
server_serve(struct server *s)
{
    int code = server_launch(s);

    if (code >= 0) {
        size_t n;
        char *text = read_all(s->log_path, &n);
        ck_abort_msg("the server ended with %d:\n%s", code, text);
    }
}

int
server_run(struct server *s, const char *const *args, char *out, size_t cap)
{
    int fds[2], status;
    size_t n = 0;
    ssize_t k;
    pid_t pid;

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0)
        exec_server(s, args, fds[1]);
    close(fds[1]);
    while (n + 1 < cap && (k = read(fds[0], out + n, cap - 1 - n)) > 0)
        n += (size_t)k;
    out[n] = '\0';
    close(fds[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return exit_code(status);
}

int
server_count_log(const struct server *s, const char *text)
{
    char line[2048];
    FILE *f = fopen(s->log_path, "re");
    int n = 0;

    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, text) != NULL;
    fclose(f);
    return n;
}

int
server_has_log(struct server *s, const char *text)
{
    size_t n;
    char *log = read_all(s->log_path, &n);
    int has = strstr(log, text) != NULL;

    free(log);
    return has;
}

static void
show_log(const struct server *s)
{
    size_t n;
    char *text = read_all(s->log_path, &n);

    fprintf(stderr, "%s\n", text);
    free(text);
}

const char *
server_wait_log(struct server *s, const char *text)
{
    static char line[1024];

    for (int i = 0; i < WAIT_MS / 5; i++) {
        size_t n;
        char *log = read_all(s->log_path, &n), *at, *end;
        at = n > s->log_seen ? strstr(log + s->log_seen, text) : NULL;
        end = at ? strchr(at, '\n') : NULL;
        if (end) {
            while (at > log && at[-1] != '\n')
                at--;
            snprintf(line, sizeof line, "%.*s", (int)(end - at), at);
            s->log_seen = (size_t)(end - log);
            free(log);
            return line;
        }
        free(log);
        pause_ms(5);
    }
    show_log(s);
    ck_abort_msg("the log never said \"%s\"", text);
    return NULL;
}

void
server_signal(struct server *s, int signo)
{
    ck_assert_int_eq(kill(s->pid, signo), 0);
}

int
server_reload(struct server *s)
{
    const char *line;

    server_signal(s, SIGHUP);
    do /* what fails may say "reload" in its own words, too */
        line = server_wait_log(s, "reload");
    while (!strstr(line, "reload: ") && !strstr(line, "reload failed, "));
    return strstr(line, "reload failed, ") == NULL;
}

pid_t
server_upgrade(struct server *s)
{
    const char *line;

    server_signal(s, SIGUSR2);
    line = strstr(server_wait_log(s, " takes over from "), "process ");
    ck_assert_ptr_nonnull(line);
    return (pid_t)atoi(line + strlen("process "));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
    (void)st;
    (void)type;
    (void)w;
    return remove(path);
}

void
server_clean(struct server *s)
{
    ck_assert_int_eq(nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

int
server_wait(struct server *s)
{
    int status;

    for (int i = 0; i < 2 * WAIT_MS / 5; i++) {
        if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
            int code = exit_code(status);
            if (code != 0) /* few expect that */
                show_log(s);
            server_clean(s);
            return code;
        }
        pause_ms(5);
    }
    kill(s->pid, SIGKILL);
    ck_abort_msg("the server did not end");
    return -1;
}

int
server_stop(struct server *s)
{
    server_signal(s, SIGTERM);
    return server_wait(s);
}
