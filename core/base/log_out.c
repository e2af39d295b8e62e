/* SPDX-License-Identifier: BSD-2-Clause */
/* log_out.c - see log_out.h. */
#include "base/log_out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log_file.h"
#include "base/log_text.h"
#include "base/str.h"

#define TEXT_ROOM (LOG_TEXT_PREFIX_LEN + LOG_TEXT_ROOM)

struct channel {
    struct log_file file; /* not used if is_server */
    char *path;
    uint32_t refs;
    uint8_t is_server;
    uint8_t is_failing; /* the log has said so */
};

static struct log_file server;
static struct channel *channels[LOG_CHANNELS_MAX]; /* [0] stays NULL */
static uint32_t n_channels = 1;                    /* those ever used */
static enum log_format format = LOG_TEXT;
static uint64_t n_lost; /* all, ever */
static uint64_t n_owed; /* of them, those of no file that are not said yet */

void
log_out_set_format(enum log_format f)
{
    format = f;
}

int
log_out_server_fd(void)
{
    return server.buffer ? server.fd : STDERR_FILENO;
}

/* ---- lines --------------------------------------------------------------*/

/* Start-up writes before anybody opened the server's log.  Without memory for
 * its buffer there is no log yet. */
static struct log_file *
server_file(void)
{
    if (!server.buffer && log_file_open(&server, NULL) < 0)
        return NULL;
    return &server;
}

static struct log_file *
channel_file(uint32_t id)
{
    struct channel *c = id < n_channels ? channels[id] : NULL;

    if (id == 0 || (c && c->is_server))
        return server_file();
    return c ? &c->file : NULL;
}

static char *
room(struct log_file *f, size_t n)
{
    char *p = f ? log_file_room(f, n) : NULL;

    if (!p)
        n_lost++;
    if (!f)
        n_owed++;
    return p;
}

static size_t
put_prefix(const struct log_file *f, char *p, enum log_level level)
{
    if (!f->is_journal)
        return 0;
    memcpy(p, log_text_prefix(level), LOG_TEXT_PREFIX_LEN);
    return LOG_TEXT_PREFIX_LEN;
}

static void
put_text(struct log_file *f, char *p, const struct log_text *t)
{
    size_t n = put_prefix(f, p, t->level);

    n += log_text_format(p + n, format, t);
    log_file_added(f, n);
}

int
log_out_text(const struct log_text *t)
{
    struct log_file *f = server_file();
    char *p = room(f, TEXT_ROOM);

    if (!p)
        return ERR_LIMIT;
    put_text(f, p, t);
    return 0;
}

int
log_out_line(uint32_t channel, const char *line, size_t len)
{
    struct log_file *f = channel_file(channel);
    char *p = room(f, LOG_TEXT_PREFIX_LEN + len + 1);
    size_t n;

    if (!p)
        return ERR_LIMIT;
    n = put_prefix(f, p, LOG_INFO);
    if (len)
        memcpy(p + n, line, len);
    p[n + len] = '\n';
    log_file_added(f, n + len + 1);
    return 0;
}

/* ---- about the log itself -----------------------------------------------*/

static struct log_text
own_text(enum log_level level, const char *thread, const char *text)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct log_text){.wall_s = ts.tv_sec,
                             .wall_ns = (uint32_t)ts.tv_nsec,
                             .level = level,
                             .thread = str_from_z(thread),
                             .text = str_from_z(text)};
}

static void PRINTF(1, 2) say_error(const char *fmt, ...)
{
    char text[LOG_TEXT_MAX + 1];
    struct log_text t;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    t = own_text(LOG_ERROR, NULL, text);
    (void)log_out_text(&t);
}

int
log_out_report(const char *thread, const char *fmt, ...)
{
    struct log_file *f = server_file();
    char *p = f ? log_file_try_room(f, TEXT_ROOM) : NULL;
    char text[LOG_TEXT_MAX + 1];
    struct log_text t;
    va_list ap;

    if (!p)
        return ERR_LIMIT;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    t = own_text(LOG_WARN, thread, text);
    put_text(f, p, &t);
    return 0;
}

void
log_out_count_lost(uint64_t n)
{
    n_lost += n;
}

void
log_out_owe(uint64_t n)
{
    n_lost += n;
    n_owed += n;
}

uint64_t
log_out_lost(void)
{
    return n_lost;
}

/* ---- flushing -----------------------------------------------------------*/

