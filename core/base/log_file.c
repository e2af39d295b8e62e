/* SPDX-License-Identifier: BSD-2-Clause */
/* log_file.c - see log_file.h. */
#define _GNU_SOURCE /* pwritev2 */
#include "base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- opening ------------------------------------------------------------*/

/* "/dev/stderr" means the descriptor: opening it again fails for a socket, and
 * for a pipe made by another user. */
static int
standard_fd(const char *path)
{
    if (!path || strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    return -1;
}

static int
is_journal(const struct stat *st)
{
    const char *named = getenv("JOURNAL_STREAM");
    char ours[64];

    snprintf(ours, sizeof ours, "%ju:%ju", (uintmax_t)st->st_dev,
             (uintmax_t)st->st_ino);
    return named && strcmp(named, ours) == 0;
}

/* Learn how to write to f->fd. */
static void
look_at(struct log_file *f)
{
    struct stat st;

    f->kind = LOG_FILE_OTHER;
    f->has_nowait = 1;
    f->is_journal = 0;
    if (fstat(f->fd, &st) < 0)
        return; /* then writing fails too, and is counted */
    if (S_ISREG(st.st_mode))
        f->kind = LOG_FILE_REGULAR;
    if (S_ISSOCK(st.st_mode))
        f->kind = LOG_FILE_SOCKET;
    f->is_journal = !f->path && is_journal(&st);
}

/* Non-blocking, so that a named pipe nobody reads is an error at once. */
int
log_file_open_path(const char *path)
{
    int fd = open(
        path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
        LOG_FILE_MODE);

    return fd < 0 ? -errno : fd;
}

static int (*opener)(void *arg, const char *path);
static void *opener_arg;

void
log_file_set_opener(int (*open)(void *arg, const char *path), void *arg)
{
    opener = open;
    opener_arg = arg;
}

int
log_file_fetch(const char *path)
{
    int fd = standard_fd(path);

    if (fd >= 0)
        return fd;
    return opener ? opener(opener_arg, path) : log_file_open_path(path);
}

static void
let_go(struct log_file *f)
{
    if (f->path)
        close(f->fd);
    free(f->path);
    f->path = NULL;
}

/* Memory for f to be open on path, whose copy it needs only if the descriptor
 * is to be closed.  0 or -ENOMEM. */
static int
find_room(const struct log_file *f, const char *path, char **buffer,
          char **copy)
{
    int is_standard = standard_fd(path) >= 0;

    *buffer = f->buffer ? f->buffer : malloc(LOG_FILE_BUFFER_BYTES);
    *copy = *buffer && !is_standard ? strdup(path) : NULL;
    if (*buffer && (*copy || is_standard))
        return 0;
    if (!f->buffer)
        free(*buffer);
    return -ENOMEM;
}

/* The buffer comes last, since a file with one counts as open. */
int
log_file_use(struct log_file *f, const char *path, int fd)
{
    char *buffer, *copy;

    if (fd < 0)
        return fd;
    if (find_room(f, path, &buffer, &copy) < 0)
        return -ENOMEM;
    log_file_flush(f);
    let_go(f);
    f->buffer = buffer;
    f->path = copy;
    f->fd = fd;
    look_at(f);
    return 0;
}

void
log_file_drop(const char *path, int fd)
{
    if (fd >= 0 && standard_fd(path) < 0)
        close(fd);
}

int
log_file_open(struct log_file *f, const char *path)
{
    int fd = log_file_fetch(path), rc = log_file_use(f, path, fd);

    if (rc < 0)
        log_file_drop(path, fd);
    return rc;
}

int
log_file_renew(struct log_file *f, int fd)
{
    if (fd < 0)
        return fd;
    log_file_flush(f);
    close(f->fd);
    f->fd = fd;
    look_at(f);
    return 0;
}

int
log_file_reopen(struct log_file *f)
{
    return f->path ? log_file_renew(f, log_file_fetch(f->path)) : 0;
}

static uint64_t
n_pending(const struct log_file *f)
{
    uint64_t n = 0;

    for (uint32_t i = f->start; i < f->end; i++)
        n += f->buffer[i] == '\n';
    return n;
}

uint64_t
log_file_close(struct log_file *f)
{
    uint64_t n;

    if (!f->buffer)
        return 0;
    log_file_flush(f);
    n = n_pending(f);
    let_go(f);
    free(f->buffer);
    *f = (struct log_file){0};
    return n;
}

/* ---- writing ------------------------------------------------------------*/

char *
log_file_try_room(struct log_file *f, size_t n)
{
    CHECK(n <= LOG_FILE_BUFFER_BYTES);
    if (n > LOG_FILE_BUFFER_BYTES - f->end)
        log_file_flush(f);
    if (n > LOG_FILE_BUFFER_BYTES - f->end && f->start > 0) {
        memmove(f->buffer, f->buffer + f->start, f->end - f->start);
        f->end -= f->start;
        f->start = 0;
    }
    return n > LOG_FILE_BUFFER_BYTES - f->end ? NULL : f->buffer + f->end;
}

char *
log_file_room(struct log_file *f, size_t n)
{
    char *p = log_file_try_room(f, n);

    f->n_lost += p == NULL;
    return p;
}

void
log_file_added(struct log_file *f, size_t n)
{
    CHECK(n <= LOG_FILE_BUFFER_BYTES - f->end);
    f->end += (uint32_t)n;
}

/* As many whole lines as a pipe takes at once without mixing them with other
 * writers' lines, or else a piece of a longer one. */
static size_t
atomic_len(const char *p, size_t n)
{
    const char *last;

    if (n <= PIPE_BUF)
        return n;
    last = memrchr(p, '\n', PIPE_BUF);
    return last ? (size_t)(last + 1 - p) : PIPE_BUF;
}

static ssize_t
write_ready(struct log_file *f, const char *p, size_t n)
{
    struct pollfd ready = {.fd = f->fd, .events = POLLOUT};
    struct iovec iov = {.iov_base = (char *)p, .iov_len = atomic_len(p, n)};

    if (f->has_nowait) {
        ssize_t rc = pwritev2(f->fd, &iov, 1, -1, RWF_NOWAIT);
        if (rc >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
            return rc;
        f->has_nowait = 0;
    }
    if (poll(&ready, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(f->fd, p, iov.iov_len);
}

static ssize_t
write_some(struct log_file *f, const char *p, size_t n)
{
    switch ((enum log_file_kind)f->kind) {
    case LOG_FILE_SOCKET: return send(f->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    case LOG_FILE_REGULAR: return write(f->fd, p, n);
    case LOG_FILE_OTHER: break;
    }
    return write_ready(f, p, n);
}

int
log_file_flush(struct log_file *f)
{
    while (f->start < f->end) {
        ssize_t n = write_some(f, f->buffer + f->start, f->end - f->start);

        if (n > 0) {
            f->start += (uint32_t)n;
        } else if (n == 0 || errno != EINTR) {
            f->error = n == 0 ? EAGAIN : errno;
            return 0;
        }
    }
    f->start = f->end = 0;
    f->error = 0;
    return 1;
}
