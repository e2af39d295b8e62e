/* SPDX-License-Identifier: BSD-2-Clause */
/* ktls.h - records of TLS that the kernel makes (CONFIG_TLS): text is written
 * to a socket, and encrypted there.
 *
 *     plain -> ktls_attach -> (still plain) -> ktls_start -> text
 *
 * Only what is sent.  The ciphers are AES-GCM, of TLS 1.2 and 1.3; keys are set
 * once (kernels before 6.14 cannot change them). */
#ifndef OS_KTLS_H
#define OS_KTLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/check.h"

/* The kernel can, tried on a connection of this process with itself; 0, or
 * -errno: it has none of it (-ENOENT), not these ciphers ... [control] */
MUST_USE int ktls_probe(void);
/* How many bytes the struct of keys at info has, whose first bytes say what it
 * is; 0: of a cipher that is not used here. [any] */
size_t ktls_keys_bytes(const void *info);
/* The connection may have keys from now on; nothing changes yet.  0 or -errno.
 * [any] */
MUST_USE int ktls_attach(int fd);
/* What is written from now on is encrypted with these keys, n bytes of one of
 * the kernel's structs.  0 or -errno. [any] */
MUST_USE int ktls_start(int fd, const void *info, size_t n);
/* A record that is no text (RFC 8446 5.1: 21 an alert, 22 of a handshake), as
 * far as there is room for it: bytes, or -errno. [any] */
MUST_USE ssize_t ktls_send(int fd, uint8_t type, const void *p, size_t n);

#endif
