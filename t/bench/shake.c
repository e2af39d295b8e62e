/* SPDX-License-Identifier: BSD-2-Clause */
/* shake.c - one scenario of make bench-tls: short bursts of TLS 1.3 handshakes,
 * server after server, round after round.
 *
 *     shake SCENARIO ROUNDS SECONDS CPU full|resumed <servers
 *
 * A server is a line "NAME PID PORT" of the input.  SHAKE_MANY connections are
 * being made at a time, each is closed when its handshake is over; of resumed
 * ones each offers the ticket that came last (one that is used once is offered
 * once).  Rounds, and what is printed, are as in burst.c, a request is a
 * handshake; an error is one that fails, or that was to be resumed and was not.
 * This thread runs on CPU. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "t/bench/meter.h"

#define MAX_SERVERS 16
#define SHAKE_MANY 16
#define WARM_UP 0.25 /* seconds */
#define TICKETS 64   /* that are kept */

struct server {
    char name[64];
    int port;
    struct meter meter;
    SSL_SESSION *tickets[TICKETS]; /* the newest is offered first */
    int n_tickets;
};

struct shake {
    const char *scenario;
    double seconds;
    int resumes;
    SSL_CTX *ctx;
};

struct one {
    struct server *to;
    SSL *ssl;
    int fd;
    short wants;
    int is_open; /* the handshake is over, a ticket is waited for */
    int has_ticket;
    int was_offered;
};

struct result {
    uint64_t requests, errors;
};

static int one_index;

static int
on_ticket(SSL *ssl, SSL_SESSION *session)
{
    struct one *c = SSL_get_ex_data(ssl, one_index);
    struct server *s = c->to;

    c->has_ticket = 1;
    if (s->n_tickets == TICKETS)
        return 0;
    s->tickets[s->n_tickets++] = session;
    return 1;
}

static void
begin(const struct shake *b, struct server *s, struct one *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)s->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(c->fd >= 0);
    CHECK(connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->ssl = SSL_new(b->ctx);
    CHECK(c->ssl && SSL_set_fd(c->ssl, c->fd) == 1);
    SSL_set_ex_data(c->ssl, one_index, c);
    c->to = s;
    SSL_set_connect_state(c->ssl);
    c->was_offered = b->resumes && s->n_tickets > 0;
    if (c->was_offered) {
        SSL_SESSION *ticket = s->tickets[--s->n_tickets];
        SSL_set_session(c->ssl, ticket);
        SSL_SESSION_free(ticket);
    }
    c->wants = POLLOUT;
    c->is_open = c->has_ticket = 0;
}

/* Reset, so that no port is left waiting. */
static void
end(struct one *c)
{
    static const struct linger now = {.l_onoff = 1};

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    /* or its tickets would be spoilt */
    SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(c->ssl);
    close(c->fd);
    c->ssl = NULL;
}

/* What came of a call: whether it is over. */
static int
wait_for(struct one *c, int rc, struct result *r)
{
    int error = SSL_get_error(c->ssl, rc);

    c->wants = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return 0;
    r->errors++;
    return 1;
}

/* It goes on; true: it is over. */
static int
step(const struct shake *b, struct one *c, struct result *r)
{
    char byte;
    int rc;

    if (!c->is_open) {
        rc = SSL_do_handshake(c->ssl);
        if (rc != 1)
            return wait_for(c, rc, r);
        c->is_open = 1;
        r->requests++;
        r->errors += c->was_offered && !SSL_session_reused(c->ssl);
        if (!b->resumes)
            return 1;
    }
    rc = SSL_read(c->ssl, &byte, 1); /* tickets come behind it */
    return c->has_ticket || wait_for(c, rc, r);
}

static void
run_until(const struct shake *b, struct server *s, uint64_t stop_ns,
          struct result *r)
{
    static struct one all[SHAKE_MANY];
    struct pollfd p[SHAKE_MANY];

    for (int i = 0; i < SHAKE_MANY; i++)
        begin(b, s, &all[i]);
    while (clock_mono_ns() < stop_ns) {
        for (int i = 0; i < SHAKE_MANY; i++)
            p[i] = (struct pollfd){all[i].fd, all[i].wants, 0};
        if (poll(p, SHAKE_MANY, 100) < 0)
            continue;
        for (int i = 0; i < SHAKE_MANY; i++) {
            if (!p[i].revents || !step(b, &all[i], r))
                continue;
            end(&all[i]);
            begin(b, s, &all[i]);
        }
    }
    for (int i = 0; i < SHAKE_MANY; i++)
        end(&all[i]);
}

static uint64_t
own_ns(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return ((uint64_t)u.ru_utime.tv_sec + (uint64_t)u.ru_stime.tv_sec) *
               1000000000u +
           ((uint64_t)u.ru_utime.tv_usec + (uint64_t)u.ru_stime.tv_usec) *
               1000u;
}

static void
run(const struct shake *b, struct server *s, int round)
{
    double seconds = round ? b->seconds : WARM_UP;
    uint64_t busy = meter_machine_ns(), cpu = meter_ns(&s->meter);
    uint64_t mine = own_ns(), begun = clock_mono_ns(), others = 0, wall;
    struct result r = {0};

    run_until(b, s, begun + (uint64_t)(seconds * 1e9), &r);
    wall = clock_mono_ns() - begun;
    cpu = meter_ns(&s->meter) - cpu;
    mine = own_ns() - mine;
    busy = meter_machine_ns() - busy;
    if (busy > cpu + mine)
        others = busy - cpu - mine;
    if (round == 0)
        return;
    printf("%s %s %d %llu %llu %llu %llu %llu %llu\n", b->scenario, s->name,
           round, (unsigned long long)r.requests, (unsigned long long)wall,
           (unsigned long long)cpu, (unsigned long long)mine,
           (unsigned long long)others, (unsigned long long)r.errors);
    fflush(stdout);
}

static SSL_CTX *
new_ctx(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    CHECK(ctx && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
                                            SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_ticket);
    one_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return ctx;
}

int
main(int argc, char **argv)
{
    static struct server servers[MAX_SERVERS];
    struct shake b;
    cpu_set_t cpus;
    int n = 0, pid, rounds;

    if (argc != 6) {
        fprintf(stderr, "usage: %s SCENARIO ROUNDS SECONDS CPU full|resumed\n",
                argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    b = (struct shake){argv[1], atof(argv[3]), argv[5][0] == 'r', new_ctx()};
    rounds = atoi(argv[2]);
    CPU_ZERO(&cpus);
    CPU_SET((size_t)atoi(argv[4]), &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
    while (n < MAX_SERVERS &&
           scanf("%63s %d %d", servers[n].name, &pid, &servers[n].port) == 3)
        meter_open(&servers[n++].meter, pid);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int round = 0; n > 0 && round <= rounds; round++)
        for (int i = 0; i < n; i++) {
            int step_to = round % 2 ? i : n - i;
            run(&b, &servers[(round / 2 + step_to) % n], round);
        }
    SSL_CTX_free(b.ctx);
    return 0;
}
