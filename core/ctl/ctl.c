/* SPDX-License-Identifier: BSD-2-Clause */
/* ctl.c - see ctl.h. */
#include "ctl/ctl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/pass.h"

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
    if (m->version == 0)
        m->version = CTL_VERSION;
    return pass_send(end, m, sizeof *m, passed);
}

int
ctl_recv(int end, struct ctl_message *m, int *passed)
{
    int rc = pass_recv(end, m, sizeof *m, passed);

    if (rc <= 0)
        return rc;
    if (m->version < CTL_VERSION_MIN || m->version > CTL_VERSION) {
        if (*passed >= 0)
            close(*passed);
        *passed = -1;
        return -EPROTO;
    }
    if (*passed == -EMFILE) {
        m->result = -EMFILE;
        *passed = -1;
    }
    return 1;
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
