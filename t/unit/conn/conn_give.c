/* SPDX-License-Identifier: BSD-2-Clause */
/* conn_give.c - a connection changes hands, and a request comes at any moment
 * of that: it is answered once.
 *
 * Two workers' environments in one thread, each with a loop of its own, on each
 * backend; the handler says which of them it ran on.
 * tags: asan */
#include "conn/conn_give.h"

#include "base/err.h"
#include "conn/census.h"
#include "conn/conn.h"
#include "conn/env.h"
#include "http/dispatch.h"
#include "http/gen.h"
#include "http/req.h"
#include "http/router.h"
#include "proto/http1_out.h"
#include "t/unit/io/harness.h"

#define SLOTS 4
#define GET "GET /x HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
#define PROXY "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n"

/* ---- two workers ----------------------------------------------------------*/

struct side {
    struct env env;
    struct metrics metrics;
    int n_closed;
};
static struct side sides[2];
static struct env *const a = &sides[0].env, *const b = &sides[1].env;
static struct census census;
static struct body_budget budget = {.memory_max = 1 << 20};
static int n_run; /* of the handler */

static struct gen_worker parts[2];
static struct route route;
static struct route *routes[] = {&route};
static struct gen gen = {
    .id = 1, .routes = routes, .n_routes = 1, .workers = parts, .n_workers = 2};
static struct diag diag;

/* "0" or "1": the index of the worker. */
static uint32_t
say_who(et_req *pub, void *self)
{
    static const et_str type = {"text/plain", 10};
    struct req *r = req_of(pub);

    (void)self;
    n_run++;
    resp_reply_mem(&r->resp, 200, type, pub->worker->index ? "1" : "0", 1);
    return ET_DONE;
}

static void *
bind_route(void *arg, void *target, void *const *scopes, uint32_t n)
{
    (void)arg;
    (void)target;
    (void)scopes;
    (void)n;
    return &route;
}

static void
make_gen(void)
{
    route = (struct route){.kind = ROUTE_MISS,
                           .name = "",
                           .handle = say_who,
                           .body = ET_B_BUFFER,
                           .max_body = -1,
                           .body_timeout_ms = -1,
                           .write_timeout_ms = -1,
                           .wait_timeout_ms = -1};
    diag_init(&diag);
    arena_init(&gen.arena, NULL, 0, NULL, (size_t)1 << 30);
    gen.router = router_new(&gen.arena);
    ck_assert_int_eq(router_build(gen.router, bind_route, NULL, &diag), 0);
}

static void
on_retired(struct env *env, struct gen_worker *g)
{
    (void)env;
    (void)g;
}

static void
on_closed(struct env *env)
{
    CONTAINER_OF(env, struct side, env)->n_closed++;
}

static void
set_limits(struct limits *l)
{
    *l = (struct limits){.head = {8192, 8192, 100},
                         .max_body = 1 << 20,
                         .body_memory = 1 << 16,
                         .discard_body = 1 << 16,
                         .keepalive_ms = 60000,
                         .header_ms = 60000,
                         .body_ms = 60000,
                         .write_ms = 60000,
                         .idle_demote_ms = 60000,
                         .idle_soonest_ms = 60000,
                         .read_buffer = 16384,
                         .write_buffer = 16384,
                         .max_requests = UINT32_MAX};
}

