/* SPDX-License-Identifier: BSD-2-Clause */
/* number.c - numbers of a shelf: their bounds and ends, and that none is lost
 * or counted twice, whoever counts and whoever is killed in the middle. */
/* tags: asan tsan */
#define UNIT_SECONDS 60
#include "base/number.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/piece.h"
#include "t/lib/shelves.h"

static int64_t
get(const struct shelves *f, uint64_t key, uint64_t now_ms)
{
    const struct shelf_name name = shelves_name(key);

    return number_get(&f->shelf, &name, now_ms);
}

static int64_t
add(const struct shelves *f, struct shelf_hand *hand, uint64_t key, int64_t n,
    uint64_t ttl_ms)
{
    const struct shelf_name name = shelves_name(key);
    int64_t value;
    int rc = number_add(&f->shelf, hand, &name, 0, n, ttl_ms, &value);

    return rc < 0 ? rc : value;
}

static int
swap(const struct shelves *f, struct shelf_hand *hand, uint64_t key,
     int64_t *was, int64_t to, uint64_t ttl_ms)
{
    const struct shelf_name name = shelves_name(key);

    return number_swap(&f->shelf, hand, &name, 0, was, to, ttl_ms);
}

/* ---- one after the other -------------------------------------------------*/

START_TEST(a_sum_stays_within_its_bounds)
{
    struct shelves f = shelves_new(256, 0);
    struct shelf_hand hand = shelves_hand(&f, 0);

    ck_assert_int_eq(add(&f, &hand, 1, 5, 0), 5);
    ck_assert_int_eq(add(&f, &hand, 1, -2, 0), 3);
    ck_assert_int_eq(add(&f, &hand, 1, INT64_MAX, 0), INT64_MAX);
    ck_assert_int_eq(get(&f, 1, 0), INT64_MAX);
    ck_assert_int_eq(add(&f, &hand, 1, INT64_MIN, 0), 0);
    ck_assert_int_eq(shelves_count(&f), 0); /* 0 takes no room */
    ck_assert_int_eq(add(&f, &hand, 1, -7, 0), 0);
    ck_assert_int_eq(add(&f, &hand, 1, 0, 0), 0);
    ck_assert_int_eq(shelves_count(&f), 0);
    ck_assert_int_eq(hand.n_entries, 0);
    shelves_end(&f);
}
END_TEST

START_TEST(a_sum_ends_with_its_window)
{
    struct shelves f = shelves_new(256, 0);
    struct shelf_hand hand = shelves_hand(&f, 0);

    ck_assert_int_eq(add(&f, &hand, 1, 1, 100), 1);
    hand.now_ms = 1050;
    ck_assert_int_eq(add(&f, &hand, 1, 1, 100), 2); /* not put off */
    hand.now_ms = 1099;
    ck_assert_int_eq(add(&f, &hand, 1, 1, 0), 3);
    hand.now_ms = 1100;
    ck_assert_int_eq(get(&f, 1, 1100), 0);
    ck_assert_int_eq(add(&f, &hand, 1, 1, 0), 1); /* for ever */
    hand.now_ms = 9999;
    ck_assert_int_eq(add(&f, &hand, 1, 1, 10), 2); /* brought nearer */
    ck_assert_int_eq(get(&f, 1, 10008), 2);
    ck_assert_int_eq(get(&f, 1, 10009), 0);
    ck_assert_int_eq(shelves_count(&f), 1);
    shelves_end(&f);
}
END_TEST

START_TEST(a_swap_is_of_what_was_expected)
{
    struct shelves f = shelves_new(256, 0);
    struct shelf_hand hand = shelves_hand(&f, 0);
    int64_t was = 1;

    ck_assert_int_eq(swap(&f, &hand, 1, &was, 5, 0), 0);
    ck_assert_int_eq(was, 0);
    ck_assert_int_eq(swap(&f, &hand, 1, &was, INT64_MIN, 0), 1);
    ck_assert_int_eq(get(&f, 1, 1000), INT64_MIN);
    ck_assert_int_eq(swap(&f, &hand, 1, &was, 5, 0), 0);
    ck_assert_int_eq(was, INT64_MIN);
    ck_assert_int_eq(swap(&f, &hand, 1, &was, 0, 0), 1);
    ck_assert_int_eq(shelves_count(&f), 0);
    was = 0;
    ck_assert_int_eq(swap(&f, &hand, 1, &was, 0, 0), 1); /* still nothing */
    ck_assert_int_eq(shelves_count(&f), 0);
    shelves_end(&f);
}
END_TEST

