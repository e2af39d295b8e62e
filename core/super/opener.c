/* SPDX-License-Identifier: BSD-2-Clause */
/* opener.c - see opener.h. */
#include "super/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/log_file.h"
#include "conf/conf.h"
#include "os/follow.h"

#define PORT_ANYBODY 1024 /* below it takes root */

/* ---- is it named? --------------------------------------------------------*/

/* value, or dir/value if it is relative, is path (as value_absolute has it). */
static int
is_path(et_str value, const char *dir, const char *path)
{
    size_t n = strlen(path), dir_len = strcmp(dir, "/") ? strlen(dir) : 0;

    if (value.n == 0)
        return 0;
    if (value.p[0] == '/')
        return value.n == n && memcmp(value.p, path, n) == 0;
    return dir_len + 1 + value.n == n && memcmp(dir, path, dir_len) == 0 &&
           path[dir_len] == '/' &&
           memcmp(path + dir_len + 1, value.p, value.n) == 0;
}

static int
have(const struct conf_entries *e, const char *path)
{
    for (size_t i = 0; i < e->n; i++) {
        if (is_path(e->v[i].value, e->v[i].dir, path))
            return 1;
    }
    return 0;
}

int
opener_is_named(const struct conf *conf, const char *path)
{
    int is = is_path(conf->server.log, "/", path);

    for (size_t i = 0; i < conf->n_plugins && !is; i++)
        is = have(&conf->plugins[i].options, path);
    for (size_t i = 0; i < conf->n_routes && !is; i++)
        is = have(&conf->routes[i].options, path);
    for (size_t i = 0; i < conf->n_scopes && !is; i++)
        is = have(&conf->scopes[i].options, path);
    return is;
}

/* The port, or -1 and *path, of an address. */
static int
port_of(const struct sock_address *a, const char **path)
{
    const struct sockaddr *s = (const struct sockaddr *)(const void *)&a->addr;

    *path = NULL;
    switch (s->sa_family) {
    case AF_INET:
        return ntohs(((const struct sockaddr_in *)(const void *)s)->sin_port);
    case AF_INET6:
        return ntohs(((const struct sockaddr_in6 *)(const void *)s)->sin6_port);
    case AF_UNIX:
        *path = ((const struct sockaddr_un *)(const void *)s)->sun_path;
        return -1;
    default: return -1;
    }
}

/* Port 0 is one that the kernel chose for another socket. */
static int
is_port(int64_t named, int port)
{
    return named == port || (named == 0 && port >= PORT_ANYBODY);
}

static int
listens(const struct conf *conf, int port, const char *path)
{
    for (size_t i = 0; conf && i < conf->n_listens; i++) {
        const struct conf_listen *l = &conf->listens[i];
        if (path ? l->port < 0 && is_path(l->path, "/", path)
                 : port >= 0 && is_port(l->port, port))
            return 1;
    }
    return 0;
}

int
opener_may_listen(const struct conf *serving, const struct conf *shown,
                  const struct sock_address *a)
{
    const char *path;
    int port = port_of(a, &path);

    return listens(serving, port, path) || listens(shown, port, path);
}

/* ---- opening -------------------------------------------------------------*/

int
opener_open_log(const char *path)
{
    return follow_open(path, O_WRONLY | O_APPEND | O_CREAT, LOG_FILE_MODE);
}

/* ---- the answer ----------------------------------------------------------*/

int
opener_answer(const struct ctl_message *m, const struct conf *serving,
              const struct conf *shown, struct ctl_message *answer)
{
    char path[CTL_TEXT_MAX + 1];
    int fd;

    snprintf(path, sizeof path, "%.*s", CTL_TEXT_MAX, m->u.text);
    answer->id = CTL_OPEN_NOT_NAMED;
    answer->result = -EPERM;
    if (m->id != CTL_OPEN_LOG ||
        (!(serving && opener_is_named(serving, path)) &&
         !(shown && opener_is_named(shown, path))))
        return -1;
    fd = opener_open_log(path);
    answer->id = CTL_OPEN_LOG;
    answer->result = fd < 0 ? fd : 0;
    return fd < 0 ? -1 : fd;
}
