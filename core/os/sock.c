/* SPDX-License-Identifier: BSD-2-Clause */
/* sock.c - opening listening sockets; see sock.h. */
#include "os/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/limit.h"

#define PORT_TEXT_LEN 6 /* "65535" */

static const struct sockaddr_un *
un_of(const struct sock_address *a)
{
    return (const struct sockaddr_un *)&a->addr;
}

static uint16_t
port_of(const struct sock_address *a)
{
    if (a->addr.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&a->addr)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&a->addr)->sin_port);
}

void
sock_text(const struct sock_address *a, char out[SOCK_TEXT_LEN])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (a->addr.ss_family == AF_UNIX) {
        snprintf(out, SOCK_TEXT_LEN, "unix:%s", un_of(a)->sun_path);
        return;
    }
    (void)getnameinfo((const struct sockaddr *)&a->addr, a->len, host,
                      sizeof host, NULL, 0, NI_NUMERICHOST);
    snprintf(out, SOCK_TEXT_LEN,
             a->addr.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
             port_of(a));
}

/* ---------------------------------------------------------------- addresses */

static int
has_inet6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return 0;
    close(fd);
    return 1;
}

/* Any address: IPv4, and IPv6 if the kernel has it. */
static int
resolve_any(uint16_t port, struct sock_address *out, size_t cap)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons(port),
                              .sin6_addr = IN6ADDR_ANY_INIT};

    memset(out, 0, sizeof *out);
    memcpy(&out->addr, &v4, sizeof v4);
    out->len = sizeof v4;
    if (cap < 2 || !has_inet6())
        return 1;
    memset(out + 1, 0, sizeof *out);
    memcpy(&out[1].addr, &v6, sizeof v6);
    out[1].len = sizeof v6;
    return 2;
}

static int
is_known(const struct sock_address *a, int n, const struct addrinfo *ai)
{
    for (int i = 0; i < n; i++)
        if (a[i].len == ai->ai_addrlen &&
            memcmp(&a[i].addr, ai->ai_addr, ai->ai_addrlen) == 0)
            return 1;
    return 0;
}

static int
collect(const struct addrinfo *ai, struct sock_address *out, size_t cap)
{
    int n = 0, inet6 = has_inet6();

    for (; ai && (size_t)n < cap; ai = ai->ai_next) {
        if ((ai->ai_family == AF_INET6 && !inet6) || is_known(out, n, ai))
            continue;
        memset(&out[n], 0, sizeof out[n]);
        memcpy(&out[n].addr, ai->ai_addr, ai->ai_addrlen);
        out[n++].len = ai->ai_addrlen;
    }
    return n;
}

int
sock_resolve(const char *host, uint16_t port, struct sock_address *out,
             size_t cap, char *why, size_t why_cap)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char service[PORT_TEXT_LEN];
    int rc, n;

    CHECK(cap > 0);
    if (why_cap > 0)
        why[0] = '\0';
    if (!host)
        return resolve_any(port, out, cap);
    snprintf(service, sizeof service, "%u", port);
    rc = getaddrinfo(host, service, &hints, &list);
    if (rc == EAI_NONAME) {
        hints.ai_flags = AI_NUMERICSERV;
        rc = getaddrinfo(host, service, &hints, &list);
    }
    if (rc != 0) {
        snprintf(why, why_cap, "%s: cannot be resolved: %s", host,
                 rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
        return -EADDRNOTAVAIL;
    }
    n = collect(list, out, cap);
    freeaddrinfo(list);
    if (n > 0)
        return n;
    snprintf(why, why_cap, "%s: this kernel has no IPv6", host);
    return -EAFNOSUPPORT;
}

int
sock_unix(const char *path, struct sock_address *out)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof un.sun_path)
        return -ENAMETOOLONG;
    strcpy(un.sun_path, path);
    memset(out, 0, sizeof *out);
    memcpy(&out->addr, &un, sizeof un);
    out->len = sizeof un;
    return 0;
}

static int
take_name(int rc, struct sock_address *out)
{
    return rc < 0 ? -errno : (out->addr.ss_family == 0 ? -ENOTCONN : 0);
}

int
sock_name(int fd, struct sock_address *out)
{
    memset(out, 0, sizeof *out);
    out->len = sizeof out->addr;
    return take_name(getsockname(fd, (struct sockaddr *)&out->addr, &out->len),
                     out);
}

