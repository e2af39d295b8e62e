/* SPDX-License-Identifier: BSD-2-Clause */
/* janitor.c - see janitor.h.
 *
 * A write of a pointer's size to a pipe is whole or not at all, so what is read
 * is whole, too. */
#define _GNU_SOURCE /* pipe2 */
#include "janitor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "spool.h"

static void *
clean(void *arg)
{
    const struct janitor *j = (const struct janitor *)arg;
    struct spool *s;
    ssize_t n;
    while ((n = read(j->out, &s, sizeof s)) != 0)
        if (n == (ssize_t)sizeof s)
            spool_close(s);
        else if (errno != EINTR)
            break;
    return NULL;
}

int
janitor_start(struct janitor *j)
{
    int fds[2], rc;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return errno;
    j->out = fds[0];
    j->in = fds[1];
    rc = fcntl(j->in, F_SETFL, O_NONBLOCK) < 0 ? errno : 0;
    if (rc == 0)
        rc = pthread_create(&j->thread, NULL, clean, j);
    if (rc == 0)
        return 0;
    close(j->in);
    close(j->out);
    return rc;
}

void
janitor_take(struct janitor *j, struct spool *s)
{
    if (s && write(j->in, &s, sizeof s) != (ssize_t)sizeof s)
        spool_close(s);
}

void
janitor_stop(struct janitor *j)
{
    close(j->in);
    pthread_join(j->thread, NULL);
    close(j->out);
}
