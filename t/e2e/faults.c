/* SPDX-License-Identifier: BSD-2-Clause */
/* faults.c - plugins that go wrong in every way, while others are served.
 * tags: epoll tls
 *
 * What each costs is the table of core/README.md: a request, the connections of
 * a worker, or the process.  A thread of the test keeps connections to both
 * workers busy meanwhile and counts what it loses, by worker. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 2\ncrash_limit = 0\n"
#define BOTH "[plugin life]\n[plugin faulty]\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static struct server s;

/* ---- those who have nothing to do with it --------------------------------*/

#define CONNECTIONS 6
#define UNKNOWN 2 /* no worker has answered on it yet */

/* What all of them have seen. */
struct load {
    uint16_t port;
    _Atomic int stops;
    _Atomic unsigned answered, refused;
    _Atomic unsigned cut[UNKNOWN + 1]; /* by worker */
    struct asker {
        pthread_t thread;
        struct load *load;
        int fd, worker;
    } askers[CONNECTIONS];
};

static int
reach(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return transport_open(fd);
    close(fd);
    return -1;
}

/* One answer of "/life/worker"; the worker, or -1: the connection is cut.
 * *is_last: it says that it was the last one. */
static int
ask_worker(int fd, int *is_last)
{
    static const char request[] = GET("/life/worker");
    char text[1024];
    size_t n = 0;
    char *body = NULL;

    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        return -1;
    while (!body || !body[4]) {
        ssize_t rc = recv(fd, text + n, sizeof text - 1 - n, 0);
        if (rc <= 0)
            return -1;
        n += (size_t)rc;
        text[n] = '\0';
        body = strstr(text, "\r\n\r\n");
    }
    *is_last = strstr(text, "Connection: close") != NULL;
    return strncmp(text, "HTTP/1.1 200", 12) == 0 ? body[4] - '0' : -1;
}

static void
let_go(struct asker *a)
{
    close(a->fd);
    a->fd = -1;
}

static void
step(struct asker *a)
{
    struct load *l = a->load;
    int worker, is_last = 0;

    if (a->fd < 0) {
        a->fd = reach(l->port);
        a->worker = UNKNOWN;
    }
    if (a->fd < 0) {
        atomic_fetch_add(&l->refused, 1);
        return;
    }
    worker = ask_worker(a->fd, &is_last);
    if (worker < 0) {
        if (!transport_here()->is_h2 || !transport_was_told(a->fd))
            atomic_fetch_add(&l->cut[a->worker], 1);
        let_go(a);
        return;
    }
    atomic_fetch_add(&l->answered, 1);
    a->worker = worker;
    if (is_last)
        let_go(a);
}

static void *
ask_on(void *arg)
{
    struct asker *a = arg;

    while (!atomic_load(&a->load->stops)) {
        step(a);
        usleep(500);
    }
    if (a->fd >= 0)
        close(a->fd);
    return NULL;
}

/* Until n more requests were answered. */
static void
load_wait(struct load *l, unsigned n)
{
    unsigned until = atomic_load(&l->answered) + n;

    for (int i = 0; i < 10000 && atomic_load(&l->answered) < until; i++)
        usleep(2000);
    ck_assert_uint_ge(atomic_load(&l->answered), until);
}

static void
load_begin(struct load *l)
{
    memset(l, 0, sizeof *l);
    l->port = s.port;
    for (int i = 0; i < CONNECTIONS; i++) {
        struct asker *a = &l->askers[i];
        a->load = l;
        a->fd = -1;
        ck_assert_int_eq(pthread_create(&a->thread, NULL, ask_on, a), 0);
    }
    load_wait(l, 50);
}

static void
load_end(struct load *l)
{
    load_wait(l, 50);
    atomic_store(&l->stops, 1);
    for (int i = 0; i < CONNECTIONS; i++)
        pthread_join(l->askers[i].thread, NULL);
    ck_assert_uint_eq(l->refused, 0);
}

static void
ck_nothing_lost(const struct load *l)
{
    ck_assert_uint_eq(l->refused, 0);
    for (int i = 0; i <= UNKNOWN; i++)
        ck_assert_uint_eq(l->cut[i], 0);
}

/* ---- one that goes wrong -------------------------------------------------*/

/* A connection of ours, and the worker that has it. */
static struct client
open_known(int *worker)
{
    struct client c = client_open(&s);
    struct answer a;

    client_puts(&c, GET("/life/worker"));
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    *worker = a.body[0] - '0';
    answer_free(&a);
    return c;
}

