/* SPDX-License-Identifier: BSD-2-Clause */
/* sandbox.c - what the process that serves may do; see sandbox.h. */
#include "serve/sandbox.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "conf/conf.h"
#include "conf/option.h"
#include "conf/paths.h"
#include "http/gen.h"
#include "os/landlock.h"
#include "os/seccomp.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "serve/process.h"

#define RULES_MAX_BYTES ((size_t)16 << 20)
#define NAME_MAX_LEN 200

/* A folder, and who needs it. */
struct rule {
    struct rule *next;
    const char *folder; /* absolute, without links */
    const char *why;
};

struct sandbox_rules {
    struct arena arena;
    struct rule *writes, *execs;
    const char *executes; /* who executes programs; NULL: nobody */
    int is_short;         /* of memory */
};

/* ---- what is needed ------------------------------------------------------*/

/* The folder of path, which may be one, as the kernel knows it; 0 if there is
 * none.  A file that is yet to be made has one if it may_be_new: else who
 * mistypes a folder would allow the one above it.  Nothing but "/" itself means
 * that. */
static int
find_folder(const char *path, int may_be_new, char out[PATH_MAX])
{
    char folder[PATH_MAX], *slash;
    struct stat st;
    int is_there = stat(path, &st) == 0;

    if (!is_there && !may_be_new)
        return 0;
    if (is_there && S_ISDIR(st.st_mode))
        return realpath(path, out) != NULL;
    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return 0;
    *slash = '\0';
    return realpath(folder, out) != NULL && strcmp(out, "/") != 0;
}

static void PRINTF(5, 6)
    need(struct sandbox_rules *r, struct rule **list, const char *path,
         int may_be_new, const char *fmt, ...)
{
    char folder[PATH_MAX], why[NAME_MAX_LEN];
    struct rule *rule = arena_alloc(&r->arena, sizeof *rule);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    if (!find_folder(path, may_be_new, folder)) {
        log_debug("sandbox: %s (%s): there is none", path, why);
        return;
    }
    if (rule) {
        rule->next = *list;
        rule->folder = arena_printf(&r->arena, "%s", folder);
        rule->why = arena_printf(&r->arena, "%s", why);
    }
    if (rule && rule->folder && rule->why)
        *list = rule;
    else
        r->is_short = 1;
}

static void
add_server(struct sandbox_rules *r, const struct conf *conf)
{
    const struct conf_server *c = &conf->server;
    const char *runtime_dir = paths_runtime_dir(conf);

    need(r, &r->writes, c->temp_dir.n ? c->temp_dir.p : "/tmp", 0, "temp_dir");
    if (runtime_dir)
        need(r, &r->writes, runtime_dir, 0, "runtime_dir");
    if (c->core_dir.n)
        need(r, &r->writes, c->core_dir.p, 0, "core_dir");
    for (size_t i = 0; i < c->sandbox_write.n; i++)
        need(r, &r->writes, c->sandbox_write.v[i].p, 0, "sandbox_write");
    for (size_t i = 0; i < c->sandbox_exec.n; i++) {
        need(r, &r->execs, c->sandbox_exec.v[i].p, 0, "sandbox_exec");
        r->executes = "sandbox_exec";
    }
}

static void
add_instance(struct sandbox_rules *r, const struct instance *i)
{
    const et_optdef *def = i->plugin->options;

    if (i->plugin->desc.flags & ET_P_EXEC)
        r->executes = arena_printf(&r->arena, "plugin %s", i->name);
    for (uint32_t k = 0; def && i->options && k < def->n; k++) {
        const et_opt *o = option_row(def, k);
        const et_str *path;
        if (o->type != ET_O_PATH || !(o->flags & ET_O_WRITE))
            continue;
        path = (const et_str *)(const void *)((char *)i->options + o->off);
        if (path->n)
            need(r, &r->writes, path->p, 1, "%s of %s", o->key, i->name);
    }
}

struct sandbox_rules *
sandbox_rules_new(const struct gen *g)
{
    struct sandbox_rules *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    arena_init(&r->arena, NULL, 0, NULL, RULES_MAX_BYTES);
    add_server(r, g->conf);
    for (uint32_t i = 0; i < g->n_instances; i++)
        add_instance(r, g->instances[i]);
    if (!r->is_short)
        return r;
    sandbox_rules_free(r);
    return NULL;
}

void
sandbox_rules_free(struct sandbox_rules *r)
{
    if (!r)
        return;
    arena_reset(&r->arena);
    free(r);
}

/* ---- is it covered? ------------------------------------------------------*/