START_TEST(a_swap_says_when_it_ends)
{
    struct shelves f = shelves_new(256, 0);
    struct shelf_hand hand = shelves_hand(&f, 0);
    int64_t was = 0;

    ck_assert_int_eq(swap(&f, &hand, 1, &was, 5, 100), 1);
    was = 5;
    hand.now_ms = 1050;
    ck_assert_int_eq(swap(&f, &hand, 1, &was, 6, SHELF_SAME_END), 1);
    ck_assert_int_eq(get(&f, 1, 1099), 6);
    ck_assert_int_eq(get(&f, 1, 1100), 0);
    was = 6;
    ck_assert_int_eq(swap(&f, &hand, 1, &was, 7, 100), 1); /* put off */
    ck_assert_int_eq(get(&f, 1, 1149), 7);
    hand.now_ms = 1150;
    was = 7;
    ck_assert_int_eq(swap(&f, &hand, 1, &was, 8, 0), 0); /* it is over */
    ck_assert_int_eq(was, 0);
    ck_assert_int_eq(swap(&f, &hand, 1, &was, 8, SHELF_SAME_END), 1);
    ck_assert_int_eq(get(&f, 1, UINT64_MAX), 8);
    shelves_end(&f);
}
END_TEST

START_TEST(what_does_not_fit_is_refused_and_known_ones_go_on)
{
    struct shelves f = shelves_new(64, 0);
    struct shelf_hand hand = shelves_hand(&f, 0);
    int64_t was = 0;

    for (uint64_t i = 0; i < 64; i++)
        ck_assert_int_eq(add(&f, &hand, i, 1, 0), 1);
    ck_assert_int_eq(add(&f, &hand, 64, 1, 0), ERR_LIMIT);
    ck_assert_int_eq(swap(&f, &hand, 64, &was, 1, 0), ERR_LIMIT);
    ck_assert_int_eq(add(&f, &hand, 7, 1, 0), 2);
    ck_assert_int_eq(add(&f, &hand, 7, -2, 0), 0);
    ck_assert_int_eq(add(&f, &hand, 64, 1, 0), 1);
    shelves_end(&f);
}
END_TEST

/* ---- threads -------------------------------------------------------------*/

#define N_THREADS 3
#define N_ADDS 150000
#define N_KEYS 3u
#define CROWD 56

static struct shelves shared;

/* Up and down again, so that entries come and go all the time. */
static void *
count_up_and_down(void *arg)
{
    struct shelf_hand hand = shelves_hand(&shared, 0);

    for (uint64_t i = 0; i < N_ADDS; i++) {
        UNIT_HOLDS(add(&shared, &hand, i % N_KEYS, 1, 0) > 0);
        if (i % 10 != 0)
            UNIT_HOLDS(add(&shared, &hand, i % N_KEYS, -1, 0) >= 0);
    }
    *(int64_t *)arg = hand.n_entries;
    return NULL;
}

START_TEST(no_thread_s_count_is_lost)
{
    pthread_t threads[N_THREADS];
    int64_t n[N_THREADS], sum = 0, entries = CROWD;
    struct shelf_hand hand;

    shared = shelves_new(64, 0);
    hand = shelves_hand(&shared, 0);
    for (uint64_t i = 100; i < 100 + CROWD; i++) /* the same places again */
        ck_assert_int_eq(add(&shared, &hand, i, 1, 0), 1);
    for (int i = 0; i < N_THREADS; i++)
        pthread_create(&threads[i], NULL, count_up_and_down, &n[i]);
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
        entries += n[i];
    }
    for (uint64_t i = 0; i < N_KEYS; i++)
        sum += get(&shared, i, 1000);
    ck_assert_int_eq(sum, N_THREADS * N_ADDS / 10);
    ck_assert_int_eq(shelves_count(&shared), entries);
    shelves_end(&shared);
}
END_TEST

/* ---- processes that are killed -------------------------------------------*/

#define N_KILLS 120
#define COUNTED 8u /* keys that are counted exactly */

/* What the processes of a seat have begun to count, and have counted. */
struct ledger {
    _Atomic int64_t begun[COUNTED], done[COUNTED];
};

static struct ledger *ledgers; /* [SEATS_MAX] */

