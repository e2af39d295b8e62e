/* SPDX-License-Identifier: BSD-2-Clause */
/* mailbox.c - a reader that posts to itself; a pipe that somebody else has
 * closed an end of. */
/* tags: asan */
#include "io/mailbox.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/robbed.h"
#include "t/lib/unit.h"

static const struct record record = {.kind = RECORD_WAKE};
static struct record v[MAILBOX_BATCH];
static struct mailbox box;

static void
setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(mailbox_open(&box), 0);
}

static void
teardown(void)
{
    close(box.read_fd);
    close(box.write_fd);
}

START_TEST(what_is_sent_is_received)
{
    ck_assert_int_eq(mailbox_send(&box, &record, 1), 0);
    ck_assert_uint_eq(mailbox_recv(&box, v), 1);
    ck_assert_uint_eq(mailbox_recv(&box, v), 0);
    ck_assert_ptr_null(robbed_look());
}
END_TEST

START_TEST(a_full_pipe_is_nothing_wrong)
{
    int rc;

    while ((rc = mailbox_send(&box, &record, 1)) == 0)
        continue;
    ck_assert_int_eq(rc, -EAGAIN);
    ck_assert_ptr_null(robbed_look());
}
END_TEST

START_TEST(without_its_read_end)
{
    close(box.read_fd);
    ck_assert_int_eq(mailbox_send(&box, &record, 1), -EPIPE);
    ck_assert_ptr_nonnull(robbed_look());
}
END_TEST

START_TEST(without_its_write_end)
{
    close(box.write_fd);
    ck_assert_uint_eq(mailbox_recv(&box, v), 0);
    ck_assert_ptr_nonnull(robbed_look());
}
END_TEST

START_TEST(with_nothing_in_its_place)
{
    close(box.read_fd);
    ck_assert_uint_eq(mailbox_recv(&box, v), 0);
    ck_assert_ptr_nonnull(robbed_look());
}
END_TEST

/* A connection, of which something has come or not. */
START_TEST(with_another_file_in_its_place)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair),
                     0);
    if (_i)
        ck_assert_int_eq(write(pair[1], "GET", 3), 3);
    ck_assert_int_eq(dup2(pair[0], box.read_fd), box.read_fd);
    ck_assert_uint_eq(mailbox_recv(&box, v), 0);
    ck_assert_ptr_nonnull(robbed_look());
    close(pair[0]);
    close(pair[1]);
}
END_TEST

static int n_delivered;

static void
deliver(void *reader, struct mail *m)
{
    n_delivered++;
    if (reader)
        mailbox_post(reader, m);
}

START_TEST(what_its_reader_posts_needs_no_pipe)
{
    struct mail a = {.deliver = deliver}, b = {.deliver = deliver};

    n_delivered = 0;
    mailbox_post(&box, &a);
    ck_assert_int_eq(mailbox_is_due(&box), 0); /* nobody has said so */
    ck_assert_uint_eq(mailbox_recv(&box, v), 1);
    mailbox_deliver(&box, NULL);
    ck_assert_int_eq(n_delivered, 1);
    mailbox_own(&box);
    mailbox_post(&box, &a);
    mailbox_post(&box, &b);
    ck_assert_int_eq(mailbox_is_due(&box), 1);
    ck_assert_uint_eq(mailbox_recv(&box, v), 0);
    mailbox_deliver(&box, &box); /* which posts both anew */
    ck_assert_int_eq(n_delivered, 3);
    ck_assert_int_eq(mailbox_is_due(&box), 1);
    mailbox_deliver(&box, NULL);
    ck_assert_int_eq(n_delivered, 5);
    ck_assert_int_eq(mailbox_is_due(&box), 0);
    mailbox_own(NULL);
}
END_TEST

static int
run_all(void)
{
    Suite *suite = suite_create("mailbox");
    TCase *tc = tcase_create("mailbox");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_is_sent_is_received);
    tcase_add_test(tc, a_full_pipe_is_nothing_wrong);
    tcase_add_test(tc, what_its_reader_posts_needs_no_pipe);
    tcase_add_test(tc, without_its_read_end);
    tcase_add_test(tc, without_its_write_end);
    tcase_add_test(tc, with_nothing_in_its_place);
    tcase_add_loop_test(tc, with_another_file_in_its_place, 0, 2);
    suite_add_tcase(suite, tc);
    return unit_suite(suite);
}

int
main(void)
{
    return run_all() == 0 ? 0 : 1;
}
