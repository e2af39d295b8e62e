/* SPDX-License-Identifier: BSD-2-Clause */
/* regions.c - memory that a server process is given, and when it is not. */
#include "serve/regions.h"

#include <sys/mman.h>
#include <unistd.h>

#include "os/shared.h"
#include "serve/channel.h"
#include "t/lib/unit.h"

#define MEMORY (1u << 20)
#define SEAT 2u

static struct channel channel;
static struct region *heads[CTL_N_MEMORIES];

/* As a supervisor makes it; our own mapping of it stays. */
static void
be_given(int which, const struct region_kind *k, uint64_t measure)
{
    int fd = shared_new(k->name, k->bytes(measure));
    size_t bytes;
    void *p;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(shared_map(fd, &p, &bytes), 0);
    region_format(p, k, measure);
    ck_assert_uint_ne(seats_give(&((struct region *)p)->seats, SEAT),
                      SEATS_NONE);
    channel.memory[which] = fd;
    heads[which] = p;
}

static void
begin(void)
{
    channel = (struct channel)CHANNEL_NONE;
    channel.seat = SEAT;
    be_given(CTL_STORES, vault_kind(), MEMORY);
    be_given(CTL_FIGURES, figures_kind(), 4);
}

static struct regions
open_with(uint32_t n_workers)
{
    struct regions r;

    ck_assert_int_eq(regions_open(&r, &channel, MEMORY, n_workers), 0);
    ck_assert_int_eq(channel.memory[CTL_STORES], -1);
    ck_assert_int_eq(channel.memory[CTL_FIGURES], -1);
    return r;
}

START_TEST(what_is_given_is_taken)
{
    struct regions r = open_with(3);

    ck_assert_uint_eq(r.vault.seat, SEAT);
    ck_assert_uint_eq(r.figures.seat, SEAT);
    figures_note_generation(&r.figures, 7);
    ck_assert_uint_eq(heads[CTL_FIGURES]->words[0], 7);
    ck_assert(seats_has_begun(&heads[CTL_FIGURES]->seats, SEAT));
    regions_close(&r);
}
END_TEST

START_TEST(what_is_of_another_version_is_not)
{
    struct regions r;

    heads[CTL_STORES]->format++;
    heads[CTL_FIGURES]->magic++;
    r = open_with(3);
    ck_assert_uint_eq(r.vault.seat, 0);
    ck_assert_uint_eq(r.figures.seat, 0);
    ck_assert(!seats_has_begun(&heads[CTL_FIGURES]->seats, SEAT));
    regions_close(&r);
}
END_TEST

START_TEST(more_workers_than_it_was_made_for_count_for_themselves)
{
    struct regions r = open_with(4);

    ck_assert_uint_eq(r.vault.seat, SEAT);
    ck_assert_uint_eq(r.figures.seat, 0);
    metrics_add(figures_own(&r.figures, 4), METRIC_requests, 1);
    regions_close(&r);
}
END_TEST

START_TEST(without_a_seat_there_is_nothing_to_take)
{
    struct regions r;

    seats_free(&heads[CTL_STORES]->seats, SEAT);
    channel.seat = SEATS_MAX;
    r = open_with(3);
    ck_assert_uint_eq(r.vault.seat, 0);
    ck_assert_uint_eq(r.figures.seat, 0);
    regions_close(&r);
}
END_TEST

START_TEST(who_is_given_nothing_has_its_own)
{
    struct regions r, dry;

    close(channel.memory[CTL_STORES]);
    close(channel.memory[CTL_FIGURES]);
    channel = (struct channel)CHANNEL_NONE;
    r = open_with(100);
    ck_assert_uint_eq(r.figures.seat, 0);
    ck_assert(seats_has_begun(&r.figures.region->seats, 0));
    regions_close(&r);
    ck_assert_int_eq(regions_open_dry(&dry), 0);
    ck_assert_ptr_null(dry.vault.region);
    regions_close(&dry);
    regions_close(&dry);
}
END_TEST

UNIT_MAIN_IN(begin, NULL, regions, what_is_given_is_taken,
             what_is_of_another_version_is_not,
             more_workers_than_it_was_made_for_count_for_themselves,
             without_a_seat_there_is_nothing_to_take,
             who_is_given_nothing_has_its_own)
