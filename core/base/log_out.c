/* SPDX-License-Identifier: BSD-2-Clause */
/* log_out.c - see log_out.h. */
#include "base/log_out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/log_file.h"
#include "base/log_text.h"
#include "base/str.h"

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
static uint64_t n_lost;

void
log_out_set_format(enum log_format f)
{
    format = f;
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

int
log_out_text(const struct log_text *t)
{
    struct log_file *f = server_file();
    char *p = room(f, LOG_TEXT_PREFIX_LEN + LOG_TEXT_ROOM);
    size_t n;

    if (!p)
        return ERR_LIMIT;
    n = put_prefix(f, p, t->level);
    n += log_text_format(p + n, format, t);
    log_file_added(f, n);
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

void
log_out_say(enum log_level level, const char *thread, const char *fmt, ...)
{
    char text[LOG_TEXT_MAX + 1];
    struct timespec ts;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    clock_gettime(CLOCK_REALTIME, &ts);
    (void)log_out_text(&(struct log_text){.wall_s = ts.tv_sec,
                                          .wall_ns = (uint32_t)ts.tv_nsec,
                                          .level = level,
                                          .thread = str_from_z(thread),
                                          .text = str_from_z(text)});
}

void
log_out_count_lost(uint64_t n)
{
    n_lost += n;
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
            log_out_say(LOG_ERROR, NULL, "cannot write %s: %s", c->path,
                        strerror(c->file.error));
        c->is_failing = 1;
        return;
    }
    if (c->is_failing)
        log_out_say(LOG_WARN, NULL, "can write %s again: %ju lines were lost",
                    c->path, (uintmax_t)c->file.n_lost);
    c->is_failing = 0;
    c->file.n_lost = 0;
}

static void
flush_server(void)
{
    if (!server.buffer || !log_file_flush(&server) || server.n_lost == 0)
        return;
    log_out_say(LOG_WARN, NULL, "can write the log again: %ju lines were lost",
                (uintmax_t)server.n_lost);
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
    flush_server();
}

int
log_out_is_behind(void)
{
    if (server.end > 0)
        return 1;
    for (uint32_t i = 1; i < n_channels; i++) {
        if (channels[i] && channels[i]->file.end > 0)
            return 1;
    }
    return 0;
}

/* ---- opening and closing ------------------------------------------------*/

int
log_out_server_open(const char *path)
{
    return log_file_open(&server, path);
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
channel_new(struct channel **out, const char *path)
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
        rc = log_file_open(&c->file, path);
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
log_out_channel_open(const char *path)
{
    uint32_t i = find_channel(path);

    if (i == 0)
        return -EMFILE;
    if (!channels[i]) {
        int rc = channel_new(&channels[i], path);
        if (rc < 0)
            return rc;
    }
    channels[i]->refs++;
    if (i == n_channels)
        n_channels++;
    return (int)i;
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
    channel_free(c);
}

static int
reopen(struct log_file *f)
{
    int rc = log_file_reopen(f);

    if (rc < 0)
        log_out_say(LOG_ERROR, NULL, "cannot reopen %s: %s", f->path,
                    strerror(-rc));
    return rc < 0;
}

int
log_out_reopen(void)
{
    int n_failed = reopen(&server);

    for (uint32_t i = 1; i < n_channels; i++) {
        if (channels[i])
            n_failed += reopen(&channels[i]->file);
    }
    return n_failed;
}