_Noreturn static void
count_until_killed(uint32_t seat)
{
    struct shelf_hand hand = shelves_hand(&shared, seat);
    struct ledger *l = &ledgers[seat];
    char text[48];

    for (uint64_t i = seat;; i++) {
        const uint64_t key = i % COUNTED;
        const struct shelf_name piece = shelves_name(1000 + i % 5);
        l->begun[key]++;
        if (add(&shared, &hand, key, 1, 0) < 0)
            _exit(1);
        l->done[key]++;
        /* Come and go, and be evicted. */
        (void)add(&shared, &hand, 100 + i % 61, 1, 100 + i % 50);
        (void)add(&shared, &hand, 100 + i % 31, -1, 0);
        memset(text, (int)('a' + i % 26), sizeof text);
        (void)!piece_put(&shared.shelf, &hand, &piece, 0,
                         (et_str){text, i % sizeof text}, 500);
        hand.now_ms += i % 64 == 0;
    }
}

static pid_t
begin_on(uint32_t seat)
{
    pid_t pid;

    ck_assert_uint_ne(seats_give(shared.seats, seat), SEATS_NONE);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        count_until_killed(seat);
    return pid;
}

static void
end_on(uint32_t seat, pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status)); /* it has not ended by itself */
    seats_free(shared.seats, seat);
}

/* A piece is one letter, so many times, or is not there. */
static void
check_pieces(void)
{
    char out[64];

    for (uint64_t key = 0; key < 5; key++) {
        const struct shelf_name name = shelves_name(1000 + key);
        int n = piece_get(&shared.shelf, &name, 1000, out);
        for (int i = 1; i < n; i++)
            UNIT_HOLDS(out[i] == out[0]);
    }
}

static void
check_counts(int n_kills)
{
    int64_t begun = 0, done = 0;

    for (uint32_t key = 0; key < COUNTED; key++) {
        const int64_t value = get(&shared, key, 1000);
        int64_t least = 0, most = 0;
        for (uint32_t i = 0; i < SEATS_MAX; i++) {
            least += ledgers[i].done[key];
            most += ledgers[i].begun[key];
        }
        ck_assert_int_ge(value, least);
        ck_assert_int_le(value, most);
        done += least;
        begun += most;
    }
    ck_assert_int_le(begun - done, n_kills); /* or it would prove little */
    ck_assert_int_gt(done, n_kills);
}

/* Nothing is left of the dead that could not be used: all of it is empty, and
 * takes as many as when it was new. */
static void
check_room(void)
{
    struct shelf_hand hand = shelves_hand(&shared, 0);

    hand.now_ms = 1u << 30; /* all that has an end is over */
    for (uint64_t i = 0; i < 1100; i++)
        (void)add(&shared, &hand, i, INT64_MIN, 0);
    for (uint64_t i = 0; i < 64; i++)
        ck_assert_int_eq(add(&shared, &hand, 5000 + i, 1, 0), 1);
    ck_assert_int_eq(shelves_count(&shared), 64);
}

START_TEST(counts_are_exact_while_processes_are_killed)
{
    const size_t bytes = SEATS_MAX * sizeof(struct ledger);
    pid_t pids[SEATS_MAX];
    unsigned state = 1;

    shared = shelves_new(64, 64); /* crowded, and one home */
    ledgers = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(ledgers != MAP_FAILED);
    for (uint32_t i = 1; i < SEATS_MAX; i++)
        pids[i] = begin_on(i);
    for (int n = 0; n < N_KILLS; n++) {
        const uint32_t seat = 1 + (uint32_t)n % (SEATS_MAX - 1);
        state = state * 1103515245 + 12345;
        usleep(state >> 16 & 4095); /* anywhere in what it does */
        end_on(seat, pids[seat]);
        check_pieces();
        pids[seat] = begin_on(seat);
    }
    for (uint32_t i = 1; i < SEATS_MAX; i++)
        end_on(i, pids[i]);
    check_counts(N_KILLS + SEATS_MAX);
    check_pieces();
    check_room();
    munmap(ledgers, bytes);
    shelves_end(&shared);
}
END_TEST

UNIT_MAIN(number, a_sum_stays_within_its_bounds, a_sum_ends_with_its_window,
          a_swap_is_of_what_was_expected, a_swap_says_when_it_ends,
          what_does_not_fit_is_refused_and_known_ones_go_on,
          no_thread_s_count_is_lost,
          counts_are_exact_while_processes_are_killed)
