/* SPDX-License-Identifier: BSD-2-Clause */
/* tickets.c - keys by the hour, by a file, and over to the next process. */
/* tags: asan tsan */
#include "tls/tickets.h"

#include <pthread.h>
#include <string.h>

#include "base/str.h"
#include "t/lib/unit.h"

#define HOUR 3600
#define NOW ((int64_t)1900000800) /* a full hour */

static struct ticket_key
key_at(struct tickets *t, int64_t s)
{
    struct ticket_key key;

    tickets_current(t, s, &key);
    return key;
}

static int
is_same(struct ticket_key a, struct ticket_key b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

START_TEST(a_key_is_current_for_an_hour_and_old_for_two)
{
    struct tickets *t = tickets_new(NOW);
    struct ticket_key first = key_at(t, NOW), found;

    ck_assert(is_same(key_at(t, NOW + HOUR - 1), first));
    ck_assert_int_eq(tickets_find(t, NOW, first.name, &found), TICKETS_CURRENT);
    ck_assert(is_same(found, first));
    ck_assert(!is_same(key_at(t, NOW + HOUR), first));
    for (int h = 1; h <= TICKETS_OLD_HOURS; h++)
        ck_assert_int_eq(tickets_find(t, NOW + h * HOUR, first.name, &found),
                         TICKETS_OLD);
    ck_assert(is_same(found, first));
    ck_assert_int_eq(tickets_find(t, NOW + (TICKETS_OLD_HOURS + 1) * HOUR,
                                  first.name, &found),
                     TICKETS_UNKNOWN);
    tickets_drop(t);
}
END_TEST

START_TEST(parts_of_a_key_have_nothing_in_common)
{
    struct tickets *t = tickets_new(NOW);
    struct ticket_key a = key_at(t, NOW), b = key_at(t, NOW + HOUR);

    ck_assert_int_ne(memcmp(a.mac, a.aes, 32), 0);
    ck_assert_int_ne(memcmp(a.name, a.mac, 16), 0);
    ck_assert_int_ne(memcmp(a.name, a.aes, 16), 0);
    ck_assert_int_ne(memcmp(a.mac, b.mac, 32), 0);
    ck_assert_int_ne(memcmp(a.aes, b.aes, 32), 0);
    ck_assert_int_ne(memcmp(a.name, b.name, 16), 0);
    tickets_drop(t);
}
END_TEST

START_TEST(a_clock_set_back_changes_nothing)
{
    struct tickets *t = tickets_new(NOW);
    struct ticket_key now = key_at(t, NOW);

    ck_assert(is_same(key_at(t, NOW - 100 * HOUR), now));
    ck_assert(is_same(key_at(t, NOW), now));
    tickets_drop(t);
}
END_TEST

START_TEST(a_clock_that_jumps_far_ahead_is_followed)
{
    struct tickets *t = tickets_new(NOW);
    struct ticket_key now = key_at(t, NOW), found;

    ck_assert(!is_same(key_at(t, NOW + 1000000L * HOUR), now));
    ck_assert_int_eq(tickets_find(t, NOW + 1000000L * HOUR, now.name, &found),
                     TICKETS_UNKNOWN);
    tickets_drop(t);
}
END_TEST

/* Both go on alone and stay the same. */
START_TEST(another_process_goes_on_with_them)
{
    struct tickets *t = tickets_new(NOW), *u;
    struct ticket_key before = key_at(t, NOW), at_save, found;
    uint8_t saved[TICKETS_SAVED_BYTES];

    at_save = key_at(t, NOW + HOUR);
    ck_assert_uint_eq(tickets_save(t, saved), sizeof saved);
    u = tickets_load((et_str){(char *)saved, sizeof saved});
    ck_assert_ptr_nonnull(u);
    ck_assert(is_same(key_at(u, NOW + HOUR), at_save));
    ck_assert_int_eq(tickets_find(u, NOW + HOUR, before.name, &found),
                     TICKETS_OLD);
    ck_assert(is_same(found, before));
    for (int h = 2; h < 50; h++)
        ck_assert(
            is_same(key_at(t, NOW + h * HOUR), key_at(u, NOW + h * HOUR)));
    tickets_drop(t);
    tickets_drop(u);
}
END_TEST

/* Whichever of them is asked first, and when. */
START_TEST(of_keys_nobody_has_used_yet)
{
    struct tickets *t = tickets_new(NOW), *u;
    uint8_t saved[TICKETS_SAVED_BYTES];

    tickets_save(t, saved);
    u = tickets_load((et_str){(char *)saved, sizeof saved});
    ck_assert_ptr_nonnull(u);
    (void)key_at(u, NOW + HOUR);
    ck_assert(is_same(key_at(u, NOW + 5 * HOUR), key_at(t, NOW + 5 * HOUR)));
    tickets_drop(t);
    tickets_drop(u);
}
END_TEST

START_TEST(what_is_no_state_is_not_loaded)
{
    struct tickets *t = tickets_new(NOW);
    uint8_t saved[TICKETS_SAVED_BYTES];

    tickets_save(t, saved);
    ck_assert_ptr_null(tickets_load((et_str){(char *)saved, 10}));
    ck_assert_ptr_null(tickets_load((et_str){NULL, 0}));
    saved[0] ^= 1;
    ck_assert_ptr_null(tickets_load((et_str){(char *)saved, sizeof saved}));
    saved[0] ^= 1;
    memset(saved + 8, 0xff, 8); /* an hour before all hours */
    ck_assert_ptr_null(tickets_load((et_str){(char *)saved, sizeof saved}));
    tickets_drop(t);
}
END_TEST

START_TEST(of_a_file_the_first_encrypts_and_all_decrypt)
{
    char bytes[3 * TICKETS_KEY_BYTES];
    struct ticket_key found;
    struct tickets *t;
    struct diag d;
    uint8_t saved[TICKETS_SAVED_BYTES];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31 + i / 80);
    diag_init(&d);
    t = tickets_from_file((et_str){bytes, sizeof bytes}, "keys", NULL, &d);
    ck_assert_ptr_nonnull(t);
    found = key_at(t, NOW);
    ck_assert_int_eq(memcmp(found.name, bytes, 16), 0);
    ck_assert_int_eq(memcmp(found.mac, bytes + 16, 32), 0);
    ck_assert_int_eq(memcmp(found.aes, bytes + 48, 32), 0);
    ck_assert(is_same(key_at(t, NOW + 100 * HOUR), found));
    ck_assert_int_eq(tickets_find(t, NOW, (uint8_t *)bytes + 160, &found),
                     TICKETS_OLD);
    ck_assert_int_eq(memcmp(&found, bytes + 160, 80), 0);
    ck_assert_int_eq(tickets_find(t, NOW, (uint8_t *)bytes + 1, &found),
                     TICKETS_UNKNOWN);
    ck_assert_uint_eq(tickets_save(t, saved), 0);
    tickets_drop(t);
    diag_fini(&d);
}
END_TEST

