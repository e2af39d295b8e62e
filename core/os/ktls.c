/* SPDX-License-Identifier: BSD-2-Clause */
/* ktls.c - see ktls.h. */
#include "os/ktls.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

/* ---- a connection's ------------------------------------------------------*/

size_t
ktls_keys_bytes(const void *info)
{
    struct tls_crypto_info head;

    memcpy(&head, info, sizeof head);
    switch (head.cipher_type) {
    case TLS_CIPHER_AES_GCM_128:
        return sizeof(struct tls12_crypto_info_aes_gcm_128);
    case TLS_CIPHER_AES_GCM_256:
        return sizeof(struct tls12_crypto_info_aes_gcm_256);
    default: return 0;
    }
}

int
ktls_attach(int fd)
{
    return setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") < 0
               ? -errno
               : 0;
}

int
ktls_start(int fd, const void *info, size_t n)
{
    return setsockopt(fd, SOL_TLS, TLS_TX, info, (socklen_t)n) < 0 ? -errno : 0;
}

ssize_t
ktls_send(int fd, uint8_t type, const void *p, size_t n)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof type)];
    } control = {.bytes = {0}};
    struct iovec iov = {(void *)(uintptr_t)p, n};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    ssize_t sent;

    c->cmsg_level = SOL_TLS;
    c->cmsg_type = TLS_SET_RECORD_TYPE;
    c->cmsg_len = CMSG_LEN(sizeof type);
    memcpy(CMSG_DATA(c), &type, sizeof type);
    do
        sent = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

/* ---- whether there is any of it ------------------------------------------*/

/* A socket of a connection over the loopback, whose other end is *peer; or
 * -errno. */
static int
open_pair(int *peer)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t n = sizeof at;
    int rc = 0;

    *peer = -1;
    if (listener < 0 || fd < 0 ||
        bind(listener, (struct sockaddr *)&at, sizeof at) < 0 ||
        listen(listener, 1) < 0 ||
        getsockname(listener, (struct sockaddr *)&at, &n) < 0 ||
        connect(fd, (struct sockaddr *)&at, sizeof at) < 0 ||
        (*peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
        rc = -errno;
    if (listener >= 0)
        close(listener);
    if (rc < 0 && fd >= 0)
        close(fd);
    return rc < 0 ? rc : fd;
}

static int
try_keys(const void *info, size_t n)
{
    int peer, fd = open_pair(&peer), rc;

    if (fd < 0)
        return fd;
    rc = ktls_attach(fd);
    if (rc == 0)
        rc = ktls_start(fd, info, n);
    close(fd);
    close(peer);
    return rc;
}

static int
try_version(uint16_t version)
{
    const struct tls12_crypto_info_aes_gcm_128 short_keys = {
        .info = {version, TLS_CIPHER_AES_GCM_128}};
    const struct tls12_crypto_info_aes_gcm_256 long_keys = {
        .info = {version, TLS_CIPHER_AES_GCM_256}};
    int rc = try_keys(&short_keys, sizeof short_keys);

    return rc < 0 ? rc : try_keys(&long_keys, sizeof long_keys);
}

int
ktls_probe(void)
{
    int rc = try_version(TLS_1_2_VERSION);

    return rc < 0 ? rc : try_version(TLS_1_3_VERSION);
}
