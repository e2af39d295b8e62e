/* SPDX-License-Identifier: BSD-2-Clause */
/* tally.c - see tally.h. */
#include "t/lib/tally.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

int
tally_on(struct client *c, const char *request, const char *what)
{
    struct answer a;
    char key[128];
    const char *at;
    int n;

    client_puts(c, request);
    a = client_answer(c, 0);
    snprintf(key, sizeof key, "%s ", what);
    at = strstr(a.body, key);
    ck_assert_msg(at != NULL && sscanf(at + strlen(key), "%d", &n) == 1, "%s",
                  a.body);
    answer_free(&a);
    return n;
}

int
tally(const struct server *s, const char *request, const char *what)
{
    struct client c = client_open(s);
    int n = tally_on(&c, request, what);

    client_close(&c);
    return n;
}

void
tally_wait(const struct server *s, const char *request, const char *what, int n)
{
    int got = tally(s, request, what);

    for (int i = 0; i < 4000 && got != n; i++) {
        usleep(5000);
        got = tally(s, request, what);
    }
    ck_assert_int_eq(got, n);
}

#define METRICS "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
#define ROW_MAX 96

/* Where the figure stands: behind its name, at the begin of a line. */
static void
put_row(char row[ROW_MAX], const char *name)
{
    snprintf(row, ROW_MAX, "\netude_%s", name);
}

int
tally_figure(const struct server *s, const char *name)
{
    char row[ROW_MAX];

    put_row(row, name);
    return tally(s, METRICS, row);
}

void
tally_wait_figure(const struct server *s, const char *name, int n)
{
    char row[ROW_MAX];

    put_row(row, name);
    tally_wait(s, METRICS, row, n);
}
