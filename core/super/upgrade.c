/* SPDX-License-Identifier: BSD-2-Clause */
/* upgrade.c - see upgrade.h. */
#include "super/upgrade.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "super/adoption.h"
#include "super/crashes.h"
#include "super/process.h"
#include "super/servers.h"
#include "super/state.h"

/* ---- out -----------------------------------------------------------------*/

/* As it was found when we began: whoever keeps the names may not answer now. */
static void
save_user(const struct identity *who, struct state *to)
{
    char groups[STATE_LINE_MAX / 2] = "";
    size_t n = 0;

    if (!who->is_set)
        return;
    for (size_t i = 0; i < who->n_groups && n + 12 < sizeof groups; i++)
        n += (size_t)snprintf(groups + n, sizeof groups - n, " %u",
                              (unsigned)who->groups[i]);
    state_put(to, "user %u %u%s", (unsigned)who->uid, (unsigned)who->gid,
              groups);
}

static void
save(const struct super *s, struct state *to)
{
    held_save(&s->held, to);
    memory_save(&s->memory, to);
    resume_save(&s->resume, to);
    crashes_save(s, to);
    servers_save(s, to);
    desk_save(s, to);
    state_put(to, "super %d %d %u %d %d %u", state_fd(s->bundle_fd),
              s->has_pid_file, s->n_deaths, s->reload.is_wanted,
              s->wanted[CHILD_REOPEN], s->generation);
    state_put(to, "path %s", s->program.path);
    save_user(&s->program.who, to);
}

void
upgrade_execute(struct super *s, struct child *c)
{
    struct state st;
    int rc = state_begin(&st);

    if (rc == 0) {
        save(s, &st);
        rc = state_finish(&st);
    }
    if (rc == 0) {
        log_info("the supervisor becomes %s", s->program.path);
        log_finish(LOG_FINISH_MS);
        rc = program_succeed(&s->program, c->upgrade_fd, st.fd);
        state_give_up(&st);
    }
    log_error("upgrade: %s: %s", s->program.path, strerror(-rc));
}

/* ---- and in --------------------------------------------------------------*/

static void
load_super(struct super *s, const char *line)
{
    int reload, reopen;

    /* An older one does not say which generation that is. */
    if (sscanf(line, "%d %d %u %d %d %u", &s->bundle_fd, &s->has_pid_file,
               &s->n_deaths, &reload, &reopen, &s->generation) < 5)
        return;
    s->reload.is_wanted = reload;
    s->wanted[CHILD_REOPEN] = (uint8_t)reopen;
    state_take_fd(s->bundle_fd);
}

static void
load_user(struct identity *who, const char *line)
{
    unsigned uid, gid, group;
    int n = 0, more;

    if (sscanf(line, "%u %u%n", &uid, &gid, &n) != 2)
        return;
    *who = (struct identity){.is_set = 1, .uid = uid, .gid = gid};
    who->groups = malloc(strlen(line) * sizeof *who->groups);
    if (!who->groups)
        return; /* none then: fewer rights, not more */
    for (line += n; sscanf(line, "%u%n", &group, &more) == 1; line += more)
        who->groups[who->n_groups++] = group;
}

static void
take(void *arg, const char *word, const char *rest)
{
    struct super *s = arg;

    if (strcmp(word, "held") == 0)
        held_load(&s->held, rest);
    else if (strcmp(word, "memory") == 0)
        memory_load(&s->memory, rest);
    else if (strcmp(word, "tickets") == 0)
        resume_load(&s->resume, rest);
    else if (strcmp(word, "child") == 0)
        servers_load(s, rest);
    else if (strcmp(word, "ledger") == 0)
        crashes_load(s, rest);
    else if (strcmp(word, "desk") == 0)
        desk_load(s, rest);
    else if (strcmp(word, "outcome") == 0)
        desk_load_reload(s, rest);
    else if (strcmp(word, "ask") == 0)
        desk_load_ask(s, rest);
    else if (strcmp(word, "client") == 0)
        desk_load_client(s, rest);
    else if (strcmp(word, "super") == 0)
        load_super(s, rest);
    else if (strcmp(word, "user") == 0)
        load_user(&s->program.who, rest);
    else if (strcmp(word, "path") == 0)
        snprintf(s->program.path, sizeof s->program.path, "%s", rest);
}

int
upgrade_resume(struct super *s, int state_fd)
{
    int rc = state_read(state_fd, take, s);

    if (rc == 0)
        s->was_ready = 1;
    return rc;
}