/* False where the kernel refuses the backend. */
static int
open_side(struct side *s, int backend, uint32_t index)
{
    struct env *env = &s->env;
    char why[200];

    *s = (struct side){0};
    env->io = open_io(backend, (struct io_options){.entries = 64});
    if (!env->io)
        return 0;
    clock_update(&env->clock);
    wheel_init(&env->wheel, env->clock.mono_ms);
    blocks_init(&env->blocks, 1 << 24);
    ck_assert_int_eq(slab_init(&env->conns, sizeof(struct conn), SLOTS), 0);
    ck_assert_int_eq(slab_init(&env->reqs, REQ_SLOT_BYTES, SLOTS), 0);
    http1_common_init(&env->common, (et_str){NULL, 0}, env->clock.date);
    http1_common_init(&env->common_bare, (et_str){NULL, 0}, env->clock.date);
    host_worker_init(&env->worker, index, 2);
    env->worker.clock = &env->clock;
    env->worker.metrics = &s->metrics;
    env->metrics = &s->metrics;
    env->budget = &budget;
    env->census = &census;
    for (int i = 0; i < ROUTE_PRIORITIES; i++)
        env->shed_beyond[i] = env->look_beyond = UINT32_MAX;
    env->on_retired = on_retired;
    env->on_closed = on_closed;
    env->listeners[1].proxy = 1;
    set_limits(&env->limits);
    gen_prepare(&gen, &env->worker.pub);
    while (gen_prepare_step(&gen, &env->worker.pub, why, sizeof why) > 0)
        continue;
    env->gen = &parts[index];
    return 1;
}

static void
close_side(struct side *s)
{
    struct env *env = &s->env;

    ck_assert_uint_eq(env->conns.n_used, 0);
    ck_assert_uint_eq(env->reqs.n_used, 0);
    ck_assert_uint_eq(env->n_leaving, 0);
    ck_assert_uint_eq(env->wheel.n_armed, 0);
    ck_assert_uint_eq(metrics_get(env->metrics, METRIC_connections_active), 0);
    io_close(env->io);
    slab_fini(&env->conns);
    slab_fini(&env->reqs);
    blocks_fini(&env->blocks);
}

/* One turn of each loop. */
static void
turns(void)
{
    turn(a->io, 2);
    turn(b->io, 2);
}

#define WAIT_UNTIL(cond)                                                       \
    do {                                                                       \
        for (int turns_ = 0; !(cond) && turns_ < 2000; turns_++)               \
            turns();                                                           \
        ck_assert_msg(cond, "never: %s", #cond);                               \
    } while (0)

/* ---- who is given them ----------------------------------------------------*/

struct taker {
    struct giver giver;
    int n_given;
    int fd; /* the last one */
    struct handed h;
    int holds; /* keep it at fd; else b takes it at once */
    int is_refused;
};

static void
on_given(struct giver *g, struct env *env, int fd, const struct handed *h)
{
    struct taker *t = CONTAINER_OF(g, struct taker, giver);

    (void)env;
    t->n_given++;
    t->fd = fd;
    t->h = *h;
    if (!t->holds)
        ck_assert_int_eq(conn_take(b, fd, h), 0);
}

static int
wants(struct giver *g, struct conn *c)
{
    (void)c;
    return !CONTAINER_OF(g, struct taker, giver)->is_refused;
}

static struct taker taker;
static int client; /* the other end of the connection */

/* A connection of listener at a, with nothing read. */
static struct conn *
connect_to(uint8_t listener)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    client = fds[0];
    ck_assert(census_enter(&census));
    ck_assert_int_eq(conn_open(a, fds[1], listener), 0);
    return slab_at(&a->conns, 0);
}

static void
say(const char *text)
{
    ck_assert_int_eq(send(client, text, strlen(text), MSG_NOSIGNAL),
                     (ssize_t)strlen(text));
}

/* Exactly n answers come; who[i] said the i-th. */
static void
expect(int n, const char *who)
{
    static char got[8192];
    size_t len = 0;
    int n_got = 0;

    for (int i = 0; i < 2000 && n_got < n; i++) {
        ssize_t k = recv(client, got + len, sizeof got - 1 - len, MSG_DONTWAIT);
        len += k > 0 ? (size_t)k : 0;
        got[len] = '\0';
        n_got = 0;
        for (const char *p = got; (p = strstr(p, "\r\n\r\n")) && p[4]; p += 5) {
            ck_assert_int_eq(p[4], who[n_got]);
            n_got++;
        }
        turns();
    }
    ck_assert_msg(n_got == n, "%d answers:\n%s", n_got, got);
    for (int i = 0; i < 3; i++)
        turns();
    ck_assert_int_le(recv(client, got, 1, MSG_DONTWAIT), 0);
}

