/* SPDX-License-Identifier: BSD-2-Clause */
/* channel.c - see channel.h. */
#include "serve/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/log.h"
#include "conf/bundle.h"
#include "conf/bundle_dump.h"
#include "conf/bundle_load.h"
#include "conf/bundle_remark.h"
#include "conf/conf.h"
#include "http/gen.h"
#include "os/memfd.h"
#include "serve/handover.h"
#include "serve/quarantine.h"
#include "tls/tickets.h"

/* ---- to and fro ----------------------------------------------------------*/

_Noreturn static void
leave(int rc)
{
    log_error("the supervisor is gone (%s): leaving", strerror(-rc));
    log_finish(LOG_FINISH_MS);
    _exit(SERVER_INTERNAL);
}

/* The supervisor reads whenever it is not about to answer, so that a full
 * channel is one that stays full. */
static void
say(struct channel *c, struct ctl_message *m, int passed)
{
    int rc;

    m->version = c->version;
    rc = c->fd < 0 ? 0 : ctl_send(c->fd, m, passed);
    if (rc < 0)
        leave(rc);
}

static void
note_quarantine(const struct channel *c, const struct ctl_message *m)
{
    char text[CTL_TEXT_MAX + 1];

    snprintf(text, sizeof text, "%.*s", CTL_TEXT_MAX, m->u.text);
    if (quarantine_told(c->quarantine, text) < 0)
        log_error("a build that may not run is not known: %.64s", text);
}

/* What to speak from now on. */
static uint16_t
version_of(const struct ctl_message *m)
{
    if (m->kind != CTL_START)
        return m->version;
    return (uint16_t)(m->newest < CTL_VERSION ? m->newest : CTL_VERSION);
}

static void
keep(struct channel *c, const struct ctl_message *m, int passed)
{
    c->answer = *m;
    c->answer_fd = passed;
    c->is_answered = 1;
}

/* More than there is room for are refused. */
static void
note_command(struct channel *c, const struct ctl_message *order, int fd)
{
    struct ctl_message m = {.kind = CTL_RESULT, .id = order->id};

    if (fd >= 0 && c->n_commands < CHANNEL_COMMANDS) {
        c->commands[c->n_commands++] = (struct channel_command){m.id, fd};
        return;
    }
    m.result = fd >= 0 ? -EBUSY : order->result < 0 ? order->result : -EPROTO;
    if (fd >= 0)
        close(fd);
    say(c, &m, -1);
}

/* It takes the place of one that nobody has taken. */
static void
keep_bundle(struct channel *c, const struct ctl_message *m, int passed)
{
    if (c->bundle_fd >= 0)
        close(c->bundle_fd);
    c->bundle_fd = passed;
    c->is_files = m->id == CTL_FILES;
}

static void
on_reload(struct channel *c, const struct ctl_message *m, int passed)
{
    keep_bundle(c, m, passed);
    c->orders->hup = 1;
}

/* What outlives this process, and its seat there; once, in front of START. */
static void
keep_memory(struct channel *c, const struct ctl_message *m, int passed)
{
    if (m->id >= CTL_N_MEMORIES || c->memory[m->id] >= 0) {
        if (passed >= 0)
            close(passed);
        return;
    }
    c->memory[m->id] = passed;
    c->seat = (uint32_t)m->result;
}

/* Once, in front of START. */
static void
keep_tickets(struct channel *c, struct ctl_message *m)
{
    if (!c->tickets && m->id <= sizeof m->u.text)
        c->tickets = tickets_load((et_str){m->u.text, m->id});
    explicit_bzero(m, sizeof *m);
}

/* One message, if there is one. */
static int
take(struct channel *c)
{
    struct ctl_message m;
    int passed, rc = ctl_recv(c->fd, &m, &passed);

    if (rc < 0)
        leave(rc);
    if (rc == 0)
        return 0;
    c->version = version_of(&m);
    switch (m.kind) {
    case CTL_START:
    case CTL_ANSWER: keep(c, &m, passed); return 1;
    case CTL_MEMORY: keep_memory(c, &m, passed); return 1;
    case CTL_RELOAD: on_reload(c, &m, passed); return 1;
    case CTL_REOPEN: c->orders->usr1 = 1; break;
    case CTL_STOP: c->orders->stops++; break;
    case CTL_FAULTS: c->faults_fd = passed; return 1;
    case CTL_TICKETS: keep_tickets(c, &m); break;
    case CTL_QUARANTINE: note_quarantine(c, &m); break;
    case CTL_REFUSED: c->orders->refused++; break;
    case CTL_INHERIT: handover_add(c->handover, passed); return 1;
    case CTL_LEAVE: handover_order(c->handover, passed); return 1;
    case CTL_COMMAND: note_command(c, &m, passed); return 1;
    default: log_error("the supervisor says %u: ignored", m.kind); break;
    }
    if (passed >= 0)
        close(passed);
    return 1;
}

