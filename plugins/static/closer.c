/* SPDX-License-Identifier: BSD-2-Clause */
/* closer.c - see closer.h.
 *
 * A write of a number's size to a pipe is whole or not at all, so what is read
 * is whole, too. */
#define _GNU_SOURCE /* pipe2 */
#include "closer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* As load has made it. */
static struct {
    pthread_t thread;
    int in, out;        /* the pipe's ends; out is the thread's */
    _Atomic unsigned n; /* on their way */
} closer;

static void *
run(void *arg)
{
    ssize_t n;
    int fd;
    (void)arg;
    while ((n = read(closer.out, &fd, sizeof fd)) != 0)
        if (n == (ssize_t)sizeof fd) {
            close(fd);
            atomic_fetch_sub(&closer.n, 1);
        } else if (errno != EINTR) {
            break;
        }
    return NULL;
}

int32_t
closer_start(const et_host *h, et_err *e)
{
    int fds[2], rc;
    (void)h;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return et_seterr(e, "pipe: %s", strerror(errno));
    closer.out = fds[0];
    closer.in = fds[1];
    rc = fcntl(closer.in, F_SETFL, O_NONBLOCK) < 0 ? errno : 0;
    if (rc == 0)
        rc = pthread_create(&closer.thread, NULL, run, NULL);
    if (rc == 0)
        return 0;
    close(closer.in);
    close(closer.out);
    return et_seterr(e, "no thread: %s", strerror(rc));
}

void
closer_take(int fd)
{
    if (atomic_fetch_add(&closer.n, 1) < CLOSER_MAX &&
        write(closer.in, &fd, sizeof fd) == (ssize_t)sizeof fd)
        return;
    atomic_fetch_sub(&closer.n, 1);
    close(fd);
}

void
closer_stop(void)
{
    close(closer.in);
    pthread_join(closer.thread, NULL);
    close(closer.out);
}
