/* SPDX-License-Identifier: BSD-2-Clause */
/* mpsc.c - the mailbox list: order, who wakes, and many threads at once. */
#include "base/mpsc.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "t/lib/unit.h"

#define PRODUCERS 3
#define EACH 20000

struct post {
    struct mpsc_node node;
    unsigned from, serial;
};

static struct mpsc list;
static struct post posts[PRODUCERS][EACH];

START_TEST(an_empty_list_has_nothing)
{
    mpsc_init(&list);
    ck_assert(mpsc_is_empty(&list));
    ck_assert_ptr_null(mpsc_take_all(&list));
}
END_TEST

START_TEST(only_the_first_push_has_to_wake)
{
    struct post p[3];

    mpsc_init(&list);
    ck_assert_int_eq(mpsc_push(&list, &p[0].node), 1);
    ck_assert_int_eq(mpsc_push(&list, &p[1].node), 0);
    ck_assert_int_eq(mpsc_push(&list, &p[2].node), 0);
    ck_assert(!mpsc_is_empty(&list));
    ck_assert_ptr_eq(mpsc_take_all(&list), &p[0].node);
    ck_assert_ptr_eq(p[0].node.next, &p[1].node);
    ck_assert_ptr_eq(p[1].node.next, &p[2].node);
    ck_assert_ptr_null(p[2].node.next);
    ck_assert_int_eq(mpsc_push(&list, &p[1].node), 1);
    ck_assert_ptr_eq(mpsc_take_all(&list), &p[1].node);
    ck_assert_ptr_null(p[1].node.next);
}
END_TEST

static int wake_fd;

static void *
produce(void *arg)
{
    struct post *own = arg;
    uint64_t one = 1;

    for (unsigned i = 0; i < EACH; i++) {
        own[i].from = (unsigned)((own - posts[0]) / EACH);
        own[i].serial = i;
        if (mpsc_push(&list, &own[i].node))
            UNIT_HOLDS(write(wake_fd, &one, sizeof one) == sizeof one);
    }
    return NULL;
}

/* The consumer sleeps whenever it has taken all; were a wake-up missing, it
 * would sleep for ever. */
START_TEST(every_post_of_every_thread_comes_once_in_its_order)
{
    pthread_t threads[PRODUCERS];
    unsigned next[PRODUCERS] = {0}, n = 0;

    mpsc_init(&list);
    wake_fd = eventfd(0, EFD_CLOEXEC);
    for (unsigned i = 0; i < PRODUCERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, produce, posts[i]),
                         0);
    while (n < PRODUCERS * EACH) {
        struct pollfd ready = {.fd = wake_fd, .events = POLLIN};
        struct mpsc_node *at;
        uint64_t count;

        ck_assert_int_eq(poll(&ready, 1, 20000), 1);
        ck_assert_int_eq(read(wake_fd, &count, sizeof count), sizeof count);
        for (at = mpsc_take_all(&list); at; n++) {
            struct post *p = CONTAINER_OF(at, struct post, node);

            at = at->next;
            ck_assert_uint_eq(p->serial, next[p->from]);
            next[p->from]++;
        }
    }
    for (unsigned i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert(mpsc_is_empty(&list));
    close(wake_fd);
}
END_TEST

UNIT_MAIN(mpsc, an_empty_list_has_nothing, only_the_first_push_has_to_wake,
          every_post_of_every_thread_comes_once_in_its_order)
