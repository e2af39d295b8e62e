/* SPDX-License-Identifier: BSD-2-Clause */
/* pass.c - see pass.h. */
#include "ctl/pass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Room for one descriptor. */
union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

int
pass_send(int end, const void *p, size_t n, int fd)
{
    struct iovec iov = {(void *)p, n};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
    struct cmsghdr *head;
    union control c;
    ssize_t sent;

    if (fd >= 0) {
        memset(&c, 0, sizeof c);
        h.msg_control = c.bytes;
        h.msg_controllen = sizeof c.bytes;
        head = CMSG_FIRSTHDR(&h);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    do
        sent = sendmsg(end, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static int
passed_with(struct msghdr *h)
{
    const struct cmsghdr *head = CMSG_FIRSTHDR(h);
    int fd = -1;

    if (head && head->cmsg_level == SOL_SOCKET &&
        head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return fd;
}

int
pass_recv(int end, void *p, size_t n, int *fd)
{
    struct iovec iov = {p, n};
    union control c;
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = c.bytes,
                       .msg_controllen = sizeof c.bytes};
    ssize_t got;

    *fd = -1;
    /* ECONNRESET says, once, that the other end has gone without reading all:
     * what it has sent before is there still. */
    do
        got = recvmsg(end, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got < 0)
        return errno == EAGAIN ? 0 : -errno;
    if (got == 0)
        return -EPIPE;
    *fd = passed_with(&h);
    if (got == (ssize_t)n && !(h.msg_flags & MSG_TRUNC)) {
        if (h.msg_flags & MSG_CTRUNC)
            *fd = -EMFILE;
        return 1;
    }
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return -EPROTO;
}
