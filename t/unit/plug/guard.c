/* SPDX-License-Identifier: BSD-2-Clause */
/* guard.c - which faults are left, and which are not.
 *
 * The program itself stands for a plugin: its text is in the table. */
#include "plug/guard.h"

#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plug/image.h"
#include "plug/text.h"
#include "t/lib/unit.h"

#define LOST_EXIT 42

static char *volatile nowhere = (char *)16;
static volatile size_t sink;
static struct image image;

/* What the hooks were told last. */
static struct {
    int n, result, signo;
    uintptr_t address;
    size_t n_frames;
} told;

static void
report(const struct guard_fault *f)
{
    told.n++;
    told.result = (int)f->result;
    told.signo = f->signo;
    told.address = f->address;
    told.n_frames = f->n_frames;
}

static void
reported(const struct guard_fault *f)
{
    (void)f;
}

static void
lost(const struct guard_fault *f)
{
    (void)f;
    _exit(LOST_EXIT);
}

static const struct guard_hooks hooks = {
    .report = report, .reported = reported, .lost = lost};

static int
take_text(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
            continue;
        image.base = info->dlpi_addr;
        image.code_start = info->dlpi_addr + ph->p_vaddr;
        image.code_end = image.code_start + ph->p_memsz;
    }
    return 1;
}

static void
setup(void)
{
    image.name = "self";
    dl_iterate_phdr(take_text, NULL);
    text_add(&image);
    ck_assert_int_eq(guard_install(&hooks), 0);
    ck_assert_int_eq(guard_attach("test"), 0);
}

static int
write_null(void *arg)
{
    (void)arg;
    *nowhere = 'x';
    return 0;
}

static int
call_strlen(void *arg)
{
    (void)arg;
    sink = 1 + strlen(nowhere);
    return 0;
}

static int
call_snprintf(void *arg)
{
    char to[32];

    (void)arg;
    sink = (size_t)snprintf(to, sizeof to, "%s", nowhere);
    return 0;
}

static int
call_abort(void *arg)
{
    (void)arg;
    abort();
}

static int
call_exit(void *arg)
{
    (void)arg;
    exit(0);
}

static int
send_segv(void *arg)
{
    (void)arg;
    raise(SIGSEGV);
    return 0;
}

static const struct guard_who who = {
    .call = GUARD_OPEN, .image = &image, .name = "self"};

START_TEST(a_fault_in_its_text_is_left)
{
    for (int i = 1; i <= 100; i++) {
        ck_assert_int_eq(guard_run(&who, write_null, NULL), LEAP_LEFT);
        ck_assert_int_eq(told.n, i);
        ck_assert_int_eq(told.result, GUARD_RECOVERED);
        ck_assert_int_eq(told.signo, SIGSEGV);
        ck_assert_uint_eq(told.address, 16);
        ck_assert_uint_gt(told.n_frames, 1);
        ck_assert_int_eq(guard_here.call, GUARD_NONE);
    }
    unit_has(guard_why(), "crashed in its open: SIGSEGV (nothing is mapped "
                          "there) at 0x10, self");
}
END_TEST

START_TEST(so_is_one_in_a_string_function_it_calls)
{
    ck_assert_int_eq(guard_run(&who, call_strlen, NULL), LEAP_LEFT);
    ck_assert_int_eq(told.result, GUARD_RECOVERED);
}
END_TEST

static int
call_strcasecmp(void *arg)
{
    (void)arg;
    sink = 1 + (size_t)strcasecmp(nowhere, "x");
    return 0;
}

static int
call_strncasecmp(void *arg)
{
    (void)arg;
    sink = 1 + (size_t)strncasecmp(nowhere, "xyz", 3);
    return 0;
}

static int
call_strspn(void *arg)
{
    (void)arg;
    sink = 1 + strspn(nowhere, "xyz");
    return 0;
}

static int
call_strcasestr(void *arg)
{
    (void)arg;
    sink = 1 + (size_t)strcasestr(nowhere, "xyz");
    return 0;
}

static int
call_strsep(void *arg)
{
    char *p = nowhere;

    (void)arg;
    sink = 1 + (size_t)strsep(&p, "xyz");
    return 0;
}

static int
call_strtok_r(void *arg)
{
    char *rest;

    (void)arg;
    sink = 1 + (size_t)strtok_r(nowhere, "xyz", &rest);
    return 0;
}