void
channel_read(struct channel *c)
{
    if (c->fd < 0)
        return;
    while (take(c))
        continue;
}

/* The message that answers, whichever kind it is. */
static void
await(struct channel *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};

    for (c->is_answered = 0; !c->is_answered;) {
        if (poll(&p, 1, -1) > 0)
            (void)take(c);
    }
}

static ino_t
socket_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

void
channel_attach(struct channel *c, int fd)
{
    c->fd = fd;
    c->socket = socket_of(fd);
}

int
channel_is_lost(const struct channel *c)
{
    return c->fd >= 0 && socket_of(c->fd) != c->socket;
}

/* ---- the start -----------------------------------------------------------*/

int
channel_open(struct channel *c, int is_supervised, struct orders *orders,
             struct handover *handover, struct quarantine *quarantine,
             struct diag *d)
{
    struct sock_address name;

    if (!is_supervised)
        return 0;
    if (sock_name(CTL_FD, &name) < 0 || name.addr.ss_family != AF_UNIX) {
        diag_error(d, NULL, "no supervisor has started this process");
        return -ENOTSOCK;
    }
    c->orders = orders;
    c->handover = handover;
    c->quarantine = quarantine;
    channel_attach(c, CTL_FD);
    await(c);
    keep_bundle(c, &c->answer, c->answer_fd);
    return 0;
}

struct bundle *
channel_bundle(struct channel *c, struct diag *d)
{
    struct bundle *b = bundle_load(c->bundle_fd, d);

    close(c->bundle_fd);
    c->bundle_fd = -1;
    if (!b)
        return NULL;
    b->is_closed = !c->is_files;
    bundle_remark_tell(b, d);
    if (b->n_files > 0)
        return b;
    bundle_free(b);
    return NULL;
}

/* ---- what is asked for ---------------------------------------------------*/

/* The result that came, and why if it is below 0. */
static int
answer(const struct channel *c, char *why, size_t cap)
{
    if (c->answer.result < 0)
        snprintf(why, cap, "%.*s", CTL_TEXT_MAX, c->answer.u.text);
    return c->answer.result;
}

int
channel_listen(struct channel *c, const struct sock_address *a,
               const struct sock_options *o, uint32_t index, uint32_t *id,
               char *why, size_t cap)
{
    struct ctl_message m = {.kind = CTL_LISTEN};

    ctl_listen_write(&m.u.listen, a, o, index);
    say(c, &m, -1);
    await(c);
    *id = c->answer.id;
    return answer(c, why, cap) < 0 ? c->answer.result : c->answer_fd;
}

int
channel_pid_file(struct channel *c, char *why, size_t cap)
{
    struct ctl_message m = {.kind = CTL_PID_FILE};

    say(c, &m, -1);
    await(c);
    return answer(c, why, cap);
}

int
channel_open_log(struct channel *c, const char *path, int *is_named)
{
    struct ctl_message m = {.kind = CTL_OPEN, .id = CTL_OPEN_LOG};
    int n = snprintf(m.u.text, sizeof m.u.text, "%s", path);

    *is_named = n < (int)sizeof m.u.text;
    if (!*is_named)
        return -ENAMETOOLONG;
    say(c, &m, -1);
    await(c);
    *is_named = c->answer.id != CTL_OPEN_NOT_NAMED;
    return c->answer.result < 0 ? c->answer.result : c->answer_fd;
}

void
channel_unlisten(struct channel *c, uint32_t id)
{
    struct ctl_message m = {.kind = CTL_UNLISTEN, .id = id};

    say(c, &m, -1);
    await(c);
}

/* ---- what happened -------------------------------------------------------*/

int
channel_dump(const struct bundle *b)
{
    int fd = memfd_open("etude-bundle");

    return fd < 0 ? fd : memfd_finish(fd, bundle_dump_write(b, fd));
}

void
channel_committed(struct channel *c, const struct gen *g)
{
    struct ctl_message m = {.kind = CTL_COMMITTED, .id = (uint32_t)g->id};
    int fd;

    if (c->fd < 0)
        return;
    fd = channel_dump(g->conf->bundle);
    if (fd < 0)
        log_warn("a successor would have to read the files again: %s",
                 strerror(-fd));
    say(c, &m, fd < 0 ? -1 : fd);
    if (fd >= 0)
        close(fd);
}

