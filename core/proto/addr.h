/* SPDX-License-Identifier: BSD-2-Clause */
/* addr.h - network addresses as text and bytes, CIDR lists, listen specs, and
 * who the client behind trusted proxies is.
 *
 * No resolving, no sockets.  Every IP address is 16 bytes: IPv4 is kept as
 * ::ffff:a.b.c.d, so a mapped peer is the IPv4 peer it stands for, in text and
 * in every comparison. */
#ifndef PROTO_ADDR_H
#define PROTO_ADDR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "abi/etude_abi.h"
#include "base/check.h"

enum addr_kind {
    ADDR_NONE, /* not known */
    ADDR_IP,
    ADDR_UNIX, /* other end of a Unix socket: "unix:" */
};

struct addr {
    uint8_t ip[16];
    uint16_t port; /* host order; 0: none */
    uint8_t kind;  /* enum addr_kind */
};

#define ADDR_TEXT_MAX 48

/* True for an IP address that is IPv4. [any] */
int addr_is_v4(const struct addr *a);
/* "192.0.2.1" or "2001:db8::1", no brackets, no zone; port is set to 0.  IPv4
 * is four decimal numbers without leading zeros.  0 or ERR_INVALID. [any] */
int addr_parse(et_str s, struct addr *out) MUST_USE;
/* The same, or with a port: "192.0.2.1:80", "[2001:db8::1]:80",
 * "[2001:db8::1]". [any] */
int addr_parse_port(et_str s, struct addr *out) MUST_USE;
/* Text of the address without port (RFC 5952), "unix:", or "-" for ADDR_NONE.
 * Returns its length; no NUL. [any] */
size_t addr_format(const struct addr *a, char out[ADDR_TEXT_MAX]);
/* From what accept gave; ADDR_NONE for another family. [any] */
void addr_from_sockaddr(const struct sockaddr *sa, struct addr *out);

/* ---- CIDR lists ----------------------------------------------------------*/

struct addr_cidr {
    uint8_t ip[16];
    uint8_t bits;  /* 0..128; of the 16-byte form */
    uint8_t kind;  /* ADDR_IP or ADDR_UNIX */
    uint8_t is_v4; /* "::/0" holds no IPv4 address */
};

/* "10.0.0.0/8", "2001:db8::/32", one address, or "unix:" (any Unix socket).
 * An IPv4 block holds IPv4 addresses only, an IPv6 block IPv6 ones only; bits
 * behind the prefix are cleared.  0 or ERR_INVALID. [any] */
int addr_cidr_parse(et_str s, struct addr_cidr *out) MUST_USE;
/* True if one of the n holds a. [any] */
int addr_cidr_has(const struct addr_cidr *v, size_t n, const struct addr *a);

/* ---- listen specs --------------------------------------------------------*/

enum addr_listen_kind {
    ADDR_LISTEN_ANY,  /* ":80", "*:80": both families, a socket each */
    ADDR_LISTEN_IP,   /* "192.0.2.1:80", "[::1]:80" */
    ADDR_LISTEN_NAME, /* "localhost:80": all its addresses */
    ADDR_LISTEN_UNIX, /* "unix:/run/etude.sock" */
};

struct addr_listen {
    uint8_t kind;     /* enum addr_listen_kind */
    uint16_t port;    /* 0: the kernel chooses */
    struct addr addr; /* of ADDR_LISTEN_IP, with the port */
    et_str text;      /* slice of the spec: name, or path of the socket */
};

/* A port is required but for unix:, whose path is absolute and at most 107
 * bytes.  0 or ERR_INVALID. [any] */
int addr_listen_parse(et_str spec, struct addr_listen *out) MUST_USE;

/* ---- the client behind proxies -------------------------------------------*/

enum addr_source {
    ADDR_X_FORWARDED_FOR,
    ADDR_FORWARDED, /* RFC 7239 */
    ADDR_X_REAL_IP,
};

/* The proxies that are believed. */
struct addr_trust {
    const struct addr_cidr *v;
    size_t n;
    uint8_t source; /* enum addr_source */
};

/* Who asked.  peer is the socket's other end; values are the n values of the
 * source's field in the order sent.  A peer that is not trusted is the client.
 * Otherwise the hops are walked from the right and the first that is not
 * trusted is; if all are, the leftmost.  A hop that is no address ("unknown",
 * "_hidden", malformed) ends the walk: the hop to its right is the answer.
 * *proto, where not NULL: "proto" of the Forwarded element that named the
 * client, still quoted if it was; else absent. [any] */
void addr_client(const struct addr_trust *trust, const struct addr *peer,
                 const et_str *values, size_t n, struct addr *out,
                 et_str *proto);

#endif