/* Some jump to another one, or call one. */
START_TEST(and_in_those_that_another_one_does_the_work_of)
{
    static int (*const calls[])(void *arg) = {call_strcasecmp, call_strncasecmp,
                                              call_strspn,     call_strcasestr,
                                              call_strsep,     call_strtok_r};

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        ck_assert_int_eq(guard_run(&who, calls[i], NULL), LEAP_LEFT);
        ck_assert_int_eq(told.result, GUARD_RECOVERED);
    }
}
END_TEST

static int
run_inner(void *arg)
{
    struct guard_who inner = who;

    inner.call = GUARD_CLOSE;
    *(int *)arg = guard_run(&inner, write_null, NULL);
    return guard_here.call == GUARD_OPEN ? 0 : 1;
}

START_TEST(a_nested_call_is_left_to_the_one_around_it)
{
    int inner = 0;

    ck_assert_int_eq(guard_run(&who, run_inner, &inner), 0);
    ck_assert_int_eq(inner, LEAP_LEFT);
    unit_has(guard_why(), "in its close");
}
END_TEST

/* How a child ends that makes that call. */
static int
status_of(const struct guard_who *w, int (*fn)(void *arg))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        (void)!guard_install(&hooks); /* this process is the one */
        if (w)
            (void)!guard_run(w, fn, NULL);
        else
            (void)fn(NULL);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

START_TEST(anything_else_in_a_call_loses_the_thread)
{
    struct guard_who loader = who;

    loader.call = GUARD_MAP;
    ck_assert_int_eq(status_of(&who, call_snprintf), LOST_EXIT);
    ck_assert_int_eq(status_of(&who, call_abort), LOST_EXIT);
    ck_assert_int_eq(status_of(&who, call_exit), LOST_EXIT);
    ck_assert_int_eq(status_of(&who, send_segv), LOST_EXIT);
    ck_assert_int_eq(status_of(&loader, write_null), LOST_EXIT);
}
END_TEST

START_TEST(outside_of_any_call_it_is_the_end)
{
    ck_assert_int_eq(status_of(NULL, write_null), 128 + SIGSEGV);
    ck_assert_int_eq(status_of(NULL, call_abort), 128 + SIGABRT);
    ck_assert_int_eq(status_of(NULL, call_exit), 0);
}
END_TEST

START_TEST(the_policy_has_the_last_word)
{
    guard_set_policy(GUARD_RESTART);
    ck_assert_int_eq(status_of(&who, write_null), LOST_EXIT);
    guard_set_policy(GUARD_ABORT);
    ck_assert_int_eq(status_of(&who, write_null), 128 + SIGSEGV);
    guard_set_policy(GUARD_RECOVER);
    ck_assert_int_eq(status_of(&who, write_null), 0);
}
END_TEST

START_TEST(text_that_is_withdrawn_is_nobody_s)
{
    text_remove(&image);
    ck_assert_ptr_null(text_of(&image));
    ck_assert_int_eq(status_of(&who, write_null), LOST_EXIT);
    text_add(&image);
    ck_assert_int_eq(status_of(&who, write_null), 0);
}
END_TEST

/* A child of a plugin's fork is not the server. */
static int
fork_and_crash(void *arg)
{
    int status;
    pid_t pid = fork();

    (void)arg;
    if (pid == 0) {
        write_null(NULL);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV ? 0 : 1;
}

START_TEST(a_forked_child_dies_as_ever)
{
    ck_assert_int_eq(guard_run(&who, fork_and_crash, NULL), 0);
    ck_assert_int_eq(told.n, 0);
}
END_TEST

static int
leave_by_itself(void *arg)
{
    (void)arg;
    guard_leave("had enough");
}

START_TEST(a_call_may_be_left_without_a_fault)
{
    ck_assert_int_eq(guard_run(&who, leave_by_itself, NULL), LEAP_LEFT);
    ck_assert_str_eq(guard_why(), "had enough");
    ck_assert_int_eq(told.n, 0);
}
END_TEST

#if UNIT_SANITIZED
UNIT_MAIN(guard, a_call_may_be_left_without_a_fault)
#else
UNIT_MAIN_IN(setup, NULL, guard, a_fault_in_its_text_is_left,
             so_is_one_in_a_string_function_it_calls,
             and_in_those_that_another_one_does_the_work_of,
             a_nested_call_is_left_to_the_one_around_it,
             anything_else_in_a_call_loses_the_thread,
             outside_of_any_call_it_is_the_end, the_policy_has_the_last_word,
             text_that_is_withdrawn_is_nobody_s, a_forked_child_dies_as_ever,
             a_call_may_be_left_without_a_fault)
#endif
