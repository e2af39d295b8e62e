/* SPDX-License-Identifier: BSD-2-Clause */
/* sock.h - listening sockets and the addresses they stand on.
 *
 * For start and reload: names are looked up and files touched, so calls may
 * block.  What fails says why in words, with the address in front; the text is
 * always NUL-terminated.  Descriptors are close-on-exec; listeners are
 * non-blocking, what they accept is not. */
#ifndef OS_SOCK_H
#define OS_SOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/check.h"

/* "unix:" and the longest path, or the longest "[v6]:port". */
#define SOCK_TEXT_LEN 120

struct sock_address {
    struct sockaddr_storage addr;
    socklen_t len;
};

struct sock_options {
    int backlog;        /* accept queue; the kernel caps it (somaxconn) */
    int defer_accept_s; /* accept when bytes came, at the latest after so
                           many seconds; 0: at once.  TCP only */
    uint8_t reuseport;  /* several listeners share the port.  TCP only */
    uint8_t nodelay;    /* connections inherit TCP_NODELAY */
    uint8_t sets_owner; /* owner and group count; Unix only, as mode */
    uint32_t mode;      /* permissions; 0: what the umask leaves */
    uid_t owner;
    gid_t group;
};

/* All addresses of host - a name, 192.0.2.1, 2001:db8::1 (no brackets); NULL:
 * any address, one of each family there is - each once, at most cap.  Returns
 * how many, at least 1, or -errno (-EADDRNOTAVAIL: no such name). [control] */
MUST_USE int sock_resolve(const char *host, uint16_t port,
                          struct sock_address *out, size_t cap, char *why,
                          size_t why_cap);
/* The address of a Unix socket.  0, or -ENAMETOOLONG. [any] */
MUST_USE int sock_unix(const char *path, struct sock_address *out);

/* Listen there.  IPv6 never takes IPv4 connections as well.  A Unix socket
 * nobody listens on is replaced; one that is served is -EADDRINUSE, another
 * kind of file -EEXIST.  Returns the descriptor or -errno. [control] */
MUST_USE int sock_listen(const struct sock_address *a,
                         const struct sock_options *o, char *why,
                         size_t why_cap);
/* Give a listening socket a further set of options while it is in use;
 * reuseport stays as it is, and mode 0 leaves the mode.  0 or -errno. [control]
 */
MUST_USE int sock_adjust(int fd, const struct sock_address *a,
                         const struct sock_options *o);
/* Remove the file of a Unix socket; nothing for other addresses. [control] */
void sock_unlink(const struct sock_address *a);

/* "192.0.2.1:80", "[2001:db8::1]:80", "unix:/path". [any] */
void sock_text(const struct sock_address *a, char out[SOCK_TEXT_LEN]);
/* The address fd is bound to, and that of its peer.  0 or -errno. [any] */
MUST_USE int sock_name(int fd, struct sock_address *out);
MUST_USE int sock_peer(int fd, struct sock_address *out);

#endif