static void
hang_up(void)
{
    close(client);
    WAIT_UNTIL(a->conns.n_used == 0 && b->conns.n_used == 0);
}

static void
end(void)
{
    ck_assert_uint_eq(census.n, 0);
    census_fini(&census);
    for (int i = 0; i < 2; i++) {
        close_side(&sides[i]);
        (void)!gen_retire(&parts[i]);
    }
}

#define START()                                                                \
    do {                                                                       \
        make_gen();                                                            \
        ck_assert_int_eq(census_init(&census), 0);                             \
        gen.workers_left = 2;                                                  \
        if (!open_side(&sides[0], _i, 0) || !open_side(&sides[1], _i, 1))      \
            return;                                                            \
        taker =                                                                \
            (struct taker){.giver = {.on_given = on_given, .wants = wants}};   \
    } while (0)

/* ---- tests ----------------------------------------------------------------*/

START_TEST(an_idle_connection_goes_and_is_served_there)
{
    struct conn *c;

    START();
    c = connect_to(0);
    say(GET);
    expect(1, "0");
    ck_assert(!conn_give(c)); /* to whom? */
    conn_give_some(a, &taker.giver);
    ck_assert(conn_give(c));
    ck_assert(!conn_give(c)); /* it is on its way */
    WAIT_UNTIL(taker.n_given == 1);
    ck_assert_uint_eq(taker.h.n_requests, 1);
    ck_assert_uint_eq(a->conns.n_used, 0);
    ck_assert_int_eq(sides[0].n_closed, 1);
    say(GET);
    expect(1, "1");
    say(GET GET);
    expect(2, "11");
    ck_assert_uint_eq(metrics_get(a->metrics, METRIC_connections_given), 1);
    ck_assert_uint_eq(metrics_get(b->metrics, METRIC_connections_taken), 1);
    hang_up();
    ck_assert_int_eq(taker.n_given, 1);
    end();
}
END_TEST

enum point {
    BEFORE, /* the request is there, nobody has read it */
    READ,   /* io_uring: and now the kernel has, for us */
    ASKED,  /* the kernel is asked to let go */
    WAITED, /* and was, its answer not looked at */
    GIVEN,  /* nobody's */
    TAKEN,  /* the other's */
    POINTS
};

/* One request of n_parts pieces, the first of them at point p. */
static void
send_at(enum point p, const char *text, size_t first)
{
    struct conn *c = connect_to(0);
    char part[256];

    snprintf(part, sizeof part, "%.*s", (int)first, text);
    turns();
    n_run = 0;
    taker.holds = 1;
    taker.n_given = 0;
    conn_give_some(a, &taker.giver);
    if (p == BEFORE || p == READ)
        say(part);
    if (p == READ)
        ck_assert_int_eq(io_wait(a->io, 5), 0);
    ck_assert(conn_give(c));
    if (p == ASKED)
        say(part);
    if (p != READ)
        ck_assert_int_eq(io_wait(a->io, 0), 0);
    if (p == WAITED)
        say(part);
    io_dispatch(a->io);
    if (p < GIVEN && first < strlen(text)) {
        for (int i = 0; i < 3; i++)
            turns();
        say(text + first);
        first = strlen(text);
    }
    WAIT_UNTIL(taker.n_given == 1); /* it goes, before the request or after */
    if (p == GIVEN)
        say(part);
    ck_assert_int_eq(conn_take(b, taker.fd, &taker.h), 0);
    if (p == TAKEN)
        say(part);
    for (int i = 0; i < 3; i++)
        turns();
    if (first < strlen(text) && p >= GIVEN)
        say(text + first);
    expect(1, n_run == 1 && taker.h.n_requests == 1 ? "0" : "1");
    ck_assert_int_eq(n_run, 1);
    say(GET);
    expect(1, "1");
    conn_give_some(a, NULL);
    hang_up();
}

