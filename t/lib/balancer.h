/* SPDX-License-Identifier: BSD-2-Clause */
/* balancer.h - a TCP balancer in a thread of the test.
 *
 * It gives each new connection to the next backend, as Kubernetes' services
 * do, and copies bytes both ways until one side ends.  A backend that is
 * removed gets no new connections; those it has stay.  What fails between the
 * balancer and a backend, the client sees as a connection that ends. */
#ifndef T_LIB_BALANCER_H
#define T_LIB_BALANCER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define BALANCER_BACKENDS 2
#define BALANCER_PAIRS 64 /* connections at a time */

struct balancer_pair {
    int side[2]; /* client, backend */
    int backend;
};

struct balancer {
    uint16_t port; /* where it listens */
    uint16_t to[BALANCER_BACKENDS];
    atomic_int is_removed[BALANCER_BACKENDS];
    atomic_uint n_given[BALANCER_BACKENDS]; /* connections, ever */
    atomic_uint n_open[BALANCER_BACKENDS];  /* connections, now */

    pthread_t thread;
    int listen_fd, stop[2];
    unsigned next;
    int n_pairs;
    struct balancer_pair pairs[BALANCER_PAIRS];
};

/* Listen on a port of the kernel's choice for these backends' ports. */
void balancer_start(struct balancer *b, const uint16_t *ports);
/* No new connections for this backend. */
void balancer_remove(struct balancer *b, int backend);
/* Close everything, end the thread. */
void balancer_stop(struct balancer *b);

#endif
