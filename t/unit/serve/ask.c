/* SPDX-License-Identifier: BSD-2-Clause */
/* ask.c - orders of an administrator that come from the supervisor: a line in a
 * memfd, and a line back.
 * tags: asan */
#include "serve/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/admin.h"
#include "os/memfd.h"
#include "serve/control.h"
#include "serve/process.h"
#include "serve/reload.h"
#include "serve/start.h"
#include "serve/stop.h"
#include "t/lib/unit.h"

static const char ini[] = "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
                          "log_level = error\nadmin = off\n"
                          "health = /healthz\n";

static struct server s;
static struct server_options options;
static char path[] = "/tmp/etude-ask-XXXXXX";
static char *env[] = {NULL};
static int ends[2];
static char out[1 << 16];

static void
write_ini(const char *text)
{
    FILE *f = fopen(path, "we");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void
begin(void)
{
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    write_ini(ini);
    options = (struct server_options){.conf_path = path, .env = env};
    s = (struct server){.options = &options, .channel = CHANNEL_NONE};
    handover_init(&s.handover);
    ck_assert_int_eq(start_serving(&s), SERVER_OK);
    ck_assert_int_eq(ctl_pair(ends), 0);
    channel_attach(&s.channel, ends[0]);
    s.channel.orders = &s.orders;
}

static void
end(void)
{
    s.orders.stops = 1;
    ck_assert_int_eq(stop_serving(&s), SERVER_OK);
    close(ends[0]);
    close(ends[1]);
    unlink(path);
}

static void
put(uint32_t id, const char *line)
{
    struct ctl_message m = {.kind = CTL_COMMAND, .id = id};
    int fd = memfd_new("line", line, strlen(line));

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ctl_send(ends[1], &m, fd), 0);
    close(fd);
}

/* The next answer is that of id; its result, and its line in out. */
static int
got(uint32_t id)
{
    struct ctl_message m;
    ssize_t n = 0;
    int fd, rc;

    while ((rc = ctl_recv(ends[1], &m, &fd)) == 0)
        control_turn(&s, 10);
    ck_assert_int_eq(rc, 1);
    ck_assert_uint_eq(m.kind, CTL_RESULT);
    ck_assert_uint_eq(m.id, id);
    if (fd >= 0) {
        n = pread(fd, out, sizeof out - 1, 0);
        close(fd);
    }
    ck_assert_int_ge(n, 0);
    out[n] = '\0';
    return m.result;
}

START_TEST(a_line_is_answered_by_a_line)
{
    put(7, "{\"command\":\"status\"}");
    put(8, "{\"command\":\"routes\"}\n");
    put(9, "nonsense");
    ck_assert_int_eq(got(7), 0);
    unit_has(out, "{\"ok\":true,\"version\":");
    unit_has(out, "\"last_reload\":null,");
    ck_assert_int_eq(got(8), 0);
    unit_has(out, "\"path\":\"/healthz\"");
    ck_assert_int_eq(got(9), 0);
    unit_has(out, "{\"ok\":false,\"exit\":64,");
}
END_TEST

START_TEST(a_reload_is_answered_at_its_end)
{
    write_ini("[server]\nlisten = 127.0.0.1:0\nworkers = 2\nadmin = off\n"
              "log_level = error\nhealth = /there\n");
    put(1, "{\"command\":\"reload\"}");
    put(2, "{\"command\":\"reload\"}");
    put(3, "{\"command\":\"status\"}");
    ck_assert_int_eq(got(3), 0);
    ck_assert_int_eq(s.orders.hup, 1);
    reload_run(&s);
    for (uint32_t id = 1; id <= 2; id++) {
        struct ctl_message done;
        int fd;
        if (id == 1) { /* it has also been carried out */
            ck_assert_int_eq(ctl_recv(ends[1], &done, &fd), 1);
            ck_assert_uint_eq(done.kind, CTL_COMMITTED);
            close(fd);
            ck_assert_int_eq(ctl_recv(ends[1], &done, &fd), 1);
            ck_assert_uint_eq(done.kind, CTL_DONE);
        }
        ck_assert_int_eq(got(id), 0);
        unit_has(out, "{\"ok\":true,\"generation\":2,\"summary\":\"");
    }
    ck_assert_int_eq(s.orders.hup, 0);
}
END_TEST

START_TEST(what_is_no_line_is_refused)
{
    struct ctl_message m = {.kind = CTL_COMMAND, .id = 5};
    char *much = calloc(1, ADMIN_LINE_MAX + 2);

    ck_assert_int_eq(ctl_send(ends[1], &m, -1), 0);
    ck_assert_int_eq(got(5), -EPROTO);
    memset(much, ' ', ADMIN_LINE_MAX + 1);
    put(6, much);
    ck_assert_int_eq(got(6), -EMSGSIZE);
    put(7, "");
    ck_assert_int_eq(got(7), -EMSGSIZE);
    put(8, "{\"command\":\"reopen\"}");
    ck_assert_int_eq(got(8), 0);
    unit_has(out, "{\"ok\":true,");
    free(much);
}
END_TEST

#define ASKED (ASK_MAX + CHANNEL_COMMANDS + 12)

/* More than there is room for are told so, and none is lost. */
START_TEST(too_many_at_once_are_refused)
{
    int n_good = 0, n_busy = 0;

    for (uint32_t id = 1; id <= ASKED; id++) {
        struct ctl_message m;
        int fd;
        put(id, "{\"command\":\"reload\"}");
        control_turn(&s, 0);
        if (ctl_recv(ends[1], &m, &fd) == 1) {
            ck_assert_int_eq(m.result, -EBUSY);
            ck_assert_uint_eq(m.id, id);
            n_busy++;
        }
    }
    ck_assert_int_eq(n_busy, ASKED - ASK_MAX - CHANNEL_COMMANDS);
    while (s.orders.hup) {
        struct ctl_message m;
        int fd;
        reload_run(&s);
        control_turn(&s, 0);
        while (ctl_recv(ends[1], &m, &fd) == 1) {
            n_good += m.kind == CTL_RESULT && m.result == 0;
            if (fd >= 0)
                close(fd);
        }
    }
    ck_assert_int_eq(n_good, ASK_MAX + CHANNEL_COMMANDS);
}
END_TEST

UNIT_MAIN_IN(begin, end, ask, a_line_is_answered_by_a_line,
             a_reload_is_answered_at_its_end, what_is_no_line_is_refused,
             too_many_at_once_are_refused)