static void
flush_channel(struct channel *c)
{
    if (c->is_server)
        return;
    if (!log_file_flush(&c->file)) {
        if (!c->is_failing)
            say_error("cannot write %s: %s", c->path, strerror(c->file.error));
        c->is_failing = 1;
        return;
    }
    if ((c->is_failing || c->file.n_lost > 0) &&
        log_out_report(NULL, "can write %s again: %ju lines were lost", c->path,
                       (uintmax_t)c->file.n_lost) < 0)
        return;
    c->is_failing = 0;
    c->file.n_lost = 0;
}

static void
report_owed(void)
{
    if (n_owed > 0 &&
        log_out_report(NULL, "%ju log records dropped", (uintmax_t)n_owed) == 0)
        n_owed = 0;
}

static void
flush_server(void)
{
    if (!server.buffer || !log_file_flush(&server) || server.n_lost == 0 ||
        log_out_report(NULL, "can write the log again: %ju lines were lost",
                       (uintmax_t)server.n_lost) < 0)
        return;
    server.n_lost = 0;
    log_file_flush(&server);
}

void
log_out_flush(void)
{
    for (uint32_t i = 1; i < n_channels; i++) {
        if (channels[i])
            flush_channel(channels[i]);
    }
    report_owed();
    flush_server();
}

static int
file_is_behind(const struct log_file *f)
{
    return f->end > 0 || f->n_lost > 0;
}

int
log_out_is_behind(void)
{
    if (file_is_behind(&server) || n_owed > 0)
        return 1;
    for (uint32_t i = 1; i < n_channels; i++) {
        const struct channel *c = channels[i];

        if (c && (file_is_behind(&c->file) || c->is_failing))
            return 1;
    }
    return 0;
}

/* ---- opening and closing ------------------------------------------------*/

int
log_out_server_open(const char *path, int fd)
{
    return log_file_use(&server, path, fd);
}

static void
channel_free(struct channel *c)
{
    log_file_close(&c->file);
    free(c->path);
    free(c);
}

/* A new channel in *out; 0 or -errno. */
static int
channel_new(struct channel **out, const char *path, int fd)
{
    struct channel *c = calloc(1, sizeof *c);
    int rc = 0;

    if (!c)
        return -ENOMEM;
    c->is_server = path[0] == '\0';
    c->path = strdup(path);
    if (!c->path)
        rc = -ENOMEM;
    else if (!c->is_server)
        rc = log_file_use(&c->file, path, fd);
    if (rc < 0)
        channel_free(c);
    else
        *out = c;
    return rc;
}

/* The channel of path, or else a free one, or 0. */
static uint32_t
find_channel(const char *path)
{
    uint32_t unused = n_channels < LOG_CHANNELS_MAX ? n_channels : 0;

    for (uint32_t i = n_channels - 1; i > 0; i--) {
        if (!channels[i])
            unused = i;
        else if (strcmp(channels[i]->path, path) == 0)
            return i;
    }
    return unused;
}

int
log_out_needs_file(const char *path)
{
    uint32_t i = find_channel(path);

    return *path && i > 0 && !channels[i];
}

int
log_out_channel_open(const char *path, int fd)
{
    uint32_t i = find_channel(path);

    if (i == 0)
        return -EMFILE;
    if (!channels[i]) {
        int rc = channel_new(&channels[i], path, fd);
        if (rc < 0)
            return rc;
    }
    channels[i]->refs++;
    if (i == n_channels)
        n_channels++;
    return (int)i;
}

/* What the file has not taken by now is lost with it. */
static void
channel_end(struct channel *c)
{
    uint64_t n_unsaid = c->file.n_lost, n = log_file_close(&c->file);

    n_lost += n;
    n += n_unsaid;
    if (n > 0 && log_out_report(NULL, "closed %s: %ju lines were lost", c->path,
                                (uintmax_t)n) < 0)
        n_owed += n;
    channel_free(c);
}

void
log_out_channel_close(int i)
{
    struct channel *c = i > 0 && i < LOG_CHANNELS_MAX ? channels[i] : NULL;

    CHECK(c != NULL);
    if (--c->refs > 0)
        return;
    flush_channel(c);
    channels[i] = NULL;
    channel_end(c);
}

uint32_t
log_out_n_files(void)
{
    return n_channels;
}

static struct log_file *
file_at(uint32_t i)
{
    if (i == 0)
        return &server;
    return channels[i] ? &channels[i]->file : NULL;
}

const char *
log_out_path(uint32_t i)
{
    const struct log_file *f = file_at(i);

    return f ? f->path : NULL;
}

int
log_out_renew(uint32_t i, int fd)
{
    struct log_file *f = file_at(i);
    int rc = log_file_renew(f, fd);

    if (rc < 0)
        say_error("cannot reopen %s: %s", f->path, strerror(-rc));
    return rc < 0;
}
