/* SPDX-License-Identifier: BSD-2-Clause */
/* ctl.c - see ctl.h. */
#include "ctl/ctl.h"

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
ctl_pair(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    return 0;
}

int
ctl_send(int end, struct ctl_message *m, int passed)
{
    struct iovec iov = {m, sizeof *m};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
    union control c;
    struct cmsghdr *head;
    ssize_t n;

    m->version = CTL_VERSION;
    if (passed >= 0) {
        memset(&c, 0, sizeof c);
        h.msg_control = c.bytes;
        h.msg_controllen = sizeof c.bytes;
        head = CMSG_FIRSTHDR(&h);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof passed);
        memcpy(CMSG_DATA(head), &passed, sizeof passed);
    }
    do
        n = sendmsg(end, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
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
ctl_recv(int end, struct ctl_message *m, int *passed)
{
    struct iovec iov = {m, sizeof *m};
    union control c;
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = c.bytes,
                       .msg_controllen = sizeof c.bytes};
    ssize_t n;

    *passed = -1;
    do
        n = recvmsg(end, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
    if (n == 0)
        return -EPIPE;
    *passed = passed_with(&h);
    if (n == (ssize_t)sizeof *m && !(h.msg_flags & MSG_TRUNC) &&
        m->version == CTL_VERSION) {
        if (h.msg_flags & MSG_CTRUNC)
            m->result = -EMFILE;
        return 1;
    }
    if (*passed >= 0)
        close(*passed);
    *passed = -1;
    return -EPROTO;
}

void
ctl_listen_write(struct ctl_listen *l, const struct sock_address *a,
                 const struct sock_options *o, uint32_t index)
{
    *l = (struct ctl_listen){
        .index = index,
        .backlog = (uint32_t)o->backlog,
        .defer_accept_s = (uint32_t)o->defer_accept_s,
        .mode = o->mode,
        .owner = o->owner,
        .group = o->group,
        .patience_ms = o->patience_ms,
        .reuseport = o->reuseport,
        .nodelay = o->nodelay,
        .sets_owner = o->sets_owner,
        .shares = o->shares,
        .address_len = a->len,
    };
    memcpy(l->address, &a->addr, a->len);
}

int
ctl_listen_read(const struct ctl_listen *l, struct sock_address *a,
                struct sock_options *o)
{
    if (l->address_len > sizeof l->address)
        return -EPROTO;
    memset(a, 0, sizeof *a);
    memcpy(&a->addr, l->address, l->address_len);
    a->len = l->address_len;
    *o = (struct sock_options){
        .backlog = (int)l->backlog,
        .defer_accept_s = (int)l->defer_accept_s,
        .mode = l->mode,
        .owner = l->owner,
        .group = l->group,
        .patience_ms = l->patience_ms,
        .reuseport = l->reuseport,
        .nodelay = l->nodelay,
        .sets_owner = l->sets_owner,
        .shares = l->shares,
    };
    return 0;
}
