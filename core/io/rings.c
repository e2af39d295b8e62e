/* SPDX-License-Identifier: BSD-2-Clause */
/* rings.c - setting an io_uring up and entering it; see rings.h. */
#include "io/rings.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Nothing that is used here runs in the kernel's worker threads by plan; what
 * does anyway shall not become a crowd (the default limit is RLIMIT_NPROC). */
#define RINGS_WORKERS_BOUNDED 2
#define RINGS_WORKERS_UNBOUNDED 4

/* Best first; a kernel that knows neither has no multishot receive. */
static const unsigned modes[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, /* Linux 6.1 */
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,  /* Linux 6.0 */
};

static int
set_up(struct rings *r, unsigned n_entries)
{
    int rc = -EINVAL;

    for (size_t i = 0; i < ARRAY_LEN(modes) && rc == -EINVAL; i++) {
        struct io_uring_params p = {
            .flags = modes[i] | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
            .cq_entries = 4 * n_entries,
        };
        rc = io_uring_queue_init_params(n_entries, &r->lib, &p);
    }
    return rc;
}

int
rings_open(struct rings *r, unsigned n_entries)
{
    unsigned workers[2] = {RINGS_WORKERS_BOUNDED, RINGS_WORKERS_UNBOUNDED};
    unsigned power = 1;
    int rc;

    memset(r, 0, sizeof *r);
    while (power < n_entries)
        power *= 2;
    rc = set_up(r, power);
    if (rc < 0)
        return rc;
    r->sqes = r->lib.sq.sqes;
    r->sq_head = r->lib.sq.khead;
    r->sq_tail = r->lib.sq.ktail;
    r->sq_flags = r->lib.sq.kflags;
    r->sq_mask = r->lib.sq.ring_mask;
    r->n_entries = r->lib.sq.ring_entries;
    r->cqes = r->lib.cq.cqes;
    r->cq_head = r->lib.cq.khead;
    r->cq_tail = r->lib.cq.ktail;
    r->cq_mask = r->lib.cq.ring_mask;
    for (unsigned i = 0; i < r->n_entries; i++)
        r->lib.sq.array[i] = i;
    (void)io_uring_register_iowq_max_workers(&r->lib, workers);
    r->enter_fd = r->lib.ring_fd;
    r->enter_flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    if (io_uring_register_ring_fd(&r->lib) == 1) {
        r->enter_fd = r->lib.enter_ring_fd;
        r->enter_flags |= IORING_ENTER_REGISTERED_RING;
    }
    /* What may be set up and not entered (seccomp) is no ring. */
    rc = rings_enter(r, 0, 0);
    if (rc < 0)
        io_uring_queue_exit(&r->lib);
    return rc;
}

void
rings_close(struct rings *r)
{
    struct io_uring_sync_cancel_reg all = {
        .flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
        .timeout = {.tv_sec = 1},
    };

    (void)io_uring_register_sync_cancel(&r->lib, &all);
    io_uring_queue_exit(&r->lib);
}

int
rings_enter(struct rings *r, unsigned wait, int64_t timeout_ms)
{
    struct __kernel_timespec ts;
    struct io_uring_getevents_arg arg = {0};
    unsigned n = r->tail - __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE);

    if (wait && timeout_ms >= 0) {
        ts.tv_sec = timeout_ms / 1000;
        ts.tv_nsec = timeout_ms % 1000 * 1000000;
        arg.ts = (uintptr_t)&ts;
    }
    __atomic_store_n(r->sq_tail, r->tail, __ATOMIC_RELEASE);
    if (syscall(__NR_io_uring_enter, r->enter_fd, n, wait, r->enter_flags, &arg,
                sizeof arg) >= 0)
        return 0;
    /* EAGAIN and EBUSY: no memory for now, or completions have to be taken
     * first; what was not submitted is so next time. */
    if (errno == ETIME || errno == EINTR || errno == EAGAIN || errno == EBUSY)
        return 0;
    return -errno;
}
