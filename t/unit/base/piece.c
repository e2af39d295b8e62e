/* SPDX-License-Identifier: BSD-2-Clause */
/* piece.c - pieces of a shelf: whole, within their end, one in the place of
 * another; and readers beside writers. */
/* tags: asan tsan */
#include "base/piece.h"

#include <pthread.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "t/lib/shelves.h"

#define ROOM 64

static struct shelves f;

static int
put(struct shelf_hand *hand, uint64_t key, et_str bytes, uint64_t ttl_ms)
{
    const struct shelf_name name = shelves_name(key);

    return piece_put(&f.shelf, hand, &name, 0, bytes, ttl_ms);
}

static const char *
get(uint64_t key, uint64_t now_ms)
{
    const struct shelf_name name = shelves_name(key);
    static char out[ROOM + 1];
    int n = piece_get(&f.shelf, &name, now_ms, out);

    if (n < 0)
        return NULL;
    out[n] = '\0';
    return out;
}

START_TEST(a_piece_is_kept_until_its_end_or_the_next)
{
    struct shelf_hand hand;

    f = shelves_new(256, ROOM);
    hand = shelves_hand(&f, 0);
    ck_assert_ptr_null(get(1, 1000));
    ck_assert_int_eq(put(&hand, 1, str_lit("one"), 100), 0);
    ck_assert_str_eq(get(1, 1099), "one");
    ck_assert_ptr_null(get(1, 1100));
    ck_assert_int_eq(put(&hand, 1, str_lit("another one"), 0), 0);
    ck_assert_str_eq(get(1, 1u << 30), "another one");
    ck_assert_int_eq(put(&hand, 1, str_lit(""), 0), 0);
    ck_assert_str_eq(get(1, 1000), "");
    ck_assert_int_eq(hand.n_entries, 1);
    ck_assert_int_eq(shelves_count(&f), 1);
    shelves_end(&f);
}
END_TEST

START_TEST(a_piece_of_any_length_is_whole)
{
    char text[ROOM + 1] = "";
    struct shelf_hand hand;

    f = shelves_new(64, ROOM);
    hand = shelves_hand(&f, 0);
    for (size_t n = 0; n <= ROOM; n++) {
        memset(text, (int)('a' + n % 26), n);
        ck_assert_int_eq(put(&hand, 1, (et_str){text, n}, 0), 0);
        ck_assert_str_eq(get(1, 1000), text);
    }
    shelves_end(&f);
}
END_TEST

START_TEST(what_was_dropped_is_gone)
{
    const struct shelf_name name = shelves_name(1);
    struct shelf_hand hand;

    f = shelves_new(256, ROOM);
    hand = shelves_hand(&f, 0);
    ck_assert_int_eq(put(&hand, 1, str_lit("one"), 0), 0);
    ck_assert_int_eq(put(&hand, 2, str_lit("two"), 0), 0);
    piece_drop(&f.shelf, &hand, &name);
    piece_drop(&f.shelf, &hand, &name);
    ck_assert_ptr_null(get(1, 1000));
    ck_assert_str_eq(get(2, 1000), "two");
    ck_assert_int_eq(hand.n_entries, 1);
    shelves_end(&f);
}
END_TEST

START_TEST(one_that_finds_no_room_takes_the_old_with_it)
{
    struct shelf_hand hand;

    f = shelves_new(64, ROOM);
    hand = shelves_hand(&f, 0);
    for (uint64_t i = 0; i < 64; i++)
        ck_assert_int_eq(put(&hand, i, str_lit("x"), 0), 0);
    ck_assert_int_eq(put(&hand, 64, str_lit("y"), 0), ERR_LIMIT);
    ck_assert_int_eq(put(&hand, 5, str_lit("y"), 0), ERR_LIMIT);
    ck_assert_ptr_null(get(5, 1000));
    ck_assert_int_eq(put(&hand, 5, str_lit("y"), 0), 0);
    ck_assert_str_eq(get(5, 1000), "y");
    shelves_end(&f);
}
END_TEST

START_TEST(a_length_that_cannot_be_is_nothing)
{
    const struct shelf_name name = shelves_name(1);
    struct shelf_hand hand;
    struct shelf_view v;

    f = shelves_new(64, ROOM);
    hand = shelves_hand(&f, 0);
    ck_assert_int_eq(put(&hand, 1, str_lit("one"), 0), 0);
    ck_assert(shelf_find(&f.shelf, &name, &v));
    atomic_store(&shelf_slot(&f.shelf, v.at)->n, ROOM + 1);
    ck_assert_ptr_null(get(1, 1000));
    shelves_end(&f);
}
END_TEST

/* ---- threads -------------------------------------------------------------*/

#define N_TIMES 150000

static atomic_int is_over;

static void *
write_on(void *arg)
{
    struct shelf_hand hand = shelves_hand(&f, 0);
    char text[ROOM];

    for (size_t i = 0; i < N_TIMES; i++) {
        memset(text, (int)('a' + i % 26), sizeof text);
        UNIT_HOLDS(put(&hand, 1, (et_str){text, 1 + i % ROOM}, 0) == 0);
    }
    atomic_fetch_add(&is_over, 1);
    return arg;
}

/* It is always there, and always one letter. */
START_TEST(a_reader_sees_one_or_the_other_whole)
{
    const struct shelf_name name = shelves_name(1);
    pthread_t writers[2];
    struct shelf_hand hand;
    char out[ROOM];

    f = shelves_new(64, ROOM);
    hand = shelves_hand(&f, 0);
    ck_assert_int_eq(put(&hand, 1, str_lit("a"), 0), 0);
    for (uint64_t i = 2; i < 50; i++) /* it moves among them */
        ck_assert_int_eq(put(&hand, i, str_lit("x"), 0), 0);
    for (int i = 0; i < 2; i++)
        pthread_create(&writers[i], NULL, write_on, NULL);
    while (atomic_load(&is_over) < 2) {
        const int n = piece_get(&f.shelf, &name, 1000, out);
        UNIT_HOLDS(n > 0);
        for (int i = 1; i < n; i++)
            UNIT_HOLDS(out[i] == out[0]);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(writers[i], NULL);
    ck_assert_int_eq(shelves_count(&f), 49);
    shelves_end(&f);
}
END_TEST

UNIT_MAIN(piece, a_piece_is_kept_until_its_end_or_the_next,
          a_piece_of_any_length_is_whole, what_was_dropped_is_gone,
          one_that_finds_no_room_takes_the_old_with_it,
          a_length_that_cannot_be_is_nothing,
          a_reader_sees_one_or_the_other_whole)
