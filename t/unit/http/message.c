/* SPDX-License-Identifier: BSD-2-Clause */
/* message.c - a message is there as long as somebody refers to it, and all of
 * them are bounded.
 * tags: asan tsan */
#include "http/message.h"

#include <pthread.h>
#include <string.h>

#define UNIT_SECONDS 60
#include "base/str.h"
#include "t/lib/unit.h"

START_TEST(it_is_a_copy)
{
    char name[] = {'a', '\0', 'b'}, body[] = "text";
    struct message *m;

    ck_assert_int_eq(
        message_new(&m, 3, 0, (et_str){name, sizeof name}, (et_str){body, 4}),
        0);
    name[0] = body[0] = 'x';
    ck_assert(str_eq(m->name, (et_str){"a\0b", 3}));
    ck_assert(str_eq(m->body, (et_str){"text", 4}));
    ck_assert_int_eq(m->name.p[3] | m->body.p[4], 0);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_eq(m->mails[i].message, m);
    ck_assert_uint_eq(message_bytes(), m->bytes);
    message_ref(m, 2);
    message_unref(m, 2);
    ck_assert_uint_gt(message_bytes(), 0);
    message_unref(m, 1);
    ck_assert_uint_eq(message_bytes(), 0);
    ck_assert_int_eq(
        message_new(&m, 0, 0, (et_str){name, 1}, (et_str){NULL, 0}), 0);
    ck_assert_uint_eq(m->body.n, 0);
    message_unref(m, 1);
}
END_TEST

START_TEST(all_of_them_are_bounded)
{
    struct message *v[64], *m;
    uint32_t n = 0;

    message_limit(4096);
    while (n < 64 && message_new(&v[n], 1, 0, (et_str){"x", 1},
                                 (et_str){"0123456789", 10}) == 0)
        n++;
    ck_assert_uint_gt(n, 8);
    ck_assert_uint_lt(n, 64);
    ck_assert_uint_le(message_bytes(), 4096);
    message_unref(v[--n], 1);
    ck_assert_int_eq(
        message_new(&v[n], 1, 0, (et_str){"x", 1}, (et_str){"0123456789", 10}),
        0);
    n++;
    message_limit(0);
    ck_assert_int_eq(message_new(&m, 0, 0, (et_str){"x", 1}, (et_str){NULL, 0}),
                     ET_ELIMIT);
    while (n > 0)
        message_unref(v[--n], 1);
    ck_assert_uint_eq(message_bytes(), 0);
    message_limit(SIZE_MAX);
}
END_TEST

#define THREADS 4
#define ROUNDS 20000u

static void *
read_and_let_go(void *arg)
{
    struct message *m = arg;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        message_ref(m, 1);
        sum += (unsigned char)m->body.p[i % m->body.n];
        message_unref(m, 1);
    }
    message_unref(m, 1);
    return (void *)(uintptr_t)sum;
}

START_TEST(whoever_is_last_frees_it)
{
    pthread_t threads[THREADS];
    struct message *m;

    ck_assert_int_eq(
        message_new(&m, 0, 0, (et_str){"x", 1}, (et_str){"0123456789", 10}), 0);
    message_ref(m, THREADS);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_and_let_go, m),
                         0);
    message_unref(m, 1);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(message_bytes(), 0);
}
END_TEST

UNIT_MAIN(message, it_is_a_copy, all_of_them_are_bounded,
          whoever_is_last_frees_it)
