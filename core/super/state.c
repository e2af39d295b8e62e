/* SPDX-License-Identifier: BSD-2-Clause */
/* state.c - see state.h. */
#include "super/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/memfd.h"

#define HEAD "etude-supervisor"

/* ---- writing -------------------------------------------------------------*/

int
state_begin(struct state *to)
{
    to->fd = memfd_open("etude-supervisor");
    if (to->fd < 0)
        return to->fd;
    to->file = fdopen(dup(to->fd), "w");
    if (!to->file) {
        close(to->fd);
        return -ENOMEM;
    }
    state_put(to, HEAD " 1");
    (void)state_fd(to->fd);
    return 0;
}

void
state_put(struct state *to, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(to->file, format, args);
    va_end(args);
    fputc('\n', to->file);
}

int
state_fd(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, 0);
    return fd;
}

void
state_take_fd(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int
state_finish(struct state *to)
{
    int rc = ferror(to->file) ? -EIO : 0;

    if (fclose(to->file) != 0 && rc == 0)
        rc = -errno;
    if (rc < 0)
        state_give_up(to);
    return rc;
}

/* None of ours survives an exec but those that were to now. */
void
state_give_up(const struct state *st)
{
    DIR *d = opendir("/proc/self/fd");
    struct dirent *e;

    while (d && (e = readdir(d))) {
        int fd = atoi(e->d_name);
        if (fd > STDERR_FILENO)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    if (d)
        closedir(d);
    close(st->fd);
}

/* ---- reading -------------------------------------------------------------*/

static void
take_line(char *line, void (*take)(void *, const char *, const char *),
          void *arg)
{
    char *rest;

    line[strcspn(line, "\n")] = '\0';
    rest = strchr(line, ' ');
    if (!rest)
        return;
    *rest = '\0';
    take(arg, line, rest + 1);
}

int
state_read(int fd, void (*take)(void *, const char *, const char *), void *arg)
{
    FILE *f = fdopen(fd, "r");
    char line[STATE_LINE_MAX];

    if (!f)
        return -errno;
    rewind(f);
    if (!fgets(line, sizeof line, f) ||
        strncmp(line, HEAD " ", sizeof HEAD) != 0) {
        fclose(f);
        return -EPROTO;
    }
    while (fgets(line, sizeof line, f))
        take_line(line, take, arg);
    fclose(f);
    return 0;
}

/* ---- bytes ---------------------------------------------------------------*/

void
state_hex(const void *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *v = p;

    for (size_t i = 0; i < n; i++) {
        *out++ = digits[v[i] >> 4];
        *out++ = digits[v[i] & 15];
    }
    *out = '\0';
}

size_t
state_unhex(const char *hex, void *out)
{
    uint8_t *v = out;
    size_t n = 0;
    unsigned byte;

    while (sscanf(hex + 2 * n, "%2x", &byte) == 1)
        v[n++] = (uint8_t)byte;
    return n;
}
