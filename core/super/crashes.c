/* SPDX-License-Identifier: BSD-2-Clause */
/* crashes.c - see crashes.h. */
#include "super/crashes.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf.h"
#include "conf/paths.h"
#include "ctl/faults.h"
#include "os/trap.h"
#include "super/process.h"
#include "super/servers.h"
#include "super/state.h"

/* ---- the ledger ----------------------------------------------------------*/

/* Where it is kept; 0: nowhere. */
static int
ledger_path(const struct super *s, char path[PATH_MAX])
{
    const char *dir = paths_runtime_dir(s->conf);

    return dir && snprintf(path, PATH_MAX, "%s/" LEDGER_NAME, dir) < PATH_MAX;
}

void
crashes_open(struct super *s)
{
    char path[PATH_MAX];
    int rc;

    if (!ledger_path(s, path))
        return;
    rc = ledger_load(&s->ledger, path);
    if (rc < 0)
        log_warn("%s: crashes are counted from none on: %s", path,
                 strerror(-rc));
}

static void
keep_ledger(const struct super *s)
{
    char path[PATH_MAX];
    int rc = ledger_path(s, path) ? ledger_save(&s->ledger, path) : 0;

    if (rc < 0)
        log_warn("%s: crashes are not kept: %s", path, strerror(-rc));
}

static uint64_t
wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- records -------------------------------------------------------------*/

/* Text that somebody else has written: it ends, and it is text. */
static const char *
clean(char *text, size_t cap)
{
    text[cap - 1] = '\0';
    for (char *p = text; *p; p++) {
        if (*p < ' ' || *p == 127)
            *p = '?';
    }
    return text;
}
#define CLEAN(a) clean((a), sizeof(a))

static int
is_hash(const char *text)
{
    return strlen(text) == SHA256_HEX_LEN &&
           strspn(text, "0123456789abcdef") == SHA256_HEX_LEN;
}

static void
count(struct super *s, struct faults_record *r)
{
    const struct conf_server *c = &s->conf->server;
    char name[LEDGER_NAME_MAX];

    if (!is_hash(CLEAN(r->sha256)))
        return; /* no plugin's, or nobody knows whose */
    snprintf(name, sizeof name, "%.56s %.32s", CLEAN(r->plugin),
             CLEAN(r->version));
    if (ledger_crash(&s->ledger, r->sha256, name, wall_ms(),
                     (uint32_t)c->crash_limit, (uint64_t)c->crash_window))
        log_error(
            "plugin %s, sha256 %.12s, is in quarantine after %lld crashes "
            "within %lld s: where it would run 503 is answered, until "
            "another build is there",
            name, r->sha256, (long long)c->crash_limit,
            (long long)c->crash_window / 1000);
    keep_ledger(s);
}

/* What the process itself cannot write any more. */
static void
log_block(const struct faults_record *r)
{
    char text[FAULTS_TEXT_MAX], *line = text, *end;
    size_t n = faults_write(r, text, sizeof text);

    while ((end = memchr(line, '\n', n - (size_t)(line - text)))) {
        log_write(LOG_ERROR, NULL, line, (size_t)(end - line));
        line = end + 1;
    }
}

static void
take(struct super *s, const struct child *c, struct faults_record *r,
     int is_alive)
{
    if (r->result == FAULTS_SLOW)
        return;
    if (r->result != FAULTS_RECOVERED)
        log_block(r);
    if (c->role == CHILD_PROBING)
        return; /* a trial is for that */
    count(s, r);
    if (c->role == CHILD_SERVING && is_alive)
        servers_replace(s, 0, "after a crash");
}

void
crashes_look(struct super *s, struct child *c, int is_alive)
{
    struct faults_record r;
    uint64_t n;

    if (!c->faults)
        return;
    n = faults_count(c->faults);
    if (n > c->n_faults + FAULTS_RECORDS)
        c->n_faults = n - FAULTS_RECORDS;
    while (c->n_faults < n && faults_read(c->faults, c->n_faults + 1, &r)) {
        c->n_faults++;
        take(s, c, &r, is_alive);
    }
}

/* Of the last thing that went wrong in c. */
static int
read_last(const struct child *c, struct faults_record *r)
{
    return c->faults && faults_read(c->faults, faults_count(c->faults), r) &&
           *CLEAN(r->plugin);
}

int
crashes_blame(const struct child *c, char *out, size_t cap)
{
    struct faults_record r;

    if (!read_last(c, &r))
        return 0;
    snprintf(out, cap, "%s of %s (plugin %s %s)%s%s", CLEAN(r.callback),
             CLEAN(r.instance), r.plugin, CLEAN(r.version),
             c->is_late ? "" : ": ", /* by a signal of ours */
             c->is_late ? ""
             : r.signo  ? trap_name(r.signo)
                        : CLEAN(r.what));
    return 1;
}

/* Whether it was before the plugin could tell what it declares. */
static int
is_loading(const char *callback)
{
    return strcmp(callback, "constructors") == 0 ||
           strcmp(callback, "load") == 0;
}

int
crashes_bar(const struct child *c, char *out, size_t cap)
{
    struct faults_record r;
    char who[320];

    if (!read_last(c, &r) || !is_hash(CLEAN(r.sha256)) ||
        !crashes_blame(c, who, sizeof who))
        return 0;
    snprintf(out, cap, "%s %s the trial load %s: %s", r.sha256,
             is_loading(CLEAN(r.callback)) ? "load" : "run",
             c->is_late ? "took too long" : "has crashed", who);
    return 1;
}

/* ---- a process that begins -----------------------------------------------*/

static void
give_block(struct child *c)
{
    struct ctl_message m = {.kind = CTL_FAULTS};

    c->faults_fd = faults_new();
    if (c->faults_fd >= 0 && faults_map(c->faults_fd, &c->faults) == 0) {
        child_send(c, &m, c->faults_fd);
        return;
    }
    log_warn("server process %d: nobody could read of its crashes: %s",
             (int)c->pid, strerror(-c->faults_fd));
}

void
crashes_prepare(struct super *s, struct child *c)
{
    struct ctl_message m = {.kind = CTL_QUARANTINE};
    const struct ledger_build *b;

    give_block(c);
    for (uint32_t i = 0; (b = ledger_next(&s->ledger, &i));) {
        snprintf(m.u.text, sizeof m.u.text, "%s", b->sha256);
        child_send(c, &m, -1);
    }
    for (uint32_t i = 0; c->role == CHILD_PROBING && i < s->reload.n_barred;
         i++) {
        snprintf(m.u.text, sizeof m.u.text, "%s", s->reload.barred[i]);
        child_send(c, &m, -1);
    }
}

/* ---- for the next supervisor ---------------------------------------------*/

void
crashes_save(const struct super *s, struct state *to)
{
    char line[LEDGER_LINE_MAX];

    for (uint32_t i = 0; i < LEDGER_BUILDS; i++) {
        if (!s->ledger.builds[i].sha256[0])
            continue;
        ledger_write_line(&s->ledger.builds[i], line, sizeof line);
        state_put(to, "ledger %s", line);
    }
}

void
crashes_load(struct super *s, const char *line)
{
    if (ledger_read_line(&s->ledger, line) < 0)
        log_warn("a line of the ledger is lost: %.80s", line);
}
