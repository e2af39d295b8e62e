/* SPDX-License-Identifier: BSD-2-Clause */
/* resume.c - tests of super/resume.h: whoever is told has the same keys, over a
 * change of the supervisor too. */
/* tags: asan */
#include "super/resume.h"

#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "super/child.h"
#include "super/state.h"
#include "t/lib/unit.h"
#include "tls/tickets.h"

/* What a process that is told makes of it. */
static struct tickets *
told(const struct resume *r)
{
    struct tickets *t = NULL;
    struct ctl_message m;
    struct child c;
    int ends[2], fd;

    child_init(&c);
    ck_assert_int_eq(ctl_pair(ends), 0);
    c.channel = ends[0];
    resume_tell(r, &c);
    if (ctl_recv(ends[1], &m, &fd) > 0) {
        ck_assert_uint_eq(m.kind, CTL_TICKETS);
        t = tickets_load((et_str){m.u.text, m.id});
        ck_assert_ptr_nonnull(t);
    }
    close(ends[0]);
    close(ends[1]);
    return t;
}

static struct ticket_key
key_of(struct tickets *t)
{
    struct ticket_key key;

    tickets_current(t, (int64_t)time(NULL), &key);
    tickets_drop(t);
    return key;
}

START_TEST(each_process_has_the_same)
{
    struct resume r = {0};
    struct ticket_key one, other, third;

    resume_open(&r);
    one = key_of(told(&r));
    resume_turn(&r, 1);
    ck_assert_uint_gt(r.due_ns, 1);
    other = key_of(told(&r));
    ck_assert_mem_eq(&one, &other, sizeof one);
    resume_close(&r);
    resume_open(&r);
    third = key_of(told(&r));
    ck_assert_mem_ne(&one, &third, sizeof one);
    resume_close(&r);
}
END_TEST

START_TEST(without_keys_nothing_is_said)
{
    struct resume r = {0};

    ck_assert_ptr_null(told(&r));
    resume_turn(&r, 1);
    ck_assert_uint_eq(r.due_ns, 0);
    resume_close(&r);
}
END_TEST

static void
load(void *arg, const char *word, const char *rest)
{
    if (strcmp(word, "tickets") == 0)
        resume_load(arg, rest);
}

START_TEST(another_supervisor_goes_on_with_them)
{
    struct resume r = {0}, next = {0};
    struct ticket_key before, after;
    struct state st;

    resume_open(&r);
    before = key_of(told(&r));
    ck_assert_int_eq(state_begin(&st), 0);
    resume_save(&r, &st);
    ck_assert_int_eq(state_finish(&st), 0);
    ck_assert_int_eq(state_read(st.fd, load, &next), 0);
    ck_assert_ptr_nonnull(next.tickets);
    resume_open(&next);
    after = key_of(told(&next));
    ck_assert_mem_eq(&before, &after, sizeof before);
    resume_close(&r);
    resume_close(&next);
}
END_TEST

START_TEST(what_is_none_is_begun_anew)
{
    static const char *const lines[] = {"", "00", "zz", "-1"};
    char zeros[2 * TICKETS_SAVED_BYTES + 1];
    struct resume r = {0};

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        resume_load(&r, lines[i]);
        ck_assert_ptr_null(r.tickets);
    }
    memset(zeros, '0', sizeof zeros - 1);
    zeros[sizeof zeros - 1] = '\0';
    resume_load(&r, zeros);
    ck_assert_ptr_null(r.tickets);
    zeros[7] = 'x';
    resume_load(&r, zeros);
    ck_assert_ptr_null(r.tickets);
    resume_open(&r);
    ck_assert_ptr_nonnull(r.tickets);
    resume_close(&r);
}
END_TEST

UNIT_MAIN(resume, each_process_has_the_same, without_keys_nothing_is_said,
          another_supervisor_goes_on_with_them, what_is_none_is_begun_anew)
