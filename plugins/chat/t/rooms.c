/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* rooms.c - rooms and their logs are bounded, and outlive a reload. */
#include "plugins/chat/rooms.h"

#include "t/lib/unit.h"

static struct rooms rooms, next;
static char saved[1 << 20];
static size_t n_saved, saved_max;

static void
set_up(void)
{
    ck_assert_int_eq(rooms_init(&rooms, 2, 3), 0);
    ck_assert_int_eq(rooms_init(&next, 2, 2), 0);
    n_saved = 0;
    saved_max = sizeof saved;
}

static void
tear_down(void)
{
    rooms_fini(&rooms);
    rooms_fini(&next);
}

static int32_t
put(void *out, const void *p, size_t n)
{
    (void)out;
    if (n > saved_max - n_saved)
        return ET_ELIMIT;
    memcpy(saved + n_saved, p, n);
    n_saved += n;
    return 0;
}

static void
keep(const char *name, const char *message)
{
    rooms_keep(&rooms, rooms_get(&rooms, et_s(name)), et_s(message));
}

/* Its messages, with a blank behind each. */
static const char *
log_of(struct rooms *r, const char *name)
{
    static char text[256];
    const struct room *room = rooms_get(r, et_s(name));
    size_t at = 0;
    et_str m;

    text[0] = '\0';
    while ((m = rooms_next(room, &at)).p && m.n < 8)
        strcat(strncat(text, m.p, m.n), " ");
    return text;
}

START_TEST(a_room_keeps_what_was_said_last)
{
    keep("a", "1");
    keep("a", "");
    keep("b", "x");
    keep("a", "3");
    ck_assert_str_eq(log_of(&rooms, "a"), "1  3 ");
    keep("a", "4");
    keep("a", "5");
    ck_assert_str_eq(log_of(&rooms, "a"), "3 4 5 ");
    ck_assert_str_eq(log_of(&rooms, "b"), "x ");
}
END_TEST

/* The log of a from there on begins with that; "": nothing is new. */
static void
begins_since(uint32_t n_kept, const char *expected)
{
    const struct room *room = rooms_get(&rooms, et_s("a"));
    size_t at = rooms_since(room, n_kept);
    et_str message = rooms_next(room, &at);

    ck_assert(et_eq(message, et_s(expected)) || (!message.p && !*expected));
}

START_TEST(what_is_new_in_it_is_found)
{
    const struct room *room = rooms_get(&rooms, et_s("a"));
    const uint32_t before = room->n_kept;

    begins_since(before, "");
    keep("a", "1");
    keep("a", "2");
    begins_since(before + 2, "");
    begins_since(before + 1, "2");
    begins_since(before, "1");
    keep("a", "3");
    keep("a", "4");
    begins_since(before, "2"); /* what has gone is gone */
    begins_since(before + 3, "4");
}
END_TEST

START_TEST(in_so_many_bytes)
{
    static char large[ROOM_BYTES];
    struct room *room = rooms_get(&rooms, et_s("a"));

    keep("a", "1");
    rooms_keep(&rooms, room, et_sn(large, ROOM_BYTES - 1)); /* never fits */
    ck_assert_str_eq(log_of(&rooms, "a"), "1 ");
    rooms_keep(&rooms, room, et_sn(large, ROOM_BYTES - 2));
    ck_assert_uint_eq(room->n, 1);
    ck_assert_uint_eq(room->log_len, ROOM_BYTES);
    keep("a", "2");
    ck_assert_str_eq(log_of(&rooms, "a"), "2 ");
}
END_TEST

START_TEST(one_that_is_empty_goes_for_another)
{
    struct room *a = rooms_get(&rooms, et_s("a"));
    uint32_t ticket = rooms_ticket(&rooms, a);

    keep("a", "1");
    keep("b", "2");
    a->n_here = 1;
    ck_assert_str_eq(log_of(&rooms, "c"), ""); /* b has gone for it */
    ck_assert_str_eq(log_of(&rooms, "b"), "");
    ck_assert_ptr_eq(rooms_of_ticket(&rooms, ticket), a);
    rooms_get(&rooms, et_s("b"))->n_here = 1;
    ck_assert_ptr_null(rooms_get(&rooms, et_s("d")));
    a->n_here = 0;
    ck_assert_ptr_eq(rooms_get(&rooms, et_s("d")), a);
    ck_assert_ptr_null(rooms_of_ticket(&rooms, ticket));
}
END_TEST

START_TEST(they_outlive_a_reload)
{
    keep("a", "1");
    keep("a", "2");
    keep("a", "3");
    keep("b", "4");
    ck_assert_int_eq(rooms_save(&rooms, NULL, put), 0);
    ck_assert_int_eq(rooms_load(&next, saved, n_saved), 0);
    ck_assert_int_eq(rooms_load(&next, saved, n_saved), 0); /* nothing twice */
    ck_assert_str_eq(log_of(&next, "a"), "2 3 ");           /* it keeps two */
    ck_assert_str_eq(log_of(&next, "b"), "4 ");
    saved_max = n_saved = 20;
    ck_assert_int_eq(rooms_save(&rooms, NULL, put), ET_ELIMIT);
    ck_assert_int_eq(rooms_load(&next, saved, 0), 0);
    ck_assert_str_eq(log_of(&next, "a"), "");
}
END_TEST

START_TEST(what_is_malformed_changes_nothing)
{
    char *exact;
    int n_good = 0;

    keep("a", "1");
    keep("b", "23");
    ck_assert_int_eq(rooms_save(&rooms, NULL, put), 0);
    for (size_t n = 0; n < n_saved; n++) { /* cut anywhere */
        exact = malloc(n ? n : 1);
        memcpy(exact, saved, n);
        n_good += rooms_load(&next, exact, n) == 0;
        free(exact);
    }
    ck_assert_int_eq(n_good, 2);           /* nothing, and the first one */
    for (size_t i = 0; i < n_saved; i++) { /* any byte another one */
        exact = malloc(n_saved);
        memcpy(exact, saved, n_saved);
        exact[i] = (char)(exact[i] ^ 0x55);
        (void)!rooms_load(&next, exact, n_saved);
        free(exact);
    }
    ck_assert_int_eq(rooms_load(&next, saved, n_saved), 0);
    saved[0] = 65;
    ck_assert_int_eq(rooms_load(&next, saved, n_saved), ET_EINVAL);
    ck_assert_str_eq(log_of(&next, "b"), "23 ");
}
END_TEST

UNIT_MAIN_IN(set_up, tear_down, rooms, a_room_keeps_what_was_said_last,
             what_is_new_in_it_is_found, in_so_many_bytes,
             one_that_is_empty_goes_for_another, they_outlive_a_reload,
             what_is_malformed_changes_nothing)
