/* SPDX-License-Identifier: BSD-2-Clause */
/* reload.c - SIGHUP: a new generation takes over, or the old one goes on.
 * tags: epoll asan tsan tls h2 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 100
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nlog_level = debug\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static const char old_ini[] = SERVER "[plugin life]\nsay = old\n";
static const char new_ini[] = SERVER "[plugin life]\nsay = new\n";

/* Several threads write the log: what one says may stand behind what another
 * said later. */
static void
wait_logged(struct server *s, const char *text, int n)
{
    for (int i = 0; i < 2000 && server_count_log(s, text) < n; i++)
        usleep(5000);
    ck_assert_msg(server_count_log(s, text) == n,
                  "\"%s\" stands %d times in the log", text,
                  server_count_log(s, text));
}

START_TEST(a_request_ends_on_the_generation_it_began_on)
{
    struct server s;
    struct client half, c;

    server_start(&s, old_ini);
    half = client_open(&s);
    c = client_open(&s);
    client_puts(&half, "POST /life HTTP/1.1\r\nHost: x\r\n"
                       "Content-Length: 10\r\n\r\n01234");
    client_expect(&c, GET("/life"), 200, "old");
    server_write(&s, new_ini);
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/life"), 200, "new");
    ck_assert(!server_has_log(&s, "generation 1 is gone"));
    ck_assert(!server_has_log(&s, "life: close old"));
    client_puts(&half, "56789");
    client_take(&half, 0, 200, "old 10");
    wait_logged(&s, "life: exit old on ", 2);
    wait_logged(&s, "generation 1 is gone", 1);
    wait_logged(&s, "life: close old", 1);
    client_expect(&half, GET("/life"), 200, "new");
    client_close(&half);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_connection_cut_in_a_request_lets_its_generation_go)
{
    struct server s;
    struct client half;

    server_start(&s, old_ini);
    half = client_open(&s);
    client_puts(&half, "POST /life HTTP/1.1\r\nHost: x\r\nExpect: "
                       "100-continue\r\nContent-Length: 10\r\n\r\n");
    client_take(&half, 0, 100, NULL);
    server_write(&s, new_ini);
    ck_assert_int_eq(server_reload(&s), 1);
    client_close(&half);
    server_wait_log(&s, "generation 1 is gone");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What is wrong, where that must be said, and in which words. */
static const struct {
    const char *ini, *said;
} bad[] = {
    {SERVER "[plugin life]\nsay = bad\n[route x\n", "etude.ini:10: "},
    {SERVER "colour = red\n[plugin life]\n", "etude.ini:8: [server] colour"},
    {SERVER "[plugin life]\nnoise = 1\n", "etude.ini:9: [plugin life] noise"},
    {SERVER "[plugin lief]\n", "etude.ini:8: [plugin lief]"},
    {SERVER "[plugin life]\nfail = open\n", "told to fail in open"},
    {SERVER "[plugin life]\nfail = init\nworker = 1\n", "told to fail in init"},
    {SERVER "[plugin life]\nfail = init\nworker = 0\n", "told to fail in init"},
    {SERVER "[plugin life]\n[plugin two]\nmodule = life\n",
     "is served already"},
    {SERVER "listen = 127.0.0.1:1, nosuchhost.invalid:80\n[plugin life]\n",
     "etude.ini:"},
    {SERVER "log = $DIR/nowhere/log\n[plugin life]\n",
     "etude.ini:8: [server] log"},
    {SERVER "include = nowhere.ini\n[plugin life]\n", "etude.ini:8: "},
    {SERVER "[plugin life]\n[listen tls]\naddress = 127.0.0.1:0\n"
            "tls.certificate = x.pem\n",
     "tls.certificate: cannot read"},
};

START_TEST(a_failed_reload_leaves_what_serves)
{
    struct server s;
    struct client c;

    server_start(&s, old_ini);
    c = client_open(&s);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char said[4096];
        size_t seen = s.log_seen;
        server_write(&s, bad[i].ini);
        ck_assert_msg(server_reload(&s) == 0, "taken: %s", bad[i].ini);
        s.log_seen = seen;
        snprintf(said, sizeof said, "%s", server_wait_log(&s, bad[i].said));
        ck_assert_msg(strstr(said, "etude.ini:"), "no place: %s", said);
        server_wait_log(&s, "generation 1 goes on");
        client_expect(&c, GET("/life"), 200, "old");
        client_once(&s, GET("/life"), 200, "old");
    }
    server_write(&s, new_ini);
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/life"), 200, "new");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Whoever waits for somebody to write into one waits for ever. */
START_TEST(a_fifo_in_place_of_a_file_holds_nothing_up)
{
    static const char *const where[] = {
        "etude.ini:8: [server] include: ",
        "etude.ini:9: [plugin life] say: cannot read ${file:",
        "etude.ini: cannot read it: ",
    };
    struct server s;
    char path[PATH_MAX];

    server_start(&s, old_ini);
    snprintf(path, sizeof path, "%s/fifo", s.dir);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    for (int i = 0; i < 3; i++) {
        size_t seen = s.log_seen;
        if (i == 0)
            server_write(&s, SERVER "include = fifo\n[plugin life]\n");
        if (i == 1)
            server_write(&s, SERVER "[plugin life]\nsay = ${file:fifo}\n");
        if (i == 2)
            ck_assert_int_eq(rename(path, s.conf), 0);
        ck_assert_int_eq(server_reload(&s), 0);
        s.log_seen = seen;
        ck_assert_ptr_nonnull(
            strstr(server_wait_log(&s, where[i]), "it is a FIFO"));
        server_wait_log(&s, "generation 1 goes on");
        client_once(&s, GET("/life"), 200, "old");
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

#define MANY 4 /* workers */
#define ABOUT "life: "

/* What of the new generation is there now, as far as the log was read. */
struct made {
    char init[MANY][8][8]; /* by worker, in the order of their making */
    int n_init[MANY];
    char open[8][8];
    int n_open, n_inits, n_exits;
};

/* The last that was made is undone first. */
static void
undo(char stack[8][8], int *n, const char *what)
{
    ck_assert_int_gt(*n, 0);
    ck_assert_str_eq(stack[--*n], what);
}

static void
read_line(struct made *m, const char *verb, const char *what, unsigned worker)
{
    if (strcmp(verb, "open") == 0) {
        strcpy(m->open[m->n_open++], what);
    } else if (strcmp(verb, "close") == 0) {
        undo(m->open, &m->n_open, what);
    } else if (strcmp(verb, "init") == 0) {
        m->n_inits++;
        strcpy(m->init[worker][m->n_init[worker]++], what);
    } else {
        m->n_exits++;
        undo(m->init[worker], &m->n_init[worker], what);
    }
}

/* The lines of life behind `from` in the log; old's must not be among them. */
static struct made
read_log(struct server *s, size_t from)
{
    struct made m = {0};
    char line[1024], verb[8], what[8];
    FILE *f = fopen(s->log_path, "re");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, (long)from, SEEK_SET), 0);
    while (fgets(line, sizeof line, f)) {
        const char *at = strstr(line, ABOUT);
        unsigned worker = 0;
        if (!at || sscanf(at + strlen(ABOUT), "%7s %7s on %u", verb, what,
                          &worker) < 2)
            continue;
        ck_assert_str_ne(what, "old");
        ck_assert_uint_lt(worker, MANY);
        read_line(&m, verb, what, worker);
    }
    fclose(f);
    return m;
}

static size_t
log_size(const struct server *s)
{
    struct stat st;

    ck_assert_int_eq(stat(s->log_path, &st), 0);
    return (size_t)st.st_size;
}

/* Three instances, the last of which fails on worker k: whatever was made is
 * unmade in reverse on each worker, and what was opened is closed in reverse.
 */
static void
fail_on(struct server *s, unsigned k)
{
    char ini[512];
    size_t from;
    struct made m;

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = %d\n"
             "probe_timeout = 0\n"
             "[plugin a]\nmodule = life\nmount = /a\nsay = aa\n"
             "[plugin b]\nmodule = life\nmount = /b\nsay = bb\n"
             "[plugin c]\nmodule = life\nmount = /c\nsay = cc\n"
             "fail = init\nworker = %u\n",
             MANY, k);
    server_write(s, ini);
    from = log_size(s);
    ck_assert_int_eq(server_reload(s), 0);
    wait_logged(s, "life: close aa", (int)k + 1);
    /* Workers' lines may come behind that one. */
    while ((m = read_log(s, from)).n_exits < 3 * MANY - 1)
        usleep(1000);
    ck_assert_int_eq(m.n_inits, 3 * MANY - 1); /* all but the one that failed */
    ck_assert_int_eq(m.n_open, 0);
    for (unsigned w = 0; w < MANY; w++)
        ck_assert_int_eq(m.n_init[w], 0);
    client_once(s, GET("/life"), 200, "old");
    client_once(s, GET("/a/life"), 404, NULL);
}

