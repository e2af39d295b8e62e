/* SPDX-License-Identifier: BSD-2-Clause */
/* closer.c - see closer.h. */
#include "os/closer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include "os/cpu.h"
#include "os/filesys.h"
#include "os/thread.h"

#define STACK_BYTES (256u << 10)
#define PLACES 8u

static struct {
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t called;
    int has_thread;
    uint32_t first, n;
    int fds[CLOSER_MAX]; /* a ring */
} closer = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .called = PTHREAD_COND_INITIALIZER,
};

/* File systems of this machine, as the thread has seen them: only it writes.
 * What is mounted later may have the number of one that is gone: then its files
 * are closed where they are given up. */
static _Atomic uint64_t places[PLACES];

static int
is_known(uint64_t number)
{
    for (unsigned i = 0; i < PLACES; i++) {
        if (atomic_load_explicit(&places[i], memory_order_relaxed) == number)
            return 1;
    }
    return 0;
}

/* To ask where it lies may take its time, too. */
static void
know(int fd)
{
    static unsigned next;
    uint64_t number = filesys_of(fd);

    if (number == 0 || is_known(number) || !filesys_is_local(fd))
        return;
    atomic_store_explicit(&places[next], number, memory_order_relaxed);
    next = (next + 1) % PLACES;
}

/* ---- the thread ----------------------------------------------------------*/

static int
next_one(void)
{
    int fd;

    pthread_mutex_lock(&closer.lock);
    while (closer.n == 0)
        pthread_cond_wait(&closer.called, &closer.lock);
    fd = closer.fds[closer.first];
    closer.first = (closer.first + 1) % CLOSER_MAX;
    closer.n--;
    pthread_mutex_unlock(&closer.lock);
    return fd;
}

static void *
run(void *arg)
{
    sigset_t all;

    (void)arg;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    (void)!cpu_unpin(); /* a worker has started it */
    for (;;) {
        int fd = next_one();
        know(fd);
        close(fd);
    }
    return NULL;
}

/* Locked. */
static int
start(void)
{
    pthread_t t;

    if (closer.has_thread || thread_start(&t, STACK_BYTES, run, NULL) < 0)
        return closer.has_thread;
    pthread_detach(t);
    closer.has_thread = 1;
    return 1;
}

/* ---- who has one to close ------------------------------------------------*/

static int
hand_over(int fd)
{
    int is_taken;

    pthread_mutex_lock(&closer.lock);
    is_taken = closer.n < CLOSER_MAX && start();
    if (is_taken) {
        closer.fds[(closer.first + closer.n++) % CLOSER_MAX] = fd;
        pthread_cond_signal(&closer.called);
    }
    pthread_mutex_unlock(&closer.lock);
    return is_taken;
}

static int
is_quick(int fd)
{
    int has_name;
    uint64_t number = filesys_look(fd, &has_name);

    return number != 0 && has_name && is_known(number);
}

void
closer_take(int fd)
{
    if (is_quick(fd) || !hand_over(fd))
        close(fd);
}
