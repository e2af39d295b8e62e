/* SPDX-License-Identifier: BSD-2-Clause */
/* thread.c - a thread is waited for, but not longer than said. */
#include "os/thread.h"

#include <errno.h>
#include <semaphore.h>

#include "t/lib/unit.h"

static sem_t may_end;

static void *
wait_for_leave(void *arg)
{
    sem_wait(&may_end);
    return arg;
}

START_TEST(one_that_does_not_end_is_left_after_the_time)
{
    pthread_t t;

    ck_assert_int_eq(sem_init(&may_end, 0, 0), 0);
    ck_assert_int_eq(pthread_create(&t, NULL, wait_for_leave, NULL), 0);
    /* From any part of a second: the sum may pass one. */
    for (uint32_t ms = 0; ms < 4; ms++)
        ck_assert_int_eq(thread_join(t, ms * 333), -ETIMEDOUT);
    ck_assert_int_eq(sem_post(&may_end), 0);
    ck_assert_int_eq(thread_join(t, 20999), 0);
    sem_destroy(&may_end);
}
END_TEST

UNIT_MAIN(thread, one_that_does_not_end_is_left_after_the_time)
