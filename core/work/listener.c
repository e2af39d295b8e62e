/* SPDX-License-Identifier: BSD-2-Clause */
/* listener.c - accepting from one socket; see listener.h. */
#include "work/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/robbed.h"

#define BACK_OFF_MS 100u
#define LOOK_FIRST_MS 16u
#define LOOK_LAST_MS 16384u

static int
accept_now(int listen_fd)
{
    struct pollfd p = {.fd = listen_fd, .events = POLLIN};

    /* The socket is a blocking one: ask first. */
    if (poll(&p, 1, 0) <= 0)
        return -EAGAIN;
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            return fd;
        if (errno != EINTR && errno != ECONNABORTED)
            return -errno;
        if (poll(&p, 1, 0) <= 0)
            return -EAGAIN;
    }
}

/* Out of descriptors: the reserve answers one client. */
static void
use_reserve(struct listener *l)
{
    int fd;

    if (l->reserve_fd < 0)
        return;
    close(l->reserve_fd);
    fd = accept_now(l->fd);
    if (fd >= 0)
        reject_now(fd, l->rejects_as);
    l->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static uint64_t
now_ms(void)
{
    return clock_mono_ns() / 1000000u;
}

static void
resume(struct wheel_timer *t, uint64_t now)
{
    struct listener *l = CONTAINER_OF(t, struct listener, timer);

    (void)now;
    if (!l->is_paused)
        io_accept_start(l->loop, &l->io);
}

/* Whether accept says that there is no listening socket any more: the number is
 * nobody's, or another file's. */
static int
is_hopeless(int err)
{
    return err == -EBADF || err == -ENOTSOCK || err == -EINVAL ||
           err == -EOPNOTSUPP;
}

static void
back_off(struct listener *l, int err)
{
    if (is_hopeless(err))
        robbed_note("a listening socket", l->fd);
    if (!l->is_backing_off)
        log_error("accept: %s; trying again every %u ms", strerror(-err),
                  BACK_OFF_MS);
    l->is_backing_off = 1;
    if (err == -EMFILE || err == -ENFILE)
        use_reserve(l);
    wheel_arm(l->wheel, &l->timer, now_ms() + BACK_OFF_MS);
}

static void
on_accept(struct io_source *s, int fd)
{
    struct listener *l = CONTAINER_OF(s, struct listener, io);

    if (fd < 0) {
        back_off(l, fd);
        return;
    }
    if (l->is_backing_off) {
        l->is_backing_off = 0;
        log_info("accept: connections are taken again");
    }
    l->on_conn(l, fd);
}

static void
look_later(struct listener *l, uint64_t now)
{
    if (l->look_ms <= LOOK_LAST_MS)
        wheel_arm(l->wheel, &l->look, now + l->look_ms);
    l->look_ms *= 2;
}

static void
look(struct wheel_timer *t, uint64_t now)
{
    struct listener *l = CONTAINER_OF(t, struct listener, look);
    int fd;

    while (!l->is_paused && (fd = accept_now(l->fd)) >= 0)
        on_accept(&l->io, fd);
    look_later(l, now);
}

/* No more comes through the ring: empty the kernel's queue, then let the socket
 * go.  A close would reset who is queued; and if another process accepts from
 * it too, the kernel may have woken us alone for them. */
static void
on_released(struct io_source *s)
{
    struct listener *l = CONTAINER_OF(s, struct listener, io);
    int fd;

    while ((fd = accept_now(l->fd)) >= 0)
        l->on_conn(l, fd);
    close(l->fd);
    if (l->reserve_fd >= 0)
        close(l->reserve_fd);
    l->on_end(l);
}

static const struct io_handler handler = {
    .on_accept = on_accept,
    .on_released = on_released,
};

void
listener_start(struct listener *l, struct io *io, struct wheel *wheel, int fd,
               uint8_t id)
{
    l->loop = io;
    l->wheel = wheel;
    l->fd = fd;
    l->id = id;
    l->is_paused = 0;
    l->is_backing_off = 0;
    l->look_ms = LOOK_FIRST_MS;
    l->timer.fn = resume;
    l->look.fn = look;
    l->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    io_add(io, &l->io, fd, &handler);
    io_accept_start(io, &l->io);
    look_later(l, now_ms());
}

void
listener_pause(struct listener *l, int pause)
{
    if (pause == l->is_paused)
        return;
    l->is_paused = (uint8_t)pause;
    if (pause)
        io_accept_stop(l->loop, &l->io);
    else if (!wheel_is_armed(&l->timer))
        io_accept_start(l->loop, &l->io);
}

void
listener_end(struct listener *l)
{
    wheel_cancel(l->wheel, &l->timer);
    wheel_cancel(l->wheel, &l->look);
    io_release(l->loop, &l->io);
}
