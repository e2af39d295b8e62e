/* SPDX-License-Identifier: BSD-2-Clause */
/* order.c - PREPARE as a worker carries it out: one worker init a turn of its
 * loop, and the chains some a turn, so that whoever comes meanwhile is served
 * in between.
 *
 * The worker is a real one; the plugin is a table of functions of this file. */
/* tags: asan */
#include "work/order.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/log.h"
#include "http/gen.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "t/lib/unit.h"
#include "work/worker.h"

#define INITS 8
#define ROUTES 200

static struct worker worker;
static struct mailbox control, acceptor;
static struct order order;
static _Atomic int sheds, waits;

/* What a worker init has seen of its worker. */
static struct {
    uint64_t turns;
    int n_served;
} seen[INITS];
static int n_inits, n_exits;

/* Somebody who asks the worker for something while it prepares. */
static struct io_source visitor;
static int visitor_fd;
static int n_served;

static void
serve(struct io_source *s, uint32_t events)
{
    char v[INITS];
    ssize_t n = read(s->fd, v, sizeof v);

    (void)events;
    n_served += n > 0 ? (int)n : 0;
}

static const struct io_handler visitor_handler = {.on_ready = serve};

static void
let_visitor_in(struct worker *w, struct order *o)
{
    io_add(w->env.io, &visitor, o->fd, &visitor_handler);
    io_watch(w->env.io, &visitor, POLLIN);
    order_reply(o, 0);
}

/* ---- the plugin ----------------------------------------------------------*/

static int32_t
on_init(et_worker *pub, const void *from, void *state, et_err *e)
{
    const struct worker *w = CONTAINER_OF(pub, struct worker, env.worker.pub);

    (void)from;
    (void)state;
    (void)e;
    seen[n_inits].turns = metrics_get(w->env.metrics, METRIC_turns);
    seen[n_inits++].n_served = n_served;
    CHECK(write(visitor_fd, "x", 1) == 1);
    return 0;
}

static void
on_end(et_worker *w, void *state)
{
    (void)w;
    (void)state;
    n_exits++;
}

static uint32_t
handle(et_req *r, void *self)
{
    (void)r;
    (void)self;
    return ET_DONE;
}

static const et_statedef state_def = {
    .state_size = 1, .init = on_init, .exit = on_end};
static struct plugin plugin = {
    .magic = PLUGIN_MAGIC, .n_refs = 1, .state = &state_def};

/* ---- its generation ------------------------------------------------------*/

static struct gen_worker part;
static struct instance *instances[INITS];
static struct route routes[ROUTES], *in_order[ROUTES];
static struct gen gen = {.id = 1,
                         .instances = instances,
                         .n_instances = INITS,
                         .routes = in_order,
                         .n_routes = ROUTES,
                         .workers = &part,
                         .n_workers = 1,
                         .workers_left = 1};

static void
make_gen(void)
{
    for (int i = 0; i < INITS; i++) {
        instances[i] = instance_new(&plugin, "x", NULL, 1, NULL);
        ck_assert_ptr_nonnull(instances[i]);
    }
    for (uint32_t i = 0; i < ROUTES; i++) {
        routes[i] = (struct route){.index = i, .name = "x", .handle = handle};
        in_order[i] = &routes[i];
    }
}

/* ---- the control thread --------------------------------------------------*/

static int is_out;

static void
on_reply(struct order *o)
{
    (void)o;
    is_out = 0;
}

static void
expect_reply(void)
{
    struct record v[MAILBOX_BATCH];

    while (is_out) {
        struct pollfd p = {.fd = control.read_fd, .events = POLLIN};
        ck_assert(poll(&p, 1, -1) == 1 || errno == EINTR);
        while (mailbox_recv(&control, v) > 0)
            continue;
        mailbox_deliver(&control, NULL);
    }
    ck_assert_msg(order.result == 0, "%s", order.why);
}

static void
command(void (*run)(struct worker *w, struct order *o), void *arg)
{
    is_out = 1;
    order.run = run;
    order.arg = arg;
    order_give(&worker, &order);
    expect_reply();
}

static struct metrics figures;

static void
start(const char *event)
{
    const struct worker_options o = {.n_workers = 1,
                                     .event = event,
                                     .sheds = &sheds,
                                     .waits = &waits,
                                     .acceptor = &acceptor,
                                     .metrics = &figures,
                                     .slab_capacity = 16,
                                     .max_waits = 16,
                                     .max_tasks = 16,
                                     .task_stack = 65536,
                                     .memory_bytes = 1 << 20,
                                     .control = &control};
    int fds[2];

    log_set_level(0);
    ck_assert_int_eq(mailbox_open(&control), 0);
    ck_assert_int_eq(mailbox_open(&acceptor), 0);
    order.reply_to = &control;
    order.on_reply = on_reply;
    is_out = 1;
    ck_assert_int_eq(worker_start(&worker, &o, &order), 0);
    expect_reply();
    ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    visitor_fd = fds[1];
    order.fd = fds[0];
    command(let_visitor_in, NULL);
}

static void
stop(void)
{
    command(order_abort, &gen);
    ck_assert_int_eq(n_exits, INITS);
    worker_stop(&worker);
    ck_assert_int_eq(worker_join(&worker, 10000), 0);
    for (int i = 0; i < INITS; i++)
        instance_unref(instances[i]);
}

/* Who was there in the turn of one init is served before the next but one: in
 * the turn in between its descriptor and the worker's mailbox are both ready,
 * and either may come first. */
static void
prepare(const char *event)
{
    make_gen();
    start(event);
    command(order_prepare, &gen);
    ck_assert_int_eq(n_inits, INITS);
    for (int i = 1; i < INITS; i++) {
        ck_assert_uint_gt(seen[i].turns, seen[i - 1].turns);
        ck_assert_int_ge(seen[i].n_served, i - 1);
    }
    /* Two hundred chains are more than a turn or two. */
    ck_assert_uint_ge(metrics_get(worker.env.metrics, METRIC_turns),
                      seen[INITS - 1].turns + 3);
    stop();
}

START_TEST(others_have_their_turn_between_two_worker_inits)
{
    prepare("auto");
}
END_TEST

START_TEST(on_epoll_they_have_it_too)
{
    prepare("epoll");
}
END_TEST

UNIT_MAIN(order, others_have_their_turn_between_two_worker_inits,
          on_epoll_they_have_it_too)