START_TEST(a_request_at_any_point_is_answered_once)
{
    START();
    for (int p = 0; p < POINTS; p++)
        send_at((enum point)p, GET, strlen(GET));
    end();
}
END_TEST

START_TEST(and_so_is_one_in_two_pieces)
{
    START();
    for (int p = 0; p < POINTS; p++) {
        for (size_t n = 1; n < strlen(POST); n += 7)
            send_at((enum point)p, POST, n);
    }
    end();
}
END_TEST

/* Bytes the kernel has read for us are ours: only io_uring does that. */
START_TEST(what_was_read_is_answered_here_and_then_it_goes)
{
    struct conn *c;
    int is_read = _i == 0;

    START();
    c = connect_to(0);
    turns();
    conn_give_some(a, &taker.giver);
    say(GET GET);
    ck_assert_int_eq(io_wait(a->io, 5), 0);
    ck_assert(conn_give(c));
    io_dispatch(a->io);
    expect(2, is_read ? "00" : "11");
    ck_assert_int_eq(taker.n_given, 1);
    ck_assert_uint_eq(taker.h.n_requests, is_read ? 2 : 0);
    ck_assert_uint_eq(metrics_get(a->metrics, METRIC_connections_kept), 0);
    say(GET);
    expect(1, "1");
    hang_up();
    end();
}
END_TEST