/* Somewhere in the log, or soon. */
static void
ck_logged(const char *text)
{
    for (int i = 0; i < 5000 && !server_has_log(&s, text); i++)
        usleep(2000);
    ck_assert_msg(server_has_log(&s, text), "the log does not say \"%s\"",
                  text);
}

static void
ask(const char *way)
{
    struct client c = client_open(&s);

    client_printf(&c, "GET /faulty/%s HTTP/1.1\r\nHost: x\r\n\r\n", way);
    (void)client_read_all(&c);
    client_close(&c);
}

/* What is recovered costs this one request, and not even the connection. */
static const struct {
    const char *way, *signal, *function;
} recovered[] = {
    {"null", "SIGSEGV", "write_null"},    {"strlen", "SIGSEGV", "read_strlen"},
    {"memcpy", "SIGSEGV", "copy_memory"}, {"divide", "SIGFPE", "divide"},
    {"stack", "SIGSEGV", "overflow"},     {"bus", "SIGBUS", "read_past_file"},
    {"trap", "SIGILL", "trap"},           {"lock", "SIGSEGV", "hold_lock"},
};

/* Another process takes over meanwhile. */
static struct answer
ask_for(struct client *c, const char *way)
{
    char request[128];

    snprintf(request, sizeof request,
             "GET /faulty/%s HTTP/1.1\r\nHost: x\r\n\r\n", way);
    return client_ask(c, &s, request);
}