/* Without a trial, which would fail on its only worker. */
START_TEST(what_failed_on_any_worker_is_undone_on_all)
{
    struct server s;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 4\n"
                     "probe_timeout = 0\n"
                     "[plugin life]\nsay = old\n");
    wait_logged(&s, "life: init old on ", MANY);
    for (unsigned k = 0; k < MANY; k++)
        fail_on(&s, k);
    ck_assert_int_eq(server_count_log(&s, "told to fail in init"), MANY);
    server_write(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 4\n"
                     "probe_timeout = 0\n"
                     "[plugin life]\nsay = new\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/life"), 200, "new");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static const char *const process_keys[] = {
    "workers = 3",         "pin = no",          "accept = reuseport",
    "slab_capacity = 400", "write_buffer = 8k", "pid_file = $DIR/pid",
    "runtime_dir = $DIR",
};
#define N_PROCESS_KEYS (sizeof process_keys / sizeof process_keys[0])

static void
write_key(struct server *s, size_t i, const char *more)
{
    char ini[512];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\n%s%s\n%s\n[plugin life]\n"
             "say = %zu\n",
             more, process_keys[i], i == 1 ? "" : "pin = yes", i);
    server_write(s, ini);
}

/* Another process takes over, with the connections. */
START_TEST(keys_of_the_process_change_with_another_process)
{
    char said[128], path[160], answer[8];
    struct server s;
    struct client c;
    pid_t before;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\npin = yes\n"
                     "[plugin life]\nsay = old\n");
    c = client_open(&s);
    client_expect(&c, GET("/life"), 200, "old");
    for (size_t i = 0; i < N_PROCESS_KEYS; i++) {
        before = server_pid(&s);
        write_key(&s, i, "");
        server_signal(&s, SIGHUP);
        snprintf(said, sizeof said, "%.*s", (int)strcspn(process_keys[i], " "),
                 process_keys[i]);
        ck_assert_ptr_nonnull(strstr(
            server_wait_log(&s, "a reload needs another process: "), said));
        server_wait_log(&s, " serves, in another process");
        server_wait_log(&s, " has left");
        ck_assert_int_ne(server_pid(&s), before);
        snprintf(answer, sizeof answer, "%zu", i);
        client_come_again(&c, &s);
        client_expect(&c, GET("/life"), 200, answer);
        snprintf(path, sizeof path, "%s/pid", s.dir);
        ck_assert_int_eq(access(path, F_OK) == 0, i == 5);
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(keys_of_a_single_process_need_a_restart)
{
    struct server s;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nsupervise = no\n"
                     "pin = yes\n[plugin life]\nsay = old\n");
    for (size_t i = 0; i < N_PROCESS_KEYS; i++) {
        char said[128];
        size_t seen = s.log_seen;
        write_key(&s, i, "supervise = no\n");
        ck_assert_int_eq(server_reload(&s), 0);
        s.log_seen = seen;
        snprintf(said, sizeof said, "[server] %.*s: changed",
                 (int)strcspn(process_keys[i], " "), process_keys[i]);
        ck_assert_ptr_nonnull(
            strstr(server_wait_log(&s, said), "needs a restart"));
        client_once(&s, GET("/life"), 200, "old");
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(settings_change_for_connections_that_are_open)
{
    struct server s;
    struct client c;
    struct answer a;

    server_start(&s, SERVER "[plugin life]\n");
    c = client_open(&s);
    client_puts(&c, GET("/life"));
    a = client_answer(&c, 0);
    ck_assert_str_eq(answer_field(&a, "server", 0), "Etude");
    answer_free(&a);
    server_write(&s, SERVER "server_header = no\nmax_body = 4\n"
                            "slash = strict\noverload = shed\n"
                            "[plugin life]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_puts(&c, GET("/life"));
    a = client_answer(&c, 0);
    ck_assert_ptr_null(answer_field(&a, "server", 0));
    answer_free(&a);
    client_expect(&c, GET("/life/"), 404, NULL);
    client_expect(&c,
                  "POST /life HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 4\r\n\r\n0123",
                  200, "life 4");
    client_expect(&c,
                  "POST /life HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 5\r\n\r\n01234",
                  413, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static int
can_connect(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc = connect(fd, (struct sockaddr *)&to, sizeof to);

    close(fd);
    return rc == 0;
}

static uint16_t
port_of(const char *line)
{
    return (uint16_t)atoi(strrchr(line, ':') + 1);
}

/* An answer that says it is the last one, and then the end. */
static void
expect_last(struct client *c, const char *request, const char *body)
{
    struct answer a;
    const char *said;

    client_puts(c, request);
    a = client_answer(c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body, body);
    said = answer_field(&a, "connection", 0);
    ck_assert(said && strcmp(said, "close") == 0);
    answer_free(&a);
    ck_assert(client_is_closed(c));
    client_close(c);
}

START_TEST(listeners_come_and_go)
{
    struct server s, at;
    struct client c;
    uint16_t port;

    if (transport_here()->is_h2) /* no request behind GOAWAY */
        return;
    server_start(&s, old_ini);
    c = client_open(&s);
    at = s;
    server_write(&s, SERVER "[plugin life]\n[listen more]\n"
                            "address = 127.0.0.2:0, unix:$DIR/sock\n");
    s.log_seen = 0;
    server_wait_log(&s, "listening on ");
    server_signal(&s, SIGHUP);
    server_wait_log(&s, "listening on 127.0.0.2:");
    server_wait_log(&s, "listening on unix:");
    server_wait_log(&s, "reload: ");
    {
        char path[128];
        struct client u;
        snprintf(path, sizeof path, "%s/sock", s.dir);
        u = client_unix(path);
        client_expect(&u, GET("/life"), 200, "life");
        /* Away with the first and the Unix one. */
        server_write(&s, "[server]\nlisten = [::1]:0\nworkers = 2\n"
                         "log_level = debug\n[plugin life]\nsay = v6\n");
        server_signal(&s, SIGHUP);
        port = port_of(server_wait_log(&s, "listening on [::1]:"));
        server_wait_log(&s, "no longer listening on unix:");
        server_wait_log(&s, "reload: ");
        ck_assert_int_ne(access(path, F_OK), 0);
        expect_last(&u, GET("/life"), "v6");
    }
    expect_last(&c, GET("/life"), "v6"); /* connections have one more answer */
    ck_assert(!can_connect(at.port));
    c = client_v6(port);
    client_expect(&c, GET("/life"), 200, "v6");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

#define AT(host) "[route r]\nmatch = GET /r\nhandler = life:life\n" host

/* One after the other: what the log says of the change. */
static const struct {
    const char *ini, *said;
} told[] = {
    {SERVER "[plugin life]\nsay = new\n", "routes 3 changed; 0 instances kept"},
    {SERVER "[plugin life]\n" AT(""), "routes 1 added"},
    {SERVER "[plugin life]\n" AT("host = a.example\n"), ": routes 1 changed; "},
    {SERVER "[plugin life]\n" AT("host = a.example, b.example\n"),
     ": routes 1 changed; "},
    {SERVER "[plugin life]\n", ": routes 1 removed; "},
    {SERVER "slash = strict\nmax_header = 4k\n[plugin life]\n",
     ": settings max_header, slash changed; 1 instances kept, 0 new"},
    {SERVER "[plugin life]\n", ": settings max_header, slash changed; "},
    {SERVER "backlog = 200\n[plugin life]\n", ": listeners 1 changed; "},
    {SERVER "backlog = 300\n[plugin nothing]\n", "reload failed"},
    {SERVER "backlog = 300\n[plugin life]\n[listen x]\n"
            "address = unix:/nowhere/sock\n",
     "reload failed"},
    {SERVER "backlog = 200\n[plugin life]\n",
     ": nothing that serves has changed; "},
};

START_TEST(the_line_says_what_has_changed)
{
    struct server s;

    server_start(&s, old_ini);
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        const char *line;
        server_write(&s, told[i].ini);
        server_signal(&s, SIGHUP);
        line = server_wait_log(&s, "reload");
        ck_assert_msg(strstr(line, told[i].said), "row %zu: %s", i, line);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* An address that overlaps with the one before, which is still listened on when
 * it is bound. */
START_TEST(an_address_may_become_wider_and_narrower)
{
    static const char *const hosts[] = {"0.0.0.0", "127.0.0.1", "*",
                                        "127.0.0.1"};
    struct server s;
    struct client c;
    char ini[256];

    if (transport_here()->is_h2) /* no request behind GOAWAY */
        return;
    server_start(&s, SERVER "[plugin life]\n");
    c = client_open(&s);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        snprintf(ini, sizeof ini,
                 "[server]\nlisten = %s:%u\nworkers = 2\n[plugin life]\n",
                 hosts[i], s.port);
        server_write(&s, ini);
        ck_assert_int_eq(server_reload(&s), 1);
        client_puts(&c, GET("/life"));
        client_take_last(&c);
        client_close(&c);
        c = client_open(&s);
        client_expect(&c, GET("/life"), 200, "life");
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_failed_reload_opens_no_listener)
{
    struct server s;
    char path[128];

    server_start(&s, old_ini);
    server_write(&s, SERVER "[plugin life]\nfail = init\n[listen more]\n"
                            "address = unix:$DIR/sock\n");
    ck_assert_int_eq(server_reload(&s), 0);
    snprintf(path, sizeof path, "%s/sock", s.dir);
    ck_assert_int_ne(access(path, F_OK), 0);
    server_write(&s, SERVER "[plugin life]\n[listen more]\n"
                            "address = unix:$DIR/sock\nbacklog = 7\n");
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(server_stop(&s), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* ---- under load -----------------------------------------------------------*/

#define CLIENTS 4
#define RELOADS 200

struct load {
    _Atomic int is_over;
    _Atomic unsigned long n[CLIENTS];
};

/* A client that asks until it is told to end; each answer must be good, and the
 * connection must never close. */
static void
ask(struct server *s, struct load *load, int i)
{
    struct client c;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    c = client_open(s);
    while (!load->is_over) {
        client_puts(&c, GET("/life") "POST /life HTTP/1.1\r\nHost: x\r\n"
                                     "Content-Length: 3\r\n\r\n");
        client_take(&c, 0, 200, NULL);
        client_puts(&c, "abc");
        client_take(&c, 0, 200, NULL);
        load->n[i] += 2;
    }
    client_close(&c);
    _exit(0);
}

START_TEST(reload_after_reload_fails_nobody)
{
    /* They leave the trials little of the machine. */
#define BUSY(say) SERVER "probe_timeout = 1m\n[plugin life]\nsay = " say "\n"
    static const char *const inis[] = {BUSY("new"), BUSY("old")};
    struct server s;
    struct load *load = mmap(NULL, sizeof *load, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[CLIENTS];
    unsigned long n = 0;
    const int times = unit_rounds(RELOADS);

    ck_assert_ptr_ne(load, MAP_FAILED);
    server_start(&s, inis[1]);
    for (int i = 0; i < CLIENTS; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            ask(&s, load, i);
    }
    for (int i = 0; i < times; i++) {
        server_write(&s, inis[i % 2]);
        ck_assert_int_eq(server_reload(&s), 1);
    }
    load->is_over = 1;
    for (int i = 0; i < CLIENTS; i++) {
        int status;
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_msg(status == 0, "client %d failed", i);
        ck_assert_uint_gt(load->n[i], 0);
        n += load->n[i];
    }
    printf("%lu requests\n", n);
    server_signal(&s, SIGHUP);
    ck_assert_ptr_nonnull(
        strstr(server_wait_log(&s, "reload: "), " 1 generations alive"));
    wait_logged(&s, "life: open", times + 1);
    wait_logged(&s, "life: close", times);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_stop_gives_every_stage_back)
{
    struct server s;
    char log[80];

    server_start(&s, old_ini);
    client_once(&s, GET("/life"), 200, "old");
    /* The server's folder goes with it: keep its log. */
    snprintf(log, sizeof log, "%s.log", s.dir);
    ck_assert_int_eq(link(s.log_path, log), 0);
    ck_assert_int_eq(server_stop(&s), 0);
    strcpy(s.log_path, log);
    ck_assert_int_eq(server_count_log(&s, "life: init old on"), 2);
    ck_assert_int_eq(server_count_log(&s, "life: exit old on"), 2);
    ck_assert_int_eq(server_count_log(&s, "life: close old"), 1);
    unlink(log);
}
END_TEST

UNIT_MAIN(reload, a_request_ends_on_the_generation_it_began_on,
          a_connection_cut_in_a_request_lets_its_generation_go,
          a_failed_reload_leaves_what_serves,
          a_fifo_in_place_of_a_file_holds_nothing_up,
          what_failed_on_any_worker_is_undone_on_all,
          keys_of_the_process_change_with_another_process,
          keys_of_a_single_process_need_a_restart,
          settings_change_for_connections_that_are_open, listeners_come_and_go,
          the_line_says_what_has_changed,
          an_address_may_become_wider_and_narrower,
          a_failed_reload_opens_no_listener, reload_after_reload_fails_nobody,
          a_stop_gives_every_stage_back)
