/* SPDX-License-Identifier: BSD-2-Clause */
/* memory.c - what is kept for server processes: seats, and another supervisor
 * that goes on with it, of this version or of another. */
#include "super/memory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/figures.h"
#include "base/vault.h"
#include "conf/conf.h"
#include "os/shared.h"
#include "t/lib/unit.h"

static struct conf conf = {.server = {.store_memory = 1 << 20, .workers = 3}};
static struct memory m = MEMORY_NONE;

static void
begin(void)
{
    memory_open(&m, &conf);
    for (int i = 0; i < CTL_N_MEMORIES; i++) {
        ck_assert_int_ge(m.fds[i], 0);
        ck_assert_ptr_nonnull(m.heads[i]);
    }
}

static void
end(void)
{
    memory_close(&m);
    ck_assert_int_eq(m.fds[CTL_STORES], -1);
}

static struct seats *
seats(void)
{
    return &m.heads[CTL_FIGURES]->seats;
}

START_TEST(a_seat_is_a_process_s_while_it_runs)
{
    uint32_t name;

    ck_assert(!seats_is_taken(seats(), 2));
    memory_give(&m, 2);
    name = seats_name(seats(), 2);
    ck_assert(seats_is_on(seats(), name));
    ck_assert(seats_is_taken(&m.heads[CTL_STORES]->seats, 2));
    memory_free(&m, 2);
    ck_assert(!seats_is_on(seats(), name));
}
END_TEST

START_TEST(another_supervisor_goes_on_with_it)
{
    struct memory next = MEMORY_NONE;
    char line[64];

    memory_give(&m, 1);
    snprintf(line, sizeof line, "%d %d", dup(m.fds[CTL_STORES]),
             dup(m.fds[CTL_FIGURES]));
    memory_load(&next, line);
    for (int i = 0; i < CTL_N_MEMORIES; i++) {
        ck_assert_int_ge(next.fds[i], 0);
        ck_assert(seats_is_taken(&next.heads[i]->seats, 1));
    }
    memory_free(&m, 1);
    ck_assert(!seats_is_taken(&next.heads[CTL_STORES]->seats, 1));
    memory_close(&next);
}
END_TEST

START_TEST(what_is_of_another_version_is_begun_anew)
{
    struct memory next = MEMORY_NONE;
    char line[64];

    memory_give(&m, 1);
    m.heads[CTL_STORES]->format++;
    snprintf(line, sizeof line, "%d %d", dup(m.fds[CTL_STORES]),
             dup(m.fds[CTL_FIGURES]));
    memory_load(&next, line);
    ck_assert_int_eq(next.fds[CTL_STORES], -1);
    ck_assert_int_ge(next.fds[CTL_FIGURES], 0);
    memory_open(&next, &conf);
    ck_assert_int_ge(next.fds[CTL_STORES], 0);
    ck_assert(!seats_is_taken(&next.heads[CTL_STORES]->seats, 1));
    ck_assert(seats_is_taken(&next.heads[CTL_FIGURES]->seats, 1));
    memory_close(&next);
}
END_TEST

/* As a plugin does that writes anywhere. */
static void
scribble(int fd)
{
    size_t bytes;
    void *p;

    ck_assert_int_eq(shared_map(fd, &p, &bytes), 0);
    memset(p, 0xa5, bytes);
    region_unmap(p, bytes);
}

START_TEST(what_is_damaged_is_begun_anew_once)
{
    struct region *heads[CTL_N_MEMORIES];

    memory_give(&m, 0);
    for (int i = 0; i < CTL_N_MEMORIES; i++)
        scribble(m.fds[i]);
    memory_give(&m, 1);
    for (int i = 0; i < CTL_N_MEMORIES; i++) {
        const struct region_kind *k =
            i == CTL_STORES ? vault_kind() : figures_kind();
        heads[i] = m.heads[i];
        ck_assert(region_is(m.heads[i], m.bytes[i], k));
        ck_assert(seats_is_taken(&m.heads[i]->seats, 1));
        ck_assert(!seats_is_taken(&m.heads[i]->seats, 0));
    }
    memory_free(&m, 0); /* of the old ones */
    memory_give(&m, 2);
    for (int i = 0; i < CTL_N_MEMORIES; i++) {
        ck_assert_ptr_eq(m.heads[i], heads[i]);
        ck_assert(seats_is_taken(&m.heads[i]->seats, 1));
        ck_assert(!seats_is_taken(&m.heads[i]->seats, 0));
    }
}
END_TEST

START_TEST(lines_that_make_no_sense_are_nothing)
{
    struct memory next = MEMORY_NONE;

    memory_load(&next, "-1 -1");
    memory_load(&next, "x");
    memory_load(&next, "9999 9998");
    ck_assert_int_eq(next.fds[CTL_STORES], -1);
    ck_assert_int_eq(next.fds[CTL_FIGURES], -1);
    memory_give(&next, 0);
    memory_free(&next, 0);
    memory_close(&next);
}
END_TEST

UNIT_MAIN_IN(begin, end, memory, a_seat_is_a_process_s_while_it_runs,
             another_supervisor_goes_on_with_it,
             what_is_of_another_version_is_begun_anew,
             what_is_damaged_is_begun_anew_once,
             lines_that_make_no_sense_are_nothing)
