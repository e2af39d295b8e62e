/* SPDX-License-Identifier: BSD-2-Clause */
/* reload_waits_for_another_event.c - a SIGHUP that came while the server was
 * about to serve was noted, and carried out when something else woke the
 * control thread: maybe never.
 * tags: epoll asan */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

#define INI                                                                    \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"                            \
    "[plugin keeper]\ninit_ms = 300ms\n"
#define NEXT INI "file = $DIR/word\n"
#define BUSY "init takes its time"

static struct server s;

/* The other child of parent, from a child of it. */
static pid_t
sister(pid_t parent)
{
    char path[64];
    int pid = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent,
             (int)parent);
    f = fopen(path, "re");
    while (f && fscanf(f, "%d", &pid) == 1 && pid == getpid())
        continue;
    return pid == getpid() ? 0 : pid;
}

/* A process that writes the next configuration and sends the server, its
 * sister, a SIGHUP as soon as a worker is at its first init. */
static pid_t
signal_early(void)
{
    pid_t parent = getpid(), pid = fork(), server;

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (access(s.log_path, F_OK) < 0 || !server_has_log(&s, BUSY))
        usleep(1000);
    server_write(&s, NEXT);
    server = sister(parent);
    _exit(server > 0 && kill(server, SIGHUP) == 0 ? 0 : 1);
}

/* Which worker answers, with the word of its configuration. */
static unsigned
ask(const char *word)
{
    struct client c = client_open(&s);
    unsigned worker;
    struct answer a;
    char said[64];

    client_puts(&c, "GET /keeper HTTP/1.1\r\nHost: x\r\n\r\n");
    a = client_answer(&c, 0);
    ck_assert_int_eq(sscanf(a.body, "%u %*u %63s", &worker, said), 2);
    ck_assert_str_eq(said, word);
    answer_free(&a);
    client_close(&c);
    return worker;
}

START_TEST(a_signal_while_it_starts_is_a_reload_when_it_serves)
{
    unsigned asked = 0;
    int status;
    pid_t pid;

    server_prepare(&s, INI);
    server_file(&s, "word", "next");
    pid = signal_early();
    server_serve(&s);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    server_wait_log(&s, "reload: generation 2 serves");
    while (asked != 3) /* on both workers, and on none the one of the start */
        asked |= 1u << ask("next");
    ck_assert(!server_has_log(&s, "reload: generation 3"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Any number of them that come meanwhile are one more. */
START_TEST(signals_during_a_reload_are_one_more_behind_it)
{
    server_start(&s, INI);
    server_wait_log(&s, BUSY);
    server_wait_log(&s, BUSY); /* both workers, at the start */
    server_write(&s, INI "note = x\n");
    server_signal(&s, SIGHUP);
    server_wait_log(&s, BUSY);
    for (int i = 0; i < 3; i++)
        server_signal(&s, SIGHUP);
    server_wait_log(&s, "reload: generation 2 serves");
    server_wait_log(&s, "reload: generation 3 serves");
    client_once(&s, "GET /keeper HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    ck_assert(!server_has_log(&s, "reload: generation 4"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(reload_waits_for_another_event,
          a_signal_while_it_starts_is_a_reload_when_it_serves,
          signals_during_a_reload_are_one_more_behind_it)