int
sock_peer(int fd, struct sock_address *out)
{
    memset(out, 0, sizeof *out);
    out->len = sizeof out->addr;
    return take_name(getpeername(fd, (struct sockaddr *)&out->addr, &out->len),
                     out);
}

/* ---------------------------------------------------------------- listening */

/* Why, in out or a literal. */
static const char *
reason(int rc, const struct sock_address *a, char out[LIMIT_TEXT_LEN])
{
    int is_unix = a->addr.ss_family == AF_UNIX;

    switch (-rc) {
    case EADDRINUSE: return "address in use";
    case EADDRNOTAVAIL: return "no interface has this address";
    case EAFNOSUPPORT: return "this kernel does not have this address family";
    case EEXIST: return "exists and is not a socket";
    case EACCES:
    case EPERM:
        return is_unix || port_of(a) >= 1024
                   ? "permission denied"
                   : "permission denied (a port below 1024 needs "
                     "CAP_NET_BIND_SERVICE)";
    default: return limit_explain(rc, out, LIMIT_TEXT_LEN);
    }
}

static int
set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

static int
set_tcp(int fd, const struct sock_address *a, const struct sock_options *o)
{
    int rc = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);

    if (rc == 0 && a->addr.ss_family == AF_INET6)
        rc = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (rc == 0 && o->reuseport)
        rc = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (rc == 0 && o->nodelay)
        rc = set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (rc == 0 && o->defer_accept_s > 0)
        rc = set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, o->defer_accept_s);
    return rc;
}

/* Make way for a Unix socket: a file that nobody listens on goes. */
static int
clear_path(const struct sock_address *a)
{
    struct stat st;
    int fd, rc;

    if (lstat(un_of(a)->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    rc =
        connect(fd, (const struct sockaddr *)&a->addr, a->len) < 0 ? -errno : 0;
    close(fd);
    if (rc == -ENOENT)
        return 0;
    if (rc == 0 || rc == -EAGAIN || rc == -EPROTOTYPE)
        return -EADDRINUSE; /* served, its queue may be full */
    if (rc != -ECONNREFUSED)
        return rc;
    return unlink(un_of(a)->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Owner and mode are right before anyone can connect, as listen comes last. */
static int
set_file(const struct sock_address *a, const struct sock_options *o)
{
    const char *path = un_of(a)->sun_path;

    if (o->sets_owner && lchown(path, o->owner, o->group) < 0)
        return -errno;
    if (o->mode != 0 && chmod(path, (mode_t)o->mode) < 0)
        return -errno;
    return 0;
}

static int
open_at(int fd, const struct sock_address *a, const struct sock_options *o)
{
    int is_unix = a->addr.ss_family == AF_UNIX;
    int rc = is_unix ? clear_path(a) : set_tcp(fd, a, o);

    if (rc < 0)
        return rc;
    if (bind(fd, (const struct sockaddr *)&a->addr, a->len) < 0)
        return -errno;
    rc = is_unix ? set_file(a, o) : 0;
    if (rc == 0 && listen(fd, o->backlog) < 0)
        rc = -errno;
    if (rc < 0)
        sock_unlink(a);
    return rc;
}

int
sock_listen(const struct sock_address *a, const struct sock_options *o,
            char *why, size_t why_cap)
{
    int fd = socket(a->addr.ss_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = fd < 0 ? -errno : open_at(fd, a, o);
    char text[SOCK_TEXT_LEN], because[LIMIT_TEXT_LEN];

    if (why_cap > 0)
        why[0] = '\0';
    if (rc == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    sock_text(a, text);
    snprintf(why, why_cap, "%s: %s", text, reason(rc, a, because));
    return rc;
}

int
sock_adjust(int fd, const struct sock_address *a, const struct sock_options *o)
{
    int rc;

    if (a->addr.ss_family == AF_UNIX)
        rc = set_file(a, o);
    else
        rc = set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, o->defer_accept_s);
    if (rc == 0 && listen(fd, o->backlog) < 0)
        rc = -errno;
    return rc;
}

void
sock_unlink(const struct sock_address *a)
{
    if (a->addr.ss_family == AF_UNIX)
        (void)unlink(un_of(a)->sun_path);
}
