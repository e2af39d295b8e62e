/* SPDX-License-Identifier: BSD-2-Clause */
/* manners.c - what a plugin changes of the process is put back and named.
 * tags: epoll asan tsan */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n[plugin rude]\n"
#define GET "GET /rude HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static struct server s;

struct row {
    const char *what, *words;
};

static const struct row rows[] = {
    {"mask", "its thread's signal mask"},
    {"folder", "the working folder"},
    {"umask", "the umask"},
    {"locale", "the locale"},
#ifdef __x86_64__
    {"float", "how its thread rounds and traps"},
#endif
};

#define PLACES 2
static const char *const places[PLACES] = {"open", "init"};
static const char *const calls[PLACES] = {"open", "worker init"};

/* What a request finds is what it found before anybody was rude. */
static void
is_put_back(int place, const struct row *r)
{
    char text[200];

    snprintf(text, sizeof text, SERVER "in = %s\nwhat = %s\n", places[place],
             r->what);
    server_write(&s, text);
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET, 200, "0 0 22 C");
    snprintf(text, sizeof text,
             "plugin rude: its %s changed what is not its own: %s",
             calls[place], r->words);
    ck_assert_msg(server_has_log(&s, text), "%s", text);
}

START_TEST(whatever_it_is)
{
    umask(022);
    server_start(&s, SERVER);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int k = 0; k < PLACES; k++)
            is_put_back(k, &rows[i]);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Without a trial nobody can say whose worker init it was. */
START_TEST(without_a_trial_it_is_put_back_too)
{
    umask(022);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
                     "supervise = no\n[plugin rude]\nin = init\n"
                     "what = folder\n");
    client_once(&s, GET, 200, "0 0 22 C");
    server_wait_log(&s, "a worker init changed what is the process's: "
                        "the working folder");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(manners, whatever_it_is, without_a_trial_it_is_put_back_too)
