/* SPDX-License-Identifier: BSD-2-Clause */
/* held.c - see held.h. */
#include "super/held.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "super/state.h"

struct held_socket {
    struct held_socket *next;
    struct sock_address wanted;
    struct sockfile file; /* of a Unix socket */
    uint32_t index, id;
    int fd;
    uint32_t given; /* a bit for each process that has it */
    int is_adopted; /* and has no options of ours yet */
};

static struct held_socket *
find(const struct held *h, uint32_t who, const struct sock_address *a,
     uint32_t index)
{
    struct held_socket *s = h->first;

    while (s && ((s->given & 1u << who) || s->index != index ||
                 s->wanted.len != a->len ||
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

/* Let a socket at this address stand beside those that overlap with it and are
 * given to none of these (a bit each); or no longer: how many. */
static uint32_t
share(const struct held *h, uint32_t not_of, const struct sock_address *to,
      int lets)
{
    struct sock_address bound;
    uint32_t n = 0;

    for (const struct held_socket *s = h->first; s; s = s->next) {
        if (!(s->given & not_of) && sock_name(s->fd, &bound) == 0 &&
            sock_overlap(&bound, to))
            n += sock_share(s->fd, lets) == 0;
    }
    return n;
}

static int
listen_beside(const struct held *h, uint32_t who, const struct sock_address *a,
              const struct sock_options *options, char *why, size_t cap)
{
    struct sock_options beside = *options;
    int fd;

    if (options->reuseport) /* for good: the first may have been alone */
        (void)share(h, 0, a, 1);
    if (options->reuseport || share(h, 1u << who, a, 1) == 0)
        return sock_listen(a, options, why, cap);
    /* Who replaces whoever has them has not asked for those. */
    beside.shares = 1;
    fd = sock_listen(a, &beside, why, cap);
    (void)share(h, 1u << who, a, 0);
    return fd;
}

static struct held_socket *
open_one(struct held *h, uint32_t who, const struct sock_address *a,
         const struct sock_options *options, int *rc, char *why, size_t cap)
{
    struct held_socket *s = calloc(1, sizeof *s);

    if (!s) {
        *rc = -ENOMEM;
        snprintf(why, cap, "out of memory");
        return NULL;
    }
    *rc = s->fd = listen_beside(h, who, a, options, why, cap);
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
held_listen(struct held *h, uint32_t who, const struct sock_address *a,
            const struct sock_options *options, uint32_t index, uint32_t *id,
            char *why, size_t cap)
{
    struct held_socket *s = find(h, who, a, index);
    int rc = 0;

    if (!s)
        s = open_one(h, who, a, options, &rc, why, cap);
    if (s && s->is_adopted) {
        rc = sock_adjust(s->fd, a, options);
        s->is_adopted = 0;
    }
    if (rc < 0 && s)
        snprintf(why, cap, "%s", strerror(-rc));
    if (!s || rc < 0)
        return rc;
    s->index = index;
    s->given |= 1u << who;
    *id = s->id;
    return s->fd;
}

void
held_release(struct held *h, uint32_t who, uint32_t id)
{
    for (struct held_socket **s = &h->first; *s; s = &(*s)->next) {
        if ((*s)->id != id)
            continue;
        (*s)->given &= ~(1u << who);
        if ((*s)->given == 0)
            close_one(s);
        return;
    }
}

void
held_take_back(struct held *h, uint32_t who)
{
    for (struct held_socket *s = h->first; s; s = s->next)
        s->given &= ~(1u << who);
}

void
held_settle(struct held *h)
{
    for (struct held_socket **s = &h->first; *s;) {
        if ((*s)->given)
            s = &(*s)->next;
        else
            close_one(s);
    }
}

void
held_close(struct held *h)
{
    while (h->first)
        close_one(&h->first);
}

/* ---- for the next supervisor ---------------------------------------------*/

#define ADDRESS_HEX_LEN (2 * sizeof(struct sockaddr_storage))

void
held_save(const struct held *h, struct state *to)
{
    char address[ADDRESS_HEX_LEN + 1];

    for (const struct held_socket *s = h->first; s; s = s->next) {
        state_hex(&s->wanted.addr, s->wanted.len, address);
        state_put(to, "held %u %u %d %u %d %llu %llu %s", s->id, s->index,
                  state_fd(s->fd), s->given, s->is_adopted,
                  (unsigned long long)s->file.dev,
                  (unsigned long long)s->file.ino, address);
    }
}

void
held_load(struct held *h, const char *line)
{
    struct held_socket *s = calloc(1, sizeof *s);
    char address[ADDRESS_HEX_LEN + 1];
    unsigned long long dev, ino;

    _Static_assert(ADDRESS_HEX_LEN == 256, "as below");
    if (!s ||
        sscanf(line, "%u %u %d %u %d %llu %llu %256s", &s->id, &s->index,
               &s->fd, &s->given, &s->is_adopted, &dev, &ino, address) != 8) {
        log_error("a listening socket is lost: %s", s ? line : "out of memory");
        free(s);
        return;
    }
    s->file = (struct sockfile){dev, ino};
    s->wanted.len = (socklen_t)state_unhex(address, &s->wanted.addr);
    state_take_fd(s->fd);
    if (h->last_id < s->id)
        h->last_id = s->id;
    append(h, s);
}
