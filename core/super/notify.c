/* SPDX-License-Identifier: BSD-2-Clause */
/* notify.c - see notify.h. */
#include "super/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "super/program.h"

/* "/path", or "@name" of the abstract namespace. */
static int
set_address(struct notify *n, const char *path)
{
    size_t len = strlen(path);

    if ((path[0] != '/' && path[0] != '@') || len < 2 ||
        len > sizeof n->to.sun_path)
        return -1;
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, path, len);
    if (path[0] == '@')
        n->to.sun_path[0] = '\0';
    n->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return 0;
}

void
notify_open(struct notify *n, char *const *env)
{
    const char *path = program_env(env, "NOTIFY_SOCKET");
    const char *us = program_env(env, "WATCHDOG_USEC");
    const char *pid = program_env(env, "WATCHDOG_PID");

    *n = (struct notify){.fd = -1};
    if (!path || set_address(n, path) < 0)
        return;
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (n->fd >= 0 && us && (!pid || atol(pid) == (long)getpid()))
        n->every_ns = strtoull(us, NULL, 10) * 1000u / 2;
    if (n->every_ns)
        n->due_ns = clock_mono_ns();
}

void
notify_close(struct notify *n)
{
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}

void
notify_send(const struct notify *n, const char *lines)
{
    if (n->fd >= 0)
        (void)!sendto(n->fd, lines, strlen(lines), MSG_NOSIGNAL,
                      (const struct sockaddr *)&n->to, n->len);
}

void
notify_reloading(const struct notify *n)
{
    char lines[80];

    snprintf(lines, sizeof lines,
             "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=reloading",
             (unsigned long long)clock_mono_ns() / 1000);
    notify_send(n, lines);
}

void
notify_alive(struct notify *n, uint64_t now_ns)
{
    notify_send(n, "WATCHDOG=1");
    n->due_ns = now_ns + n->every_ns;
}