START_TEST(a_busy_one_goes_at_its_boundary)
{
    START();
    (void)connect_to(0);
    say("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
    for (int i = 0; i < 3; i++)
        turns();
    conn_give_all(a, &taker.giver);
    for (int i = 0; i < 3; i++)
        turns();
    ck_assert_int_eq(taker.n_given, 0);
    say("llo");
    expect(1, "0");
    WAIT_UNTIL(taker.n_given == 1);
    say(GET);
    expect(1, "1");
    hang_up();
    end();
}
END_TEST

START_TEST(all_that_are_idle_go_at_once)
{
    int clients[SLOTS];

    START();
    for (int i = 0; i < SLOTS; i++) {
        (void)connect_to(0);
        clients[i] = client;
    }
    turns();
    conn_give_all(a, &taker.giver);
    WAIT_UNTIL(taker.n_given == SLOTS);
    ck_assert_uint_eq(b->conns.n_used, SLOTS);
    for (int i = 0; i < SLOTS; i++) {
        client = clients[i];
        say(GET);
        expect(1, "1");
        close(client);
    }
    WAIT_UNTIL(b->conns.n_used == 0);
    end();
}
END_TEST

START_TEST(who_is_not_wanted_stays)
{
    START();
    (void)connect_to(0);
    taker.is_refused = 1;
    conn_give_all(a, &taker.giver);
    say(GET);
    expect(1, "0");
    ck_assert_int_eq(taker.n_given, 0);
    taker.is_refused = 0;
    say(GET);
    expect(1, "0");
    WAIT_UNTIL(taker.n_given == 1);
    hang_up();
    end();
}
END_TEST

START_TEST(without_a_giver_those_on_their_way_stay)
{
    struct conn *c;

    START();
    c = connect_to(0);
    turns();
    conn_give_some(a, &taker.giver);
    ck_assert(conn_give(c));
    conn_give_some(a, NULL);
    say(GET);
    expect(1, "0");
    ck_assert_int_eq(taker.n_given, 0);
    ck_assert_uint_eq(metrics_get(a->metrics, METRIC_connections_kept), 1);
    ck_assert(!a->is_watchful);
    hang_up();
    end();
}
END_TEST

/* At each point at which it may end. */
START_TEST(one_that_ends_on_its_way_leaves_nothing_behind)
{
    START();
    for (int how = 0; how < 4; how++) {
        struct conn *c = connect_to(0);
        turns();
        conn_give_some(a, &taker.giver);
        if (how == 0)
            close(client);
        ck_assert(conn_give(c));
        if (how == 1)
            close(client);
        if (how == 2)
            conn_close(c);
        ck_assert_int_eq(io_wait(a->io, 0), 0);
        if (how == 3)
            close(client);
        io_dispatch(a->io);
        if (how == 2)
            close(client);
        WAIT_UNTIL(a->conns.n_used == 0 && b->conns.n_used == 0);
        conn_give_some(a, NULL);
    }
    end();
}
END_TEST

START_TEST(it_takes_along_what_it_is)
{
    struct conn *c;
    struct addr peer;
    uint64_t since;

    START();
    c = connect_to(1);
    say(PROXY GET);
    expect(1, "0");
    c->is_orphan = 1;
    since = c->since_ms -= 1234;
    conn_give_some(a, &taker.giver);
    ck_assert(conn_give(c));
    WAIT_UNTIL(taker.n_given == 1);
    c = slab_at(&b->conns, 0);
    ck_assert_int_eq(conn_peer(c, &peer), 0);
    ck_assert_uint_eq(peer.port, 4711);
    ck_assert_uint_eq(c->listener, 1);
    ck_assert_uint_eq(c->n_requests, 1);
    ck_assert_uint_eq(c->since_ms, since);
    say(GET); /* no second PROXY header; the last answer */
    expect(1, "1");
    ck_assert_int_eq(recv(client, &peer, 1, MSG_DONTWAIT), 0);
    hang_up();
    end();
}
END_TEST

START_TEST(it_may_go_before_its_proxy_header)
{
    struct conn *c;

    START();
    c = connect_to(1);
    turns();
    conn_give_some(a, &taker.giver);
    ck_assert(conn_give(c));
    WAIT_UNTIL(taker.n_given == 1);
    ck_assert(taker.h.awaits_proxy);
    say(PROXY GET);
    expect(1, "1");
    hang_up();
    end();
}
END_TEST

START_TEST(who_has_no_slot_leaves_it_to_the_giver)
{
    struct conn *c;
    int ends[SLOTS][2];

    START();
    c = connect_to(0);
    turns();
    for (int i = 0; i < SLOTS; i++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]), 0);
        ck_assert(census_enter(&census));
        ck_assert_int_eq(conn_open(b, ends[i][1], 0), 0);
    }
    taker.holds = 1;
    conn_give_some(a, &taker.giver);
    ck_assert(conn_give(c));
    WAIT_UNTIL(taker.n_given == 1);
    ck_assert_int_eq(conn_take(b, taker.fd, &taker.h), ERR_LIMIT);
    ck_assert_int_eq(conn_take(a, taker.fd, &taker.h), 0);
    conn_give_some(a, NULL);
    say(GET);
    expect(1, "0");
    for (int i = 0; i < SLOTS; i++)
        close(ends[i][0]);
    hang_up();
    end();
}
END_TEST

/* clang-format off */
UNIT_RUN(((struct unit){.name = "conn_give", .times = 2}),
         an_idle_connection_goes_and_is_served_there,
         a_request_at_any_point_is_answered_once,
         and_so_is_one_in_two_pieces,
         what_was_read_is_answered_here_and_then_it_goes,
         a_busy_one_goes_at_its_boundary,
         all_that_are_idle_go_at_once,
         who_is_not_wanted_stays,
         without_a_giver_those_on_their_way_stay,
         one_that_ends_on_its_way_leaves_nothing_behind,
         it_takes_along_what_it_is,
         it_may_go_before_its_proxy_header,
         who_has_no_slot_leaves_it_to_the_giver)
/* clang-format on */
