/* SPDX-License-Identifier: BSD-2-Clause */
/* mailbox.c - a pipe and the list behind it; see mailbox.h. */
#include "io/mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/robbed.h"

/* After a failed wait: when it is tried again, and when it is said again. */
#define RETRY_MS 100
#define COMPLAIN_MS 5000u

_Static_assert(sizeof(struct record) == 16, "a record is 16 bytes");
_Static_assert(MAILBOX_BATCH * sizeof(struct record) <= PIPE_BUF,
               "a batch is written whole or not at all");

static _Thread_local struct mailbox *own;

int
mailbox_open(struct mailbox *b)
{
    int fds[2];

    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
        return -errno;
    b->complain_ms = 0;
    b->is_due = 0;
    b->read_fd = fds[0];
    b->write_fd = fds[1];
    mpsc_init(&b->list);
    return 0;
}

uint32_t
mailbox_close(struct mailbox *b, void (*drop)(const struct record *r))
{
    struct record v[MAILBOX_BATCH];
    uint32_t n_dropped = 0;
    size_t n;

    while ((n = mailbox_recv(b, v)) > 0) {
        for (size_t i = 0; i < n; i++) {
            if (v[i].kind == RECORD_WAKE)
                continue;
            drop(&v[i]);
            n_dropped++;
        }
    }
    close(b->read_fd);
    close(b->write_fd);
    return n_dropped;
}

int
mailbox_send(struct mailbox *b, const struct record *v, size_t n)
{
    ssize_t k;

    do
        k = write(b->write_fd, v, n * sizeof *v);
    while (k < 0 && errno == EINTR);
    if (k >= 0)
        return 0;
    if (errno != EAGAIN)
        robbed_note("a thread's pipe",
                    errno == EPIPE ? b->read_fd : b->write_fd);
    return -errno;
}

void
mailbox_own(struct mailbox *b)
{
    own = b;
}

void
mailbox_post(struct mailbox *b, struct mail *m)
{
    const struct record wake = {.kind = RECORD_WAKE, .fd = -1};

    if (!mpsc_push(&b->list, &m->node))
        return;
    if (b == own)
        b->is_due = 1;
    else /* -EAGAIN: the pipe is full, its reader will wake without us. */
        (void)!mailbox_send(b, &wake, 1);
}

/* Of a read that brought n bytes, or failed (errno): whether the number is
 * still that of the pipe.  Another file may say that there is nothing. */
static int
is_of_pipe(int fd, ssize_t n)
{
    struct stat st;

    if (n > 0)
        return (size_t)n % sizeof(struct record) == 0;
    return errno == EAGAIN && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

size_t
mailbox_recv(struct mailbox *b, struct record v[MAILBOX_BATCH])
{
    return mailbox_recv_some(b, v, MAILBOX_BATCH);
}

size_t
mailbox_recv_some(struct mailbox *b, struct record *v, size_t max)
{
    ssize_t n;

    do
        n = read(b->read_fd, v, max * sizeof *v);
    while (n < 0 && errno == EINTR);
    if (n == 0) /* nobody holds its other end */
        robbed_note("a thread's pipe", b->write_fd);
    else if (!is_of_pipe(b->read_fd, n))
        robbed_note("a thread's pipe", b->read_fd);
    return n < 0 ? 0 : (size_t)n / sizeof *v;
}

void
mailbox_outlast(struct mailbox *b, int rc, uint64_t now_ms)
{
    struct pollfd p = {.fd = b->read_fd, .events = POLLIN};

    if (now_ms >= b->complain_ms) {
        log_error("waiting for events: %s", strerror(-rc));
        b->complain_ms = now_ms + COMPLAIN_MS;
    }
    (void)!poll(&p, 1, RETRY_MS); /* an error is as good as a timeout */
}

void
mailbox_deliver(struct mailbox *b, void *reader)
{
    struct mpsc_node *n;

    b->is_due = 0;
    n = mpsc_take_all(&b->list);
    while (n) {
        struct mail *m = CONTAINER_OF(n, struct mail, node);
        n = n->next; /* before deliver: m may be gone after it */
        m->deliver(reader, m);
    }
}
