/* SPDX-License-Identifier: BSD-2-Clause */
/* admin.c - see admin.h. */
#include "t/lib/admin.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#define DEADLINE_MS 30000

const char *
admin_run(struct server *s, int code, const char *const args[4], char *out,
          size_t cap)
{
    const char *all[] = {args[0], args[1], args[2], args[3], NULL};
    int got = server_run(s, all, out, cap);

    ck_assert_msg(got == code, "etude %s: %d, not %d: %s", args[0], got, code,
                  out);
    return out;
}

struct client
admin_client(const struct server *s)
{
    char path[160];

    snprintf(path, sizeof path, "%s/etude.sock", s->dir);
    return client_unix(path);
}

const char *
admin_hear(struct client *c, char *out, size_t cap)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    size_t n = 0;

    do {
        ck_assert_int_eq(poll(&p, 1, DEADLINE_MS), 1);
        ck_assert_int_eq(recv(c->fd, out + n, 1, 0), 1);
    } while (out[n++] != '\n' && n + 1 < cap);
    out[n] = '\0';
    return out;
}

const char *
admin_ask(const struct server *s, const char *line, char *out, size_t cap)
{
    struct client c = admin_client(s);

    client_puts(&c, line);
    admin_hear(&c, out, cap);
    client_close(&c);
    return out;
}
