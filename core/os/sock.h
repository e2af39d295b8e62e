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
#include "os/sockfile.h"

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
    uint8_t shares; /* bind beside those that sock_share lets it.  TCP only */
    uint8_t sets_owner; /* owner and group count; Unix only, as mode */
    uint32_t mode;      /* permissions; 0: what the umask leaves */
    uid_t owner;
    gid_t group;          /* (gid_t)-1: as it is */
    uint32_t patience_ms; /* how long to try while the address is in use */
};

/* All addresses of host - a name, 192.0.2.1, 2001:db8::1 (no brackets); NULL:
 * any address, one of each family there is - each once, at most cap.  Returns
 * how many, at least 1, or -errno (-EADDRNOTAVAIL: no such name). [any], where
 * it may block */
MUST_USE int sock_resolve(const char *host, uint16_t port,
                          struct sock_address *out, size_t cap, char *why,
                          size_t why_cap);
/* The address of a Unix socket.  0, or -ENAMETOOLONG. [any] */
MUST_USE int sock_unix(const char *path, struct sock_address *out);

/* Listen there.  IPv6 never takes IPv4 connections as well.  A Unix socket
 * nobody listens on is replaced; one that is served is -EADDRINUSE, another
 * kind of file -EEXIST.  Who was killed a moment ago may still seem to listen,
 * until the kernel has undone its ring: in use is tried again, for patience_ms,
 * unless a Unix socket's owner is known to live.  Returns the descriptor or
 * -errno. [control] */
MUST_USE int sock_listen(const struct sock_address *a,
                         const struct sock_options *o, char *why,
                         size_t why_cap);
/* Let sockets with the option shares, of the same user, be bound to addresses
 * that overlap with this listening one's, or no longer.  0 or -errno. [control]
 */
MUST_USE int sock_share(int fd, int lets);
/* Give a listening socket a further set of options while it is in use;
 * reuseport stays as it is, and mode 0 leaves the mode.  0 or -errno. [control]
 */
MUST_USE int sock_adjust(int fd, const struct sock_address *a,
                         const struct sock_options *o);
/* What keeps sock_listen from listening there, as far as it can be seen without
 * opening anything; -errno and why as sock_listen, or 0. [control] */
MUST_USE int sock_check(const struct sock_address *a, char *why,
                        size_t why_cap);
/* The file of a Unix socket, as soon as it is bound; none for other addresses.
 * [control] */
struct sockfile sock_file(const struct sock_address *a);
/* Remove the file of a Unix socket, if it is still this one. [control] */
void sock_unlink(const struct sock_address *a, struct sockfile file);

/* True if not both can be listened on: the same address or path; or the same
 * port, and one of them is any address of the other's family.  Port 0 overlaps
 * with nothing. [any] */
int sock_overlap(const struct sock_address *a, const struct sock_address *b);
/* "192.0.2.1:80", "[2001:db8::1]:80", "unix:/path". [any] */
void sock_text(const struct sock_address *a, char out[SOCK_TEXT_LEN]);
/* The address fd is bound to, and that of its peer.  0 or -errno. [any] */
MUST_USE int sock_name(int fd, struct sock_address *out);
MUST_USE int sock_peer(int fd, struct sock_address *out);

#endif
