/* SPDX-License-Identifier: BSD-2-Clause */
/* held.c - see held.h. */
#include "super/held.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct held_socket {
    struct held_socket *next;
    struct sock_address wanted;
    struct sockfile file; /* of a Unix socket */
    uint32_t index, id;
    int fd;
    int is_given;   /* to the process that runs */
    int is_adopted; /* and has no options of ours yet */
};

static struct held_socket *
find(const struct held *h, const struct sock_address *a, uint32_t index)
{
    struct held_socket *s = h->first;

    while (s && (s->is_given || s->index != index || s->wanted.len != a->len ||
                 memcmp(&s->wanted.addr, &a->addr, a->len) != 0))
        s = s->next;
    return s;
}

static void
close_one(struct held_socket **link)
{
    struct held_socket *s = *link;

    *link = s->next;
    sock_unlink(&s->wanted, s->file);
    close(s->fd);
    free(s);
}

/* Those that came first stay first: two of one address with port 0 are told
 * apart by their order. */
static void
append(struct held *h, struct held_socket *s)
{
    struct held_socket **link = &h->first;

    while (*link)
        link = &(*link)->next;
    *link = s;
}

/* Whether fd is a stream socket that listens. */
static int
listens(int fd)
{
    int type = 0, is_on = 0;
    socklen_t len = sizeof type, on_len = sizeof is_on;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_on, &on_len) == 0 &&
           type == SOCK_STREAM && is_on;
}

/* The file of a Unix socket stays: who has made it may want it again. */
int
held_adopt(struct held *h, int fd)
{
    struct held_socket *s = calloc(1, sizeof *s);
    int rc = s ? 0 : -ENOMEM;

    if (rc == 0 && !listens(fd))
        rc = -ENOTSOCK;
    if (rc == 0)
        rc = sock_name(fd, &s->wanted);
    if (rc == 0 && (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
                    fcntl(fd, F_SETFL, O_NONBLOCK) < 0))
        rc = -errno;
    if (rc < 0) {
        free(s);
        close(fd);
        return rc;
    }
    s->fd = fd;
    s->id = ++h->last_id;
    s->is_adopted = 1;
    append(h, s);
    return 0;
}

static struct held_socket *
open_one(struct held *h, const struct sock_address *a,
         const struct sock_options *options, int *rc, char *why, size_t cap)
{
    struct held_socket *s = calloc(1, sizeof *s);

    if (!s) {
        *rc = -ENOMEM;
        snprintf(why, cap, "out of memory");
        return NULL;
    }
    *rc = s->fd = sock_listen(a, options, why, cap);
    if (s->fd < 0) {
        free(s);
        return NULL;
    }
    s->wanted = *a;
    s->file = sock_file(a);
    s->id = ++h->last_id;
    append(h, s);
    return s;
}

int
held_listen(struct held *h, const struct sock_address *a,
            const struct sock_options *options, uint32_t index, uint32_t *id,
            char *why, size_t cap)
{
    struct held_socket *s = find(h, a, index);
    int rc = 0;

    if (!s)
        s = open_one(h, a, options, &rc, why, cap);
    if (s && s->is_adopted) {
        rc = sock_adjust(s->fd, a, options);
        s->is_adopted = 0;
    }
    if (rc < 0 && s)
        snprintf(why, cap, "%s", strerror(-rc));
    if (!s || rc < 0)
        return rc;
    s->index = index;
    s->is_given = 1;
    *id = s->id;
    return s->fd;
}

void
held_release(struct held *h, uint32_t id)
{
    for (struct held_socket **s = &h->first; *s; s = &(*s)->next) {
        if ((*s)->id == id) {
            close_one(s);
            return;
        }
    }
}

void
held_take_back(struct held *h)
{
    for (struct held_socket *s = h->first; s; s = s->next)
        s->is_given = 0;
}

void
held_settle(struct held *h)
{
    for (struct held_socket **s = &h->first; *s;) {
        if ((*s)->is_given)
            s = &(*s)->next;
        else
            close_one(s);
    }
}

void
held_close(struct held *h)
{
    held_take_back(h);
    held_settle(h);
}
