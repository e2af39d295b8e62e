/* SPDX-License-Identifier: BSD-2-Clause */
/* start_fails_silently.c - a server that could not have its threads or their
 * descriptors ended with 70 and not one word.
 *
 * The limits are set in the test's own process, which the server inherits from;
 * threads are denied by a seccomp filter, as root is above RLIMIT_NPROC. */
/* tags: epoll */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "t/lib/deny.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static struct server s;
static char out[8192];

/* The server does not start, ends with 70, and says what. */
static void
fails_saying(const char *what)
{
    ck_assert_int_eq(server_run(&s, NULL, out, sizeof out), 70);
    ck_assert_msg(strstr(out, what), "\"%s\", not \"%s\"", out, what);
}

/* 20 workers have 40 ends of pipes and 20 rings: at each of these limits
 * another call is the one that fails. */
START_TEST(the_limit_of_open_files_is_named)
{
    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 20\n");
    for (rlim_t n = 60; n >= 20; n -= 2) {
        struct rlimit few = {n, n};
        char named[64];
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        snprintf(named, sizeof named, "raise RLIMIT_NOFILE, it is %u ",
                 (unsigned)n);
        fails_saying(named);
        ck_assert(strstr(out, " of 20: ") || strstr(out, "acceptor: "));
    }
    server_clean(&s);
}
END_TEST

/* In the sandbox clone3 is not there at all, and clone is tried instead. */
START_TEST(the_limits_of_threads_are_named)
{
    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
                       "sandbox = off\n");
    ck_assert_int_eq(deny_call(SYS_clone3, EAGAIN), 0);
    fails_saying("etude.ini:6: worker 0 of 2: its thread: Resource temporarily "
                 "unavailable: raise RLIMIT_NPROC (ulimit -u, LimitNPROC= of "
                 "systemd) or the cgroup's pids.max");
    server_clean(&s);
}
END_TEST

START_TEST(nor_is_the_control_thread_silent)
{
    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\n");
    ck_assert_int_eq(deny_call(SYS_signalfd4, ENFILE), 0);
    fails_saying("'s descriptors: Too many open files in "
                 "system: raise the sysctl fs.file-max");
    server_clean(&s);
}
END_TEST

UNIT_MAIN(start_fails_silently, the_limit_of_open_files_is_named,
          the_limits_of_threads_are_named, nor_is_the_control_thread_silent)