START_TEST(a_file_of_another_size_is_refused)
{
    static const size_t sizes[] = {0, 1, 48, 79, 81, 159, 17 * 80};
    char bytes[17 * 80] = {1};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct place at = {"etude.ini", 12};
        struct diag d;
        diag_init(&d);
        ck_assert_ptr_null(
            tickets_from_file((et_str){bytes, sizes[i]}, "keys", &at, &d));
        ck_assert_uint_eq(d.n_errors, 1);
        unit_has(d.first->text, "etude.ini:12: keys: ");
        diag_fini(&d);
    }
}
END_TEST

static void *
use_them(void *arg)
{
    struct tickets *t = tickets_hold(arg);
    struct ticket_key key, found;

    for (int i = 0; i < 2000; i++) {
        tickets_current(t, NOW + i * 60, &key);
        (void)tickets_find(t, NOW + i * 60, key.name, &found);
    }
    tickets_drop(t);
    return NULL;
}

START_TEST(several_threads_have_the_same_ones)
{
    struct tickets *t = tickets_new(NOW);
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use_them, t), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    tickets_drop(t);
}
END_TEST

UNIT_MAIN(tickets, a_key_is_current_for_an_hour_and_old_for_two,
          parts_of_a_key_have_nothing_in_common,
          a_clock_set_back_changes_nothing,
          a_clock_that_jumps_far_ahead_is_followed,
          another_process_goes_on_with_them, of_keys_nobody_has_used_yet,
          what_is_no_state_is_not_loaded,
          of_a_file_the_first_encrypts_and_all_decrypt,
          a_file_of_another_size_is_refused, several_threads_have_the_same_ones)