START_TEST(a_fault_in_its_own_code_costs_one_request)
{
    struct load l;
    struct client c;
    int pid;

    server_start(&s, SERVER BOTH);
    pid = server_pid(&s);
    load_begin(&l);
    c = client_open(&s);
    for (size_t i = 0; i < ARRAY_LEN(recovered); i++) {
        struct answer a = ask_for(&c, recovered[i].way);
        ck_assert_int_eq(a.status, 500);
        ck_assert_str_eq(a.body, "500 Internal Server Error\n");
        answer_free(&a);
        server_wait_log(&s, recovered[i].signal);
        server_wait_log(&s, "org.etude.test.faulty 1.2.3");
        server_wait_log(&s, "handler of faulty, route faulty_get");
        server_wait_log(&s, recovered[i].way);
        server_wait_log(&s, recovered[i].function);
        a = ask_for(&c, "none");
        ck_assert_str_eq(a.body, "well\n");
        answer_free(&a);
    }
    client_close(&c);
    load_end(&l);
    ck_nothing_lost(&l);
    /* Yet a process that something has crashed in is not kept. */
    ck_logged("is started to take over, after a crash");
    for (int i = 0; i < 4000 && server_pid(&s) == pid; i++)
        usleep(5000);
    ck_assert_int_ne(server_pid(&s), pid);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What is not recovered costs the connections of its worker; the others end
 * their answers, and nobody is refused. */
static const struct {
    const char *way, *what, *function;
} lost[] = {
    {"snprintf", "SIGSEGV", "print_bad"},
    {"abort", "SIGABRT", "call_abort"},
    {"free", "SIGABRT", "free_twice"},
    {"heap", "SIGABRT", "break_heap"},
    {"exit", "exit() was called", "call_exit"},
    {"jump", "SIGSEGV", "go_wrong"},
    {"vdso", "SIGSEGV", "read_clock"},
    {"pthread_exit", "(pthread_exit); not recovered", "/faulty/pthread_exit"},
};

START_TEST(any_other_fault_costs_the_connections_of_its_worker)
{
    struct load l;
    struct client c;
    int worker, pid;

    server_start(&s, SERVER BOTH);
    pid = server_pid(&s);
    load_begin(&l);
    c = open_known(&worker);
    client_printf(&c, "GET /faulty/%s HTTP/1.1\r\nHost: x\r\n\r\n",
                  lost[_i].way);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    server_wait_log(&s, lost[_i].what);
    server_wait_log(&s, "org.etude.test.faulty 1.2.3");
    server_wait_log(&s, "handler of faulty, route faulty_get");
    server_wait_log(&s, lost[_i].function);
    server_wait_log(&s, " serves: ");
    load_end(&l);
    ck_assert_uint_eq(l.cut[!worker], 0);
    ck_logged("was killed by signal");
    ck_assert_int_ne(server_pid(&s), pid);
    client_once(&s, GET("/faulty/none"), 200, "well\n");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_fault_of_its_own_thread_costs_the_process)
{
    struct load l;
    int pid;

    server_start(&s, SERVER BOTH);
    pid = server_pid(&s);
    load_begin(&l);
    ask("thread");
    server_wait_log(&s, "the process ends at once");
    server_wait_log(&s, "org.etude.test.faulty");
    server_wait_log(&s, "a thread of its own of faulty.so");
    server_wait_log(&s, "thread_main");
    server_wait_log(&s, " serves: ");
    load_end(&l);
    ck_assert_int_ne(server_pid(&s), pid);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(closed_descriptors_cost_the_process)
{
    int pid;

    server_start(&s, SERVER BOTH);
    pid = server_pid(&s);
    ask("close");
    server_wait_log(&s, "descriptor is closed; not recovered");
    server_wait_log(&s, "org.etude.test.faulty");
    server_wait_log(&s, "perhaps the chain of faulty, route faulty_get");
    server_wait_log(&s, "starts again");
    server_wait_log(&s, " serves: ");
    ck_assert_int_ne(server_pid(&s), pid);
    client_once(&s, GET("/faulty/none"), 200, "well\n");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_signal_from_outside_is_nobody_s_fault)
{
    int pid;

    server_start(&s, SERVER BOTH);
    pid = server_pid(&s);
    ck_assert_int_eq(kill(pid, SIGSEGV), 0);
    server_wait_log(&s, "SIGSEGV sent by process");
    server_wait_log(&s, "no callback of a plugin was running");
    server_wait_log(&s, "killed by signal 11");
    server_wait_log(&s, " serves: ");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(an_exception_that_nobody_catches_is_named)
{
    char path[160];

    server_prepare(&s, SERVER "[plugin life]\n[plugin thrower]\n");
    snprintf(path, sizeof path, "%s/thrower.so", s.modules);
    if (access(path, R_OK) != 0) { /* there is no C++ compiler */
        server_clean(&s);
        return;
    }
    server_serve(&s);
    {
        struct client c = client_open(&s);
        client_puts(&c, GET("/throw"));
        ck_assert(client_is_closed(&c));
        client_close(&c);
    }
    server_wait_log(&s, "SIGABRT");
    server_wait_log(&s, "org.etude.test.thrower");
    ck_logged("killed by signal");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- other callbacks -----------------------------------------------------*/

START_TEST(a_response_step_that_crashes_is_left_out)
{
    struct client c;
    struct answer a;

    server_start(&s, SERVER "[plugin life]\n[plugin faulty]\nin = respond\n"
                            "[route x]\nmatch = GET /x\nuse = life, faulty\n"
                            "handler = life:life\n");
    c = client_open(&s);
    client_puts(&c, GET("/x"));
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 500);
    ck_assert_ptr_nonnull(answer_field(&a, "X-Life", 0));
    answer_free(&a);
    server_wait_log(&s, "response step of faulty, route x");
    client_expect(&c, GET("/life"), 200, "life");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(one_that_crashed_takes_no_further_part)
{
    struct client c;
    struct answer a;

    server_start(&s, SERVER "[plugin life]\n[plugin faulty]\nin = request\n"
                            "[route x]\nmatch = GET /x\nuse = life, faulty\n"
                            "handler = life:life\n");
    c = client_open(&s);
    client_puts(&c, GET("/x"));
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 500);
    ck_assert_ptr_nonnull(answer_field(&a, "X-Life", 0));
    ck_assert_ptr_null(answer_field(&a, "X-Faulty", 0));
    answer_free(&a);
    server_wait_log(&s, "request step of faulty, route x");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_log_step_that_crashes_is_skipped)
{
    struct client c;

    server_start(&s, SERVER "[plugin life]\n[plugin faulty]\nin = log\n"
                            "[route x]\nmatch = GET /x\nuse = faulty\n"
                            "handler = life:life\n");
    c = client_open(&s);
    client_expect(&c, GET("/x"), 200, "life");
    server_wait_log(&s, "recovered: the callback is given up");
    server_wait_log(&s, "log step of faulty, route x");
    client_expect(&c, GET("/life"), 200, "life");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_panic_is_a_500_and_no_crash)
{
    struct client c;

    server_start(&s, SERVER BOTH);
    c = client_open(&s);
    client_expect(&c, GET("/faulty/panic"), 500, NULL);
    server_wait_log(&s, "no way on from 42");
    server_wait_log(&s, "panic in its handler, route faulty_get: plugin "
                        "org.etude.test.faulty 1.2.3, sha256 ");
    client_expect(&c, GET("/faulty/none"), 200, "well\n");
    ck_assert(!server_has_log(&s, "fault:"));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static const struct {
    const char *in, *says;
} at_change[] = {
    {"check", "crashed in its check of its options: SIGSEGV"},
    {"open", "crashed in its open: SIGSEGV"},
    {"init", "crashed in its worker init: SIGSEGV"},
};

START_TEST(a_crash_while_it_is_made_fails_the_reload)
{
    struct load l;
    char ini[512];
    int pid;

    server_start(&s, SERVER "[plugin life]\n");
    pid = server_pid(&s);
    load_begin(&l);
    snprintf(ini, sizeof ini,
             SERVER "[plugin life]\n[plugin faulty]\nin = %s\n",
             at_change[_i].in);
    server_write(&s, ini);
    ck_assert_int_eq(server_reload(&s), 0);
    ck_logged(at_change[_i].says);
    load_end(&l);
    ck_nothing_lost(&l);
    ck_assert_int_eq(server_pid(&s), pid);
    ck_assert_int_eq(server_stop(&s), 0);
    /* And the start. */
    server_prepare(&s, ini);
    ck_assert_int_eq(server_launch(&s), 78);
    server_clean(&s);
}
END_TEST

START_TEST(a_crash_in_load_fails_the_reload)
{
    server_start(&s, SERVER "[plugin life]\n");
    server_write(&s, SERVER "[plugin life]\n[plugin faulty_load]\n");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_logged("faulty_load.so: load failed: crashed in its load: SIGSEGV");
    client_once(&s, GET("/life"), 200, "life");
    ck_assert_int_eq(server_stop(&s), 0);
    server_prepare(&s, SERVER "[plugin faulty_load]\n");
    ck_assert_int_eq(server_launch(&s), 78);
    server_clean(&s);
}
END_TEST

START_TEST(a_crash_at_the_end_is_skipped)
{
    static const char *const in[] = {"exit", "close"};
    struct client c;
    char ini[512];

    snprintf(ini, sizeof ini,
             SERVER "[plugin life]\n[plugin faulty]\nin = %s\n", in[_i]);
    server_start(&s, ini);
    c = client_open(&s);
    client_expect(&c, GET("/life"), 200, "life");
    server_write(&s, SERVER "[plugin life]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    ck_logged(_i == 0 ? "worker exit of faulty" : "close of faulty");
    client_expect(&c, GET("/life"), 200, "life");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_crash_while_its_state_is_handed_over_is_told)
{
    static const char *const in[] = {"save", "take"};
    static const char *const says[] = {
        "crashed in its save of its state: SIGSEGV",
        "crashed in its load of its state: SIGSEGV"};
    char ini[512];

    server_start(&s, SERVER "[plugin life]\n[plugin faulty]\nin = save\n");
    snprintf(ini, sizeof ini,
             SERVER "[plugin life]\n[plugin faulty]\nin = %s\nhow = strlen\n",
             in[_i]);
    if (_i == 1) {
        server_write(&s, SERVER "[plugin life]\n");
        ck_assert_int_eq(server_reload(&s), 1);
        server_write(&s, SERVER BOTH);
        ck_assert_int_eq(server_reload(&s), 1);
    }
    server_write(&s, ini);
    /* The old build's own fault does not keep the new one out. */
    ck_assert_int_eq(server_reload(&s), _i == 0);
    ck_logged(says[_i]);
    client_once(&s, GET("/life"), 200, "life");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static const struct {
    const char *how, *what;
} ends[] = {{"abort", "SIGABRT"}, {"pthread_exit", "(pthread_exit)"}};

START_TEST(an_end_while_it_is_made_leaves_what_served)
{
    char ini[512];

    snprintf(ini, sizeof ini,
             SERVER "[plugin life]\n[plugin faulty]\nin = open\nhow = %s\n",
             ends[_i].how);
    server_start(&s, SERVER "[plugin life]\n");
    server_write(&s, ini);
    server_signal(&s, SIGHUP);
    server_wait_log(&s, ends[_i].what);
    server_wait_log(&s, "open of faulty");
    server_wait_log(&s, "the trial load has crashed: open of faulty (plugin "
                        "org.etude.test.faulty 1.2.3): ");
    server_wait_log(&s, "reload failed, 1 error(s)");
    client_once(&s, GET("/life"), 200, "life");
    ck_assert_int_eq(server_stop(&s), 0);
    server_prepare(&s, ini);
    ck_assert_int_eq(server_launch(&s), 78);
    server_clean(&s);
}
END_TEST

/* ---- policies ------------------------------------------------------------*/

START_TEST(on_crash_restart_recovers_nothing)
{
    int pid;

    server_start(&s, SERVER "on_crash = restart\n" BOTH);
    pid = server_pid(&s);
    ask("null");
    server_wait_log(&s, "this thread is lost");
    for (int i = 0; i < 4000 && kill(pid, 0) == 0; i++)
        usleep(5000); /* whether the next one serves before or after */
    ck_assert_int_ne(server_pid(&s), pid);
    ck_logged("killed by signal 11");
    client_once(&s, GET("/life"), 200, "life");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(on_crash_abort_ends_at_once)
{
    server_start(&s, SERVER "on_crash = abort\n" BOTH);
    ask("null");
    server_wait_log(&s, "the process ends at once");
    server_wait_log(&s, "handler of faulty");
    server_wait_log(&s, "killed by signal 11");
    server_wait_log(&s, " serves: ");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- steps that take long ------------------------------------------------*/

START_TEST(a_step_that_sleeps_is_named_and_sleeps_on)
{
    struct client c;

    server_start(&s, SERVER BOTH);
    c = client_open(&s);
    client_expect(&c, GET("/faulty/sleep"), 200, "well\n");
    server_wait_log(&s, "slow: a step holds its worker");
    server_wait_log(&s, "handler of faulty, route faulty_get");
    server_wait_log(&s, "sleep_long");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static const struct {
    const char *way, *frame;
} endless[] = {{"loop", " loop+"}, {"watch", " watch_clock+"}};

START_TEST(a_step_that_never_ends_is_named_and_given_up)
{
    struct load l;
    struct client c;
    int worker;

    server_start(&s, SERVER "step_abort = 400ms\n" BOTH);
    load_begin(&l);
    c = open_known(&worker);
    client_printf(&c, "GET /faulty/%s HTTP/1.1\r\nHost: x\r\n\r\n",
                  endless[_i].way);
    server_wait_log(&s, "slow: a step holds its worker");
    server_wait_log(&s, "handler of faulty, route faulty_get");
    server_wait_log(&s, endless[_i].frame);
    server_wait_log(&s, "longer than step_abort");
    server_wait_log(&s, "handler of faulty, route faulty_get");
    server_wait_log(&s, endless[_i].frame);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    server_wait_log(&s, " serves: ");
    load_end(&l);
    ck_assert_uint_eq(l.cut[!worker], 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static int
run_all(void)
{
    Suite *suite = suite_create("faults");
    TCase *tc = tcase_create("faults");

    tcase_set_timeout(tc, UNIT_SECONDS);
    tcase_add_test(tc, a_fault_in_its_own_code_costs_one_request);
    tcase_add_loop_test(tc, any_other_fault_costs_the_connections_of_its_worker,
                        0, ARRAY_LEN(lost));
    tcase_add_test(tc, a_fault_of_its_own_thread_costs_the_process);
    tcase_add_test(tc, closed_descriptors_cost_the_process);
    tcase_add_test(tc, a_signal_from_outside_is_nobody_s_fault);
    tcase_add_test(tc, an_exception_that_nobody_catches_is_named);
    tcase_add_test(tc, a_response_step_that_crashes_is_left_out);
    tcase_add_test(tc, one_that_crashed_takes_no_further_part);
    tcase_add_test(tc, a_log_step_that_crashes_is_skipped);
    tcase_add_test(tc, a_panic_is_a_500_and_no_crash);
    tcase_add_loop_test(tc, a_crash_while_it_is_made_fails_the_reload, 0,
                        ARRAY_LEN(at_change));
    tcase_add_test(tc, a_crash_in_load_fails_the_reload);
    tcase_add_loop_test(tc, a_crash_at_the_end_is_skipped, 0, 2);
    tcase_add_loop_test(tc, a_crash_while_its_state_is_handed_over_is_told, 0,
                        2);
    tcase_add_loop_test(tc, an_end_while_it_is_made_leaves_what_served, 0,
                        ARRAY_LEN(ends));
    tcase_add_test(tc, on_crash_restart_recovers_nothing);
    tcase_add_test(tc, on_crash_abort_ends_at_once);
    tcase_add_test(tc, a_step_that_sleeps_is_named_and_sleeps_on);
    tcase_add_loop_test(tc, a_step_that_never_ends_is_named_and_given_up, 0,
                        ARRAY_LEN(endless));
    suite_add_tcase(suite, tc);
    return unit_suite(suite);
}

int
main(void)
{
    return run_all() == 0 ? 0 : 1;
}
