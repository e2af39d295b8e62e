/* SPDX-License-Identifier: BSD-2-Clause */
/* floor_uring.c - the floor on io_uring (floor.h): one multishot receive a
 * connection into 64 shared buffers of 2 KB; up to 4 events at hand a send is a
 * system call, beyond it a submission without a completion (its memory is
 * constant).  One request a connection: receive at once, send, close.
 *
 * A connection is closed when its receive has ended, so no completion finds a
 * descriptor that is another's by then. */
#include <liburing.h>
#include <poll.h>

#include "t/bench/floor.h"

#define BUFFERS 64
#define BUFFER_LEN 2048
#define FEW 4

enum op { OP_ACCEPTED, OP_RECV, OP_SEND };

static struct floor f;
static struct io_uring ring;
static struct io_uring_buf_ring *lent;
static char *buffers;
static unsigned n_ready; /* events of this turn */
static int n_returned;   /* buffers not yet given back to the kernel */

static struct io_uring_sqe *
new_sqe(int fd, enum op op)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

    if (!sqe) {
        io_uring_submit(&ring);
        sqe = io_uring_get_sqe(&ring);
    }
    CHECK(sqe);
    sqe->user_data = (uint64_t)(unsigned)fd << 2 | op;
    return sqe;
}

static void
give_back(unsigned id)
{
    io_uring_buf_ring_add(lent, buffers + id * BUFFER_LEN, BUFFER_LEN,
                          (unsigned short)id, BUFFERS - 1, n_returned++);
}

static void
open_ring(void)
{
    struct io_uring_params p = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
        .cq_entries = 4096};
    struct io_uring_buf_reg reg = {.ring_entries = BUFFERS};

    CHECK(io_uring_queue_init_params(1024, &ring, &p) == 0);
    io_uring_register_ring_fd(&ring);
    lent = aligned_alloc(4096, BUFFERS * sizeof(struct io_uring_buf));
    buffers = aligned_alloc(4096, BUFFERS * BUFFER_LEN);
    CHECK(lent && buffers);
    reg.ring_addr = (uintptr_t)lent;
    CHECK(io_uring_register_buf_ring(&ring, &reg, 0) == 0);
    io_uring_buf_ring_init(lent);
    for (unsigned i = 0; i < BUFFERS; i++)
        give_back(i);
    io_uring_buf_ring_advance(lent, n_returned);
    n_returned = 0;
}

static void
watch_acceptor(void)
{
    struct io_uring_sqe *sqe = new_sqe(f.from_acceptor, OP_ACCEPTED);
    uint64_t tag = sqe->user_data;

    io_uring_prep_poll_multishot(sqe, f.from_acceptor, POLLIN);
    sqe->user_data = tag;
}

static void
start_recv(int fd, unsigned flags)
{
    struct io_uring_sqe *sqe = new_sqe(fd, OP_RECV);
    uint64_t tag = sqe->user_data;

    if (f.is_close)
        io_uring_prep_recv(sqe, fd, NULL, BUFFER_LEN, 0);
    else
        io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->ioprio |= (uint16_t)flags;
    sqe->flags = IOSQE_BUFFER_SELECT;
    sqe->user_data = tag;
}

static void
submit_send(int fd, size_t len)
{
    struct io_uring_sqe *sqe = new_sqe(fd, OP_SEND);
    uint64_t tag = sqe->user_data;

    io_uring_prep_send(sqe, fd, f.answers, len, MSG_WAITALL | MSG_NOSIGNAL);
    sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = tag;
}

/* Answer what came; whether the connection goes on. */
static int
serve(int fd, const char *p, ssize_t n)
{
    unsigned count;
    size_t len;

    if (f.is_echo)
        return floor_echo(fd, p, (size_t)n, &f) == 0;
    count = floor_count(&f.seen[fd], p, (size_t)n);
    if (count == 0)
        return 1;
    CHECK(count <= FLOOR_BATCH);
    len = count * f.answer_len;
    if (!f.is_close && n_ready > FEW) {
        submit_send(fd, len);
        return 1;
    }
    return floor_send(fd, f.answers, len, f.is_close) == (ssize_t)len &&
           !f.is_close;
}

static void
take_connections(void)
{
    static char first[BUFFER_LEN];
    int fds[1024];
    ssize_t n = read(f.from_acceptor, fds, sizeof fds);

    for (ssize_t i = 0; i < n / (ssize_t)sizeof fds[0]; i++) {
        ssize_t got = floor_recv(fds[i], first, sizeof first);
        int goes_on = got < 0 && errno == EAGAIN;
        if (got > 0)
            goes_on = serve(fds[i], first, got);
        if (goes_on)
            start_recv(fds[i], IORING_RECVSEND_POLL_FIRST);
        else
            close(fds[i]);
    }
}

static void
received(int fd, const struct io_uring_cqe *cqe)
{
    int goes_on = cqe->res == -ENOBUFS;

    if (cqe->res > 0) {
        unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        goes_on = serve(fd, buffers + id * BUFFER_LEN, cqe->res);
        give_back(id);
    }
    if (!goes_on && cqe->flags & IORING_CQE_F_MORE)
        shutdown(fd, SHUT_RDWR); /* ends the receive */
    else if (!goes_on)
        close(fd);
    else if (!(cqe->flags & IORING_CQE_F_MORE))
        start_recv(fd, 0);
}

static void
handle(const struct io_uring_cqe *cqe)
{
    int fd = (int)(cqe->user_data >> 2);
    enum op op = cqe->user_data & 3;

    if (op == OP_RECV)
        received(fd, cqe);
    if (op != OP_ACCEPTED)
        return;
    take_connections();
    if (!(cqe->flags & IORING_CQE_F_MORE))
        watch_acceptor();
}

int
main(int argc, char **argv)
{
    floor_start(&f, argc, argv);
    open_ring();
    watch_acceptor();
    for (;;) {
        struct io_uring_cqe *cqe;
        unsigned head, n = 0;

        io_uring_submit_and_wait(&ring, 1);
        n_ready = io_uring_cq_ready(&ring);
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            handle(cqe);
            n++;
        }
        if (n_returned > 0)
            io_uring_buf_ring_advance(lent, n_returned);
        n_returned = 0;
        io_uring_cq_advance(&ring, n);
    }
}
