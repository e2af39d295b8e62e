/* SPDX-License-Identifier: BSD-2-Clause */
/* messages.c - see messages.h. */
#include "super/messages.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf.h"
#include "os/pidfile.h"
#include "super/adoption.h"
#include "super/crashes.h"
#include "super/opener.h"
#include "super/process.h"
#include "super/reload.h"
#include "super/servers.h"

static void
on_listen(struct super *s, struct child *c, const struct ctl_message *m)
{
    struct ctl_message answer = {.kind = CTL_ANSWER};
    struct sock_address a;
    struct sock_options o;
    int rc = ctl_listen_read(&m->u.listen, &a, &o);

    if (rc == 0 && !opener_may_listen(s->conf, s->files.shown, &a)) {
        snprintf(answer.u.text, sizeof answer.u.text,
                 "the configuration does not listen there");
        rc = -EPERM;
    }
    if (rc == 0)
        rc =
            held_listen(&s->held, super_number(s, c), &a, &o, m->u.listen.index,
                        &answer.id, answer.u.text, sizeof answer.u.text);
    answer.result = rc < 0 ? rc : 0;
    child_send(c, &answer, rc < 0 ? -1 : rc);
}

static void
on_unlisten(struct super *s, struct child *c, uint32_t id)
{
    held_release(&s->held, super_number(s, c), id);
    child_say(c, CTL_ANSWER, -1);
}

static void
on_pid_file(struct super *s, struct child *c)
{
    struct ctl_message answer = {.kind = CTL_ANSWER};

    if (c->role == CHILD_SERVING) { /* else when it does: adoption.c */
        answer.result = pidfile_put(s->conf->server.pid_file.p, answer.u.text,
                                    sizeof answer.u.text);
        s->has_pid_file |= answer.result == 0;
    }
    child_send(c, &answer, -1);
}

static void
on_open(struct super *s, struct child *c, const struct ctl_message *m)
{
    struct ctl_message answer = {.kind = CTL_ANSWER};
    int fd = opener_answer(m, s->conf, s->files.shown, &answer);

    child_send(c, &answer, fd);
    if (fd >= 0)
        close(fd);
}

static void
on_done(struct super *s, struct child *c, const struct ctl_message *m, int fd)
{
    child_done(c, m->id);
    c->is_reloaded = 0;
    if (m->id == CTL_RELOAD && c->role == CHILD_SERVING)
        reload_done(s, m, fd);
}

/* What serves has changed; of one that only comes, what is going to. */
static void
on_committed(struct super *s, struct child *c, uint32_t generation, int fd)
{
    c->is_reloaded = c->is_out[CHILD_RELOAD];
    if (c->role == CHILD_COMING) {
        c->bundle_fd = fd;
        c->generation = generation;
    } else {
        adoption_commit(s, fd);
        s->generation = generation;
    }
}

/* It has one of these, from which it cannot free itself. */
static int
on_sandbox(struct child *c, int fd)
{
    if (c->denials_fd >= 0)
        return 0;
    c->denials_fd = fd;
    return 1;
}

static void
on_replace(struct super *s, struct ctl_message *m)
{
    m->u.text[sizeof m->u.text - 1] = '\0';
    servers_replace(s, 0, m->u.text);
}

/* It says the same to stderr; who serves already goes by its log. */
static void
on_failed(struct child *c, struct ctl_message *m)
{
    m->u.text[sizeof m->u.text - 1] = '\0';
    if (c->role == CHILD_COMING)
        log_error("server process %d: %s", (int)c->pid, m->u.text);
    if (!c->why[0])
        snprintf(c->why, sizeof c->why, "%.*s", (int)sizeof c->why - 1,
                 m->u.text);
}

/* One message: 1; 0: there is none; < 0: nor will be. */
static int
take(struct super *s, struct child *c)
{
    struct ctl_message m;
    int passed, rc = ctl_recv(c->channel, &m, &passed);

    if (rc <= 0)
        return rc;
    c->version = m.version;
    switch (m.kind) {
    case CTL_LISTEN: on_listen(s, c, &m); break;
    case CTL_PID_FILE: on_pid_file(s, c); break;
    case CTL_UNLISTEN: on_unlisten(s, c, m.id); break;
    case CTL_OPEN: on_open(s, c, &m); break;
    case CTL_COMMITTED: on_committed(s, c, m.id, passed); return 1;
    case CTL_PROBED: reload_probed(s, c, &m, passed); return 1;
    case CTL_SANDBOX:
        if (on_sandbox(c, passed))
            return 1;
        break;
    case CTL_READY: servers_ready(s, c); break;
    case CTL_DONE: on_done(s, c, &m, passed); break;
    case CTL_RESULT: desk_result(s, c, &m, passed); break;
    case CTL_GIVEN: servers_given(s, c); break;
    case CTL_FAULT: crashes_look(s, c, 1); break;
    case CTL_REPLACE: on_replace(s, &m); break;
    case CTL_FAILED: on_failed(c, &m); break;
    default: log_error("server process says %u: ignored", m.kind); break;
    }
    if (passed >= 0)
        close(passed);
    return 1;
}

void
messages_read(struct super *s, struct child *c)
{
    int rc = c->channel < 0 ? 0 : 1;

    while (rc > 0)
        rc = take(s, c);
    if (rc == 0)
        return;
    child_hang_up(c);
    c->kill_ns = clock_mono_ns() + LAST_WORDS_NS;
}
