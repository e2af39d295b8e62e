/* SPDX-License-Identifier: BSD-2-Clause */
/* address.h - the shape of listen addresses, networks and host names.
 *
 * Only the shape: a name is not looked up, a port not bound.  Nothing is
 * copied; the parts point into the text. */
#ifndef CONF_ADDRESS_H
#define CONF_ADDRESS_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

#define ADDRESS_MAX_HOST 253u      /* a host name, RFC 1035 */
#define ADDRESS_MAX_UNIX_PATH 107u /* sun_path without its NUL */

struct address {
    et_str host;  /* absent: every address of both families */
    et_str path;  /* of a Unix socket; absent otherwise */
    int64_t port; /* 0..65535; -1 for a Unix socket */
};

/* host:port, [v6]:port, :port, *:port, unix:/path.  0 or ERR_INVALID. [any] */
MUST_USE int address_listen(et_str s, struct address *out);
/* 192.0.2.0/24, 2001:db8::/32, or an address alone.  0 or ERR_INVALID. [any] */
MUST_USE int address_net(et_str s);
/* A name to compare the Host field with: a DNS name, *.name, an IPv4 address
 * or [v6], without port.  Written to buf in lower case, NUL-terminated and
 * without a final dot.  Its length, or ERR_INVALID. [any] */
MUST_USE int address_host(et_str s, char buf[ADDRESS_MAX_HOST + 1]);

#endif
