/* SPDX-License-Identifier: BSD-2-Clause */
/* access_log_forgets_peer.c - a client that resets its connection in the middle
 * of its first request was "-" in the access log: its address was asked for
 * when it had gone.
 * tags: epoll */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

static const char ini[] =
    "[server]\nlisten = 127.0.0.1:0\nmetrics = /metrics\nuse = access-log\n"
    "[plugin access-log]\npath = $DIR/access\n[plugin later]\n";

/* The line of the request, as soon as it is there. */
static const char *
wait_line(const struct server *s)
{
    static char line[2048];
    char path[160];

    snprintf(path, sizeof path, "%s/access", s->dir);
    for (int i = 0; i < 2000; i++) {
        FILE *f = fopen(path, "re");
        while (f && fgets(line, sizeof line, f)) {
            if (strstr(line, "/later/hold/") && strchr(line, '\n')) {
                fclose(f);
                return line;
            }
        }
        if (f)
            fclose(f);
        usleep(5000);
    }
    ck_abort_msg("no line of the request");
}

START_TEST(who_has_gone_is_named)
{
    const struct linger now = {.l_onoff = 1};
    struct server s;
    struct client c;
    const char *line;

    server_start(&s, ini);
    c = client_open(&s);
    client_puts(&c, "GET /later/hold/it HTTP/1.1\r\nHost: x\r\n\r\n");
    client_wait_active(&s, 1);
    setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    client_close(&c);
    line = wait_line(&s);
    ck_assert_msg(strncmp(line, "127.0.0.1 ", 10) == 0, "%s", line);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(access_log_forgets_peer, who_has_gone_is_named)
