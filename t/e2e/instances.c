/* SPDX-License-Identifier: BSD-2-Clause */
/* instances.c - what a reload takes over, what it makes anew, and what the new
 * is given of the old.
 * tags: epoll tsan */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nlog_level = debug\n"
#define KEEPER SERVER "[plugin keeper]\nfile = $DIR/word\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* What keeper answers on a connection, which stays with its worker. */
struct kept {
    unsigned worker;
    unsigned long long n;
    char word[64];
    int serial;
};

static struct kept
ask(struct client *c)
{
    struct kept k;
    struct answer a;

    client_puts(c, GET("/keeper"));
    a = client_answer(c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_int_eq(
        sscanf(a.body, "%u %llu %63s %d", &k.worker, &k.n, k.word, &k.serial),
        4);
    answer_free(&a);
    return k;
}

static struct server s;

static struct client
begin(const char *ini)
{
    server_prepare(&s, ini);
    server_file(&s, "word", "one\n");
    server_serve(&s);
    return client_open(&s);
}

static void
reload(const char *ini)
{
    server_write(&s, ini);
    ck_assert_int_eq(server_reload(&s), 1);
}

static void
end(struct client *c)
{
    client_close(c);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(another_route_leaves_an_instance_as_it_is)
{
    struct client c = begin(KEEPER);

    ck_assert_int_eq((int)ask(&c).n, 1);
    reload(KEEPER "[plugin life]\n");
    ck_assert_int_eq((int)ask(&c).n, 2);
    reload(KEEPER "[plugin life]\nsay = x\n[scope all]\nmatch = /*\n"
                  "use = life\n");
    ck_assert_int_eq((int)ask(&c).n, 3);
    ck_assert_int_eq(ask(&c).serial, 1);
    ck_assert(server_has_log(&s, "1 instances kept, 1 new"));
    end(&c);
}
END_TEST

START_TEST(a_file_an_option_names_is_part_of_it)
{
    struct client c = begin(KEEPER);
    struct kept k;

    ck_assert_str_eq(ask(&c).word, "one");
    server_file(&s, "word", "another\n");
    ck_assert_int_eq(server_reload(&s), 1);
    k = ask(&c);
    ck_assert_str_eq(k.word, "another");
    ck_assert_int_eq(k.serial, 2);
    ck_assert_int_eq((int)k.n, 2); /* its count was handed over */
    end(&c);
}
END_TEST

START_TEST(what_is_new_is_given_the_state_of_the_old)
{
    struct client c = begin(KEEPER);
    struct kept k;

    for (int i = 0; i < 5; i++)
        (void)ask(&c);
    reload(KEEPER "note = x\n");
    k = ask(&c);
    ck_assert_int_eq(k.serial, 2);
    ck_assert_int_eq((int)k.n, 6);
    reload(KEEPER "note = y\n");
    ck_assert_int_eq((int)ask(&c).n, 7);
    end(&c);
}
END_TEST

#define WORN(name, options)                                                    \
    "[route " name "]\nmatch = GET /" name "\nhandler = worn\n" options

/* What a route's own values make of a section's instance: it is of the same
 * section, whatever its name. */
static const char *const worn[] = {
    WORN("b", ""),
    WORN("b", "worn.word = x\n"), /* from all to one */
    WORN("b", ""),                /* and back */
    WORN("b", "worn.word = y\n") WORN("c", "worn.word = y\n"),
    WORN("a", "worn.word = y\n") WORN("b", "worn.word = y\n"),
    WORN("a", "worn.word = z\n") WORN("b", "worn.word = z\n"),
    WORN("b", "worn.word = w\n"),
    WORN("b", "worn.word = w\n") WORN("c", "worn.word = v\n"),
    WORN("b", "worn.word = u\n") WORN("c", "worn.word = v\n"),
    /* another name and another value at once */
    "[route other]\nmatch = GET /b\nhandler = worn\nworn.word = t\n" WORN(
        "c", "worn.word = v\n"),
};

START_TEST(a_route_s_own_values_do_not_lose_a_state)
{
    char ini[1024];
    struct client c;

    for (size_t i = 0; i < sizeof worn / sizeof worn[0]; i++) {
        struct answer a;
        int n = 0;
        snprintf(ini, sizeof ini, SERVER "[plugin worn]\nstate = required\n%s",
                 worn[i]);
        if (i == 0)
            c = begin(ini);
        else
            reload(ini);
        client_puts(&c, GET("/b"));
        a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_int_eq(sscanf(a.body, "%d", &n), 1);
        answer_free(&a);
        ck_assert_msg(n == (int)i + 1, "row %zu: %d", i, n);
    }
    end(&c);
}
END_TEST

/* How a state that was saved does not get where it should. */
static const struct {
    const char *old, *new; /* options; what is replaced by what */
    const char *why;
} lost[] = {
    {"", "load = fails\n", "told not to take it"},
    {"save = fails\n", "", "its state could not be saved (-4)"},
    {"save = huge\n", "", "its state is larger than 16 MiB"},
    {"save = careless\n", "", "its state is larger than 16 MiB"},
    {"save = short\n", "", "7 bytes are no count"},
    {"module = keeper_next\n", "", "layout 2 is newer than mine"},
};

/* old serves on this connection, then new is to, if it does with a state or
 * without. */
static void
lose(const char *old, const char *new, const char *why)
{
    char ini[512], said[128];
    struct client c;

    snprintf(ini, sizeof ini, KEEPER "%s", old);
    c = begin(ini);
    ck_assert_int_eq((int)ask(&c).n, 1);
    snprintf(ini, sizeof ini, KEEPER "note = x\nstate = required\n%s", new);
    server_write(&s, ini);
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert(server_has_log(&s, "etude.ini:8: plugin keeper on worker "));
    snprintf(said, sizeof said, ": %s", why);
    ck_assert_msg(server_has_log(&s, said), "not said: %s", why);
    ck_assert_int_eq((int)ask(&c).n, 2);
    snprintf(ini, sizeof ini, KEEPER "note = x\n%s", new);
    reload(ini);
    snprintf(said, sizeof said,
             " keeper: starts without the state of before: %s", why);
    s.log_seen = 0; /* a worker may write it later than the server does */
    server_wait_log(&s, said);
    ck_assert_int_eq((int)ask(&c).n, 1);
    end(&c);
}

START_TEST(a_state_that_is_not_taken_is_said_or_refused)
{
    for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++)
        lose(lost[i].old, lost[i].new, lost[i].why);
}
END_TEST

#define KEPT SERVER "use = kept\n[plugin kept]\n"

START_TEST(a_state_that_can_not_be_handed_over_is_refused_if_it_is_required)
{
    struct client c = begin(KEPT "module = bench_part\n");

    server_write(&s, KEPT "module = keeper\nstate = required\n");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert(server_has_log(&s, "etude.ini:9: plugin kept: state = required: "
                                 "it was of another plugin before"));
    reload(KEPT "module = keeper\n");
    ck_assert_int_eq((int)ask(&c).n, 1);
    server_write(&s, KEPT "module = life\nstate = required\n");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert(server_has_log(&s, "etude.ini:9: plugin kept: state = required: "
                                 "it hands no state over"));
    ck_assert_int_eq((int)ask(&c).n, 2);
    end(&c);
}
END_TEST

START_TEST(a_state_in_an_older_layout_may_be_taken)
{
    struct client c = begin(KEEPER);

    ck_assert_int_eq((int)ask(&c).n, 1);
    reload(KEEPER "module = keeper_next\nstate = required\n");
    ck_assert_int_eq((int)ask(&c).n, 2);
    end(&c);
}
END_TEST

/* ---- counted while it is handed over --------------------------------------*/

#define CLIENTS 6

/* What the workers' counts are together: each client knows its worker's. */
static int
sum_up(struct client *c)
{
    int last[2] = {0, 0};

    for (int i = 0; i < CLIENTS; i++) {
        struct kept k = ask(&c[i]);
        ck_assert_uint_lt(k.worker, 2);
        last[k.worker] = (int)k.n;
    }
    return last[0] + last[1];
}

/* Requests in progress when the state is handed over are counted by the old
 * one, and these are all that the new one lacks. */
START_TEST(only_what_is_in_flight_is_missing_from_a_state)
{
    struct client c[CLIENTS];

    c[0] = begin(SERVER "metrics = /metrics\n[plugin keeper]\n");
    for (int i = 1; i < CLIENTS; i++)
        c[i] = client_open(&s);
    ck_assert_int_eq(sum_up(c), CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        client_puts(&c[i], "POST /keeper HTTP/1.1\r\nHost: x\r\n"
                           "Content-Length: 10\r\n\r\n01234");
    client_wait_active(&s, CLIENTS);
    reload(SERVER "metrics = /metrics\n[plugin keeper]\nnote = x\n"
                  "state = required\n");
    for (int i = 0; i < CLIENTS; i++) {
        client_puts(&c[i], "56789");
        client_take(&c[i], 0, 200, NULL);
    }
    ck_assert_int_eq(sum_up(c), 2 * CLIENTS); /* of 3 * CLIENTS */
    for (int i = 1; i < CLIENTS; i++)
        client_close(&c[i]);
    end(&c[0]);
}
END_TEST

/* Ask on all connections again and again until the reload is over: how many
 * requests that were.  The old state counts them, until the new one serves;
 * none is in flight then, since a worker is done with each within its turn. */
static int
ask_during(struct client *c, int generation)
{
    char over[64];
    int n = 0;

    snprintf(over, sizeof over, "reload: generation %d serves", generation);
    server_signal(&s, SIGHUP);
    for (int is_over = 0; !is_over; n += CLIENTS) {
        for (int i = 0; i < CLIENTS; i++)
            client_puts(&c[i], GET("/keeper"));
        is_over = server_has_log(&s, over);
        for (int i = 0; i < CLIENTS; i++)
            client_take(&c[i], 0, 200, NULL);
    }
    return n;
}

START_TEST(nothing_is_missing_that_came_during_the_reloads)
{
    struct client c[CLIENTS];
    int n_during = 0, n = 0;
    char ini[512];

    c[0] = begin(KEEPER);
    for (int i = 1; i < CLIENTS; i++)
        c[i] = client_open(&s);
    for (int i = 2; i <= 20; i++) {
        n += CLIENTS;
        ck_assert_int_eq(sum_up(c), n + n_during);
        snprintf(ini, sizeof ini, KEEPER "state = required\nnote = %d\n", i);
        server_write(&s, ini);
        n_during += ask_during(c, i);
    }
    n += CLIENTS;
    ck_assert_int_eq(sum_up(c), n + n_during);
    ck_assert_int_gt(n_during, 0);
    for (int i = 1; i < CLIENTS; i++)
        client_close(&c[i]);
    end(&c[0]);
}
END_TEST

START_TEST(a_reload_that_fails_ends_nothing_it_borrowed)
{
    struct client c = begin(KEEPER "[plugin life]\n");

    ck_assert_int_eq((int)ask(&c).n, 1);
    for (int i = 0; i < 3; i++) {
        server_write(&s, KEEPER "[plugin life]\nsay = bad\nfail = init\n"
                                "worker = 1\n");
        ck_assert_int_eq(server_reload(&s), 0);
        ck_assert_int_eq((int)ask(&c).n, 2 + i);
    }
    client_expect(&c, GET("/life"), 200, "life");
    ck_assert(!server_has_log(&s, "life: exit life"));
    ck_assert(!server_has_log(&s, "life: close life"));
    end(&c);
}
END_TEST

START_TEST(who_is_not_ready_in_time_is_named)
{
    struct client c = begin(KEEPER);

    server_write(&s, SERVER "prepare_timeout = 200ms\n"
                            "[plugin keeper]\nfile = $DIR/word\n"
                            "init_ms = 1s\n");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert(server_has_log(&s, "etude.ini:8: plugin keeper on worker "));
    ck_assert(server_has_log(&s, ": not ready within prepare_timeout (200 ms"));
    ck_assert(server_has_log(&s, "reload failed, 2 error(s); generation 1"));
    ck_assert_int_eq((int)ask(&c).n, 1);
    /* Nothing of it is left, and the next one is good. */
    reload(KEEPER "note = x\n");
    ck_assert_int_eq((int)ask(&c).n, 2);
    end(&c);
}
END_TEST

/* Without another process to go to, the reload is given up: and not only that
 * one.  Not an instance whose turn has not come is named. */
START_TEST(a_worker_that_does_not_come_to_it_is_named)
{
    struct client c = begin(SERVER "supervise = no\n[plugin slow]\n"
                                   "[plugin keeper]\n");

    client_puts(&c, GET("/slow/6000")); /* longer than both reloads */
    server_wait_log(&s, "slow: begins");
    server_write(&s, SERVER "supervise = no\nprepare_timeout = 200ms\n"
                            "[plugin slow]\n[plugin keeper]\nnote = x\n");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert(server_has_log(&s, "etude.ini:9: worker "));
    ck_assert(server_has_log(&s, "busy with requests, or a step of one"));
    ck_assert(!server_has_log(&s, "plugin keeper on worker"));
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert(server_has_log(&s, "a worker is still busy with what the last "
                                 "reload has asked of it"));
    client_take(&c, 0, 200, "slept");
    ck_assert_int_eq(server_reload(&s), 1);
    end(&c);
}
END_TEST

/* With one, it serves what was asked for, and who was in the step is answered
 * by the one that leaves. */
START_TEST(a_worker_that_does_not_come_to_it_is_left_behind)
{
    struct client c = begin(KEEPER "[plugin slow]\n"), other;

    client_puts(&c, GET("/slow/3000")); /* longer than a trial takes */
    server_wait_log(&s, "slow: begins");
    server_write(&s, SERVER "prepare_timeout = 200ms\n[plugin slow]\n"
                            "[plugin keeper]\nnote = x\n");
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert(server_has_log(&s, "does not come back from what it does"));
    other = client_open(&s);
    ck_assert_int_eq((int)ask(&other).n, 1);
    client_close(&other);
    client_take(&c, 0, 200, "slept");
    end(&c);
}
END_TEST

START_TEST(who_asks_for_it_is_made_anew)
{
    struct client c = begin(SERVER "[plugin fresh]\n");

    client_expect(&c, GET("/fresh"), 200, "1");
    for (int i = 2; i < 5; i++) {
        char serial[16];
        ck_assert_int_eq(server_reload(&s), 1);
        snprintf(serial, sizeof serial, "%d", i);
        client_expect(&c, GET("/fresh"), 200, serial);
    }
    end(&c);
}
END_TEST

START_TEST(a_listener_that_stays_and_changes_is_told)
{
    struct client c = begin(SERVER "[plugin life]\n");

    server_write(&s, SERVER "backlog = 64\n[plugin life]\n");
    server_signal(&s, SIGHUP);
    ck_assert_ptr_nonnull(strstr(server_wait_log(&s, "reload: generation"),
                                 "listeners 1 changed; "));
    server_signal(&s, SIGHUP);
    ck_assert_ptr_nonnull(strstr(server_wait_log(&s, "reload: generation"),
                                 "nothing that serves has changed"));
    end(&c);
}
END_TEST

/* The worker comes back while the server waits for its last connections: what
 * it had made is undone. */
START_TEST(a_stop_undoes_what_a_late_worker_made)
{
    struct client c = begin(SERVER "[plugin keeper]\n");

    client_close(&c);
    server_write(&s, SERVER "[plugin life]\nsay = late\n[plugin keeper]\n"
                            "init_ms = 1500ms\n");
    server_signal(&s, SIGHUP);
    server_wait_log(&s, "init takes its time");
    server_signal(&s, SIGTERM);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

/* A worker that does not come back from the init of a plugin is lost, and what
 * served goes on in another process. */
START_TEST(an_init_that_never_ends_costs_the_process)
{
    struct client c = begin(SERVER "prepare_timeout = 300ms\n"
                                   "probe_timeout = 0\n[plugin life]\n");

    client_close(&c);
    if (server_is_sanitized()) { /* no fault is taken there */
        ck_assert_int_eq(server_stop(&s), 0);
        return;
    }
    server_write(&s, SERVER "prepare_timeout = 300ms\nprobe_timeout = 0\n"
                            "[plugin life]\n[plugin keeper]\ninit_ms = 50s\n");
    server_signal(&s, SIGHUP);
    server_wait_log(&s, "is late: busy with the worker init of keeper");
    server_wait_log(&s, "it does not return");
    ck_assert(server_has_log(&s, "worker init of keeper"));
    server_wait_log(&s, " serves: ");
    client_once(&s, GET("/life"), 200, "life");
    ck_assert_int_le(server_stop(&s), 3);
}
END_TEST

START_TEST(a_stop_does_not_wait_for_who_is_not_ready)
{
    struct client c = begin(SERVER "drain_timeout = 200ms\nprobe_timeout = 0\n"
                                   "[plugin keeper]\n");

    client_close(&c);
    server_write(&s, SERVER "probe_timeout = 0\n[plugin keeper]\n"
                            "init_ms = 50s\n");
    server_signal(&s, SIGHUP);
    server_wait_log(&s, "init takes its time");
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "the server is to stop");
    ck_assert_int_eq(server_wait(&s), 3);
}
END_TEST

/* Half a head, a reload that changes a limit and the route, the rest of it. */
START_TEST(a_head_that_is_half_read_is_the_new_generation_s)
{
    struct client c = begin(SERVER "[plugin life]\nsay = old\n");

    client_puts(&c, "GET /life HTTP/1.1\r\nHost: x\r\nX-Long: ");
    for (int i = 0; i < 20; i++)
        client_puts(&c, "0123456789012345678901234567890123456789");
    ck_assert(client_is_quiet(&c, 50));
    reload(SERVER "max_header = 1k\n[plugin life]\nsay = new\n");
    client_puts(&c, "\r\n\r\n");
    client_take(&c, 0, 200, "new");
    end(&c);
}
END_TEST

/* Half a head, a reload that changes a limit of heads, the rest. */
static void
change_limit(const char *before, const char *after, int status)
{
    char ini[256];
    struct client c;

    snprintf(ini, sizeof ini, SERVER "%s\n[plugin life]\n", before);
    c = begin(ini);
    client_puts(&c, "GET /life HTTP/1.1\r\nHost: x\r\nX-Long: ");
    for (int i = 0; i < 20; i++)
        client_puts(&c, "0123456789012345678901234567890123456789");
    ck_assert(client_is_quiet(&c, 50));
    snprintf(ini, sizeof ini, SERVER "%s\n[plugin life]\n", after);
    reload(ini);
    for (int i = 0; i < 20; i++)
        client_puts(&c, "0123456789012345678901234567890123456789");
    client_puts(&c, "\r\nA: b\r\n\r\n");
    client_take(&c, 0, status, NULL);
    end(&c);
}

START_TEST(its_limits_are_the_new_generation_s_too)
{
    change_limit("max_header = 8k", "max_header = 8k", 200);
    change_limit("max_header = 8k", "max_header = 1k", 431);
    change_limit("max_header = 8k", "max_header = 500", 431);
    change_limit("max_header = 1k", "max_header = 8k", 200);
    change_limit("max_headers = 9", "max_headers = 2", 431);
    change_limit("max_headers = 2", "max_headers = 9", 200);
}
END_TEST

UNIT_MAIN(instances, another_route_leaves_an_instance_as_it_is,
          a_file_an_option_names_is_part_of_it,
          what_is_new_is_given_the_state_of_the_old,
          a_route_s_own_values_do_not_lose_a_state,
          a_state_that_is_not_taken_is_said_or_refused,
          a_state_that_can_not_be_handed_over_is_refused_if_it_is_required,
          a_state_in_an_older_layout_may_be_taken,
          only_what_is_in_flight_is_missing_from_a_state,
          nothing_is_missing_that_came_during_the_reloads,
          a_reload_that_fails_ends_nothing_it_borrowed,
          who_is_not_ready_in_time_is_named,
          a_worker_that_does_not_come_to_it_is_named,
          a_worker_that_does_not_come_to_it_is_left_behind,
          who_asks_for_it_is_made_anew,
          a_listener_that_stays_and_changes_is_told,
          a_stop_undoes_what_a_late_worker_made,
          an_init_that_never_ends_costs_the_process,
          a_stop_does_not_wait_for_who_is_not_ready,
          a_head_that_is_half_read_is_the_new_generation_s,
          its_limits_are_the_new_generation_s_too)