static int
is_below(const char *path, const char *folder)
{
    size_t n = strcmp(folder, "/") ? strlen(folder) : 0;

    return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* The first that is below none of those, or NULL. */
static const struct rule *
find_uncovered(const struct rule *those, const struct rule *r)
{
    for (; r; r = r->next) {
        const struct rule *have = those;
        while (have && !is_below(r->folder, have->folder))
            have = have->next;
        if (!have)
            return r;
    }
    return NULL;
}

int
sandbox_covers(const struct sandbox_rules *running,
               const struct sandbox_rules *wanted, char *text, size_t cap)
{
    const struct rule *write = find_uncovered(running->writes, wanted->writes);
    const struct rule *exec = find_uncovered(running->execs, wanted->execs);

    if (wanted->executes && !running->executes)
        snprintf(text, cap, "to execute programs (%s)", wanted->executes);
    else if (write)
        snprintf(text, cap, "to write to %s (%s)", write->folder, write->why);
    else if (exec)
        snprintf(text, cap, "to execute what is in %s (%s)", exec->folder,
                 exec->why);
    else
        return 1;
    return 0;
}

/* ---- from now on ---------------------------------------------------------*/

static void
allow_writes(int rules, const struct sandbox_rules *r)
{
    static const char *const devices[] = {
        "/dev/null", "/dev/zero", "/dev/full", "/dev/tty",
        "/proc/self" /* names of threads */
    };

    for (const struct rule *w = r->writes; w; w = w->next) {
        int rc = landlock_allow_folder(rules, w->folder);
        if (rc < 0)
            log_warn("sandbox: %s cannot be written to: %s", w->folder,
                     strerror(-rc));
    }
    for (size_t i = 0; i < ARRAY_LEN(devices); i++)
        (void)!landlock_allow_file(rules, devices[i]); /* if it is there */
}

static void
allow_execs(int rules, const struct sandbox_rules *r)
{
    static const char *const usual[] = {"/usr",   "/bin",   "/sbin",  "/lib",
                                        "/lib64", "/lib32", "/libx32"};

    if (!r->executes)
        return;
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        (void)!landlock_allow_exec(rules, usual[i]); /* if it is there */
    for (const struct rule *e = r->execs; e; e = e->next) {
        int rc = landlock_allow_exec(rules, e->folder);
        if (rc < 0)
            log_warn("sandbox: nothing in %s can be executed: %s", e->folder,
                     strerror(-rc));
    }
}

/* 0 or -errno. */
static int
hold_files(const struct sandbox_rules *r)
{
    int rules = landlock_new(), rc;

    if (rules < 0)
        return rules;
    allow_writes(rules, r);
    allow_execs(rules, r);
    rc = landlock_apply(rules);
    close(rules);
    return rc;
}

/* 0 or -errno; the supervisor is the one to be asked. */
static int
hold_calls(struct server *s, const struct sandbox_rules *r)
{
    unsigned sets = SECCOMP_NEVER | SECCOMP_RINGS;
    int listener, rc;

    if (!r->executes)
        sets |= SECCOMP_EXEC;
    rc = seccomp_deny(sets, &listener);
    if (rc == 0 && listener < 0)
        log_debug("sandbox: this kernel does not tell which calls are denied");
    if (rc == 0 && listener >= 0) {
        channel_sandbox(&s->channel, listener);
        close(listener); /* who has it could allow everything */
    }
    return rc;
}

/* What a kernel, or who made this container, does not give is no reason not to
 * serve. */
static void
hold(struct server *s, const struct sandbox_rules *r)
{
    int files = hold_files(r), calls = hold_calls(s, r);

    if (files < 0)
        log_debug("sandbox: without Landlock, writes are not limited: %s",
                  strerror(-files));
    if (calls < 0)
        log_warn("sandbox: system calls are not limited: %s", strerror(-calls));
    for (const struct rule *w = r->writes; w && files == 0; w = w->next)
        log_debug("sandbox: may write to %s (%s)", w->folder, w->why);
    if (r->executes)
        log_debug("sandbox: may execute programs (%s)", r->executes);
}

/* ---- what allows nothing --------------------------------------------------*/

static void
warn_of(const struct conf *conf, const void *field, const char *key,
        const char *path, struct diag *d)
{
    struct place at = conf_place(conf, field);
    char folder[PATH_MAX];

    if (!find_folder(path, 0, folder))
        diag_warn(d, &at,
                  "[server] %s: there is no %s: nothing is allowed there", key,
                  path);
}

void
sandbox_warn(const struct conf *conf, struct diag *d)
{
    const struct conf_server *c = &conf->server;

    if (!c->sandbox)
        return;
    if (c->core_dir.n)
        warn_of(conf, &c->core_dir, "core_dir", c->core_dir.p, d);
    for (size_t i = 0; i < c->sandbox_write.n; i++)
        warn_of(conf, &c->sandbox_write, "sandbox_write",
                c->sandbox_write.v[i].p, d);
    for (size_t i = 0; i < c->sandbox_exec.n; i++)
        warn_of(conf, &c->sandbox_exec, "sandbox_exec", c->sandbox_exec.v[i].p,
                d);
}

/* ---- a generation --------------------------------------------------------*/

/* s->sandbox is what wanted has become. */
static void
judge(struct server *s, const struct gen *g, const struct sandbox_rules *wanted,
      struct diag *d)
{
    struct place at = conf_place(g->conf, &g->conf->server.sandbox);
    char text[PATH_MAX + NAME_MAX_LEN + 64];

    if (sandbox_covers(s->sandbox, wanted, text, sizeof text))
        return;
    snprintf(s->needs, sizeof s->needs, "%.*s", CTL_TEXT_MAX - 1, text);
    diag_error(d, &at,
               "[server] sandbox: it is needed %s, which this process has "
               "given up",
               text);
}

void
sandbox_judge(struct server *s, const struct gen *g, struct diag *d)
{
    struct sandbox_rules *r;

    if (!s->options->is_supervised || !g->conf->server.sandbox)
        return;
    sandbox_warn(g->conf, d);
    r = sandbox_rules_new(g);
    if (!r) {
        diag_error(d, NULL, "out of memory");
    } else if (s->sandbox) {
        judge(s, g, r, d);
        sandbox_rules_free(r);
    } else {
        hold(s, r);
        s->sandbox = r;
    }
}

int
sandbox_has_more(const struct server *s, const struct gen *g, char *text,
                 size_t cap)
{
    struct sandbox_rules *wanted;
    int has_more;

    if (!s->sandbox)
        return 0;
    wanted = sandbox_rules_new(g);
    has_more = wanted && !sandbox_covers(wanted, s->sandbox, text, cap);
    sandbox_rules_free(wanted);
    return has_more;
}

void
sandbox_log(const struct server *s)
{
    if (!s->sandbox)
        log_info("sandbox: there is none (%s)", s->options->is_supervised
                                                    ? "sandbox = off"
                                                    : "supervise = no");
}
