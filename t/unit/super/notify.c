/* SPDX-License-Identifier: BSD-2-Clause */
/* notify.c - what a service manager hears.
 * tags: asan */
#include "super/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "super/program.h"
#include "t/lib/fixture.h"
#include "t/lib/unit.h"

static char heard[256], path[200];
static int manager;

/* A manager that listens at to. */
static void
listen_at(const struct sockaddr_un *to, size_t n)
{
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(manager, 0);
    ck_assert_int_eq(
        bind(manager, (const struct sockaddr *)to,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
        0);
}

static const char *
hear(void)
{
    ssize_t n = recv(manager, heard, sizeof heard - 1, 0);

    heard[n > 0 ? n : 0] = '\0';
    return heard;
}

START_TEST(a_path_is_spoken_to)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char variable[256];
    char *env[] = {"A=b", variable, NULL};
    struct notify n;

    fixture_setup();
    snprintf(path, sizeof path, "%s/notify", fixture_dir);
    snprintf(variable, sizeof variable, "NOTIFY_SOCKET=%s", path);
    strcpy(to.sun_path, path);
    listen_at(&to, strlen(path));
    notify_open(&n, env);
    ck_assert_int_ge(n.fd, 0);
    ck_assert_uint_eq(n.every_ns, 0);
    notify_send(&n, "READY=1");
    ck_assert_str_eq(hear(), "READY=1");
    notify_reloading(&n);
    ck_assert_ptr_nonnull(strstr(hear(), "RELOADING=1\nMONOTONIC_USEC="));
    close(manager);
    notify_send(&n, "READY=1"); /* nobody is there: nothing happens */
    notify_close(&n);
    fixture_teardown();
}
END_TEST

START_TEST(an_abstract_name_and_a_watchdog)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char variable[64], pid[64];
    char *env[] = {variable, "WATCHDOG_USEC=3000000", pid, NULL};
    struct notify n;

    snprintf(variable, sizeof variable, "NOTIFY_SOCKET=@etude-%d",
             (int)getpid());
    snprintf(pid, sizeof pid, "WATCHDOG_PID=%d", (int)getpid());
    snprintf(to.sun_path + 1, sizeof to.sun_path - 1, "etude-%d",
             (int)getpid());
    listen_at(&to, 1 + strlen(to.sun_path + 1));
    notify_open(&n, env);
    ck_assert_uint_eq(n.every_ns, 1500000000u);
    ck_assert_uint_le(n.due_ns, clock_mono_ns());
    notify_alive(&n, 5);
    ck_assert_str_eq(hear(), "WATCHDOG=1");
    ck_assert_uint_eq(n.due_ns, 1500000005u);
    notify_close(&n);
    snprintf(pid, sizeof pid, "WATCHDOG_PID=1"); /* another's */
    notify_open(&n, env);
    ck_assert_uint_eq(n.every_ns, 0);
    notify_close(&n);
    close(manager);
}
END_TEST

START_TEST(without_a_manager_nothing_is_said)
{
    static char *const rows[][2] = {
        {NULL},
        {"NOTIFY_SOCKET=", NULL},
        {"NOTIFY_SOCKET=/", NULL},
        {"NOTIFY_SOCKET=vsock:2:1", NULL},
        {"NOTIFY_SOCKETS=/tmp/x", NULL},
    };
    struct notify n;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        notify_open(&n, rows[i]);
        ck_assert_int_eq(n.fd, -1);
        notify_send(&n, "READY=1");
        notify_close(&n);
    }
}
END_TEST

/* Who runs plugins does not speak for the service. */
START_TEST(the_server_process_is_not_told)
{
    char *const env[] = {"A=b",
                         "NOTIFY_SOCKET=/x",
                         "LISTEN_FDS=1",
                         "LISTEN_PID=1",
                         "LISTEN_FDNAMES=a",
                         "WATCHDOG_USEC=1",
                         "WATCHDOG_PID=1",
                         "LISTEN_FDSX=1",
                         NULL};
    struct program p;

    ck_assert_int_eq(program_open(&p, "x", env), 0);
    ck_assert_str_eq(p.env[0], "A=b");
    ck_assert_str_eq(p.env[1], "LISTEN_FDSX=1");
    ck_assert_ptr_null(p.env[2]);
    ck_assert_str_eq(program_env(env, "LISTEN_FDSX"), "1");
    ck_assert_ptr_null(program_env(env, "LISTEN"));
    program_close(&p);
}
END_TEST

UNIT_MAIN(notify, a_path_is_spoken_to, an_abstract_name_and_a_watchdog,
          without_a_manager_nothing_is_said, the_server_process_is_not_told)
