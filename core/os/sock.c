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
#include <time.h>
#include <unistd.h>

#include "os/limit.h"

#define PORT_TEXT_LEN 6 /* "65535" */
#define AGAIN_MS 50     /* between two tries of an address in use */

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
is_any(const struct sock_address *a)
{
    if (a->addr.ss_family == AF_INET)
        return ((const struct sockaddr_in *)&a->addr)->sin_addr.s_addr ==
               htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(
        &((const struct sockaddr_in6 *)&a->addr)->sin6_addr);
}

int
sock_overlap(const struct sock_address *a, const struct sock_address *b)
{
    if (a->addr.ss_family != b->addr.ss_family)
        return 0;
    if (a->addr.ss_family == AF_UNIX)
        return strcmp(un_of(a)->sun_path, un_of(b)->sun_path) == 0;
    if (port_of(a) != port_of(b) || port_of(a) == 0)
        return 0;
    return is_any(a) || is_any(b) || memcmp(&a->addr, &b->addr, a->len) == 0;
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

int
sock_share(int fd, int lets)
{
    return set(fd, SOL_SOCKET, SO_REUSEPORT, lets);
}

static int
set_tcp(int fd, const struct sock_address *a, const struct sock_options *o)
{
    int rc = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);

    if (rc == 0 && a->addr.ss_family == AF_INET6)
        rc = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (rc == 0 && (o->reuseport || o->shares))
        rc = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (rc == 0 && o->nodelay)
        rc = set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (rc == 0 && o->defer_accept_s > 0)
        rc = set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, o->defer_accept_s);
    return rc;
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
    int rc = is_unix ? sockfile_clear(un_of(a)->sun_path) : set_tcp(fd, a, o);
    struct sockfile file;

    if (rc < 0)
        return rc;
    if (bind(fd, (const struct sockaddr *)&a->addr, a->len) < 0)
        return -errno;
    file = sock_file(a);
    rc = is_unix ? set_file(a, o) : 0;
    if (rc == 0 && listen(fd, o->backlog) < 0)
        rc = -errno;
    if (rc == 0 && o->shares && !o->reuseport) /* listen looks, too */
        rc = sock_share(fd, 0);
    if (rc < 0 && is_unix)
        sockfile_remove(un_of(a)->sun_path, file);
    return rc;
}

/* Once; the descriptor or -errno. */
static int
try_listen(const struct sock_address *a, const struct sock_options *o)
{
    int fd = socket(a->addr.ss_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = fd < 0 ? -errno : open_at(fd, a, o);

    if (rc == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return rc;
}

/* "address: reason"; rc, in which a live owner is an address in use. */
static int
explain(const struct sock_address *a, int rc, char *why, size_t cap)
{
    char text[SOCK_TEXT_LEN], because[LIMIT_TEXT_LEN];

    if (rc == SOCKFILE_LIVE)
        rc = -EADDRINUSE;
    if (cap > 0)
        why[0] = '\0';
    if (rc >= 0)
        return rc;
    sock_text(a, text);
    snprintf(why, cap, "%s: %s", text, reason(rc, a, because));
    return rc;
}

int
sock_listen(const struct sock_address *a, const struct sock_options *o,
            char *why, size_t why_cap)
{
    const struct timespec again = {.tv_nsec = AGAIN_MS * 1000000};
    int rc = try_listen(a, o);

    for (uint32_t ms = 0; rc == -EADDRINUSE && ms < o->patience_ms;
         ms += AGAIN_MS) {
        nanosleep(&again, NULL);
        rc = try_listen(a, o);
    }
    return explain(a, rc, why, why_cap);
}

int
sock_check(const struct sock_address *a, char *why, size_t why_cap)
{
    int is_unix = a->addr.ss_family == AF_UNIX;

    return explain(a, is_unix ? sockfile_check(un_of(a)->sun_path) : 0, why,
                   why_cap);
}

int
sock_adjust(int fd, const struct sock_address *a, const struct sock_options *o)
{
    int rc;

    if (a->addr.ss_family == AF_UNIX)
        rc = set_file(a, o);
    else
        rc = set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, o->defer_accept_s);
    if (rc == 0 && a->addr.ss_family != AF_UNIX)
        rc = set(fd, IPPROTO_TCP, TCP_NODELAY, o->nodelay);
    if (rc == 0 && listen(fd, o->backlog) < 0)
        rc = -errno;
    return rc;
}

struct sockfile
sock_file(const struct sock_address *a)
{
    if (a->addr.ss_family != AF_UNIX)
        return (struct sockfile){0, 0};
    return sockfile_of(un_of(a)->sun_path);
}

void
sock_unlink(const struct sock_address *a, struct sockfile file)
{
    if (a->addr.ss_family == AF_UNIX)
        sockfile_remove(un_of(a)->sun_path, file);
}