void
channel_sandbox(struct channel *c, int listener)
{
    struct ctl_message m = {.kind = CTL_SANDBOX};

    say(c, &m, listener);
}

/* What d says, as a dump of a bundle that holds nothing else. */
static int
dump_remarks(const struct diag *d)
{
    struct bundle *b = bundle_of_nothing();
    int fd = -ENOMEM;

    if (b && bundle_remark_keep(b, d) == 0)
        fd = channel_dump(b);
    if (b)
        bundle_free(b);
    return fd;
}

void
channel_probed(struct channel *c, int fd, const struct diag *d)
{
    struct ctl_message m = {.kind = CTL_PROBED};

    if (d->n_errors > 0) {
        if (fd >= 0)
            close(fd);
        fd = dump_remarks(d);
        m.result = -EINVAL;
        m.id = d->n_errors;
    }
    say(c, &m, fd < 0 ? -1 : fd);
    if (fd >= 0)
        close(fd);
}

void
channel_ready(struct channel *c)
{
    struct ctl_message m = {.kind = CTL_READY};

    say(c, &m, -1);
}

void
channel_fault(const struct channel *c, uint32_t record, enum ctl_fault fault)
{
    struct ctl_message m = {.kind = CTL_FAULT,
                            .version = c->version,
                            .id = record,
                            .result = (int32_t)fault};

    if (c->fd >= 0)
        (void)!ctl_send(c->fd, &m, -1);
}

void
channel_given(struct channel *c)
{
    struct ctl_message m = {.kind = CTL_GIVEN};

    say(c, &m, -1);
}

void
channel_done(struct channel *c, enum ctl_kind order, int result)
{
    struct ctl_message m = {.kind = CTL_DONE, .id = order, .result = result};

    say(c, &m, -1);
}

void
channel_reloaded(struct channel *c, int result, const char *why,
                 const char *text, size_t n)
{
    struct ctl_message m = {
        .kind = CTL_DONE, .id = CTL_RELOAD, .result = result};
    int fd = c->fd < 0 ? -1 : memfd_new("etude-outcome", text, n);

    if (fd < 0)
        snprintf(m.u.text, sizeof m.u.text, "%s", why);
    say(c, &m, fd < 0 ? -1 : fd);
    if (fd >= 0)
        close(fd);
}

/* ---- an administrator's orders -------------------------------------------*/

size_t
channel_command(struct channel *c, uint32_t *id, char *buf, size_t cap)
{
    while (c->n_commands > 0) {
        struct ctl_message m = {.kind = CTL_RESULT, .id = c->commands[0].id};
        ssize_t n = pread(c->commands[0].fd, buf, cap, 0);
        close(c->commands[0].fd);
        c->n_commands--;
        memmove(c->commands, c->commands + 1,
                c->n_commands * sizeof *c->commands);
        if (n > 0 && (size_t)n < cap) {
            buf[n] = '\0';
            *id = m.id;
            return (size_t)n;
        }
        m.result = n < 0 ? -errno : -EMSGSIZE;
        say(c, &m, -1);
    }
    return 0;
}

void
channel_result(struct channel *c, uint32_t id, const char *text, size_t n)
{
    struct ctl_message m = {.kind = CTL_RESULT, .id = id};
    int fd = memfd_new("etude-answer", text, n);

    m.result = fd < 0 ? fd : 0;
    say(c, &m, fd);
    if (fd >= 0)
        close(fd);
}

void
channel_replace(struct channel *c, const char *why)
{
    struct ctl_message m = {.kind = CTL_REPLACE};

    snprintf(m.u.text, sizeof m.u.text, "%s", why);
    say(c, &m, -1);
}

void
channel_failed(struct channel *c, const struct diag *d)
{
    struct ctl_message m = {.kind = CTL_FAILED};

    for (const struct diag_item *i = d->first; i; i = i->next) {
        if (i->kind != DIAG_ERROR)
            continue;
        snprintf(m.u.text, sizeof m.u.text, "%s", i->text);
        say(c, &m, -1);
    }
}

void
channel_needs(struct channel *c, const char *what, const char *changes)
{
    int fd =
        *changes ? memfd_new("etude-changes", changes, strlen(changes)) : -1;
    struct ctl_message m = {
        .kind = CTL_DONE, .id = CTL_RELOAD, .result = CTL_ANOTHER_PROCESS};

    snprintf(m.u.text, sizeof m.u.text, "%s", what);
    say(c, &m, fd);
    if (fd >= 0)
        close(fd);
}
