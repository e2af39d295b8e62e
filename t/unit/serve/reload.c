/* SPDX-License-Identifier: BSD-2-Clause */
/* reload.c - ten thousand swaps in one process, whose workers stall at random
 * and hold on to generations at random: every generation goes, and none is
 * used after it has. */
/* tags: tsan */
#include "serve/reload.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "http/gen.h"
#include "serve/control.h"
#include "serve/process.h"
#include "serve/start.h"
#include "serve/stop.h"

#define UNIT_SECONDS 110
#include "t/lib/unit.h"

#define WORKERS 4
#define VISITORS 8 /* a worker */
#ifdef __SANITIZE_THREAD__
#define SWAPS 500
#else
#define SWAPS 10000
#endif

/* Stands for a request: pins the generation that serves when it comes, or lets
 * go of the one it holds; and it keeps its worker busy for a while. */
struct visitor {
    struct mail mail;
    struct gen_worker *pinned;
    uint64_t id; /* of its generation */
    useconds_t stall_us;
    _Atomic int is_out;
};

static struct server s;
static struct visitor visitors[WORKERS][VISITORS];
static uint64_t seen[WORKERS]; /* the newest generation a worker has served */

static void
visit(void *reader, struct mail *m)
{
    struct visitor *v = CONTAINER_OF(m, struct visitor, mail);
    struct worker *w = reader;
    struct env *env = &w->env;
    struct gen_worker *g = v->pinned;

    if (v->stall_us)
        usleep(v->stall_us);
    if (!g) {
        uint64_t id = env->gen->gen->id;
        CHECK(id >= seen[env->worker.pub.index]); /* it never goes back */
        seen[env->worker.pub.index] = v->id = id;
        v->pinned = env->gen;
        env->gen->n_active++;
    } else {
        CHECK(g->gen->id == v->id && g->n_active > 0);
        v->pinned = NULL;
        if (--g->n_active == 0 && g != env->gen)
            env->on_retired(env, g);
    }
    atomic_store(&v->is_out, 0);
}

static unsigned
any(unsigned n)
{
    static unsigned state = 1;

    state = state * 1103515245u + 12345u;
    return state / 65536u % n;
}

/* Send some visitors to their workers. */
static void
send_some(int all)
{
    for (int w = 0; w < WORKERS; w++) {
        for (int i = 0; i < VISITORS; i++) {
            struct visitor *v = &visitors[w][i];
            if (atomic_load(&v->is_out) || (!all && any(4) > 0) ||
                (all && !v->pinned))
                continue;
            v->stall_us = any(16) == 0 ? any(1000) : 0;
            v->mail.deliver = visit;
            atomic_store(&v->is_out, 1);
            mailbox_post(&s.fleet.workers[w].mailbox, &v->mail);
        }
    }
}

static int
anyone_is_out(void)
{
    for (int w = 0; w < WORKERS; w++) {
        for (int i = 0; i < VISITORS; i++) {
            if (atomic_load(&visitors[w][i].is_out))
                return 1;
        }
    }
    return 0;
}

static const char ini[] = "[server]\nlisten = 127.0.0.1:0\nworkers = 4\n"
                          "log_level = error\nhealth = /healthz\n";

START_TEST(ten_thousand_swaps_leave_one_generation)
{
    char path[] = "/tmp/etude-swaps-XXXXXX";
    int fd = mkstemp(path);
    char *env[] = {NULL};
    struct server_options o = {.conf_path = path, .env = env};
    uint32_t most = 0;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, ini, sizeof ini - 1), sizeof ini - 1);
    close(fd);
    s = (struct server){.options = &o, .channel = CHANNEL_NONE};
    ck_assert_int_eq(start_serving(&s), SERVER_OK);
    for (int i = 0; i < SWAPS; i++) {
        send_some(0);
        reload_run(&s);
        most = s.n_gens > most ? s.n_gens : most;
    }
    ck_assert_uint_eq(s.gen->id, SWAPS + 1);
    while (anyone_is_out())
        control_turn(&s, 1);
    send_some(1);
    while (anyone_is_out() || s.n_gens > 1)
        control_turn(&s, 1);
    printf("%u generations at most\n", most);
    ck_assert_uint_gt(most, 2);
    s.orders.stops = 1;
    ck_assert_int_eq(stop_serving(&s), SERVER_OK);
    unlink(path);
}
END_TEST

UNIT_MAIN(reload, ten_thousand_swaps_leave_one_generation)
