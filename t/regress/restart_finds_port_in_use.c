/* SPDX-License-Identifier: BSD-2-Clause */
/* restart_finds_port_in_use.c - a server started right after another one was
 * killed found its address in use: the kernel undoes an io_uring, and closes
 * what it holds, some time after the process is gone.  A Unix socket of the
 * dead one even answered. */
/* tags: epoll asan */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define AGAIN 8

/* Killed, and started again with this ini. */
static void
restart(struct server *s, const char *ini)
{
    server_signal(s, SIGKILL);
    ck_assert_int_eq(waitpid(s->pid, NULL, 0), s->pid);
    server_write(s, ini);
    server_file(s, "log", "");
    s->log_seen = 0;
    server_serve(s);
}

static void
survives(const char *accept)
{
    struct server s;
    struct client c;
    char ini[256], path[128];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0, unix:$DIR/s\naccept = %s\n"
             "workers = 2\nhealth = /h\n",
             accept);
    server_start(&s, ini);
    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:%u, unix:$DIR/s\naccept = %s\n"
             "workers = 2\nhealth = /h\n",
             s.port, accept);
    snprintf(path, sizeof path, "%s/s", s.dir);
    for (int i = 0; i < AGAIN; i++) {
        client_once(&s, "GET /h HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
        restart(&s, ini);
    }
    client_once(&s, "GET /h HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    c = client_unix(path);
    client_expect(&c, "GET /h HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(who_was_killed_leaves_the_address_to_its_successor)
{
    survives("pipe");
}
END_TEST

START_TEST(and_so_does_one_whose_workers_accept)
{
    survives("reuseport");
}
END_TEST

UNIT_MAIN(restart_finds_port_in_use,
          who_was_killed_leaves_the_address_to_its_successor,
          and_so_does_one_whose_workers_accept)
